// Range asymmetric numeral systems (Duda, 2013) over bucket numbers: four interleaved states,
// 16-bit renormalisation (Giesen, "Interleaved entropy coders", 2014). Buckets, not numbers:
// buckets.ts. The decoder ends on the encoder's start state, which catches damage that the bounds
// do not.
import { BUCKET_COUNT } from './buckets.ts';
import { BLOCK_COUNT_MAX } from './limits.ts';
import { CodecError } from './varint.ts';
import type { ByteReader, ByteWriter } from './varint.ts';

const STATE_START = 65_536;
const SCALE_BITS_MIN = 6;
const SCALE_BITS_MAX = 11;

const frequencies = new Int32Array(256);
const starts = new Int32Array(256);
const output = new Uint16Array(BLOCK_COUNT_MAX);
/** Per slot of the scale: bucket, frequency << 8, place inside the frequency << 20. */
const slots = new Int32Array(1 << SCALE_BITS_MAX);
/** One word a symbol is the most that a decoder can ask for. */
const input = new Uint16Array(BLOCK_COUNT_MAX * 2);
const inputBytes = new Uint8Array(input.buffer);

/** Bits of the frequency scale for `count` symbols: longer columns pay for a finer one. */
export function scaleBits(count: number): number {
  if (count > 2048) return SCALE_BITS_MAX;
  return count > 512 ? 10 : 9;
}

/** Frequencies that add up to 2^bits, none of an occurring symbol below one. */
function normalise(histogram: Int32Array, count: number, bits: number): void {
  const total = 1 << bits;
  let sum = 0;
  let largest = 0;
  for (let symbol = 0; symbol < BUCKET_COUNT; symbol++) {
    const seen = histogram[symbol]!;
    const frequency = seen === 0 ? 0 : Math.max(1, Math.round((seen / count) * total));
    frequencies[symbol] = frequency;
    sum += frequency;
    if (frequency > frequencies[largest]!) largest = symbol;
  }
  if (sum < total) frequencies[largest]! += total - sum;
  while (sum > total) {
    let most = 0;
    for (let symbol = 1; symbol < BUCKET_COUNT; symbol++)
      if (frequencies[symbol]! > frequencies[most]!) most = symbol;
    const taken = Math.min(sum - total, Math.max(1, frequencies[most]! >> 3));
    frequencies[most]! -= taken;
    sum -= taken;
  }
}

/** Table, states and words of `count` symbols with the given histogram. */
export function writeSymbols(
  out: ByteWriter,
  symbols: Uint8Array,
  count: number,
  histogram: Int32Array,
): void {
  const bits = scaleBits(count);
  normalise(histogram, count, bits);
  let used = 0;
  for (let symbol = 0; symbol < BUCKET_COUNT; symbol++) if (frequencies[symbol]! > 0) used++;
  out.u8(bits);
  out.u8(used);
  let previous = -1;
  let start = 0;
  for (let symbol = 0; symbol < BUCKET_COUNT; symbol++) {
    if (frequencies[symbol] === 0) continue;
    out.u8(symbol - previous - 1);
    out.varint(frequencies[symbol]! - 1);
    previous = symbol;
    starts[symbol] = start;
    start += frequencies[symbol]!;
  }
  const states = [STATE_START, STATE_START, STATE_START, STATE_START];
  const first = encodeStates(symbols, count, bits, states);
  out.varint(output.length - first);
  for (const state of states) out.u32(state);
  out.raw(new Uint8Array(output.buffer, first * 2, (output.length - first) * 2));
}

