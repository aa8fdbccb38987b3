// Replaces closed pages of a series by sealed ones (head-sealed.ts), a little after each append, so
// that a head holds several times as many samples in its bytes. What a reader sees stays as it was:
// readers find a series' pages anew from its record each time, copy in one go what they want, and
// count samples in order of arrival, which sealing keeps. Who copies memory piece by piece lets the
// sealer rest meanwhile.
import { VECTOR_COUNT_MAX } from '../codec/limits.ts';
import type { SeriesRef } from '../model/columns.ts';
import { grownU32 } from '../stdx/growable.ts';
import { FreePages } from './free-pages.ts';
import type { Arena, HeadMemory } from './head-memory.ts';
import {
  capacityOf,
  hasCompanions,
  isSettled,
  KIND_MASK,
  linkPage,
  markLeft,
  metaAt,
  pageCells,
  previousOf,
  usedOf,
} from './head-pages.ts';
import { SealedRun } from './head-sealed.ts';
import { SEAL_PER_SAMPLE, SEAL_SLICE_SAMPLES } from './limits.ts';

/** One page is worth a look at so many samples. */
const PAGE_COST_SAMPLES = 16;

/** Series whose pages are looked at ahead, so that the misses of one do not wait for another's. */
const AHEAD_SERIES = 32;
/** Pages of each: about as many as are sealed at once. */
const AHEAD_PAGES = 6;
/** Words of a line of the processor's cache. */
const LINE_WORDS = 16;
const ahead = new Int32Array(AHEAD_SERIES);

export interface SealerParts {
  readonly memory: HeadMemory;
  readonly arena: Arena;
  /** Capacity of the pages that appends open most. */
  readonly usualSamples: number;
  /** The newest page of a series. */
  readonly newestPage: (ref: SeriesRef) => number;
}

export class HeadSealer {
  readonly free: FreePages;
  readonly #parts: SealerParts;
  readonly #run = new SealedRun();
  /** Series that may have enough closed pages, in order; those before `#dueAt` were looked at. */
  #due: SeriesRef[] = [];
  #dueAt = 0;
  /**
   * Pages of the series that is being sealed, oldest first; the last one is that behind them. From
   * `#next` on they are to be sealed.
   */
  #pages = new Uint32Array(64);
  #pageCount = 0;
  #next = 0;
  /** Samples that may be sealed now. */
  #credit = 0;
  #rests = 0;
  /** Only keeps loads alive. */
  #touched = 0;

  constructor(parts: SealerParts) {
    this.#parts = parts;
    this.free = new FreePages(pageCells(parts.usualSamples));
  }

  noteDue(ref: SeriesRef): void {
    this.#due.push(ref);
  }

  /** Pages stay as they are until as many `resume`. */
  rest(): void {
    this.#rests++;
  }

  resume(): void {
    this.#rests--;
  }

