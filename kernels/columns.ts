// Columns of numbers back to doubles, words and times with SIMD: integer streams of every kind,
// and what docs/formats/block.md builds on them (Doubles, Words, grids). src/codec/column.ts and
// what it imports are the reference, and give bit for bit the same. Numbers go through in chunks of
// 128, so that nothing but input and output leaves the first cache. Nothing is kept between calls:
// the caller owns the memory, and passes `scratch`, which `prepare` must have seen once. Every size
// is checked; 0 means that the column is damaged, and the output is then undefined. The output has
// room for three doubles more than it needs.

import { unpackRows, words } from './shared/bits';
import { into } from './shared/put';
import {
  ADD_TO_WORDS,
  CHUNK,
  COUNT_MAX,
  CURSOR,
  NARROW,
  TO_DOUBLES,
  TO_FLOATS,
  TO_WORDS,
  powerOfTen,
  prepare,
  unzigzag,
  varint,
} from './shared/scratch';
import { stream } from './shared/streams';

export { prepare } from './shared/scratch';

/** Times are whole numbers of microseconds up to here. */
const TIME_MAX: f64 = 9007199254740991;

/** The payload of a column of doubles. */
export function decodeDoubles(s: usize, src: usize, end: usize, count: i32, out: usize): i32 {
  if (count < 1 || count > COUNT_MAX || src >= end) return 0;
  const form = <i32>load<u8>(src) & 7;
  const exponent = <i32>load<u8>(src) >> 3;
  if (form > 4 || exponent > 17) return 0;
  const exceptionsAt = src + 1;
  let at = skipExceptions(s, exceptionsAt, end, count);
  if (at == 0) return 0;
  if (form == 4) {
    at = wordsColumn(s, at, end, count, out);
    if (at != end) return 0;
    flipOrder(out, count);
  } else {
    into(s, (form & 1) == 0 ? TO_DOUBLES : TO_FLOATS, powerOfTen(exponent), 0, out);
    at = stream(s, at, end, count);
    if (at == 0) return 0;
    if (form >= 2) {
      into(s, ADD_TO_WORDS, 1, 0, out);
      at = stream(s, at, end, count);
    }
    if (at != end) return 0;
  }
  patch(s, exceptionsAt, end, out);
  return 1;
}

/** An integer stream and nothing else. */
export function decodeIntegers(s: usize, src: usize, end: usize, count: i32, out: usize): i32 {
  if (count < 1 || count > COUNT_MAX) return 0;
  into(s, TO_DOUBLES, 1, 0, out);
  return stream(s, src, end, count) == end ? 1 : 0;
}

/** The payload of a column of words. */
export function decodeWords(s: usize, src: usize, end: usize, count: i32, out: usize): i32 {
  if (count < 1 || count > COUNT_MAX) return 0;
  return wordsColumn(s, src, end, count, out) == end ? 1 : 0;
}

/** The payload of a column of times on a grid from `first`; none may leave the whole numbers. */
export function decodeGrid(
  s: usize,
  src: usize,
  end: usize,
  count: i32,
  first: f64,
  out: usize,
): i32 {
  if (count < 1 || count > COUNT_MAX) return 0;
  const step = <f64>unzigzag(varint(s, src, end));
  const at = load<usize>(s + CURSOR);
  if (at == 0) return 0;
  // Not a number, and nothing that could become one.
  if (first != floor(first) || abs(first) > TIME_MAX) return 0;
  if (end - at == 2 && load<u16>(at) == 0) return plainGrid(first, step, count, out);
  into(s, TO_DOUBLES, 1, 0, out);
  if (stream(s, at, end, count) != end || load<f64>(out) != 0) return 0;
  const starts = f64x2.splat(first);
  const steps = f64x2.splat(step);
  const two = f64x2.splat(2);
  let index = f64x2(0, 1);
  let most = f64x2.splat(0);
  for (let i = 0; i < count - 1; i += 2) {
    const place = out + (i << 3);
    const t = f64x2.add(v128.load(place), f64x2.add(starts, f64x2.mul(index, steps)));
    v128.store(place, t);
    most = f64x2.pmax(most, f64x2.abs(t));
    index = f64x2.add(index, two);
  }
  let largest = max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1));
  if (count & 1) {
    const place = out + ((count - 1) << 3);
    const t = load<f64>(place) + (first + <f64>(count - 1) * step);
    store<f64>(place, t);
    largest = max(largest, abs(t));
  }
  return largest <= TIME_MAX ? 1 : 0;
}

