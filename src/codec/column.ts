// Columns of a block (docs/formats/block.md, "Column"): each encoder picks the smallest of its
// simple lossless modes; each decoder refuses modes it does not know and payloads of the wrong
// size. Doubles are moved as 32-bit halves, so that no NaN payload can change on the way.
import { ByteReader, CodecError } from './varint.ts';
import type { ByteWriter } from './varint.ts';

export const MODE = {
  raw: 0,
  const: 1,
  constDelta: 2,
  deltaOfDelta: 3,
  integerDelta: 4,
  bits: 5,
  strings: 6,
  histograms: 7,
} as const;

/** Whole numbers up to here have exact differences and zigzag codes. */
const INTEGER_MAX = 2 ** 51;
const TIME_SPAN_MAX = 2 ** 50;
const TIME_MAX = Number.MAX_SAFE_INTEGER;

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

export function writeTimes(
  out: ByteWriter,
  scratch: ByteWriter,
  tUs: Float64Array,
  count: number,
): void {
  if (Math.abs(tUs[count - 1]! - tUs[0]!) > TIME_SPAN_MAX || Math.abs(tUs[0]!) > TIME_SPAN_MAX * 4)
    return writeColumn(out, scratch, MODE.raw, (p) => p.column(tUs, count));
  const delta = count > 1 ? tUs[1]! - tUs[0]! : 0;
  let isConst = true;
  for (let i = 1; i < count; i++) {
    const step = tUs[i]! - tUs[i - 1]!;
    if (step !== delta) isConst = false;
    if (Math.abs(step) > TIME_SPAN_MAX)
      return writeColumn(out, scratch, MODE.raw, (p) => p.column(tUs, count));
  }
  if (isConst)
    return writeColumn(out, scratch, MODE.constDelta, (p) => {
      p.f64(tUs[0]!);
      p.f64(delta);
    });
  writeColumn(out, scratch, MODE.deltaOfDelta, (p) => {
    p.zigzag(tUs[0]!);
    let previous = 0;
    for (let i = 1; i < count; i++) {
      const step = tUs[i]! - tUs[i - 1]!;
      p.zigzag(step - previous);
      previous = step;
    }
  });
}

export function readTimes({ mode, payload }: Column, count: number): Float64Array {
  const out = mode === MODE.raw ? rawDoubles(payload, count) : new Float64Array(count);
  if (mode === MODE.constDelta) {
    const first = payload.f64();
    const delta = payload.f64();
    for (let i = 0; i < count; i++) out[i] = first + i * delta;
  } else if (mode === MODE.deltaOfDelta) {
    let tUs = payload.zigzag();
    let step = 0;
    out[0] = tUs;
    for (let i = 1; i < count; i++) {
      step += payload.zigzag();
      tUs += step;
      out[i] = tUs;
    }
  } else if (mode !== MODE.raw) refuseMode(mode, 'time');
  payload.finish();
  for (let i = 0; i < count; i++)
    if (!(Math.abs(out[i]!) <= TIME_MAX) || !Number.isInteger(out[i]))
      throw new CodecError(`sample ${i} has the time ${out[i]}`);
  return out;
}

function rawDoubles(payload: ByteReader, count: number): Float64Array<ArrayBuffer> {
  return new Float64Array(payload.copy(count * 8));
}

// ---------------------------------------------------------------- doubles

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

function writeIntegers(
  out: ByteWriter,
  scratch: ByteWriter,
  values: Float64Array,
  count: number,
): void {
  writeColumn(out, scratch, MODE.integerDelta, (p) => {
    let previous = 0;
    for (let i = 0; i < count; i++) {
      p.zigzag(values[i]! - previous);
      previous = values[i]!;
    }
  });
}

export function writeDoubles(
  out: ByteWriter,
  scratch: ByteWriter,
  values: Float64Array,
  count: number,
): void {
  const words = new Int32Array(values.buffer, values.byteOffset, count * 2);
  if (sameWords(words, count))
    return writeColumn(out, scratch, MODE.const, (p) => p.column(values, 1));
  let allInteger = true;
  for (let i = 0; i < count && allInteger; i++) allInteger = isSmallInteger(values[i]!);
  if (allInteger) return writeIntegers(out, scratch, values, count);
  writeColumn(out, scratch, MODE.raw, (p) => p.column(values, count));
}

