// Numbers from decimal digits in bytes: doubles, 64-bit integers as two 32-bit halves, and
// timestamps as whole microseconds plus nanoseconds. No string and no BigInt on the common path.
// Doubles: up to 15 significant digits (exact below 2^53) scaled by a power of ten up to 10^22 need
// one correctly rounded operation (Clinger, "How to read floating point numbers accurately", 1990).
// Up to 18 digits are divided in double-double arithmetic, which is certain of its rounding but for
// a few in 2^49; those and anything else go through Number(text), which rounds correctly too.
import { productError } from '../stdx/exact-doubles.ts';
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
  const first = i < end ? bytes[i]! : 0;
  const negative = first === MINUS;
  if (negative || first === PLUS) i++;
  // Significant digits: the first nine in `head`, the next nine in `tail`, the rest only counted.
  let head = 0;
  let tail = 0;
  let count = 0;
  let digit = 0;
  const wholeStart = i;
  for (; i < end; i++) {
    digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) break;
    if (count < INT_DIGITS) {
      head = (head * 10 + digit) | 0;
      if (head !== 0) count++;
    } else {
      if (count < INT_DIGITS * 2) tail = (tail * 10 + digit) | 0;
      count++;
    }
  }
  let digitCount = i - wholeStart;
  let scale = 0;
  if (i < end && digit === DOT - 48) {
    const fractionStart = ++i;
    for (; i < end; i++) {
      digit = bytes[i]! - 48;
      if (digit < 0 || digit > 9) break;
      if (count < INT_DIGITS) {
        head = (head * 10 + digit) | 0;
        if (head !== 0) count++;
      } else {
        if (count < INT_DIGITS * 2) tail = (tail * 10 + digit) | 0;
        count++;
      }
    }
    scale = fractionStart - i;
    digitCount -= scale;
  }
  if (digitCount === 0) return Number.NaN;
  if (i < end) {
    if ((digit | 32) !== LOWER_E - 48) return Number.NaN;
    const exponent = parseExponent(bytes, i + 1, end);
    if (exponent !== exponent) return Number.NaN;
    scale += exponent;
  }
  let value: number;
  if (count <= INT_DIGITS) value = head;
  else if (count <= EXACT_DIGITS) value = head * POWERS_OF_TEN[count - INT_DIGITS]! + tail;
  else value = Number.NaN;
  if (scale >= -22 && scale <= 22 && value === value) {
    if (scale < 0) value /= POWERS_OF_TEN[-scale]!;
    else value *= POWERS_OF_TEN[scale]!;
  } else {
    if (count === 0) value = 0;
    else if (count > EXACT_DIGITS && count <= INT_DIGITS * 2 && scale <= 0 && scale >= -22)
      value = longQuotient(head, tail, count - INT_DIGITS, -scale);
    else value = Number.NaN;
    if (value !== value) return slowDecimal(bytes, start, end);
  }
  return negative ? -value : value;
}

/** Relative error of the correction below, with room to spare: it is a few times 2^-53. */
const CORRECTION_ERROR = 2 ** -49;

/**
 * (head * 10^tailDigits + tail) / 10^scale correctly rounded, for up to 18 digits and a scale of at
 * most 22; NaN where the result is too close to the middle between two doubles to tell.
 */
function longQuotient(head: number, tail: number, tailDigits: number, scale: number): number {
  const power = POWERS_OF_TEN[tailDigits]!;
  const product = head * power;
  // The number is `upper` + `lower` exactly: the error of a product of 60 bits and nine more
  // digits are whole numbers far below 2^53.
  const rest = productError(head, power, product) + tail;
  const upper = product + rest;
  const lower = rest - (upper - product);
  const divisor = POWERS_OF_TEN[scale]!;
  const quotient = upper / divisor;
  const back = quotient * divisor;
  // What the division left is a double (a theorem), so both differences are exact.
  const remainder = upper - back - productError(quotient, divisor, back) + lower;
  const correction = remainder / divisor;
  const value = quotient + correction;
  // The true correction lies between these two; where they round alike, so does it.
  const error = correction * CORRECTION_ERROR;
  return quotient + (correction - error) === value && quotient + (correction + error) === value
    ? value
    : Number.NaN;
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
