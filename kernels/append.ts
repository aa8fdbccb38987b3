// asc: --enable threads --sharedMemory
// Samples into the pages of a shard's head (src/tsdb/head-pages.ts, head-append.ts), in the head's own
// memory. src/tsdb/append-reference.ts is the reference, and leaves the same bytes. Nothing is kept
// between calls: what a call works on stands in the scratch, whose places src/tsdb/append-scratch.ts
// names. A place in memory is trusted: only the shard that owns the memory writes any.
//
// In random order nearly every sample misses the caches for the record of its series; so the records
// of a group of samples are looked at before they are written, where the misses do not wait for each
// other. Pages are only written: stores wait beside the processor, and looking at them costs more.
import { BLOCK_BYTES, KIND_MASK, PAGE_META, PREVIOUS, SAMPLES, tickUsOf } from './shared/head-page';

/** Words of the control block: the same as in src/tsdb/append-scratch.ts. */
const KIND_BITS: usize = 0;
const MOMENT: usize = 4;
const CALM_MOMENT: usize = 8;
const NEXT_CELL: usize = 12;
const END_CELL: usize = 16;
const FIRST_SAMPLES: usize = 20;
const SECOND_SAMPLES: usize = 24;
const LATER_SAMPLES: usize = 28;
const NEW_COUNT: usize = 32;
const REFS_AT: usize = 36;
const TIMES_AT: usize = 40;
const VALUES_AT: usize = 44;
const TOUCHED: usize = 48;
const FREE_COUNT: usize = 52;
const DUE_COUNT: usize = 56;
const SEAL_SAMPLES: usize = 60;
/** Behind it. */
const NEW_SAMPLES: usize = 64;
const RECORDS: usize = 4160;
const DUE_SAMPLES: usize = 28736;
const FREE_PAGES: usize = 32832;
const DIRECTORY: usize = 65536;

const SLOT_MASK: u32 = (1 << 24) - 1;
const CHUNK_REFS_LOG2: u32 = 9;
const CHUNK_MASK: u32 = (1 << CHUNK_REFS_LOG2) - 1;
const RECORD_BYTES_LOG2: u32 = 5;

/** Bytes in a record: RECORD of src/tsdb/head-append.ts. */
const PAGE: usize = 8;
const META: usize = 12;
const COUNT: usize = 16;
const LAST_MOMENT: usize = 20;
const SAVED: usize = 24;
const OFFSET: usize = 28;
const UNSORTED: i32 = -0x80000000;
const COUNT_MASK: i32 = 0x7fffffff;

const GROUP: i32 = 256;

function offsetAt(page: i32, used: i32): usize {
  return (
    ((<usize>page) << 3) + SAMPLES + <usize>(used >> 2) * BLOCK_BYTES + <usize>((used & 3) << 2)
  );
}

/** Finds the records of samples [from, to), up to the first one that has none. */
function find(s: usize, from: i32, to: i32): i32 {
  const refs = <usize>load<u32>(s + REFS_AT);
  const directory = s + DIRECTORY;
  for (let i = from; i < to; i++) {
    const slot = load<u32>(refs + (i << 2)) & SLOT_MASK;
    const chunk = load<u32>(directory + ((slot >> CHUNK_REFS_LOG2) << 2));
    if (chunk == 0) return i;
    const record = (chunk << 2) + ((slot & CHUNK_MASK) << RECORD_BYTES_LOG2);
    store<u32>(s + RECORDS + ((i - from) << 2), record);
  }
  return to;
}

/** Is each ref one more than the one before it? Such records the processor fetches by itself. */
function areInOrder(s: usize, from: i32, to: i32): bool {
  let at = <usize>load<u32>(s + REFS_AT) + (from << 2);
  const end = at + ((to - from) << 2);
  const first = load<i32>(at);
  if (load<i32>(end - 4) - first != to - 1 - from) return false;
  let expected = i32x4.add(i32x4.splat(first), i32x4(0, 1, 2, 3));
  let different = i32x4.splat(0);
  for (; at + 16 <= end; at += 16) {
    different = v128.or(different, v128.xor(v128.load(at), expected));
    expected = i32x4.add(expected, i32x4.splat(4));
  }
  if (v128.any_true(different)) return false;
  let next = i32x4.extract_lane(expected, 0);
  for (; at < end; at += 4) if (load<i32>(at) != next++) return false;
  return true;
}

