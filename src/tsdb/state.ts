// What the write path, the maintenance and the readers of one shard share. Single-threaded: every
// field changes between two awaits or not at all.
import { AppError } from '../model/errors.ts';
import { NO_PROBE } from '../stdx/probe.ts';
import type { Probe } from '../stdx/probe.ts';
import type { NameSplit } from '../model/columns.ts';
import type { TenantId } from '../model/tenant.ts';
import { BatchIds } from './batch-ids.ts';
import type { TenantSplit } from './catalog-rows.ts';
import { ColumnCache } from './column-cache.ts';
import { Generation } from './head.ts';
import { DiskFloor } from './disk-floor.ts';
import { HeadMemory } from './head-memory.ts';
import {
  COLUMNS_SHARE,
  EXTENTS_SHARE,
  FLUSH_ROOM_PER_INDEX_BYTE,
  HEAD_DELETES_MAX,
  HEAD_FLUSH_SHARE,
  HEAD_GROW_BYTES,
  HEAD_KEPT_BYTES,
  MEMORY_FLUSH_SHARE,
} from './limits.ts';
import { MemoryBound } from './memory-bound.ts';
import { MergeProgress } from './merge-progress.ts';
import type { RestoredHead } from './head-snapshot-read.ts';
import { Moments } from './moments.ts';
import { shardNames } from './names.ts';
import type { ShardNames } from './names.ts';
import { FlushPace } from './flush-pace.ts';
import { Pacer } from './pacer.ts';
import type { PartRow } from './part-format.ts';
import { ExtentCache, SectionCache } from './part-cache.ts';
import { heldBytes, Part } from './part-reader.ts';
import type { PartContext } from './part-reader.ts';
import { RetentionTable } from './retention.ts';
import { Turns } from './turns.ts';
import { SeriesIndex } from './series-index.ts';
import { DEFAULT_TSDB_SETTINGS, pageRules } from './settings.ts';
import type { TsdbEvent, TsdbMutations, TsdbOptions, TsdbSettings } from './settings.ts';
import { Pins } from './view.ts';
import { WriteVersions } from './write-versions.ts';
import type { View } from './view.ts';

/** A batch-id row of the catalog, to be removed when all its ids are old. */
export interface BatchIdRow {
  readonly key: string;
  readonly newestMs: number;
}

export class ShardState {
  readonly options: TsdbOptions;
  readonly settings: TsdbSettings;
  readonly mutations: TsdbMutations;
  readonly probe: Probe;
  readonly names: ShardNames;
  readonly index: SeriesIndex;
  readonly batchIds = new BatchIds();
  readonly moments: Moments;
  /** Of the generations to come. */
  headMemory: HeadMemory;
  readonly memory: MemoryBound;
  /** What a head snapshot gave instead of the log; until the replay is over. */
  restored: RestoredHead | undefined;
  /** A start is so fresh that a long tail of the log is not flushed yet. */
  isResting = false;
  readonly pins: Pins;
  readonly partContext: PartContext;
  /** Log end when this process opened the log: refs in records mean something within a session. */
  readonly session: number;
  /** What changed below the settled watermark, for caches of results. */
  readonly writeVersions = new WriteVersions();
  /** Of flushes, of merges that swap parts, of whoever needs both to stand still. */
  readonly turns = new Turns();
  /** Slices of merges, and of head snapshots. */
  readonly pacer: Pacer;
  readonly flushPacer: Pacer;
  readonly flushPace = new FlushPace();
  /** Of the thread, for merges. */
  mergeShare = 1;
  readonly progress = new MergeProgress();
  readonly disk: DiskFloor;
  retention: RetentionTable;
  view: View;
  frontier: number;
  /** Applied splits by tenant and name, with the offset that brought them. */
  readonly splits = new Map<TenantId, Map<string, { readonly split: NameSplit; offset: number }>>();
  /** Splits of appends on their way. */
  readonly splitsInFlight = new Map<string, NameSplit>();
  /** Tenants that have points; false: not yet in the catalog. */
  readonly tenants = new Map<TenantId, boolean>();
  batchIdRows: BatchIdRow[] = [];
  /** Names of those that may exist. */
  readonly seenLists = new Set<string>();
  /** Bytes of records from the frontier on. */
  tailBytes: number;
  fatal: unknown = undefined;
  isClosed = false;
  readonly #removals = new Set<Promise<void>>();

