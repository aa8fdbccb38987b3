// What the files of the column kernel share: places in the scratch, and numbers out of bytes.
// SCRATCH_SIZE bytes of the caller's memory, 16-byte aligned, belong to one call at a time.

export const CHUNK: i32 = 128;
export const BUCKET_COUNT: i32 = 212;
export const COUNT_MAX: i32 = 8192;
export const WIDTH_MAX: i32 = 53;
export const STATE_START: u32 = 65536;
export const VARINT_SIZE_MAX: i32 = 8;
export const NUMBER_END: i64 = 1 << 53;

export const CONST: i32 = 0;
export const CONST_DELTA: i32 = 1;
export const RUNS: i32 = 2;
export const PACKED: i32 = 3;
export const ENTROPY: i32 = 4;
export const SPARSE: i32 = 5;

/** What becomes of a number v: v / scale, that as a float32, v + bias, the word there plus v. */
export const TO_DOUBLES: i32 = 0;
export const TO_FLOATS: i32 = 1;
export const TO_WORDS: i32 = 2;
export const ADD_TO_WORDS: i32 = 3;

/** Places in the scratch, bytes from its start; 16-byte aligned. */
export const EXTRA_BITS: usize = 0;
export const BASES: usize = 256;
export const SLOTS: usize = 4096;
export const NARROW: usize = 20480;
export const WIDE: usize = 21504;
export const WIDTHS: usize = 23552;
export const FIELDS: usize = 24576;
export const GAPS: usize = 25600;
export const JUMPS: usize = 91648;
/** Bytes of the scratch: src/codec/kernels.ts has the same number. */
export const SCRATCH_SIZE: usize = 157696;

// Fields of the stream that is being read.
export const CURSOR: usize = FIELDS;
export const SINK: usize = FIELDS + 8;
export const SCALE: usize = FIELDS + 16;
export const BIAS: usize = FIELDS + 24;
export const OUT: usize = FIELDS + 32;
export const FIRST: usize = FIELDS + 40;
export const BASE: usize = FIELDS + 48;
export const DIVISOR: usize = FIELDS + 56;
export const ORDER: usize = FIELDS + 64;
/** The last u of the chunks before, and the last difference. */
export const LAST: usize = FIELDS + 72;
export const STEP: usize = FIELDS + 80;
/** Symbols: states, next word, place of the first extra bit, bits read, bits of the scale. */
export const STATES: usize = FIELDS + 96;
export const WORD_AT: usize = FIELDS + 112;
export const BITS_AT: usize = FIELDS + 120;
export const BIT: usize = FIELDS + 128;
export const SCALE_BITS: usize = FIELDS + 136;
export const LARGEST: usize = FIELDS + 144;

/** 2^52 + 2^51, as a double and as its bits: v + bits is the double 2^52 + 2^51 + v. */
export const MAGIC: f64 = 6755399441055744;
export const MAGIC_BITS: i64 = 0x4338000000000000;

/** Fills the tables of buckets. */
export function prepare(scratch: usize): void {
  for (let bucket = 0; bucket < 256; bucket++) {
    let extra = 0;
    let base: u64 = bucket;
    if (bucket >= 16) {
      extra = min(2 + ((bucket - 16) >> 2), 50);
      base = (<u64>(4 + ((bucket - 16) & 3))) << extra;
    }
    store<u8>(scratch + EXTRA_BITS + bucket, <u8>extra);
    store<u64>(scratch + BASES + (bucket << 3), base);
  }
}

/** A varint at `at`; its end goes to the cursor, 0 where it is bad. */
export function varint(s: usize, at: usize, end: usize): i64 {
  let value: i64 = 0;
  for (let i = 0; i < VARINT_SIZE_MAX; i++) {
    if (at >= end) break;
    const byte = load<u8>(at++);
    value |= (<i64>(byte & 127)) << (7 * i);
    if (byte < 128) {
      if (value >= NUMBER_END) break;
      store<usize>(s + CURSOR, at);
      return value;
    }
  }
  store<usize>(s + CURSOR, 0);
  return 0;
}

export function unzigzag(code: i64): i64 {
  return (code >> 1) ^ -(code & 1);
}

export function powerOfTen(exponent: i32): f64 {
  let power: f64 = 1;
  for (let i = 0; i < exponent; i++) power *= 10;
  return power;
}
