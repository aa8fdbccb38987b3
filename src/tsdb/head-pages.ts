// Pages of the head as bytes: pure functions over (memory, page), so that any thread that is told
// the newest page of a series and how many of its samples count can read them. A page holds samples
// of one series and one kind in order of arrival; what is written stays, a reader never looks
// beyond the samples it was told of. Pages of a series are linked backwards. How full the newest
// page is stands in the series' record (head-append.ts), of the others in the page.
//
//   cell 0        base time, µs, f64
//   cell 1        u32 page before this one (0: none), u32 meta
//   cell 2 …      blocks of 48 bytes: 4 × int32 offset from the base in ticks, 4 × 8 bytes of value
//
// meta: bits 0-7 samples used (once the page is closed), 8-15 capacity, 16-18 kind, 19-20 tick,
// 21 has companions, 22 sealed (head-sealed.ts), 23 looked at by the sealer and left as it is.
import type { Kind } from '../model/columns.ts';

/** The two ways to look at the memory; both cover all of it. */
export interface HeadViews {
  readonly i32: Int32Array;
  readonly f64: Float64Array;
}

/** The same memory as bytes too, in which vectors lie. */
export interface HeadBytes extends HeadViews {
  readonly u8: Uint8Array;
}

const HEADER_CELLS = 2;
const BLOCK_CELLS = 6;
const CAPACITY_SHIFT = 8;
const KIND_SHIFT = 16;
const TICK_SHIFT = 19;
export const KIND_MASK = 7 << KIND_SHIFT;
const COMPANIONS = 1 << 21;
const SEALED = 1 << 22;
const LEFT = 1 << 23;

/** Microseconds of tick 2, in which whole seconds can be told. */
export const COARSE_TICK_US = 1_000_000;

/** Size of a page for so many samples. */
export function pageCells(capacity: number): number {
  return HEADER_CELLS + BLOCK_CELLS * ((capacity + 3) >>> 2);
}

/** Of a page without samples. */
export function freshMeta(capacity: number, bitsOfKind: number, tick: number): number {
  return (capacity << CAPACITY_SHIFT) | bitsOfKind | (tick << TICK_SHIFT);
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
  return tick === 0 ? 1 : tick === 1 ? 1000 : COARSE_TICK_US;
}

/** Of a sealed page. */
export function sealedMeta(kind: number, tick: number): number {
  return SEALED | kind | (tick << TICK_SHIFT);
}

export function isSealed(meta: number): boolean {
  return (meta & SEALED) !== 0;
}

/** Has the sealer been here? Then it was at all pages before this one too. */
export function isSettled(meta: number): boolean {
  return (meta & (SEALED | LEFT)) !== 0;
}

export function markLeft(i32: Int32Array, page: number): void {
  i32[2 * page + 3]! |= LEFT;
}

export function linkPage(i32: Int32Array, page: number, previous: number): void {
  i32[2 * page + 2] = previous;
}

/** What of a page's meta holds for good: capacity, kind and tick. */
export function layoutOf(meta: number): number {
  return meta & ~(COMPANIONS | 255);
}

export function hasCompanions(meta: number): boolean {
  return (meta & COMPANIONS) !== 0;
}

export function metaAt(i32: Int32Array, page: number): number {
  return i32[2 * page + 3]!;
}

export function previousOf(i32: Int32Array, page: number): number {
  return i32[2 * page + 2]!;
}

export function markCompanions(i32: Int32Array, page: number): void {
  i32[2 * page + 3]! |= COMPANIONS;
}

/** Says how many samples a page holds, for good; whatever it said before. */
export function closePage(i32: Int32Array, page: number, used: number): void {
  i32[2 * page + 3] = (i32[2 * page + 3]! & ~255) | used;
}

/** Index in `i32` of a sample's offset. */
export function offsetAt(page: number, slot: number): number {
  return 2 * (page + HEADER_CELLS) + 2 * BLOCK_CELLS * (slot >>> 2) + (slot & 3);
}

/** Index in `i32` of the low word of a sample's value, from that of its offset. */
export function valueBehind(offset: number, slot: number): number {
  return offset + 4 + (slot & 3);
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

/** The time of a sample. */
export function timeAt({ i32, f64 }: HeadViews, page: number, slot: number): number {
  return f64[page]! + i32[offsetAt(page, slot)]! * tickUsOf(metaAt(i32, page));
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
  for (let i = 0; i < count; i++) out[at + i] = baseUs + i32[offsetAt(page, i)]! * tickUs;
}

/** The first `count` values as word pairs to `out` from sample `at` on. */
export function readWords(
  { i32 }: HeadViews,
  page: number,
  count: number,
  out: Int32Array,
  at: number,
): void {
  for (let i = 0; i < count; i++) {
    const from = valueBehind(offsetAt(page, i), i);
    out[2 * (at + i)] = i32[from]!;
    out[2 * (at + i) + 1] = i32[from + 1]!;
  }
}
