// Bounds of the PromQL engine.

/** Slots and samples one query may hold at a time, as Prometheus' --query.max-samples. */
export const QUERY_SAMPLES_MAX = 50_000_000;

/** Step of a subquery that names none: Prometheus' default evaluation interval. */
export const SUBQUERY_STEP_US = 60_000_000;

/**
 * Steps of a subquery between two windows from which on they are left out: evaluating so many costs
 * about as much as reading a block of samples once more.
 */
export const SUBQUERY_GAP_STEPS_MIN = 1024;

/** Bytes of one slot of a column: a double and a presence byte. */
export const SLOT_BYTES = 9;

/** Bytes of one raw sample held in memory: time and value. */
export const SAMPLE_BYTES = 16;

/** Relative differences of bucket counts below this are noise of floating point. */
export const BUCKET_TOLERANCE = 1e-12;
