// One shard of the storage engine behind the storage contract: opens from catalog and log, writes
// through the log (write-path.ts), reads over views (reader.ts), and keeps house: flushes and
// merges one at a time, started by size, by time or by request.
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
  SelectedBlocks,
  SelectRequest,
  Storage,
  StorageStats,
} from '../model/storage.ts';
import type { TenantId } from '../model/tenant.ts';
import type { RunLeaf } from '../windows/leaf.ts';
import { BugError, FatalError } from '../stdx/assert.ts';
import {
  batchIdsFrom,
  readAll,
  readDeletes,
  readFrontier,
  readParts,
  readSplits,
} from './catalog-rows.ts';
import { persistFrozen } from './flush.ts';
import { HEAD_DELETES_MAX, HEAD_FLUSH_SHARE, MAINTENANCE_RETRY_MS } from './limits.ts';
import { retireIdle } from './idle-series.ts';
import { mergeDue } from './merge.ts';
import { DEAD_LETTERS, shardNames } from './names.ts';
import { narrowed, ShardReader } from './reader.ts';
import { DEFAULT_TSDB_SETTINGS } from './settings.ts';
import type { TsdbOptions } from './settings.ts';
import type { ShardStorage } from './sharded-storage.ts';
import type { HeldContent, StorageHold } from './snapshots.ts';
import { ShardState, sortedParts } from './state.ts';
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
  const state = new ShardState(options, frontier);
  await loadCatalog(state);
  await removeOrphans(state);
  for (const { file, reason } of log.damage)
    state.report({ kind: 'log-damage', reason: `${file}: ${reason}` });
  const shard = new Shard(state);
  await shard.replay();
  return shard;
}

