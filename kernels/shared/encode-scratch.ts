// What the files of the encode kernel share: places in the scratch, and numbers to bytes. SCRATCH_SIZE
// bytes of the caller's memory, 16-byte aligned, belong to one call at a time; the tables in front
// are filled by src/codec/encode-kernel.ts, which has the same places.

export const GROUP: i32 = 128;
export const COUNT_MAX: i32 = 8192;

/** Bits of a number of each bucket that the bucket does not say, a byte each. */
export const EXTRA_BITS: usize = 0;
/** Powers of ten from 10^0 on, f64. */
export const POWERS: usize = 256;
/** What another hit of a bucket costs, f64. */
export const HIT_COSTS: usize = 512;
/** Eight tables of the checksum. */
export const CRC: usize = 8704;
/** Logarithms of 0 … COUNT_MAX, f64. */
export const LOG2: usize = 16896;
/** Columns of COUNT_MAX elements: whole numbers, offsets and residuals of 64 bits. */
export const INTS: usize = 82448;
export const OFFSETS: usize = 147984;
export const RESIDUALS: usize = 213520;
/** Residuals from their minimum, or codes, of 32 bits. */
export const NARROW: usize = 279056;
export const SYMBOLS: usize = 311824;
/** Places of exceptions, u16. */
export const EXCEPTIONS: usize = 320016;
export const GAPS: usize = 336400;
export const JUMPS: usize = 401936;
/** Three histograms of 256 buckets, i32. */
export const HISTOGRAMS: usize = 467472;
export const FREQUENCIES: usize = 470544;
export const STARTS: usize = 471568;
/** A sample in order, i64. */
export const CENTRE: usize = 472592;
/** Widths of groups, one byte each, of two plans. */
export const WIDTHS: usize = 472848;
export const WIDTHS_SIZE: usize = 64;
/** Histograms of widths: of a group, and of all. */
export const GROUP_WIDTHS: usize = 472976;
export const ALL_WIDTHS: usize = 473232;
/** Words of the entropy coder, filled from the end. */
export const CODED: usize = 473488;
export const CODED_END: usize = 489872;
/** What decimals are off by, as the columns above. Bytes of all: 555408. */
export const CORRECTIONS: usize = 489872;
/** Low and high halves of what is packed; the offsets are done with by then. */
export const LOW: usize = OFFSETS;
export const HIGH: usize = OFFSETS + 32768;

export function putVarint(at: usize, value: u64): usize {
  while (value >= 128) {
    store<u8>(at++, <u8>value | 128);
    value >>= 7;
  }
  store<u8>(at, <u8>value);
  return at + 1;
}

export function putZigzag(at: usize, value: i64): usize {
  return putVarint(at, <u64>((value << 1) ^ (value >> 63)));
}

/** As Math.round, but that a negative number may round to 0 and not to −0. */
export function round(value: f64): f64 {
  const below = floor(value);
  return value - below >= 0.5 ? below + 1 : below + 0;
}

/** Bits of a number that is not negative. */
export function widthOf(value: i64): i32 {
  return 64 - <i32>clz(value);
}

/** The bucket of a number that is not negative (docs/formats/block.md, "rANS"). */
export function bucketOf(code: u64): u32 {
  const exponent = <u32>(63 - clz(code));
  const coarse = (exponent << 2) + (<u32>(code >> (exponent - 2)) & 3);
  return select<u32>(<u32>code, coarse, code < 16);
}

export function narrowBucket(code: u32): u32 {
  const exponent = 31 - clz(code);
  const coarse = (exponent << 2) + ((code >> (exponent - 2)) & 3);
  return select<u32>(code, coarse, code < 16);
}

export function log2Of(s: usize, count: i32): f64 {
  return load<f64>(s + LOG2 + ((<usize>count) << 3));
}

export function extraBits(s: usize, bucket: u32): f64 {
  return <f64>load<u8>(s + EXTRA_BITS + bucket);
}

export function int64(column: usize, i: i32): i64 {
  return load<i64>(column + ((<usize>i) << 3));
}

/** Puts a number among the `filled` ones of the sample, which are in order. */
export function intoCentre(s: usize, filled: i32, value: i64): void {
  let at = s + CENTRE + ((<usize>filled) << 3);
  while (at > s + CENTRE && load<i64>(at - 8) > value) {
    store<i64>(at, load<i64>(at - 8));
    at -= 8;
  }
  store<i64>(at, value);
}
