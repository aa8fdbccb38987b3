// Timestamps of Graphite lines: seconds since 1970 as a decimal number → whole microseconds; what
// is finer is cut off. As in carbon, -1 (and what it is after cutting) means "now".
import { parseDecimal, parseSafeInteger } from '../../codec/decimal.ts';
import { T_US_MAX } from '../limits.ts';

export const SECOND_US = 1_000_000;
const FRACTION_DIGITS = 6;

const MINUS = 45;
const DOT = 46;
const ZERO = 48;

/** Says that the line has no time of its own. */
export const NOW = Number.POSITIVE_INFINITY;

/** The fraction [start, end) in microseconds, or NaN where it is not digits alone. */
function fractionUs(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  let digits = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    if (digits === FRACTION_DIGITS) continue;
    value = value * 10 + digit;
    digits++;
  }
  for (; digits < FRACTION_DIGITS; digits++) value *= 10;
  return value;
}

function secondsUs(bytes: Uint8Array, start: number, end: number): number {
  let dot = start;
  while (dot < end && bytes[dot] !== DOT) dot++;
  if (dot === end) {
    const seconds = parseSafeInteger(bytes, start, end);
    if (seconds === seconds) return seconds * SECOND_US;
  } else {
    const isNegative = bytes[start] === MINUS;
    const whole = parseSafeInteger(bytes, isNegative ? start + 1 : start, dot);
    const us = whole * SECOND_US + fractionUs(bytes, dot + 1, end);
    if (us === us) return isNegative ? 0 - us : us;
  }
  // A sign, an exponent, or no digit on one side of the point.
  return Math.trunc(parseDecimal(bytes, start, end) * SECOND_US);
}

/** Microseconds, NOW, or NaN where it is no number or beyond ±T_US_MAX. */
export function readTimestamp(bytes: Uint8Array, start: number, end: number): number {
  const us = secondsUs(bytes, start, end);
  if (Math.trunc(us / SECOND_US) === -1) return NOW;
  return us >= -T_US_MAX && us <= T_US_MAX ? us : Number.NaN;
}
