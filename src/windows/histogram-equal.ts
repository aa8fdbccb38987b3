// Equality of native histograms, bit by bit, as PromQL's == and changes() see it: layout and
// counts, not the counter reset hint.
import type { BucketSpan, Histogram } from '../model/histogram.ts';
import { hasCustomBuckets } from './histogram-layout.ts';

function sameNumbers(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

/** Spans are equal where they name the same buckets; empty spans do not count. */
function sameSpans(a: readonly BucketSpan[], b: readonly BucketSpan[]): boolean {
  const left = withoutEmpty(a);
  const right = withoutEmpty(b);
  return (
    left.length === right.length &&
    left.every((span, i) => span.offset === right[i]!.offset && span.length === right[i]!.length)
  );
}

function withoutEmpty(spans: readonly BucketSpan[]): BucketSpan[] {
  const out: { offset: number; length: number }[] = [];
  let carried = 0;
  for (const { offset, length } of spans) {
    if (length === 0) {
      carried += offset;
      continue;
    }
    const last = out.at(-1);
    if (last !== undefined && offset + carried === 0) last.length += length;
    else out.push({ offset: offset + carried, length });
    carried = 0;
  }
  return out;
}

export function sameBounds(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((bound, i) => bound === b[i]);
}

export function equalHistograms(a: Histogram, b: Histogram): boolean {
  if (a.schema !== b.schema || !Object.is(a.count, b.count) || !Object.is(a.sum, b.sum))
    return false;
  if (hasCustomBuckets(a) && !sameBounds(a.customValues, b.customValues)) return false;
  return (
    a.zeroThreshold === b.zeroThreshold &&
    Object.is(a.zeroCount, b.zeroCount) &&
    sameSpans(a.positiveSpans, b.positiveSpans) &&
    sameSpans(a.negativeSpans, b.negativeSpans) &&
    sameNumbers(a.positiveBuckets, b.positiveBuckets) &&
    sameNumbers(a.negativeBuckets, b.negativeBuckets)
  );
}
