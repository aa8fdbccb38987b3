// A column as its differences to a sibling's, sample by sample (docs/formats/block.md, "Sibling"):
// a bucket of a classic histogram counts what the bucket before it counts, and little more. The
// caller knows which column is the sibling, has it decoded, and gives the same to writer and
// reader. Exact for every bit pattern: where a difference could not be undone there is none.
import {
  MODE,
  copyColumn,
  readBigInts,
  readColumn,
  readDoubles,
  writeBigInts,
  writeDoubles,
} from './column.ts';
import type { Column } from './column.ts';
import { BLOCK_COUNT_MAX, SIBLING_RATIO_MAX } from './limits.ts';
import { ByteWriter, CodecError } from './varint.ts';
import type { ByteReader } from './varint.ts';

/** Whole numbers up to here have differences that are whole numbers and exact. */
const WHOLE_MAX = 2 ** 51;
const FORM = { allWhole: 0, some: 1, words: 2 } as const;

const differences = new Float64Array(BLOCK_COUNT_MAX);
const differenceWords = new Int32Array(differences.buffer);
const plain = new ByteWriter(1024);
const beside = new ByteWriter(1024);
const nested = new ByteWriter(1024);

function isWhole(value: number, max: number): boolean {
  return (
    value <= max && value >= -max && Math.floor(value) === value && (value !== 0 || 1 / value > 0)
  );
}

/**
 * Writes a column of doubles beside that of its sibling, if that makes it smaller; else as
 * writeDoubles does. True where readSiblingDoubles needs the sibling.
 */
export function writeSiblingDoubles(
  out: ByteWriter,
  scratch: ByteWriter,
  values: Float64Array,
  { sibling, count }: { readonly sibling: Float64Array; readonly count: number },
): boolean {
  plain.reset();
  writeDoubles(plain, scratch, values, count);
  const form = subtract(values, sibling, count);
  if (form !== undefined) {
    beside.reset();
    beside.u8(form);
    writeDoubles(beside, nested, differences, count);
  }
  return writeShorter(out, form !== undefined);
}

/** The same for 64-bit integers: differences modulo 2^64. */
export function writeSiblingBigInts(
  out: ByteWriter,
  scratch: ByteWriter,
  values: BigInt64Array | BigUint64Array,
  { sibling, count }: { readonly sibling: BigInt64Array | BigUint64Array; readonly count: number },
): boolean {
  plain.reset();
  writeBigInts(plain, scratch, values, count);
  const words = new Int32Array(values.buffer, values.byteOffset, count * 2);
  const others = new Int32Array(sibling.buffer, sibling.byteOffset, count * 2);
  for (let i = 0; i < count * 2; i += 2) {
    const borrow = words[i]! >>> 0 < others[i]! >>> 0 ? 1 : 0;
    differenceWords[i] = words[i]! - others[i]!;
    differenceWords[i + 1] = words[i + 1]! - others[i + 1]! - borrow;
  }
  beside.reset();
  beside.u8(FORM.words);
  writeBigInts(beside, nested, new BigInt64Array(differences.buffer, 0, count), count);
  return writeShorter(out, true);
}

/** A column that stands alone is read without the other: the difference must earn that. */
function writeShorter(out: ByteWriter, isPossible: boolean): boolean {
  if (isPossible && beside.size <= plain.size * SIBLING_RATIO_MAX) {
    copyColumn(out, beside, MODE.sibling);
    return true;
  }
  out.raw(plain.bytes());
  return false;
}

/**
 * Fills `differences`; the form, undefined where it could not be undone. A value that is not whole,
 * or stands beside one that is not, goes as it is: a reader sees by sibling and difference which.
 */
function subtract(values: Float64Array, sibling: Float64Array, count: number): number | undefined {
  let form: number = FORM.allWhole;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const other = sibling[i]!;
    const isBeside = isWhole(other, WHOLE_MAX);
    if (isBeside && isWhole(value, WHOLE_MAX)) differences[i] = value - other;
    else if (isBeside && isWhole(value, 2 * WHOLE_MAX)) return undefined;
    else form = FORM.some;
  }
  if (form === FORM.allWhole) return form;
  // Bits that may not pass through arithmetic.
  const words = new Int32Array(values.buffer, values.byteOffset, count * 2);
  for (let i = 0; i < count; i++) {
    if (isWhole(sibling[i]!, WHOLE_MAX) && isWhole(values[i]!, WHOLE_MAX)) continue;
    differenceWords[2 * i] = words[2 * i]!;
    differenceWords[2 * i + 1] = words[2 * i + 1]!;
  }
  return form;
}

/** Is the column to be read beside its sibling? */
export function hasSibling(column: Column): boolean {
  return column.mode === MODE.sibling;
}

function open(payload: ByteReader): { readonly form: number; readonly inner: Column } {
  const form = payload.u8();
  const inner = readColumn(payload);
  payload.finish();
  if (inner.mode === MODE.sibling) throw new CodecError('a sibling inside of a sibling column');
  return { form, inner };
}

/**
 * Fills `out`, which is not the sibling, with what writeSiblingDoubles wrote, given the same
 * sibling. Throws CodecError.
 */
export function readSiblingDoubles(
  column: Column,
  sibling: Float64Array,
  count: number,
  out: Float64Array = new Float64Array(count),
): Float64Array {
  if (!hasSibling(column)) return readDoubles(column, count, out);
  const { form, inner } = open(column.payload);
  readDoubles(inner, count, out);
  if (form === FORM.allWhole) for (let i = 0; i < count; i++) out[i]! += sibling[i]!;
  else if (form === FORM.some) {
    for (let i = 0; i < count; i++)
      if (isWhole(sibling[i]!, WHOLE_MAX) && isWhole(out[i]!, 2 * WHOLE_MAX))
        out[i]! += sibling[i]!;
  } else throw new CodecError(`unknown form ${form} of a sibling column of doubles`);
  return out;
}

/** The 64-bit words of what writeSiblingBigInts wrote, given the same sibling. */
export function readSiblingBigInts(
  column: Column,
  sibling: BigInt64Array | BigUint64Array,
  count: number,
): ArrayBuffer {
  if (!hasSibling(column)) return readBigInts(column, count);
  const { form, inner } = open(column.payload);
  if (form !== FORM.words)
    throw new CodecError(`unknown form ${form} of a sibling column of integers`);
  const buffer = readBigInts(inner, count);
  const words = new Int32Array(buffer);
  const others = new Int32Array(sibling.buffer, sibling.byteOffset, count * 2);
  for (let i = 0; i < count * 2; i += 2) {
    const low = (words[i]! + others[i]!) >>> 0;
    const carry = low < others[i]! >>> 0 ? 1 : 0;
    words[i] = low;
    words[i + 1] = words[i + 1]! + others[i + 1]! + carry;
  }
  return buffer;
}
