// bin/orrery.mjs on scratch checkouts: what it builds, which main it runs and on which Node, and
// how signals, exit codes and the caller's directory pass through. The mains are stand-ins.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
/** On standard output, before a stand-in waits to be told to stop. */
const READY = 'ready';

/** Prints how it was started; `wait` stays until SIGTERM and exits 7. */
const STAND_IN = `
console.log(JSON.stringify({ main: import.meta.url.split('/').at(-2), args: process.argv.slice(2),
  cwd: process.cwd(), version: process.version }));
if (process.argv.includes('wait')) {
  const timer = setInterval(() => {}, 1000);
  process.once('SIGTERM', () => { clearInterval(timer); process.exitCode = 7; });
  console.log('${READY}');
}
`;

/** Stands in the place of the pinned Node, run by the real one; exits 5 when it need not wait. */
const FAKE_NODE = `#!${process.execPath}
console.log('pinned: ' + process.argv.slice(2).join(' '));
process.exitCode = 5;
if (process.argv.includes('wait')) {
  const timer = setInterval(() => {}, 1000);
  process.once('SIGTERM', () => { clearInterval(timer); process.exitCode = 7; });
  console.log('${READY}');
}
`;

interface Checkout extends Disposable {
  readonly root: string;
  readonly bin: string;
}

/** Launcher, build and stand-ins, without sources to build. */
function checkout(): Checkout {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'orrery-launch-')));
  for (const file of ['bin/orrery.mjs', 'package.json', 'tools/build.ts', 'src/app/build-stamp.ts'])
    cpSync(join(ROOT, file), join(root, file));
  writeFileSync(join(root, 'package-lock.json'), '{}');
  for (const main of ['server', 'ctl']) {
    mkdirSync(join(root, 'src/app', main));
    writeFileSync(join(root, 'src/app', main, 'main.ts'), STAND_IN);
  }
  return {
    root,
    bin: join(root, 'bin/orrery.mjs'),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** With the packages of this checkout, so with the Node that runs this test. */
function realCheckout(): Checkout {
  const made = checkout();
  symlinkSync(join(ROOT, 'node_modules'), join(made.root, 'node_modules'));
  return made;
}

/** Pins a Node of another version, whose executable is a script. */
function fakeCheckout(installedVersion = '99.0.0'): Checkout {
  const made = checkout();
  const manifest = JSON.parse(readFileSync(join(made.root, 'package.json'), 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  for (const name of Object.keys(manifest.optionalDependencies)) {
    manifest.optionalDependencies[name] = '99.0.0';
    const node = join(made.root, 'node_modules', name, 'bin/node');
    mkdirSync(dirname(node), { recursive: true });
    writeFileSync(node, FAKE_NODE, { mode: 0o755 });
    const installed = JSON.stringify({ version: installedVersion });
    writeFileSync(join(made.root, 'node_modules', name, 'package.json'), installed);
  }
  writeFileSync(join(made.root, 'package.json'), JSON.stringify(manifest));
  return made;
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(bin: string, args: string[], cwd: string): ChildProcess {
  return spawn(process.execPath, [bin, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Waits for the end; sends `signal` once the child is ready. */
async function outcome(child: ChildProcess, signal?: NodeJS.Signals): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    if (signal !== undefined && !stdout.includes(READY) && (stdout + text).includes(READY))
      child.kill(signal);
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

function launch(made: Checkout, args: string[], cwd = made.root): Promise<Outcome> {
  return outcome(start(made.bin, args, cwd));
}

test('--version needs neither packages nor a build', async () => {
  using made = checkout();
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  const { code, stdout } = await launch(made, ['--version']);
  assert.deepEqual([code, stdout], [0, `orrery ${version}\n`]);
});

test('serve builds once, then runs the server main in the directory of the caller', async () => {
  using made = realCheckout();
  const elsewhere = join(made.root, 'bin');
  for (const [args, builds] of [
    [['serve', '--data', 'd'], true],
    [['--data', 'd'], false],
    [[], false],
  ] as const) {
    const { code, stdout, stderr } = await launch(made, [...args], elsewhere);
    const { version } = process;
    assert.deepEqual(JSON.parse(stdout), { main: 'server', args, cwd: elsewhere, version });
    assert.equal(code, 0);
    assert.equal(stderr.includes('build: wasm done'), builds, stderr);
  }
});

test('other commands and help run the other main, and help builds nothing', async () => {
  using made = realCheckout();
  for (const [args, main] of [
    [['query', 'up'], 'ctl'],
    [['--help'], 'ctl'],
    [['serve', '--help'], 'server'],
  ] as const) {
    const { stdout } = await launch(made, [...args]);
    assert.equal((JSON.parse(stdout) as { main: string }).main, main);
  }
  assert.equal(existsSync(join(made.root, 'dist')), false);
});

test('a build that fails stops the start', async () => {
  using made = realCheckout();
  mkdirSync(join(made.root, 'kernels'));
  writeFileSync(join(made.root, 'kernels/bad.ts'), 'export function x( {');
  const { code, stdout, stderr } = await launch(made, ['serve']);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /kernels\/bad\.ts/);
});

test('a signal reaches the server, and its exit code comes back', async () => {
  using made = realCheckout();
  const ended = await outcome(start(made.bin, ['serve', 'wait'], made.root), 'SIGTERM');
  assert.equal(ended.code, 7);
});

test('another Node starts the pinned one, and passes on arguments, signals and exit code', async () => {
  using made = fakeCheckout();
  const short = await launch(made, ['query', 'a b']);
  assert.deepEqual([short.code, short.stdout], [5, `pinned: ${made.bin} query a b\n`]);
  const ended = await outcome(start(made.bin, ['serve', 'wait'], made.root), 'SIGTERM');
  assert.equal(ended.code, 7);
});

test('a pinned Node that is missing or of another version is told in one sentence', async () => {
  using missing = checkout();
  using old = fakeCheckout('98.0.0');
  for (const made of [missing, old]) {
    const { code, stdout, stderr } = await launch(made, ['serve']);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^orrery: Node [\d.]+ is not installed in .*: run `npm ci` there\.\n$/);
  }
});

test('two starts at once build once and both serve', async () => {
  using made = realCheckout();
  const ended = await Promise.all([launch(made, ['serve']), launch(made, ['serve'])]);
  for (const { code, stdout } of ended) {
    assert.equal(code, 0);
    assert.match(stdout, /"main":"server"/);
  }
  const builds = ended.filter(({ stderr }) => stderr.includes('build: wasm done'));
  assert.equal(builds.length, 1);
  const left = readdirSync(join(made.root, 'dist')).filter((name) => name.includes('.new'));
  assert.deepEqual(left, []);
});
