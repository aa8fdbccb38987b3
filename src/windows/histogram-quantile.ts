// What PromQL reads off one native histogram: quantiles, fractions, variance. Inside a bucket
// values are taken as spread evenly, on a logarithmic scale in exponential buckets. Source of
// semantics: Prometheus promql/quantile.go.
import type { Histogram } from '../model/histogram.ts';
import { exp2 } from '../stdx/exponentials.ts';
import { log2 } from '../stdx/logarithms.ts';
import { CompensatedSum } from './compensated.ts';
import { allBuckets, hasCustomBuckets } from './histogram-layout.ts';
import type { Bucket } from './histogram-layout.ts';

/** Tells of NaN observations: 'nan-result', 'nan-skew' (quantile) or 'nan-fraction'. */
export type HistogramNote = (code: 'nan-result' | 'nan-skew' | 'nan-fraction') => void;

/** Where the histogram has one side only, the zero bucket ends at zero on the other. */
function cutZeroBucket(h: Histogram, bucket: Bucket): void {
  const hasPositive = h.positiveBuckets.length > 0;
  const hasNegative = h.negativeBuckets.length > 0;
  if (hasPositive && !hasNegative) bucket.lower = 0;
  else if (hasNegative && !hasPositive) bucket.upper = 0;
}

/** The q-quantile; -Inf and +Inf for q outside [0, 1], NaN without observations. */
export function histogramQuantile(q: number, h: Histogram, note: HistogramNote): number {
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  if (h.count === 0 || Number.isNaN(q)) return Number.NaN;
  const hasNan = Number.isNaN(h.sum);
  const isForward = hasNan || q < 0.5;
  const buckets = allBuckets(h);
  if (!isForward) buckets.reverse();
  let rank = isForward ? q * h.count : (1 - q) * h.count;
  let bucket: Bucket = {
    lower: 0,
    upper: 0,
    count: 0,
    lowerInclusive: false,
    upperInclusive: false,
  };
  let count = 0;
  let next = 0;
  while (next < buckets.length) {
    bucket = buckets[next++]!;
    if (bucket.count === 0) continue;
    count += bucket.count;
    if (count >= rank) break;
  }
  if (hasCustomBuckets(h)) {
    if (bucket.lower === -Infinity) {
      if (bucket.upper <= 0) return bucket.upper;
      bucket.lower = 0;
    } else if (bucket.upper === Infinity) return bucket.lower;
  } else if (bucket.lower < 0 && bucket.upper > 0) cutZeroBucket(h, bucket);
  count = Math.min(count, h.count);
  if (count < rank) {
    if (!hasNan) return bucket.upper;
    note('nan-result');
    return Number.NaN;
  }
  rank = isForward ? rank - (count - bucket.count) : count - rank;
  if (hasNan) {
    for (; next < buckets.length; next++) count += buckets[next]!.count;
    if (count < h.count) note('nan-skew');
  }
  return valueInBucket(h, bucket, rank / bucket.count);
}

function valueInBucket(h: Histogram, bucket: Bucket, fraction: number): number {
  const { lower, upper } = bucket;
  if (hasCustomBuckets(h) || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * fraction;
  const logLower = log2(Math.abs(lower));
  const logUpper = log2(Math.abs(upper));
  if (lower > 0) return exp2(logLower + (logUpper - logLower) * fraction);
  return -exp2(logUpper + (logLower - logUpper) * (1 - fraction));
}

/** Part of a bucket's width at or below `value`, which lies strictly inside finite bounds. */
export function fractionBelow(
  bucket: { readonly lower: number; readonly upper: number },
  value: number,
  isLinear: boolean,
): number {
  const { lower, upper } = bucket;
  if (isLinear) return (value - lower) / (upper - lower);
  const logLower = log2(Math.abs(lower));
  const logUpper = log2(Math.abs(upper));
  const log = log2(Math.abs(value));
  if (value > 0) return (log - logLower) / (logUpper - logLower);
  return 1 - (log - logUpper) / (logLower - logUpper);
}

/** Part of the observations between two bounds. */
export function histogramFraction(
  lower: number,
  upper: number,
  h: Histogram,
  note: HistogramNote,
): number {
  if (h.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const buckets = allBuckets(h);
  let total = h.count;
  if (Number.isNaN(h.sum)) {
    total = 0;
    for (const { count } of buckets) total += count;
    if (total < h.count) note('nan-fraction');
  }
  const upTo = (bound: number): number => Math.min(total, rankOf(h, buckets, bound) ?? total);
  return (upTo(upper) - upTo(lower)) / h.count;
}

/** Observations below a bound; undefined where it lies above all buckets. */
function rankOf(h: Histogram, buckets: readonly Bucket[], bound: number): number | undefined {
  let rank = 0;
  for (const original of buckets) {
    const bucket = { ...original };
    const isZero = bucket.lower <= 0 && bucket.upper >= 0;
    if (isZero) cutZeroBucket(h, bucket);
    if (bucket.lower >= bound) return rank;
    if (bucket.upper > bound) {
      const isLinear = hasCustomBuckets(h) || isZero;
      if (isLinear && bucket.lower === -Infinity) return bucket.count;
      return rank + bucket.count * fractionBelow(bucket, bound, isLinear);
    }
    rank += bucket.count;
  }
  return undefined;
}

/** Estimated variance of the observations around their mean. */
export function histogramVariance(h: Histogram): number {
  const mean = h.sum / h.count;
  const squares = new CompensatedSum();
  for (const { lower, upper, count } of allBuckets(h)) {
    if (count === 0) continue;
    let value: number;
    if (hasCustomBuckets(h)) value = (upper + lower) / 2;
    else if (lower <= 0 && upper >= 0) value = 0;
    else value = Math.sqrt(upper * lower) * (upper < 0 ? -1 : 1);
    const delta = value - mean;
    squares.add(count * delta * delta);
  }
  return squares.total() / h.count;
}
