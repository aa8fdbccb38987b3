// Columns of doubles (docs/formats/block.md, "Doubles"): src/codec/doubles.ts is the reference, and
// writes the same bytes.
import { arePlainIntegers } from './encode-facts';
import { CORRECTIONS, EXCEPTIONS, INTS, POWERS, putVarint, round } from './encode-scratch';
import { putStream } from './encode-stream';
import { putWords } from './encode-words';

const STREAM_MAX: f64 = 4503599627370496;
const STREAM_OFFSET_MAX: f64 = 1125899906842624;
const EXPONENT_MAX: i32 = 17;
/** Longer decimals may be short ones of float32 numbers: the reference looks for them. */
const EXPONENT_FLOAT: i32 = 6;
const SAMPLE_COUNT: i32 = 40;
/** 2^52 + 2^51, as a double and as its bits: the double that is this plus v has these bits plus v. */
const MAGIC: f64 = 6755399441055744;
const MAGIC_BITS: i64 = 0x4338000000000000;
const MINUS_ZERO: u64 = 0x8000000000000000;
const NEAR_EXPONENT_MAX: i32 = 12;
/** 2^-47. */
const NEAR_RELATIVE: f64 = 7.105427357601002e-15;
const CORRECTION_MAX: i64 = 65536;
const DECIMAL: i32 = 0;
const FLOAT_DECIMAL: i32 = 1;
const NEAR_DECIMAL: i32 = 2;
const NEAR_FLOAT_DECIMAL: i32 = 3;
const BITS: i32 = 4;
const WORD: u32 = 5;
const SAME_WORD: u32 = 6;

let exceptionCount: i32 = 0;

/** The payload of a column that was examined; its end, 0: refused. */
export function putNumbers(s: usize, out: usize, values: usize, count: i32): usize {
  let at: usize = 0;
  if (takeIntegers(s, values, count)) at = putScaled(s, out, values, count, DECIMAL, 0);
  else at = putDecimals(s, out, values, count);
  if (at == 0) at = putNear(s, out, values, count, false);
  if (at == 0) at = putNear(s, out, values, count, true);
  if (at == 0) at = putBits(s, out, values, count);
  return at - out < (<usize>count) << 3 ? at : 0;
}

/** By their bits. NaN and infinities are exceptions, the value before stands in their place. */
function putBits(s: usize, out: usize, values: usize, count: i32): usize {
  const bits = s + CORRECTIONS;
  let previous: i64 = 0;
  let isSeen = false;
  exceptionCount = 0;
  for (let i = 0; i < count; i++) {
    const value = load<f64>(values + ((<usize>i) << 3));
    if (value - value != 0) {
      store<u16>(s + EXCEPTIONS + ((<usize>exceptionCount) << 1), <u16>i);
      exceptionCount++;
    } else {
      const word = reinterpret<i64>(value);
      // Of negative numbers the magnitude is inverted: numbers in order have words in order.
      previous = word ^ <i64>(<u64>(word >> 63) >> 1);
      if (!isSeen) for (let k = 0; k < i; k++) store<i64>(bits + ((<usize>k) << 3), previous);
      isSeen = true;
    }
    store<i64>(bits + ((<usize>i) << 3), previous);
  }
  store<u8>(out, <u8>BITS);
  return putWords(s, putExceptions(s, out + 1, values), bits, count);
}

function putScaled(
  s: usize,
  out: usize,
  values: usize,
  count: i32,
  form: i32,
  exponent: i32,
): usize {
  store<u8>(out, <u8>(form | (exponent << 3)));
  return putStream(s, putExceptions(s, out + 1, values), s + INTS, count, true);
}

/** As decimals, or as float32 numbers of shorter ones; 0: they are neither. */
function putDecimals(s: usize, out: usize, values: usize, count: i32): usize {
  let exponent = findExponent(s, values, count, false, false);
  let isTaken = exponent >= 0 && takeDecimals(s, values, count, exponent, false);
  // The sample may have missed the longest decimals.
  while (!isTaken && exponent >= 0 && exponent < EXPONENT_MAX)
    isTaken = takeDecimals(s, values, count, ++exponent, false);
  if ((!isTaken || exponent >= EXPONENT_FLOAT) && areFloats(values, count)) {
    const shorter = findExponent(s, values, count, true, false);
    if (shorter >= 0 && takeDecimals(s, values, count, shorter, true))
      return putScaled(s, out, values, count, FLOAT_DECIMAL, shorter);
    if (isTaken) takeDecimals(s, values, count, exponent, false);
  }
  return isTaken ? putScaled(s, out, values, count, DECIMAL, exponent) : 0;
}

