// One seed through the whole engine: writers, rewrites, deletes, resent batches, flushes and merges
// on a simulated machine that dies again and again. After each death the storage is opened on what
// the disk kept and read back whole; the oracle says in words what is missing, changed or was never
// written.
import { BatchBuilder } from '../../src/model/batch-builder.ts';
import { ALL_KINDS, KIND } from '../../src/model/columns.ts';
import type { Samples, WriteBatch } from '../../src/model/columns.ts';
import { labelsFromObject, labelValue } from '../../src/model/labels.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { AppendOptions, Pin, Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { AppError } from '../../src/model/errors.ts';
import { errorMessage, FatalError } from '../../src/stdx/assert.ts';
import { randomInt, randomUnit, seededPrng } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { WriteOracle } from '../support/write-oracle.ts';
import type { Operation } from '../support/write-oracle.ts';
import type { DiskMutations } from './sim-disk.ts';
import { World } from './world.ts';
import type { Machine } from './world.ts';

const LANES = 3;
const SERIES_PER_LANE = 2;
const TIMES_PER_SERIES = 25;
const POINTS_PER_WRITE_MAX = 6;
const LIVES = 4;
const OPERATIONS_PER_LIFE_MAX = 220;
const STEPS_PER_LIFE_MAX = 6000;
const FLIPS = 6;
const TENANTS = ['default', 'other'] as const;
/** Kinds are hidden in the value: value % 3 says which one a point was written as. */
const VALUE_KINDS = [KIND.f64, KIND.i64, KIND.string] as const;

export interface EngineRunOptions {
  readonly seed: number;
  readonly open: (machine: Machine) => Promise<Storage>;
  readonly disk?: DiskMutations;
  /** Also fail single file operations with EIO and ENOSPC. */
  readonly faults?: boolean;
  /**
   * At the end flip bits of log and parts, one after the other: losses may happen, lies may not.
   */
  readonly flips?: boolean;
}

export interface EngineRunReport {
  readonly violations: readonly string[];
  readonly acknowledgedPoints: number;
  readonly deaths: number;
}

interface Sent {
  readonly operation: Operation;
  readonly batchId: Uint8Array;
}

const tenantOf = (lane: number): string => TENANTS[lane % TENANTS.length]!;

function labelsOf(series: string): readonly string[] {
  const [lane, index] = series.split('/');
  return labelsFromObject({ __name__: 'sim', lane: lane!, index: index! });
}

function batchOf(storage: Storage, tenant: string, operation: Operation): WriteBatch {
  const builder = new BatchBuilder();
  if (operation.kind === 'write')
    for (const p of operation.points) {
      const ref = storage.resolve(tenant, labelsOf(p.series));
      const tUs = p.tMs * 1000;
      const kind = VALUE_KINDS[p.value % VALUE_KINDS.length];
      if (kind === KIND.i64) builder.i64(ref, tUs, 0, p.value, 0);
      else if (kind === KIND.string) builder.string(ref, tUs, 0, String(p.value));
      else builder.f64(ref, tUs, 0, p.value);
    }
  return builder.finish();
}

function randomOperation(prng: Prng, lane: number, counter: { value: number }): Operation {
  const series = `${lane}/${randomInt(prng, SERIES_PER_LANE)}`;
  if (randomUnit(prng) < 0.12) {
    const startMs = randomInt(prng, TIMES_PER_SERIES);
    return { kind: 'delete', series, startMs, endMs: startMs + randomInt(prng, 8) };
  }
  const points = Array.from({ length: 1 + randomInt(prng, POINTS_PER_WRITE_MAX) }, () => ({
    series: `${lane}/${randomInt(prng, SERIES_PER_LANE)}`,
    tMs: randomInt(prng, TIMES_PER_SERIES),
    value: counter.value++,
  }));
  return { kind: 'write', points };
}

async function send(storage: Storage, lane: number, sent: Sent, sync: boolean): Promise<void> {
  const tenant = tenantOf(lane);
  const options: AppendOptions = {
    principal: openPrincipal(tenant),
    durability: sync ? 'sync' : 'async',
    protocol: 'sim',
    batchId: sent.batchId,
  };
  const { operation } = sent;
  if (operation.kind === 'write') {
    await storage.append(batchOf(storage, tenant, operation), options);
    return;
  }
  const [laneText, index] = operation.series.split('/');
  const matchers = [
    matcher('__name__', '=', 'sim'),
    matcher('lane', '=', laneText!),
    matcher('index', '=', index!),
  ];
  const { startMs, endMs } = operation;
  const range = { startUs: startMs * 1000, endUs: endMs * 1000 };
  await storage.delete({ matchers, ...range, dryRun: false }, { ...options, batchId: undefined });
}

