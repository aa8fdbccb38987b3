// Head vectors out (docs/formats/vector.md): at most 256 doubles, 64-bit words or ticks, each bit
// pattern exactly. A vector is never longer than its raw form. Sealing runs on the ingest thread,
// so one pass looks for the decimal, and two plans (offsets, differences) are compared by their
// exact size. Scratch is shared: one vector is written at a time. Reference: kernels/seal.ts writes
// the same bytes.
import { GROUP_COUNT, packGroup, packedWords } from './bit-pack.ts';
import { widthOf } from './buckets.ts';
import { divisorOf, STREAM_MAX, STREAM_OFFSET_MAX } from './integer-encode.ts';
import { VECTOR_COUNT_MAX } from './limits.ts';
import { CodecError } from './varint.ts';
import type { ByteWriter } from './varint.ts';
import { copyWholeNumbers } from './whole-numbers.ts';

export const VECTOR_FORM = { raw: 0, const: 1, offsets: 2, differences: 3 } as const;
export const VECTOR_WIDTH_MAX = 52;
export const VECTOR_EXPONENT_MAX = 17;
const WORD = 4294967296;
const POWERS_OF_TEN = Float64Array.from({ length: 18 }, (_, exponent) => Number(`1e${exponent}`));
const DIVISOR_END = 4294967296;
/** The high half of words that are numbers below 2^52 in size. */
const FIRST_HIGH_END = 2 ** 20;
const POWERS_OF_TWO = Float64Array.from({ length: 54 }, (_, width) => 2 ** width);
const PATCHES_MAX = 255;
const NEGATIVE = 54;
const CENTRE_COUNT = 31;
/** Of fewer residuals than a group: the sample is sorted by insertion. */
const CENTRE_COUNT_SHORT = 15;
const HEADER_SIZE = 6;
const EXCEPTION_SIZE = 9;

const numbers = new Float64Array(VECTOR_COUNT_MAX);
const residuals = new Float64Array(VECTOR_COUNT_MAX);
const exceptionAt = new Uint8Array(VECTOR_COUNT_MAX);
const centre = new Float64Array(CENTRE_COUNT);
const widthHistogram = new Int32Array(NEGATIVE + 1);
const low = new Uint32Array(VECTOR_COUNT_MAX);
const high = new Uint32Array(VECTOR_COUNT_MAX);
const patches = new Float64Array(VECTOR_COUNT_MAX);
const patchAt = new Uint8Array(VECTOR_COUNT_MAX);
const packed = new Uint32Array(2 * VECTOR_COUNT_MAX);
const packedBytes = new Uint8Array(packed.buffer);
let exceptionCount = 0;
let divisor = 1;

/** How the numbers of one form would be packed. */
interface Plan {
  form: number;
  base: number;
  readonly widths: Uint8Array;
  patchSize: number;
  patchCount: number;
  /** Bytes of the vector without its first number and its exceptions. */
  sizeBytes: number;
}

let plan: Plan = newPlan();
let spare: Plan = newPlan();
const third: Plan = newPlan();

function newPlan(): Plan {
  return { form: 0, base: 0, widths: new Uint8Array(2), patchSize: 0, patchCount: 0, sizeBytes: 0 };
}

function checkCount(count: number): void {
  if (!(count >= 1 && count <= VECTOR_COUNT_MAX)) throw new CodecError(`a vector of ${count}`);
}

/** Appends the vector of `count` doubles, 1 to VECTOR_COUNT_MAX, of any bit patterns. */
export function encodeVector(out: ByteWriter, values: Float64Array, count: number): void {
  checkCount(count);
  const words = new Int32Array(values.buffer, values.byteOffset, count * 2);
  if (areSame(words, count)) return writeConst(out, words, 2);
  const exponent = takeIntegers(values, count) ? 0 : takeDecimals(values, count);
  if (exponent < 0) return writeRaw(out, words, count * 2);
  const first = numbers[0]!;
  const firstSize = signedSize(first);
  planNumbers(count);
  const sizeBytes = plan.sizeBytes + firstSize + exceptionCount * EXCEPTION_SIZE;
  if (sizeBytes > count * 8) return writeRaw(out, words, count * 2);
  writeHeader(out, exponent, firstSize);
  writeSigned(out, first, firstSize);
  writeBody(out, count, words);
}

