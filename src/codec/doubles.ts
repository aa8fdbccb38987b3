// Columns of doubles (docs/formats/block.md, "Doubles"). Most are decimals: a whole number divided
// by a power of ten, which is checked value by value, bit by bit; those that are not are corrected
// by a few units in the last place, or stored by their bits. Words are moved as 32-bit halves, so
// that no NaN payload can change on the way. Scratch is shared: one column at a time.
import { numbersByKernel } from './encode-kernel.ts';
import { readIntegers } from './integer-decode.ts';
import { STREAM_MAX, STREAM_OFFSET_MAX, writeIntegers } from './integer-encode.ts';
import { BLOCK_COUNT_MAX } from './limits.ts';
import { CodecError } from './varint.ts';
import type { ByteReader, ByteWriter } from './varint.ts';
import { flipOrder, readWords, writeWords } from './words.ts';
import { copyWholeNumbers } from './whole-numbers.ts';

const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
/** Beyond, a whole number below STREAM_MAX can only be a coincidence. */
const EXPONENT_MAX = 17;
const NEAR_EXPONENT_MAX = 12;
const NEAR_RELATIVE = 2 ** -47;
const CORRECTION_MAX = 65_536;
const SAMPLE_COUNT = 40;
const WORD = 4294967296;

/** What stands in the place of a value that does not fit; bits 0–2 of the exception's varint. */
const EXCEPTION = {
  stale: 0,
  nan: 1,
  infinity: 2,
  minusInfinity: 3,
  minusZero: 4,
  word: 5,
  sameWord: 6,
} as const;
const SPECIAL_WORDS = Int32Array.of(
  2,
  0x7ff00000,
  0,
  0x7ff80000,
  0,
  0x7ff00000,
  0,
  -0x100000,
  0,
  0,
);
SPECIAL_WORDS[9] = -0x80000000;

const integers = new Float64Array(BLOCK_COUNT_MAX);
const corrections = new Float64Array(BLOCK_COUNT_MAX);
const exceptionAt = new Uint16Array(BLOCK_COUNT_MAX);
const bits = new Int32Array(BLOCK_COUNT_MAX * 2);
const one = new Float64Array(1);
const oneWords = new Int32Array(one.buffer);
let exceptionCount = 0;

/** The special exception that these halves are, EXCEPTION.word where they are none. */
function exceptionKind(low: number, high: number): number {
  for (let kind = 0; kind < EXCEPTION.word; kind++)
    if (low === SPECIAL_WORDS[2 * kind] && high === SPECIAL_WORDS[2 * kind + 1]) return kind;
  return EXCEPTION.word;
}

/** Finite and not −0: eight bytes as an exception. */
function isPlain(value: number): boolean {
  return value - value === 0 && (value !== 0 || 1 / value > 0);
}

// ---------------------------------------------------------------- looking for decimals

/**
 * The smallest power of ten that makes sampled finite values whole, exactly or `isNear`, also after
 * rounding to a float32; −1 where too many have none.
 */
function findExponent(
  values: Float64Array,
  count: number,
  { isFloat, isNear }: { isFloat: boolean; isNear: boolean },
): number {
  const step = Math.max(1, Math.floor(count / SAMPLE_COUNT));
  const most = isNear ? NEAR_EXPONENT_MAX : EXPONENT_MAX;
  let exponent = 0;
  let bad = 0;
  let seen = 0;
  for (let i = 0; i < count; i += step) {
    const value = values[i]!;
    if (value - value !== 0) continue;
    seen++;
    const slack = isNear ? Math.abs(value) * NEAR_RELATIVE : 0;
    let own = exponent;
    for (; own <= most; own++) {
      const scale = POWERS_OF_TEN[own]!;
      const whole = Math.round(value * scale);
      if (!(Math.abs(whole) < STREAM_MAX)) own = most;
      else {
        const back = isFloat ? Math.fround(whole / scale) : whole / scale;
        if (Math.abs(back - value) <= slack) break;
      }
    }
    if (own <= most) exponent = own;
    else bad++;
  }
  return bad > seen / (isNear ? 8 : 4) + 1 ? -1 : exponent;
}

/**
 * Fills `integers` and the list of exceptions. False where more values than a sixteenth are neither
 * decimals of `exponent` nor special.
 */
function takeDecimals(
  values: Float64Array,
  count: number,
  exponent: number,
  isFloat: boolean,
): boolean {
  if (exponent === 0 && takeIntegers(values, count)) return true;
  const scale = POWERS_OF_TEN[exponent]!;
  const literalsMax = (count >> 4) + 1;
  let literals = 0;
  let first = 0;
  let previous = 0;
  let seen = 0;
  exceptionCount = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const whole = Math.round(value * scale);
    const back = isFloat ? Math.fround(whole / scale) : whole / scale;
    if (
      back === value &&
      (whole !== 0 || 1 / value > 0) &&
      whole < STREAM_MAX &&
      whole > -STREAM_MAX &&
      (seen === 0 || Math.abs(whole - first) < STREAM_OFFSET_MAX)
    ) {
      // `+ 0` because a negative value that rounds to nothing gives −0, which a stream cannot hold.
      if (seen++ === 0) integers.fill((first = whole + 0), 0, i);
      previous = whole + 0;
    } else {
      exceptionAt[exceptionCount++] = i;
      if (isPlain(value) && ++literals > literalsMax) return false;
    }
    integers[i] = previous;
  }
  return true;
}