  /** Seals some, after so many samples were appended. */
  work(appended: number): void {
    if (this.#rests > 0) return;
    const credit = this.#credit + appended * SEAL_PER_SAMPLE;
    this.#credit = Math.min(credit, SEAL_SLICE_SAMPLES);
    while (this.#credit > 0) {
      if (this.#next + 1 >= this.#pageCount && !this.#findPages()) {
        this.#credit = 0;
        return;
      }
      this.#credit -= this.#sealNext();
    }
  }

  /** The next series with pages to seal; false: there is none. */
  #findPages(): boolean {
    const { memory, newestPage } = this.#parts;
    const { i32 } = memory;
    while (this.#dueAt < this.#due.length) {
      if (this.#dueAt % AHEAD_SERIES === 0) this.#touched = this.#lookAhead();
      const newest = newestPage(this.#due[this.#dueAt++]!);
      this.#pages[0] = newest;
      this.#pageCount = 1;
      let page = previousOf(i32, newest);
      for (; page !== 0 && !isSettled(metaAt(i32, page)); page = previousOf(i32, page)) {
        if (this.#pageCount === this.#pages.length) this.#grow();
        this.#pages[this.#pageCount++] = page;
      }
      if (this.#pageCount === 1) continue;
      turnAround(this.#pages, this.#pageCount);
      this.#next = 0;
      return true;
    }
    this.#due = [];
    this.#dueAt = this.#pageCount = this.#next = 0;
    return false;
  }

  #grow(): void {
    this.#pages = grownU32(this.#pages, this.#pageCount + 1);
  }

  /** Loads what the next jobs will read. */
  #lookAhead(): number {
    const { memory, newestPage } = this.#parts;
    const { i32 } = memory;
    const count = Math.min(AHEAD_SERIES, this.#due.length - this.#dueAt);
    for (let k = 0; k < count; k++) ahead[k] = newestPage(this.#due[this.#dueAt + k]!);
    let sum = this.#touched;
    for (let depth = 0; depth < AHEAD_PAGES; depth++)
      for (let k = 0; k < count; k++) {
        const page = ahead[k]! === 0 ? 0 : previousOf(i32, ahead[k]!);
        ahead[k] = page;
        for (let line = 1; line < 4; line++) sum |= i32[2 * page + line * LINE_WORDS]!;
      }
    return sum;
  }

  /** As many pages as one sealed page takes; what that costs, in samples. */
  #sealNext(): number {
    const { memory } = this.#parts;
    const pages = this.#pages;
    const from = this.#next;
    let to = this.#endOfRun(from);
    // A page with companions stands alone.
    const isPlain = !hasCompanions(metaAt(memory.i32, pages[from]!));
    if (isPlain) while (!this.#run.encode(memory, pages, from, to)) to = from + ((to - from) >> 1);
    const isSealed = isPlain && this.#replace(from, to);
    if (!isSealed) for (let i = from; i < to; i++) markLeft(memory.i32, pages[i]!);
    this.#next = to;
    return (to - from) * PAGE_COST_SAMPLES;
  }

  /** Pages [from, end) are alike and few enough. */
  #endOfRun(from: number): number {
    const { i32 } = this.#parts.memory;
    const pages = this.#pages;
    const meta = metaAt(i32, pages[from]!);
    let count = usedOf(meta);
    let end = from + 1;
    if (hasCompanions(meta)) return end;
    for (; end < this.#pageCount - 1; end++) {
      const own = metaAt(i32, pages[end]!);
      count += usedOf(own);
      const isAlike = (own & KIND_MASK) === (meta & KIND_MASK) && !hasCompanions(own);
      if (!isAlike || count > VECTOR_COUNT_MAX) break;
    }
    return end;
  }

  /** Puts what was encoded in the place of pages [from, to); false where that saves nothing. */
  #replace(from: number, to: number): boolean {
    const { memory, arena } = this.#parts;
    const { i32 } = memory;
    const pages = this.#pages;
    let freed = 0;
    for (let i = from; i < to; i++) freed += cellsOf(i32, pages[i]!);
    const { cells } = this.#run;
    if (cells >= freed) return false;
    const previous = previousOf(i32, pages[from]!);
    for (let i = from; i < to; i++) this.free.give(pages[i]!, cellsOf(i32, pages[i]!));
    const free = this.free.take(cells);
    const page = free === 0 ? arena.take(cells) : free;
    // Views of the memory may be others by now.
    this.#run.write(memory, page, previous);
    linkPage(memory.i32, pages[to]!, page);
    return true;
  }
}

function cellsOf(i32: Int32Array, page: number): number {
  return pageCells(capacityOf(metaAt(i32, page)));
}

function turnAround(pages: Uint32Array, count: number): void {
  for (let low = 0, high = count - 1; low < high; low++, high--) {
    const page = pages[low]!;
    pages[low] = pages[high]!;
    pages[high] = page;
  }
}