/**
 * Values of a chunk as numbers; NaN where the kind is not the one that the value was written as.
 */
function valueAt(chunk: Samples, i: number): number {
  if (chunk.kind === KIND.boolean || chunk.kind === KIND.histogram) return Number.NaN;
  const value = Number(chunk.values[i]);
  return VALUE_KINDS[value % VALUE_KINDS.length] === chunk.kind ? value : Number.NaN;
}

async function readTenant(
  storage: Storage,
  tenant: string,
  pin: Pin,
  out: Map<string, Map<number, number>>,
): Promise<void> {
  const context = {
    principal: openPrincipal(tenant),
    pin,
    signal: new AbortController().signal,
    budget: { take: () => undefined, give: () => undefined },
  };
  const request = { matchers: [], startUs: -1e15, endUs: 1e15, kinds: ALL_KINDS };
  for await (const { labels, chunks } of storage.select(context, request)) {
    const series = `${labelValue(labels, 'lane')}/${labelValue(labels, 'index')}`;
    const points = new Map<number, number>();
    out.set(series, points);
    for (const chunk of chunks)
      for (let i = 0; i < chunk.count; i++) points.set(chunk.tUs[i]! / 1000, valueAt(chunk, i));
  }
}

async function readAll(storage: Storage, pin: Pin): Promise<Map<string, Map<number, number>>> {
  const out = new Map<string, Map<number, number>>();
  for (const tenant of TENANTS) await readTenant(storage, tenant, pin, out);
  return out;
}

/** State of one run that outlives the deaths of its machine. */
class EngineRun {
  readonly #options: EngineRunOptions;
  readonly #world: World;
  readonly #prng: Prng;
  readonly #oracle = new WriteOracle();
  readonly #counter = { value: 1 };
  readonly #violations: string[] = [];
  /** Per lane: what was acknowledged lately, and what was under way at the last death. */
  readonly #acknowledged: Sent[][] = Array.from({ length: LANES }, () => []);
  readonly #underWay: (Sent | undefined)[] = Array.from({ length: LANES }, () => undefined);
  /** Every value ever sent, as `series at time: value`. */
  readonly #sentValues = new Set<string>();
  #failed = false;

  constructor(options: EngineRunOptions) {
    this.#options = options;
    this.#world = new World({ seed: options.seed, mutations: options.disk ?? {} });
    this.#prng = seededPrng(options.seed ^ 0x5bd1e995);
  }