export function readDoubles({ mode, payload }: Column, count: number): Float64Array<ArrayBuffer> {
  if (mode === MODE.raw) {
    const out = rawDoubles(payload, count);
    payload.finish();
    return out;
  }
  const out = new Float64Array(count);
  if (mode === MODE.const) fillWords(new Int32Array(out.buffer), payload);
  else if (mode === MODE.integerDelta) readIntegers(out, payload);
  else refuseMode(mode, 'double');
  payload.finish();
  return out;
}

function fillWords(out: Int32Array, payload: ByteReader): void {
  const word = new Int32Array(payload.copy(8));
  for (let i = 0; i < out.length; i += 2) {
    out[i] = word[0]!;
    out[i + 1] = word[1]!;
  }
}

function readIntegers(out: Float64Array, payload: ByteReader): void {
  let value = 0;
  for (let i = 0; i < out.length; i++) {
    value += payload.zigzag();
    if (Math.abs(value) > INTEGER_MAX) throw new CodecError(`sample ${i} is out of range`);
    out[i] = value;
  }
}

// ---------------------------------------------------------------- 64-bit integers

type Integers = BigInt64Array | BigUint64Array;

/** The values as doubles where every one is at most 2^51 from zero, else undefined. */
function smallIntegers(values: Integers, count: number): Float64Array | undefined {
  const words = new Int32Array(values.buffer, values.byteOffset, count * 2);
  const isSigned = values instanceof BigInt64Array;
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const high = isSigned ? words[2 * i + 1]! : words[2 * i + 1]! >>> 0;
    out[i] = high * 4294967296 + (words[2 * i]! >>> 0);
    if (Math.abs(out[i]!) > INTEGER_MAX) return undefined;
  }
  return out;
}

export function writeBigInts(
  out: ByteWriter,
  scratch: ByteWriter,
  values: Integers,
  count: number,
): void {
  const words = new Int32Array(values.buffer, values.byteOffset, count * 2);
  if (sameWords(words, count))
    return writeColumn(out, scratch, MODE.const, (p) => p.column(values, 1));
  const small = smallIntegers(values, count);
  if (small !== undefined) return writeIntegers(out, scratch, small, count);
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
  if (mode === MODE.const) fillWords(words, payload);
  else if (mode === MODE.integerDelta) {
    const values = new Float64Array(count);
    readIntegers(values, payload);
    for (let i = 0; i < count; i++) {
      words[2 * i] = (values[i]! % 4294967296) | 0;
      words[2 * i + 1] = Math.floor(values[i]! / 4294967296);
    }
  } else refuseMode(mode, 'integer');
  payload.finish();
  return words.buffer;
}

// ---------------------------------------------------------------- small things

export function writeSubNs(
  out: ByteWriter,
  scratch: ByteWriter,
  subNs: Uint16Array,
  count: number,
): void {
  const isConst = subNs.subarray(0, count).every((value) => value === subNs[0]);
  writeColumn(out, scratch, isConst ? MODE.const : MODE.raw, (p) =>
    p.column(subNs, isConst ? 1 : count),
  );
}

export function readSubNs({ mode, payload }: Column, count: number): Uint16Array {
  if (mode !== MODE.const && mode !== MODE.raw) refuseMode(mode, 'subNs');
  const out = new Uint16Array(count);
  if (mode === MODE.const) out.fill(payload.u16());
  else out.set(new Uint16Array(payload.copy(count * 2)));
  payload.finish();
  if (out.some((value) => value > 999)) throw new CodecError('subNs above 999');
  return out;
}

export function writeBits(
  out: ByteWriter,
  scratch: ByteWriter,
  values: Uint8Array,
  count: number,
): void {
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
  if (mode !== MODE.bits) refuseMode(mode, 'boolean');
  const bytes = payload.raw(Math.ceil(count / 8));
  payload.finish();
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) out[i] = (bytes[i >> 3]! >> (i & 7)) & 1;
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
