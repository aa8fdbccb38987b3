// Remote write 1.0 in one pass over a body that `decode` has put into this memory: series in the form
// that every sender writes become rows (where the labels stand, 96 bits of a hash of them) and columns
// of samples. src/formats/remote-write/write-request.ts is the reference; what has another form is left to
// it, series by series:
//
//   0a LENGTH { 0a SIZE label }+ { 12 SIZE [09 value] 10 TIME }+      lengths of one or two bytes, TIME of six
//
// Nothing is kept between calls. Decisions are made from bytes of the body alone; up to 16 bytes behind
// its end are read and masked.
export { decode } from './snappy';

/** Bytes from the start of the control block: the same as in src/formats/remote-write/write-kernel.ts. */
const ROW_COUNT: usize = 0;
const SAMPLE_COUNT: usize = 4;
const IS_FULL: usize = 8;
const HASH: usize = 16;
const ROWS: usize = 64;
const ROW_SIZE: usize = 24;
const ROWS_MAX: usize = 1024;
const TIMES: usize = 24640;
const VALUES: usize = 41024;
const SAMPLES_MAX: usize = 2048;
const ROW_BYTES_MAX: usize = 65536;

/** Bytes in a row. */
const START: usize = 0;
const END: usize = 4;
const ROW_HASH: usize = 8;
const SAMPLES_END: usize = 20;

const SERIES_TAG: u32 = 0x0a;
const LABEL_TAG: u32 = 0x0a;
const SAMPLE_TAG: u32 = 0x12;
const VALUE_TAG: u32 = 0x09;
const TIME_TAG: u32 = 0x10;
const TIME_MASK: u64 = 0xffffffffffff;
/** Continuation bits of a varint of six bytes, and which of them are set. */
const MORE_MASK: u64 = 0x808080808080;
const MORE: u64 = 0x008080808080;

const K1: u64 = 0x9e3779b97f4a7c15;
const K2: u64 = 0xc2b2ae3d27d4eb4f;
const K3: u64 = 0x165667b19e3779f9;
const K4: u64 = 0xd6e8feb86659fd93;

/** The first `count` bytes of a word. */
function low(word: u64, count: usize): u64 {
  return count >= 8 ? word : word & (((<u64>1) << (8 * count)) - 1);
}

/**
 * Writes 96 bits that stand for the bytes [start, end) to `out`. Two words of 64 bits a step; each goes
 * through a multiplication into two words of the state, so that what differs in one word of a row
 * must be cancelled twice, in different ways (docs/decisions/0048).
 */
function hashInto(out: usize, start: usize, end: usize, seed: u32): void {
  const length = end - start;
  let a = <u64>seed * K1;
  let b = (<u64>seed ^ ((<u64>length) << 32)) * K2;
  let c = ~a;
  let d = b ^ K3;
  let at = start;
  for (; at + 16 <= end; at += 16) {
    const x = load<u64>(at);
    const y = load<u64>(at, 8);
    a = (a ^ x) * K1;
    b = (rotl<u64>(b, 29) + x) * K2;
    c = (c ^ y) * K3;
    d = (rotl<u64>(d, 29) + y) * K4;
    a ^= a >> 32;
    c ^= c >> 32;
  }
  const rest = end - at;
  if (rest > 0) {
    const x = low(load<u64>(at), rest);
    const y = rest > 8 ? low(load<u64>(at, 8), rest - 8) : 0;
    a = (a ^ x) * K1;
    b = (rotl<u64>(b, 29) + x) * K2;
    c = (c ^ y) * K3;
    d = (rotl<u64>(d, 29) + y) * K4;
    a ^= a >> 32;
    c ^= c >> 32;
  }
  // Both halves of what comes out look at all four words.
  let p = (a + rotl<u64>(c, 23)) * K2;
  let q = (b ^ rotl<u64>(d, 41)) * K1;
  p ^= p >> 29;
  q ^= q >> 31;
  p = (p + q) * K4;
  q = (q ^ rotl<u64>(p, 27)) * K3;
  p = (p ^ (p >> 32) ^ q) * K1;
  q = (q ^ (q >> 29) ^ (p >> 32)) * K2;
  store<u64>(out, p ^ (p >> 32));
  store<u32>(out, <u32>(q >> 32), 8);
}

