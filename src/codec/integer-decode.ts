// Integer streams back to doubles (docs/formats/block.md, "Integer stream"). Every size is checked
// before it is used, so damaged bytes end in CodecError or in wrong numbers, never outside of a
// buffer. Scratch is shared: one stream is read at a time.
import { GROUP_COUNT, packedWords, unpackGroup } from './bit-pack.ts';
import { BUCKET_BASE, BUCKET_EXTRA_BITS } from './buckets.ts';
import { ONE_WIDTH, STREAM, STREAM_GCD, STREAM_ZIGZAG } from './integer-encode.ts';
import { BLOCK_COUNT_MAX } from './limits.ts';
import { readSymbols } from './rans.ts';
import { CodecError } from './varint.ts';
import type { ByteReader } from './varint.ts';

const WIDTH_MAX = 53;
const WORD = 4294967296;

const low = new Uint32Array(BLOCK_COUNT_MAX + GROUP_COUNT);
const high = new Uint32Array(GROUP_COUNT);
const residuals = new Float64Array(BLOCK_COUNT_MAX);
const symbols = new Uint8Array(BLOCK_COUNT_MAX);
/** Widest packed column and one row more, which unpackGroup may look at. */
const words = new Uint32Array(2 * (BLOCK_COUNT_MAX + GROUP_COUNT));
const wordBytes = new Uint8Array(words.buffer);
const widths = new Uint8Array(BLOCK_COUNT_MAX / GROUP_COUNT);
const gaps = new Float64Array(BLOCK_COUNT_MAX);
const jumps = new Float64Array(BLOCK_COUNT_MAX);

/**
 * Fills out[0, count) with the whole numbers that writeIntegers wrote, each divided by `scale`.
 * Throws CodecError.
 */
export function readIntegers(
  reader: ByteReader,
  out: Float64Array,
  count: number,
  scale = 1,
): void {
  const head = reader.u8();
  const kind = head & 7;
  const first = reader.zigzag();
  if (kind === STREAM.const) {
    out.fill(first / scale, 0, count);
    return;
  }
  if (kind === STREAM.packed || kind === STREAM.entropy)
    readDifferences(reader, head, first, out, count);
  else if (kind === STREAM.constDelta) {
    const delta = reader.zigzag();
    for (let i = 0; i < count; i++) out[i] = first + i * delta;
  } else if (kind === STREAM.runs) readRuns(reader, first, out, count);
  else if (kind === STREAM.sparse) readSparse(reader, first, out, count);
  else throw new CodecError(`unknown integer stream ${kind}`);
  if (scale !== 1) for (let i = 0; i < count; i++) out[i] = out[i]! / scale;
}

/** The stream at `at` is nothing but zeros, in its two bytes. */
export function isConstZero(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === STREAM.const && bytes[at + 1] === 0;
}

function readRuns(reader: ByteReader, first: number, out: Float64Array, count: number): void {
  let at = 0;
  let value = first;
  for (let left = reader.count(2); left > 0; left--) {
    const next = at + reader.varint() + 1;
    if (next >= count) throw new CodecError(`a run ends at ${next} of ${count}`);
    out.fill(value, at, next);
    at = next;
    value += reader.zigzag();
  }
  out.fill(value, at, count);
}

function readSparse(reader: ByteReader, first: number, out: Float64Array, count: number): void {
  const changes = reader.varint();
  if (changes < 1 || changes >= count)
    throw new CodecError(`${changes} changes in ${count} samples`);
  // The head byte of a stream says its kind: a sparse stream inside a sparse one would share
  // scratch.
  for (const part of [gaps, jumps]) {
    if ((reader.bytes[reader.at]! & 7) === STREAM.sparse && reader.left > 0)
      throw new CodecError(`nested sparse stream at ${reader.at}`);
    readIntegers(reader, part, changes);
  }
  let at = 0;
  let value = first;
  for (let i = 0; i < changes; i++) {
    const next = at + gaps[i]! + 1;
    if (!(next > at) || next >= count) throw new CodecError(`a run ends at ${next} of ${count}`);
    while (at < next) out[at++] = value;
    value += jumps[i]!;
  }
  out.fill(value, at, count);
}

function readDifferences(
  reader: ByteReader,
  head: number,
  first: number,
  out: Float64Array,
  count: number,
): void {
  const order = (head >> 3) & 3;
  if (order === 3 || count <= order) throw new CodecError(`order ${order} of ${count} numbers`);
  const second = order === 2 ? reader.zigzag() : 0;
  const divisor = (head & STREAM_GCD) === 0 ? 1 : reader.varint();
  const base = reader.zigzag();
  const size = count - order;
  if ((head & 7) === STREAM.entropy) {
    readEntropy(reader, size, (head & STREAM_ZIGZAG) !== 0);
    sumDoubles(out, count, { order, first, second, divisor, base });
  } else if (readPacked(reader, size)) {
    sumDoubles(out, count, { order, first, second, divisor, base });
  } else sumWords(out, count, { order, first, second, divisor, base });
}

interface Differences {
  readonly order: number;
  readonly first: number;
  readonly second: number;
  readonly divisor: number;
  readonly base: number;
}

/** Two copies of one loop: a loop fed with two kinds of arrays runs several times slower. */
function sumDoubles(out: Float64Array, count: number, terms: Differences): void {
  const { order, first, second, divisor, base } = terms;
  const from = residuals;
  const shift = base * divisor;
  if (order === 0) {
    const start = first + shift;
    for (let i = 0; i < count; i++) out[i] = start + from[i]! * divisor;
    return;
  }
  let value = first;
  out[0] = first;
  if (order === 1) {
    for (let i = 1; i < count; i++) {
      value += from[i - 1]! * divisor + shift;
      out[i] = value;
    }
    return;
  }
  let step = second * divisor;
  value += step;
  out[1] = value;
  for (let i = 2; i < count; i++) {
    step += from[i - 2]! * divisor + shift;
    value += step;
    out[i] = value;
  }
}