  constructor(options: TsdbOptions, frontier: number, restored?: RestoredHead) {
    this.options = options;
    this.settings = { ...DEFAULT_TSDB_SETTINGS, ...options.settings };
    this.mutations = options.mutations ?? {};
    this.probe = options.probe ?? NO_PROBE;
    this.names = shardNames(this.settings.shard);
    const seed = options.prng.u32();
    this.restored = restored;
    this.moments = restored?.moments ?? new Moments();
    this.headMemory = restored?.memory ?? new HeadMemory();
    this.index = restored?.index ?? new SeriesIndex(seed, this.settings.shardCount);
    this.session = options.log.endOffset;
    this.memory = options.memory ?? new MemoryBound(Number.POSITIVE_INFINITY);
    const { clock, scheduler } = options;
    this.pacer = new Pacer(clock, scheduler, () => this.mergeShare);
    this.flushPacer = new Pacer(clock, scheduler, () => this.#flushShare());
    this.disk = new DiskFloor({
      space: options.diskSpace,
      floorBytes: this.settings.diskFloorBytes,
      scheduler: options.scheduler,
      onError: (error) => this.report({ kind: 'maintenance-failed', error }),
    });
    this.retention = new RetentionTable(this.settings.retention);
    this.frontier = frontier;
    this.partContext = {
      blobs: options.blobs,
      cache: new SectionCache(this.settings.cacheBytes / 2),
      extents: new ExtentCache(this.settings.cacheBytes * EXTENTS_SHARE),
      columns: new ColumnCache(this.settings.cacheBytes * COLUMNS_SHARE),
      skipCrc: this.mutations.skipCrc ?? false,
      onCorrupt: (row, reason) => this.report({ kind: 'corrupt', blob: row.name, reason }),
    };
    this.pins = new Pins(this.moments, (part) => this.#removePart(part), {
      pinnedBytesMax: this.settings.headBytesMax * this.settings.headPinnedShare,
      ignorePins: this.mutations.skipPin ?? false,
    });
    const generation = restored?.generation ?? this.newGeneration(frontier);
    this.view = { parts: [], generations: [generation], deletes: restored?.deletes ?? [] };
    this.tailBytes = restored?.tailBytes ?? 0;
    const { memory, partContext } = this;
    memory.hold('head', () => this.headBytes);
    memory.hold('index', () => this.index.heldBytes);
    memory.keepFree('flushes', () => this.index.heldBytes * FLUSH_ROOM_PER_INDEX_BYTE);
    memory.hold('parts', () => heldBytes(partContext));
    memory.holdByTenant((tenant) => this.headBytesOf(tenant) + this.#indexBytesOf(tenant));
  }

  /** A flush should begin. */
  get isFlushDue(): boolean {
    const { headBytesMax, logTailMaxBytes } = this.settings;
    const { sizeBytes, deleteCount } = this.activeGeneration;
    const isFull = sizeBytes > headBytesMax * HEAD_FLUSH_SHARE;
    const isLong = this.tailBytes > logTailMaxBytes && !this.isResting;
    if (isFull || isLong || deleteCount > HEAD_DELETES_MAX) return true;
    const { memory } = this;
    return sizeBytes > memory.bytesMax * MEMORY_FLUSH_SHARE && memory.isPressed;
  }

  /** Of the thread. */
  #flushShare(): number {
    if (this.memory.isPressed) return 1;
    const { headBytesMax, logTailMaxBytes } = this.settings;
    const full = this.activeGeneration.sizeBytes / (headBytesMax * HEAD_FLUSH_SHARE);
    return this.flushPace.share(Math.max(full, this.tailBytes / logTailMaxBytes));
  }

