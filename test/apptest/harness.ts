// A real server process for black-box tests: a free port, a data folder of its own, a scrubbed
// environment, ended by its own id. Ready means the ready line; everything else is asked over HTTP.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { NotReadyError } from '../support/not-ready.ts';

const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'src/app/server/main.ts');
const CTL = join(ROOT, 'src/app/ctl/main.ts');
/** Further arguments of every server: a test file may run the tests of another one with them. */
export const MORE_ARGS = 'ORRERY_TEST_ARGS';
/** ORRERY_TEST_PATIENCE: so many times as long, for soaks that run behind everything else. */
const PATIENCE = Number(process.env['ORRERY_TEST_PATIENCE'] ?? 1);
const READY_TIMEOUT_MS = 20_000 * PATIENCE;
const COMMAND_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 15_000 * PATIENCE;
const OUTPUT_LENGTH_MAX = 100_000;

export interface ExitedProcess {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningOrrery {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly data: string;
  /** The ready line. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Resolves when the process is gone, by whatever. */
  readonly exited: Promise<ExitedProcess>;
  /** Both streams so far. */
  output(): string;
  get(path: string, init?: RequestInit): Promise<TextAnswer>;
  post(
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    init?: RequestInit,
  ): Promise<TextAnswer>;
  /** SIGKILL, resolves when the process is gone. The data folder stays. */
  kill(): Promise<void>;
  /** SIGTERM, resolves when the process is gone; removes a data folder that the harness made. */
  stop(): Promise<ExitedProcess>;
}

export interface TextAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

function spawnOrrery(
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
  main = MAIN,
) {
  return spawn(process.execPath, [main, ...args], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, LANG: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

class Output {
  stdout = '';
  stderr = '';
  /** Ended, and all that it said is here: an exit alone may come before the words. */
  readonly closed: Promise<void>;
  constructor(child: ChildProcess) {
    this.closed = new Promise((resolve) => child.once('close', () => resolve()));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout = (this.stdout + text).slice(-OUTPUT_LENGTH_MAX);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-OUTPUT_LENGTH_MAX);
    });
  }
  get all(): string {
    return this.stdout + this.stderr;
  }
}

async function exitOf(child: ChildProcess, output: Output): Promise<ExitedProcess> {
  await output.closed;
  const { stdout, stderr } = output;
  return { code: child.exitCode, signal: child.signalCode, stdout, stderr };
}

/** Kills a child that does not end by itself in time. */
async function exitWithin(
  child: ChildProcess,
  output: Output,
  timeoutMs: number,
): Promise<ExitedProcess> {
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  try {
    return await exitOf(child, output);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs `main.ts` with arguments until it exits by itself. */
export async function runOrrery(
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Promise<ExitedProcess> {
  const child = spawnOrrery(args, options.cwd ?? tmpdir(), options.env ?? {});
  return await exitWithin(child, new Output(child), READY_TIMEOUT_MS);
}

/** Runs a command other than `serve` until it ends. */
export async function runCtl(
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Promise<ExitedProcess> {
  const child = spawnOrrery(args, options.cwd ?? tmpdir(), options.env ?? {}, CTL);
  return await exitWithin(child, new Output(child), COMMAND_TIMEOUT_MS);
}

/** Starts such a command; it is killed by SIGKILL, `kill` says whether it had not ended before. */
export function startCtl(args: readonly string[], options: { readonly cwd?: string }) {
  const child = spawnOrrery(args, options.cwd ?? tmpdir(), {}, CTL);
  const output = new Output(child);
  return {
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async kill(): Promise<boolean> {
      child.kill('SIGKILL');
      return (await exitOf(child, output)).signal === 'SIGKILL';
    },
  };
}

function readyLine(child: ChildProcess, output: Output): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no ready line in time:\n${output.all}`)),
      READY_TIMEOUT_MS,
    );
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      const why = `the server ended with ${String(code ?? signal)} before it was ready`;
      reject(new NotReadyError(signal, `${why}:\n${output.all}`));
    });
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', (line) => {
        if (!line.includes('"msg":"ready"')) return;
        clearTimeout(timer);
        resolve(JSON.parse(line) as Record<string, unknown>);
      });
  });
}

/**
 * What the process removes when it ends: data of killed servers may be opened again until then,
 * and servers that ended by themselves or by their id leave theirs too.
 */
const left = new Set<string>();
process.once('exit', () => {
  for (const folder of left) rmSync(folder, { recursive: true, force: true });
});

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  left.delete(folder);
}

export async function startOrrery(
  args: readonly string[],
  options: { readonly env?: Record<string, string> } = {},
): Promise<RunningOrrery> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-app-'));
  left.add(folder);
  const at = args.indexOf('--data');
  const data = at < 0 ? join(folder, 'data') : args[at + 1]!;
  const where = [...(at < 0 ? ['--data', data] : []), '--http', '127.0.0.1:0'];
  const more = process.env[MORE_ARGS]?.split(' ') ?? [];
  const all = [
    'serve',
    ...(args.includes('--http') ? where.slice(0, -2) : where),
    ...args,
    ...more,
  ];
  const child = spawnOrrery(all, folder, options.env ?? {});
  const output = new Output(child);
  let ready: Record<string, unknown>;
  try {
    ready = await readyLine(child, output);
  } catch (error) {
    child.kill('SIGKILL');
    await removeFolder(folder);
    throw error;
  }
  const url = String(ready['url']);
  async function get(path: string, init?: RequestInit): Promise<TextAnswer> {
    const answer = await fetch(url + path, init);
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }
  async function end(signal: NodeJS.Signals): Promise<ExitedProcess> {
    child.kill(signal);
    const exited = await exitWithin(child, output, STOP_TIMEOUT_MS);
    if (at >= 0 || signal === 'SIGTERM') await removeFolder(folder);
    return exited;
  }
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid!,
    data,
    ready,
    exited: exitOf(child, output),
    output: () => output.all,
    get,
    post: (path, body, init = {}) => get(path, { method: 'POST', body, ...init }),
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
  };
}
