// Several shards behind the storage contract. A series belongs to one shard for ever (shard-of.ts),
// a family's metadata and the split of a metric name to the shard of that name. Writes are cut by
// shard, reads are merged in label order: a leaf therefore sees the same series in the same chunks
// whatever the number of shards, and its answer has the same bits (docs/decisions/0024).
//
// Invariants. A ref carries its shard. A batch is refused by all shards or sent to all it concerns;
// what can fail afterwards (a log) may leave it applied on some of them, and the same batch sent
// again completes it. A batch with the writer's id goes to every shard, so that each of them
// remembers it.
import type { NameSplit, SeriesRef, WriteBatch } from '../model/columns.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import { compareLabels, compareUtf8 } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type {
  AppendOptions,
  AppendResult,
  Cardinality,
  DeleteRequest,
  DeleteResult,
  EstimateRequest,
  ExemplarSeries,
  LeafPlan,
  LeafResult,
  LimitedNames,
  Pin,
  ReadContext,
  Retention,
  SelectedBlocks,
  SelectedSeries,
  SelectRequest,
  SelectorEstimate,
  SeriesAttributes,
  SeriesSelector,
  Storage,
  StorageHouse,
  StorageStats,
  TenantRetention,
} from '../model/storage.ts';
import type { Metadata } from '../model/columns.ts';
import { isRestricted } from '../model/tenant.ts';
import { mergePages } from '../model/series-page.ts';
import type { SeriesPage } from '../model/series-page.ts';
import type { TenantId } from '../model/tenant.ts';
import type { RunLeaf } from '../windows/leaf.ts';
import { assert } from '../stdx/assert.ts';
import { HeldBytes } from './held-bytes.ts';
import { splitBatch } from './shard-batch.ts';
import {
  mergeCardinality,
  mergeEstimates,
  mergeSorted,
  mergeStats,
  mergeStreams,
  mergeTexts,
} from './shard-merge.ts';
import {
  localRef,
  refOf,
  shardOfBytes,
  shardOfName,
  shardOfRef,
  shardOfSeries,
} from './shard-of.ts';
import type { HeldContent, HoldableStorage, StorageHold } from './snapshots.ts';
import { scaledRetention } from './retention.ts';
import { visibleMetadata, visibleSplits } from './visible-names.ts';

/** A shard as its composite needs it. */
export interface ShardStorage extends HoldableStorage {
  /** Throws what `append` would refuse before it logs anything. */
  checkAppend(batch: WriteBatch, options: AppendOptions): void;
}

export interface ShardedParts {
  readonly shards: readonly ShardStorage[];
  /** Evaluates a leaf over the merged streams. */
  readonly runLeaf: RunLeaf;
  /** Closes what the shards share. */
  readonly closePlanes: () => Promise<void>;
}

const NOTHING: WriteBatch = {
  points: [],
  metadata: [],
  exemplars: [],
  attributes: [],
  splits: [],
};

class ShardedPin implements Pin {
  readonly owner: ShardedStorage;
  readonly pins: readonly Pin[];

  constructor(owner: ShardedStorage, pins: readonly Pin[]) {
    this.owner = owner;
    this.pins = pins;
  }

  release(): void {
    for (const pin of this.pins) pin.release();
  }
}

export class ShardedStorage implements HoldableStorage {
  readonly #shards: readonly ShardStorage[];
  readonly #parts: ShardedParts;

  /** Owns the shards from now on. */
  constructor(parts: ShardedParts) {
    assert(parts.shards.length > 1, 'one shard needs no composite');
    this.#shards = parts.shards;
    this.#parts = parts;
  }

  /** In order; owned by this one. */
  get shards(): readonly ShardStorage[] {
    return this.#shards;
  }

  // -------------------------------------------------------------- writing

  resolve(tenant: TenantId, labels: Labels): SeriesRef {
    const { length } = this.#shards;
    const shard = shardOfSeries(tenant, labels, length);
    const local = this.#shards[shard]!.resolve(tenant, labels);
    return local < 0 ? local : refOf(local, shard, length);
  }

  resolveBytes(tenant: TenantId, labels: LabelBytes): SeriesRef {
    const { length } = this.#shards;
    const shard = shardOfBytes(tenant, labels, length);
    const local = this.#shards[shard]!.resolveBytes(tenant, labels);
    return local < 0 ? local : refOf(local, shard, length);
  }

  knows(tenant: TenantId, ref: SeriesRef): boolean {
    const { length } = this.#shards;
    return this.#shards[shardOfRef(ref, length)]!.knows(tenant, localRef(ref, length));
  }

  splitOf(tenant: TenantId, name: string): NameSplit | undefined {
    return this.#shards[shardOfName(tenant, name, this.#shards.length)]!.splitOf(tenant, name);
  }

