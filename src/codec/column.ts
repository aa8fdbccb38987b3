// Columns of a block (docs/formats/block.md, "Column"): one mode byte, a size, a payload. Each
// encoder picks the smallest of its lossless modes; each decoder refuses modes it does not know and
// payloads of the wrong size. Numbers: doubles.ts, words.ts; what they stand on: integer-encode.ts.
import { readNumbers, writeNumbers } from './doubles.ts';
import { isConstZero, readIntegers } from './integer-decode.ts';
import { divisorOf, STREAM_OFFSET_MAX, writeConstZero, writeIntegers } from './integer-encode.ts';
import { doublesByKernel, integersByKernel, timesByKernel, wordsByKernel } from './kernels.ts';
import { BLOCK_COUNT_MAX } from './limits.ts';
import { ByteReader, CodecError } from './varint.ts';
import type { ByteWriter } from './varint.ts';
import { readWords, writeWords } from './words.ts';

export const MODE = {
  raw: 0,
  const: 1,
  grid: 2,
  integers: 3,
  doubles: 4,
  words: 5,
  bits: 6,
  strings: 7,
  histograms: 8,
  histogramColumns: 9,
  sibling: 10,
} as const;

/** Whole numbers up to here are flagged as integers: sums of a few thousand of them are exact. */
const INTEGER_MAX = 2 ** 51;
const TIME_MAX = Number.MAX_SAFE_INTEGER;
const STEP_SAMPLE_COUNT = 31;

const numbers = new Float64Array(BLOCK_COUNT_MAX);
const steps = new Float64Array(STEP_SAMPLE_COUNT);

export interface Column {
  readonly mode: number;
  readonly payload: ByteReader;
}

/** Writes mode and payload; `write` fills the payload into `scratch`. */
export function writeColumn(
  out: ByteWriter,
  scratch: ByteWriter,
  mode: number,
  write: (payload: ByteWriter) => void,
): void {
  scratch.reset();
  write(scratch);
  copyColumn(out, scratch, mode);
}

/** The column whose payload is in `scratch`. */
export function copyColumn(out: ByteWriter, scratch: ByteWriter, mode: number): void {
  out.u8(mode);
  out.varint(scratch.size);
  out.raw(scratch.bytes());
}

export function readColumn(reader: ByteReader): Column {
  const mode = reader.u8();
  const sizeBytes = reader.count();
  const payload = new ByteReader(reader.bytes, reader.at, reader.at + sizeBytes);
  reader.at += sizeBytes;
  return { mode, payload };
}

function refuseMode(mode: number, column: string): never {
  throw new CodecError(`unknown mode ${mode} of a ${column} column`);
}

// ---------------------------------------------------------------- times

/**
 * The step of the grid that the times are nearest to: the one most of them keep, else the mean, as
 * a multiple of what divides all distances.
 */
function gridStep(tUs: Float64Array, count: number): number {
  if (count < 2) return 0;
  const stride = Math.max(1, Math.floor((count - 1) / STEP_SAMPLE_COUNT));
  let size = 0;
  for (let i = 1; i < count && size < STEP_SAMPLE_COUNT; i += stride) {
    const step = tUs[i]! - tUs[i - 1]!;
    let at = size++;
    for (; at > 0 && steps[at - 1]! > step; at--) steps[at] = steps[at - 1]!;
    steps[at] = step;
  }
  const median = steps[size >> 1]!;
  let same = 0;
  for (let i = 1; i < count; i++) if (tUs[i]! - tUs[i - 1]! === median) same++;
  if (same * 2 > count) return median;
  const unit = Math.max(1, divisorOf(tUs, count));
  return Math.round((tUs[count - 1]! - tUs[0]!) / (count - 1) / unit) * unit;
}

/** Times as distances from the grid first + i · step: nothing but the grid where they keep it. */
export function writeTimes(
  out: ByteWriter,
  scratch: ByteWriter,
  tUs: Float64Array,
  count: number,
): void {
  const first = tUs[0]!;
  const delta = count > 1 ? tUs[1]! - first : 0;
  let isGrid = Math.abs(delta) < STREAM_OFFSET_MAX / 2;
  for (let i = 0; i < count && isGrid; i++) isGrid = tUs[i] === first + i * delta;
  if (isGrid && isTime(first) && isTime(tUs[count - 1]!))
    return writeColumn(out, scratch, MODE.grid, (p) => {
      p.zigzag(delta);
      writeConstZero(p);
    });
  let isNear = true;
  for (let i = 0; i < count; i++)
    if (!(Math.abs(tUs[i]! - first) < STREAM_OFFSET_MAX / 2)) isNear = false;
  const step = isNear ? gridStep(tUs, count) : 0;
  if (!isNear || Math.abs(step) * count >= STREAM_OFFSET_MAX / 2)
    return writeColumn(out, scratch, MODE.raw, (p) => p.column(tUs, count));
  for (let i = 0; i < count; i++) numbers[i] = tUs[i]! - first - i * step;
  writeColumn(out, scratch, MODE.grid, (p) => {
    p.zigzag(step);
    writeIntegers(p, numbers, count);
  });
}

