// `npm run bench:start [-- RUNS [ENTRY]]`: what an empty server costs. Starts `serve --no-collect`
// on a fresh folder again and again and prints the medians: milliseconds from exec to the ready
// line, processor time until then, and resident memory when idle two seconds later. One start
// before the first fills the compile cache. ENTRY is the server's own or, for what `npm start`
// runs, bin/orrery.mjs. Linux only: it reads /proc.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const MAIN = resolve(import.meta.dirname, '..', process.argv[3] ?? 'src/app/server/main.ts');
const IDLE_MS = 2000;
const RUNS_DEFAULT = 9;
/** Unit of the times in /proc/PID/stat on every Linux that Node runs on. */
const TICK_MS = 10;

interface Start {
  readonly readyMs: number;
  /** User and system time of all threads until the ready line, and until the idle measurement. */
  readonly readyCpuMs: number;
  readonly idleCpuMs: number;
  readonly rssMb: number;
  /** The part of it that is not mapped from a file. */
  readonly anonMb: number;
}

async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

async function untilReady(child: ChildProcess): Promise<void> {
  const { stdout } = child;
  if (stdout === null) throw new Error('the server has no standard output');
  let text = '';
  for await (const chunk of stdout.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('"ready"')) return;
  }
  throw new Error(`the server ended before it was ready: ${text}`);
}

async function measure(): Promise<Start> {
  const data = await mkdtemp(join(tmpdir(), 'orrery-start-'));
  const args = [MAIN, 'serve', '--no-collect', '--data', data, '--http', '127.0.0.1:0'];
  const t0 = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  try {
    await untilReady(child);
    const readyMs = performance.now() - t0;
    const pid = child.pid ?? 0;
    const readyCpuMs = await cpuMs(pid);
    await sleep(IDLE_MS);
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const field = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1000;
    const idleCpuMs = await cpuMs(pid);
    return { readyMs, readyCpuMs, idleCpuMs, rssMb: field('VmRSS'), anonMb: field('RssAnon') };
  } finally {
    child.kill('SIGTERM');
    await exited;
    await rm(data, { recursive: true });
  }
}

const runs = Number(process.argv[2] ?? RUNS_DEFAULT);
await measure();
const starts: Start[] = [];
for (let i = 0; i < runs; i++) starts.push(await measure());

function row(name: string, read: (start: Start) => number): void {
  const sorted = starts.map(read).toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.round(share * (runs - 1))] ?? Number.NaN).toFixed(1);
  console.log(`${name.padEnd(22)} ${at(0.5).padStart(7)}   ${at(0)} … ${at(1)}`);
}

console.log(`${runs} starts             median   min … max`);
row('ready, ms', (start) => start.readyMs);
row('CPU until ready, ms', (start) => start.readyCpuMs);
row('CPU until idle, ms', (start) => start.idleCpuMs);
row('RSS when idle, MB', (start) => start.rssMb);
row('of it anonymous, MB', (start) => start.anonMb);