  async append(batch: WriteBatch, options: AppendOptions): Promise<AppendResult> {
    const cut = splitBatch(batch, options.principal.tenant, this.#shards.length);
    return await this.appendParts(cut, options);
  }

  /** As `append`, from what belongs to each shard, with its own refs. Refusals throw at once. */
  appendParts(
    parts: readonly (WriteBatch | undefined)[],
    options: AppendOptions,
  ): Promise<AppendResult> {
    const isEmpty = parts.every((part) => part === undefined);
    const toAll = options.batchId !== undefined;
    const sent = this.#shards.flatMap((shard, i) => {
      const isConcerned = parts[i] !== undefined || toAll || (isEmpty && i === 0);
      return isConcerned ? [{ shard, part: parts[i] ?? NOTHING }] : [];
    });
    // Between the checks and the appends there is no await.
    for (const { shard, part } of sent) shard.checkAppend(part, options);
    return applied(sent.map(({ shard, part }) => shard.append(part, options)));
  }

  async delete(request: DeleteRequest, options: AppendOptions): Promise<DeleteResult> {
    const counts = await all(this.#shards.map((shard) => shard.delete(request, options)));
    return {
      seriesCount: counts.reduce((sum, one) => sum + one.seriesCount, 0),
      pointCount: counts.reduce((sum, one) => sum + one.pointCount, 0),
    };
  }

  // -------------------------------------------------------------- reading

  /** One moment of all shards: nothing is applied while it is taken. */
  pin(): Pin {
    return new ShardedPin(
      this,
      this.#shards.map((shard) => shard.pin()),
    );
  }

  #each<T>(context: ReadContext, read: (shard: Storage, context: ReadContext) => T): T[] {
    const { pin } = context;
    assert(
      pin instanceof ShardedPin && pin.owner === this,
      'a pin belongs to the storage that gave it',
    );
    return this.#shards.map((shard, i) => read(shard, { ...context, pin: pin.pins[i]! }));
  }

  select(context: ReadContext, request: SelectRequest): AsyncIterable<SelectedSeries> {
    return mergeStreams(this.#each(context, (shard, its) => shard.select(its, request)));
  }

  selectBlocks(context: ReadContext, request: SelectRequest): AsyncIterable<SelectedBlocks> {
    return mergeStreams(this.#each(context, (shard, its) => shard.selectBlocks(its, request)));
  }

  runLeaf(context: ReadContext, plan: LeafPlan): Promise<LeafResult> {
    return this.#parts.runLeaf(this, context, plan);
  }

  async labelNames(
    context: ReadContext,
    s: SeriesSelector & LimitedNames,
  ): Promise<readonly string[]> {
    const lists = await all(this.#each(context, (shard, its) => shard.labelNames(its, s)));
    return mergeTexts(lists, s.limit);
  }

  async labelValues(
    context: ReadContext,
    label: string,
    s: SeriesSelector & LimitedNames,
  ): Promise<readonly string[]> {
    const lists = await all(this.#each(context, (shard, its) => shard.labelValues(its, label, s)));
    return mergeTexts(lists, s.limit);
  }

  async series(context: ReadContext, s: SeriesSelector & LimitedNames): Promise<readonly Labels[]> {
    const lists = await all(this.#each(context, (shard, its) => shard.series(its, s)));
    return mergeSorted(lists, compareLabels, s.limit);
  }

  seriesPages(context: ReadContext, s: SeriesSelector & LimitedNames): AsyncIterable<SeriesPage> {
    return mergePages(
      this.#each(context, (shard, its) => shard.seriesPages(its, s)),
      s.limit,
    );
  }

  async cardinality(context: ReadContext, s: SeriesSelector & LimitedNames): Promise<Cardinality> {
    const unlimited = { ...s, limit: 0 };
    const parts = await all(this.#each(context, (shard, its) => shard.cardinality(its, unlimited)));
    const valuesOf = async (
      label: string,
      use: (values: readonly string[]) => void,
    ): Promise<void> => {
      const held = new HeldBytes(context.budget);
      try {
        use(await this.labelValues({ ...context, budget: held }, label, unlimited));
      } finally {
        held.giveAll();
      }
    };
    return await mergeCardinality(parts, s.limit, valuesOf);
  }

  async estimate(context: ReadContext, request: EstimateRequest): Promise<SelectorEstimate> {
    const parts = await all(this.#each(context, (shard, its) => shard.estimate(its, request)));
    return mergeEstimates(parts, request.labelLimit);
  }

  watchChanges(belowUs: number): void {
    for (const shard of this.#shards) shard.watchChanges(belowUs);
  }

  writeCount(tenant: TenantId): number {
    return this.#shards.reduce((sum, shard) => sum + shard.writeCount(tenant), 0);
  }

  /** A sum of numbers that only grow. */
  changeVersion(
    tenant: TenantId,
    metricName: string | undefined,
    range: { readonly startUs: number; readonly endUs: number },
  ): number {
    return this.#shards.reduce(
      (sum, shard) => sum + shard.changeVersion(tenant, metricName, range),
      0,
    );
  }

  async metadata(
    context: ReadContext,
    request: { readonly family: string | undefined } & LimitedNames,
  ): Promise<readonly Metadata[]> {
    // A family's row and the series of its names are in different shards.
    if (isRestricted(context.principal)) return await visibleMetadata(this, context, request);
    const lists = await all(this.#each(context, (shard, its) => shard.metadata(its, request)));
    return mergeSorted(lists, (a, b) => compareUtf8(a.family, b.family), request.limit);
  }

  async exemplars(context: ReadContext, s: SeriesSelector): Promise<readonly ExemplarSeries[]> {
    const lists = await all(this.#each(context, (shard, its) => shard.exemplars(its, s)));
    return mergeSorted(lists, (a, b) => compareLabels(a.labels, b.labels), 0);
  }

  async attributes(context: ReadContext, s: SeriesSelector): Promise<readonly SeriesAttributes[]> {
    const lists = await all(this.#each(context, (shard, its) => shard.attributes(its, s)));
    return mergeSorted(lists, (a, b) => compareLabels(a.labels, b.labels), 0);
  }

  async splits(context: ReadContext): Promise<readonly NameSplit[]> {
    if (isRestricted(context.principal)) return await visibleSplits(this, context);
    const lists = await all(this.#each(context, (shard, its) => shard.splits(its)));
    return mergeSorted(lists, (a, b) => compareUtf8(a.name, b.name), 0);
  }

  // -------------------------------------------------------------- keeping house

  async flush(): Promise<void> {
    await all(this.#shards.map((shard) => shard.flush()));
  }

  /** One shard after the other, so that merges hold the memory and the disk of one. */
  compact(): Promise<void> {
    return this.#oneByOne((shard) => shard.compact());
  }

  cleanTombstones(): Promise<void> {
    return this.#oneByOne((shard) => shard.cleanTombstones());
  }

  async #oneByOne(work: (shard: Storage) => Promise<void>): Promise<void> {
    let last: Promise<void> = Promise.resolve();
    await all(
      this.#shards.map((shard) => {
        const mine = last.then(() => work(shard));
        last = mine.catch(() => undefined);
        return mine;
      }),
    );
  }

  /** First every shard stands still; then all are cut before anything else is appended. */
  async hold(): Promise<StorageHold> {
    const holds: StorageHold[] = [];
    const release = (): void => {
      for (const hold of holds) hold.release();
    };
    try {
      for (const shard of this.#shards) holds.push(await shard.hold());
    } catch (error) {
      release();
      throw error;
    }
    const flush = async (): Promise<void> => {
      await all(holds.map((hold) => hold.flush()));
    };
    const content = async (): Promise<HeldContent> => {
      const contents = await all(holds.map((hold) => hold.content()));
      return {
        shards: contents.flatMap(({ shards }) => shards),
        blobs: contents.flatMap(({ blobs }) => blobs),
      };
    };
    return { flush, content, release };
  }

  /** Of the shards' horizons by bytes the latest. */
  retention(tenant: TenantId): TenantRetention {
    const { length } = this.#shards;
    const shards = this.#shards.map((shard) => shard.retention(tenant));
    const { own, effective } = shards[0]!;
    return {
      own: own && scaledRetention(own, length),
      effective: scaledRetention(effective, length),
      horizonUs: Math.max(...shards.map(({ horizonUs }) => horizonUs)),
    };
  }

  /** A limit in bytes is shared evenly, as series are. */
  async setRetention(tenant: TenantId, retention: Retention | undefined): Promise<void> {
    const mine = retention && scaledRetention(retention, 1 / this.#shards.length);
    await all(this.#shards.map((shard) => shard.setRetention(tenant, mine)));
  }

  house(): readonly StorageHouse[] {
    return this.#shards.flatMap((shard) => shard.house());
  }

  stats(): StorageStats {
    return mergeStats(this.#shards.map((shard) => shard.stats()));
  }

  async storedBytes(): Promise<ReadonlyMap<TenantId, number>> {
    const sum = new Map<TenantId, number>();
    for (const sizes of await all(this.#shards.map((shard) => shard.storedBytes())))
      for (const [tenant, sizeBytes] of sizes) sum.set(tenant, (sum.get(tenant) ?? 0) + sizeBytes);
    return sum;
  }

  tenants(): readonly TenantId[] {
    return mergeTexts(
      this.#shards.map((shard) => shard.tenants()),
      0,
    );
  }

  async close(): Promise<void> {
    await all(this.#shards.map((shard) => shard.close()));
    await this.#parts.closePlanes();
  }
}

async function applied(appends: readonly Promise<AppendResult>[]): Promise<AppendResult> {
  const results = await all(appends);
  return { applied: results.some((result) => result.applied) };
}

/** Waits for every promise, then gives all values or throws the first reason. */
async function all<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