/** As decimals and what they are off by, units in the last place; 0: most are too far off. */
function putNear(s: usize, out: usize, values: usize, count: i32, isFloat: bool): usize {
  const exponent = findExponent(s, values, count, isFloat, true);
  if (exponent < 0 || !takeNearDecimals(s, values, count, exponent, isFloat)) return 0;
  const form = isFloat ? NEAR_FLOAT_DECIMAL : NEAR_DECIMAL;
  const at = putScaled(s, out, values, count, form, exponent);
  return putStream(s, at, s + CORRECTIONS, count, true);
}

function takeIntegers(s: usize, values: usize, count: i32): bool {
  exceptionCount = 0;
  if (arePlainIntegers()) {
    const magic = f64x2.splat(MAGIC);
    const magicBits = i64x2.splat(MAGIC_BITS);
    for (let i: usize = 0; i < (<usize>count) << 3; i += 16) {
      const x = f64x2.add(v128.load(values + i), magic);
      v128.store(s + INTS + i, i64x2.sub(x, magicBits));
    }
    return true;
  }
  const first = load<f64>(values);
  for (let i: usize = 0; i < (<usize>count) << 3; i += 8) {
    const value = load<f64>(values + i);
    const isFit =
      floor(value) == value &&
      Math.abs(value) < STREAM_MAX &&
      Math.abs(value - first) < STREAM_OFFSET_MAX;
    if (!isFit || reinterpret<u64>(value) == MINUS_ZERO) return false;
    store<i64>(s + INTS + i, <i64>value);
  }
  return true;
}

function powerOf(s: usize, exponent: i32): f64 {
  return load<f64>(s + POWERS + ((<usize>exponent) << 3));
}

/** What is meant by a whole number, also after rounding to a float32. */
function valueOf(whole: f64, scale: f64, isFloat: bool): f64 {
  const quotient = whole / scale;
  return isFloat ? <f64>(<f32>quotient) : quotient;
}

/**
 * The smallest power of ten that makes sampled values whole, exactly or `isNear`; −1 where too many
 * have none.
 */
function findExponent(s: usize, values: usize, count: i32, isFloat: bool, isNear: bool): i32 {
  const step = max(1, count / SAMPLE_COUNT);
  const most = isNear ? NEAR_EXPONENT_MAX : EXPONENT_MAX;
  const share: f64 = isNear ? 8 : 4;
  // More than these are too many, however many of the others are finite.
  const badMax = <f64>((count + step - 1) / step) / share + 1;
  let exponent = 0;
  let bad = 0;
  let seen = 0;
  for (let i = 0; i < count; i += step) {
    const value = load<f64>(values + ((<usize>i) << 3));
    if (value - value != 0) continue;
    seen++;
    const slack = isNear ? Math.abs(value) * NEAR_RELATIVE : 0;
    let own = exponent;
    for (; own <= most; own++) {
      const scale = powerOf(s, own);
      const whole = round(value * scale);
      if (!(Math.abs(whole) < STREAM_MAX)) own = most;
      else if (Math.abs(valueOf(whole, scale, isFloat) - value) <= slack) break;
    }
    if (own <= most) exponent = own;
    else if (<f64>++bad > badMax) return -1;
  }
  return <f64>bad > <f64>seen / share + 1 ? -1 : exponent;
}

/**
 * Fills INTS and the list of exceptions. False where more values than a sixteenth are neither
 * decimals of `exponent` nor special.
 */
