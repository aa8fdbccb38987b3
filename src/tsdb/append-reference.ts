// The reference of kernels/append.ts, and what appends where there is no kernel.
import {
  CONTROL,
  DIRECTORY_AT,
  DUE_SAMPLES_AT,
  FREE_PAGES_AT,
  NEW_SAMPLES_AT,
} from './append-scratch.ts';
import { COUNT_MASK, RECORD, RECORD_WORDS, UNSORTED } from './head-append.ts';
import type { HeadViews } from './head-pages.ts';
import {
  capacityOf,
  closePage,
  COARSE_TICK_US,
  formatPage,
  freshMeta,
  KIND_MASK,
  offsetAt,
  pageCells,
  tickFor,
  tickUsOf,
  usedOf,
  valueBehind,
} from './head-pages.ts';
import { HEAD_CHUNK_REFS, HEAD_CHUNK_REFS_LOG2 } from './limits.ts';
import { slotOf } from './refs.ts';

/** As AppendSamples, in these views of the memory. */
export function appendByReference(
  views: HeadViews,
  scratchAt: number,
  from: number,
  to: number,
): number {
  const { i32, f64 } = views;
  const control = scratchAt >>> 2;
  const moment = i32[control + CONTROL.moment]!;
  const calmMoment = i32[control + CONTROL.calmMoment]!;
  const kindBits = i32[control + CONTROL.kindBits]!;
  const directory = (scratchAt + DIRECTORY_AT) >>> 2;
  const refs = i32[control + CONTROL.refsAt]! >>> 2;
  const times = i32[control + CONTROL.timesAt]! >>> 3;
  const values = i32[control + CONTROL.valuesAt]! >>> 2;
  for (let i = from; i < to; i++) {
    const slot = slotOf(i32[refs + i]!);
    const chunk = i32[directory + (slot >>> HEAD_CHUNK_REFS_LOG2)]!;
    if (chunk === 0) return i;
    const record = chunk + (slot & (HEAD_CHUNK_REFS - 1)) * RECORD_WORDS;
    const tUs = f64[times + i]!;
    const last = i32[record + RECORD.moment]!;
    if (last !== moment && last > calmMoment) return i;
    let meta = i32[record + RECORD.meta]!;
    const ticks = (tUs - f64[record >>> 1]!) / tickUsOf(meta);
    let offset = ticks | 0;
    if (usedOf(meta) === capacityOf(meta) || (meta & KIND_MASK) !== kindBits || offset !== ticks) {
      if (!openPage(views, control, record, { tUs, index: i })) return i;
      meta = i32[record + RECORD.meta]!;
      offset = 0;
    } else if (offset <= i32[record + RECORD.offset]!) i32[record + RECORD.count]! |= UNSORTED;
    if (last !== moment) {
      i32[record + RECORD.saved] = i32[record + RECORD.count]! & COUNT_MASK;
      i32[record + RECORD.moment] = moment;
    }
    const used = usedOf(meta);
    const at = offsetAt(i32[record + RECORD.page]!, used);
    const value = valueBehind(at, used);
    i32[at] = offset;
    i32[value] = i32[values + 2 * i]!;
    i32[value + 1] = i32[values + 2 * i + 1]!;
    i32[record + RECORD.offset] = offset;
    i32[record + RECORD.meta] = meta + 1;
    i32[record + RECORD.count]!++;
  }
  return to;
}

/**
 * A page whose base is the time. Where the one before was closed although it had room, the next one
 * is small again; where it was closed because days lie between, ticks are seconds if they can be.
 * False where there is no room.
 */
function openPage(
  views: HeadViews,
  control: number,
  record: number,
  { tUs, index }: { readonly tUs: number; readonly index: number },
): boolean {
  const { i32, f64 } = views;
  const previous = i32[record + RECORD.page]!;
  const meta = i32[record + RECORD.meta]!;
  const used = usedOf(meta);
  const first = i32[control + CONTROL.firstSamples]!;
  let capacity = first;
  let tick = tickFor(tUs);
  if (previous !== 0) {
    if (used === capacityOf(meta)) {
      const next = used === first ? CONTROL.secondSamples : CONTROL.laterSamples;
      capacity = i32[control + next]!;
    } else if (tickUsOf(meta) > 1 && tUs % COARSE_TICK_US === 0) tick = 2;
  }
  const page = takePage(i32, control, capacity);
  if (page === 0) return false;
  if (previous !== 0) {
    closePage(i32, previous, used);
    const count = i32[record + RECORD.count]! & COUNT_MASK;
    const seal = i32[control + CONTROL.sealSamples]!;
    if (Math.floor(count / seal) !== Math.floor((count - used) / seal)) {
      const dueSamples = control + (DUE_SAMPLES_AT >>> 2);
      i32[dueSamples + i32[control + CONTROL.dueCount]!++] = index;
    }
    const lastUs = f64[record >>> 1]! + i32[record + RECORD.offset]! * tickUsOf(meta);
    if (tUs <= lastUs) i32[record + RECORD.count]! |= UNSORTED;
  } else {
    const newSamples = control + (NEW_SAMPLES_AT >>> 2);
    i32[newSamples + i32[control + CONTROL.newCount]!++] = index;
  }
  const fresh = freshMeta(capacity, i32[control + CONTROL.kindBits]!, tick);
  formatPage(views, page, { baseUs: tUs, previous, meta: fresh });
  f64[record >>> 1] = tUs;
  i32[record + RECORD.page] = page;
  i32[record + RECORD.meta] = fresh;
  return true;
}

/** A free page of the most usual capacity, or the next cells; 0: there is no room. */
function takePage(i32: Int32Array, control: number, capacity: number): number {
  const free = i32[control + CONTROL.freeCount]!;
  if (free > 0 && capacity === i32[control + CONTROL.laterSamples]) {
    i32[control + CONTROL.freeCount] = free - 1;
    return i32[control + (FREE_PAGES_AT >>> 2) + free - 1]!;
  }
  const page = i32[control + CONTROL.nextCell]!;
  const end = page + pageCells(capacity);
  if (end > i32[control + CONTROL.endCell]!) return 0;
  i32[control + CONTROL.nextCell] = end;
  return page;
}
