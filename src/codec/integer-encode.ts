// Whole numbers to bytes (docs/formats/block.md, "Integer stream"): offsets from the first, divided
// by their greatest common divisor, differences of order 0, 1 or 2 as their entropy asks for, then
// packed groups or entropy-coded buckets, whichever is worth it. Reference: any faster encoder must
// write what integer-decode.ts reads back. Scratch is shared: one stream is written at a time.
import { GROUP_COUNT, packGroup, packedWords } from './bit-pack.ts';
import { streamByKernel } from './encode-kernel.ts';
import {
  BUCKET_BASE,
  BUCKET_COUNT,
  BUCKET_EXTRA_BITS,
  bucketOf,
  narrowBucket,
  widthOf,
} from './buckets.ts';
import { LOG2, chooseOrder } from './integer-order.ts';
import {
  BLOCK_COUNT_MAX,
  ENTROPY_CODED_RATIO_LONG_MAX,
  ENTROPY_CODED_RATIO_MAX,
  LONG_COLUMN_COUNT,
} from './limits.ts';
import { scaleBits, writeSymbols } from './rans.ts';
import type { ByteWriter } from './varint.ts';

export const STREAM = {
  const: 0,
  constDelta: 1,
  runs: 2,
  packed: 3,
  entropy: 4,
  sparse: 5,
} as const;
export const STREAM_GCD = 32;
export const STREAM_ZIGZAG = 64;
/** Width byte: every group has this width, no list of widths follows. */
export const ONE_WIDTH = 128;

/** Numbers stay below this, so that the first has a zigzag code. */
export const STREAM_MAX = 2 ** 52;
/** Distances from the first stay below this, so that second differences have zigzag codes. */
export const STREAM_OFFSET_MAX = 2 ** 50;
/** A larger step is not taken apart into gaps and jumps. */
const JUMP_MAX = 2 ** 49;
/** Differences that spread more than this are not tried. */
const SPREAD_MAX = 2 ** 51;
const NARROW_SPREAD_MAX = 2 ** 29;
const ENTROPY_COUNT_MIN = 40;
const SPARSE_CHANGES_MIN = 48;
const CENTRE_COUNT = 31;
const GROUPS_MAX = BLOCK_COUNT_MAX / GROUP_COUNT;
/** What a bucket costs in the table of frequencies. */
const BUCKET_COST_BITS = 18;
const ENTROPY_HEADER_BITS = 8 * 20;
const NEGATIVE = 54;

const offsets = new Float64Array(BLOCK_COUNT_MAX);
const residuals = new Float64Array(BLOCK_COUNT_MAX);
/**
 * Residuals minus their minimum, where they spread less than NARROW_SPREAD_MAX: several times
 * faster.
 */
const narrow = new Int32Array(BLOCK_COUNT_MAX);
const low = new Uint32Array(BLOCK_COUNT_MAX + GROUP_COUNT);
const high = new Uint32Array(BLOCK_COUNT_MAX + GROUP_COUNT);
const symbols = new Uint8Array(BLOCK_COUNT_MAX);
const histogram = new Int32Array(256);
const widthHistogram = new Int32Array(NEGATIVE + 1);
const totalHistogram = new Int32Array(NEGATIVE + 1);
const centre = new Float64Array(CENTRE_COUNT);
const words = new Uint32Array(2 * (BLOCK_COUNT_MAX + GROUP_COUNT));
const gaps = new Float64Array(BLOCK_COUNT_MAX);
const jumps = new Float64Array(BLOCK_COUNT_MAX);
interface Packing {
  base: number;
  costBits: number;
  isOneWidth: boolean;
  readonly widths: Uint8Array;
}

let packing: Packing = newPacking();
let spare: Packing = newPacking();

function newPacking(): Packing {
  return { base: 0, costBits: 0, isOneWidth: true, widths: new Uint8Array(GROUPS_MAX) };
}

/**
 * Writes `count` whole numbers, no −0, each below STREAM_MAX in size and nearer than
 * STREAM_OFFSET_MAX to the first.
 */
export function writeIntegers(out: ByteWriter, values: Float64Array, count: number): void {
  if (!streamByKernel(out, values, count)) writeStream(out, values, count, true);
}