/**
 * As `find` where refs are in order: records of one chunk lie one behind the other. Up to three
 * places behind the last one are written too.
 */
function findInOrder(s: usize, from: i32, to: i32): i32 {
  const refs = <usize>load<u32>(s + REFS_AT);
  const places = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(1 << RECORD_BYTES_LOG2));
  let at = from;
  while (at < to) {
    const slot = load<u32>(refs + (at << 2)) & SLOT_MASK;
    const chunk = load<u32>(s + DIRECTORY + ((slot >> CHUNK_REFS_LOG2) << 2));
    if (chunk == 0) return at;
    const place = slot & CHUNK_MASK;
    const end = at + min(to - at, <i32>(CHUNK_MASK + 1 - place));
    let records = i32x4.add(i32x4.splat((chunk << 2) + (place << RECORD_BYTES_LOG2)), places);
    for (let i = at; i < end; i += 4) {
      v128.store(s + RECORDS + ((i - from) << 2), records);
      records = i32x4.add(records, i32x4.splat(4 << RECORD_BYTES_LOG2));
    }
    at = end;
  }
  return to;
}

/**
 * Looks at the records that were found. The sum only keeps the loads alive. The fewer instructions
 * lie between two of them, the more misses the processor has at once.
 */
function touch(s: usize, count: i32): void {
  const end = s + RECORDS + (count << 2);
  let sum = 0;
  let at = s + RECORDS;
  for (; at + 32 <= end; at += 32) {
    sum |= load<i32>(<usize>load<u32>(at), PAGE);
    sum |= load<i32>(<usize>load<u32>(at, 4), PAGE);
    sum |= load<i32>(<usize>load<u32>(at, 8), PAGE);
    sum |= load<i32>(<usize>load<u32>(at, 12), PAGE);
    sum |= load<i32>(<usize>load<u32>(at, 16), PAGE);
    sum |= load<i32>(<usize>load<u32>(at, 20), PAGE);
    sum |= load<i32>(<usize>load<u32>(at, 24), PAGE);
    sum |= load<i32>(<usize>load<u32>(at, 28), PAGE);
  }
  for (; at < end; at += 4) sum |= load<i32>(<usize>load<u32>(at), PAGE);
  store<i32>(s + TOUCHED, sum);
}

/**
 * Appends samples [from, to); the first one that it does not take (a chunk that has no records, a
 * moment that wants more than a look, a page for which there is no room) or `to`. Series that had
 * no samples are listed by their first one.
 */
export function append(s: usize, from: i32, to: i32): i32 {
  for (let at = from; at < to; at += GROUP) {
    const end = min(at + GROUP, to);
    const inOrder = areInOrder(s, at, end);
    const found = inOrder ? findInOrder(s, at, end) : find(s, at, end);
    if (!inOrder) touch(s, found - at);
    const stopped = appendGroup(s, at, found);
    if (stopped < end) return stopped;
  }
  return to;
}

