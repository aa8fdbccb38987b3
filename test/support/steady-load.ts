// Mixed work on a running server at half of what it can take: writes on a clock, queries, deletes,
// flushes and merges, while memory and open files of its process are looked at. Latency counts from
// the moment a write was due, so that a stall is seen by all that wait behind it.
import { readdir, readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isBesideStall, startDiskProbe } from './disk-probe.ts';
import type { DiskStall } from './disk-probe.ts';
import { SlowSpells } from './slow-spells.ts';
import type { SlowSpell } from './slow-spells.ts';

const LINES_PER_WRITE = 2000;
const SERIES = 20_000;
const CONNECTIONS = 4;
/** With everything else beside it, compactions too. */
const FULL_SPEED_MS = 45_000;
const LOOK_EVERY_MS = 2000;
const QUERY_EVERY_MS = 1000;
const DELETE_EVERY_MS = 10_000;
const COMPACT_EVERY_MS = 30_000;
const LAG_RESOLUTION_MS = 2;

export interface Look {
  readonly atMs: number;
  readonly rssMb: number;
  readonly openFiles: number;
}

export interface SteadyReport {
  readonly linesPerSecond: number;
  readonly writes: number;
  readonly queries: number;
  readonly deletes: number;
  readonly writeMsP50: number;
  readonly writeMsP99: number;
  readonly writeMsMax: number;
  /** Of each minute. */
  readonly minuteMsP99: readonly number[];
  /** Syncs of a probe beside the server that took over 20 ms, and the longest. */
  readonly diskStalls: number;
  readonly diskStallMsMax: number;
  /** Of writes that were not due in such a stall, or in as long again behind it. */
  readonly writeMsP99DiskAwake: number;
  /** How late the event loop of this process was, which is in every latency. */
  readonly ownLagMsP99: number;
  /** What stood still in every two seconds with a write of over 100 ms. */
  readonly slowSpells: readonly SlowSpell[];
  readonly looks: readonly Look[];
}

interface Server {
  readonly url: string;
  readonly pid: number;
  readonly data: string;
}

/** Bodies that hold every series once, one step in time: a round. */
const ROUND_BODIES = SERIES / LINES_PER_WRITE;
/** Then values come again. */
const ROUNDS_MADE = 16;
const TIME_DIGITS = 13;

/** A body whose times are put in before it is sent. */
interface MadeBody {
  readonly bytes: Buffer;
  /** Where they stand. */
  readonly timesAt: Uint32Array;
}

function madeBody(n: number): MadeBody {
  const timesAt = new Uint32Array(LINES_PER_WRITE);
  let text = '';
  for (let i = 0; i < LINES_PER_WRITE; i++) {
    const point = n * LINES_PER_WRITE + i;
    const series = point % SERIES;
    const value = Math.round(1000 * Math.sin(point / 977)) + series;
    text += `soak,host=h${series % 100},cpu=c${Math.floor(series / 100)} value=${value} `;
    timesAt[i] = text.length;
    text += `${'0'.repeat(TIME_DIGITS)}\n`;
  }
  return { bytes: Buffer.from(text, 'latin1'), timesAt };
}

/**
 * Bodies in turns, every series a step in time a round. Made once, because the load shares the
 * server's processors: the time of a body is put in when it is its turn.
 */
class Bodies {
  readonly #made = Array.from({ length: ROUND_BODIES * ROUNDS_MADE }, (_, n) => madeBody(n));
  readonly #sizeBytesMax = Math.max(...this.#made.map(({ bytes }) => bytes.length));
  /** Of each connection, which has one body under way. */
  readonly #copies = Array.from({ length: CONNECTIONS }, () => Buffer.alloc(this.#sizeBytesMax));
  readonly #startMs: number;

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** Body number n, for one connection until it asks for another. */
  body(n: number, connection: number): Buffer {
    const { bytes, timesAt } = this.#made[n % this.#made.length]!;
    const body = this.#copies[connection]!.subarray(0, bytes.length);
    body.set(bytes);
    const tMs = this.#startMs + Math.floor(n / ROUND_BODIES) * 1000;
    const digits = Buffer.from(String(tMs).padStart(TIME_DIGITS, '0'), 'latin1');
    for (const at of timesAt) body.set(digits, at);
    return body;
  }
}