/** The stream of any number of zeros. */
export function writeConstZero(out: ByteWriter): void {
  out.u8(STREAM.const);
  out.zigzag(0);
}

function writeStream(
  out: ByteWriter,
  values: Float64Array,
  count: number,
  sparseAllowed: boolean,
): void {
  const first = values[0]!;
  const delta = count > 1 ? values[1]! - first : 0;
  let changes = 0;
  let isConstDelta = true;
  let isSteep = false;
  let previous = first;
  for (let i = 1; i < count; i++) {
    const value = values[i]!;
    const step = value - previous;
    if (step !== 0) changes++;
    if (step !== delta) isConstDelta = false;
    if (step >= JUMP_MAX || step <= -JUMP_MAX) isSteep = true;
    previous = value;
  }
  if (isConstDelta) {
    out.u8(delta === 0 ? STREAM.const : STREAM.constDelta);
    out.zigzag(first);
    if (delta !== 0) out.zigzag(delta);
  } else if (sparseAllowed && !isSteep && changes >= SPARSE_CHANGES_MIN && changes * 6 < count)
    writeSparse(out, values, count, changes);
  else if (changes * 24 < count || changes < 8) writeRuns(out, values, count, changes);
  else writeDifferences(out, values, count);
}

function writeRuns(out: ByteWriter, values: Float64Array, count: number, changes: number): void {
  out.u8(STREAM.runs);
  out.zigzag(values[0]!);
  out.varint(changes);
  let last = 0;
  for (let i = 1; i < count; i++) {
    if (values[i] === values[i - 1]) continue;
    out.varint(i - last - 1);
    out.zigzag(values[i]! - values[i - 1]!);
    last = i;
  }
}

function writeSparse(out: ByteWriter, values: Float64Array, count: number, changes: number): void {
  out.u8(STREAM.sparse);
  out.zigzag(values[0]!);
  out.varint(changes);
  let last = 0;
  let at = 0;
  for (let i = 1; i < count; i++) {
    if (values[i] === values[i - 1]) continue;
    gaps[at] = i - last - 1;
    jumps[at++] = values[i]! - values[i - 1]!;
    last = i;
  }
  writeStream(out, gaps, changes, false);
  writeStream(out, jumps, changes, false);
}

// ---------------------------------------------------------------- divisor and differences

/** Exact for whole numbers below 2^51: the quotient of a non-multiple is at least two ulps off. */
function isMultiple(value: number, divisor: number): boolean {
  const quotient = value / divisor;
  return quotient === Math.floor(quotient);
}

/** Greatest common divisor of the distances from the first; 0 where all are equal. */
export function divisorOf(values: Float64Array, count: number): number {
  const first = values[0]!;
  let divisor = 0;
  for (let i = 1; i < count; i++) {
    const offset = Math.abs(values[i]! - first);
    if (divisor !== 0 && isMultiple(offset, divisor)) continue;
    let a = divisor;
    let b = offset;
    while (a !== 0) {
      const rest = b % a;
      b = a;
      a = rest;
    }
    divisor = b;
    if (divisor === 1) return 1;
  }
  return divisor;
}

