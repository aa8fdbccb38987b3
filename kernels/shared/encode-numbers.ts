// Columns of doubles (docs/formats/block.md, "Doubles") that are whole numbers or decimals:
// src/codec/doubles.ts is the reference, and writes the same bytes.
import { arePlainIntegers } from './encode-facts';
import { EXCEPTIONS, INTS, POWERS, putVarint, round } from './encode-scratch';
import { putStream } from './encode-stream';

const STREAM_MAX: f64 = 4503599627370496;
const STREAM_OFFSET_MAX: f64 = 1125899906842624;
const OFFSET_END: i64 = 1 << 50;
const EXPONENT_MAX: i32 = 17;
/** Longer decimals may be short ones of float32 numbers: the reference looks for them. */
const EXPONENT_FLOAT: i32 = 6;
const SAMPLE_COUNT: i32 = 40;
/** 2^52 + 2^51, as a double and as its bits: the double that is this plus v has these bits plus v. */
const MAGIC: f64 = 6755399441055744;
const MAGIC_BITS: i64 = 0x4338000000000000;
const MINUS_ZERO: u64 = 0x8000000000000000;
const WORD: u32 = 5;
const SAME_WORD: u32 = 6;

let exceptionCount: i32 = 0;

/** The payload of a column that was examined; its end, 0: refused. */
export function putNumbers(s: usize, out: usize, values: usize, count: i32): usize {
  let exponent = 0;
  if (!takeIntegers(s, values, count)) {
    exponent = findExponent(s, values, count);
    if (exponent < 0) return 0;
    while (!takeDecimals(s, values, count, exponent)) if (++exponent > EXPONENT_MAX) return 0;
    if (exponent >= EXPONENT_FLOAT && areFloats(values, count)) return 0;
  }
  store<u8>(out, <u8>(exponent << 3));
  const at = putStream(s, putExceptions(s, out + 1, values), s + INTS, count, true);
  return at - out < (<usize>count) << 3 ? at : 0;
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

/** The smallest power of ten that makes sampled values whole; −1 where too many have none. */
function findExponent(s: usize, values: usize, count: i32): i32 {
  const step = max(1, count / SAMPLE_COUNT);
  let exponent = 0;
  let bad = 0;
  let seen = 0;
  for (let i = 0; i < count; i += step) {
    const value = load<f64>(values + ((<usize>i) << 3));
    if (value - value != 0) continue;
    seen++;
    let own = exponent;
    for (; own <= EXPONENT_MAX; own++) {
      const scale = powerOf(s, own);
      const whole = round(value * scale);
      if (!(Math.abs(whole) < STREAM_MAX)) own = EXPONENT_MAX;
      else if (whole / scale == value) break;
    }
    if (own <= EXPONENT_MAX) exponent = own;
    else bad++;
  }
  return <f64>bad > <f64>seen / 4 + 1 ? -1 : exponent;
}

/**
 * Fills INTS and the list of exceptions. False where more values than a sixteenth are neither
 * decimals of `exponent` nor special.
 */
function takeDecimals(s: usize, values: usize, count: i32, exponent: i32): bool {
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
      whole / scale == value &&
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

/** Sampled finite values are float32 numbers. */
function areFloats(values: usize, count: i32): bool {
  const step = max(1, count >> 5);
  for (let i = 0; i < count; i += step) {
    const value = load<f64>(values + ((<usize>i) << 3));
    if (<f64>(<f32>value) != value && value - value == 0) return false;
  }
  return true;
}

/**
 * The payload of a column of 64-bit integers that are near to the first one (docs/formats/block.md,
 * "Words"); its end, 0: refused.
 */
export function putWords(s: usize, out: usize, values: usize, count: i32): usize {
  const first = load<i64>(values);
  for (let i: usize = 0; i < (<usize>count) << 3; i += 8) {
    const value = load<i64>(values + i);
    const offset = value - first;
    const hasWrapped = ((value ^ first) & (value ^ offset)) < 0;
    if (hasWrapped || offset >= OFFSET_END || offset <= -OFFSET_END) return 0;
    store<i64>(s + INTS + i, offset);
  }
  store<u8>(out, 0);
  store<i64>(out, first, 1);
  const at = putStream(s, out + 9, s + INTS, count, true);
  return at - out < (<usize>count) << 3 ? at : 0;
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