function takeDecimals(s: usize, values: usize, count: i32, exponent: i32, isFloat: bool): bool {
  const scale = powerOf(s, exponent);
  const literalsMax = (count >> 4) + 1;
  let literals = 0;
  let first: f64 = 0;
  let previous: i64 = 0;
  let isSeen = false;
  exceptionCount = 0;
  for (let i = 0; i < count; i++) {
    const value = load<f64>(values + ((<usize>i) << 3));
    const whole = round(value * scale);
    const isFit =
      valueOf(whole, scale, isFloat) == value &&
      reinterpret<u64>(value) != MINUS_ZERO &&
      Math.abs(whole) < STREAM_MAX &&
      (!isSeen || Math.abs(whole - first) < STREAM_OFFSET_MAX);
    if (isFit) {
      previous = <i64>whole;
      if (!isSeen) {
        isSeen = true;
        first = whole;
        for (let k = 0; k < i; k++) store<i64>(s + INTS + ((<usize>k) << 3), previous);
      }
    } else {
      store<u16>(s + EXCEPTIONS + ((<usize>exceptionCount) << 1), <u16>i);
      exceptionCount++;
      const isPlain = value - value == 0 && reinterpret<u64>(value) != MINUS_ZERO;
      if (isPlain && ++literals > literalsMax) return false;
    }
    store<i64>(s + INTS + ((<usize>i) << 3), previous);
  }
  return true;
}

/** As takeDecimals, for values a few units in the last place away, which go to CORRECTIONS. */
function takeNearDecimals(s: usize, values: usize, count: i32, exponent: i32, isFloat: bool): bool {
  const scale = powerOf(s, exponent);
  let literals = 0;
  let first: f64 = 0;
  let previous: i64 = 0;
  let isSeen = false;
  exceptionCount = 0;
  for (let i = 0; i < count; i++) {
    const place = (<usize>i) << 3;
    const value = load<f64>(values + place);
    const whole = round(value * scale);
    const base = reinterpret<i64>(valueOf(whole, scale, isFloat));
    const word = reinterpret<i64>(value);
    const correction = word - base;
    store<i64>(s + CORRECTIONS + place, 0);
    const isFit =
      // Words of unlike signs are far from each other, also where their difference wraps.
      (word ^ base) >= 0 &&
      correction < CORRECTION_MAX &&
      correction > -CORRECTION_MAX &&
      Math.abs(whole) < STREAM_MAX &&
      (!isSeen || Math.abs(whole - first) < STREAM_OFFSET_MAX);
    if (isFit) {
      previous = <i64>whole;
      if (!isSeen) {
        isSeen = true;
        first = whole;
        for (let k = 0; k < i; k++) store<i64>(s + INTS + ((<usize>k) << 3), previous);
      }
      store<i64>(s + CORRECTIONS + place, correction);
    } else {
      store<u16>(s + EXCEPTIONS + ((<usize>exceptionCount) << 1), <u16>i);
      exceptionCount++;
      const isPlain = value - value == 0 && word != <i64>MINUS_ZERO;
      if (isPlain && ++literals > count >> 4) return false;
    }
    store<i64>(s + INTS + place, previous);
  }
  return true;
}

/** Sampled finite values are float32 numbers. */
function areFloats(values: usize, count: i32): bool {
  const step = max(1, count >> 5);
  for (let i = 0; i < count; i += step) {
    const value = load<f64>(values + ((<usize>i) << 3));
    if (<f64>(<f32>value) != value && value - value == 0) return false;
  }
  return true;
}

/** The special exception that the word is, WORD where it is none. */
function exceptionKind(word: u64): u32 {
  if (word == 0x7ff0000000000002) return 0;
  if (word == 0x7ff8000000000000) return 1;
  if (word == 0x7ff0000000000000) return 2;
  if (word == 0xfff0000000000000) return 3;
  return word == MINUS_ZERO ? 4 : WORD;
}

function putExceptions(s: usize, out: usize, values: usize): usize {
  let at = putVarint(out, <u64>exceptionCount);
  let last = -1;
  let same: u64 = 0;
  for (let k = 0; k < exceptionCount; k++) {
    const i = <i32>load<u16>(s + EXCEPTIONS + ((<usize>k) << 1));
    const word = load<u64>(values + ((<usize>i) << 3));
    let kind = exceptionKind(word);
    if (kind == WORD && word == same) kind = SAME_WORD;
    at = putVarint(at, <u64>(i - last - 1) * 8 + kind);
    last = i;
    if (kind != WORD) continue;
    same = word;
    store<u64>(at, word);
    at += 8;
  }
  return at;
}
