// Kills a real server again and again under writers that record every acknowledged point, while
// flushes, merges, snapshots and backups are asked for, and checks after each start what came back.
// A kill falls at a random moment, or the process ends itself in a named place (stdx/probe.ts).
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProbePlace } from '../../src/stdx/probe.ts';
import { seededPrng, randomInt, randomUnit } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { NotReadyError } from './not-ready.ts';
import { laneOf, pointKey, WriteOracle } from './write-oracle.ts';
import type { Operation, PointValue, ReadBack } from './write-oracle.ts';

const LANES = 4;
const SERIES_PER_LANE = 3;
const TIMES_PER_SERIES = 300;
const POINTS_PER_WRITE_MAX = 40;
const DELETE_SHARE = 0.06;
const HOUSEKEEPING_EVERY_MS = 150;
const SNAPSHOTS_KEPT = 2;
const BASE_MS = Date.UTC(2026, 0, 1);
/** A place that is not come by in this time is killed from outside. */
const PLACE_TIMEOUT_MS = 20_000;

/** Places and how often a life comes by them at most before it ends there. */
const PLACES: Readonly<Record<ProbePlace, number>> = {
  append: 150,
  rotate: 3,
  flush: 3,
  // Opening the catalog takes some of them.
  commit: 16,
  trim: 3,
  merge: 2,
  head: 4,
  snapshot: 2,
  backup: 15,
};
export const KILL_PLACES = Object.keys(PLACES) as readonly ProbePlace[];

export interface KilledServer {
  readonly url: string;
  /** SIGKILL, resolves when the process is gone. */
  kill(): Promise<void>;
  readonly exited: Promise<{
    readonly signal: string | null;
    readonly code: number | null;
    readonly stdout: string;
  }>;
}

export interface DurabilityOptions {
  /** Starts on the same data each time; rejects where the process ends before it is ready. */
  readonly start: (env: Record<string, string>) => Promise<KilledServer>;
  readonly seed: number;
  /** Kills at random moments, and in each place. */
  readonly randomKills: number;
  readonly killsPerPlace: number;
  /**
   * Several shards: a write that is not answered when the process dies may have happened for one
   * series and not for another (docs/decisions/0024).
   */
  readonly isSharded?: boolean;
}

export interface DurabilityReport {
  readonly kills: number;
  /** Kills that fell into each place, and `random` ones. */
  readonly places: Readonly<Record<string, number>>;
  readonly acknowledgedPoints: number;
  readonly acknowledgedDeletes: number;
  readonly violations: readonly string[];
}

const tenantOf = (lane: number): string => (lane % 2 === 0 ? 'default' : 'other');

/** As the oracle wants it: what happens wholly or not at all is in front of the slash. */
type SeriesName = (lane: number, index: number) => string;

const WRITES_WHOLE: SeriesName = (lane, index) => `${lane}/${index}`;
const SERIES_WHOLE: SeriesName = (lane, index) => `${lane}:${index}/`;

function placeOf(series: string): { readonly lane: string; readonly index: string } {
  const [lane, index] = series.split(/[/:]/u) as [string, string];
  return { lane, index };
}

/** The operation as the oracle has to know it: one for each part that happens by itself. */
function partsOf(operation: Operation): Operation[] {
  if (operation.kind === 'delete') return [operation];
  const parts = Map.groupBy(operation.points, ({ series }) => laneOf(series));
  return Array.from(parts.values(), (points) => ({ kind: 'write', points }));
}

function nextOperation({ prng, counter, seriesName }: Load, lane: number): Operation {
  const series = seriesName(lane, randomInt(prng, SERIES_PER_LANE));
  if (randomUnit(prng) < DELETE_SHARE) {
    const start = BASE_MS + randomInt(prng, TIMES_PER_SERIES) * 1000;
    return { kind: 'delete', series, start, end: start + randomInt(prng, 60) * 1000 };
  }
  const points = [];
  for (let i = randomInt(prng, POINTS_PER_WRITE_MAX); i >= 0; i--)
    points.push({
      series: seriesName(lane, randomInt(prng, SERIES_PER_LANE)),
      t: BASE_MS + randomInt(prng, TIMES_PER_SERIES) * 1000,
      value: counter.value++,
    });
  return { kind: 'write', points };
}

