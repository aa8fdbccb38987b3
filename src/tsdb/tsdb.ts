// One shard of the storage engine behind the storage contract: opens from catalog and log, writes
// through the log (write-path.ts), reads over views (reader.ts), and keeps house: one flush and one
// merge at a time, started by size, by time or by request.
import type { NameSplit, SeriesRef, WriteBatch } from '../model/columns.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import { compareUtf8 } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type {
  AppendOptions,
  AppendResult,
  DeleteRequest,
  DeleteResult,
  LeafPlan,
  LeafResult,
  ReadContext,
  Retention,
  SelectedBlocks,
  SelectRequest,
  Storage,
  StorageHouse,
  StorageStats,
  TenantRetention,
} from '../model/storage.ts';
import { REF_REFUSED } from '../model/storage.ts';
import type { TenantId } from '../model/tenant.ts';
import type { RunLeaf } from '../windows/leaf.ts';
import { BugError, FatalError } from '../stdx/assert.ts';
import {
  batchIdsFrom,
  readAll,
  readDeletes,
  readFrontier,
  readParts,
  readRetention,
  readSplits,
  retentionKey,
  horizonKey,
  toJson,
} from './catalog-rows.ts';
import { persistFrozen } from './flush.ts';
import { coverageProblem } from './coverage.ts';
import { isOfAll } from './deletes.ts';
import { HeadSnapshots, openHeadSnapshot } from './head-snapshots.ts';
import { houseOf } from './house.ts';
import { retireIdle } from './idle-series.ts';
import { keepHouse } from './keeping.ts';
import {
  HEAD_SNAPSHOT_CLOSE_SHARE,
  HOUSEKEEPING_INTERVAL_MS,
  MAINTENANCE_RETRY_MS,
} from './limits.ts';
import { DEAD_LETTERS, seenListName, shardNames } from './names.ts';
import { narrowed, ShardReader } from './reader.ts';
import { openSeenList, takeSeenList } from './seen-lists.ts';
import { activeCount } from './series-seen.ts';
import { DEFAULT_TSDB_SETTINGS } from './settings.ts';
import type { TsdbOptions } from './settings.ts';
import type { ShardStorage } from './sharded-storage.ts';
import type { HeldContent, StorageHold } from './snapshots.ts';
import { ShardState, sortedParts } from './state.ts';
import { bytesByTenant } from './retention.ts';
import { Turns } from './turns.ts';
import { WritePath } from './write-path.ts';

export type { TsdbEvent, TsdbMutations, TsdbOptions, TsdbSettings } from './settings.ts';

/**
 * Opens the shard: catalog rows, then the log from the frontier, streamed. Owns `log`, `blobs` and
 * `catalog` from now on. Throws FatalError where log and catalog do not fit together.
 */
export async function openTsdb(options: TsdbOptions): Promise<ShardStorage> {
  const { catalog, log } = options;
  const names = shardNames(options.settings?.shard ?? DEFAULT_TSDB_SETTINGS.shard);
  const { result: frontier } = await catalog.transact((tx) => readFrontier(tx, names));
  if (log.startOffset > frontier || log.endOffset < frontier)
    throw new FatalError(
      `the catalog says that the log is in parts up to record ${frontier}, but the log holds ` +
        `${log.startOffset} to ${log.endOffset}: one of the two was replaced or lost records; ` +
        'restore both from one backup',
    );
  const restored = await openHeadSnapshot(options, frontier);
  const seen = await openSeenList(options, frontier);
  const state = new ShardState(options, frontier, restored);
  if (seen !== undefined) {
    state.seenLists.add(seen.name);
    // A head snapshot has what the index knew.
    if (restored === undefined) await takeSeenList(state, seen);
  }
  await loadCatalog(state);
  await removeOrphans(state);
  await state.disk.start();
  for (const { file, reason, firstOffset, endOffset } of log.damage) {
    const records = `records ${firstOffset} to ${endOffset - 1}`;
    state.report({ kind: 'log-damage', reason: `${file}: ${records}: ${reason}` });
  }
  const shard = new Shard(state);
  await shard.replay();
  return shard;
}