function writeDifferences(out: ByteWriter, values: Float64Array, count: number): void {
  const first = values[0]!;
  const divisor = divisorOf(values, count);
  if (divisor === 1) for (let i = 0; i < count; i++) offsets[i] = values[i]! - first;
  else for (let i = 0; i < count; i++) offsets[i] = (values[i]! - first) / divisor;
  let order = chooseOrder(offsets, count);
  let spread = fillResiduals(order, count);
  if (spread.max - spread.min >= SPREAD_MAX) spread = fillResiduals((order = 0), count);
  const { min, max } = spread;
  const size = count - order;
  const middle = centreOfResiduals(size);
  isNarrow = max - min < NARROW_SPREAD_MAX;
  if (isNarrow) for (let i = 0; i < size; i++) narrow[i] = residuals[i]! - min;
  planPacking(size, min, max);
  const ratioMax =
    size >= LONG_COLUMN_COUNT ? ENTROPY_CODED_RATIO_LONG_MAX : ENTROPY_CODED_RATIO_MAX;
  entropyEnd = size >= ENTROPY_COUNT_MIN ? packing.costBits * ratioMax : 0;
  topBucket = isNarrow ? narrowBucket(2 * (max - min)) : BUCKET_COUNT - 1;
  const zigzagBits = entropyBits(size, middle, { min, isZigzag: true });
  const offsetBits = entropyBits(size, min, { min, isZigzag: false });
  const isEntropy = Math.min(zigzagBits, offsetBits) < entropyEnd;
  const isZigzag = isEntropy && zigzagBits < offsetBits;
  const head = (isEntropy ? STREAM.entropy : STREAM.packed) | (order << 3);
  out.u8(head | (divisor === 1 ? 0 : STREAM_GCD) | (isZigzag ? STREAM_ZIGZAG : 0));
  out.zigzag(first);
  if (order === 2) out.zigzag(offsets[1]!);
  if (divisor !== 1) out.varint(divisor);
  if (isEntropy) writeEntropy(out, size, isZigzag ? middle : min, { min, isZigzag });
  else writePacked(out, size);
}

function fillResiduals(order: number, count: number): { min: number; max: number } {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let before = order === 0 ? 0 : offsets[order - 1]!;
  let step = order === 2 ? offsets[1]! - offsets[0]! : 0;
  for (let i = order; i < count; i++) {
    const offset = offsets[i]!;
    let residual = offset;
    if (order !== 0) {
      residual = offset - before;
      before = offset;
      if (order === 2) {
        const own = residual;
        residual -= step;
        step = own;
      }
    }
    residuals[i - order] = residual;
    if (residual < min) min = residual;
    if (residual > max) max = residual;
  }
  return { min, max };
}

/** The middle of a sample of the residuals; leaves the sample in `centre`. */
function centreOfResiduals(size: number): number {
  const step = Math.max(1, Math.floor(size / CENTRE_COUNT));
  let filled = 0;
  for (let i = 0; i < size && filled < CENTRE_COUNT; i += step) {
    const value = residuals[i]!;
    let at = filled++;
    for (; at > 0 && centre[at - 1]! > value; at--) centre[at] = centre[at - 1]!;
    centre[at] = value;
  }
  centreSize = filled;
  return centre[filled >> 1]!;
}

let centreSize = 0;
let isNarrow = false;

// ---------------------------------------------------------------- packed groups

/** Bits of an exception whose distance from the base has `width` bits. */
function exceptionBits(width: number): number {
  return 8 + 8 * Math.ceil((width + 1) / 7);
}

/**
 * Leaves the cheaper of two bases in `packing`: the minimum, or one that few residuals are below.
 */
function planPacking(size: number, min: number, max: number): void {
  const quarter = centreSize >> 2;
  const lower = centre[quarter]!;
  const upper = centre[centreSize - 1 - quarter]!;
  const floor = lower - 6 * (upper - lower + 1);
  planWithBase(packing, size, min, { min, max });
  if (min >= floor) return;
  let base = Number.POSITIVE_INFINITY;
  for (let i = 0; i < size; i++) {
    const residual = residuals[i]!;
    if (residual >= floor && residual < base) base = residual;
  }
  planWithBase(spare, size, base, { min, max });
  if (spare.costBits >= packing.costBits) return;
  const better = spare;
  spare = packing;
  packing = better;
}

