// Runs one child process of the test command: scrubbed environment, its own process group, a
// deadline at which the whole group is killed, output captured so that tiers running side by side
// do not mix.
import { spawn } from 'node:child_process';
import { join, delimiter } from 'node:path';
import type { Ending } from './result.ts';

/** The rest of the environment never reaches a test: it must not depend on who runs it. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'TMPDIR',
  'LANG',
  'CHROMIUM',
  'ORRERY_SHARED',
  'TEST_STRICT',
  'CI',
];
/** Clients of the peers, and how many kills, seeds and minutes the long tests take. */
const PASSED_ON_PREFIXES = ['PEERS_', 'ORRERY_SIM_', 'ORRERY_TEST_', 'ORRERY_SOAK_'];

/** Keeps the end of what a runaway child prints. */
const OUTPUT_CHARS_MAX = 4_000_000;

/** What npm needs to reach its registry, for tiers that install clients. */
const FOR_INSTALLS =
  /^(NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|(HTTPS?|NO)_PROXY|npm_config_(registry|userconfig|cache))$/i;

export function scrubbedEnv(
  env: Readonly<Record<string, string | undefined>>,
  options: { root: string; mayInstall: boolean },
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const isKept =
      PASSED_ON.includes(name) ||
      PASSED_ON_PREFIXES.some((prefix) => name.startsWith(prefix)) ||
      (options.mayInstall && FOR_INSTALLS.test(name));
    if (isKept && value !== undefined) kept[name] = value;
  }
  // The pinned Node and the checkers come first, as under npm.
  kept['PATH'] = [join(options.root, 'node_modules/.bin'), env['PATH'] ?? ''].join(delimiter);
  return kept;
}

const running = new Set<number>();

/** Kills every group still running; for a runner that is itself told to stop. */
export function killAll(): void {
  for (const pid of running) killGroup(pid);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // Already gone.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

export function runChild(
  command: readonly [string, ...string[]],
  options: { root: string; env: Record<string, string>; deadlineSec: number },
): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: options.root,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  let isLate = false;
  const collect = (chunk: string): void => {
    output = (output + chunk).slice(-OUTPUT_CHARS_MAX);
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  const pid = child.pid;
  if (pid !== undefined) running.add(pid);
  const timer = setTimeout(() => {
    isLate = true;
    if (pid !== undefined) killGroup(pid);
  }, options.deadlineSec * 1000);
  child.on('error', (error) => {
    clearTimeout(timer);
    resolve({ exitCode: null, signal: error.message, isLate, output });
  });
  // A grandchild that outlives its test would hold the pipes open: it goes with its parent.
  child.on('exit', () => {
    if (pid !== undefined) killGroup(pid);
  });
  child.on('close', (exitCode, signal) => {
    clearTimeout(timer);
    if (pid !== undefined) running.delete(pid);
    resolve({ exitCode, signal, isLate, output });
  });
  return promise;
}