/** Fills `integers` where all values are whole numbers; then there are no exceptions. */
function takeIntegers(values: Float64Array, count: number): boolean {
  exceptionCount = 0;
  return copyWholeNumbers(values, count, integers);
}

/** As takeDecimals, for values a few units in the last place away, which go to `corrections`. */
function takeNearDecimals(
  values: Float64Array,
  count: number,
  exponent: number,
  isFloat: boolean,
): boolean {
  const words = new Int32Array(values.buffer, values.byteOffset, count * 2);
  const scale = POWERS_OF_TEN[exponent]!;
  let literals = 0;
  let first = 0;
  let previous = 0;
  let seen = 0;
  exceptionCount = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const whole = Math.round(value * scale) + 0;
    one[0] = isFloat ? Math.fround(whole / scale) : whole / scale;
    const correction =
      (words[2 * i + 1]! - oneWords[1]!) * WORD + ((words[2 * i]! >>> 0) - (oneWords[0]! >>> 0));
    corrections[i] = 0;
    if (
      Math.abs(correction) < CORRECTION_MAX &&
      Math.abs(whole) < STREAM_MAX &&
      (seen === 0 || Math.abs(whole - first) < STREAM_OFFSET_MAX)
    ) {
      if (seen++ === 0) integers.fill((first = whole), 0, i);
      previous = whole;
      corrections[i] = correction;
    } else {
      exceptionAt[exceptionCount++] = i;
      if (isPlain(value) && ++literals > count >> 4) return false;
    }
    integers[i] = previous;
  }
  return true;
}

// ---------------------------------------------------------------- writing

const DOUBLES = {
  decimal: 0,
  floatDecimal: 1,
  nearDecimal: 2,
  nearFloatDecimal: 3,
  bits: 4,
} as const;

/**
 * Writes the payload into `out`. Returns false, leaving it as it was, where raw words are no
 * larger.
 */
export function writeNumbers(out: ByteWriter, values: Float64Array, count: number): boolean {
  if (numbersByKernel(out, values, count)) return true;
  const start = out.size;
  const words = new Int32Array(values.buffer, values.byteOffset, count * 2);
  const isWritten =
    writeDecimals(out, values, words, count) || writeNearDecimals(out, values, words, count);
  if (!isWritten) writeBits(out, values, words, count);
  if (out.size - start < count * 8) return true;
  out.size = start;
  return false;
}

function writeDecimals(
  out: ByteWriter,
  values: Float64Array,
  words: Int32Array,
  count: number,
): boolean {
  // Most columns are counters: whole numbers need no search for an exponent.
  if (takeIntegers(values, count)) {
    writeScaled(out, DOUBLES.decimal, 0, words, count);
    return true;
  }
  let exponent = findExponent(values, count, { isFloat: false, isNear: false });
  let isTaken = exponent >= 0 && takeDecimals(values, count, exponent, false);
  // The sample may have missed the longest decimals.
  while (!isTaken && exponent >= 0 && exponent < EXPONENT_MAX)
    isTaken = takeDecimals(values, count, ++exponent, false);
  if ((!isTaken || exponent >= 6) && areFloats(values, count)) {
    const shorter = findExponent(values, count, { isFloat: true, isNear: false });
    if (shorter >= 0 && takeDecimals(values, count, shorter, true)) {
      writeScaled(out, DOUBLES.floatDecimal, shorter, words, count);
      return true;
    }
    if (isTaken) takeDecimals(values, count, exponent, false);
  }
  if (isTaken) writeScaled(out, DOUBLES.decimal, exponent, words, count);
  return isTaken;
}

/** Sampled finite values are float32 numbers. */
function areFloats(values: Float64Array, count: number): boolean {
  const step = Math.max(1, count >> 5);
  for (let i = 0; i < count; i += step)
    if (Math.fround(values[i]!) !== values[i] && values[i]! - values[i]! === 0) return false;
  return true;
}

function writeNearDecimals(
  out: ByteWriter,
  values: Float64Array,
  words: Int32Array,
  count: number,
): boolean {
  for (const isFloat of [false, true]) {
    const exponent = findExponent(values, count, { isFloat, isNear: true });
    if (exponent < 0 || !takeNearDecimals(values, count, exponent, isFloat)) continue;
    const kind = isFloat ? DOUBLES.nearFloatDecimal : DOUBLES.nearDecimal;
    writeScaled(out, kind, exponent, words, count);
    writeIntegers(out, corrections, count);
    return true;
  }
  return false;
}

