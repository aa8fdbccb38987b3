// Integer streams (docs/formats/block.md, "Integer stream") of every kind, in chunks of 128.
import { words, wordsOfAny, unpackRows } from './bits';
import { into, isNarrow, putNarrow, putWide, ramp, run, widen, widenSigned } from './put';
import {
  BASE,
  BIAS,
  BIT,
  BITS_AT,
  CHUNK,
  CONST,
  CONST_DELTA,
  CURSOR,
  DIVISOR,
  ENTROPY,
  EXTRA_BITS,
  FIRST,
  GAPS,
  JUMPS,
  LARGEST,
  LAST,
  NARROW,
  ORDER,
  OUT,
  PACKED,
  RUNS,
  SCALE,
  SINK,
  SPARSE,
  STATES,
  STATE_START,
  STEP,
  TO_WORDS,
  WIDE,
  WIDTHS,
  WIDTH_MAX,
  WORD_AT,
  unzigzag,
  varint,
} from './scratch';
import { narrowCodes, ownCodes, readSlots, wideCodes } from './symbols';

/** Reads the stream of `count` numbers at `src`; its end, 0 for damage. */
export function stream(s: usize, src: usize, end: usize, count: i32): usize {
  if (src >= end) return 0;
  if ((<i32>load<u8>(src) & 7) != SPARSE) return plainStream(s, src, end, count);
  const first = unzigzag(varint(s, src + 1, end));
  let at = load<usize>(s + CURSOR);
  if (at == 0) return 0;
  const changes = varint(s, at, end);
  at = load<usize>(s + CURSOR);
  if (at == 0 || changes < 1 || changes >= <i64>count) return 0;
  const sink = load<i32>(s + SINK);
  const scale = load<f64>(s + SCALE);
  const bias = load<i64>(s + BIAS);
  const out = load<usize>(s + OUT);
  into(s, TO_WORDS, 1, 0, s + GAPS);
  at = plainStream(s, at, end, <i32>changes);
  if (at == 0) return 0;
  into(s, TO_WORDS, 1, 0, s + JUMPS);
  at = plainStream(s, at, end, <i32>changes);
  if (at == 0) return 0;
  into(s, sink, scale, bias, out);
  let place: i64 = 0;
  let value = first;
  for (let i = 0; i < <i32>changes; i++) {
    const gap = load<i64>(s + GAPS + (i << 3));
    if (gap < 0 || gap >= <i64>count) return 0;
    const next = place + gap + 1;
    if (next >= <i64>count) return 0;
    run(s, value, <i32>(next - place));
    place = next;
    value += load<i64>(s + JUMPS + (i << 3));
  }
  run(s, value, count - <i32>place);
  return at;
}

/** A stream that is not sparse. */
function plainStream(s: usize, src: usize, end: usize, count: i32): usize {
  if (src >= end) return 0;
  const head = <i32>load<u8>(src);
  const kind = head & 7;
  const first = unzigzag(varint(s, src + 1, end));
  let at = load<usize>(s + CURSOR);
  if (at == 0) return 0;
  if (kind == CONST) {
    run(s, first, count);
    return at;
  }
  if (kind == CONST_DELTA) {
    const delta = unzigzag(varint(s, at, end));
    at = load<usize>(s + CURSOR);
    if (at != 0) ramp(s, first, delta, count);
    return at;
  }
  if (kind == RUNS) return runs(s, at, end, first, count);
  if (kind != PACKED && kind != ENTROPY) return 0;
  return differences(s, at, end, head, first, count);
}

function runs(s: usize, src: usize, end: usize, first: i64, count: i32): usize {
  const changes = varint(s, src, end);
  let at = load<usize>(s + CURSOR);
  if (at == 0 || changes * 2 > <i64>(end - at)) return 0;
  let place: i64 = 0;
  let value = first;
  for (let left = changes; left > 0; left--) {
    const next = place + varint(s, at, end) + 1;
    at = load<usize>(s + CURSOR);
    if (at == 0 || next >= <i64>count) return 0;
    run(s, value, <i32>(next - place));
    place = next;
    value += unzigzag(varint(s, at, end));
    at = load<usize>(s + CURSOR);
    if (at == 0) return 0;
  }
  run(s, value, count - <i32>place);
  return at;
}

function differences(s: usize, src: usize, end: usize, head: i32, first: i64, count: i32): usize {
  const order = (head >> 3) & 3;
  if (order == 3 || count <= order) return 0;
  let at = src;
  let second: i64 = 0;
  let divisor: i64 = 1;
  if (order == 2) {
    second = unzigzag(varint(s, at, end));
    at = load<usize>(s + CURSOR);
    if (at == 0) return 0;
  }
  if (head & 32) {
    divisor = varint(s, at, end);
    at = load<usize>(s + CURSOR);
    if (at == 0) return 0;
  }
  store<i64>(s + BASE, unzigzag(varint(s, at, end)));
  at = load<usize>(s + CURSOR);
  if (at == 0) return 0;
  store<i64>(s + FIRST, first);
  store<i64>(s + DIVISOR, divisor);
  store<i32>(s + ORDER, order);
  store<i64>(s + LAST, second);
  store<i64>(s + STEP, second);
  if (order >= 1) run(s, first, 1);
  if (order == 2) run(s, first + second * divisor, 1);
  const size = count - order;
  return (head & 7) == PACKED
    ? packed(s, at, end, size)
    : entropy(s, at, end, size, (head & 64) != 0);
}