/** Times that keep their grid: sums of whole numbers, exact as long as first and last are. */
function plainGrid(first: f64, step: f64, count: i32, out: usize): i32 {
  if (abs(first + <f64>(count - 1) * step) > TIME_MAX) return 0;
  let low = f64x2.add(f64x2.splat(first), f64x2.mul(f64x2(0, 1), f64x2.splat(step)));
  let high = f64x2.add(low, f64x2.splat(2 * step));
  const next = f64x2.splat(4 * step);
  for (let i = 0; i < count; i += 4) {
    v128.store(out + (i << 3), low);
    v128.store(out + (i << 3), high, 16);
    low = f64x2.add(low, next);
    high = f64x2.add(high, next);
  }
  return 1;
}

function wordsColumn(s: usize, src: usize, end: usize, count: i32, out: usize): usize {
  if (end < src || end - src < 9) return 0;
  const form = <i32>load<u8>(src);
  const first = load<i64>(src, 1);
  let at = src + 9;
  if (form == 0) {
    into(s, TO_WORDS, 1, first, out);
    return stream(s, at, end, count);
  }
  const lowBits = form - 128;
  if (lowBits < 0 || lowBits > 16 || count < 2) return 0;
  into(s, TO_WORDS, 1, 0, out + 8);
  const size = count - 1;
  at = stream(s, at, end, size);
  if (at == 0) return 0;
  store<i64>(out, first);
  let value = first;
  let to = out + 8;
  for (let from = 0; from < size; from += CHUNK) {
    const length = min(CHUNK, size - from);
    const sizeBytes = <usize>(words(length, lowBits) << 2);
    if (sizeBytes > end - at) return 0;
    unpackRows(at, s + NARROW, (length + 3) >> 2, lowBits);
    at += sizeBytes;
    for (let i = 0; i < length; i++) {
      value += (load<i64>(to) << lowBits) + <i64>load<u32>(s + NARROW + (i << 2));
      store<i64>(to, value);
      to += 8;
    }
  }
  return at;
}

/** Ordered integers to the bits of doubles: of negative numbers the magnitude is inverted. */
function flipOrder(out: usize, count: i32): void {
  for (let i = 0; i < count; i += 2) {
    const x = v128.load(out + (i << 3));
    v128.store(out + (i << 3), v128.xor(x, i64x2.shr_u(i64x2.shr_s(x, 63), 1)));
  }
}

/** The end of the list of exceptions, 0 where it is damaged. */
function skipExceptions(s: usize, src: usize, end: usize, count: i32): usize {
  const exceptions = varint(s, src, end);
  let at = load<usize>(s + CURSOR);
  if (at == 0 || exceptions > <i64>(end - at)) return 0;
  let place: i64 = -1;
  for (let left = exceptions; left > 0; left--) {
    const code = varint(s, at, end);
    at = load<usize>(s + CURSOR);
    if (at == 0) return 0;
    place += (code >> 3) + 1;
    const kind = <i32>code & 7;
    if (place >= <i64>count || kind > 6) return 0;
    if (kind != 5) continue;
    if (end - at < 8) return 0;
    at += 8;
  }
  return at;
}

/** Only after skipExceptions has checked the list. */
function patch(s: usize, src: usize, end: usize, out: usize): void {
  let left = varint(s, src, end);
  let at = load<usize>(s + CURSOR);
  let place: i64 = -1;
  let word: i64 = 0;
  for (; left > 0; left--) {
    const code = varint(s, at, end);
    at = load<usize>(s + CURSOR);
    place += (code >> 3) + 1;
    const kind = <i32>code & 7;
    let value: i64 = 0x7ff0000000000002;
    if (kind == 1) value = 0x7ff8000000000000;
    else if (kind == 2) value = 0x7ff0000000000000;
    else if (kind == 3) value = 0xfff0000000000000;
    else if (kind == 4) value = 0x8000000000000000;
    else if (kind >= 5) {
      if (kind == 5) {
        word = load<i64>(at);
        at += 8;
      }
      value = word;
    }
    store<i64>(out + ((<usize>place) << 3), value);
  }
}