function planWithBase(
  plan: Packing,
  size: number,
  base: number,
  { min, max }: { readonly min: number; readonly max: number },
): void {
  const shift = base - min;
  const belowBits = exceptionBits(widthOf(max - base) + 2);
  const widest = widthOf(max - base);
  totalHistogram.fill(0);
  let costBits = 0;
  let group = 0;
  for (let from = 0; from < size; from += GROUP_COUNT, group++) {
    const to = Math.min(from + GROUP_COUNT, size);
    widthHistogram.fill(0);
    if (isNarrow)
      for (let i = from; i < to; i++) {
        const x = narrow[i]! - shift;
        widthHistogram[x < 0 ? NEGATIVE : 32 - Math.clz32(x)]!++;
      }
    else
      for (let i = from; i < to; i++) {
        const x = residuals[i]! - base;
        widthHistogram[x < 0 ? NEGATIVE : widthOf(x)]!++;
      }
    costBits += 8 + bestWidth(widthHistogram, widest, belowBits, to - from, to - from);
    plan.widths[group] = chosenWidth;
    for (let width = 0; width <= NEGATIVE; width++)
      totalHistogram[width]! += widthHistogram[width]!;
  }
  const oneWidthBits = 8 + bestWidth(totalHistogram, widest, belowBits, GROUP_COUNT, size);
  plan.base = base;
  plan.isOneWidth = oneWidthBits <= costBits;
  plan.costBits = Math.min(oneWidthBits, costBits);
  if (plan.isOneWidth) plan.widths.fill(chosenWidth, 0, group);
}

let chosenWidth = 0;

/** Cost of the best width for values with this histogram of widths; leaves it in `chosenWidth`. */
function bestWidth(
  widths: Int32Array,
  widest: number,
  belowBits: number,
  groupCount: number,
  size: number,
): number {
  let exceptions = widths[NEGATIVE]! * belowBits;
  let best = Number.POSITIVE_INFINITY;
  for (let width = widest; width >= 0; width--) {
    const bits = exceptions + (packedBits(groupCount, width) * size) / groupCount;
    if (bits < best) {
      best = bits;
      chosenWidth = width;
    }
    exceptions += widths[width]! * exceptionBits(width);
  }
  return best;
}

function packedBits(count: number, width: number): number {
  if (width <= 32) return 32 * packedWords(count, width);
  return 32 * (packedWords(count, 32) + packedWords(count, width - 32));
}

function writePacked(out: ByteWriter, size: number): void {
  const { base, widths, isOneWidth } = packing;
  out.zigzag(base);
  const groups = Math.ceil(size / GROUP_COUNT);
  writeExceptions(out, size, base, widths);
  if (isOneWidth) out.u8(widths[0]! | ONE_WIDTH);
  else for (let group = 0; group < groups; group++) out.u8(widths[group]!);
  let at = 0;
  for (let group = 0; group < groups; group++) {
    const from = group * GROUP_COUNT;
    const length = Math.min(GROUP_COUNT, size - from);
    const width = widths[group]!;
    at = packGroup(low, from, length, Math.min(32, width), words, at);
    if (width > 32) at = packGroup(high, from, length, width - 32, words, at);
  }
  out.raw(new Uint8Array(words.buffer, 0, at * 4));
}

/** Splits the residuals into `low` and `high`, zeros where one does not fit, and lists those. */
function writeExceptions(out: ByteWriter, size: number, base: number, widths: Uint8Array): void {
  let exceptions = 0;
  for (let i = 0; i < size; i++) {
    const x = residuals[i]! - base;
    if (x >= 0 && x < POWERS[widths[i >> 7]!]!) {
      low[i] = x;
      high[i] = x < 4294967296 ? 0 : Math.floor(x / 4294967296);
    } else {
      low[i] = high[i] = 0;
      exceptions++;
    }
  }
  out.varint(exceptions);
  if (exceptions === 0) return;
  let last = -1;
  for (let i = 0; i < size; i++) {
    const x = residuals[i]! - base;
    if (x >= 0 && x < POWERS[widths[i >> 7]!]!) continue;
    out.varint(i - last - 1);
    out.zigzag(x);
    last = i;
  }
}

const POWERS = Float64Array.from({ length: 64 }, (_, width) => 2 ** width);

// ---------------------------------------------------------------- entropy-coded buckets

interface Coding {
  /** Smallest of all residuals. */
  readonly min: number;
  readonly isZigzag: boolean;
}

/** Sizes from here on are not worth it. */
let entropyEnd = 0;
/** No code of the residuals at hand has a higher bucket. */
let topBucket = 0;

/**
 * Estimated size with zigzag codes about `base`, or with distances from it; infinite where it is
 * not worth it.
 */
