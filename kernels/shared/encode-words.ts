// Columns of 64-bit words (docs/formats/block.md, "Words"): src/codec/words.ts is the reference, and
// writes the same bytes.
import { packRows } from './bits';
import { GROUP, INTS, LOW, int64 } from './encode-scratch';
import { putStream } from './encode-stream';

const OFFSET_END: i64 = 1 << 50;
const DIFFERENCES: i32 = 128;
/** Bits of a difference that go through an integer stream. */
const HIGH_BITS: i32 = 48;

/** The payload of the first `count` words, at least two; its end. */
export function putWords(s: usize, out: usize, words: usize, count: i32): usize {
  const first = load<i64>(words);
  store<i64>(out, first, 1);
  if (!takeOffsets(s, words, count)) return putDifferences(s, out, words, count);
  store<u8>(out, 0);
  return putStream(s, out + 9, s + INTS, count, true);
}

/** Fills INTS with distances from the first word; false where one is too large. */
function takeOffsets(s: usize, words: usize, count: i32): bool {
  const first = load<i64>(words);
  for (let i: usize = 0; i < (<usize>count) << 3; i += 8) {
    const word = load<i64>(words + i);
    const offset = word - first;
    const hasWrapped = ((word ^ first) & (word ^ offset)) < 0;
    if (hasWrapped || offset >= OFFSET_END || offset <= -OFFSET_END) return false;
    store<i64>(s + INTS + i, offset);
  }
  return true;
}

function putDifferences(s: usize, out: usize, words: usize, count: i32): usize {
  let widest: i64 = 0;
  for (let i = 1; i < count; i++) {
    const step = int64(words, i) - int64(words, i - 1);
    widest |= step ^ (step >> 63);
  }
  // Whole halves, as the reference has them.
  const width = 65 - <i32>clz((widest >> 32) << 32);
  const lowBits = max(0, width - HIGH_BITS);
  store<u8>(out, <u8>(DIFFERENCES | lowBits));
  for (let i = 1; i < count; i++) {
    const step = int64(words, i) - int64(words, i - 1);
    store<i64>(s + INTS + ((<usize>(i - 1)) << 3), step >> <i64>lowBits);
  }
  const size = count - 1;
  let at = putStream(s, out + 9, s + INTS, size, true);
  if (lowBits == 0) return at;
  const mask = ((<i64>1) << (<i64>lowBits)) - 1;
  for (let i = 0; i < ((size + 3) & ~3); i++) {
    const step = i < size ? int64(words, i + 1) - int64(words, i) : 0;
    store<u32>(s + LOW + ((<usize>i) << 2), <u32>(step & mask));
  }
  for (let from = 0; from < size; from += GROUP) {
    const rows = (min(GROUP, size - from) + 3) >> 2;
    at = packRows(s + LOW + ((<usize>from) << 2), at, rows, lowBits);
  }
  return at;
}
