// A native histogram in one line, as Prometheus prints it in label values and messages.
import type { Histogram } from '../../model/histogram.ts';
import { sideBuckets } from '../../windows/histogram-layout.ts';
import type { Bucket } from '../../windows/histogram-layout.ts';
import { goFloat } from './text.ts';

function bucketText({ lower, upper, count, lowerInclusive, upperInclusive }: Bucket): string {
  const open = lowerInclusive ? '[' : '(';
  const close = upperInclusive ? ']' : ')';
  return `${open}${goFloat(lower)},${goFloat(upper)}${close}:${goFloat(count)}`;
}

export function histogramText(h: Histogram): string {
  const { zeroThreshold, zeroCount } = h;
  const zero: Bucket = {
    lower: -zeroThreshold,
    upper: zeroThreshold,
    count: zeroCount,
    lowerInclusive: true,
    upperInclusive: true,
  };
  const buckets = [...sideBuckets(h, 'negative').toReversed(), zero, ...sideBuckets(h, 'positive')]
    .filter((bucket) => bucket.count !== 0)
    .map((bucket) => `, ${bucketText(bucket)}`);
  return `{count:${goFloat(h.count)}, sum:${goFloat(h.sum)}${buckets.join('')}}`;
}