/** The hash of [start, end) to the control block `c`. */
export function hash(c: usize, start: usize, end: usize, seed: u32): void {
  hashInto(c + HASH, start, end, seed);
}

/**
 * End of the labels that begin at `from`: in front of a sample, before `stop`; 0 where no such section
 * stands there.
 */
function labelsEnd(from: usize, stop: usize): usize {
  let at = from;
  while (at + 2 < stop && load<u8>(at) == LABEL_TAG) {
    let size: usize = load<u8>(at, 1);
    at += 2;
    if (size >= 128) {
      const more: usize = load<u8>(at++);
      if (more >= 128) return 0;
      size = (size & 127) | (more << 7);
    }
    at += size;
  }
  return at > from && at < stop && load<u8>(at) == SAMPLE_TAG ? at : 0;
}

/** Microseconds of a time in six bytes. */
function timeUs(raw: u64): f64 {
  const ms =
    (raw & 127) |
    ((raw >> 1) & 0x3f80) |
    ((raw >> 2) & 0x1fc000) |
    ((raw >> 3) & 0xfe00000) |
    ((raw >> 4) & 0x7f0000000) |
    ((raw >> 5) & 0x3f800000000);
  return <f64>ms * 1000;
}

/**
 * Takes series of the body at `body` from `at` on to the rows and columns of the control block `c`.
 * Where it stopped: at `end`, at a series or field for the general reader, or (IS_FULL) at a series
 * for which there was no room beside the others. Positions in rows count from `body`.
 */
export function walk(c: usize, body: usize, at: usize, end: usize, seed: u32): usize {
  let row = c + ROWS;
  const rowsEnd = row + ROWS_MAX * ROW_SIZE;
  let samples: usize = 0;
  let isFull = 0;
  let memo: u64 = ~TIME_MASK;
  let memoUs: f64 = 0;
  while (at + 2 < end && load<u8>(at) == SERIES_TAG) {
    let from = at + 1;
    let length: usize = load<u8>(from++);
    if (length >= 128) {
      const more: usize = load<u8>(from++);
      if (more >= 128) break;
      length = (length & 127) | (more << 7);
    }
    const stop = from + length;
    if (stop > end) break;
    let i = labelsEnd(from, stop);
    if (i == 0 || i - from > ROW_BYTES_MAX) break;
    const to = i;
    let sample = samples;
    // Ends in front of what is no such sample, or for which there is no room.
    while (i < stop && sample < SAMPLES_MAX) {
      // A sample is at least its tag, its size, the tag and the bytes of its time.
      if (i + 9 > stop || load<u8>(i) != SAMPLE_TAG) break;
      const sampleEnd = i + 2 + <usize>load<u8>(i, 1);
      if (sampleEnd > stop) break;
      let field = i + 2;
      // A value of zero is not written.
      let value: u64 = 0;
      if (load<u8>(field) == VALUE_TAG) {
        if (field + 16 > stop) break;
        value = load<u64>(field, 1);
        field += 9;
      }
      if (load<u8>(field) != TIME_TAG || field + 7 != sampleEnd) break;
      const raw = load<u64>(field, 1) & TIME_MASK;
      if (raw != memo) {
        if ((raw & MORE_MASK) != MORE) break;
        memo = raw;
        memoUs = timeUs(raw);
      }
      store<f64>(c + TIMES + (sample << 3), memoUs);
      store<u64>(c + VALUES + (sample << 3), value);
      sample++;
      i = sampleEnd;
    }
    if (i < stop || row == rowsEnd) {
      isFull = samples > 0 && (sample == SAMPLES_MAX || row == rowsEnd) ? 1 : 0;
      break;
    }
    store<u32>(row, <u32>(from - body), START);
    store<u32>(row, <u32>(to - body), END);
    hashInto(row + ROW_HASH, from, to, seed);
    store<u32>(row, <u32>sample, SAMPLES_END);
    row += ROW_SIZE;
    samples = sample;
    at = stop;
  }
  store<u32>(c, <u32>((row - c - ROWS) / ROW_SIZE), ROW_COUNT);
  store<u32>(c, <u32>samples, SAMPLE_COUNT);
  store<i32>(c, isFull, IS_FULL);
  return at;
}
