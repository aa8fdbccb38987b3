// Classic buckets → a native histogram with custom buckets, as Prometheus' scraper makes them with
// convert_classic_histograms_to_nhcb (util/convertnhcb): counts between bounds instead of counts up
// to them, empty runs left out.
import type { BucketSpan, Histogram } from '../../model/histogram.ts';
import { COUNTER_RESET_HINT, CUSTOM_BUCKETS_SCHEMA } from '../../model/histogram.ts';

/** Observations up to a bound. */
export interface ClassicBucket {
  readonly bound: number;
  readonly value: number;
}

export interface ClassicTotals {
  /** undefined: that of the bucket +Inf. */
  readonly count: number | undefined;
  readonly sum: number;
  readonly isGauge: boolean;
}

/** The histogram, or the reason why the buckets are none. */
export function customHistogram(
  given: readonly ClassicBucket[],
  { count: givenCount, sum, isGauge }: ClassicTotals,
): Histogram | string {
  const buckets = given.toSorted((a, b) => a.bound - b.bound);
  const infinite = buckets.at(-1)?.bound === Infinity ? buckets.pop() : undefined;
  const count = givenCount ?? infinite?.value;
  if (count === undefined) return 'neither a count nor a bucket +Inf';
  if (infinite !== undefined && infinite.value !== count)
    return 'the count is not that of the bucket +Inf';
  const bounds = buckets.map(({ bound }) => bound);
  const counts: number[] = [];
  let before = 0;
  for (const [i, { bound, value }] of [...buckets, { bound: Infinity, value: count }].entries()) {
    if (!(bound > (bounds[i - 1] ?? -Infinity)) || bound === -Infinity)
      return 'bounds of buckets are not numbers, or the same twice';
    if (!(value >= before)) return 'counts of buckets fall';
    counts.push(value - before);
    before = value;
  }
  const { spans, filled } = compacted(counts);
  return {
    isInteger: counts.every((one) => Number.isSafeInteger(one)) && Number.isSafeInteger(count),
    schema: CUSTOM_BUCKETS_SCHEMA,
    zeroThreshold: 0,
    zeroCount: 0,
    count,
    sum,
    counterResetHint: isGauge ? COUNTER_RESET_HINT.gauge : COUNTER_RESET_HINT.unknown,
    positiveSpans: spans,
    positiveBuckets: Float64Array.from(filled),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: Float64Array.from(bounds),
  };
}

/** Runs of buckets that are not empty. */
function compacted(counts: readonly number[]): { spans: BucketSpan[]; filled: number[] } {
  const spans: BucketSpan[] = [];
  const filled: number[] = [];
  let spanEnd = 0;
  let last = -2;
  for (const [i, count] of counts.entries()) {
    if (count === 0) continue;
    filled.push(count);
    const open = spans.at(-1);
    if (open !== undefined && last === i - 1)
      spans[spans.length - 1] = { ...open, length: open.length + 1 };
    else spans.push({ offset: i - spanEnd, length: 1 });
    spanEnd = i + 1;
    last = i;
  }
  return { spans, filled };
}