  async run(): Promise<EngineRunReport> {
    for (let life = 0; life < LIVES && this.#violations.length === 0; life++) {
      await this.#verify(life);
      if (this.#violations.length > 0) break;
      await this.#live();
    }
    if (this.#violations.length === 0) await this.#verify(LIVES);
    for (let i = 0; i < FLIPS && this.#options.flips === true; i++) await this.#verifyFlipped();
    const { acknowledgedPoints } = this.#oracle;
    return { violations: this.#violations, acknowledgedPoints, deaths: LIVES };
  }

  /** Opens on what the disk kept, compares, and leaves the machine dead again by a plain kill. */
  async #verify(life: number): Promise<void> {
    this.#world.fault = undefined;
    try {
      const storage = await this.#world.run(this.#options.open(this.#world.boot()));
      const pin = storage.pin();
      const found = await this.#world.run(readAll(storage, pin));
      pin.release();
      for (const v of this.#oracle.settle(found)) this.#violations.push(`life ${life}: ${v}`);
    } catch (error) {
      this.#violations.push(`life ${life}: does not open or read: ${errorMessage(error)}`);
    }
    this.#world.crash('kill');
  }

  /** What a flipped bit destroyed may be refused or missing; a value nobody sent may not appear. */
  async #verifyFlipped(): Promise<void> {
    const { disk } = this.#world;
    const paths = disk.paths().filter((path) => /\.(?:log|part)$/.test(path));
    const path = paths[randomInt(this.#prng, paths.length)]!;
    const bits = 8 * disk.fileSizeBytes(path);
    // Mostly where bytes are: the tail of a segment is empty.
    const bound = path.endsWith('.log') ? Math.min(bits, 8 * 6000) : bits;
    if (bound > 0) disk.flipBit(path, randomInt(this.#prng, bound));
    try {
      const storage = await this.#world.run(this.#options.open(this.#world.boot()));
      const found = await this.#world.run(readAll(storage, storage.pin()));
      for (const [series, points] of found)
        for (const [tMs, value] of points) {
          const shown = `${series} at ${tMs}: ${value}`;
          if (!this.#sentValues.has(shown)) this.#violations.push(`${shown} was never sent`);
        }
    } catch (error) {
      if (!(error instanceof AppError || error instanceof FatalError))
        this.#violations.push(`a flipped bit of '${path}' shows as ${String(error)}`);
    }
    this.#world.crash('kill');
  }

  async #live(): Promise<void> {
    const world = this.#world;
    const machine = world.boot();
    const storage = await world.run(this.#options.open(machine));
    this.#failed = false;
    world.crashAfterOperations(1 + randomInt(this.#prng, OPERATIONS_PER_LIFE_MAX));
    if (this.#options.faults === true) this.#armFault();
    for (let lane = 0; lane < LANES; lane++) void this.#guard(this.#writer(machine, storage, lane));
    void this.#guard(this.#housekeeper(machine, storage));
    void this.#guard(this.#pinnedReader(machine, storage));
    await world.runSteps(STEPS_PER_LIFE_MAX, () => this.#failed);
    world.crash(randomInt(this.#prng, 3) === 0 ? 'kill' : 'power');
  }

  /** After an error the process would end or refuse; either way this life is over. */
  async #guard(task: Promise<void>): Promise<void> {
    try {
      await task;
    } catch (error) {
      if (error instanceof PinViolation) this.#violations.push(error.message);
      this.#failed = true;
    }
  }

  #armFault(): void {
    const at = 1 + randomInt(this.#prng, OPERATIONS_PER_LIFE_MAX);
    const code = randomInt(this.#prng, 2) === 0 ? 'EIO' : 'ENOSPC';
    let count = 0;
    this.#world.fault = (operation) => {
      count++;
      const writes = operation === 'write' || operation === 'datasync' || operation === 'open';
      return count >= at && writes ? code : undefined;
    };
  }

  async #writer(machine: Machine, storage: Storage, lane: number): Promise<void> {
    const prng = this.#prng;
    for (;;) {
      const interrupted = this.#underWay[lane];
      const known = this.#acknowledged[lane]!;
      if (interrupted === undefined && known.length > 0 && randomUnit(prng) < 0.1) {
        // Resent although acknowledged: nothing may change, however much was written since.
        await send(storage, lane, known[randomInt(prng, known.length)]!, true);
        continue;
      }
      const sent = interrupted ?? {
        operation: randomOperation(prng, lane, this.#counter),
        batchId: prng.bytes(16),
      };
      this.#underWay[lane] = sent;
      const acknowledge = this.#oracle.begin(sent.operation);
      if (sent.operation.kind === 'write')
        for (const { series, tMs, value } of sent.operation.points)
          this.#sentValues.add(`${series} at ${tMs}: ${value}`);
      await send(storage, lane, sent, true);
      acknowledge();
      this.#underWay[lane] = undefined;
      if (sent.operation.kind === 'write') known.push(sent);
      if (known.length > 8) known.shift();
      await machine.scheduler.sleep(randomUnit(prng) * 4);
    }
  }

  async #housekeeper(machine: Machine, storage: Storage): Promise<void> {
    for (;;) {
      await machine.scheduler.sleep(randomUnit(this.#prng) * 30);
      if (randomInt(this.#prng, 3) === 0) await storage.compact();
      else await storage.flush();
    }
  }

  /** On a sound disk and a living machine what a pin holds can be read. */
  async #readPinned(
    machine: Machine,
    storage: Storage,
    pin: Pin,
  ): Promise<Map<string, Map<number, number>>> {
    try {
      return await readAll(storage, pin);
    } catch (error) {
      if (this.#options.faults === true || !machine.files.alive || this.#failed) throw error;
      throw new PinViolation(`a pinned view cannot be read: ${errorMessage(error)}`);
    }
  }

  /** What one pin shows may not change while others write, flush and merge. */
  async #pinnedReader(machine: Machine, storage: Storage): Promise<void> {
    for (;;) {
      await machine.scheduler.sleep(randomUnit(this.#prng) * 20);
      const pin = storage.pin();
      const before = await this.#readPinned(machine, storage, pin);
      await machine.scheduler.sleep(randomUnit(this.#prng) * 60);
      const after = await this.#readPinned(machine, storage, pin);
      pin.release();
      if (serialize(before) !== serialize(after))
        throw new PinViolation(`a pinned view changed: ${serialize(before)} → ${serialize(after)}`);
    }
  }
}

class PinViolation extends Error {}

function serialize(found: ReadonlyMap<string, ReadonlyMap<number, number>>): string {
  return JSON.stringify([...found].map(([series, points]) => [series, [...points]]));
}

/** Runs one seed; the same seed and code give the same run. */
export function engineRun(options: EngineRunOptions): Promise<EngineRunReport> {
  return new EngineRun(options).run();
}