  /**
   * Where a full head is cut, the next one will be as large soon and takes over its memory, which
   * is warm. Otherwise, and where memory is little, a large memory goes back to the system with the
   * generation that filled it.
   */
  nextGeneration(seqMin: number): Generation {
    const isLittle = this.settings.headBytesMax < this.settings.headWarmBytesMin;
    const keptBytesMax = isLittle ? HEAD_GROW_BYTES : HEAD_KEPT_BYTES;
    const isWarm = this.isFlushDue && !isLittle;
    if (!isWarm && this.headMemory.sizeBytes > keptBytesMax) this.headMemory = new HeadMemory();
    return this.newGeneration(seqMin);
  }

  newGeneration(seqMin: number): Generation {
    const { headMemory: memory, moments, settings } = this;
    return new Generation(seqMin, { memory, moments, ...pageRules(settings) });
  }

  /** For scans. */
  readonly yieldTurn = (): Promise<void> => this.options.scheduler.yieldTurn();

  report(event: TsdbEvent): void {
    this.options.report?.(event);
  }

  /** Throws where no new work is taken. */
  checkOpen(): void {
    if (this.fatal !== undefined)
      throw new AppError('unavailable', 'storage-failed', 'the log failed; restart the server', {
        cause: this.fatal,
      });
    if (this.isClosed) throw new AppError('unavailable', 'closed', 'the storage is closed');
  }

  fail(error: unknown): void {
    if (this.fatal !== undefined) return;
    this.fatal = error;
    this.report({ kind: 'fatal', error });
  }

  openPart(row: PartRow): Part {
    return new Part(row, this.partContext);
  }

  /**
   * Removes the blob of a part that nothing can read any more; a failure leaves an orphan for
   * open().
   */
  #removePart(part: Part): void {
    part.drop();
    const removal = this.options.blobs
      .remove(part.row.name)
      .catch((error: unknown) => this.report({ kind: 'maintenance-failed', error }))
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  /** Resolves when the blobs of all parts that nothing can read any more are gone. */
  async removals(): Promise<void> {
    await Promise.all(this.#removals);
  }

  /** Splits are first come, first kept. */
  addSplit({ tenant, ...split }: TenantSplit, offset: number): void {
    let ofTenant = this.splits.get(tenant);
    if (ofTenant === undefined) this.splits.set(tenant, (ofTenant = new Map()));
    if (!ofTenant.has(split.name)) ofTenant.set(split.name, { split, offset });
  }

  /** All that it had is deleted; what comes later makes it anew. */
  forgetTenant(tenant: TenantId): void {
    this.splits.delete(tenant);
    this.tenants.delete(tenant);
    this.writeVersions.forget(tenant);
  }

  /** What a head snapshot holds beside the head, over what the catalog says. */
  takeRestored({ splits, tenants, batchIds }: RestoredHead): void {
    for (const { split, offset } of splits) this.addSplit(split, offset);
    for (const tenant of tenants) if (!this.tenants.has(tenant)) this.tenants.set(tenant, false);
    for (const { tenant, id, offset, seenMs } of batchIds)
      this.batchIds.add(tenant, { id, offset, seenMs });
  }

  get activeGeneration(): Generation {
    return this.view.generations.at(-1)!;
  }

  get headSamples(): number {
    return this.view.generations.reduce((sum, generation) => sum + generation.sampleCount, 0);
  }

  /** Bytes of all generations, those that only pins hold included. */
  get headBytes(): number {
    const { generations } = this.view;
    return generations.reduce((sum, one) => sum + one.sizeBytes, this.pins.pinnedBytes);
  }

  /** About, by the number of its series of the hour. */
  #indexBytesOf(tenant: TenantId): number {
    const { index, options } = this;
    const { active, reserved } = index.seriesCount(tenant, options.clock.nowMs());
    return index.heldBytes * Math.min(1, (active + reserved) / Math.max(1, index.findableCount));
  }

  /** About, of those that are not in parts. */
  headBytesOf(tenant: TenantId): number {
    let sum = 0;
    for (const { sizeBytes, written } of this.view.generations)
      sum += sizeBytes * written.shareOf(tenant);
    return sum;
  }
}

/** Parts in the order in which later ones win. */
export function sortedParts(parts: readonly Part[]): Part[] {
  return parts.toSorted(
    (a, b) => a.row.seqMin - b.row.seqMin || (a.row.name < b.row.name ? -1 : 1),
  );
}
