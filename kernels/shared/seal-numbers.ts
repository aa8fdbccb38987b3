// Values to whole numbers: doubles that are whole or decimals, and words, as distances from the
// first of them, and those divided by their greatest common divisor (src/codec/vector-encode.ts).
// All numbers are below 2^52 and all distances below 2^50 in size, which doubles hold exactly.
import {
  DISTANCES,
  EXCEPTIONS,
  OFFSETS,
  POWERS,
  STEPS,
  WIDE_OFFSETS,
  WORDS,
  pad,
} from './seal-scratch';

const STREAM_MAX: f64 = 4503599627370496;
const STREAM_OFFSET_MAX: f64 = 1125899906842624;
const WORD_OFFSET_END: i64 = 1 << 50;
const EXPONENT_MAX: i32 = 17;
const DIVISOR_END: i64 = 1 << 32;
/** Offsets below this have steps of 31 bits. */
const NARROW_END: f64 = 536870912;
/** 2^52 + 2^51, as a double and as its bits: v + bits is the double 2^52 + 2^51 + v. */
const MAGIC: f64 = 6755399441055744;
const MAGIC_BITS: i64 = 0x4338000000000000;
const MINUS_ZERO: i64 = i64.MIN_VALUE;
/** 2^-51. */
const NEAR: f64 = 4.440892098500626e-16;
/** Of any products below 2^46, one in sixteen at most is not far from a whole number. */
const TRIED_BITS: i32 = 46;

/** What the functions below found. */
export let first: i64 = 0;
export let exponent: i32 = 0;
export let exceptionCount: i32 = 0;
export let divisor: i64 = 1;
/** No distance is greater. */
let farthest: f64 = 0;
/** Are the offsets in OFFSETS and their steps of 32 bits, or are they in WIDE_OFFSETS? */
export let isNarrow: bool = false;

/** Fills DISTANCES where all values are whole numbers, and no −0. */
export function takeIntegers(s: usize, count: i32): bool {
  const start = load<f64>(s + WORDS);
  // Decimals are told by one of the first two, most of them.
  if (floor(start) != start || floor(load<f64>(s + WORDS, 8)) != load<f64>(s + WORDS, 8))
    return false;
  const starts = f64x2.splat(start);
  const minusZero = i64x2.splat(MINUS_ZERO);
  let isWhole = i64x2.splat(-1);
  let isOdd = i64x2.splat(0);
  let sizes = f64x2.splat(0);
  let distances = sizes;
  const length = (<usize>count) << 3;
  for (let at: usize = 0; at < length; at += 16) {
    const x = v128.load(s + WORDS + at);
    const distance = f64x2.sub(x, starts);
    // Also false for NaN, of which the extremes below know nothing.
    isWhole = v128.and(isWhole, f64x2.eq(f64x2.floor(x), x));
    isOdd = v128.or(isOdd, i64x2.eq(x, minusZero));
    sizes = f64x2.pmax(sizes, f64x2.abs(x));
    distances = f64x2.pmax(distances, f64x2.abs(distance));
    v128.store(s + DISTANCES + at, distance);
  }
  first = <i64>start;
  exponent = 0;
  exceptionCount = 0;
  farthest = greaterLane(distances);
  if (!i64x2.all_true(v128.andnot(isWhole, isOdd))) return false;
  return greaterLane(sizes) < STREAM_MAX && farthest < STREAM_OFFSET_MAX;
}

function greaterLane(x: v128): f64 {
  return Math.max(f64x2.extract_lane(x, 0), f64x2.extract_lane(x, 1));
}

/** The same for words as signed numbers; they wrap around nowhere. */
export function takeWords(s: usize, count: i32): bool {
  first = load<i64>(s + WORDS);
  exponent = 0;
  exceptionCount = 0;
  const starts = i64x2.splat(first);
  const magic = f64x2.splat(MAGIC);
  const magicBits = i64x2.splat(MAGIC_BITS);
  let wraps = i64x2.splat(0);
  let sizes = wraps;
  const length = (<usize>count) << 3;
  for (let at: usize = 0; at < length; at += 16) {
    const x = v128.load(s + WORDS + at);
    const distance = i64x2.sub(x, starts);
    wraps = v128.or(wraps, v128.and(v128.xor(x, starts), v128.xor(x, distance)));
    sizes = v128.or(sizes, i64x2.abs(distance));
    v128.store(s + DISTANCES + at, f64x2.sub(i64x2.add(distance, magicBits), magic));
  }
  const wrapped = i64x2.extract_lane(wraps, 0) | i64x2.extract_lane(wraps, 1);
  const size = i64x2.extract_lane(sizes, 0) | i64x2.extract_lane(sizes, 1);
  farthest = <f64>size;
  // The size of the least number is negative.
  return wrapped >= 0 && size >= 0 && size < WORD_OFFSET_END;
}

// ---------------------------------------------------------------- decimals

/** As Math.round, but that nothing is −0. */
function round(value: f64): f64 {
  const below = floor(value);
  return value - below >= 0.5 ? below + 1 : below + 0;
}

