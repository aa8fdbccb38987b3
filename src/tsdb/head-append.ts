// The record of a series and the inner loop of an append: samples that fit the page their series
// writes to. In random order nearly every sample misses the caches twice (record, place in the
// page), the second miss waiting for the first; so a group of samples is looked at before it is
// written, one kind of place at a time, where the misses do not wait for each other.
import type { HeadViews } from './head-pages.ts';
import { capacityOf, KIND_MASK, offsetAt, tickUsOf, usedOf, valueBehind } from './head-pages.ts';
import { HEAD_CHUNK_REFS, HEAD_CHUNK_REFS_LOG2 } from './limits.ts';

/** 32 bytes a series, by ref: base of its newest page (f64), then words. */
export const RECORD_WORDS = 8;
export const RECORD = {
  /** Newest page; 0: the series has no samples. */
  page: 2,
  /** Of that page, with the samples used. */
  meta: 3,
  /** Samples of the series; bit 31: their times do not ascend. */
  count: 4,
  /** Moment of the last first append (moments.ts), from the generation's own first one. */
  moment: 5,
  /** Count before that append. */
  saved: 6,
  /** Offset of the newest sample. */
  offset: 7,
} as const;
export const UNSORTED = 0x8000_0000 | 0;

/** Samples looked at before they are written: their lines fit the second cache. */
const GROUP = 256;
const places = new Int32Array(GROUP);

export interface AppendRun {
  /** Index in `i32` of the records of each chunk of refs; 0: none. Covers all refs. */
  readonly chunks: Int32Array;
  readonly refs: Uint32Array;
  readonly tUs: Float64Array;
  /** 64-bit values as word pairs. */
  readonly words: Int32Array;
  /** Kind as in a page's meta. */
  readonly kindBits: number;
  readonly moment: number;
  /** Samples before it were looked at. */
  touchedTo: number;
}

/**
 * Appends samples from `from` on; the index of the first one that needs more than a look at its
 * page (a new series, a full page, another kind, a time that is no int32 of ticks, a new moment).
 */
export function appendRun(memory: HeadViews, run: AppendRun, from: number, to: number): number {
  for (let at = from; at < to;) {
    if (at >= run.touchedTo) {
      run.touchedTo = Math.min(at + GROUP, to);
      touch(memory.i32, run, at, run.touchedTo);
    }
    const stopped = appendGroup(memory, run, at, run.touchedTo);
    if (stopped < run.touchedTo) return stopped;
    at = stopped;
  }
  return to;
}

/** Reads what appendGroup will need; the result only keeps the loads alive. */
function touch(i32: Int32Array, { chunks, refs }: AppendRun, from: number, to: number): number {
  const count = to - from;
  for (let i = 0; i < count; i++) {
    const ref = refs[from + i]!;
    const chunk = chunks[ref >>> HEAD_CHUNK_REFS_LOG2]!;
    const record = chunk + (ref & (HEAD_CHUNK_REFS - 1)) * RECORD_WORDS;
    places[i] = offsetAt(i32[record + RECORD.page]!, usedOf(i32[record + RECORD.meta]!));
  }
  let sum = 0;
  for (let i = 0; i < count; i++) sum |= i32[places[i]!]!;
  return sum;
}

function appendGroup({ i32, f64 }: HeadViews, run: AppendRun, from: number, to: number): number {
  const { chunks, refs, tUs, words, kindBits, moment } = run;
  for (let i = from; i < to; i++) {
    const ref = refs[i]!;
    const chunk = chunks[ref >>> HEAD_CHUNK_REFS_LOG2]!;
    if (chunk === 0) return i;
    const record = chunk + (ref & (HEAD_CHUNK_REFS - 1)) * RECORD_WORDS;
    const meta = i32[record + RECORD.meta]!;
    const used = usedOf(meta);
    const ticks = (tUs[i]! - f64[record >>> 1]!) / tickUsOf(meta);
    const offset = ticks | 0;
    if (used >= capacityOf(meta) || (meta & KIND_MASK) !== kindBits || offset !== ticks) return i;
    if (i32[record + RECORD.moment] !== moment) return i;
    if (offset <= i32[record + RECORD.offset]!) i32[record + RECORD.count]! |= UNSORTED;
    const at = offsetAt(i32[record + RECORD.page]!, used);
    const value = valueBehind(at, used);
    i32[at] = offset;
    i32[value] = words[2 * i]!;
    i32[value + 1] = words[2 * i + 1]!;
    i32[record + RECORD.offset] = offset;
    i32[record + RECORD.meta] = meta + 1;
    i32[record + RECORD.count]!++;
  }
  return to;
}
