// Rows and what was learned of them, for kernels/lines.ts: a hash table whose entries are 32 bytes, and an
// arena of layouts (the refs of a row's fields) and shapes (their names, shared by rows that follow each
// other).

import {
  SEED,
  ROW_COUNT,
  SLOT_MASK,
  ARENA_END,
  LAST_ROW,
  LAST_SHAPE,
  HASH,
  NAMES,
  SLOTS,
  ROWS,
  ARENA_LIMIT,
  ROWS_MAX,
  FIRST_SLOTS,
  FIELDS_MAX,
  LAYOUTS_MAX,
  LENGTH,
  NEXT,
  REF,
  LAYOUT_COUNT,
  ROW_LOG2,
  K1,
  K2,
} from './line-memory';

function scrambled(word: u64): u64 {
  let out = word;
  out = (out ^ (out >> 33)) * 0xff51afd7ed558ccd;
  out = (out ^ (out >> 33)) * 0xc4ceb9fe1a85ec53;
  return out ^ (out >> 33);
}

/** Hash of [start, end) to HASH. */
export function hash(start: usize, end: usize): void {
  const seed = load<u64>(SEED);
  const length = <u64>(end - start);
  let a = seed;
  let b = (seed * K1) ^ length;
  let c = ~seed;
  let d: u64 = 0x243f6a8885a308d3;
  let e = seed * K2;
  let f = 0x13198a2e03707344 ^ seed;
  let g: u64 = 0xa4093822299f31d0;
  let h = (seed * 0x165667b19e3779f9) | 1;
  let at = start;
  let left: usize = end - start;
  while (left > 0) {
    let first = load<u64>(at);
    let second = load<u64>(at, 8);
    if (left < 16) {
      // What stands behind the row is not of it.
      if (left <= 8) {
        second = 0;
        first &= <u64>-1 >> <u64>(64 - left * 8);
      } else second &= <u64>-1 >> <u64>(128 - left * 8);
      left = 16;
    }
    let x = (a ^ first) * K1;
    x ^= x >> 32;
    a = b ^ x;
    b = c + rotl<u64>(x, 27);
    c = d;
    d = x;
    let y = (e ^ second) * K2;
    y ^= y >> 29;
    e = f ^ y;
    f = g + rotl<u64>(y, 23);
    g = h;
    h = y;
    at += 16;
    left -= 16;
  }
  // Both look at all eight words.
  const ab = scrambled(a + rotl<u64>(e, 17)) + b;
  const cd = scrambled(c + rotl<u64>(g, 19)) + d;
  const ef = scrambled(f + rotl<u64>(b, 11)) + h;
  const gh = scrambled(h + rotl<u64>(d, 7)) ^ e;
  store<u64>(HASH, scrambled(ab ^ rotl<u64>(cd, 21)) ^ scrambled(ef + rotl<u64>(gh, 37)));
  store<u64>(HASH + 8, scrambled(cd ^ rotl<u64>(ef, 25)) ^ scrambled(gh + rotl<u64>(ab, 41)));
}

export function isRow(entry: usize, length: u32): bool {
  return (
    load<u64>(entry) == load<u64>(HASH) &&
    load<u64>(entry, 8) == load<u64>(HASH + 8) &&
    load<u32>(entry, LENGTH) == length
  );
}

/** The row whose hash is HASH, -1: none. */
function findHashed(length: u32): i32 {
  const mask = load<u32>(SLOT_MASK);
  if (mask == 0) return -1;
  let slot = <u32>load<u64>(HASH) & mask;
  let row = load<u32>(SLOTS + ((<usize>slot) << 2));
  while (row != 0 && !isRow(ROWS + ((<usize>(row - 1)) << ROW_LOG2), length)) {
    slot = (slot + 1) & mask;
    row = load<u32>(SLOTS + ((<usize>slot) << 2));
  }
  return <i32>row - 1;
}

/** The entry of the row that is expected behind the last one; 0: none is. */
export function expectedEntry(): usize {
  const last = load<i32>(LAST_ROW);
  if (last < 0) return 0;
  const row = load<i32>(ROWS + ((<usize>last) << ROW_LOG2), NEXT);
  return row < 0 ? 0 : ROWS + ((<usize>row) << ROW_LOG2);
}

/** Makes the row of this entry the last one. */
export function follow(entry: usize): void {
  store<i32>(LAST_ROW, <i32>((entry - ROWS) >> ROW_LOG2));
}

/** The entry of the row whose hash is HASH, which follows the last one from now on; 0: it is not known. */
export function hashedEntry(length: u32): usize {
  const row = findHashed(length);
  if (row < 0) return 0;
  const last = load<i32>(LAST_ROW);
  if (last >= 0) store<i32>(ROWS + ((<usize>last) << ROW_LOG2), row, NEXT);
  store<i32>(LAST_ROW, row);
  return ROWS + ((<usize>row) << ROW_LOG2);
}

function place(row: u32, mask: u32): void {
  let slot = load<u32>(ROWS + ((<usize>row) << ROW_LOG2)) & mask;
  while (load<u32>(SLOTS + ((<usize>slot) << 2)) != 0) slot = (slot + 1) & mask;
  store<u32>(SLOTS + ((<usize>slot) << 2), row + 1);
}

