// A native histogram as the Prometheus HTTP API prints it: count, sum and the buckets that hold
// something, from the lowest to the highest: [boundary rule, lower, upper, count].
// Source: Prometheus docs/querying/api.md ("Native histograms").
import type { Histogram } from '../model/histogram.ts';
import { allBuckets } from '../windows/histogram-layout.ts';
import type { Bucket } from '../windows/histogram-layout.ts';
import { floatText } from './number-text.ts';

/** Which bounds belong to a bucket, as the API numbers it. */
function boundaryRule({ lowerInclusive, upperInclusive }: Bucket): number {
  if (lowerInclusive) return upperInclusive ? 3 : 1;
  return upperInclusive ? 0 : 2;
}

export function histogramJson(histogram: Histogram): string {
  const buckets: string[] = [];
  for (const bucket of allBuckets(histogram)) {
    if (bucket.count === 0) continue;
    const bounds = `"${floatText(bucket.lower)}","${floatText(bucket.upper)}"`;
    buckets.push(`[${boundaryRule(bucket)},${bounds},"${floatText(bucket.count)}"]`);
  }
  const list = buckets.length === 0 ? '' : `,"buckets":[${buckets.join(',')}]`;
  return `{"count":"${floatText(histogram.count)}","sum":"${floatText(histogram.sum)}"${list}}`;
}
