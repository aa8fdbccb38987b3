// Exponential histograms of OTLP as native histograms, and classic ones as native histograms with
// custom buckets. Buckets of OTLP are dense from an offset and named by their lower bound, ours are
// spans and named by the upper one. Source: OpenTelemetry specification, "Prometheus and
// OpenMetrics compatibility".
import type { BucketSpan, Histogram } from '../../model/histogram.ts';
import { CUSTOM_BUCKETS_SCHEMA } from '../../model/histogram.ts';
import type { Buckets, PointFields } from './point-fields.ts';

const SCALE_MIN = -4;
const SCALE_MAX = 8;
/** Width of the zero bucket where none is said. */
const ZERO_THRESHOLD = 1e-128;
/** So many empty buckets are cheaper than a new span. */
const GAP_MAX = 2;
/** Offsets are int32; those of spans have to stay so. */
const OFFSET_MAX = 2 ** 31 - 2 ** 16;

const STALE_WORDS = Int32Array.of(2, 0x7ff00000);

/** The sum of a histogram that ended; see remote-read/stale.ts for its two forms. */
function staleSum(): number {
  return new Float64Array(STALE_WORDS.buffer)[0]!;
}

interface Side {
  readonly spans: BucketSpan[];
  readonly buckets: Float64Array;
}

/** Counts at ascending indexes, empty ones left out where they are many. */
function sideOf(indexes: readonly number[], counts: readonly number[]): Side {
  const spans: BucketSpan[] = [];
  const buckets: number[] = [];
  let next = 0;
  for (const [i, index] of indexes.entries()) {
    const gap = index - next;
    const last = spans.at(-1);
    if (last === undefined || gap > GAP_MAX) spans.push({ offset: gap, length: 1 });
    else {
      for (let j = 0; j < gap; j++) buckets.push(0);
      spans[spans.length - 1] = { offset: last.offset, length: last.length + gap + 1 };
    }
    buckets.push(counts[i]!);
    next = index + 1;
  }
  return { spans, buckets: Float64Array.from(buckets) };
}

/** `shift` powers of two buckets become one. */
function exponentialSide({ offset, counts }: Buckets, shift: number): Side {
  const indexes: number[] = [];
  const merged: number[] = [];
  for (const [i, count] of counts.entries()) {
    if (count === 0) continue;
    const index = Math.floor((offset + i) / 2 ** shift) + 1;
    if (indexes.at(-1) === index) merged[merged.length - 1]! += count;
    else {
      indexes.push(index);
      merged.push(count);
    }
  }
  return sideOf(indexes, merged);
}

const EMPTY: Side = { spans: [], buckets: new Float64Array(0) };

interface Layout {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positive: Side;
  readonly negative: Side;
  readonly customValues: Float64Array;
}

function histogramOf(point: PointFields, layout: Layout): Histogram {
  const { schema, zeroThreshold, zeroCount, positive, negative, customValues } = layout;
  const sum = point.hasSum ? point.sum : Number.NaN;
  return {
    isInteger: true,
    schema,
    zeroThreshold,
    zeroCount: point.isStale ? 0 : zeroCount,
    count: point.isStale ? 0 : point.count,
    sum: point.isStale ? staleSum() : sum,
    counterResetHint: 0,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
    customValues,
  };
}

function countsReason(
  point: PointFields,
  counts: readonly (readonly number[])[],
): string | undefined {
  let total = point.zeroCount;
  for (const list of counts) for (const count of list) total += count;
  if (Math.max(total, point.count) > Number.MAX_SAFE_INTEGER) return 'histogram count above 2^53';
  if (total === point.count || point.isStale) return undefined;
  // Values that are not numbers are in no bucket.
  if (total < point.count && (!point.hasSum || Number.isNaN(point.sum))) return undefined;
  return `buckets hold ${total} of ${point.count} values`;
}

/** A histogram, or why it is none. */
export function exponentialHistogram(point: PointFields): Histogram | string {
  const { scale, positive, negative } = point;
  if (!(scale >= SCALE_MIN && scale <= OFFSET_MAX))
    return `scale ${scale} of an exponential histogram is below ${SCALE_MIN}`;
  if (!(point.zeroThreshold >= 0)) return 'negative zero threshold';
  for (const { offset } of [positive, negative])
    if (Math.abs(offset) > OFFSET_MAX) return `bucket offset ${offset} is out of range`;
  const reason = countsReason(point, [positive.counts, negative.counts]);
  if (reason !== undefined) return reason;
  const shift = Math.max(0, scale - SCALE_MAX);
  return histogramOf(point, {
    schema: Math.min(scale, SCALE_MAX),
    zeroThreshold: point.zeroThreshold === 0 ? ZERO_THRESHOLD : point.zeroThreshold,
    zeroCount: point.zeroCount,
    positive: point.isStale ? EMPTY : exponentialSide(positive, shift),
    negative: point.isStale ? EMPTY : exponentialSide(negative, shift),
    customValues: new Float64Array(0),
  });
}

/** Why bounds and counts of a classic histogram do not fit, or undefined. */
export function boundsReason({ bounds, bucketCounts }: PointFields): string | undefined {
  if (bucketCounts.length !== bounds.length + 1 && (bucketCounts.length > 0 || bounds.length > 0))
    return `${bucketCounts.length} bucket counts for ${bounds.length} bounds`;
  for (const [i, bound] of bounds.entries())
    if (Number.isNaN(bound) || (i > 0 && !(bound > bounds[i - 1]!)))
      return 'bounds of buckets do not ascend';
  return undefined;
}

/** A histogram with custom buckets, or why it is none. */
export function customHistogram(point: PointFields): Histogram | string {
  const counts = point.bucketCounts.length === 0 ? [point.count] : point.bucketCounts;
  const reason = boundsReason(point) ?? countsReason(point, [counts]);
  if (reason !== undefined) return reason;
  const { bounds } = point;
  if (bounds.some((bound) => !Number.isFinite(bound)))
    return 'bounds of custom buckets are not finite';
  const indexes = counts.flatMap((count, i) => (count === 0 ? [] : [i]));
  const filled = counts.filter((count) => count !== 0);
  return histogramOf(point, {
    schema: CUSTOM_BUCKETS_SCHEMA,
    zeroThreshold: 0,
    zeroCount: 0,
    positive: point.isStale ? EMPTY : sideOf(indexes, filled),
    negative: EMPTY,
    customValues: Float64Array.from(bounds),
  });
}