/** The same for 64-bit words (low half, high half), i64 and u64. */
export function encodeWordVector(out: ByteWriter, words: Int32Array, count: number): void {
  checkCount(count);
  if (areSame(words, count)) return writeConst(out, words, 2);
  if (!takeOffsets(words, count)) return writeRaw(out, words, count * 2);
  const firstLow = words[0]! >>> 0;
  const firstHigh = words[1]!;
  const isSmall = firstHigh >= -FIRST_HIGH_END && firstHigh < FIRST_HIGH_END;
  const first = firstHigh * WORD + firstLow;
  const firstSize = isSmall ? signedSize(first) : 8;
  planNumbers(count);
  if (plan.sizeBytes + firstSize > count * 8) return writeRaw(out, words, count * 2);
  writeHeader(out, 0, firstSize);
  if (isSmall) writeSigned(out, first, firstSize);
  else {
    out.u32(firstLow);
    out.u32(firstHigh >>> 0);
  }
  writeBody(out, count, words);
}

/** Fills `numbers` with distances from the first word; false where one is too large. */
function takeOffsets(words: Int32Array, count: number): boolean {
  exceptionCount = 0;
  for (let i = 0; i < count; i++) {
    const upper = words[2 * i + 1]! - words[1]!;
    const offset = upper * WORD + ((words[2 * i]! >>> 0) - (words[0]! >>> 0));
    if (!(Math.abs(offset) < STREAM_OFFSET_MAX)) return false;
    numbers[i] = offset;
  }
  return true;
}

/** The same for ticks, int32 offsets in any order. */
export function encodeTickVector(out: ByteWriter, ticks: Int32Array, count: number): void {
  checkCount(count);
  let isConst = true;
  for (let i = 1; i < count && isConst; i++) isConst = ticks[i] === ticks[0];
  if (isConst) return writeConst(out, ticks, 1);
  exceptionCount = 0;
  divisor = 1;
  plan.form = VECTOR_FORM.differences;
  if (isRegular(ticks, count)) planRegular((ticks[1]! - ticks[0]!) | 0);
  else {
    for (let i = 1; i < count; i++) residuals[i - 1] = (ticks[i]! - ticks[i - 1]!) | 0;
    planResiduals(plan, count - 1);
  }
  const firstSize = signedSize(ticks[0]!);
  if (plan.sizeBytes + firstSize > count * 4) return writeRaw(out, ticks, count);
  writeHeader(out, 0, firstSize);
  writeSigned(out, ticks[0]!, firstSize);
  writeBody(out, count, ticks);
}

/** Is one step between all ticks? There are two at least. */
function isRegular(ticks: Int32Array, count: number): boolean {
  const step = (ticks[1]! - ticks[0]!) | 0;
  for (let i = 2; i < count; i++) if (((ticks[i]! - ticks[i - 1]!) | 0) !== step) return false;
  return true;
}

/** As planResiduals for residuals that all are the base, which then are not looked at. */
function planRegular(base: number): void {
  plan.base = base;
  plan.widths.fill(0);
  plan.patchSize = 1;
  plan.patchCount = 0;
  plan.sizeBytes = HEADER_SIZE + signedSize(base);
}

function areSame(words: Int32Array, count: number): boolean {
  for (let i = 1; i < count; i++)
    if (words[2 * i] !== words[0] || words[2 * i + 1] !== words[1]) return false;
  return true;
}

function writeConst(out: ByteWriter, words: Int32Array, size: number): void {
  out.u8(VECTOR_FORM.const);
  for (let i = 0; i < size; i++) out.u32(words[i]! >>> 0);
}

function writeRaw(out: ByteWriter, words: Int32Array, size: number): void {
  out.u8(VECTOR_FORM.raw);
  out.raw(new Uint8Array(words.buffer, words.byteOffset, size * 4));
}

// ---------------------------------------------------------------- doubles to whole numbers

/** Fills `numbers` where all values are whole numbers; then there are no exceptions. */
function takeIntegers(values: Float64Array, count: number): boolean {
  exceptionCount = 0;
  return copyWholeNumbers(values, count, numbers);
}

/**
 * Fills `numbers` with decimals and lists what is none; the power of ten, −1 where more than a
 * quarter is none.
 */
