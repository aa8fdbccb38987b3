// A native histogram sample: exponential buckets (schema -4…8) or custom buckets (schema -53),
// counts as integers or floats. Source: Prometheus native histogram specification
// (docs/specs/native_histograms.md, there "spans" and "buckets").
// Counts are absolute, one per bucket of the spans; integer histograms hold whole numbers up to
// 2^53, above which an encoder refuses the sample. Immutable once made; arrays may be shared
// between samples.

/** Run of consecutive buckets: `offset` from the end of the previous span (first: from index 0). */
export interface BucketSpan {
  readonly offset: number;
  readonly length: number;
}

export const COUNTER_RESET_HINT = { unknown: 0, reset: 1, notReset: 2, gauge: 3 } as const;
export type CounterResetHint = (typeof COUNTER_RESET_HINT)[keyof typeof COUNTER_RESET_HINT];

/** Bucket bounds are given in `customValues` instead of by a growth factor. */
export const CUSTOM_BUCKETS_SCHEMA = -53;

export interface Histogram {
  /** Counts came as integers (and go out as integers) or as floats. */
  readonly isInteger: boolean;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly counterResetHint: CounterResetHint;
  readonly positiveSpans: readonly BucketSpan[];
  readonly positiveBuckets: Float64Array;
  readonly negativeSpans: readonly BucketSpan[];
  readonly negativeBuckets: Float64Array;
  /** Upper bounds, ascending, without +Inf; empty unless schema is CUSTOM_BUCKETS_SCHEMA. */
  readonly customValues: Float64Array;
}