function writeScaled(
  out: ByteWriter,
  kind: number,
  exponent: number,
  words: Int32Array,
  count: number,
): void {
  out.u8(kind | (exponent << 3));
  writeExceptions(out, words);
  writeIntegers(out, integers, count);
}

/** NaN and infinities are exceptions, the value before stands in their place. */
function writeBits(out: ByteWriter, values: Float64Array, words: Int32Array, count: number): void {
  exceptionCount = 0;
  let seen = 0;
  for (let i = 0; i < count; i++) {
    const isFinite = values[i]! - values[i]! === 0;
    const from = isFinite ? i : i - 1;
    if (!isFinite) exceptionAt[exceptionCount++] = i;
    bits[2 * i] = isFinite ? words[2 * i]! : i === 0 ? 0 : bits[2 * from]!;
    bits[2 * i + 1] = isFinite ? words[2 * i + 1]! : i === 0 ? 0 : bits[2 * from + 1]!;
    if (!isFinite || seen++ > 0) continue;
    for (let k = 0; k < 2 * i; k++) bits[k] = words[2 * i + (k & 1)]!;
  }
  out.u8(DOUBLES.bits);
  writeExceptions(out, words);
  flipOrder(bits, count);
  writeWords(out, bits, count);
}

function writeExceptions(out: ByteWriter, words: Int32Array): void {
  out.varint(exceptionCount);
  let last = -1;
  let low = 0;
  let high = 0;
  for (let k = 0; k < exceptionCount; k++) {
    const i = exceptionAt[k]!;
    let kind = exceptionKind(words[2 * i]!, words[2 * i + 1]!);
    const isSame = words[2 * i] === low && words[2 * i + 1] === high;
    if (kind === EXCEPTION.word && isSame) kind = EXCEPTION.sameWord;
    out.varint((i - last - 1) * 8 + kind);
    last = i;
    if (kind !== EXCEPTION.word) continue;
    low = words[2 * i]!;
    high = words[2 * i + 1]!;
    out.u32(low);
    out.u32(high);
  }
}

// ---------------------------------------------------------------- reading

/** Fills out[0, count) with what writeNumbers wrote. Throws CodecError. */
export function readNumbers(reader: ByteReader, out: Float64Array, count: number): void {
  const head = reader.u8();
  const kind = head & 7;
  const exponent = head >> 3;
  if (kind > DOUBLES.bits || exponent > EXPONENT_MAX)
    throw new CodecError(`unknown form ${kind} of doubles, exponent ${exponent}`);
  const words = new Int32Array(out.buffer, out.byteOffset, count * 2);
  const exceptionsAt = reader.at;
  const exceptions = skipExceptions(reader, count);
  if (kind === DOUBLES.bits) {
    readWords(reader, words, count);
    flipOrder(words, count);
  } else {
    readIntegers(reader, out, count, POWERS_OF_TEN[exponent]);
    if (kind === DOUBLES.floatDecimal || kind === DOUBLES.nearFloatDecimal)
      for (let i = 0; i < count; i++) out[i] = Math.fround(out[i]!);
    if (kind >= DOUBLES.nearDecimal) correct(reader, words, count);
  }
  if (exceptions > 0) patch(reader, exceptionsAt, words);
}

function correct(reader: ByteReader, words: Int32Array, count: number): void {
  readIntegers(reader, corrections, count);
  for (let i = 0; i < count; i++) {
    const correction = corrections[i]!;
    if (correction === 0) continue;
    const low = (words[2 * i]! >>> 0) + correction;
    const carry = Math.floor(low / WORD);
    words[2 * i] = low - carry * WORD;
    words[2 * i + 1]! += carry;
  }
}

function skipExceptions(reader: ByteReader, count: number): number {
  const exceptions = reader.count();
  let i = -1;
  for (let left = exceptions; left > 0; left--) {
    const code = reader.varint();
    const gap = Math.floor(code / 8);
    const kind = code - gap * 8;
    i += gap + 1;
    if (i >= count || kind > EXCEPTION.sameWord)
      throw new CodecError(`exception ${kind} at ${i} of ${count}`);
    if (kind === EXCEPTION.word) reader.raw(8);
  }
  return exceptions;
}

/** Only after skipExceptions has checked the list. */
function patch(reader: ByteReader, at: number, words: Int32Array): void {
  const end = reader.at;
  reader.at = at;
  let low = 0;
  let high = 0;
  let i = -1;
  for (let left = reader.count(); left > 0; left--) {
    const code = reader.varint();
    i += (code >>> 3) + 1;
    const kind = code & 7;
    if (kind === EXCEPTION.word) {
      low = reader.u32();
      high = reader.u32();
    }
    const isSpecial = kind < EXCEPTION.word;
    words[2 * i] = isSpecial ? SPECIAL_WORDS[2 * kind]! : low;
    words[2 * i + 1] = isSpecial ? SPECIAL_WORDS[2 * kind + 1]! : high;
  }
  reader.at = end;
}