/** Fills `out`; `firstUs` is the first time, which the column does not repeat. */
export function readTimes(
  { mode, payload }: Column,
  { count, firstUs }: { readonly count: number; readonly firstUs: number },
  out: Float64Array,
): Float64Array {
  if (mode === MODE.raw) {
    out.set(rawDoubles(payload, count));
    payload.finish();
    if (!out.every(isTime)) refuseTimes();
    return out;
  }
  if (mode !== MODE.grid) refuseMode(mode, 'time');
  if (timesByKernel(payload, out, { count, firstUs })) return out;
  const step = payload.zigzag();
  if (payload.left === 2 && isConstZero(payload.bytes, payload.at)) {
    // First and last are the extremes of an empty grid, and all of it is whole.
    if (!isTime(firstUs) || !isTime(firstUs + (count - 1) * step)) refuseTimes();
    for (let i = 0; i < count; i++) out[i] = firstUs + i * step;
    return out;
  }
  readIntegers(payload, out, count);
  payload.finish();
  if (out[0] !== 0) throw new CodecError(`the grid starts ${out[0]} before its first time`);
  let isGood = isTime(firstUs);
  for (let i = 0; i < count; i++) {
    const t = out[i]! + (firstUs + i * step);
    // Sums of whole numbers are whole.
    if (!(t <= TIME_MAX && t >= -TIME_MAX)) isGood = false;
    out[i] = t;
  }
  if (!isGood) refuseTimes();
  return out;
}

function isTime(tUs: number): boolean {
  return Number.isSafeInteger(tUs);
}

function refuseTimes(): never {
  throw new CodecError('a time is no whole number of microseconds within 2^53');
}

function rawDoubles(payload: ByteReader, count: number): Float64Array<ArrayBuffer> {
  return new Float64Array(payload.copy(count * 8));
}

// ---------------------------------------------------------------- doubles and integers

export function isSmallInteger(value: number): boolean {
  return (
    Math.abs(value) <= INTEGER_MAX && Math.floor(value) === value && (value !== 0 || 1 / value > 0)
  );
}

function sameWords(words: Int32Array, count: number): boolean {
  for (let i = 1; i < count; i++)
    if (words[2 * i] !== words[0] || words[2 * i + 1] !== words[1]) return false;
  return true;
}

export function writeDoubles(
  out: ByteWriter,
  scratch: ByteWriter,
  values: Float64Array,
  count: number,
): void {
  const words = new Int32Array(values.buffer, values.byteOffset, count * 2);
  if (sameWords(words, count)) {
    scratch.reset();
    scratch.column(values, 1);
    let zeros = 0;
    while (zeros < 7 && scratch.bytes()[zeros] === 0) zeros++;
    return copyConst(out, scratch.bytes().subarray(zeros));
  }
  scratch.reset();
  if (writeNumbers(scratch, values, count)) return copyColumn(out, scratch, MODE.doubles);
  writeColumn(out, scratch, MODE.raw, (p) => p.column(values, count));
}

/** Fills `out` with `count` doubles. */
export function readDoubles(
  { mode, payload }: Column,
  count: number,
  out: Float64Array = new Float64Array(count),
): Float64Array {
  if (mode === MODE.doubles) {
    if (doublesByKernel(payload, out, count)) return out;
    readNumbers(payload, out, count);
  } else if (mode === MODE.raw) words64(out).set(new BigInt64Array(payload.copy(count * 8)));
  else if (mode === MODE.const) fillDoubles(out, payload);
  else refuseMode(mode, 'double');
  payload.finish();
  return out;
}

/** The word that all samples have, without the zero bytes at one of its ends. */
function copyConst(out: ByteWriter, bytes: Uint8Array): void {
  out.u8(MODE.const);
  out.varint(bytes.length);
  out.raw(bytes);
}

const constant = new Float64Array(1);
const constantBytes = new Uint8Array(constant.buffer);

/** Fills `constant`: of doubles zero bytes are missing at the low end, of integers at the high. */
function readConst(payload: ByteReader, isDouble: boolean): void {
  const sizeBytes = payload.left;
  if (sizeBytes < 1 || sizeBytes > 8) throw new CodecError(`a constant of ${sizeBytes} bytes`);
  constantBytes.fill(0);
  const from = isDouble ? 8 - sizeBytes : 0;
  for (let i = 0; i < sizeBytes; i++) constantBytes[from + i] = payload.u8();
}

function words64(out: Float64Array): BigInt64Array {
  return new BigInt64Array(out.buffer, out.byteOffset, out.length);
}