function requestOf(url: string, operation: Operation): { url: string; body: string } {
  if (operation.kind === 'delete') {
    const { lane, index } = placeOf(operation.series);
    const query = new URLSearchParams({
      'match[]': `kill_points{lane="${lane}",index="${index}"}`,
      start: String(operation.start / 1000),
      end: String(operation.end / 1000),
    });
    return { url: `${url}/api/v1/admin/tsdb/delete_series?${query.toString()}`, body: '' };
  }
  const lines = operation.points.map((p) => {
    const { lane, index } = placeOf(p.series);
    return `kill_points,lane=${lane},index=${index} value=${p.value} ${p.t}`;
  });
  return { url: `${url}/write?precision=ms`, body: lines.join('\n') };
}

interface Load {
  readonly url: string;
  readonly oracle: WriteOracle;
  readonly prng: Prng;
  readonly counter: { value: number };
  readonly stopped: { value: boolean };
  readonly seriesName: SeriesName;
}

/** One writer; returns when the connection breaks (the kill). Any refusal is an error. */
async function writeUntilKilled(load: Load, lane: number): Promise<void> {
  for (;;) {
    const operation = nextOperation(load, lane);
    const request = requestOf(load.url, operation);
    const sent = partsOf(operation).map((part) => load.oracle.begin(part));
    let response: Response;
    try {
      const headers = { 'X-Scope-OrgID': tenantOf(lane) };
      response = await fetch(request.url, { method: 'POST', body: request.body, headers });
      await response.arrayBuffer();
    } catch {
      // The process was killed under the request: whether it took effect is open.
      return;
    }
    if (!response.ok) throw new Error(`${request.url} answered ${response.status}`);
    for (const part of sent) part.acknowledge();
  }
}

async function ask(url: string, method = 'GET'): Promise<unknown> {
  const response = await fetch(url, { method });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
  return response.headers.get('content-type')?.includes('json') === true ? JSON.parse(text) : text;
}

/** Takes a snapshot, reads it as a backup does, and removes the oldest ones. */
async function backUp(url: string): Promise<void> {
  const path = `${url}/orrery/v1/admin/snapshot`;
  const { name } = (await ask(path, 'POST')) as { name: string };
  const { files } = (await ask(`${path}/${name}/files`)) as { files: { path: string }[] };
  for (const file of files) await ask(`${path}/${name}/files/${encodeURIComponent(file.path)}`);
  const { snapshots } = (await ask(path)) as { snapshots: { name: string }[] };
  for (const old of snapshots.slice(0, -SNAPSHOTS_KEPT)) await ask(`${path}/${old.name}`, 'DELETE');
}

async function keepHouse({ url, stopped }: Load): Promise<void> {
  for (let round = 0; !stopped.value; round++) {
    try {
      if (round % 3 === 2) await backUp(url);
      else await ask(`${url}/orrery/v1/admin/${round % 3 === 0 ? 'flush' : 'compact'}`, 'POST');
    } catch (error) {
      // The connection breaks with the process; an answer that is an error is one.
      if (error instanceof TypeError) return;
      throw error;
    }
    await sleep(HOUSEKEEPING_EVERY_MS);
  }
}

async function readBack(url: string, seriesName: SeriesName): Promise<ReadBack> {
  const out = new Map<string, Map<string, PointValue>>();
  for (const tenant of ['default', 'other']) {
    const response = await fetch(`${url}/api/v1/export?match[]=kill_points`, {
      headers: { 'X-Scope-OrgID': tenant },
    });
    if (!response.ok) throw new Error(`export answered ${response.status}`);
    for (const line of (await response.text()).split('\n')) {
      if (line === '') continue;
      const row = JSON.parse(line) as {
        metric: { lane: string; index: string };
        values: number[];
        timestamps: number[];
      };
      const name = seriesName(Number(row.metric.lane), Number(row.metric.index));
      const lane = laneOf(name);
      const points = out.get(lane) ?? new Map<string, PointValue>();
      out.set(lane, points);
      row.timestamps.forEach((tMs, i) => points.set(pointKey(name, tMs), row.values[i]!));
    }
  }
  return out;
}