async function ask(url: string, init: RequestInit = {}): Promise<void> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 200)}`);
}

/** Without `fetch`, which does more for each request: the load shares the server's processors. */
function write(agent: Agent, url: string, body: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const sent = request(`${url}/write?precision=ms`, { agent, method: 'POST' }, (response) => {
    response.resume();
    response.once('error', reject);
    response.once('end', () => {
      if (response.statusCode === 204) resolve();
      else reject(new Error(`a write was answered ${response.statusCode}`));
    });
  });
  sent.once('error', reject);
  sent.end(body);
  return promise;
}

async function lookAt({ pid }: Server, atMs: number): Promise<Look> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const rssKb = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
  const openFiles = (await readdir(`/proc/${pid}/fd`)).length;
  return { atMs, rssMb: rssKb / 1024, openFiles };
}

async function every(
  periodMs: number,
  untilMs: number,
  work: () => Promise<void>,
): Promise<number> {
  let count = 0;
  for (let dueMs = performance.now() + periodMs; dueMs < untilMs; dueMs += periodMs) {
    await sleep(Math.max(0, dueMs - performance.now()));
    await work();
    count++;
  }
  return count;
}

/** From the moment a write was due, in all and by minute. */
class Latencies {
  readonly #all: number[] = [];
  readonly #dueMs: number[] = [];
  readonly #byMinute: number[][] = [];

  add(sinceStartMs: number, latencyMs: number): void {
    this.#all.push(latencyMs);
    this.#dueMs.push(sinceStartMs);
    (this.#byMinute[Math.floor(sinceStartMs / 60_000)] ??= []).push(latencyMs);
  }

  /** `startMs`: of the wall clock. */
  figures(stalls: readonly DiskStall[], startMs: number): Pick<SteadyReport, WriteFigures> {
    const awake = this.#all.filter((_, i) => !isBesideStall(stalls, startMs + this.#dueMs[i]!));
    return {
      writes: this.#all.length,
      writeMsP50: quantile(this.#all, 0.5),
      writeMsP99: quantile(this.#all, 0.99),
      writeMsMax: quantile(this.#all, 1),
      minuteMsP99: this.#byMinute.map((some) => Math.round(quantile(some, 0.99))),
      diskStalls: stalls.length,
      diskStallMsMax: Math.round(Math.max(0, ...stalls.map((s) => s.endMs - s.startMs))),
      writeMsP99DiskAwake: quantile(awake, 0.99),
    };
  }
}

type WriteFigures =
  | 'writes'
  | 'writeMsP50'
  | 'writeMsP99'
  | 'writeMsMax'
  | 'minuteMsP99'
  | 'diskStalls'
  | 'diskStallMsMax'
  | 'writeMsP99DiskAwake';

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))]!;
}

/** What is asked of the server, and how far the bodies have come. */
class Mix {
  readonly #url: string;
  readonly #baseMs = Date.now() - 6 * 3_600_000;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  readonly #made = new Bodies(this.#baseMs);
  #bodies = 0;
  #queries = 0;
  #deletes = 0;

  constructor(url: string) {
    this.#url = url;
  }

  write(connection: number): Promise<void> {
    return write(this.#agent, this.#url, this.#made.body(this.#bodies++, connection));
  }

  /** A range query over five minutes up to the newest points. */
  async #ask(): Promise<void> {
    const newestMs = Math.floor((this.#bodies * LINES_PER_WRITE) / SERIES) * 1000;
    const endSec = (this.#baseMs + newestMs) / 1000;
    const query = new URLSearchParams({
      query: `sum by (cpu) (rate(soak{host="h${this.#queries++ % 100}"}[1m]))`,
      step: '15',
      start: String(endSec - 300),
      end: String(endSec),
    });
    await ask(`${this.#url}/api/v1/query_range?${query.toString()}`);
  }

  async #delete(): Promise<void> {
    const selector = encodeURIComponent(`soak{host="h${this.#deletes++ % 100}"}`);
    const range = `start=${this.#baseMs / 1000}&end=${this.#baseMs / 1000 + 60}`;
    const path = `/api/v1/admin/tsdb/delete_series?match[]=${selector}&${range}`;
    await ask(this.#url + path, { method: 'POST' });
  }

  /** Everything but writes; how many queries and deletes. */
  async beside(untilMs: number): Promise<readonly [number, number]> {
    const [queries, deletes] = await Promise.all([
      every(QUERY_EVERY_MS, untilMs, () => this.#ask()),
      every(DELETE_EVERY_MS, untilMs, () => this.#delete()),
      every(COMPACT_EVERY_MS, untilMs, () =>
        ask(`${this.#url}/orrery/v1/admin/compact`, { method: 'POST' }),
      ),
    ]);
    return [queries, deletes];
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Lines per second that the server takes from all connections, with everything else beside. */
async function fullSpeed(mix: Mix): Promise<number> {
  const startMs = performance.now();
  const untilMs = startMs + FULL_SPEED_MS;
  let count = 0;
  const lane = async (connection: number): Promise<void> => {
    while (performance.now() < untilMs) {
      await mix.write(connection);
      count++;
    }
  };
  await Promise.all([
    mix.beside(untilMs),
    ...Array.from({ length: CONNECTIONS }, (_, i) => lane(i)),
  ]);
  return (count * LINES_PER_WRITE * 1000) / (performance.now() - startMs);
}

/** `linesPerSecond` undefined: half of what the server takes with everything else beside. */
export async function steadyLoad(
  server: Server,
  minutes: number,
  linesPerSecond?: number,
): Promise<SteadyReport> {
  const mix = new Mix(server.url);
  const rate = linesPerSecond ?? (await fullSpeed(mix)) / 2;
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  const probe = startDiskProbe(dirname(server.data));
  const startMs = performance.now();
  const untilMs = startMs + minutes * 60_000;
  const latencies = new Latencies();
  const slow = new SlowSpells(server.url);
  const looks: Look[] = [];
  // Each connection has its own beat, a quarter of a period after the one before it.
  const periodMs = (1000 * LINES_PER_WRITE * CONNECTIONS) / rate;
  const writer = async (index: number): Promise<void> => {
    for (
      let dueMs = startMs + (index * periodMs) / CONNECTIONS;
      dueMs < untilMs;
      dueMs += periodMs
    ) {
      await sleep(Math.max(0, dueMs - performance.now()));
      await mix.write(index);
      const latencyMs = performance.now() - dueMs;
      latencies.add(dueMs - startMs, latencyMs);
      slow.note(latencyMs);
    }
  };
  const [[queries, deletes]] = await Promise.all([
    mix.beside(untilMs),
    every(LOOK_EVERY_MS, untilMs, async () => {
      looks.push(await lookAt(server, performance.now() - startMs));
      await slow.look(performance.now() - startMs);
    }),
    ...Array.from({ length: CONNECTIONS }, (_, i) => writer(i)),
  ]);
  lag.disable();
  slow.stop();
  mix.close();
  const stalls = await probe.stop();
  return {
    linesPerSecond: Math.round(rate),
    ...latencies.figures(stalls, performance.timeOrigin + startMs),
    queries,
    deletes,
    ownLagMsP99: lag.percentile(99) / 1e6 - LAG_RESOLUTION_MS,
    slowSpells: slow.spells,
    looks,
  };
}