function sumWords(out: Float64Array, count: number, terms: Differences): void {
  const { order, first, second, divisor, base } = terms;
  const from = low;
  const shift = base * divisor;
  if (order === 0) {
    const start = first + shift;
    for (let i = 0; i < count; i++) out[i] = start + from[i]! * divisor;
    return;
  }
  let value = first;
  out[0] = first;
  if (order === 1) {
    for (let i = 1; i < count; i++) {
      value += from[i - 1]! * divisor + shift;
      out[i] = value;
    }
    return;
  }
  let step = second * divisor;
  value += step;
  out[1] = value;
  for (let i = 2; i < count; i++) {
    step += from[i - 2]! * divisor + shift;
    value += step;
    out[i] = value;
  }
}

// ---------------------------------------------------------------- packed groups

/** Fills `low`, or `residuals` where a number is too wide or an exception; says which. */
function readPacked(reader: ByteReader, size: number): boolean {
  const exceptions = reader.count(2);
  const exceptionsAt = reader.at;
  for (let i = exceptions * 2; i > 0; i--) reader.varint();
  const groups = Math.ceil(size / GROUP_COUNT);
  const wordCount = readWidths(reader, size, groups);
  wordBytes.set(reader.raw(wordCount * 4));
  let isWide = exceptions > 0;
  for (let group = 0; group < groups && !isWide; group++) isWide = widths[group]! > 32;
  let at = 0;
  for (let group = 0; group < groups; group++) {
    const from = group * GROUP_COUNT;
    const count = Math.min(GROUP_COUNT, size - from);
    const width = widths[group]!;
    at = unpackGroup(words, at, Math.min(width, 32), low, from, count);
    if (!isWide) continue;
    for (let i = from; i < from + count; i++) residuals[i] = low[i]!;
    if (width <= 32) continue;
    at = unpackGroup(words, at, width - 32, high, 0, count);
    for (let i = 0; i < count; i++) residuals[from + i]! += high[i]! * WORD;
  }
  if (exceptions > 0) patch(reader, exceptionsAt, exceptions, size);
  return isWide;
}

/** Fills `widths`; returns the number of packed words. */
function readWidths(reader: ByteReader, size: number, groups: number): number {
  const one = reader.u8();
  if ((one & ONE_WIDTH) !== 0) widths.fill(one & 127, 0, groups);
  else {
    widths[0] = one;
    for (let group = 1; group < groups; group++) widths[group] = reader.u8();
  }
  let wordCount = 0;
  for (let group = 0; group < groups; group++) {
    const width = widths[group]!;
    if (width > WIDTH_MAX) throw new CodecError(`a packed width of ${width} bits`);
    const count = Math.min(GROUP_COUNT, size - group * GROUP_COUNT);
    wordCount += packedWords(count, Math.min(width, 32));
    if (width > 32) wordCount += packedWords(count, width - 32);
  }
  return wordCount;
}

function patch(reader: ByteReader, at: number, exceptions: number, size: number): void {
  const end = reader.at;
  reader.at = at;
  let place = -1;
  for (let left = exceptions; left > 0; left--) {
    place += reader.varint() + 1;
    if (place >= size) throw new CodecError(`an exception at ${place} of ${size}`);
    residuals[place] = reader.zigzag();
  }
  reader.at = end;
}

// ---------------------------------------------------------------- entropy-coded buckets

function readEntropy(reader: ByteReader, size: number, isZigzag: boolean): void {
  readSymbols(reader, symbols, size);
  let bits = 0;
  for (let i = 0; i < size; i++) bits += BUCKET_EXTRA_BITS[symbols[i]!]!;
  const sizeBytes = Math.ceil(bits / 8);
  const end = Math.ceil(sizeBytes / 4);
  words[Math.max(0, end - 1)] = 0;
  words[end] = words[end + 1] = 0;
  wordBytes.set(reader.raw(sizeBytes));
  if (bits === 0)
    if (isZigzag)
      for (let i = 0; i < size; i++) residuals[i] = (symbols[i]! >>> 1) ^ -(symbols[i]! & 1);
    else for (let i = 0; i < size; i++) residuals[i] = symbols[i]!;
  else readExtraBits(size, isZigzag);
}

function readExtraBits(size: number, isZigzag: boolean): void {
  let bit = 0;
  for (let i = 0; i < size; i++) {
    const symbol = symbols[i]!;
    const extra = BUCKET_EXTRA_BITS[symbol]!;
    let code = BUCKET_BASE[symbol]!;
    if (extra > 0) {
      const at = bit >>> 5;
      const shift = bit & 31;
      // Shifting twice: a shift by 32 would be one by 0.
      const word = (words[at]! >>> shift) | ((words[at + 1]! << 1) << (31 - shift));
      if (extra < 32) code += word & ((1 << extra) - 1);
      else {
        const nextAt = at + 1;
        const next = (words[nextAt]! >>> shift) | ((words[nextAt + 1]! << 1) << (31 - shift));
        code += (word >>> 0) + (next & ((1 << (extra - 32)) - 1)) * WORD;
      }
      bit += extra;
    }
    if (!isZigzag) residuals[i] = code;
    else if (code < 2147483648) residuals[i] = (code >>> 1) ^ -(code & 1);
    else {
      const half = Math.floor(code / 2);
      residuals[i] = half * 2 === code ? half : -half - 1;
    }
  }
}
