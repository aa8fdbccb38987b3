// Head vectors back (docs/formats/vector.md): the reference of kernels/vector.ts, and the door to
// it. Sizes are checked before they are used, so damaged bytes end in CodecError or in wrong
// numbers, never outside of a buffer. The vectors of a page that a kernel can see are decoded in
// place, by vector-kernel.ts alone. Scratch is shared: one vector is read at a time.
import { GROUP_COUNT, unpackGroup } from './bit-pack.ts';
import { VECTOR_COUNT_MAX, VECTOR_SIZE_MAX_BYTES } from './limits.ts';
import { CodecError } from './varint.ts';
import { VECTOR_EXPONENT_MAX, VECTOR_FORM, VECTOR_WIDTH_MAX, groupWords } from './vector-encode.ts';
import { ownVectorKernel } from './vector-kernel.ts';
import type { OwnVectorKernel } from './vector-kernel.ts';

const WORD = 4294967296;
const HEADER_SIZE = 6;
const POWERS_OF_TEN = Float64Array.from({ length: 18 }, (_, exponent) => Number(`1e${exponent}`));

/** One row more than the widest group, which unpackGroup may look at. */
const packed = new Uint32Array(2 * VECTOR_COUNT_MAX + GROUP_COUNT);
const packedBytes = new Uint8Array(packed.buffer);
const low = new Uint32Array(GROUP_COUNT);
const high = new Uint32Array(GROUP_COUNT);
const offsets = new Float64Array(VECTOR_COUNT_MAX);
const first = new DataView(new ArrayBuffer(8));

/** Fields of a packed vector; positions are places in its bytes. */
interface Opened {
  readonly exponent: number;
  readonly divisor: number;
  readonly exceptionsAt: number;
  readonly exceptions: number;
}

/**
 * Fills out[0, count) with the doubles of the vector in [start, start + sizeBytes). Throws
 * CodecError.
 */
export function decodeVector(
  bytes: Uint8Array,
  start: number,
  sizeBytes: number,
  out: Float64Array,
  count: number,
): void {
  check(bytes, start, sizeBytes, count);
  const own = kernelWith(bytes, start, sizeBytes);
  if (own !== undefined) {
    const { exports, scratchAt, sourceAt, outAt } = own;
    if (exports.decodeDoubles(scratchAt, sourceAt, sourceAt + sizeBytes, count, outAt) === 0)
      refuse(start);
    out.set(count === VECTOR_COUNT_MAX ? own.doubles : own.doubles.subarray(0, count));
    return;
  }
  const words = new Int32Array(out.buffer, out.byteOffset, count * 2);
  if (readPlain(bytes, start, sizeBytes, words, 8)) return;
  const { exponent, divisor, exceptionsAt, exceptions } = open(bytes, start, sizeBytes, count);
  const scale = POWERS_OF_TEN[exponent]!;
  const origin = first.getInt32(4, true) * WORD + first.getUint32(0, true);
  for (let i = 0; i < count; i++) out[i] = (offsets[i]! * divisor + origin) / scale;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let k = 0; k < exceptions; k++) {
    const place = bytes[exceptionsAt + k]!;
    const at = exceptionsAt + exceptions + 8 * k;
    if (place >= count) refuse(start);
    words[2 * place] = view.getInt32(at, true);
    words[2 * place + 1] = view.getInt32(at + 4, true);
  }
}

/** The same for words: low and high halves in turn, 2 · count of them. */
export function decodeWordVector(
  bytes: Uint8Array,
  start: number,
  sizeBytes: number,
  out: Int32Array,
  count: number,
): void {
  check(bytes, start, sizeBytes, count);
  const own = kernelWith(bytes, start, sizeBytes);
  if (own !== undefined) {
    const { exports, scratchAt, sourceAt, outAt } = own;
    if (exports.decodeWords(scratchAt, sourceAt, sourceAt + sizeBytes, count, outAt) === 0)
      refuse(start);
    out.set(own.ints.subarray(0, count * 2));
    return;
  }
  if (readPlain(bytes, start, sizeBytes, out.subarray(0, count * 2), 8)) return;
  const { exponent, divisor, exceptions } = open(bytes, start, sizeBytes, count);
  if (exponent !== 0 || exceptions !== 0) refuse(start);
  const firstLow = first.getUint32(0, true);
  const firstHigh = first.getInt32(4, true);
  for (let i = 0; i < count; i++) {
    const lower = offsets[i]! * divisor + firstLow;
    const carry = Math.floor(lower / WORD);
    out[2 * i] = lower - carry * WORD;
    out[2 * i + 1] = firstHigh + carry;
  }
}

/** The same for ticks. */
export function decodeTickVector(
  bytes: Uint8Array,
  start: number,
  sizeBytes: number,
  out: Int32Array,
  count: number,
): void {
  check(bytes, start, sizeBytes, count);
  const own = kernelWith(bytes, start, sizeBytes);
  if (own !== undefined) {
    const { exports, scratchAt, sourceAt, outAt } = own;
    if (exports.decodeTicks(scratchAt, sourceAt, sourceAt + sizeBytes, count, outAt) === 0)
      refuse(start);
    out.set(own.ints.subarray(0, count));
    return;
  }
  if (readPlain(bytes, start, sizeBytes, out.subarray(0, count), 4)) return;
  const { exponent, divisor, exceptions } = open(bytes, start, sizeBytes, count);
  if (exponent !== 0 || exceptions !== 0 || divisor !== 1) refuse(start);
  const origin = first.getInt32(0, true);
  // Sums below 2^53 in size are exact, and so are their low 32 bits.
  for (let i = 0; i < count; i++) out[i] = offsets[i]! + origin;
}

