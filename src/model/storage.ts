// THE CONTRACT between everything that writes or reads and everything that stores. Languages,
// ingest and frontends know this file only; test/contract/storage-suite.ts is its meaning and runs
// on every implementation.
//
// Bounds. Time ranges are inclusive at both ends (startUs <= tUs <= endUs) unless a LeafPlan's
// `bounds` says otherwise. Ownership. Arrays passed in are borrowed until the returned promise
// settles; arrays handed out are borrowed until the consumer asks for the next item (`select`) or
// for ever (everything else). Isolation. Every call carries a Principal: only its tenant is seen,
// its forced matchers and time range are applied by the implementation, not by the caller.
//
// Order. A later write of the same (series, time) wins, across kinds; order is (ownership epoch,
// log offset, row in the batch). A delete hides what lies below its own offset. What `append` or
// `delete` acknowledged with durability 'sync' survives a crash; nothing is readable before it is
// durable.
//
// Errors: AppError for what a caller did or must wait for; a rejected call changed nothing unless
// it says so. kind 'unavailable' + retryable: back pressure or a full disk.
import type {
  Exemplar,
  Kind,
  KindMask,
  Metadata,
  NameSplit,
  Samples,
  SeriesRef,
  WriteBatch,
} from './columns.ts';
import type { Histogram } from './histogram.ts';
import type { LabelBytes } from './label-bytes.ts';
import type { Labels } from './labels.ts';
import type { Matcher } from './matcher.ts';
import type { SeriesPage } from './series-page.ts';
import type { Principal, TenantId } from './tenant.ts';

// ---------------------------------------------------------------- writing

export type Durability = 'sync' | 'async';

export interface AppendOptions {
  readonly principal: Principal;
  /** 'sync': resolves after the record is durable. 'async': earlier, at most one second is lost. */
  readonly durability: Durability;
  /** Name of the wire protocol, for usage and for the log record, e.g. 'influx', 'remote-write'. */
  readonly protocol: string;
  /**
   * 16 bytes chosen by the writer: a batch with an id seen in the last 10 minutes (or still above
   * the frontier) is acknowledged without being applied again. undefined: a fresh one is made.
   */
  readonly batchId: Uint8Array | undefined;
}

export interface AppendResult {
  /** False where the batch id had been seen: nothing was stored a second time. */
  readonly applied: boolean;
}

/**
 * Without matchers and restrictions, and over all time (from -Infinity to Infinity), a delete takes
 * what has no time as well: metadata, attributes, splits.
 */
export interface DeleteRequest {
  readonly matchers: readonly Matcher[];
  readonly startUs: number;
  readonly endUs: number;
  /** Count only. */
  readonly dryRun: boolean;
  /** Nobody asks what it hides: the result is zeros, and the work does not grow with the series. */
  readonly skipCounts?: boolean;
}

export interface DeleteResult {
  readonly seriesCount: number;
  readonly pointCount: number;
}

/**
 * What `resolve` answers where a new series may not be created now (limits): the row is refused.
 */
export const REF_REFUSED = -1;

/** Asked where a series is not in the index; shards of one storage share it. */
export interface SeriesGate {
  /** May series of the tenant be made now? */
  admits(tenant: TenantId): boolean;
  /** One was made. */
  made(tenant: TenantId): void;
  /** How a shard counts; called once by each. */
  watch(count: (tenant: TenantId) => SeriesCount): void;
}

export interface SeriesCount {
  /** Written within the last hour, exact to the second. */
  readonly active: number;
  /** Made, and never written yet. */
  readonly reserved: number;
}

/** Where a record of the log stands, and who wrote it. */
export interface AppliedBatch {
  readonly offset: number;
  readonly writtenMs: number;
  readonly tenant: TenantId;
  readonly tokenId: string;
  readonly protocol: string;
}

/**
 * Told of each batch once, when it is applied; shards of one storage share it. What it was told
 * below `countedEnd` it has kept, the rest it is told again after a crash.
 */
export interface BatchMeter {
  /** The shard's log is opened; gives the first record that the meter has to be told of. */
  begin(shard: number, log: MeteredLog): number;
  /** Batches below the shard's counted end are stepped over. Must not throw. */
  applied(shard: number, batch: AppliedBatch, pointCount: number): void;
  /** Resolves when all that was told is durable: the log below may go. */
  keep(): Promise<void>;
}

export interface MeteredLog {
  readonly startOffset: number;
  /** Up to here the log is in parts. */
  readonly frontier: number;
  readonly endOffset: number;
}

