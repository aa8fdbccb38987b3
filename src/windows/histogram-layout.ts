// The buckets of a native histogram as lists: bucket indexes and bounds out of spans, and spans out
// of indexes. Bucket i of schema s ends at 2^(i * 2^-s), including that bound; custom bucket i ends
// at customValues[i], the last one at +Inf. Source: Prometheus native histogram specification.
import { CUSTOM_BUCKETS_SCHEMA } from '../model/histogram.ts';
import type { BucketSpan, Histogram } from '../model/histogram.ts';

export function hasCustomBuckets(histogram: Histogram): boolean {
  return histogram.schema === CUSTOM_BUCKETS_SCHEMA;
}

/** Bucket index of every count of the spans. */
export function bucketIndexes(spans: readonly BucketSpan[]): number[] {
  const out: number[] = [];
  let index = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++) out.push(index++);
  }
  return out;
}

/** Spans of ascending bucket indexes. */
export function spansOf(indexes: readonly number[]): BucketSpan[] {
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (const index of indexes) {
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length++;
    else spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return spans;
}

/** Finest schema of exponential buckets: 2^8 buckets to a power of two. */
const FINEST_SCHEMA = 8;

/**
 * Bounds of the finest schema in [1, 2); coarser ones are every second, fourth, … of them. The last
 * digits are those of the reference's table (model/histogram/generic.go), which was made schema by
 * schema with Go's Exp2: each new bound is the one before it times 2^(2^-schema), and Go's root of
 * two is one step below the nearest double.
 */
const FRACTIONS = exponentialFractions();

function exponentialFractions(): Float64Array {
  const size = 2 ** FINEST_SCHEMA;
  const bounds = new Float64Array(size).fill(1);
  for (let schema = 1; schema <= FINEST_SCHEMA; schema++) {
    const factor = schema === 1 ? Math.SQRT2 - Number.EPSILON : 2 ** (2 ** -schema);
    const stride = size >> schema;
    for (let at = stride; at < size; at += 2 * stride) bounds[at] = bounds[at - stride]! * factor;
  }
  return bounds;
}

/** Upper bound of an exponential bucket; the last finite one is the largest double. */
export function exponentialBound(schema: number, index: number): number {
  if (schema <= 0) {
    const exponent = index * 2 ** -schema;
    return exponent === 1024 ? Number.MAX_VALUE : 2 ** exponent;
  }
  const size = 2 ** schema;
  const whole = Math.floor(index / size);
  const rest = index - whole * size;
  if (whole === 1024 && rest === 0) return Number.MAX_VALUE;
  const head = 2 ** Math.max(whole, -1022);
  const isFiner = schema > FINEST_SCHEMA;
  const fraction = isFiner ? 2 ** (rest / size) : FRACTIONS[rest << (FINEST_SCHEMA - schema)]!;
  return fraction * head * 2 ** (whole - Math.max(whole, -1022));
}

/** Bounds of bucket `index` on the positive side. */
function bucketBounds(
  histogram: Histogram,
  index: number,
): { readonly lower: number; readonly upper: number } {
  if (hasCustomBuckets(histogram)) {
    const { customValues } = histogram;
    return {
      lower: index <= 0 ? Number.NEGATIVE_INFINITY : customValues[index - 1]!,
      upper: index >= customValues.length ? Number.POSITIVE_INFINITY : customValues[index]!,
    };
  }
  const { schema } = histogram;
  return {
    lower: exponentialBound(schema, index - 1),
    upper: exponentialBound(schema, index),
  };
}

export interface Bucket {
  lower: number;
  upper: number;
  readonly count: number;
  readonly lowerInclusive: boolean;
  readonly upperInclusive: boolean;
}

/** Buckets of one side, away from zero. */
export function sideBuckets(histogram: Histogram, side: 'positive' | 'negative'): Bucket[] {
  const isPositive = side === 'positive';
  const isCustom = hasCustomBuckets(histogram);
  const spans = isPositive ? histogram.positiveSpans : histogram.negativeSpans;
  const counts = isPositive ? histogram.positiveBuckets : histogram.negativeBuckets;
  return bucketIndexes(spans).map((index, i) => {
    const { lower, upper } = bucketBounds(histogram, index);
    return {
      lower: isPositive ? lower : -upper,
      upper: isPositive ? upper : -lower,
      count: counts[i]!,
      lowerInclusive: isCustom ? index === 0 : (isPositive ? lower : -upper) < 0,
      upperInclusive: isCustom || (isPositive ? upper : -lower) > 0,
    };
  });
}

/** All buckets in ascending order, the zero bucket between the sides, cut at the zero threshold. */
export function allBuckets(histogram: Histogram): Bucket[] {
  const { zeroThreshold, zeroCount } = histogram;
  const out = sideBuckets(histogram, 'negative').toReversed();
  if (zeroCount > 0)
    out.push({
      lower: -zeroThreshold,
      upper: zeroThreshold,
      count: zeroCount,
      lowerInclusive: true,
      upperInclusive: true,
    });
  const isCustom = hasCustomBuckets(histogram);
  for (const bucket of sideBuckets(histogram, 'positive')) out.push(bucket);
  if (isCustom) return out;
  for (const bucket of out) {
    if (bucket.upper < 0 && bucket.upper > -zeroThreshold) bucket.upper = -zeroThreshold;
    if (bucket.lower > 0 && bucket.lower < zeroThreshold) bucket.lower = zeroThreshold;
  }
  return out;
}

function compactSide(
  spans: readonly BucketSpan[],
  counts: Float64Array,
): { spans: readonly BucketSpan[]; buckets: Float64Array } {
  const kept: number[] = [];
  const values: number[] = [];
  for (const [i, index] of bucketIndexes(spans).entries()) {
    if (counts[i] === 0) continue;
    kept.push(index);
    values.push(counts[i]!);
  }
  return { spans: spansOf(kept), buckets: Float64Array.from(values) };
}

/** The same histogram without empty buckets. */
export function compactHistogram(histogram: Histogram): Histogram {
  const positive = compactSide(histogram.positiveSpans, histogram.positiveBuckets);
  const negative = compactSide(histogram.negativeSpans, histogram.negativeBuckets);
  return {
    ...histogram,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
  };
}
