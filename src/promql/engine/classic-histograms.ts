// Classic histograms: buckets that are series with a label `le`. Quantiles and fractions of one
// step's buckets. Source of semantics: Prometheus promql/quantile.go, BucketQuantile.
import { BUCKET_TOLERANCE } from './limits.ts';

/** Cumulative count of the observations up to `upper`. */
export interface ClassicBucket {
  readonly upper: number;
  count: number;
}

/** How far counts had to be changed so that they grow. */
export interface ForcedGrowth {
  readonly minBucket: number;
  readonly maxBucket: number;
  readonly maxDiff: number;
}

/** Ascending, equal bounds merged; undefined where the last bound is not +Inf. */
function prepare(buckets: readonly ClassicBucket[]): ClassicBucket[] | undefined {
  const sorted = buckets.toSorted((a, b) => (a.upper < b.upper ? -1 : a.upper > b.upper ? 1 : 0));
  if (sorted.at(-1)?.upper !== Number.POSITIVE_INFINITY) return undefined;
  const out: ClassicBucket[] = [];
  for (const { upper, count } of sorted) {
    const last = out.at(-1);
    if (last !== undefined && last.upper === upper) last.count += count;
    else out.push({ upper, count });
  }
  return out;
}

/** Relative equality as the reference defines it (util/almost). */
function almostEqual(a: number, b: number): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const diff = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < 2.2250738585072014e-308)
    return diff < BUCKET_TOLERANCE * 2 ** -1022;
  return diff / Math.min(sum, Number.MAX_VALUE) < BUCKET_TOLERANCE;
}

function forceGrowth(buckets: ClassicBucket[]): ForcedGrowth | undefined {
  let minBucket = Infinity;
  let maxBucket = -Infinity;
  let maxDiff = 0;
  let isForced = false;
  let previous = buckets[0]!.count;
  for (const bucket of buckets.slice(1)) {
    const { count } = bucket;
    if (count === previous) continue;
    if (almostEqual(previous, count)) bucket.count = previous;
    else if (count < previous) {
      bucket.count = previous;
      isForced = true;
      minBucket = Math.min(minBucket, bucket.upper);
      maxBucket = Math.max(maxBucket, bucket.upper);
      maxDiff = Math.max(maxDiff, previous - count);
    } else previous = count;
  }
  return isForced ? { minBucket, maxBucket, maxDiff } : undefined;
}

/**
 * First of `count` buckets that holds at least `rank`. Halving as Go's sort.Search does, not for
 * speed: counts that are NaN are not ordered, and which bucket is found depends on the way.
 */
function firstReaching(buckets: readonly ClassicBucket[], count: number, rank: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (buckets[middle]!.count >= rank) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function classicQuantile(
  q: number,
  input: readonly ClassicBucket[],
  onForced: (found: ForcedGrowth) => void,
): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const buckets = prepare(input);
  if (buckets === undefined) return Number.NaN;
  const forced = forceGrowth(buckets);
  if (forced !== undefined) onForced(forced);
  const last = buckets.length - 1;
  const observations = buckets[last]!.count;
  if (last < 1 || observations === 0) return Number.NaN;
  let rank = q * observations;
  const at = firstReaching(buckets, last, rank);
  if (at === last) return buckets[last - 1]!.upper;
  const { upper } = buckets[at]!;
  if (at === 0 && upper <= 0) return upper;
  let { count } = buckets[at]!;
  let lower = 0;
  if (at > 0) {
    lower = buckets[at - 1]!.upper;
    count -= buckets[at - 1]!.count;
    rank -= buckets[at - 1]!.count;
  }
  return lower + (upper - lower) * (rank / count);
}

export function classicFraction(
  lower: number,
  upper: number,
  input: readonly ClassicBucket[],
): number {
  const buckets = prepare(input);
  const total = buckets?.at(-1)?.count ?? 0;
  if (buckets === undefined || total === 0) return Number.NaN;
  if (Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const upTo = (bound: number): number => Math.min(total, rankOf(buckets, bound) ?? total);
  return (upTo(upper) - upTo(lower)) / total;
}

function rankOf(buckets: readonly ClassicBucket[], bound: number): number | undefined {
  let rank = 0;
  let start = buckets[0]!.upper > 0 ? 0 : -Infinity;
  for (const { upper, count } of buckets) {
    if (start >= bound) return rank;
    if (upper > bound) {
      if (start === -Infinity) return count;
      return rank + ((count - rank) * (bound - start)) / (upper - start);
    }
    rank = count;
    start = upper;
  }
  return undefined;
}
