// A native histogram as the Prometheus HTTP API prints it: count, sum and the buckets that hold
// something, from the lowest to the highest: [boundary rule, lower, upper, count].
// Source: Prometheus docs/querying/api.md ("Native histograms") and model/histogram (iterators).
import { CUSTOM_BUCKETS_SCHEMA } from '../model/histogram.ts';
import type { BucketSpan, Histogram } from '../model/histogram.ts';
import { floatText } from './number-text.ts';

/** Which bounds belong to a bucket; the numbers are the API's. */
const BOUNDARY = { leftOpen: 0, rightOpen: 1, open: 2, closed: 3 } as const;

/** Upper bound of the exponential bucket `index`: 2^(index / 2^schema); the last one is finite. */
function exponentialBound(index: number, schema: number): number {
  const bound = 2 ** (index * 2 ** -schema);
  return bound === Number.POSITIVE_INFINITY && (index - 1) * 2 ** -schema < 1024
    ? Number.MAX_VALUE
    : bound;
}

function customBound(index: number, bounds: Float64Array): number {
  if (index < 0) return Number.NEGATIVE_INFINITY;
  return bounds[index] ?? Number.POSITIVE_INFINITY;
}

function bucketText(rule: number, lower: number, upper: number, count: number): string {
  return `[${rule},"${floatText(lower)}","${floatText(upper)}","${floatText(count)}"]`;
}

/** Calls `visit` with the index and count of every bucket of the spans, ascending. */
function eachBucket(
  spans: readonly BucketSpan[],
  buckets: Float64Array,
  visit: (index: number, count: number) => void,
): void {
  let index = 0;
  let at = 0;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++) visit(index++, buckets[at++]!);
  }
}

export function histogramJson(histogram: Histogram): string {
  const { schema, customValues } = histogram;
  const isCustom = schema === CUSTOM_BUCKETS_SCHEMA;
  const negative: string[] = [];
  eachBucket(histogram.negativeSpans, histogram.negativeBuckets, (index, count) => {
    if (count === 0) return;
    const lower = -exponentialBound(index, schema);
    const upper = -exponentialBound(index - 1, schema);
    negative.push(bucketText(BOUNDARY.rightOpen, lower, upper, count));
  });
  const buckets = negative.toReversed();
  if (histogram.zeroCount !== 0) {
    const { zeroThreshold } = histogram;
    const text = bucketText(BOUNDARY.closed, -zeroThreshold, zeroThreshold, histogram.zeroCount);
    buckets.push(text);
  }
  eachBucket(histogram.positiveSpans, histogram.positiveBuckets, (index, count) => {
    if (count === 0) return;
    const bound = (i: number) =>
      isCustom ? customBound(i, customValues) : exponentialBound(i, schema);
    const rule = isCustom && index === 0 ? BOUNDARY.closed : BOUNDARY.leftOpen;
    buckets.push(bucketText(rule, bound(index - 1), bound(index), count));
  });
  const list = buckets.length === 0 ? '' : `,"buckets":[${buckets.join(',')}]`;
  return `{"count":"${floatText(histogram.count)}","sum":"${floatText(histogram.sum)}"${list}}`;
}