async function loadCatalog(state: ShardState): Promise<void> {
  const { catalog } = state.options;
  const { names } = state;
  const rows = await readParts(catalog, names);
  const problem = coverageProblem(rows, state.frontier);
  if (problem !== undefined && state.mutations.skipAdjacency !== true)
    throw new FatalError(
      `the catalog's list of parts cannot be true: ${problem}; restore it from a backup`,
    );
  state.retention = await readRetention(catalog, names, state.settings.retention);
  const parts = sortedParts(rows.map((row) => state.openPart(row)));
  const deletes = await readDeletes(catalog, names);
  state.view = { ...state.view, parts, deletes: [...deletes, ...state.view.deletes] };
  for (const split of await readSplits(catalog, names)) state.addSplit(split, -1);
  for (const { key } of await readAll(catalog, names.tenantRows))
    state.tenants.set(key.slice(names.tenantRows.length), true);
  // Applied before the head snapshot; their rows go with the flush.
  for (const one of state.view.deletes)
    if (one.offset >= state.frontier && isOfAll(one)) state.forgetTenant(one.tenant);
  for (const entry of await readAll(catalog, names.batchIdRows)) {
    const ids = batchIdsFrom(entry);
    const tenant = entry.key.slice(entry.key.lastIndexOf('/') + 1);
    for (const one of ids) state.batchIds.add(tenant, one);
    const newestMs = Math.max(...ids.map((one) => one.seenMs));
    state.batchIdRows.push({ key: entry.key, newestMs });
  }
  if (state.restored !== undefined) state.takeRestored(state.restored);
}

/** Blobs that were put but never committed, or replaced but not yet removed. */
async function removeOrphans(state: ShardState): Promise<void> {
  const { blobs } = state.options;
  const missing = new Map(state.view.parts.map(({ row }) => [row.name, row]));
  const orphans: string[] = [];
  for await (const { name, sizeBytes } of blobs.list(state.names.parts)) {
    const row = missing.get(name);
    if (row === undefined) orphans.push(name);
    else if (row.sizeBytes === sizeBytes) missing.delete(name);
  }
  const [lost] = missing.keys();
  if (lost !== undefined)
    throw new FatalError(
      `the part ${lost} is missing or has another size than the catalog says: put that file ` +
        'back, or restore a backup',
    );
  for (const blob of orphans) {
    await blobs.remove(blob);
    state.report({ kind: 'orphan-removed', blob });
  }
}

/** The kernels are loaded by the first query: a server that only takes writes does without. */
export const runLeafLazily: RunLeaf = async (reader, context, plan) => {
  const { runLeafInThread } = await import('../windows/leaf.ts');
  return await runLeafInThread(reader, context, plan);
};

function knownOrRefused(ref: SeriesRef): SeriesRef {
  return ref >= 0 ? ref : REF_REFUSED;
}

class Shard implements ShardStorage {
  readonly #state: ShardState;
  readonly #writes: WritePath;
  readonly #reader: ShardReader;
  /** Merges, which go on beside flushes; what changes the list of parts waits for its turn. */
  readonly #merges = new Turns();
  #isScheduled = false;
  #isMerging = false;
  #cancelTimer: (() => void) | undefined = undefined;
  #cancelHousekeeping: (() => void) | undefined = undefined;
  #cancelRetry: (() => void) | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;
  readonly #headSnapshots: HeadSnapshots;
  #isTakingHead = false;
  /** Cancels the end of the time in which a long tail waits. */
  #cancelOpening: (() => void) | undefined = undefined;

