// One seed through snapshots of a running engine. One writer sends a chain of writes, rewrites and
// deletes, each after the answer to the one before, so the store is at any moment what the first k
// of them leave. A snapshot must be exactly that for one k between the last operation answered when
// it was asked for and the last one sent when it was done; it must open as a data folder; and what
// is written to it must not show in the store it came from.
import { DirectoryBlobs } from '../../src/blobs/directory-blobs.ts';
import { FilesCatalog } from '../../src/catalog/files-catalog.ts';
import type { Log } from '../../src/log/log.ts';
import { openSegmentLog } from '../../src/log/segment-log.ts';
import { BatchBuilder } from '../../src/model/batch-builder.ts';
import { ALL_KINDS, KIND } from '../../src/model/columns.ts';
import { AppError } from '../../src/model/errors.ts';
import { labelsFromObject, labelValue } from '../../src/model/labels.ts';
import { matcher } from '../../src/model/matcher.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { errorMessage } from '../../src/stdx/assert.ts';
import { randomInt, randomUnit, seededPrng } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { readAll } from '../../src/tsdb/catalog-rows.ts';
import { CheckReport } from '../../src/tsdb/check-report.ts';
import { checkStore } from '../../src/tsdb/check-store.ts';
import { openShards } from '../../src/tsdb/open-shards.ts';
import { Snapshots } from '../../src/tsdb/snapshots.ts';
import type { HoldableStorage } from '../../src/tsdb/snapshots.ts';
import type { DiskMutations } from './sim-disk.ts';
import { World } from './world.ts';
import type { Machine } from './world.ts';

const LIVES = 3;
const OPERATIONS_PER_LIFE_MAX = 900;
const STEPS_PER_LIFE_MAX = 6000;
const SERIES = 3;
const TIMES = 12;
const DATA = '/data';
const PRINCIPAL = openPrincipal('default');

export interface SnapshotRunOptions {
  readonly seed: number;
  readonly disk?: DiskMutations;
  readonly faults?: boolean;
}

interface Store {
  readonly storage: HoldableStorage;
  readonly snapshots: Snapshots;
}

/** Series and times → number of the operation that wrote there. */
type Content = Record<string, number>;

/** What operation `n` does: every fifth deletes, the others write one point or two. */
function applyTo(content: Content, n: number): void {
  if (n % 5 === 4) {
    for (const key of keysOf(n)) delete content[key];
    return;
  }
  for (const key of keysOf(n)) content[key] = n;
}

function keysOf(n: number): readonly string[] {
  const prng = seededPrng(n);
  const series = randomInt(prng, SERIES);
  const tMs = randomInt(prng, TIMES);
  return [`${series} ${tMs}`, `${series} ${(tMs + 1) % TIMES}`];
}

function contentAfter(count: number): Content {
  const content: Content = {};
  for (let n = 0; n < count; n++) applyTo(content, n);
  return content;
}

function shown(content: Content): string {
  const rows = Object.entries(content).map(([key, n]) => `${key}: ${n}`);
  return rows.toSorted().join(', ');
}

function logFolder(shard: number): string {
  return `log-${shard}`;
}

async function openStore(
  { files, clock, scheduler, prng }: Machine,
  at: string,
  shardCount: number,
): Promise<Store> {
  const logs = new Map<number, Log>();
  const openLog = async (shard: number): Promise<Log> => {
    const directory = `${at}/${logFolder(shard)}`;
    const log = await openSegmentLog({ files, directory, prng, segmentSizeBytes: 16 * 1024 });
    logs.set(shard, log);
    return log;
  };
  const blobs = await DirectoryBlobs.open(files, `${at}/blobs`);
  const catalog = await FilesCatalog.open(files, `${at}/catalog`);
  const storage = await openShards({
    shardCount,
    openLog,
    blobs,
    catalog,
    clock,
    scheduler,
    prng,
    settings: {
      headBytesMax: 400_000,
      flushIntervalMs: 0,
      level0PartsMax: 3,
      mergeShare: 1,
      partitionPartsMax: 2,
    },
  });
  const snapshots = await Snapshots.open({
    files,
    clock,
    prng,
    directory: `${at}/snapshots`,
    catalog,
    blobs,
    storage,
    logs,
    logFolder,
    catalogFile: 'catalog',
    blobsFolder: 'blobs',
  });
  return { storage, snapshots };
}

