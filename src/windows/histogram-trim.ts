// PromQL's trim operators: a histogram without the observations above ('upper') or below ('lower')
// a bound, with the sum estimated anew where anything went. Source of semantics: Prometheus
// model/histogram/float_histogram.go, TrimBuckets.
import type { Histogram } from '../model/histogram.ts';
import { compactHistogram, hasCustomBuckets, sideBuckets } from './histogram-layout.ts';
import type { Bucket } from './histogram-layout.ts';
import { fractionBelow } from './histogram-quantile.ts';

export type TrimSide = 'upper' | 'lower';

interface Kept {
  readonly count: number;
  readonly midpoint: number;
}

function midpoint(lower: number, upper: number, isPositive: boolean, isLinear: boolean): number {
  const hasUpper = Number.isFinite(upper);
  if (!Number.isFinite(lower)) {
    if (!hasUpper) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (!hasUpper) return lower;
  if (isLinear) return (lower + upper) / 2;
  const mean = Math.sqrt(Math.abs(lower * upper));
  return isPositive ? mean : -mean;
}

const zeroIfInfinite = (value: number): number => (Number.isFinite(value) ? value : 0);

/**
 * A bucket without a finite end keeps all or nothing, but for a first bucket taken to begin at 0.
 */
function trimInfinite(bucket: Bucket, bound: number, side: TrimSide): Kept {
  const { lower, upper, count } = bucket;
  if (lower === -Infinity) {
    const isFinite = upper !== Infinity;
    if (side === 'upper') {
      if (bound >= upper) return { count, midpoint: 0 };
      if (bound > 0 && upper > 0 && isFinite)
        return { count: (count * bound) / upper, midpoint: bound / 2 };
      if (upper <= 0) return { count, midpoint: bound };
    } else {
      if (bound <= lower) return { count, midpoint: 0 };
      if (bound >= 0 && upper > bound && isFinite)
        return { count: count * (1 - bound / upper), midpoint: (bound + upper) / 2 };
    }
    return { count: 0, midpoint: zeroIfInfinite(upper) };
  }
  if (side === 'lower' && bound >= lower) return { count, midpoint: bound };
  return { count: 0, midpoint: zeroIfInfinite(lower) };
}

function trimBucket(
  bucket: Bucket,
  bound: number,
  side: TrimSide,
  shape: { readonly isPositive: boolean; readonly isLinear: boolean },
): Kept {
  const { lower, upper, count } = bucket;
  const { isPositive, isLinear } = shape;
  const keepsAll = side === 'upper' ? upper <= bound : lower >= bound;
  if (keepsAll) return { count, midpoint: midpoint(lower, upper, isPositive, isLinear) };
  const isCut = side === 'upper' ? lower < bound : upper > bound;
  if (!isCut) return { count: 0, midpoint: 0 };
  if (lower === -Infinity || upper === Infinity) return trimInfinite(bucket, bound, side);
  const under = count * fractionBelow(bucket, bound, isLinear);
  return side === 'upper'
    ? { count: under, midpoint: midpoint(lower, bound, isPositive, isLinear) }
    : { count: count - under, midpoint: midpoint(bound, upper, isPositive, isLinear) };
}

function trimZero(
  h: Histogram,
  bound: number,
  side: TrimSide,
  sides: { readonly hasPositive: boolean; readonly hasNegative: boolean },
): Kept {
  const { hasPositive, hasNegative } = sides;
  const lower = hasPositive && !hasNegative ? 0 : -h.zeroThreshold;
  const upper = hasNegative && !hasPositive ? 0 : h.zeroThreshold;
  const all = { count: h.zeroCount, midpoint: (lower + upper) / 2 };
  const none = { count: 0, midpoint: 0 };
  if (bound <= lower) return side === 'upper' ? none : all;
  if (bound >= upper) return side === 'upper' ? all : none;
  const below = (bound - lower) / (upper - lower);
  return side === 'upper'
    ? { count: h.zeroCount * below, midpoint: (lower + bound) / 2 }
    : {
        count: h.zeroCount * ((upper - bound) / (upper - lower)),
        midpoint: (bound + upper) / 2,
      };
}

/** `side` names the part that goes. The same histogram where nothing does. */
export function trimHistogram(h: Histogram, bound: number, side: TrimSide): Histogram {
  const isLinear = hasCustomBuckets(h);
  let count = 0;
  let sum = 0;
  let isTrimmed = false;
  const take = (kept: Kept, before: number): number => {
    count += kept.count;
    sum += kept.midpoint * kept.count;
    if (kept.count !== before) isTrimmed = true;
    return kept.count;
  };
  const trimSide = (buckets: readonly Bucket[], isPositive: boolean): Float64Array =>
    Float64Array.from(buckets, (bucket) =>
      bucket.count === 0
        ? 0
        : take(trimBucket(bucket, bound, side, { isPositive, isLinear }), bucket.count),
    );
  const positive = sideBuckets(h, 'positive');
  const negative = sideBuckets(h, 'negative');
  const positiveBuckets = trimSide(positive, true);
  const negativeBuckets = trimSide(negative, false);
  const sides = {
    hasPositive: positive.some((bucket) => bucket.count !== 0),
    hasNegative: negative.some((bucket) => bucket.count !== 0),
  };
  const zeroCount = h.zeroCount > 0 ? take(trimZero(h, bound, side, sides), h.zeroCount) : 0;
  if (!isTrimmed) return h;
  return compactHistogram({
    ...h,
    isInteger: false,
    zeroCount: h.zeroCount > 0 ? zeroCount : h.zeroCount,
    count,
    sum,
    positiveBuckets,
    negativeBuckets,
  });
}
