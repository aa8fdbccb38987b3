// The first question of every encoder of doubles: are these whole numbers that a stream can hold?
import { STREAM_MAX, STREAM_OFFSET_MAX } from './integer-encode.ts';

/**
 * Copies values that are all whole numbers fit for a stream (no −0) to `out`; false where one is
 * not, and then `out` holds those before it.
 */
export function copyWholeNumbers(values: Float64Array, count: number, out: Float64Array): boolean {
  const first = values[0]!;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const isFit =
      Math.floor(value) === value &&
      value < STREAM_MAX &&
      value > -STREAM_MAX &&
      Math.abs(value - first) < STREAM_OFFSET_MAX;
    if (!isFit || (value === 0 && 1 / value < 0)) return false;
    out[i] = value;
  }
  return true;
}
