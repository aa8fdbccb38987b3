// Pages of the head as bytes: pure functions over (memory, place), so that any thread that is told
// a page and how many samples of its series count can read them. A page holds samples of one series
// and one kind in order of arrival; nothing in it is changed once written but its use count, and a
// reader never looks beyond the samples it was told of. Pages of a series are linked backwards.
//
//   cell 0        base time, µs, f64
//   cell 1        u32 page before this one (0: none), u32 meta
//   cell 2 …      int32 offset from the base per sample, in ticks
//   cell 2 + ⌈capacity / 2⌉ …   8 bytes of value per sample
//
// meta: bits 0-7 samples used, 8-15 capacity, 16-18 kind, 19-20 tick, 21 has companions.
import type { Kind } from '../model/columns.ts';

/** The two ways to look at the memory; both cover all of it. */
export interface HeadViews {
  readonly i32: Int32Array;
  readonly f64: Float64Array;
}

const HEADER_CELLS = 2;
const CAPACITY_SHIFT = 8;
const KIND_SHIFT = 16;
const TICK_SHIFT = 19;
export const KIND_MASK = 7 << KIND_SHIFT;
const COMPANIONS = 1 << 21;

/** Microseconds of a tick, by its number. */
export const TICKS_US = [1, 1000, 1_000_000] as const;

/** Size of a page for so many samples. */
export function pageCells(capacity: number): number {
  return HEADER_CELLS + ((capacity + 1) >>> 1) + capacity;
}

export function newMeta(capacity: number, kind: Kind, tick: number): number {
  return (capacity << CAPACITY_SHIFT) | (kind << KIND_SHIFT) | (tick << TICK_SHIFT);
}

export function usedOf(meta: number): number {
  return meta & 255;
}

export function capacityOf(meta: number): number {
  return (meta >>> CAPACITY_SHIFT) & 255;
}

export function kindOf(meta: number): Kind {
  return ((meta & KIND_MASK) >>> KIND_SHIFT) as Kind;
}

export function kindBits(kind: Kind): number {
  return kind << KIND_SHIFT;
}

export function tickUsOf(meta: number): number {
  const tick = (meta >>> TICK_SHIFT) & 3;
  return tick === 0 ? 1 : tick === 1 ? 1000 : 1_000_000;
}

export function hasCompanions(meta: number): boolean {
  return (meta & COMPANIONS) !== 0;
}

export function metaAt(i32: Int32Array, page: number): number {
  return i32[2 * page + 3]!;
}

export function setMeta(i32: Int32Array, page: number, meta: number): void {
  i32[2 * page + 3] = meta;
}

export function markCompanions(i32: Int32Array, page: number): void {
  i32[2 * page + 3]! |= COMPANIONS;
}

export function previousOf(i32: Int32Array, page: number): number {
  return i32[2 * page + 2]!;
}

/** Index in `i32` of the first offset. */
export function offsetsAt(page: number): number {
  return 2 * (page + HEADER_CELLS);
}

/** Index in `i32` of the first value's low word. */
export function wordsAt(page: number, capacity: number): number {
  return 2 * (page + HEADER_CELLS + ((capacity + 1) >>> 1));
}

/** An empty page with a base time and one before it. */
export function formatPage(
  { i32, f64 }: HeadViews,
  page: number,
  head: { readonly baseUs: number; readonly previous: number; readonly meta: number },
): void {
  f64[page] = head.baseUs;
  i32[2 * page + 2] = head.previous;
  i32[2 * page + 3] = head.meta;
}

/** The tick of a page without a history: 1 ms reaches 24 days, 1 µs half an hour. */
export function tickFor(tUs: number): number {
  return tUs % 1000 === 0 ? 1 : 0;
}

/** The time of sample `slot`. */
export function timeAt({ i32, f64 }: HeadViews, page: number, slot: number): number {
  return f64[page]! + i32[offsetsAt(page) + slot]! * tickUsOf(metaAt(i32, page));
}

/** The first `count` times to `out` from `at` on. */
export function readTimes(
  { i32, f64 }: HeadViews,
  page: number,
  count: number,
  out: Float64Array,
  at: number,
): void {
  const baseUs = f64[page]!;
  const tickUs = tickUsOf(metaAt(i32, page));
  const from = offsetsAt(page);
  for (let i = 0; i < count; i++) out[at + i] = baseUs + i32[from + i]! * tickUs;
}

/** The value of sample `slot` as a word pair to `out` at sample `at`. */
export function readWord(
  { i32 }: HeadViews,
  page: number,
  slot: number,
  out: Int32Array,
  at: number,
): void {
  const from = wordsAt(page, capacityOf(metaAt(i32, page))) + 2 * slot;
  out[2 * at] = i32[from]!;
  out[2 * at + 1] = i32[from + 1]!;
}

/** The first `count` values as word pairs to `out` from sample `at` on. */
export function readWords(
  { i32 }: HeadViews,
  page: number,
  count: number,
  out: Int32Array,
  at: number,
): void {
  const from = wordsAt(page, capacityOf(metaAt(i32, page)));
  const end = from + 2 * count;
  for (let i = from, to = 2 * at; i < end; i++, to++) out[to] = i32[i]!;
}
