// Native histograms of a finer resolution than is stored: their buckets are merged, neighbours into
// one, until the schema is the finest one that is. No observation is lost, and each bucket ends
// where one of the finer ones did. Source: Prometheus model/histogram (ReduceResolution).
import { assert } from '../stdx/assert.ts';
import { CUSTOM_BUCKETS_SCHEMA } from './histogram.ts';
import type { BucketSpan, Histogram } from './histogram.ts';

/** Exponential schemas that are stored: 2^schema buckets to a power of two. */
const EXPONENTIAL_SCHEMA_MIN = -4;
const EXPONENTIAL_SCHEMA_MAX = 8;
/** The finest one that the specification reserves; up to here buckets are merged. */
const RESERVED_SCHEMA_MAX = 52;

/** Index of the bucket that holds bucket `index` after a reduction of the schema. */
export function coarserIndex(index: number, from: number, to: number): number {
  return from === to ? index : Math.floor((index - 1) / 2 ** (from - to)) + 1;
}

/** Whether a histogram of this schema can be stored, at worst with its buckets merged. */
export function isKnownSchema(schema: number): boolean {
  if (schema === CUSTOM_BUCKETS_SCHEMA) return true;
  return schema >= EXPONENTIAL_SCHEMA_MIN && schema <= RESERVED_SCHEMA_MAX;
}

/**
 * The histogram in the finest schema that is stored, itself where its schema is coarser. Its schema
 * is known and its spans describe its buckets, one by one and ascending.
 */
export function withStoredResolution(histogram: Histogram): Histogram {
  const { schema } = histogram;
  if (schema <= EXPONENTIAL_SCHEMA_MAX) return histogram;
  assert(isKnownSchema(schema), 'only reserved schemas can be merged');
  const positive = mergedSide(histogram.positiveSpans, histogram.positiveBuckets, schema);
  const negative = mergedSide(histogram.negativeSpans, histogram.negativeBuckets, schema);
  return {
    ...histogram,
    schema: EXPONENTIAL_SCHEMA_MAX,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
  };
}

function mergedSide(
  spans: readonly BucketSpan[],
  counts: Float64Array,
  schema: number,
): { readonly spans: readonly BucketSpan[]; readonly buckets: Float64Array } {
  const merged: { offset: number; length: number }[] = [];
  const buckets: number[] = [];
  let index = 0;
  let at = 0;
  /** One behind the last merged bucket. */
  let next = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++, index++, at++) {
      const target = coarserIndex(index, schema, EXPONENTIAL_SCHEMA_MAX);
      const last = merged.at(-1);
      if (last !== undefined && target === next - 1) {
        buckets[buckets.length - 1]! += counts[at]!;
        continue;
      }
      if (last !== undefined && target === next) last.length++;
      else merged.push({ offset: target - next, length: 1 });
      buckets.push(counts[at]!);
      next = target + 1;
    }
  }
  assert(at === counts.length, 'spans describe the buckets');
  return { spans: merged, buckets: Float64Array.from(buckets) };
}
