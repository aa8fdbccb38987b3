// 64-bit values of a record's column in as many bytes as their whole numbers need
// (docs/formats/log-record.md): what is measured is mostly counted, or has a few decimals. A value
// that is no such number stands as it is, so every bit pattern comes back. Scratch is shared: what
// was packed is good until the next group. kernels/record-values.ts does the same faster.
import type { ByteReader, ByteWriter } from '../codec/varint.ts';
import { CodecError } from '../codec/varint.ts';
import { must } from '../stdx/assert.ts';
import { PACK_BYTES_MAX, PACK_GROUP, PACK_POINTS_MIN, PACK_SAMPLES } from './limits.ts';
import { packByKernel, unpackByKernel } from './record-values-kernel.ts';

/** What whole numbers are divided by. */
const SCALES: readonly number[] = [1, 10, 100, 1000, 10_000];
/** How a value stands: whole numbers of 1, 2, 4 bytes, or its 8 bytes. */
const RAW = 3;
const FORM_BYTES = [1, 2, 4, 8];
/** Bytes of the four values whose forms stand in a byte. */
const FOUR_BYTES = Uint8Array.from({ length: 256 }, (_, forms) =>
  [0, 2, 4, 6].reduce((sum, shift) => sum + FORM_BYTES[(forms >> shift) & 3]!, 0),
);

const numbers = new Int32Array(PACK_GROUP);
const forms = new Uint8Array(PACK_GROUP);
const packed = new Uint8Array(PACK_GROUP / 4 + PACK_GROUP * 8);

export type WordColumn = Float64Array | BigInt64Array | BigUint64Array;

function formOf(n: number): number {
  return (n << 24) >> 24 === n ? 0 : (n << 16) >> 16 === n ? 1 : 2;
}

/** Fills `numbers` and `forms` of `count` values, `step` apart; bytes that they take. */
function lookAtDoubles(
  values: Float64Array,
  { from, count, step }: { readonly from: number; readonly count: number; readonly step: number },
  scale: number,
): number {
  let sizeBytes = 0;
  for (let i = 0, at = from; i < count; i++, at += step) {
    const value = values[at]!;
    const scaled = value * scale;
    const n = (scaled < 0 ? scaled - 0.5 : scaled + 0.5) | 0;
    // A zero below zero is none of these numbers.
    const isSame = n / scale === value && (n !== 0 || 1 / value > 0);
    const form = isSame ? formOf(n) : RAW;
    numbers[i] = n;
    forms[i] = form;
    sizeBytes += 1 << form;
  }
  return sizeBytes;
}

/** As lookAtDoubles, of whole numbers of 64 bits. */
function lookAtWords(
  words: Int32Array,
  { from, count, step }: { readonly from: number; readonly count: number; readonly step: number },
): number {
  let sizeBytes = 0;
  for (let i = 0, at = from; i < count; i++, at += step) {
    const low = words[at * 2]!;
    const form = low >> 31 === words[at * 2 + 1] ? formOf(low) : RAW;
    numbers[i] = low;
    forms[i] = form;
    sizeBytes += 1 << form;
  }
  return sizeBytes;
}

/** Which scale serves a column, by some of its values; -1: it is not worth it. */
export function packingOf(values: WordColumn, count: number): number {
  if (count < PACK_POINTS_MIN) return -1;
  const step = Math.ceil(count / PACK_SAMPLES);
  const some = { from: 0, count: Math.ceil(count / step), step };
  const most = some.count * PACK_BYTES_MAX;
  if (!(values instanceof Float64Array))
    return lookAtWords(wordsOf(values, count), some) <= most ? 0 : -1;
  let best = -1;
  let least = most;
  for (let k = 0; k < SCALES.length; k++) {
    const sizeBytes = lookAtDoubles(values, some, SCALES[k]!);
    if (sizeBytes >= least) continue;
    best = k;
    least = sizeBytes;
  }
  return best;
}

function wordsOf({ buffer, byteOffset }: WordColumn, count: number): Int32Array {
  return new Int32Array(buffer, byteOffset, count * 2);
}

function bytesOf({ buffer, byteOffset }: WordColumn, from: number, count: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset + from * 8, count * 8);
}