function entropyBits(size: number, base: number, { min, isZigzag }: Coding): number {
  let bits = ENTROPY_HEADER_BITS;
  if (bits + BUCKET_COST_BITS >= entropyEnd) return Number.POSITIVE_INFINITY;
  histogram.fill(0, 0, topBucket + 1);
  if (isNarrow) {
    const shift = base - min;
    if (isZigzag)
      for (let i = 0; i < size; i++) {
        const x = narrow[i]! - shift;
        histogram[narrowBucket((x << 1) ^ (x >> 31))]!++;
      }
    else for (let i = 0; i < size; i++) histogram[narrowBucket(narrow[i]!)]!++;
  } else if (isZigzag)
    for (let i = 0; i < size; i++) {
      const x = residuals[i]! - base;
      histogram[bucketOf(x < 0 ? -2 * x - 1 : 2 * x)]!++;
    }
  else for (let i = 0; i < size; i++) histogram[bucketOf(residuals[i]! - base)]!++;
  const most = scaleBits(size);
  for (let bucket = 0; bucket <= topBucket; bucket++) {
    const hits = histogram[bucket]!;
    if (hits === 0) continue;
    const own = Math.min(LOG2[size]! - LOG2[hits]!, most);
    bits += hits * (own + BUCKET_EXTRA_BITS[bucket]!) + BUCKET_COST_BITS;
    if (bits >= entropyEnd) return Number.POSITIVE_INFINITY;
  }
  return bits;
}

function writeEntropy(out: ByteWriter, size: number, base: number, coding: Coding): void {
  out.zigzag(base);
  histogram.fill(0);
  if (isNarrow) narrowSymbols(size, base, coding);
  else
    for (let i = 0; i < size; i++) {
      const x = residuals[i]! - base;
      const code = coding.isZigzag ? (x < 0 ? -2 * x - 1 : 2 * x) : x;
      const bucket = bucketOf(code);
      residuals[i] = code - BUCKET_BASE[bucket]!;
      symbols[i] = bucket;
      histogram[bucket]!++;
    }
  writeSymbols(out, symbols, size, histogram);
  const bits = isNarrow ? narrowExtraBits(size) : extraBits(size);
  out.raw(new Uint8Array(words.buffer, 0, Math.ceil(bits / 8)));
}

/** Leaves whole codes in `narrow`: their low bits are what narrowExtraBits wants. */
function narrowSymbols(size: number, base: number, { min, isZigzag }: Coding): void {
  const shift = base - min;
  for (let i = 0; i < size; i++) {
    const x = narrow[i]! - shift;
    const code = isZigzag ? (x << 1) ^ (x >> 31) : x;
    const bucket = narrowBucket(code);
    narrow[i] = code;
    symbols[i] = bucket;
    histogram[bucket]!++;
  }
}

/** The low bits of the codes, of each as many as its bucket says, one after the other. */
function narrowExtraBits(size: number): number {
  let at = 0;
  let word = 0;
  let filled = 0;
  for (let i = 0; i < size; i++) {
    const symbol = symbols[i]!;
    if (symbol < 16) continue;
    const extra = (symbol >> 2) - 2;
    const value = narrow[i]! & ((1 << extra) - 1);
    word |= value << filled;
    filled += extra;
    if (filled < 32) continue;
    words[at++] = word;
    filled -= 32;
    word = filled === 0 ? 0 : value >>> (extra - filled);
  }
  words[at] = word;
  return at * 32 + filled;
}

/** The same for codes of any size, whose extra bits are in `residuals`. */
function extraBits(size: number): number {
  let at = 0;
  let word = 0;
  let filled = 0;
  const put = (value: number, width: number): void => {
    word |= value << filled;
    filled += width;
    if (filled < 32) return;
    words[at++] = word;
    filled -= 32;
    word = filled === 0 ? 0 : value >>> (width - filled);
  };
  for (let i = 0; i < size; i++) {
    const extra = BUCKET_EXTRA_BITS[symbols[i]!]!;
    if (extra === 0) continue;
    const value = residuals[i]!;
    if (extra <= 32) put(value >>> 0, extra);
    else {
      put(value >>> 0, 32);
      put(Math.floor(value / 4294967296), extra - 32);
    }
  }
  words[at] = word;
  return at * 32 + filled;
}