  constructor(state: ShardState) {
    this.#state = state;
    this.#reader = new ShardReader(state);
    this.#writes = new WritePath(state, () => this.#afterApply());
    this.#headSnapshots = new HeadSnapshots(state, () => this.#writes.applied);
    const { seriesGate, clock } = state.options;
    seriesGate?.watch((tenant) => state.index.seriesCount(tenant, clock.nowMs()));
  }

  async replay(): Promise<void> {
    const { log } = this.#state.options;
    const { restored, frontier } = this.#state;
    const isBroken = this.#state.mutations.skipFrontier === true;
    const from = isBroken ? log.startOffset : (restored?.offset ?? frontier);
    await this.#writes.meter(from);
    await this.#writes.replay(from);
    this.#state.restored = undefined;
    this.#armOpening();
    // Not earlier: a cut beyond what is applied so far would wait for writes that never come.
    this.#armTimer();
    this.#armHousekeeping();
    // A head that is full already refuses the writes whose application would start the flush.
    this.#afterApply();
  }

  // -------------------------------------------------------------- writing

  resolve(tenant: TenantId, labels: Labels): SeriesRef {
    const { index, memory, options } = this.#state;
    if (memory.isFull && !memory.hasRoomFor(tenant)) return this.#known(index.find(tenant, labels));
    const gate = options.seriesGate;
    if (gate === undefined) return index.resolve(tenant, labels);
    if (!gate.admits(tenant) && !index.remembers(tenant, labels))
      return knownOrRefused(index.find(tenant, labels));
    const { rows } = index.tables;
    const before = rows.liveCount;
    const ref = index.resolve(tenant, labels);
    if (rows.liveCount !== before && !index.isReturning(ref)) gate.made(tenant);
    return ref;
  }

  resolveBytes(tenant: TenantId, labels: LabelBytes): SeriesRef {
    const { index, memory, options } = this.#state;
    if (memory.isFull && !memory.hasRoomFor(tenant))
      return this.#known(index.findBytes(tenant, labels));
    const gate = options.seriesGate;
    if (gate === undefined) return index.resolveBytes(tenant, labels);
    if (!gate.admits(tenant) && !index.remembers(tenant, labels))
      return knownOrRefused(index.findBytes(tenant, labels));
    const { rows } = index.tables;
    const before = rows.liveCount;
    const ref = index.resolveBytes(tenant, labels);
    if (rows.liveCount !== before && !index.isReturning(ref)) gate.made(tenant);
    return ref;
  }