type Plan = 'random' | ProbePlace;

/** Every place as often as asked, random kills between them, in an order of the seed's. */
function plansOf({ randomKills, killsPerPlace }: DurabilityOptions, prng: Prng): Plan[] {
  const plans: Plan[] = Array.from({ length: randomKills }, () => 'random');
  for (const place of KILL_PLACES)
    for (let i = 0; i < killsPerPlace; i++)
      plans.splice(randomInt(prng, plans.length + 1), 0, place);
  return plans;
}

class DurabilityRun {
  readonly #options: DurabilityOptions;
  readonly #prng: Prng;
  readonly #seriesName: SeriesName;
  readonly #oracle = new WriteOracle();
  readonly #counter = { value: 1 };
  readonly #violations: string[] = [];
  readonly #places: Record<string, number> = {};
  #kills = 0;

  constructor(options: DurabilityOptions) {
    this.#options = options;
    this.#prng = seededPrng(options.seed);
    this.#seriesName = options.isSharded === true ? SERIES_WHOLE : WRITES_WHOLE;
  }

  async run(): Promise<DurabilityReport> {
    for (const plan of plansOf(this.#options, this.#prng)) await this.#live(plan);
    const server = await this.#options.start({});
    await this.#check(server);
    await server.kill();
    const { acknowledgedPoints, acknowledgedDeletes } = this.#oracle;
    const counts = { acknowledgedPoints, acknowledgedDeletes };
    return { kills: this.#kills, places: this.#places, ...counts, violations: this.#violations };
  }

  #envOf(plan: Plan): Record<string, string> {
    if (plan === 'random') return {};
    const nth = (plan === 'commit' ? 12 : 1) + randomInt(this.#prng, PLACES[plan]);
    // Standing still lets the catalog's thread finish, or not, while nobody hears of it.
    const wait = plan === 'commit' ? `:${randomInt(this.#prng, 8)}` : '';
    return { ORRERY_TEST_KILL_AT: `${plan}:${nth}${wait}` };
  }

  #count(where: string): void {
    this.#kills++;
    this.#places[where] = (this.#places[where] ?? 0) + 1;
  }

  async #check(server: KilledServer): Promise<void> {
    const found = await readBack(server.url, this.#seriesName);
    for (const v of this.#oracle.settle(found)) this.#violations.push(`kill ${this.#kills}: ${v}`);
  }

  /** undefined where the start itself came by the place. */
  async #start(plan: Plan): Promise<KilledServer | undefined> {
    try {
      return await this.#options.start(this.#envOf(plan));
    } catch (error) {
      if (plan === 'random' || !(error instanceof NotReadyError) || error.signal !== 'SIGKILL')
        throw error;
      this.#count(plan);
      return undefined;
    }
  }

  /** Starts, checks what the last kill left, works, dies. */
  async #live(plan: Plan): Promise<void> {
    const server = await this.#start(plan);
    if (server === undefined) return;
    await this.#check(server);
    const { url } = server;
    const stopped = { value: false };
    const load: Load = {
      url,
      oracle: this.#oracle,
      prng: this.#prng,
      counter: this.#counter,
      stopped,
      seriesName: this.#seriesName,
    };
    const lanes = Array.from({ length: LANES }, (_, lane) => writeUntilKilled(load, lane));
    const work = Promise.all([...lanes, keepHouse(load)]);
    const lifeMs = plan === 'random' ? 200 + randomInt(this.#prng, 1500) : PLACE_TIMEOUT_MS;
    // A failing writer or housekeeper ends the run; a death ends the life.
    const died = await Promise.race([
      server.exited.then(() => true),
      sleep(lifeMs, false, { ref: false }),
      work.then(() => true),
    ]);
    stopped.value = true;
    if (died) {
      const { signal, code, stdout } = await server.exited;
      if (signal !== 'SIGKILL')
        throw new Error(`the server ended by ${signal ?? code} on its own: ${stdout.slice(-500)}`);
      this.#count(plan);
    } else {
      await server.kill();
      this.#count('random');
    }
    await work;
  }
}

/** Runs so many lives; each ends by a kill. */
export function durabilityRun(options: DurabilityOptions): Promise<DurabilityReport> {
  return new DurabilityRun(options).run();
}