function roundBoth(values: v128): v128 {
  const below = f64x2.floor(values);
  const isUp = f64x2.ge(f64x2.sub(values, below), f64x2.splat(0.5));
  return f64x2.add(below, v128.and(isUp, f64x2.splat(1)));
}

function powerOf(s: usize, e: i32): f64 {
  return load<f64>(s + POWERS + ((<usize>e) << 3));
}

/** Ten times a power is exact up to 10^22. */
function fillPowers(s: usize): void {
  let power: f64 = 1;
  for (let e = 0; e <= EXPONENT_MAX; e++) {
    store<f64>(s + POWERS + ((<usize>e) << 3), power);
    power *= 10;
  }
}

/** What `exponentOf` found. */
let foundWhole: f64 = 0;

/** The least exponent from `from` on at which the value is whole, above the most: there is none. */
function exponentOf(s: usize, value: f64, from: i32): i32 {
  let own = from;
  // A decimal is a multiple of the same whole number at each higher exponent, within half a unit
  // of the last place on either side: if the value is farther from any at a high one, it is none
  // at a lower one. 1233 / 4096 is the logarithm of 2.
  const bits = <i32>((reinterpret<u64>(value) >> 52) & 2047) - 1023;
  const high = min(((TRIED_BITS - 1 - bits) * 1233) >> 12, EXPONENT_MAX);
  if (high > own && isFar(value * powerOf(s, high))) own = high + 1;
  for (; own <= EXPONENT_MAX; own++) {
    const scale = powerOf(s, own);
    const whole = round(value * scale);
    if (!(Math.abs(whole) < STREAM_MAX)) return EXPONENT_MAX + 1;
    if (whole / scale == value) {
      foundWhole = whole;
      return own;
    }
  }
  return own;
}

function isFar(product: f64): bool {
  return Math.abs(product - round(product)) > Math.abs(product) * NEAR;
}

/**
 * The least exponent at which all are whole but those that never are, −1 where these are too many.
 * Leaves the numbers in DISTANCES from sample `settledAt` on, NaN where there is none.
 */
function findExponent(s: usize, count: i32): i32 {
  const literalsMax = (count >> 2) + 1;
  const numbersMax = f64x2.splat(STREAM_MAX);
  let literals = 0;
  let found = 0;
  let scales = f64x2.splat(1);
  settledAt = 0;
  for (let i = 0; i < count; i += 2) {
    const at = (<usize>i) << 3;
    const x = v128.load(s + WORDS + at);
    const whole = roundBoth(f64x2.mul(x, scales));
    v128.store(s + DISTANCES + at, whole);
    const isSmall = f64x2.lt(f64x2.abs(whole), numbersMax);
    const isEqual = f64x2.eq(f64x2.div(whole, scales), x);
    if (i64x2.all_true(v128.and(isSmall, isEqual))) continue;
    for (let k = i; k < min(i + 2, count); k++) {
      const value = load<f64>(s + WORDS + ((<usize>k) << 3));
      const own = value - value == 0 ? exponentOf(s, value, found) : EXPONENT_MAX + 1;
      if (own <= EXPONENT_MAX) {
        if (own > found) settledAt = k;
        found = own;
        store<f64>(s + DISTANCES + ((<usize>k) << 3), foundWhole);
        continue;
      }
      store<f64>(s + DISTANCES + ((<usize>k) << 3), NaN);
      if (value - value == 0 && ++literals > literalsMax) return -1;
    }
    scales = f64x2.splat(powerOf(s, found));
  }
  return found;
}

let settledAt: i32 = 0;

/** The whole number of a sample at the exponent, NaN where there is none. */
function wholeOf(s: usize, i: i32, scale: f64): f64 {
  const at = (<usize>i) << 3;
  let whole = load<f64>(s + DISTANCES + at);
  if (i < settledAt) {
    const value = load<f64>(s + WORDS + at);
    whole = round(value * scale);
    if (whole / scale != value || !(Math.abs(whole) < STREAM_MAX)) return NaN;
  }
  return load<i64>(s + WORDS + at) == MINUS_ZERO ? NaN : whole;
}

/**
 * Fills DISTANCES with decimals and EXCEPTIONS with the places of what is none; false where these
 * are too many.
 */
export function takeDecimals(s: usize, count: i32): bool {
  fillPowers(s);
  exponent = findExponent(s, count);
  exceptionCount = 0;
  if (exponent < 0) return false;
  const scale = powerOf(s, exponent);
  const distances = s + DISTANCES;
  let start: f64 = 0;
  let isSeen = false;
  for (let i = 0; i < count; i += 2) {
    if (isSeen && i >= settledAt && takeBoth(s, i, start)) continue;
    for (let k = i; k < min(i + 2, count); k++) {
      const at = distances + ((<usize>k) << 3);
      const whole = wholeOf(s, k, scale);
      // Also false for NaN.
      const isTaken =
        whole - whole == 0 && (!isSeen || Math.abs(whole - start) < STREAM_OFFSET_MAX);
      if (!isTaken) {
        store<u8>(s + EXCEPTIONS + <usize>exceptionCount, <u8>k);
        exceptionCount++;
        // Before the first one all are as it is.
        store<f64>(at, isSeen ? load<f64>(at - 8) : 0);
        continue;
      }
      if (!isSeen) start = whole;
      isSeen = true;
      store<f64>(at, whole - start);
    }
  }
  first = <i64>start;
  farthest = STREAM_OFFSET_MAX;
  return exceptionCount <= count >> 1;
}