/** The fill of doubles is the fastest, but may change a NaN. */
function fillDoubles(out: Float64Array, payload: ByteReader): void {
  readConst(payload, true);
  const value = constant[0]!;
  if (Number.isNaN(value)) fillWords(words64(out));
  else out.fill(value);
}

/** One BigInt a column: its fill is many times faster than a loop over halves. */
function fillWords(out: BigInt64Array): void {
  out.fill(new BigInt64Array(constant.buffer)[0]!);
}

export function writeBigInts(
  out: ByteWriter,
  scratch: ByteWriter,
  values: BigInt64Array | BigUint64Array,
  count: number,
): void {
  const words = new Int32Array(values.buffer, values.byteOffset, count * 2);
  if (sameWords(words, count)) {
    scratch.reset();
    scratch.column(values, 1);
    while (scratch.size > 1 && scratch.bytes()[scratch.size - 1] === 0) scratch.size--;
    return copyConst(out, scratch.bytes());
  }
  scratch.reset();
  writeWords(scratch, words, count);
  if (scratch.size < count * 8) return copyColumn(out, scratch, MODE.words);
  writeColumn(out, scratch, MODE.raw, (p) => p.column(values, count));
}

/** The 64-bit words; the caller makes the signed or unsigned view. */
export function readBigInts({ mode, payload }: Column, count: number): ArrayBuffer {
  if (mode === MODE.raw) {
    const out = payload.copy(count * 8);
    payload.finish();
    return out;
  }
  const words = new Int32Array(count * 2);
  if (mode === MODE.const) {
    readConst(payload, false);
    fillWords(new BigInt64Array(words.buffer));
  } else if (mode !== MODE.words) refuseMode(mode, 'integer');
  else if (wordsByKernel(payload, words, count)) return words.buffer;
  else readWords(payload, words, count);
  payload.finish();
  return words.buffer;
}

// ---------------------------------------------------------------- small things

/** Fills `numbers` with the one stream of a payload. */
function readIntegerColumn(payload: ByteReader, count: number): void {
  if (integersByKernel(payload, numbers, count)) return;
  readIntegers(payload, numbers, count);
  payload.finish();
}

export function writeSubNs(
  out: ByteWriter,
  scratch: ByteWriter,
  subNs: Uint16Array,
  count: number,
): void {
  for (let i = 0; i < count; i++) numbers[i] = subNs[i]!;
  writeColumn(out, scratch, MODE.integers, (p) => writeIntegers(p, numbers, count));
}

export function readSubNs({ mode, payload }: Column, count: number): Uint16Array {
  if (mode !== MODE.integers) refuseMode(mode, 'subNs');
  readIntegerColumn(payload, count);
  const out = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const value = numbers[i]!;
    if (!(value >= 0 && value <= 999)) throw new CodecError(`sample ${i} has ${value} ns`);
    out[i] = value;
  }
  return out;
}

/** A stream of zeros and ones where that is shorter than a bit each. */
export function writeBits(
  out: ByteWriter,
  scratch: ByteWriter,
  values: Uint8Array,
  count: number,
): void {
  for (let i = 0; i < count; i++) numbers[i] = values[i] === 0 ? 0 : 1;
  scratch.reset();
  writeIntegers(scratch, numbers, count);
  if (scratch.size * 8 <= count) return copyColumn(out, scratch, MODE.integers);
  writeColumn(out, scratch, MODE.bits, (p) => {
    for (let start = 0; start < count; start += 8) {
      let byte = 0;
      for (let i = start; i < Math.min(start + 8, count); i++)
        if (values[i] !== 0) byte |= 1 << (i - start);
      p.u8(byte);
    }
  });
}

export function readBits({ mode, payload }: Column, count: number): Uint8Array {
  const out = new Uint8Array(count);
  if (mode === MODE.integers) {
    readIntegerColumn(payload, count);
    for (let i = 0; i < count; i++) {
      const value = numbers[i]!;
      if (value !== 0 && value !== 1) throw new CodecError(`sample ${i} is no boolean: ${value}`);
      out[i] = value;
    }
    return out;
  }
  if (mode === MODE.bits) {
    const bytes = payload.raw(Math.ceil(count / 8));
    for (let i = 0; i < count; i++) out[i] = (bytes[i >> 3]! >> (i & 7)) & 1;
  } else refuseMode(mode, 'boolean');
  payload.finish();
  return out;
}

export function writeStrings(
  out: ByteWriter,
  scratch: ByteWriter,
  values: readonly string[],
  count: number,
): void {
  writeColumn(out, scratch, MODE.strings, (p) => {
    for (let i = 0; i < count; i++) p.string(values[i]!);
  });
}

export function readStrings({ mode, payload }: Column, count: number): string[] {
  if (mode !== MODE.strings) refuseMode(mode, 'string');
  const out: string[] = [];
  for (let i = 0; i < count; i++) out.push(payload.string());
  payload.finish();
  return out;
}