export interface StorageWriter {
  /**
   * The ref of a label set, reserving one for a new series. Synchronous and in memory. The series
   * becomes visible to readers only when a batch that uses the ref is applied.
   * A ref stays valid until `append` refuses it: then the whole append rejects with AppError code
   * 'stale-ref' (nothing stored), and the caller resolves again those that `knows` denies.
   */
  resolve(tenant: TenantId, labels: Labels): SeriesRef;
  /**
   * As `resolve`, from the bytes of a body, which are borrowed for the call. The caller has made
   * sure of what Labels promises: names ascend in byte order, none of name and value is empty, all
   * are UTF-8. Equal to `resolve` of the decoded labels.
   */
  resolveBytes(tenant: TenantId, labels: LabelBytes): SeriesRef;
  /** Is the ref one of a series of this tenant, still? */
  knows(tenant: TenantId, ref: SeriesRef): boolean;
  /** The split stored for a metric name, applied or in flight. */
  splitOf(tenant: TenantId, name: string): NameSplit | undefined;
  append(batch: WriteBatch, options: AppendOptions): Promise<AppendResult>;
  delete(request: DeleteRequest, options: AppendOptions): Promise<DeleteResult>;
}

// ---------------------------------------------------------------- reading

/** A consistent view: catalog version and head generations. Release exactly once, in `finally`. */
export interface Pin {
  release(): void;
}

/**
 * Bytes a query holds; `take` throws AppError limited/query-memory where the budget is exceeded.
 */
export interface ByteBudget {
  take(sizeBytes: number): void;
  give(sizeBytes: number): void;
}

export interface ReadContext {
  readonly principal: Principal;
  /** From `pin()` of the same storage; all calls of one query share one. */
  readonly pin: Pin;
  /** Aborted on deadline, cancellation and client hang-up; its reason is thrown. */
  readonly signal: AbortSignal;
  readonly budget: ByteBudget;
}

export interface SeriesSelector {
  readonly matchers: readonly Matcher[];
  readonly startUs: number;
  readonly endUs: number;
}

export interface SelectRequest extends SeriesSelector {
  readonly kinds: KindMask;
}

/**
 * One selected series. `chunks` are in time order, do not overlap, each of one kind; rewrites are
 * resolved and deletes applied. Never empty.
 */
export interface SelectedSeries {
  readonly labels: Labels;
  readonly chunks: readonly Samples[];
}

/**
 * Samples of one kind still encoded: the body of a block as codec/block.ts decodes it
 * (docs/formats/block.md) and what stands outside of it. It may reach beyond the range that was
 * asked for, but not beyond the principal's, and holds nothing that a delete or a rewrite hides.
 * Borrowed, not to be written to; its checksum is not compared yet.
 */
export interface EncodedSamples {
  readonly kind: Kind;
  /** Times of all samples of the block, ascending; many blocks may share the array. */
  readonly tUs: Float64Array;
  readonly block: Uint8Array;
}

/** As SelectedSeries, with blocks left as they are. */
export interface SelectedBlocks {
  readonly labels: Labels;
  /**
   * Blocks in time order where they need no merging, columns elsewhere. Where a block only
   * surrounds the range, the series may have no sample in it.
   */
  readonly chunks: readonly (Samples | EncodedSamples)[];
}

export interface ExemplarSeries {
  readonly labels: Labels;
  readonly exemplars: readonly Omit<Exemplar, 'ref'>[];
}

