// Times of OTLP are nanoseconds since 1970 in 64 bits, here as two halves; ours are microseconds
// and what is left over.
import { T_US_MAX } from '../limits.ts';

/** 2^32 nanoseconds. */
const HIGH_US = 4_294_967;
const HIGH_REST_NS = 296;

/** Whole microseconds; exact up to 2^53. */
export function microseconds(low: number, high: number): number {
  const top = high >>> 0;
  return top * HIGH_US + Math.floor((top * HIGH_REST_NS + (low >>> 0)) / 1000);
}

/** Nanoseconds beside them, 0 to 999. */
export function restNs(low: number, high: number): number {
  return ((high >>> 0) * HIGH_REST_NS + (low >>> 0)) % 1000;
}

/** Microseconds of a start time; NaN where there is none, or none that can be kept. */
export function startMicroseconds(low: number, high: number): number {
  if ((low | high) === 0) return Number.NaN;
  const tUs = microseconds(low, high);
  return tUs <= T_US_MAX ? tUs : Number.NaN;
}