function refuse(start: number): never {
  throw new CodecError(`damaged vector at ${start}`);
}

function check(bytes: Uint8Array, start: number, sizeBytes: number, count: number): void {
  if (!(count >= 1 && count <= VECTOR_COUNT_MAX)) throw new CodecError(`a vector of ${count}`);
  if (!(start >= 0 && sizeBytes >= 1 && start + sizeBytes <= bytes.length))
    throw new CodecError(`a vector of ${sizeBytes} bytes at ${start} of ${bytes.length}`);
}

/** The thread's kernel, the vector copied to its source; undefined without one. */
function kernelWith(
  bytes: Uint8Array,
  start: number,
  sizeBytes: number,
): OwnVectorKernel | undefined {
  const own = ownVectorKernel();
  if (own === undefined || sizeBytes > VECTOR_SIZE_MAX_BYTES) return undefined;
  own.source.set(bytes.subarray(start, start + sizeBytes));
  return own;
}

/** Raw and const forms of values of `valueSize` bytes into all of `out`; false for the others. */
function readPlain(
  bytes: Uint8Array,
  start: number,
  sizeBytes: number,
  out: Int32Array,
  valueSize: number,
): boolean {
  const form = bytes[start]!;
  if ((form & 7) >= VECTOR_FORM.offsets) return false;
  const outBytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  const body = bytes.subarray(start + 1, start + sizeBytes);
  if ((form & 7) === VECTOR_FORM.raw) {
    if (body.length !== outBytes.length) refuse(start);
    outBytes.set(body);
    return true;
  }
  if (body.length !== valueSize) refuse(start);
  for (let at = 0; at < outBytes.length; at++) outBytes[at] = body[at % valueSize]!;
  return true;
}

/** A signed number of up to 7 bytes. */
function signed(bytes: Uint8Array, at: number, sizeBytes: number): number {
  let value = (bytes[at + sizeBytes - 1]! << 24) >> 24;
  for (let i = sizeBytes - 2; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}

/** Fills `offsets` with the sums u of a packed form, and `first`. */
function open(bytes: Uint8Array, start: number, sizeBytes: number, count: number): Opened {
  const form = bytes[start]! & 7;
  const exponent = bytes[start]! >> 3;
  if (form > VECTOR_FORM.differences || exponent > VECTOR_EXPONENT_MAX || sizeBytes < HEADER_SIZE)
    refuse(start);
  const sizes = bytes[start + 1]!;
  const firstSize = (sizes & 7) + 1;
  const baseSize = ((sizes >> 3) & 7) + 1;
  const divisorSize = (1 << (sizes >> 6)) >> 1;
  const widths = [bytes[start + 2]! & 63, bytes[start + 3]!] as const;
  const patchSize = 1 << (bytes[start + 2]! >> 6);
  const patches = bytes[start + 4]!;
  const exceptions = bytes[start + 5]!;
  if (widths[0] > VECTOR_WIDTH_MAX || widths[1] > VECTOR_WIDTH_MAX) refuse(start);
  const size = form === VECTOR_FORM.offsets ? count : count - 1;
  const size1 = Math.min(size, GROUP_COUNT);
  const wordCount = groupWords(size1, widths[0]) + groupWords(size - size1, widths[1]);
  const baseAt = start + HEADER_SIZE + firstSize;
  const divisorAt = baseAt + baseSize;
  const patchesAt = divisorAt + divisorSize;
  const exceptionsAt = patchesAt + patches * (1 + patchSize);
  const groupsAt = exceptionsAt + exceptions * 9;
  if (groupsAt + 4 * wordCount !== start + sizeBytes) refuse(start);
  const sign = bytes[baseAt - 1]! >= 128 ? 255 : 0;
  for (let i = 0; i < 8; i++)
    first.setUint8(i, i < firstSize ? bytes[start + HEADER_SIZE + i]! : sign);
  let divisor = divisorSize === 0 ? 1 : 0;
  for (let i = divisorSize - 1; i >= 0; i--) divisor = divisor * 256 + bytes[divisorAt + i]!;
  packedBytes.set(bytes.subarray(groupsAt, start + sizeBytes));
  unpack(0, 0, size1, widths[0]);
  if (size > size1) unpack(groupWords(size1, widths[0]), GROUP_COUNT, size - size1, widths[1]);
  for (let k = 0; k < patches; k++) {
    const place = bytes[patchesAt + k]!;
    if (place >= size) refuse(start);
    offsets[place] = signed(bytes, patchesAt + patches + k * patchSize, patchSize);
  }
  sum(form, size, signed(bytes, baseAt, baseSize));
  return { exponent, divisor, exceptionsAt, exceptions };
}

/** A group of x into `offsets`. */
function unpack(wordAt: number, from: number, count: number, width: number): void {
  const next = unpackGroup(packed, wordAt, Math.min(width, 32), low, 0, count);
  if (width <= 32) {
    for (let i = 0; i < count; i++) offsets[from + i] = low[i]!;
    return;
  }
  unpackGroup(packed, next, width - 32, high, 0, count);
  for (let i = 0; i < count; i++) offsets[from + i] = high[i]! * WORD + low[i]!;
}

/** From x to u; of differences there is one fewer, and the first u is 0. */
function sum(form: number, size: number, base: number): void {
  if (form === VECTOR_FORM.offsets) {
    for (let i = 0; i < size; i++) offsets[i]! += base;
    return;
  }
  let value = 0;
  for (let i = 0; i < size; i++) {
    const x = offsets[i]!;
    offsets[i] = value;
    value += x + base;
  }
  offsets[size] = value;
}
