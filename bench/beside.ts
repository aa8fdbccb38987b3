// `npm run bench:beside [-- --only KIND,…] [--seconds N] [--samples N] [--dir DIR] [--json]`: what
// writes and light queries feel of heavy ones. A server takes 20 million samples (2000 counters),
// compacted. Then durable writes of 500 samples come 50 times a second and one series is asked for
// 20 times a second, each whether or not the last one was answered, first alone, then while each
// kind of heavy query runs again and again. At the end the one that runs is canceled through the
// API, and what queries hold (`orrery_memory_bytes`) and resident memory are looked at every 10 ms.
// Wanted: writes within 2x, light queries within 3x of alone (p99), memory back within 200 ms.
// Linux only: it reads /proc.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ask, BulkBody, bulkLoad, labelsOf, resident, startServer } from './bulk.ts';
import type { BenchServer } from './bulk.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '10' },
    samples: { type: 'string', default: '10000' },
    series: { type: 'string', default: '2000' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
  },
});
const SERIES = Number(options.series);
const SAMPLES = Number(options.samples);
const SECONDS = Number(options.seconds);
const STEP_MS = 15_000;
const WRITE_EVERY_MS = 20;
const WRITE_SERIES = 500;
const LIGHT_EVERY_MS = 50;
const MB = 1e6;

interface Heavy {
  readonly query: string;
  readonly steps: number;
}

const KINDS: Readonly<Record<string, Heavy>> = {
  // One query of about ten seconds on one thread: nearly all of it is the kernel.
  kernel: { query: 'sum(quantile_over_time(0.9, load_total[6h]))', steps: 2000 },
  // Reading is most of it.
  read: { query: 'sum(rate(load_total[5m]))', steps: 2000 },
  // Many groups.
  groups: { query: 'sum by (instance) (rate(load_total[5m]))', steps: 2000 },
  // Large columns, computed step by step over all series.
  engine: { query: 'sum(load_total * 2 + load_total)', steps: 400 },
  // A long answer.
  answer: { query: 'rate(load_total{cpu=~"[0-3]"}[5m])', steps: 1000 },
};

/** A process that asks for `url` again and again, and takes no notice of the answer. */
async function askOn(url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(url);
    if (answer.status !== 200 && answer.status !== 503) console.error(await answer.text());
    for await (const _ of answer.body ?? []);
    process.stdout.write('.');
  }
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Asks at a steady rate, whether or not the last one was answered. */
async function steadily(everyMs: number, one: () => Promise<void>): Promise<Latency> {
  const count = (SECONDS * 1000) / everyMs;
  const tookMs: number[] = [];
  const pending: Promise<void>[] = [];
  const startMs = performance.now();
  for (let i = 0; i < count; i++) {
    await sleep(Math.max(0, startMs + i * everyMs - performance.now()));
    const sentMs = performance.now();
    pending.push(one().then(() => void tookMs.push(performance.now() - sentMs)));
  }
  await Promise.all(pending);
  const sorted = tookMs.toSorted((a, b) => a - b);
  const p = (q: number): number => quantile(sorted, q);
  return { count: sorted.length, p50Ms: p(0.5), p99Ms: p(0.99), maxMs: p(1) };
}

async function expectStatus(asked: ReturnType<typeof ask>, status: number): Promise<void> {
  const answer = await asked;
  if (answer.status !== status) throw new Error(`${answer.status} ${answer.text}`);
}

class Probes {
  readonly #server: BenchServer;
  readonly #body: BulkBody;
  readonly #lightUrl: string;
  #tMs = Date.now();

  constructor(server: BenchServer, endSec: number) {
    this.#server = server;
    const live = Array.from({ length: WRITE_SERIES }, (_, i) => labelsOf('live_total', i));
    this.#body = new BulkBody(live, 1);
    const query = 'load_total{cpu="3",instance="host-17:9100"}';
    const params = new URLSearchParams({ query, time: `${endSec}` });
    this.#lightUrl = `${server.url}/api/v1/query?${params.toString()}`;
  }

