// Columns of 64-bit words, exact for every pattern, without BigInt: halves in an Int32Array,
// differences modulo 2^64 (docs/formats/block.md, "Words"). Integers of 64 bits are stored so, and
// doubles that are no decimals through an order-preserving map of their bits.
import { GROUP_COUNT, packGroup, packedWords, unpackGroup } from './bit-pack.ts';
import { readIntegers } from './integer-decode.ts';
import { STREAM_OFFSET_MAX, writeIntegers } from './integer-encode.ts';
import { BLOCK_COUNT_MAX } from './limits.ts';
import { CodecError } from './varint.ts';
import type { ByteReader, ByteWriter } from './varint.ts';

const WORD = 4294967296;
const FORM_OFFSETS = 0;
/** Plus the number of low bits that go out as they are. */
const FORM_DIFFERENCES = 128;
/** Bits of a difference that go through an integer stream. */
const HIGH_BITS = 48;
const LOW_BITS_MAX = 64 - HIGH_BITS;

const numbers = new Float64Array(BLOCK_COUNT_MAX);
const lows = new Uint32Array(BLOCK_COUNT_MAX + GROUP_COUNT);
const packed = new Uint32Array(BLOCK_COUNT_MAX + GROUP_COUNT);
const packedBytes = new Uint8Array(packed.buffer);

/** Writes `count` words (low half, high half) as distances from the first or as differences. */
export function writeWords(out: ByteWriter, words: Int32Array, count: number): void {
  const firstLow = words[0]! >>> 0;
  const firstHigh = words[1]!;
  let isNear = true;
  for (let i = 0; i < count && isNear; i++) {
    const offset = (words[2 * i + 1]! - firstHigh) * WORD + ((words[2 * i]! >>> 0) - firstLow);
    numbers[i] = offset;
    isNear = Math.abs(offset) < STREAM_OFFSET_MAX;
  }
  if (!isNear) return writeDifferences(out, words, count);
  out.u8(FORM_OFFSETS);
  out.u32(firstLow);
  out.u32(firstHigh >>> 0);
  writeIntegers(out, numbers, count);
}

function writeDifferences(out: ByteWriter, words: Int32Array, count: number): void {
  let widest = 0;
  for (let i = 1; i < count; i++) {
    const carry = words[2 * i]! >>> 0 < words[2 * i - 2]! >>> 0 ? 1 : 0;
    const high = (words[2 * i + 1]! - words[2 * i - 1]! - carry) | 0;
    widest |= high ^ (high >> 31);
  }
  const lowBits = Math.max(0, 33 + 32 - Math.clz32(widest) - HIGH_BITS);
  out.u8(FORM_DIFFERENCES | lowBits);
  out.u32(words[0]! >>> 0);
  out.u32(words[1]! >>> 0);
  const scale = 2 ** (32 - lowBits);
  const mask = 2 ** lowBits - 1;
  for (let i = 1; i < count; i++) {
    const low = (words[2 * i]! - words[2 * i - 2]!) >>> 0;
    const carry = words[2 * i]! >>> 0 < words[2 * i - 2]! >>> 0 ? 1 : 0;
    const high = (words[2 * i + 1]! - words[2 * i - 1]! - carry) | 0;
    numbers[i - 1] = high * scale + (low >>> lowBits);
    lows[i - 1] = low & mask;
  }
  writeIntegers(out, numbers, count - 1);
  if (lowBits === 0) return;
  let at = 0;
  for (let from = 0; from < count - 1; from += GROUP_COUNT) {
    const length = Math.min(GROUP_COUNT, count - 1 - from);
    at = packGroup(lows, from, length, lowBits, packed, at);
  }
  out.raw(new Uint8Array(packed.buffer, 0, at * 4));
}

/** Fills words[0, 2 · count). Throws CodecError. */
export function readWords(reader: ByteReader, words: Int32Array, count: number): void {
  const form = reader.u8();
  const firstLow = reader.u32();
  const firstHigh = reader.u32();
  if (form === FORM_OFFSETS) {
    readIntegers(reader, numbers, count);
    for (let i = 0; i < count; i++) {
      const low = numbers[i]! + firstLow;
      const carry = Math.floor(low / WORD);
      words[2 * i] = low - carry * WORD;
      words[2 * i + 1] = firstHigh + carry;
    }
    return;
  }
  const lowBits = form - FORM_DIFFERENCES;
  if (lowBits < 0 || lowBits > LOW_BITS_MAX || count < 2)
    throw new CodecError(`words of form ${form}`);
  readIntegers(reader, numbers, count - 1);
  readLows(reader, count - 1, lowBits);
  const scale = 2 ** (32 - lowBits);
  let low = firstLow;
  let high = firstHigh;
  words[0] = low;
  words[1] = high;
  for (let i = 1; i < count; i++) {
    const stepHigh = Math.floor(numbers[i - 1]! / scale);
    const stepLow = (numbers[i - 1]! - stepHigh * scale) * 2 ** lowBits + lows[i - 1]!;
    low += stepLow;
    const carry = low >= WORD ? 1 : 0;
    low -= carry * WORD;
    high = (high + stepHigh + carry) | 0;
    words[2 * i] = low;
    words[2 * i + 1] = high;
  }
}

function readLows(reader: ByteReader, count: number, lowBits: number): void {
  if (lowBits === 0) {
    lows.fill(0, 0, count);
    return;
  }
  const tail = count % GROUP_COUNT;
  const whole = (count - tail) / GROUP_COUNT;
  const wordCount = whole * packedWords(GROUP_COUNT, lowBits) + packedWords(tail, lowBits);
  packedBytes.set(reader.raw(wordCount * 4));
  let at = 0;
  for (let from = 0; from < count; from += GROUP_COUNT) {
    const length = Math.min(GROUP_COUNT, count - from);
    at = unpackGroup(packed, at, lowBits, lows, from, length);
  }
}

/**
 * Bits of doubles to integers in the same order and back: an involution. Negative numbers have
 * their magnitude bits inverted.
 */
export function flipOrder(words: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const sign = words[2 * i + 1]! >> 31;
    words[2 * i]! ^= sign;
    words[2 * i + 1]! ^= sign & 0x7fffffff;
  }
}