/** Writes `count` values in groups; `packing` is what packingOf said. */
export function writePacked(
  writer: ByteWriter,
  values: WordColumn,
  count: number,
  packing: number,
): void {
  const words = wordsOf(values, count);
  const scale = SCALES[packing]!;
  const how = { isDouble: values instanceof Float64Array, scale };
  writer.u8(packing);
  for (let from = 0; from < count; from += PACK_GROUP) {
    const group = { from, count: Math.min(PACK_GROUP, count - from), step: 1 };
    const done = packByKernel(bytesOf(values, from, group.count), how);
    if (done !== undefined) {
      writer.raw(done);
      continue;
    }
    if (values instanceof Float64Array) lookAtDoubles(values, group, scale);
    else lookAtWords(words, group);
    writer.raw(packed.subarray(0, putGroup(words, from, group.count)));
  }
}

/** Puts what was looked at; bytes in `packed`. */
function putGroup(words: Int32Array, from: number, count: number): number {
  let at = (count + 3) >> 2;
  packed.fill(0, 0, at);
  for (let i = 0; i < count; i++) {
    const form = forms[i]!;
    const n = numbers[i]!;
    packed[i >> 2]! |= form << ((i & 3) * 2);
    packed[at++] = form === RAW ? words[(from + i) * 2]! : n;
    if (form === 0) continue;
    const low = form === RAW ? words[(from + i) * 2]! : n;
    packed[at++] = low >> 8;
    if (form === 1) continue;
    packed[at++] = low >> 16;
    packed[at++] = low >> 24;
    if (form === 2) continue;
    const high = words[(from + i) * 2 + 1]!;
    packed[at++] = high;
    packed[at++] = high >> 8;
    packed[at++] = high >> 16;
    packed[at++] = high >> 24;
  }
  return at;
}

/** Fills and gives back `out`; `isDouble`: the numbers stand for doubles. Throws CodecError. */
export function readPacked<Column extends Float64Array>(
  reader: ByteReader,
  out: Column,
  isDouble: boolean,
): Column {
  const packing = reader.u8();
  const scale = SCALES[packing];
  if (scale === undefined || (packing > 0 && !isDouble))
    throw new CodecError(`unknown packing ${packing}`);
  const words = new Int32Array(out.buffer, out.byteOffset, out.length * 2);
  for (let from = 0; from < out.length; from += PACK_GROUP) {
    const count = Math.min(PACK_GROUP, out.length - from);
    const tags = reader.raw((count + 3) >> 2);
    const start = reader.at - tags.length;
    const bytes = reader.raw(sizeOf(tags, count));
    const group = reader.bytes.subarray(start, reader.at);
    if (unpackByKernel(group, bytesOf(out, from, count), { isDouble, scale })) continue;
    takeForms(tags, count);
    takeGroup(bytes, words, from, count);
    if (isDouble) divide(out, from, count, scale);
  }
  return out;
}

/** Bytes behind the forms of a group. */
function sizeOf(tags: Uint8Array, count: number): number {
  let sizeBytes = 0;
  for (let i = 0; i < tags.length; i++) sizeBytes += FOUR_BYTES[tags[i]!]!;
  const over = tags.length * 4 - count;
  if (over > 0 && must(tags.at(-1), 'a group has values') >> ((4 - over) * 2) !== 0)
    throw new CodecError('forms of values that are none');
  return sizeBytes - over;
}

function takeForms(tags: Uint8Array, count: number): void {
  for (let i = 0; i < count; i++) forms[i] = (tags[i >> 2]! >> ((i & 3) * 2)) & 3;
}

/** Values as whole numbers of 64 bits, also where they stand for doubles. */
function takeGroup(bytes: Uint8Array, words: Int32Array, from: number, count: number): void {
  let at = 0;
  for (let i = 0; i < count; i++) {
    const form = forms[i]!;
    const place = (from + i) * 2;
    let low = bytes[at++]!;
    if (form === 0) low = (low << 24) >> 24;
    else {
      low |= bytes[at++]! << 8;
      if (form === 1) low = (low << 16) >> 16;
      else {
        low |= (bytes[at]! << 16) | (bytes[at + 1]! << 24);
        at += 2;
      }
    }
    words[place] = low;
    words[place + 1] = low >> 31;
    if (form !== RAW) continue;
    words[place + 1] =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    at += 4;
  }
}

/** Makes doubles of the whole numbers of a group. */
function divide(out: Float64Array, from: number, count: number, scale: number): void {
  const words = new Int32Array(out.buffer, out.byteOffset + from * 8, count * 2);
  for (let i = 0; i < count; i++) if (forms[i] !== RAW) out[from + i] = words[i * 2]! / scale;
}