/** Two numbers in DISTANCES to distances; false where one is none, and then nothing is done. */
function takeBoth(s: usize, i: i32, start: f64): bool {
  const at = (<usize>i) << 3;
  const distance = f64x2.sub(v128.load(s + DISTANCES + at), f64x2.splat(start));
  const isNear = f64x2.lt(f64x2.abs(distance), f64x2.splat(STREAM_OFFSET_MAX));
  const isOdd = i64x2.eq(v128.load(s + WORDS + at), i64x2.splat(MINUS_ZERO));
  if (!i64x2.all_true(v128.andnot(isNear, isOdd))) return false;
  v128.store(s + DISTANCES + at, distance);
  return true;
}

// ---------------------------------------------------------------- divisor

/** As the reference: the distances are below 2^51, so that only a multiple has a whole quotient. */
function divisorOf(column: usize, count: i32): i64 {
  let common: i64 = 0;
  let divisors = f64x2.splat(0);
  const end = column + ((<usize>count) << 3);
  for (let at = column; at < end; at += 16) {
    const x = v128.load(at);
    if (common != 0) {
      const quotient = f64x2.div(x, divisors);
      if (i64x2.all_true(f64x2.eq(f64x2.floor(quotient), quotient))) continue;
    }
    const sizes = f64x2.abs(x);
    common = commonOf(common, <i64>f64x2.extract_lane(sizes, 0));
    common = commonOf(common, <i64>f64x2.extract_lane(sizes, 1));
    if (common == 1) return 1;
    divisors = f64x2.splat(<f64>common);
  }
  return common > 0 && common < DIVISOR_END ? common : 1;
}

/** Stein: "Computational problems associated with Racah algebra", 1967. */
function commonOf(one: i64, two: i64): i64 {
  if (one == 0) return two;
  if (two == 0) return one;
  const shift = ctz(one | two);
  let a = one >> ctz(one);
  let b = two;
  while (b != 0) {
    b >>= ctz(b);
    const least = min(a, b);
    b = max(a, b) - least;
    a = least;
  }
  return a << shift;
}

/** Fills the columns of offsets and of steps from DISTANCES. */
export function takeOffsets(s: usize, count: i32): void {
  const distances = s + DISTANCES;
  pad<f64>(distances, count);
  divisor = divisorOf(distances, count);
  if (divisor != 1) divide(distances, count);
  isNarrow = farthest / <f64>divisor < NARROW_END || areNear(distances, count);
  const magic = f64x2.splat(MAGIC);
  const length = (<usize>count) << 3;
  if (isNarrow) {
    for (let at: usize = 0; at < length; at += 32) {
      const low = f64x2.add(v128.load(distances + at), magic);
      const high = f64x2.add(v128.load(distances + at, 16), magic);
      v128.store(s + OFFSETS + (at >> 1), i32x4.shuffle(low, high, 0, 2, 4, 6));
    }
    takeSteps<i32>(s + OFFSETS, s + STEPS, count);
  } else {
    const magicBits = i64x2.splat(MAGIC_BITS);
    for (let at: usize = 0; at < length; at += 16) {
      const x = f64x2.add(v128.load(distances + at), magic);
      v128.store(s + WIDE_OFFSETS + at, i64x2.sub(x, magicBits));
    }
    pad<i64>(s + WIDE_OFFSETS, count);
    takeSteps<i64>(s + WIDE_OFFSETS, s + STEPS, count);
  }
}

/** All quotients are whole. */
function divide(distances: usize, count: i32): void {
  const divisors = f64x2.splat(<f64>divisor);
  const end = distances + ((<usize>(count + 3)) << 3);
  for (let at = distances; at < end; at += 16) v128.store(at, f64x2.div(v128.load(at), divisors));
}

/** Asked where `farthest` may be too large a bound. */
function areNear(distances: usize, count: i32): bool {
  let sizes = f64x2.splat(0);
  const end = distances + ((<usize>count) << 3);
  for (let at = distances; at < end; at += 16) sizes = f64x2.pmax(sizes, f64x2.abs(v128.load(at)));
  return greaterLane(sizes) < NARROW_END;
}

/** From each of at least two numbers to the next one. */
export function takeSteps<T>(from: usize, to: usize, count: i32): void {
  const size = count - 1;
  const length = <usize>size * sizeof<T>();
  for (let at: usize = 0; at < length; at += 16)
    v128.store(to + at, v128.sub<T>(v128.load(from + at + sizeof<T>()), v128.load(from + at)));
  pad<T>(to, size);
}