function appendGroup(s: usize, from: i32, to: i32): i32 {
  const kindBits = load<i32>(s + KIND_BITS);
  const moment = load<i32>(s + MOMENT);
  const calmMoment = load<i32>(s + CALM_MOMENT);
  const times = <usize>load<u32>(s + TIMES_AT);
  const values = <usize>load<u32>(s + VALUES_AT);
  for (let i = from; i < to; i++) {
    const record = <usize>load<u32>(s + RECORDS + ((i - from) << 2));
    const tUs = load<f64>(times + (i << 3));
    const last = load<i32>(record, LAST_MOMENT);
    if (last != moment && last > calmMoment) return i;
    let meta = load<i32>(record, META);
    let used = meta & 255;
    const ticks = (tUs - load<f64>(record)) / tickUsOf(meta);
    let offset = <i32>ticks;
    let count = load<i32>(record, COUNT);
    if (
      used == ((meta >> 8) & 255) ||
      (meta & <i32>KIND_MASK) != kindBits ||
      <f64>offset != ticks
    ) {
      if (!openPage(s, record, tUs, i)) return i;
      count = load<i32>(record, COUNT);
      meta = load<i32>(record, META);
      used = 0;
      offset = 0;
    } else if (offset <= load<i32>(record, OFFSET)) count |= UNSORTED;
    if (last != moment) {
      store<i32>(record, count & COUNT_MASK, SAVED);
      store<i32>(record, moment, LAST_MOMENT);
    }
    const place = offsetAt(load<i32>(record, PAGE), used);
    store<i32>(place, offset);
    store<i64>(place + ((used & 3) << 2), load<i64>(values + (i << 3)), 16);
    store<i32>(record, offset, OFFSET);
    store<i32>(record, meta + 1, META);
    store<i32>(record, count + 1, COUNT);
  }
  return to;
}

/** A free page of the most usual capacity, or the next cells; 0: there is no room. */
function takePage(s: usize, capacity: i32): i32 {
  const free = load<i32>(s + FREE_COUNT);
  if (free > 0 && capacity == load<i32>(s + LATER_SAMPLES)) {
    store<i32>(s + FREE_COUNT, free - 1);
    return load<i32>(s + FREE_PAGES + ((free - 1) << 2));
  }
  const cells = 2 + 6 * ((capacity + 3) >> 2);
  const page = load<i32>(s + NEXT_CELL);
  if (page + cells > load<i32>(s + END_CELL)) return 0;
  store<i32>(s + NEXT_CELL, page + cells);
  return page;
}

/** As in append-reference.ts; false where there is no room. */
function openPage(s: usize, record: usize, tUs: f64, index: i32): bool {
  const first = load<i32>(s + FIRST_SAMPLES);
  const previous = load<i32>(record, PAGE);
  let capacity = first;
  let tick = <i64>tUs % 1000 == 0 ? 1 : 0;
  const meta = load<i32>(record, META);
  const used = meta & 255;
  if (previous != 0) {
    if (used == ((meta >> 8) & 255))
      capacity = load<i32>(s + (used == first ? SECOND_SAMPLES : LATER_SAMPLES));
    else if (((meta >> 19) & 3) != 0 && <i64>tUs % 1000000 == 0) tick = 2;
  }
  const page = takePage(s, capacity);
  if (page == 0) return false;
  if (previous != 0) {
    const before = (<usize>previous) << 3;
    store<i32>(before, (load<i32>(before, PAGE_META) & ~255) | used, PAGE_META);
    const lastUs = load<f64>(record) + <f64>load<i32>(record, OFFSET) * tickUsOf(meta);
    const count = load<i32>(record, COUNT);
    if (tUs <= lastUs) store<i32>(record, count | UNSORTED, COUNT);
    const samples = <u32>(count & COUNT_MASK);
    const seal = load<u32>(s + SEAL_SAMPLES);
    if (samples / seal != (samples - <u32>used) / seal) {
      const due = load<i32>(s + DUE_COUNT);
      store<i32>(s + DUE_SAMPLES + (due << 2), index);
      store<i32>(s + DUE_COUNT, due + 1);
    }
  } else {
    const count = load<i32>(s + NEW_COUNT);
    store<i32>(s + NEW_SAMPLES + (count << 2), index);
    store<i32>(s + NEW_COUNT, count + 1);
  }
  const fresh = (capacity << 8) | load<i32>(s + KIND_BITS) | (tick << 19);
  const place = (<usize>page) << 3;
  store<f64>(place, tUs);
  store<i32>(place, previous, PREVIOUS);
  store<i32>(place, fresh, PAGE_META);
  store<f64>(record, tUs);
  store<i32>(record, page, PAGE);
  store<i32>(record, fresh, META);
  return true;
}