/** Finds or adds the row whose hash is HASH, which follows the last one; -1: there is no room. */
function learnHashed(length: u32): i32 {
  let row = findHashed(length);
  if (row < 0) {
    const count = load<u32>(ROW_COUNT);
    if (count == ROWS_MAX) return -1;
    let mask = load<u32>(SLOT_MASK);
    row = <i32>count;
    const entry = ROWS + ((<usize>count) << ROW_LOG2);
    store<u64>(entry, load<u64>(HASH));
    store<u64>(entry, load<u64>(HASH + 8), 8);
    store<u32>(entry, length, LENGTH);
    store<i32>(entry, -1, NEXT);
    store<u32>(entry, 0, REF);
    store<u32>(entry, 0, LAYOUT_COUNT);
    store<u32>(ROW_COUNT, count + 1);
    if ((count + 1) * 2 > mask + 1 || mask == 0) {
      mask = mask == 0 ? FIRST_SLOTS - 1 : mask * 2 + 1;
      memory.fill(SLOTS, 0, (<usize>mask + 1) << 2);
      store<u32>(SLOT_MASK, mask);
      for (let i: u32 = 0; i <= count; i++) place(i, mask);
    } else place(count, mask);
  }
  const last = load<i32>(LAST_ROW);
  if (last >= 0) store<i32>(ROWS + ((<usize>last) << ROW_LOG2), row, NEXT);
  store<i32>(LAST_ROW, row);
  return row;
}

/** Teaches that the row [start, end) is a series. */
export function learnSeries(start: usize, end: usize, ref: u32): bool {
  hash(start, end);
  return learnHashedSeries(<u32>(end - start), ref);
}

/** Teaches that the row whose hash is HASH is a series. */
export function learnHashedSeries(length: u32, ref: u32): bool {
  const row = learnHashed(length);
  if (row < 0) return false;
  store<u32>(ROWS + ((<usize>row) << ROW_LOG2), ref, REF);
  store<u32>(ROWS + ((<usize>row) << ROW_LOG2), 1, LAYOUT_COUNT);
  return true;
}

/** Are the `length` bytes at `at` those at `known`, which zeros fill to whole words? */
export function equal(at: usize, known: usize, length: usize): bool {
  let i: usize = 0;
  for (; i + 8 <= length; i += 8) if (load<u64>(at + i) != load<u64>(known + i)) return false;
  if (i == length) return true;
  const mask = <u64>-1 >> <u64>(64 - (length - i) * 8);
  return (load<u64>(at + i) & mask) == load<u64>(known + i);
}

/** Do the names that NAMES lists, each with its equals sign, make this shape? */
function isShape(shape: usize, count: u32): bool {
  if (load<u32>(shape) != count) return false;
  let name = shape + 8;
  for (let i: usize = 0; i < count; i++) {
    const start = load<u32>(NAMES + i * 12);
    const length = load<u32>(NAMES + i * 12, 4) - start;
    if (load<u32>(name) != length || !equal(start, name + 8, length)) return false;
    name += 8 + ((length + 7) & ~7);
  }
  return true;
}

/** A shape: names and how many bytes each one has; 0: there is no room. */
function addShape(count: u32): usize {
  const shape = <usize>load<u32>(ARENA_END);
  let name = shape + 8;
  for (let i: usize = 0; i < count; i++) {
    const start = load<u32>(NAMES + i * 12);
    const length = load<u32>(NAMES + i * 12, 4) - start;
    const space: usize = 8 + ((length + 7) & ~7);
    if (name + space > ARENA_LIMIT) return 0;
    store<u64>(name, length);
    store<u64>(name + space - 8, 0);
    memory.copy(name + 8, start, length);
    name += space;
  }
  store<u64>(shape, count);
  store<u32>(ARENA_END, <u32>name);
  store<u32>(LAST_SHAPE, <u32>shape);
  return shape;
}

/** Teaches that the row [start, end) may have the fields that NAMES lists: start, end (behind the equals sign), ref. */
export function learnFields(start: usize, end: usize, count: u32): bool {
  if (count > FIELDS_MAX) return true;
  hash(start, end);
  const row = learnHashed(<u32>(end - start));
  if (row < 0) return false;
  const entry = ROWS + ((<usize>row) << ROW_LOG2);
  let layout = <usize>load<u32>(entry, REF);
  while (layout != 0 && !isShape(load<u32>(layout), count)) layout = load<u32>(layout, 4);
  if (layout == 0) {
    const layoutCount = load<u32>(entry, LAYOUT_COUNT);
    if (layoutCount == LAYOUTS_MAX) return true;
    let shape = <usize>load<u32>(LAST_SHAPE);
    if (shape == 0 || !isShape(shape, count)) shape = addShape(count);
    if (shape == 0) return false;
    layout = load<u32>(ARENA_END);
    const space: usize = 8 + ((<usize>count * 4 + 7) & ~7);
    if (layout + space > ARENA_LIMIT) return false;
    store<u32>(layout, <u32>shape);
    store<u32>(layout, load<u32>(entry, REF), 4);
    store<u32>(ARENA_END, <u32>(layout + space));
    store<u32>(entry, <u32>layout, REF);
    store<u32>(entry, layoutCount + 1, LAYOUT_COUNT);
  }
  for (let i: usize = 0; i < count; i++)
    store<u32>(layout + 8 + i * 4, load<u32>(NAMES + i * 12, 8));
  return true;
}