async function send(storage: HoldableStorage, n: number): Promise<void> {
  const options = {
    principal: PRINCIPAL,
    durability: 'sync',
    protocol: 'sim',
    batchId: seededPrng(n).bytes(16),
  } as const;
  const points = keysOf(n).map((key) => key.split(' ') as [string, string]);
  if (n % 5 === 4) {
    // One delete for each point: a batch id each, so that a repetition is none.
    for (const [i, [series, tMs]] of points.entries()) {
      const tUs = Number(tMs) * 1000;
      const request = { matchers: [matcher('s', '=', series)], startUs: tUs, endUs: tUs };
      const batchId = seededPrng(n * 2 + 1e6 + i).bytes(16);
      await storage.delete({ ...request, dryRun: false }, { ...options, batchId });
    }
    return;
  }
  const builder = new BatchBuilder();
  for (const [series, tMs] of points) {
    const ref = storage.resolve('default', labelsFromObject({ __name__: 'sim', s: series }));
    builder.f64(ref, Number(tMs) * 1000, 0, n);
  }
  await storage.append(builder.finish(), options);
}

async function read(storage: HoldableStorage): Promise<Content> {
  const pin = storage.pin();
  const context = {
    principal: PRINCIPAL,
    pin,
    signal: new AbortController().signal,
    budget: { take: () => undefined, give: () => undefined },
  };
  const content: Content = {};
  const request = { matchers: [], startUs: -1e15, endUs: 1e15, kinds: ALL_KINDS };
  for await (const { labels, chunks } of storage.select(context, request))
    for (const chunk of chunks)
      for (let i = 0; i < chunk.count; i++)
        if (chunk.kind === KIND.f64)
          content[`${labelValue(labels, 's')} ${chunk.tUs[i]! / 1000}`] = chunk.values[i]!;
  pin.release();
  return content;
}

/** A delete of two points may be half done; so may its repetition after a death. */
function matches(content: Content, from: number, to: number): boolean {
  const found = shown(content);
  for (let count = from; count <= to; count++) {
    const after = contentAfter(count);
    if (shown(after) === found) return true;
    if (count % 5 !== 4) continue;
    delete after[keysOf(count)[0]!];
    if (shown(after) === found) return true;
  }
  return false;
}

class SnapshotRun {
  readonly #options: SnapshotRunOptions;
  readonly #world: World;
  readonly #prng: Prng;
  /** Odd seeds have one shard, even ones three. */
  readonly #shardCount: number;
  readonly #violations: string[] = [];
  /** Operations answered, and sent. */
  #answered = 0;
  #sent = 0;
  /** Snapshot → counts of operations between which its content is. */
  readonly #taken = new Map<string, { readonly from: number; readonly to: number }>();
  readonly #removing = new Set<string>();
  /** Operations answered when the first snapshot of this life was asked for. */
  #askedFirst = 0;
  #failed = false;

  constructor(options: SnapshotRunOptions) {
    this.#options = options;
    this.#shardCount = options.seed % 2 === 1 ? 1 : 3;
    this.#world = new World({ seed: options.seed, mutations: options.disk ?? {} });
    this.#prng = seededPrng(options.seed ^ 0x3c6ef372);
  }

