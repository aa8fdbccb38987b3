// Columns of the index section of a part (docs/formats/part.md, "Numbers" and "Doubles"): the
// streams of the block codec, cut to its scratch.
import { readColumn, readDoubles, writeDoubles } from '../codec/column.ts';
import { readIntegers } from '../codec/integer-decode.ts';
import { writeIntegers } from '../codec/integer-encode.ts';
import { BLOCK_COUNT_MAX } from '../codec/limits.ts';
import { ByteWriter } from '../codec/varint.ts';
import type { ByteReader } from '../codec/varint.ts';

const chunk = new Float64Array(BLOCK_COUNT_MAX);
const scratch = new ByteWriter(1 << 12);

type Numbers = Float64Array | Uint32Array | Uint16Array | Uint8Array;

/** Whole numbers from 0 to 2^49 in [from, to) of `values`. */
export function writeNumbers(out: ByteWriter, values: Numbers, from: number, to: number): void {
  for (let start = from; start < to; start += BLOCK_COUNT_MAX) {
    const count = Math.min(BLOCK_COUNT_MAX, to - start);
    for (let i = 0; i < count; i++) chunk[i] = values[start + i]!;
    writeIntegers(out, chunk, count);
  }
}

/** Fills out[0, count). Throws CodecError. */
export function readNumbers<T extends Numbers>(reader: ByteReader, out: T, count: number): T {
  for (let start = 0; start < count; start += BLOCK_COUNT_MAX) {
    const length = Math.min(BLOCK_COUNT_MAX, count - start);
    readIntegers(reader, chunk, length);
    for (let i = 0; i < length; i++) out[start + i] = chunk[i]!;
  }
  return out;
}

export function writeDoubleColumn(out: ByteWriter, values: Float64Array, count: number): void {
  for (let start = 0; start < count; start += BLOCK_COUNT_MAX) {
    const length = Math.min(BLOCK_COUNT_MAX, count - start);
    writeDoubles(out, scratch, values.subarray(start, start + length), length);
  }
}

/** Throws CodecError. */
export function readDoubleColumn(reader: ByteReader, count: number): Float64Array {
  const out = new Float64Array(count);
  for (let start = 0; start < count; start += BLOCK_COUNT_MAX) {
    const length = Math.min(BLOCK_COUNT_MAX, count - start);
    readDoubles(readColumn(reader), length, out.subarray(start, start + length));
  }
  return out;
}

/** An array of so few lies in the heap, and most lists of small tenants are as short. */
const FIRST_NUMBERS = 8;

/** Numbers in order of arrival. */
export class NumberList {
  values = new Float64Array(FIRST_NUMBERS);
  count = 0;

  push(value: number): void {
    if (this.count === this.values.length) {
      const longer = new Float64Array(this.count * 2);
      longer.set(this.values);
      this.values = longer;
    }
    this.values[this.count++] = value;
  }

  clear(): void {
    this.count = 0;
  }
}