function packed(s: usize, src: usize, end: usize, size: i32): usize {
  const exceptions = varint(s, src, end);
  let at = load<usize>(s + CURSOR);
  if (at == 0 || exceptions * 2 > <i64>(end - at)) return 0;
  let exceptionAt = at;
  for (let i: i64 = 0; i < 2 * exceptions; i++) {
    varint(s, at, end);
    at = load<usize>(s + CURSOR);
    if (at == 0) return 0;
  }
  const groups = (size + CHUNK - 1) >> 7;
  if (at >= end) return 0;
  const one = <i32>load<u8>(at++);
  const each = (one & 128) == 0;
  if (each && end - at < <usize>(groups - 1)) return 0;
  let wordCount = 0;
  for (let group = 0; group < groups; group++) {
    const width = group == 0 || !each ? one & 127 : <i32>load<u8>(at++);
    if (width > WIDTH_MAX) return 0;
    store<u8>(s + WIDTHS + group, <u8>width);
    wordCount += wordsOfAny(min(CHUNK, size - (group << 7)), width);
  }
  if (<usize>(wordCount << 2) > end - at) return 0;
  // The exception that comes next: its place, and its number behind the cursor.
  let place: i64 = -1;
  let left = exceptions;
  if (left > 0) {
    place = varint(s, exceptionAt, end);
    exceptionAt = load<usize>(s + CURSOR);
  }
  for (let group = 0; group < groups; group++) {
    const width = <i32>load<u8>(s + WIDTHS + group);
    const from = group << 7;
    const length = min(CHUNK, size - from);
    unpack(s, at, length, width);
    at += wordsOfAny(length, width) << 2;
    const isPatched = left > 0 && place < <i64>(from + length);
    if (!isPatched && isNarrow(s, width)) {
      putNarrow(s, length);
      continue;
    }
    if (width <= 32) widen(s, length);
    while (left > 0 && place < <i64>(from + length)) {
      const x = unzigzag(varint(s, exceptionAt, end));
      exceptionAt = load<usize>(s + CURSOR);
      store<i64>(s + WIDE + ((<usize>(place - from)) << 3), x);
      if (--left == 0) break;
      place += varint(s, exceptionAt, end) + 1;
      exceptionAt = load<usize>(s + CURSOR);
    }
    putWide(s, length);
  }
  return left == 0 ? at : 0;
}

/** A group to NARROW, where it is wider than 32 bits to WIDE. */
function unpack(s: usize, src: usize, count: i32, width: i32): void {
  const rows = (count + 3) >> 2;
  unpackRows(src, s + NARROW, rows, min(width, 32));
  if (width <= 32) return;
  widen(s, count);
  unpackRows(src + (words(count, 32) << 2), s + NARROW, rows, width - 32);
  for (let i = 0; i < rows << 2; i++) {
    const place = s + WIDE + (i << 3);
    store<u64>(place, load<u64>(place) | ((<u64>load<u32>(s + NARROW + (i << 2))) << 32));
  }
}

function entropy(s: usize, src: usize, end: usize, size: i32, isZigzag: bool): usize {
  let at = readSlots(s, src, end);
  if (at == 0) return 0;
  const wordCount = varint(s, at, end);
  at = load<usize>(s + CURSOR);
  if (at == 0 || wordCount > <i64>size || <i64>(end - at) < 16 + 2 * wordCount) return 0;
  v128.store(s + STATES, v128.load(at));
  const bitsAt = at + 16 + ((<usize>wordCount) << 1);
  store<usize>(s + WORD_AT, at + 16);
  store<usize>(s + BITS_AT, bitsAt);
  store<usize>(s + BIT, 0);
  const largest = load<i32>(s + LARGEST);
  const extra = <i32>load<u8>(s + EXTRA_BITS + largest);
  const codeBits = largest < 16 ? 4 : 3 + extra;
  const narrow = isNarrow(s, codeBits);
  for (let from = 0; from < size; from += CHUNK) {
    const length = min(CHUNK, size - from);
    // A damaged stream asks for more words than there are: two bytes a symbol at most.
    if (largest < 16) ownCodes(s, length);
    else if (extra <= 28) narrowCodes(s, length);
    else wideCodes(s, length);
    if (extra <= 28) {
      if (isZigzag) unzigzagNarrow(s, length);
      if (narrow) putNarrow(s, length);
      else {
        widenSigned(s, length);
        putWide(s, length);
      }
    } else {
      if (isZigzag) unzigzagWide(s, length);
      putWide(s, length);
    }
  }
  const start = i32x4.splat(STATE_START);
  if (v128.any_true(i32x4.ne(v128.load(s + STATES), start))) return 0;
  if (load<usize>(s + WORD_AT) != bitsAt) return 0;
  const next = bitsAt + ((load<usize>(s + BIT) + 7) >> 3);
  return next <= end ? next : 0;
}

function unzigzagNarrow(s: usize, size: i32): void {
  for (let i = 0; i < size; i += 4) {
    const code = v128.load(s + NARROW + (i << 2));
    const sign = i32x4.neg(v128.and(code, i32x4.splat(1)));
    v128.store(s + NARROW + (i << 2), v128.xor(i32x4.shr_u(code, 1), sign));
  }
}

function unzigzagWide(s: usize, size: i32): void {
  for (let i = 0; i < size; i += 2) {
    const code = v128.load(s + WIDE + (i << 3));
    const sign = i64x2.neg(v128.and(code, i64x2.splat(1)));
    v128.store(s + WIDE + (i << 3), v128.xor(i64x2.shr_u(code, 1), sign));
  }
}