async function loadCatalog(state: ShardState): Promise<void> {
  const { catalog } = state.options;
  const { names } = state;
  const rows = await readParts(catalog, names);
  const parts = sortedParts(rows.map((row) => state.openPart(row)));
  const deletes = await readDeletes(catalog, names);
  state.view = { ...state.view, parts, deletes };
  for (const split of await readSplits(catalog, names)) state.addSplit(split, -1);
  for (const { key } of await readAll(catalog, names.tenantRows))
    state.tenants.set(key.slice(names.tenantRows.length), true);
  for (const entry of await readAll(catalog, names.batchIdRows)) {
    const ids = batchIdsFrom(entry);
    const tenant = entry.key.slice(entry.key.lastIndexOf('/') + 1);
    for (const one of ids) state.batchIds.add(tenant, one);
    const newestMs = Math.max(...ids.map((one) => one.seenMs));
    state.batchIdRows.push({ key: entry.key, newestMs });
  }
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
    throw new FatalError(`the part ${lost} is missing or has another size than the catalog says`);
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

class Shard implements ShardStorage {
  readonly #state: ShardState;
  readonly #writes: WritePath;
  readonly #reader: ShardReader;
  /** The tail of the queue of flushes and merges. */
  #maintenance: Promise<void> = Promise.resolve();
  #isScheduled = false;
  #cancelTimer: (() => void) | undefined = undefined;
  #cancelRetry: (() => void) | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;

  constructor(state: ShardState) {
    this.#state = state;
    this.#reader = new ShardReader(state);
    this.#writes = new WritePath(state, () => this.#afterApply());
  }

  async replay(): Promise<void> {
    const { log } = this.#state.options;
    const isBroken = this.#state.mutations.skipFrontier === true;
    await this.#writes.replay(isBroken ? log.startOffset : this.#state.frontier);
    // Not earlier: a cut beyond what is applied so far would wait for writes that never come.
    this.#armTimer();
    // A head that is full already refuses the writes whose application would start the flush.
    this.#afterApply();
  }

  // -------------------------------------------------------------- writing

  resolve(tenant: TenantId, labels: Labels): SeriesRef {
    return this.#state.index.resolve(tenant, labels);
  }

  resolveBytes(tenant: TenantId, labels: LabelBytes): SeriesRef {
    return this.#state.index.resolveBytes(tenant, labels);
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
    const counts = await this.#reader.countDelete(request, options.principal);
    if (request.dryRun) return counts;
    const isApplied = await this.#writes.delete(narrowed(request, options.principal), options);
    return isApplied ? counts : { seriesCount: 0, pointCount: 0 };
  }

  // -------------------------------------------------------------- reading

  pin: Storage['pin'] = () => this.#reader.pin();
  select: Storage['select'] = (context, request) => this.#reader.select(context, request);
  labelNames: Storage['labelNames'] = async (context, s) => this.#reader.labelNames(context, s);
  labelValues: Storage['labelValues'] = async (context, label, s) =>
    this.#reader.labelValues(context, label, s);
  series: Storage['series'] = async (context, s) => this.#reader.series(context, s);
  cardinality: Storage['cardinality'] = async (context, s) => this.#reader.cardinality(context, s);
  metadata: Storage['metadata'] = (context, request) => this.#reader.metadata(context, request);
  exemplars: Storage['exemplars'] = (context, s) => this.#reader.exemplars(context, s);
  attributes: Storage['attributes'] = (context, s) => this.#reader.attributes(context, s);
  splits: Storage['splits'] = (context) => this.#reader.splits(context);

  selectBlocks(context: ReadContext, request: SelectRequest): AsyncIterable<SelectedBlocks> {
    return this.#reader.selectBlocks(context, request);
  }

  runLeaf(context: ReadContext, plan: LeafPlan): Promise<LeafResult> {
    return (this.#state.options.runLeaf ?? runLeafLazily)(this, context, plan);
  }

  // -------------------------------------------------------------- keeping house

  /** Runs `work` after all earlier maintenance, whatever became of it. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    const next = this.#maintenance.then(work);
    this.#maintenance = next.catch((error: unknown) => {
      // The caller gets every error; these two end the process.
      if (error instanceof FatalError || error instanceof BugError) this.#state.fail(error);
    });
    return next;
  }

  async #flushNow(): Promise<void> {
    if (this.#state.fatal !== undefined) this.#state.checkOpen();
    await this.#writes.cut();
    await persistFrozen(this.#state);
    await retireIdle(this.#state, (ref) => this.#writes.uses(ref));
  }

  async flush(): Promise<void> {
    this.#state.checkOpen();
    return this.#enqueue(async () => {
      await this.#flushNow();
      await this.#state.options.log.shrink();
    });
  }

  async compact(): Promise<void> {
    this.#state.checkOpen();
    return this.#enqueue(async () => {
      await this.#flushNow();
      await mergeDue(this.#state, true);
      await this.#state.options.log.shrink();
      await this.#state.options.catalog.checkpoint();
    });
  }

  /** Its turn in the queue of flushes and merges lasts until it is released. */
  hold(): Promise<StorageHold> {
    this.#state.checkOpen();
    const { promise, resolve, reject } = Promise.withResolvers<StorageHold>();
    this.#enqueue(async () => {
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      const flush = (): Promise<void> => this.#flushNow();
      resolve({ flush, content: () => this.#heldContent(), release });
      await released;
    }).catch(reject);
    return promise;
  }

  async #heldContent(): Promise<HeldContent> {
    const { frontier, settings, view, options } = this.#state;
    const shards = [{ shard: settings.shard, offset: frontier }];
    const blobs = view.parts.map(({ row }) => row.name);
    for await (const { name } of options.blobs.list(DEAD_LETTERS)) blobs.push(name);
    return { shards, blobs };
  }

  #afterApply(): void {
    const { headBytesMax, logTailMaxBytes } = this.#state.settings;
    const isDue =
      this.#state.activeGeneration.sizeBytes > headBytesMax * HEAD_FLUSH_SHARE ||
      this.#state.activeGeneration.deleteCount > HEAD_DELETES_MAX ||
      this.#state.tailBytes > logTailMaxBytes;
    if (isDue && this.#state.tailBytes > 0) this.#scheduleMaintenance();
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
  #scheduleMaintenance(): void {
    if (this.#isScheduled || this.#closing !== undefined) return;
    this.#isScheduled = true;
    this.#maintainInBackground().catch((error: unknown) => this.#state.fail(error));
  }

  async #maintainInBackground(): Promise<void> {
    try {
      await this.#enqueue(async () => {
        await this.#flushNow();
        await mergeDue(this.#state, false);
      });
      this.#isScheduled = false;
      // What was applied meanwhile may have filled the head, and then nothing else is.
      this.#afterApply();
    } catch (error) {
      this.#state.report({ kind: 'maintenance-failed', error });
      const isOver = error instanceof FatalError || error instanceof BugError;
      if (!isOver && this.#closing === undefined && this.#state.fatal === undefined)
        this.#cancelRetry = this.#state.options.scheduler.after(MAINTENANCE_RETRY_MS, () => {
          this.#isScheduled = false;
          this.#scheduleMaintenance();
        });
    }
  }

  /** For a cache of results: as WriteVersions.versionOf. */
  writeVersion(
    tenant: TenantId,
    metricName: string | undefined,
    range: { readonly startUs: number; readonly endUs: number },
  ): number {
    return this.#state.writeVersions.versionOf(tenant, metricName, range);
  }

  /** Series written within the last hour, for quotas: exact to the second. */
  activeSeries(tenant: TenantId): number {
    return this.#state.index.activeSeries(tenant, this.#state.options.clock.nowMs());
  }

  stats(): StorageStats {
    const { view, index, options, frontier, headSamples } = this.#state;
    return {
      activeSeries: index.findableCount,
      headSamples,
      partCount: view.parts.length,
      dataSizeBytes: view.parts.reduce((sum, part) => sum + part.row.sizeBytes, 0),
      logSizeBytes: options.log.sizeBytes,
      frontier,
      logEndOffset: options.log.endOffset,
    };
  }

  tenants(): readonly TenantId[] {
    return [...this.#state.tenants.keys()].toSorted(compareUtf8);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelRetry?.();
    const { log, blobs, catalog, sharesPlanes } = this.#state.options;
    this.#state.isClosed = true;
    try {
      await this.#enqueue(async () => {
        await this.#writes.drain();
        if (this.#state.fatal === undefined) await this.#flushNow();
      });
    } catch (error) {
      // What is not in parts is in the log; the next opening replays it.
      this.#state.report({ kind: 'maintenance-failed', error });
    }
    await log.close();
    if (sharesPlanes === true) return;
    await blobs.close();
    await catalog.close();
  }
}