/** From the last symbol to the first; words fill `output` from its end. Returns their start. */
function encodeStates(symbols: Uint8Array, count: number, bits: number, states: number[]): number {
  const total = 2 ** bits;
  const limit = 2 ** (32 - bits);
  let at = output.length;
  const whole = count & ~3;
  for (let i = count - 1; i >= whole; i--) {
    const symbol = symbols[i]!;
    const frequency = frequencies[symbol]!;
    let x = states[i & 3]!;
    if (x >= frequency * limit) {
      output[--at] = x & 65_535;
      x >>>= 16;
    }
    const quotient = (x / frequency) | 0;
    states[i & 3] = quotient * total + (x - quotient * frequency) + starts[symbol]!;
  }
  let [x0, x1, x2, x3] = states as [number, number, number, number];
  for (let i = whole - 4; i >= 0; i -= 4) {
    // A state is below frequency · limit when it is divided, so the quotient is below 2^26.
    let symbol = symbols[i + 3]!;
    let frequency = frequencies[symbol]!;
    if (x3 >= frequency * limit) {
      output[--at] = x3 & 65_535;
      x3 >>>= 16;
    }
    let quotient = (x3 / frequency) | 0;
    x3 = quotient * total + (x3 - quotient * frequency) + starts[symbol]!;
    symbol = symbols[i + 2]!;
    frequency = frequencies[symbol]!;
    if (x2 >= frequency * limit) {
      output[--at] = x2 & 65_535;
      x2 >>>= 16;
    }
    quotient = (x2 / frequency) | 0;
    x2 = quotient * total + (x2 - quotient * frequency) + starts[symbol]!;
    symbol = symbols[i + 1]!;
    frequency = frequencies[symbol]!;
    if (x1 >= frequency * limit) {
      output[--at] = x1 & 65_535;
      x1 >>>= 16;
    }
    quotient = (x1 / frequency) | 0;
    x1 = quotient * total + (x1 - quotient * frequency) + starts[symbol]!;
    symbol = symbols[i]!;
    frequency = frequencies[symbol]!;
    if (x0 >= frequency * limit) {
      output[--at] = x0 & 65_535;
      x0 >>>= 16;
    }
    quotient = (x0 / frequency) | 0;
    x0 = quotient * total + (x0 - quotient * frequency) + starts[symbol]!;
  }
  states.splice(0, 4, x0, x1, x2, x3);
  return at;
}

/** Reads what writeSymbols wrote. Throws CodecError. */
export function readSymbols(reader: ByteReader, symbols: Uint8Array, count: number): void {
  const bits = readSlots(reader);
  const wordCount = reader.count(2);
  if (wordCount > count) throw new CodecError(`${wordCount} words for ${count} symbols`);
  let x0 = reader.u32() | 0;
  let x1 = reader.u32() | 0;
  let x2 = reader.u32() | 0;
  let x3 = reader.u32() | 0;
  inputBytes.set(reader.raw(wordCount * 2));
  const mask = (1 << bits) - 1;
  let at = 0;
  let i = 0;
  for (const end = count & ~3; i < end; i += 4) {
    let slot = slots[x0 & mask]!;
    symbols[i] = slot;
    x0 = (Math.imul((slot >>> 8) & 4095, x0 >>> bits) + (slot >>> 20)) | 0;
    if (x0 >>> 16 === 0) x0 = (x0 << 16) | input[at++]!;
    slot = slots[x1 & mask]!;
    symbols[i + 1] = slot;
    x1 = (Math.imul((slot >>> 8) & 4095, x1 >>> bits) + (slot >>> 20)) | 0;
    if (x1 >>> 16 === 0) x1 = (x1 << 16) | input[at++]!;
    slot = slots[x2 & mask]!;
    symbols[i + 2] = slot;
    x2 = (Math.imul((slot >>> 8) & 4095, x2 >>> bits) + (slot >>> 20)) | 0;
    if (x2 >>> 16 === 0) x2 = (x2 << 16) | input[at++]!;
    slot = slots[x3 & mask]!;
    symbols[i + 3] = slot;
    x3 = (Math.imul((slot >>> 8) & 4095, x3 >>> bits) + (slot >>> 20)) | 0;
    if (x3 >>> 16 === 0) x3 = (x3 << 16) | input[at++]!;
  }
  const tail = [x0, x1, x2, x3];
  for (let lane = 0; i < count; i++, lane++) {
    const slot = slots[tail[lane]! & mask]!;
    symbols[i] = slot;
    let x = (Math.imul((slot >>> 8) & 4095, tail[lane]! >>> bits) + (slot >>> 20)) | 0;
    if (x >>> 16 === 0) x = (x << 16) | input[at++]!;
    tail[lane] = x;
  }
  if (at !== wordCount || tail.some((x) => x !== STATE_START))
    throw new CodecError(`entropy-coded symbols before ${reader.at} do not end as they should`);
}

/** Fills `slots`; returns the bits of the scale. */
function readSlots(reader: ByteReader): number {
  const bits = reader.u8();
  if (bits < SCALE_BITS_MIN || bits > SCALE_BITS_MAX)
    throw new CodecError(`a frequency scale of ${bits} bits`);
  const total = 1 << bits;
  let symbol = -1;
  let start = 0;
  for (let left = reader.u8(); left > 0; left--) {
    symbol += reader.u8() + 1;
    const frequency = reader.varint() + 1;
    if (symbol >= BUCKET_COUNT || frequency > total - start)
      throw new CodecError(`frequency ${frequency} of symbol ${symbol} before ${reader.at}`);
    const slot = symbol | (frequency << 8);
    for (let place = 0; place < frequency; place++) slots[start + place] = slot | (place << 20);
    start += frequency;
  }
  if (start !== total) throw new CodecError(`frequencies add up to ${start}, not ${total}`);
  return bits;
}