  /** Throws AppError memory-full where the series is new. */
  #known(ref: SeriesRef): SeriesRef {
    if (ref >= 0) return ref;
    throw this.#state.memory.seriesRefusal();
  }

  knows(tenant: TenantId, ref: SeriesRef): boolean {
    return this.#state.index.tenantOf(ref) === tenant;
  }

  splitOf(tenant: TenantId, name: string): NameSplit | undefined {
    const { splits, splitsInFlight } = this.#state;
    return splits.get(tenant)?.get(name)?.split ?? splitsInFlight.get(`${tenant}/${name}`);
  }

  checkAppend(batch: WriteBatch, options: AppendOptions): void {
    this.#writes.check(batch, options);
  }

  append(batch: WriteBatch, options: AppendOptions): Promise<AppendResult> {
    return this.#writes.append(batch, options);
  }

  async delete(request: DeleteRequest, options: AppendOptions): Promise<DeleteResult> {
    this.#state.checkOpen();
    const none = { seriesCount: 0, pointCount: 0 };
    const isCounted = request.dryRun || request.skipCounts !== true;
    const counts = isCounted ? await this.#reader.countDelete(request, options.principal) : none;
    if (request.dryRun) return counts;
    const isApplied = await this.#writes.delete(narrowed(request, options.principal), options);
    return isApplied ? counts : none;
  }

  // -------------------------------------------------------------- reading

  pin: Storage['pin'] = () => this.#reader.pin();
  select: Storage['select'] = (context, request) => this.#reader.select(context, request);
  labelNames: Storage['labelNames'] = async (context, s) => this.#reader.labelNames(context, s);
  labelValues: Storage['labelValues'] = async (context, label, s) =>
    this.#reader.labelValues(context, label, s);
  series: Storage['series'] = async (context, s) => this.#reader.series(context, s);
  seriesPages: Storage['seriesPages'] = (context, s) => this.#reader.seriesPages(context, s);
  cardinality: Storage['cardinality'] = async (context, s) => this.#reader.cardinality(context, s);
  estimate: Storage['estimate'] = async (context, request) =>
    this.#reader.estimate(context, request);
  metadata: Storage['metadata'] = (context, request) => this.#reader.metadata(context, request);
  exemplars: Storage['exemplars'] = (context, s) => this.#reader.exemplars(context, s);
  attributes: Storage['attributes'] = (context, s) => this.#reader.attributes(context, s);
  splits: Storage['splits'] = (context) => this.#reader.splits(context);

  selectBlocks(context: ReadContext, request: SelectRequest): AsyncIterable<SelectedBlocks> {
    return this.#reader.selectBlocks(context, request);
  }

  async runLeaf(context: ReadContext, plan: LeafPlan): Promise<LeafResult> {
    const instant = await this.#reader.runInstant(context, plan);
    if (instant !== undefined) return instant;
    const range = await this.#reader.runRange(context, plan);
    if (range !== undefined) return range;
    return (this.#state.options.runLeaf ?? runLeafLazily)(this, context, plan);
  }

  // -------------------------------------------------------------- keeping house

  /** The caller gets every error; these two end the process. */
  #watched(work: Promise<void>): Promise<void> {
    work.catch((error: unknown) => {
      if (error instanceof FatalError || error instanceof BugError) this.#state.fail(error);
    });
    return work;
  }

  #merge(work: () => Promise<void>): Promise<void> {
    return this.#watched(this.#merges.run(work));
  }

  #flushNow(): Promise<void> {
    return this.#watched(this.#state.turns.run(() => this.#flushInTurn()));
  }

  async #flushInTurn(): Promise<void> {
    if (this.#state.fatal !== undefined) this.#state.checkOpen();
    await this.#writes.cut();
    await persistFrozen(this.#state);
    await this.#headSnapshots.removeStale();
    await retireIdle(this.#state, (ref) => this.#writes.uses(ref));
  }

  async flush(): Promise<void> {
    this.#state.checkOpen();
    await this.#flushNow();
    await this.#state.options.log.shrink();
  }

  async compact(): Promise<void> {
    this.#state.checkOpen();
    return this.#merge(async () => {
      await this.#flushNow();
      await keepHouse(this.#state, 'all');
      await this.#state.options.log.shrink();
      await this.#state.options.catalog.checkpoint();
    });
  }

  /** Its turn lasts until it is released: no flush, and no merge changes the list of parts. */
  hold(): Promise<StorageHold> {
    this.#state.checkOpen();
    const { promise, resolve, reject } = Promise.withResolvers<StorageHold>();
    this.#watched(
      this.#state.turns.run(async () => {
        const { promise: released, resolve: release } = Promise.withResolvers<void>();
        const flush = (): Promise<void> => this.#flushInTurn();
        resolve({ flush, content: () => this.#heldContent(), release });
        await released;
      }),
    ).catch(reject);
    return promise;
  }

  async #heldContent(): Promise<HeldContent> {
    const { frontier, settings, view, options, names, seenLists } = this.#state;
    const shards = [{ shard: settings.shard, offset: frontier }];
    const blobs = view.parts.map(({ row }) => row.name);
    for await (const { name } of options.blobs.list(DEAD_LETTERS)) blobs.push(name);
    const seen = seenListName(names, frontier);
    if (seenLists.has(seen)) blobs.push(seen);
    return { shards, blobs };
  }

  async cleanTombstones(): Promise<void> {
    this.#state.checkOpen();
    const { log, catalog } = this.#state.options;
    return this.#merge(async () => {
      const end = log.endOffset;
      await this.#flushNow();
      await keepHouse(this.#state, 'clean');
      await log.shrink();
      if (log.startOffset < end) {
        // Writes during the first cut share a segment with what has to go; now it is complete.
        await this.#flushNow();
        await log.shrink();
      }
      await this.#state.removals();
      await catalog.checkpoint();
    });
  }

  retention(tenant: TenantId): TenantRetention {
    const { retention, options } = this.#state;
    const horizonUs = retention.horizonUs(tenant, options.clock.nowMs());
    return { own: retention.own(tenant), effective: retention.of(tenant), horizonUs };
  }

  async setRetention(tenant: TenantId, retention: Retention | undefined): Promise<void> {
    this.#state.checkOpen();
    const { names, options } = this.#state;
    const before = this.#state.retention.own(tenant);
    // At once, so that no horizon of the former limits is stored behind the row.
    this.#state.retention = this.#state.retention.with(tenant, retention);
    try {
      await options.catalog.transact(async (tx) => {
        if (retention === undefined) tx.remove(retentionKey(names, tenant));
        else tx.set(retentionKey(names, tenant), toJson(retention));
        tx.remove(horizonKey(names, tenant));
      });
    } catch (error) {
      this.#state.retention = this.#state.retention.with(tenant, before);
      throw error;
    }
  }

  #afterApply(): void {
    if (this.#state.tailBytes === 0) return;
    if (this.#state.isFlushDue) this.#scheduleMaintenance();
    else if (!this.#state.isResting && this.#headSnapshots.isDue()) void this.#takeHeadSnapshot();
  }

  /** A long tail alone is no hurry: the first queries after a start come before its flush. */
  #armOpening(): void {
    const { openingRestMs } = this.#state.settings;
    const isLong = this.#state.isFlushDue || this.#headSnapshots.isDue();
    if (openingRestMs <= 0 || !isLong) return;
    this.#state.isResting = true;
    this.#cancelOpening = this.#state.options.scheduler.after(openingRestMs, () => {
      this.#state.isResting = false;
      this.#afterApply();
    });
  }

  /** In the background; a failure is reported, and the next one comes after as much log again. */
  async #takeHeadSnapshot(): Promise<void> {
    if (this.#isTakingHead || this.#closing !== undefined) return;
    this.#isTakingHead = true;
    try {
      const { pacer, turns } = this.#state;
      await this.#watched(turns.run(() => this.#headSnapshots.take(pacer.pause)));
    } catch (error) {
      if (this.#closing === undefined) this.#state.report({ kind: 'maintenance-failed', error });
    } finally {
      this.#isTakingHead = false;
    }
  }

  /** Retention and merges go on where nothing is written. */
  #armHousekeeping(): void {
    if (this.#state.settings.flushIntervalMs <= 0) return;
    const { scheduler } = this.#state.options;
    this.#cancelHousekeeping = scheduler.after(HOUSEKEEPING_INTERVAL_MS, () => {
      // Series that are idle leave after a flush, also where all writes are refused.
      this.#scheduleMaintenance({ withFlush: this.#state.memory.isCrowded });
      this.#armHousekeeping();
    });
  }

  #armTimer(): void {
    const { flushIntervalMs } = this.#state.settings;
    if (flushIntervalMs <= 0) return;
    this.#cancelTimer = this.#state.options.scheduler.after(flushIntervalMs, () => {
      this.#scheduleMaintenance();
      this.#armTimer();
    });
  }

  /** A flush and the merges it makes due, in the background; tried again later where it fails. */
  #scheduleMaintenance({ withFlush } = { withFlush: true }): void {
    if (this.#isScheduled || this.#closing !== undefined) return;
    this.#isScheduled = true;
    this.#maintainInBackground(withFlush).catch((error: unknown) => this.#state.fail(error));
  }

  async #maintainInBackground(withFlush: boolean): Promise<void> {
    try {
      // What comes during a long flush is then all that a start has to replay.
      if (withFlush && this.#headSnapshots.isDueBeforeFlush()) await this.#takeHeadSnapshot();
      // The last flush is the closing's own: one that is queued behind it finds the planes closed.
      if (this.#closing !== undefined) return;
      if (withFlush) await this.#flushNow();
      if (this.#closing !== undefined) return;
      this.#isScheduled = false;
      // What was applied meanwhile may have filled the head, and then nothing else is.
      this.#afterApply();
      await this.#mergeInBackground();
    } catch (error) {
      if (this.#closing !== undefined) return;
      this.#state.report({ kind: 'maintenance-failed', error });
      const isOver = error instanceof FatalError || error instanceof BugError;
      if (!isOver && this.#closing === undefined && this.#state.fatal === undefined)
        this.#cancelRetry = this.#state.options.scheduler.after(MAINTENANCE_RETRY_MS, () => {
          this.#isScheduled = false;
          this.#scheduleMaintenance();
        });
    }
  }

  watchChanges(belowUs: number): void {
    this.#state.writeVersions.watch(belowUs);
  }

  writeCount(tenant: TenantId): number {
    return this.#state.writeVersions.countOf(tenant);
  }

  changeVersion(
    tenant: TenantId,
    metricName: string | undefined,
    range: { readonly startUs: number; readonly endUs: number },
  ): number {
    return this.#state.writeVersions.versionOf(tenant, metricName, range);
  }

  /** Flushes may come while it runs; what they make due is seen by the plan after this one. */
  async #mergeInBackground(): Promise<void> {
    if (this.#isMerging) return;
    this.#isMerging = true;
    try {
      await this.#merge(() => keepHouse(this.#state, 'due'));
    } finally {
      this.#isMerging = false;
    }
  }

  stats(): StorageStats {
    const { view, index, options, frontier, headSamples } = this.#state;
    return {
      activeSeries: activeCount(index.seen.tenants, options.clock.nowMs()),
      seriesInMemory: index.findableCount,
      headSamples,
      partCount: view.parts.length,
      dataSizeBytes: view.parts.reduce((sum, part) => sum + part.row.sizeBytes, 0),
      logSizeBytes: options.log.sizeBytes,
      frontier,
      logEndOffset: options.log.endOffset,
    };
  }

  house(): readonly StorageHouse[] {
    return [houseOf(this.#state)];
  }

  storedBytes(): Promise<ReadonlyMap<TenantId, number>> {
    return bytesByTenant(this.#state.view.parts);
  }

  tenants(): readonly TenantId[] {
    return [...this.#state.tenants.keys()].toSorted(compareUtf8);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** A long tail is not flushed at the end: a head snapshot costs less and restarts as fast. */
  async #lastFlush(): Promise<void> {
    if (!this.#headSnapshots.isTailLong(HEAD_SNAPSHOT_CLOSE_SHARE)) return this.#flushNow();
    return this.#watched(this.#state.turns.run(() => this.#headSnapshots.take(() => undefined)));
  }

  async #close(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelRetry?.();
    this.#cancelHousekeeping?.();
    this.#cancelOpening?.();
    this.#state.disk.stop();
    const { log, blobs, catalog, sharesPlanes } = this.#state.options;
    this.#state.isClosed = true;
    this.#state.pacer.stop();
    this.#state.progress.stop();
    try {
      await this.#merges.idle();
      await this.#writes.drain();
      await this.#state.options.meter?.keep();
      if (this.#state.fatal === undefined) await this.#lastFlush();
    } catch (error) {
      // What is not in parts is in the log; the next opening replays it.
      this.#state.report({ kind: 'maintenance-failed', error });
    }
    // A flush that somebody asked for, and what was due after it, may stand behind the last one.
    await this.#state.turns.idle();
    await this.#merges.idle();
    await log.close();
    if (sharesPlanes === true) return;
    await blobs.close();
    await catalog.close();
  }
}