function takeDecimals(values: Float64Array, count: number): number {
  const literalsMax = (count >> 2) + 1;
  let exponent = 0;
  let literals = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (value - value !== 0) continue;
    let own = exponent;
    for (; own <= VECTOR_EXPONENT_MAX; own++) {
      const scale = POWERS_OF_TEN[own]!;
      const whole = Math.round(value * scale);
      if (!(Math.abs(whole) < STREAM_MAX)) own = VECTOR_EXPONENT_MAX;
      else if (whole / scale === value) break;
    }
    if (own <= VECTOR_EXPONENT_MAX) exponent = own;
    else if (++literals > literalsMax) return -1;
  }
  const scale = POWERS_OF_TEN[exponent]!;
  let first = 0;
  let previous = 0;
  let seen = 0;
  exceptionCount = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    // `+ 0` because a negative value that rounds to nothing gives −0.
    const whole = Math.round(value * scale) + 0;
    if (
      whole / scale === value &&
      (whole !== 0 || 1 / value > 0) &&
      Math.abs(whole) < STREAM_MAX &&
      (seen === 0 || Math.abs(whole - first) < STREAM_OFFSET_MAX)
    ) {
      if (seen++ === 0) numbers.fill((first = whole), 0, i);
      previous = whole;
    } else exceptionAt[exceptionCount++] = i;
    numbers[i] = previous;
  }
  return exceptionCount > count >> 1 ? -1 : exponent;
}

// ---------------------------------------------------------------- plans

/**
 * Turns `numbers` into multiples of their divisor, distances from the first, and leaves the plan of
 * the shorter form, its residuals in `residuals`.
 */
function planNumbers(count: number): void {
  const first = numbers[0]!;
  const found = divisorOf(numbers, count);
  divisor = found > 0 && found < DIVISOR_END ? found : 1;
  for (let i = 0; i < count; i++) numbers[i] = (numbers[i]! - first) / divisor;
  spare.form = VECTOR_FORM.offsets;
  residuals.set(numbers.subarray(0, count));
  planResiduals(spare, count);
  plan.form = VECTOR_FORM.differences;
  for (let i = 1; i < count; i++) residuals[i - 1] = numbers[i]! - numbers[i - 1]!;
  planResiduals(plan, count - 1);
  if (plan.sizeBytes <= spare.sizeBytes) return;
  const better = spare;
  spare = plan;
  plan = better;
  residuals.set(numbers.subarray(0, count));
}

/** Fills `into` for the first `size` residuals: from the least, or from one that few are below. */
function planResiduals(into: Plan, size: number): void {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < size; i++) {
    const residual = residuals[i]!;
    if (residual < min) min = residual;
    if (residual > max) max = residual;
  }
  planFrom(into, size, min, max - min);
  if (into.widths[0] === 0 && into.widths[1] === 0 && into.patchCount === 0) return;
  const taken = sampleCentre(size);
  const lower = centre[taken >> 2]!;
  const upper = centre[taken - 1 - (taken >> 2)]!;
  const floor = lower - 6 * (upper - lower + 1);
  if (min >= floor) return;
  let base = Number.POSITIVE_INFINITY;
  for (let i = 0; i < size; i++) {
    const residual = residuals[i]!;
    if (residual >= floor && residual < base) base = residual;
  }
  planFrom(third, size, base, Math.max(max - base, base - min));
  if (third.sizeBytes >= into.sizeBytes) return;
  const { widths, ...rest } = third;
  Object.assign(into, rest, { form: into.form });
  into.widths.set(widths);
}

/** A sorted sample of the residuals in `centre`; its length. */
function sampleCentre(size: number): number {
  const wanted = size < GROUP_COUNT ? CENTRE_COUNT_SHORT : CENTRE_COUNT;
  const step = Math.max(1, Math.floor(size / wanted));
  let taken = 0;
  for (let i = 0; i < size && taken < wanted; i += step) {
    const value = residuals[i]!;
    let at = taken++;
    for (; at > 0 && centre[at - 1]! > value; at--) centre[at] = centre[at - 1]!;
    centre[at] = value;
  }
  return taken;
}