  async run(): Promise<{ writes: Latency; light: Latency }> {
    const writeUrl = `${this.#server.url}/api/v1/write`;
    const write = (): Promise<void> => {
      this.#tMs = Math.max(this.#tMs + 1, Date.now());
      // A copy: the next one may be made while this one is being sent.
      const body = Buffer.from(this.#body.at(this.#tMs, 1));
      return expectStatus(ask(writeUrl, { method: 'POST', body }), 204);
    };
    const [writes, light] = await Promise.all([
      steadily(WRITE_EVERY_MS, write),
      steadily(LIGHT_EVERY_MS, () => expectStatus(ask(this.#lightUrl), 200)),
    ]);
    return { writes, light };
  }
}

interface Cancel {
  /** Until queries hold nothing, and until resident memory is where it stays. */
  readonly heldMs: number;
  readonly heldBytes: number;
  readonly aloneMB: number;
  readonly beforeMB: number;
  readonly after200MB: number;
  readonly settledMB: number;
}

async function heldBytes({ url }: BenchServer): Promise<number> {
  const { text } = await ask(`${url}/metrics`);
  return Number(/^orrery_memory_bytes\{holder="queries"\} (\d+)$/m.exec(text)?.[1]);
}

interface Live {
  readonly queries: readonly { readonly id: string; readonly cost: { heldBytes: number } }[];
}

async function cancel(server: BenchServer, aloneMB: number): Promise<Cancel | undefined> {
  const { url, pid } = server;
  const { queries } = JSON.parse((await ask(`${url}/orrery/v1/queries`)).text) as Live;
  const [live] = queries;
  if (live === undefined) return undefined;
  const before = await resident(pid);
  const held = await heldBytes(server);
  const startMs = performance.now();
  await ask(`${url}/orrery/v1/queries/${live.id}`, { method: 'DELETE' });
  let heldMs = Number.NaN;
  let after200MB = Number.NaN;
  for (let took = 0; took < 2000;) {
    const [{ nowBytes }, nowHeld] = await Promise.all([resident(pid), heldBytes(server)]);
    took = performance.now() - startMs;
    if (nowHeld === 0 && Number.isNaN(heldMs)) heldMs = took;
    if (took >= 200 && Number.isNaN(after200MB)) after200MB = nowBytes / MB;
    await sleep(10);
  }
  const { nowBytes } = await resident(pid);
  const beforeMB = before.nowBytes / MB;
  return { heldMs, heldBytes: held, aloneMB, beforeMB, after200MB, settledMB: nowBytes / MB };
}

interface Row {
  readonly kind: string;
  readonly writes: Latency;
  readonly light: Latency;
  readonly queries: number;
  readonly cancel: Cancel | undefined;
}

async function beside(server: BenchServer, kind: string, probes: Probes, endSec: number) {
  const { query, steps } = KINDS[kind]!;
  const step = Math.ceil((SAMPLES * STEP_MS) / 1000 / steps);
  const start = endSec - step * (steps - 1);
  const params = { query, start: `${start}`, end: `${endSec}`, step: `${step}`, nocache: '1' };
  const url = `${server.url}/api/v1/query_range?${new URLSearchParams(params).toString()}`;
  const aloneMB = (await resident(server.pid)).nowBytes / MB;
  const args = [import.meta.filename, 'ask-on', url];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let queries = 0;
  child.stdout.on('data', (chunk: Buffer) => (queries += chunk.length));
  try {
    await sleep(500);
    const { writes, light } = await probes.run();
    const done = queries;
    // Its next query starts only when this one is over: nobody else holds memory meanwhile.
    child.kill('SIGSTOP');
    return { kind, writes, light, queries: done, cancel: await cancel(server, aloneMB) };
  } finally {
    child.kill('SIGKILL');
    await exited;
    await sleep(1000);
  }
}

function padded(value: number, width: number): string {
  return value.toFixed(1).padStart(width);
}

function print(rows: readonly Row[]): void {
  const [alone] = rows;
  console.log('            writes, ms           light queries, ms    of alone, p99   queries');
  console.log('            p50    p99    max    p50    p99    max    writes  light   ended');
  for (const { kind, writes, light, queries } of rows) {
    const cells = [writes, light].flatMap((one) => [one.p50Ms, one.p99Ms, one.maxMs]);
    const ratios = [writes.p99Ms / alone!.writes.p99Ms, light.p99Ms / alone!.light.p99Ms];
    const text = [...cells, ...ratios].map((cell) => padded(cell, 7)).join('');
    console.log(`${kind.padEnd(8)}${text}${String(queries).padStart(8)}`);
  }
  console.log('\ncanceled    held, MB   until 0, ms   resident MB:');
  console.log('                                     alone   before   after 200 ms   2 s');
  for (const { kind, cancel: one } of rows) {
    if (one === undefined) continue;
    const { heldMs, aloneMB, beforeMB, after200MB, settledMB } = one;
    console.log(
      `${kind.padEnd(8)}${padded(one.heldBytes / MB, 12)}${padded(heldMs, 14)}` +
        `${padded(aloneMB, 8)}${padded(beforeMB, 9)}${padded(after200MB, 15)}` +
        padded(settledMB, 6),
    );
  }
}

async function run(server: BenchServer): Promise<void> {
  const endMs = Math.floor(Date.now() / STEP_MS) * STEP_MS;
  const load = { name: 'load_total', series: SERIES, samplesEach: SAMPLES, stepMs: STEP_MS, endMs };
  await bulkLoad(server.url, load);
  await ask(`${server.url}/orrery/v1/admin/compact`, { method: 'POST' });
  const probes = new Probes(server, endMs / 1000);
  await probes.run();
  const rows: Row[] = [{ kind: 'alone', ...(await probes.run()), queries: 0, cancel: undefined }];
  const kinds = options.only === '' ? Object.keys(KINDS) : options.only.split(',');
  for (const kind of kinds) rows.push(await beside(server, kind, probes, endMs / 1000));
  if (options.json) console.log(JSON.stringify({ samples: SERIES * SAMPLES, rows }));
  else print(rows);
}

if (positionals[0] === 'ask-on') await askOn(positionals[1]!);
else {
  const data = await mkdtemp(join(options.dir, 'orrery-beside-'));
  try {
    const server = await startServer(['--data', data, '--slow-query', 'none']);
    try {
      await run(server);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}
