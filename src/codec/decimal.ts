// Numbers from decimal digits in bytes: doubles, 64-bit integers as two 32-bit halves, and
// timestamps as whole microseconds plus nanoseconds. No string and no BigInt on the common path.
// Doubles: up to 15 significant digits (exact below 2^53) scaled by a power of ten up to 10^22 need
// one correctly rounded operation (Clinger, "How to read floating point numbers accurately", 1990);
// anything else goes through Number(text), which rounds correctly too.
import { decodeUtf8Lenient } from './utf8.ts';

const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Any integer of this many digits is below 2^53. */
const EXACT_DIGITS = 15;
/** An int32 holds any integer of this many digits. */
const INT_DIGITS = 9;
const EXPONENT_MAX = 100_000;

const MINUS = 45;
const PLUS = 43;
const DOT = 46;
const LOWER_E = 101;

function slowDecimal(bytes: Uint8Array, start: number, end: number): number {
  return Number(decodeUtf8Lenient(bytes, start, end));
}

/** The exponent behind `e`, or NaN where it is malformed; huge ones are capped, not wrong. */
function parseExponent(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  const sign = bytes[i] === MINUS ? -1 : 1;
  if (i < end && (bytes[i] === MINUS || bytes[i] === PLUS)) i++;
  if (i >= end) return Number.NaN;
  let value = 0;
  for (; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    if (value < EXPONENT_MAX) value = value * 10 + digit;
  }
  return sign * value;
}

/**
 * The double nearest to the decimal number in [start, end): `[+-] digits [. digits] [e [+-]
 * digits]` with a digit before or after the point. NaN where the bytes are not that; ±Infinity
 * where the number is beyond the largest double. Words such as `NaN` and `Inf` are the caller's
 * business.
 */
export function parseDecimal(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  let negative = false;
  if (i < end) {
    const first = bytes[i]!;
    if (first === MINUS || first === PLUS) {
      negative = first === MINUS;
      i++;
    }
  }
  let head = 0;
  let tail = 0;
  let headDigits = 0;
  let tailDigits = 0;
  let digitCount = 0;
  let fraction = 0;
  let pointSeen = false;
  let exponent = 0;
  for (; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit >= 0 && digit <= 9) {
      digitCount++;
      if (pointSeen) fraction++;
      // Leading zeros carry no digits.
      if (headDigits === 0 && digit === 0) continue;
      if (headDigits < INT_DIGITS) {
        head = (head * 10 + digit) | 0;
        headDigits++;
      } else {
        if (tailDigits < INT_DIGITS) tail = (tail * 10 + digit) | 0;
        tailDigits++;
      }
    } else if (digit === DOT - 48 && !pointSeen) pointSeen = true;
    else if ((digit | 32) === LOWER_E - 48) {
      exponent = parseExponent(bytes, i + 1, end);
      if (exponent !== exponent) return Number.NaN;
      break;
    } else return Number.NaN;
  }
  if (digitCount === 0) return Number.NaN;
  const scale = exponent - fraction;
  if (headDigits + tailDigits > EXACT_DIGITS || scale > 22 || scale < -22)
    return headDigits === 0 ? (negative ? -0 : 0) : slowDecimal(bytes, start, end);
  let value = tailDigits === 0 ? head : head * POWERS_OF_TEN[tailDigits]! + tail;
  if (scale < 0) value /= POWERS_OF_TEN[-scale]!;
  else if (scale > 0) value *= POWERS_OF_TEN[scale]!;
  return negative ? -value : value;
}

const TWO_32 = 4_294_967_296;

/**
 * Magnitude of the digits [start, end) as 64 bits into `out` (low, high). False where there is no
 * digit, another byte, or the number does not fit.
 */
function parseMagnitude(bytes: Uint8Array, start: number, end: number, out: Int32Array): boolean {
  let i = start;
  while (i < end - 1 && bytes[i] === 48) i++;
  const count = end - i;
  if (count < 1 || count > 20) return false;
  // upper = all but the last 9 digits (at most 11 digits, exact), lower = the last 9.
  let upper = 0;
  let lower = 0;
  const split = end - INT_DIGITS;
  for (; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return false;
    if (i < split) upper = upper * 10 + digit;
    else lower = (lower * 10 + digit) | 0;
  }
  if (upper === 0) {
    out[0] = lower;
    out[1] = 0;
    return true;
  }
  // upper * 10^9 + lower in limbs of 16 bits, so that every product stays below 2^53.
  const limb0 = upper % 65_536;
  const rest = Math.floor(upper / 65_536);
  const product0 = limb0 * 1e9 + lower;
  const product1 = (rest % 65_536) * 1e9 + Math.floor(product0 / 65_536);
  const high = Math.floor(rest / 65_536) * 1e9 + Math.floor(product1 / 65_536);
  if (high >= TWO_32) return false;
  out[0] = ((product1 % 65_536) << 16) | (product0 % 65_536);
  out[1] = high | 0;
  return true;
}

/**
 * Signed 64-bit integer `[-] digits` into `out` as low and high halves (two's complement). False
 * where the bytes are not that or the number does not fit.
 */
export function parseInt64(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Int32Array,
): boolean {
  const negative = start < end && bytes[start] === MINUS;
  if (!parseMagnitude(bytes, negative ? start + 1 : start, end, out)) return false;
  if (!negative) return out[1]! >= 0;
  if (out[1]! < 0) return out[1] === -2_147_483_648 && out[0] === 0;
  const low = -out[0]! | 0;
  out[1] = (~out[1]! + (low === 0 ? 1 : 0)) | 0;
  out[0] = low;
  return true;
}

/** Unsigned 64-bit integer of digits into `out` as low and high halves. */
export function parseUint64(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Int32Array,
): boolean {
  return parseMagnitude(bytes, start, end, out);
}

/**
 * Digits `[-] digits` as an exact integer double; NaN where they are not that or the result lies
 * beyond ±(2^53 - 1).
 */
export function parseSafeInteger(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  const negative = i < end && bytes[i] === MINUS;
  if (negative) i++;
  if (i >= end) return Number.NaN;
  let value = 0;
  let chunk = 0;
  let scale = 1;
  for (; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    chunk = (chunk * 10 + digit) | 0;
    scale *= 10;
    if (scale === 1e8) {
      value = value * scale + chunk;
      if (value > Number.MAX_SAFE_INTEGER) return Number.NaN;
      chunk = 0;
      scale = 1;
    }
  }
  value = value * scale + chunk;
  if (value > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return negative ? 0 - value : value;
}