/** Fills `into` for numbers no further than `reach` from `base`. */
function planFrom(into: Plan, size: number, base: number, reach: number): void {
  const widest = widthOf(reach);
  const patchSize = widest < 8 ? 1 : widest < 16 ? 2 : widest < 32 ? 4 : 8;
  into.base = base;
  into.patchSize = patchSize;
  into.patchCount = 0;
  into.widths[1] = 0;
  let bits = 0;
  for (let from = 0; from < size; from += GROUP_COUNT) {
    const to = Math.min(size, from + GROUP_COUNT);
    widthHistogram.fill(0);
    for (let i = from; i < to; i++) {
      const x = residuals[i]! - base;
      widthHistogram[x < 0 ? NEGATIVE : widthOf(x)]!++;
    }
    let best = Number.POSITIVE_INFINITY;
    let bestPatches = 0;
    let patched = widthHistogram[NEGATIVE]!;
    for (let width = Math.min(widest, VECTOR_WIDTH_MAX); width >= 0; width--) {
      // One bit less holds as many.
      if (width > 0 && widthHistogram[width] === 0) continue;
      const cost = 32 * groupWords(to - from, width) + patched * 8 * (1 + patchSize);
      if (cost < best) {
        best = cost;
        bestPatches = patched;
        into.widths[from === 0 ? 0 : 1] = width;
      }
      patched += widthHistogram[width]!;
    }
    bits += best;
    into.patchCount += bestPatches;
  }
  into.sizeBytes = HEADER_SIZE + signedSize(base) + divisorSize() + bits / 8;
  if (into.patchCount > PATCHES_MAX) into.sizeBytes = Number.POSITIVE_INFINITY;
}

export function groupWords(count: number, width: number): number {
  return width <= 32
    ? packedWords(count, width)
    : packedWords(count, 32) + packedWords(count, width - 32);
}

// ---------------------------------------------------------------- bytes

/** Bytes of a signed number, |value| < 2^53. */
function signedSize(value: number): number {
  const magnitude = value < 0 ? -value - 1 : value;
  return (widthOf(magnitude) >> 3) + 1;
}

function divisorSize(): number {
  return divisor === 1 ? 0 : divisor < 256 ? 1 : divisor < 65_536 ? 2 : 4;
}

function writeSigned(out: ByteWriter, value: number, sizeBytes: number): void {
  let rest = value;
  for (let i = 0; i < sizeBytes; i++) {
    const next = Math.floor(rest / 256);
    out.u8(rest - next * 256);
    rest = next;
  }
}

function writeHeader(out: ByteWriter, exponent: number, firstSize: number): void {
  const { form, base, widths, patchSize, patchCount } = plan;
  const divisorCode = Math.ceil(Math.log2(divisorSize() + 1));
  out.u8(form | (exponent << 3));
  out.u8((firstSize - 1) | ((signedSize(base) - 1) << 3) | (divisorCode << 6));
  out.u8(widths[0]! | ((31 - Math.clz32(patchSize)) << 6));
  out.u8(widths[1]!);
  out.u8(patchCount);
  out.u8(exceptionCount);
}

/** Everything behind the first number; exceptions are `words` at their places. */
function writeBody(out: ByteWriter, count: number, words: Int32Array): void {
  const { form, base, widths, patchSize } = plan;
  const size = form === VECTOR_FORM.offsets ? count : count - 1;
  writeSigned(out, base, signedSize(base));
  if (divisor !== 1) writeSigned(out, divisor, divisorSize());
  splitResiduals(size, base, widths);
  for (let k = 0; k < plan.patchCount; k++) out.u8(patchAt[k]!);
  for (let k = 0; k < plan.patchCount; k++) writeSigned(out, patches[k]!, patchSize);
  for (let k = 0; k < exceptionCount; k++) out.u8(exceptionAt[k]!);
  for (let k = 0; k < exceptionCount; k++) {
    out.u32(words[2 * exceptionAt[k]!]! >>> 0);
    out.u32(words[2 * exceptionAt[k]! + 1]! >>> 0);
  }
  let at = 0;
  for (let from = 0; from < size; from += GROUP_COUNT) {
    const length = Math.min(GROUP_COUNT, size - from);
    const width = widths[from === 0 ? 0 : 1]!;
    at = packGroup(low, from, length, Math.min(32, width), packed, at);
    if (width > 32) at = packGroup(high, from, length, width - 32, packed, at);
  }
  out.raw(packedBytes.subarray(0, at * 4));
}

/** Residuals into `low` and `high`, those that do not fit into `patches`. */
function splitResiduals(size: number, base: number, widths: Uint8Array): void {
  if (plan.patchCount === 0 && widths[0]! <= 32 && widths[1]! <= 32) {
    if (widths[0] === 0 && widths[1] === 0) return;
    for (let i = 0; i < size; i++) low[i] = residuals[i]! - base;
    return;
  }
  let patched = 0;
  for (let i = 0; i < size; i++) {
    const x = residuals[i]! - base;
    if (x >= 0 && x < POWERS_OF_TWO[widths[i >> 7]!]!) {
      low[i] = x;
      high[i] = x < WORD ? 0 : Math.floor(x / WORD);
    } else {
      low[i] = high[i] = 0;
      patchAt[patched] = i;
      patches[patched++] = x;
    }
  }
}
