// asc: --enable threads --sharedMemory
// Blocks of doubles and of 64-bit integers (docs/formats/block.md): flags, aggregates and the value
// column. src/codec/block.ts and what it imports are the reference, and write the same bytes; what
// is rare (NaN that are no staleness markers, sums beyond the doubles, columns that are best left raw)
// is refused with 0 and left to it. The caller owns the memory, and passes `scratch`
// (shared/encode-scratch.ts) with its tables filled. Nothing outside of it and of `out` is written;
// `out` has room for 64 KiB more than the values have.
import {
  aggregates,
  constant,
  constantWord,
  examine,
  isConstant,
  isConstantWord,
  seenFlags,
} from './shared/encode-facts';
import { putNumbers } from './shared/encode-numbers';
import { COUNT_MAX, CRC, INTS, RESIDUALS } from './shared/encode-scratch';
import { putStream } from './shared/encode-stream';
import { putWords } from './shared/encode-words';

const HAS_AGGREGATES: i32 = 16;
const IS_CONSTANT: i32 = 32;
const AGGREGATES_COUNT_MIN: i32 = 16;
const MODE_DOUBLES: u8 = 4;
const MODE_WORDS: u8 = 5;
const F64: i32 = 0;
const I64: i32 = 1;
const U64: i32 = 2;

/** The body of a block of f64, i64 or u64 without companions or sibling; its size, 0: refused. */
export function encodeBody(s: usize, values: usize, count: i32, out: usize, kind: i32): i32 {
  if (count < 1 || count > COUNT_MAX || kind < F64 || kind > U64) return 0;
  let doubles = values;
  if (kind != F64) {
    doubles = s + RESIDUALS;
    toDoubles(doubles, values, count, kind == I64);
  }
  if (!examine(doubles, count)) return 0;
  let flags = seenFlags();
  let at = out + 5;
  if (kind == F64 ? isConstant(values, count) : isConstantWord(values, count)) {
    flags |= IS_CONSTANT;
    if (kind == F64) at = constant(s, at, load<f64>(values));
    else at = constantWord(at, load<i64>(values));
  } else {
    if (count >= AGGREGATES_COUNT_MIN) {
      flags |= HAS_AGGREGATES;
      at = aggregates(s, at, count);
    }
    store<u8>(at, kind == F64 ? MODE_DOUBLES : MODE_WORDS);
    const column = at + 1;
    if (kind == F64) at = putNumbers(s, column, values, count);
    else at = putWords(s, column, values, count);
    if (at == 0 || at - column >= (<usize>count) << 3) return 0;
  }
  store<u8>(out, <u8>flags, 4);
  store<u32>(out, bodyCrc(s, out + 4, at, kind, count));
  return <i32>(at - out);
}

/** The numbers that aggregates are made of. */
function toDoubles(out: usize, values: usize, count: i32, isSigned: bool): void {
  for (let i: usize = 0; i < (<usize>count) << 3; i += 8) {
    const value = load<i64>(values + i);
    store<f64>(out + i, isSigned ? <f64>value : <f64>(<u64>value));
  }
}

/** The payload of a column of doubles; its size, 0: refused. */
export function encodeDoubles(s: usize, values: usize, count: i32, out: usize): i32 {
  if (count < 1 || count > COUNT_MAX) return 0;
  examine(values, count);
  const at = putNumbers(s, out, values, count);
  return at == 0 ? 0 : <i32>(at - out);
}

/** An integer stream of numbers that are fit for one; its size. */
export function encodeIntegers(s: usize, values: usize, count: i32, out: usize): i32 {
  if (count < 1 || count > COUNT_MAX) return 0;
  const ints = s + INTS;
  for (let i: usize = 0; i < (<usize>count) << 3; i += 8)
    store<i64>(ints + i, <i64>load<f64>(values + i));
  return <i32>(putStream(s, out, ints, count, true) - out);
}

/** CRC-32C of the body, continued with kind and count (src/codec/crc32c.ts). */
function bodyCrc(s: usize, start: usize, end: usize, kind: i32, count: i32): u32 {
  const tables = s + CRC;
  let crc: u32 = 0xffffffff;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const low = load<u32>(at) ^ crc;
    const high = load<u32>(at, 4);
    crc =
      load<u32>(tables + ((low & 255) << 2), 7168) ^
      load<u32>(tables + (((low >> 8) & 255) << 2), 6144) ^
      load<u32>(tables + (((low >> 16) & 255) << 2), 5120) ^
      load<u32>(tables + ((low >> 24) << 2), 4096) ^
      load<u32>(tables + ((high & 255) << 2), 3072) ^
      load<u32>(tables + (((high >> 8) & 255) << 2), 2048) ^
      load<u32>(tables + (((high >> 16) & 255) << 2), 1024) ^
      load<u32>(tables + ((high >> 24) << 2));
  }
  for (; at < end; at++) crc = crcByte(tables, crc, load<u8>(at));
  crc = crcByte(tables, crc, kind);
  crc = crcByte(tables, crc, count & 255);
  return ~crcByte(tables, crc, count >> 8);
}

function crcByte(tables: usize, crc: u32, byte: u32): u32 {
  return (crc >> 8) ^ load<u32>(tables + (((crc ^ byte) & 255) << 2));
}