  async run(): Promise<readonly string[]> {
    for (let life = 0; life <= LIVES && this.#violations.length === 0; life++) {
      await this.#verify(life);
      if (life < LIVES && this.#violations.length === 0) await this.#live();
    }
    return this.#violations;
  }

  async #verify(life: number): Promise<void> {
    const world = this.#world;
    world.fault = undefined;
    const say = (text: string): unknown => this.#violations.push(`life ${life}: ${text}`);
    try {
      const machine = world.boot();
      await this.#check(machine, DATA);
      const store = await world.run(openStore(machine, DATA, this.#shardCount));
      const listed = new Map(
        (await world.run(store.snapshots.list())).map((info) => [info.name, info]),
      );
      for (const name of this.#taken.keys())
        if (!listed.has(name) && !this.#removing.has(name)) say(`snapshot ${name} is gone`);
      for (const name of listed.keys()) {
        // Unknown ones: on their way at the death, or refused and not to be removed either.
        const { from, to } = this.#taken.get(name) ?? { from: this.#askedFirst, to: this.#sent };
        await this.#check(machine, `${DATA}/snapshots/${name}`);
        const copy = await world.run(
          openStore(machine, `${DATA}/snapshots/${name}`, this.#shardCount),
        );
        const content = await world.run(read(copy.storage));
        if (!matches(content, from, to))
          say(`snapshot ${name} is ${shown(content)}, not after ${from} to ${to} operations`);
        // Its own life must not be seen by the store, and parts must outlive its merges.
        await world.run(send(copy.storage, 1_000_000));
        await world.run(copy.storage.compact());
        await world.run(copy.storage.close());
        // It is not what it was any more.
        await world.run(store.snapshots.remove(name));
      }
      this.#taken.clear();
      this.#removing.clear();
      const content = await world.run(read(store.storage));
      if (!matches(content, this.#answered, this.#sent))
        say(`the store is ${shown(content)}, not after ${this.#answered} to ${this.#sent}`);
    } catch (error) {
      say(`does not open or read: ${errorMessage(error)}`);
    }
    world.crash('kill');
  }

  /** What a death leaves is no damage: `orrery check data` must say so, before anything is opened. */
  async #check({ files }: Machine, directory: string): Promise<void> {
    const world = this.#world;
    if ((await world.run(files.stat(`${directory}/catalog`))) === undefined) return;
    const report = new CheckReport(
      ({ severity, file, what }) => {
        if (severity === 'damage') this.#violations.push(`check: ${file}: ${what}`);
      },
      () => undefined,
    );
    const catalog = await world.run(FilesCatalog.open(files, `${directory}/catalog`));
    const rows = await world.run(readAll(catalog, ''));
    const names = { catalogFile: 'catalog', blobsFolder: 'blobs', logFolder };
    await world.run(checkStore({ files, directory, rows, ...names }, report));
  }

  async #live(): Promise<void> {
    const world = this.#world;
    const machine = world.boot();
    const store = await world.run(openStore(machine, DATA, this.#shardCount));
    this.#failed = false;
    this.#askedFirst = this.#answered;
    world.crashAfterOperations(20 + randomInt(this.#prng, OPERATIONS_PER_LIFE_MAX));
    if (this.#options.faults === true) this.#armFault();
    void this.#guard(this.#write(machine, store));
    void this.#guard(this.#housekeep(machine, store));
    void this.#guard(this.#snapshot(machine, store));
    await world.runSteps(STEPS_PER_LIFE_MAX, () => this.#failed);
    world.crash(randomInt(this.#prng, 3) === 0 ? 'kill' : 'power');
  }

  #armFault(): void {
    const code = randomInt(this.#prng, 2) === 0 ? 'EIO' : 'ENOSPC';
    const period = 10 + randomInt(this.#prng, 60);
    // Only where snapshots are made: the engine's own faults are another run's.
    this.#world.fault = (operation, path, index) =>
      index % period === 0 && path.includes('/snapshots') && operation !== 'close'
        ? { code, isDone: false }
        : undefined;
  }

  async #guard(task: Promise<void>): Promise<void> {
    try {
      await task;
    } catch (error) {
      this.#failed = true;
      const isStopped = error instanceof AppError && error.code === 'storage-failed';
      if (this.#world.alive && !isStopped)
        this.#violations.push(`a living store failed: ${errorMessage(error)}`);
    }
  }

  async #write(machine: Machine, { storage }: Store): Promise<void> {
    for (;;) {
      // The one that a death interrupted is sent again.
      this.#sent = this.#answered + 1;
      await send(storage, this.#answered);
      if (!machine.files.alive) return;
      this.#answered++;
      await machine.scheduler.sleep(randomUnit(this.#prng) * 3);
    }
  }

  async #housekeep(machine: Machine, { storage }: Store): Promise<void> {
    for (;;) {
      await machine.scheduler.sleep(randomUnit(this.#prng) * 40);
      if (randomInt(this.#prng, 2) === 0) await storage.compact();
      else await storage.flush();
    }
  }

  async #snapshot(machine: Machine, { snapshots }: Store): Promise<void> {
    for (;;) {
      await machine.scheduler.sleep(randomUnit(this.#prng) * 12);
      const from = this.#answered;
      try {
        const { name } = await snapshots.create({ withHead: true });
        if (!machine.files.alive) return;
        this.#taken.set(name, { from, to: this.#sent });
        if (randomInt(this.#prng, 3) > 0) continue;
        this.#removing.add(name);
        await snapshots.remove(name);
        if (!machine.files.alive) return;
        this.#taken.delete(name);
      } catch (error) {
        // Refused: nothing of it may be left, which the next start shows.
        if (!(error instanceof AppError) || this.#options.faults !== true) throw error;
      }
    }
  }
}

export function snapshotRun(options: SnapshotRunOptions): Promise<readonly string[]> {
  return new SnapshotRun(options).run();
}