export interface SeriesAttributes {
  readonly labels: Labels;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Cardinality {
  /** Series with at least one point in the range. */
  readonly seriesCount: number;
  /** Most frequent first, at most `limit` each; count = series. */
  readonly byMetricName: readonly { readonly name: string; readonly count: number }[];
  readonly byLabelName: readonly { readonly name: string; readonly count: number }[];
  /** count = distinct values. */
  readonly valuesByLabelName: readonly { readonly name: string; readonly count: number }[];
  /** count = bytes of the distinct values. */
  readonly valueBytesByLabelName: readonly { readonly name: string; readonly count: number }[];
  /** name = `NAME=VALUE`. */
  readonly byLabelPair: readonly { readonly name: string; readonly count: number }[];
  /** Distinct pairs of a label name and a value. */
  readonly labelPairCount: number;
}

/** What reading a selector would cost, told by the index: no point is looked at. */
export interface SelectorEstimate {
  /**
   * Series that match and may have a point in the range. Where their points stand in several places
   * (parts, head) the largest of those counts, because mostly they are the same series. Of very
   * many series of the head some are looked at: the count may be a few in a hundred off.
   */
  readonly seriesCount: number;
  /** Points in the range, as if those of a place were spread evenly over its series and time. */
  readonly sampleCount: number;
  /** Bytes of these points as they are stored. */
  readonly sizeBytes: number;
  /**
   * Labels of the series by how many values they have at least, the most first; of very many series
   * some are looked at. Empty where none were asked for.
   */
  readonly byLabel: readonly { readonly name: string; readonly valueCount: number }[];
}

export interface EstimateRequest extends SeriesSelector {
  /** Longest list of labels; 0 = none, which costs least. */
  readonly labelLimit: number;
}

// ---------------------------------------------------------------- leaves

/**
 * What is computed per series and step, from the samples of the step's window. All names of
 * PromQL's range functions without the suffix `_over_time` where they have one; `last` with
 * windowUs = 0 is the instant selector (newest sample within lookbackUs, none where it is a
 * staleness marker).
 */
export type LeafKernel =
  | 'last'
  | 'timestamp'
  | 'first'
  | 'rate'
  | 'increase'
  | 'delta'
  | 'irate'
  | 'idelta'
  | 'changes'
  | 'resets'
  | 'deriv'
  | 'predict_linear'
  | 'double_exponential_smoothing'
  | 'avg'
  | 'min'
  | 'max'
  | 'sum'
  | 'count'
  | 'quantile'
  | 'stddev'
  | 'stdvar'
  | 'present'
  | 'mad'
  | 'ts_of_first'
  | 'ts_of_last'
  | 'ts_of_max'
  | 'ts_of_min';

export type LeafAggregation =
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'count'
  | 'group'
  | 'stddev'
  | 'stdvar';

export interface LeafGrouping {
  readonly aggregation: LeafAggregation;
  readonly mode: 'by' | 'without';
  readonly labels: readonly string[];
}

/**
 * Which samples belong to the window of a step at time t:
 * 'left-open' (t - w, t], 'closed' [t - w, t], 'right-open' [t, t + w) (tumbling, GROUP BY time).
 */
export type WindowBounds = 'left-open' | 'closed' | 'right-open';

export interface LeafPlan {
  readonly matchers: readonly Matcher[];
  /** Steps are startUs + k * stepUs <= endUs, k = 0, 1, …; offsets and @ are already applied. */
  readonly startUs: number;
  readonly endUs: number;
  /** 0: exactly one step at startUs. */
  readonly stepUs: number;
  readonly windowUs: number;
  readonly lookbackUs: number;
  readonly bounds: WindowBounds;
  readonly kernel: LeafKernel;
  /** Numeric arguments of the kernel (quantile's q, …): length 1, or one value a step. */
  readonly args: readonly Float64Array[];
  /** undefined: every series is its own group, with all its labels. */
  readonly grouping: LeafGrouping | undefined;
  /** Kinds that take part; NUMERIC_KINDS read as doubles. */
  readonly kinds: KindMask;
}

/**
 * Result columns of one group, one slot per step. A slot holds nothing, a float or a histogram:
 * `present[k]` is 0, 1 or 2.
 */
export interface LeafGroup {
  readonly labels: Labels;
  readonly present: Uint8Array;
  readonly values: Float64Array;
  /** undefined where no slot holds a histogram. */
  readonly histograms: readonly (Histogram | undefined)[] | undefined;
}

export interface LeafAnnotation {
  readonly level: 'info' | 'warning';
  /** Stable code, e.g. 'mixed-floats-histograms'; the language makes the sentence. */
  readonly code: string;
  /** Metric name it is about, or ''. */
  readonly metric: string;
}

export interface LeafResult {
  readonly stepCount: number;
  /** Groups with at least one slot that is not empty, sorted by labels. */
  readonly groups: readonly LeafGroup[];
  readonly annotations: readonly LeafAnnotation[];
  readonly seriesRead: number;
  readonly samplesRead: number;
}

export interface LimitedNames {
  readonly limit: number;
}

export interface StorageReader {
  pin(): Pin;
  /** Sorted by labels (compareLabels). */
  select(context: ReadContext, request: SelectRequest): AsyncIterable<SelectedSeries>;
  selectBlocks(context: ReadContext, request: SelectRequest): AsyncIterable<SelectedBlocks>;
  runLeaf(context: ReadContext, plan: LeafPlan): Promise<LeafResult>;
  /** Sorted, distinct; at most `limit` entries, the smallest ones; limit 0 = no limit. */
  labelNames(context: ReadContext, s: SeriesSelector & LimitedNames): Promise<readonly string[]>;
  labelValues(
    context: ReadContext,
    label: string,
    s: SeriesSelector & LimitedNames,
  ): Promise<readonly string[]>;
  /** Label sets with at least one point in the range, sorted. */
  series(context: ReadContext, s: SeriesSelector & LimitedNames): Promise<readonly Labels[]>;
  /** The same, page by page; a page is its receiver's for ever. */
  seriesPages(context: ReadContext, s: SeriesSelector & LimitedNames): AsyncIterable<SeriesPage>;
  cardinality(context: ReadContext, s: SeriesSelector & LimitedNames): Promise<Cardinality>;
  estimate(context: ReadContext, request: EstimateRequest): Promise<SelectorEstimate>;
  /**
   * From now on every change of points below this time moves `changeVersion`. Whoever keeps results
   * calls it before it reads what it keeps.
   */
  watchChanges(belowUs: number): void;
  /**
   * A number that grows when points of the tenant in [startUs, endUs] change: by a delete, or by a
   * write below the highest time that was watched. It may grow for less. `metricName` undefined:
   * series of any name. Says nothing of retention.
   */
  changeVersion(
    tenant: TenantId,
    metricName: string | undefined,
    range: { readonly startUs: number; readonly endUs: number },
  ): number;
  /** A number that grows whenever points of the tenant are written or deleted. */
  writeCount(tenant: TenantId): number;
  /**
   * family undefined = all, sorted by family. A restricted principal is shown families of whose
   * names it sees a point (model/metric-families.ts), and below the splits of such names.
   */
  metadata(
    context: ReadContext,
    request: { readonly family: string | undefined } & LimitedNames,
  ): Promise<readonly Metadata[]>;
  exemplars(context: ReadContext, s: SeriesSelector): Promise<readonly ExemplarSeries[]>;
  attributes(context: ReadContext, s: SeriesSelector): Promise<readonly SeriesAttributes[]>;
  splits(context: ReadContext): Promise<readonly NameSplit[]>;
}

// ---------------------------------------------------------------- keeping house

export interface StorageStats {
  /** Written within the last hour: the sum of what limits count of each tenant. */
  readonly activeSeries: number;
  /** Of these and older ones, those that are in the index in memory. */
  readonly seriesInMemory: number;
  readonly headSamples: number;
  readonly partCount: number;
  readonly dataSizeBytes: number;
  readonly logSizeBytes: number;
  readonly frontier: number;
  readonly logEndOffset: number;
}

/** How long the points of a tenant are kept; undefined: no such limit. */
export interface Retention {
  /** Points older than this are expired. */
  readonly timeMs: number | undefined;
  /** The oldest points are expired where the tenant's parts take more; by parts, not exact. */
  readonly sizeBytes: number | undefined;
}

export interface TenantRetention {
  /** The tenant's own limits; undefined: the server's. */
  readonly own: Retention | undefined;
  readonly effective: Retention;
  /** Points below are expired: no read shows them. -Infinity where none are. */
  readonly horizonUs: number;
}

/** One merge under way. */
export interface StorageMerge {
  /** 'divide', 'merge', 'widen' or 'rewrite' (docs/decisions/0018). */
  readonly kind: string;
  readonly partCount: number;
  readonly sizeBytes: number;
  /** 0…1. */
  readonly progress: number;
}

export interface StorageLevel {
  readonly level: number;
  readonly partCount: number;
  readonly sizeBytes: number;
  readonly sampleCount: number;
}

/** What keeping house looks like in one shard. Counts are since its opening. */
export interface StorageHouse {
  readonly shard: number;
  readonly frontier: number;
  readonly logEndOffset: number;
  readonly logSizeBytes: number;
  readonly headSamples: number;
  readonly levels: readonly StorageLevel[];
  /** Deletes that some part's bytes do not show yet. */
  readonly openDeletes: number;
  readonly merge: StorageMerge | undefined;
  /** Finished merges by kind; 'drop': expired parts. */
  readonly merges: Readonly<Record<string, number>>;
  readonly flushedBytes: number;
  readonly rewrittenBytes: number;
  /** undefined: space is not watched. */
  readonly disk:
    | { readonly freeBytes: number; readonly totalBytes: number; readonly floorBytes: number }
    | undefined;
}

export interface Storage extends StorageWriter, StorageReader {
  /** Resolves when everything applied so far is in parts and the log before it is trimmed. */
  flush(): Promise<void>;
  /** Flushes and merges until nothing is left to merge, then checkpoints the catalog. */
  compact(): Promise<void>;
  /**
   * Flushes and rewrites until no file holds points that were deleted or expired when it was called
   * (but those that a pin still holds). Throws unavailable/disk-floor where it has no room.
   */
  cleanTombstones(): Promise<void>;
  retention(tenant: TenantId): TenantRetention;
  /**
   * Sets the tenant's own limits; undefined: the server's. Shorter ones hide at once, longer ones
   * show again what was expired and is not yet removed.
   */
  setRetention(tenant: TenantId, retention: Retention | undefined): Promise<void>;
  stats(): StorageStats;
  /** One entry a shard. */
  house(): readonly StorageHouse[];
  /** Bytes of parts by tenant, each part's shared by samples; the head is not in it. */
  storedBytes(): Promise<ReadonlyMap<TenantId, number>>;
  /** Tenants that hold data, sorted. */
  tenants(): readonly TenantId[];
  /** Refuses new work, flushes what is applied, closes the planes it was given. */
  close(): Promise<void>;
}
