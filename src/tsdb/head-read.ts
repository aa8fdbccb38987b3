// A series of a head generation as sources. The usual one (one kind, no companions, no deletes) is
// copied page by page and, where times do not ascend, sorted in scratch; everything else is
// gathered sample by sample and resolved with the rest of the series.
import { BLOCK_COUNT_MAX } from '../codec/limits.ts';
import { KIND } from '../model/columns.ts';
import type { Kind, Samples, ValueColumn } from '../model/columns.ts';
import type { HeadMemory } from './head-memory.ts';
import type { HeadObjects } from './head-objects.ts';
import type { HeadBytes } from './head-pages.ts';
import {
  hasCompanions,
  isSealed,
  KIND_MASK,
  kindOf,
  metaAt,
  offsetAt,
  previousOf,
  timeAt,
  valueBehind,
} from './head-pages.ts';
import { latestUs, readSamples, samplesIn, unpackPage } from './head-sealed.ts';
import { clampSamples, sortedSource } from './samples.ts';
import type { Source, TimeRange } from './samples.ts';
import { sortNewest } from './sort-newest.ts';

export interface HeadView {
  readonly moment: number;
  readonly range: TimeRange;
  readonly priority: number;
}

/** The first `count` samples of the chain that ends with `page`. */
export interface HeadChain {
  readonly memory: HeadBytes;
  readonly objects: HeadObjects;
  readonly page: number;
  readonly count: number;
  /** Times are known to ascend strictly. */
  readonly isAscending: boolean;
}

/** A delete that hides samples before `count` in arrival order. */
export interface HeadDelete extends TimeRange {
  readonly count: number;
}

/** Pages of a chain, oldest first, with how many of their samples count. */
interface Pages {
  readonly pages: number[];
  readonly counts: number[];
}

export function readHeadSources(
  chain: HeadChain,
  view: HeadView,
  deletes: readonly HeadDelete[],
): Source[] {
  if (chain.count === 0) return [];
  const pages = pagesOf(chain);
  const isPlain = deletes.length === 0 && areOfOneKind(chain.memory.i32, pages.pages);
  return isPlain ? plainSource(chain, pages, view) : gathered(chain, pages, view, deletes);
}

/** And without companions. */
function areOfOneKind(i32: Int32Array, pages: readonly number[]): boolean {
  const kind = metaAt(i32, pages[0]!) & KIND_MASK;
  for (const page of pages) {
    const meta = metaAt(i32, page);
    if ((meta & KIND_MASK) !== kind || hasCompanions(meta)) return false;
  }
  return true;
}

function pagesOf({ memory, page, count }: HeadChain): Pages {
  const { i32 } = memory;
  if (previousOf(i32, page) === 0) return { pages: [page], counts: [count] };
  const pages: number[] = [];
  for (let at = page; at !== 0; at = previousOf(i32, at)) pages.push(at);
  pages.reverse();
  const counts: number[] = [];
  let left = count;
  for (const one of pages) {
    if (left === 0) break;
    // The newest page has what is left of the count.
    const used = one === page ? left : Math.min(samplesIn(i32, one), left);
    counts.push(used);
    left -= used;
  }
  pages.length = counts.length;
  return { pages, counts };
}

/** Arrays of so many samples lie in the heap, as long as nobody asks for their buffer. */
const FEW_SAMPLES = 8;
const fewWords = new Int32Array(2 * FEW_SAMPLES);
const fewDoubles = new Float64Array(fewWords.buffer);
const fewIntegers = new BigInt64Array(fewWords.buffer);
const fewUnsigned = new BigUint64Array(fewWords.buffer);

/** Values of few samples, copied bit for bit; undefined: of more, or a kind of objects. */
function fewValues(kind: Kind, words: Int32Array, count: number): ValueColumn | undefined {
  if (words !== fewWords) return undefined;
  if (kind === KIND.f64) return { kind, values: fewDoubles.slice(0, count) };
  if (kind === KIND.i64) return { kind, values: fewIntegers.slice(0, count) };
  if (kind === KIND.u64) return { kind, values: fewUnsigned.slice(0, count) };
  return undefined;
}

function plainSource(chain: HeadChain, all: Pages, view: HeadView): Source[] {
  const { memory, objects, isAscending } = chain;
  const { range, priority } = view;
  const { pages, counts } = isAscending ? within(memory, all, range) : all;
  let count = 0;
  for (const one of counts) count += one;
  if (count === 0) return [];
  const tUs = new Float64Array(count);
  const words = count <= FEW_SAMPLES ? fewWords : new Int32Array(count * 2);
  let at = 0;
  for (let i = 0; i < pages.length; i++) {
    readSamples(memory, pages[i]!, counts[i]!, tUs, words, at);
    at += counts[i]!;
  }
  const kind = kindOf(metaAt(memory.i32, pages[0]!));
  const kept = isAscending ? count : sortNewest(tUs, words, count);
  const samples = {
    kind,
    values: (fewValues(kind, words, kept) ?? objects.values(kind, words, kept)).values,
    count: kept,
    tUs: kept === count ? tUs : tUs.subarray(0, kept),
    subNs: undefined,
    startUs: undefined,
    position: undefined,
  } as Samples;
  const clamped = clampSamples(samples, range.startUs, range.endUs);
  return clamped === undefined ? [] : [sortedSource(clamped, priority)];
}

/** Pages of the chain that is read into a room, the newest first. */
const roomPages = new Int32Array(BLOCK_COUNT_MAX);

/** Room for one series after the other, for whoever is done with one before the next. */
export class SampleRoom {
  readonly #memory: HeadMemory;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #tUs: Float64Array<ArrayBuffer>;
  /** The same room as columns of each kind of words. */
  readonly #columns: readonly (Samples & { count: number })[];
  #samples: Samples;

  /** Of a memory there is one room: it is its scratch. */
  constructor(memory: HeadMemory) {
    this.#memory = memory;
    this.#words = memory.scratch.roomWords;
    this.#tUs = memory.scratch.roomTimes;
    const { buffer, byteOffset } = this.#words;
    const room = [buffer, byteOffset, BLOCK_COUNT_MAX] as const;
    this.#columns = [
      this.#column({ kind: KIND.f64, values: new Float64Array(...room) }),
      this.#column({ kind: KIND.i64, values: new BigInt64Array(...room) }),
      this.#column({ kind: KIND.u64, values: new BigUint64Array(...room) }),
    ];
    this.#samples = this.#columns[0]!;
  }

  #column(values: ValueColumn): Samples & { count: number } {
    const none = { subNs: undefined, startUs: undefined, position: undefined };
    return { ...values, count: 0, tUs: this.#tUs, ...none };
  }

  /** What was read last, good until the next, and until anything else runs. */
  get samples(): Samples {
    return this.#samples;
  }

  /**
   * Reads a chain in the usual form: numbers of 64 bits of one kind without companions, all in the
   * range, no more than a block takes. False where it is another one, for readHeadSources.
   */
  read({ page, count, isAscending }: HeadChain, range: TimeRange): boolean {
    if (count === 0 || count > BLOCK_COUNT_MAX) return false;
    const { i32, pages, scratch } = this.#memory;
    const kind = kindOf(metaAt(i32, page));
    const column = this.#columns.find((one) => one.kind === kind);
    if (column === undefined) return false;
    const tUs = this.#tUs;
    const places = [tUs.byteOffset, this.#words.byteOffset] as const;
    const isRead =
      pages !== undefined && pages.readChain(scratch.pagesAt, page, count, ...places) > 0;
    if (!isRead && !this.#readPages(page, count, kind)) return false;
    const kept = isAscending ? count : sortNewest(tUs, this.#words, count);
    column.count = kept;
    this.#samples = column;
    return tUs[0]! >= range.startUs && tUs[kept - 1]! <= range.endUs;
  }

  /** The same page by page; false where the chain is another one. */
  #readPages(page: number, count: number, kind: Kind): boolean {
    const memory = this.#memory;
    const { i32 } = memory;
    let pageCount = 0;
    for (let at = page; at !== 0; at = previousOf(i32, at)) {
      const meta = metaAt(i32, at);
      if (kindOf(meta) !== kind || hasCompanions(meta)) return false;
      if (pageCount === BLOCK_COUNT_MAX) return false;
      roomPages[pageCount++] = at;
    }
    let at = 0;
    for (let i = pageCount - 1; i >= 0 && at < count; i--) {
      // The newest page has what is left of the count.
      const one = roomPages[i]!;
      const used = i === 0 ? count - at : Math.min(samplesIn(i32, one), count - at);
      readSamples(memory, one, used, this.#tUs, this.#words, at);
      at += used;
    }
    return true;
  }
}

/** The pages of an ascending chain that can hold times of the range. */
function within(memory: HeadBytes, { pages, counts }: Pages, range: TimeRange): Pages {
  let from = 0;
  let to = pages.length;
  while (from < to && latestUs(memory, pages[from]!, counts[from]!) < range.startUs) from++;
  while (to > from && memory.f64[pages[to - 1]!]! > range.endUs) to--;
  if (from === 0 && to === pages.length) return { pages, counts };
  return { pages: pages.slice(from, to), counts: counts.slice(from, to) };
}

// ---------------------------------------------------------------- sample by sample

function gathered(
  chain: HeadChain,
  { pages, counts }: Pages,
  { range, priority }: HeadView,
  deletes: readonly HeadDelete[],
): Source[] {
  const { memory } = chain;
  const kinds: Kind[] = [];
  let ordinal = 0;
  for (let p = 0; p < pages.length; p++) {
    const page = pages[p]!;
    const meta = metaAt(memory.i32, page);
    const kind = kindOf(meta);
    const views = isSealed(meta) ? unpackPage(memory, page) : memory;
    const place = isSealed(meta) ? 0 : page;
    const of = (gatherings[kind] ??= new Gathering());
    let isKnown = kinds.includes(kind);
    for (let slot = 0; slot < counts[p]!; slot++, ordinal++) {
      const tUs = timeAt(views, place, slot);
      if (tUs < range.startUs || tUs > range.endUs) continue;
      if (isHidden(deletes, ordinal, tUs)) continue;
      if (!isKnown) {
        isKnown = true;
        kinds.push(kind);
        of.count = 0;
      }
      const value = valueBehind(offsetAt(place, slot), slot);
      const at = of.take();
      of.tUs[at] = tUs;
      of.words[2 * at] = views.i32[value]!;
      of.words[2 * at + 1] = views.i32[value + 1]!;
      of.pages[at] = page;
      of.slots[at] = slot;
      of.ordinals[at] = ordinal;
    }
  }
  const out: Source[] = [];
  for (const kind of kinds) {
    const { source, isAscending } = sourceOf(chain, kind, gatherings[kind]!, priority);
    // The only kind, ascending: nothing to resolve, so nobody needs the ordinals.
    out.push(kinds.length === 1 && isAscending ? { ...source, ordinals: undefined } : source);
    if (gatherings[kind]!.tUs.length > BLOCK_COUNT_MAX) gatherings[kind] = undefined;
  }
  return out;
}

function isHidden(deletes: readonly HeadDelete[], ordinal: number, tUs: number): boolean {
  for (const { count, startUs, endUs } of deletes)
    if (ordinal < count && tUs >= startUs && tUs <= endUs) return true;
  return false;
}

/** Samples of one kind, while one series is read: nothing else runs meanwhile. */
class Gathering {
  count = 0;
  tUs = new Float64Array(0);
  /** Word pairs. */
  words = new Int32Array(0);
  pages = new Int32Array(0);
  slots = new Uint8Array(0);
  ordinals = new Uint32Array(0);

  /** Room for one more. */
  take(): number {
    if (this.count === this.tUs.length) this.#grow();
    return this.count++;
  }

  #grow(): void {
    const capacity = Math.max(64, this.count * 2);
    const { tUs, words, pages, slots, ordinals } = this;
    this.tUs = new Float64Array(capacity);
    this.tUs.set(tUs);
    this.words = new Int32Array(2 * capacity);
    this.words.set(words);
    this.pages = new Int32Array(capacity);
    this.pages.set(pages);
    this.slots = new Uint8Array(capacity);
    this.slots.set(slots);
    this.ordinals = new Uint32Array(capacity);
    this.ordinals.set(ordinals);
  }
}

/** By kind; rooms of more samples than a block has are not kept. */
const gatherings: (Gathering | undefined)[] = [];

function sourceOf(
  { memory, objects }: HeadChain,
  kind: Kind,
  of: Gathering,
  priority: number,
): { readonly source: Source; readonly isAscending: boolean } {
  const { count } = of;
  const tUs = of.tUs.slice(0, count);
  let minUs = Number.POSITIVE_INFINITY;
  let maxUs = Number.NEGATIVE_INFINITY;
  let isAscending = true;
  for (let i = 0; i < count; i++) {
    const time = tUs[i]!;
    if (time <= maxUs) isAscending = false;
    if (time < minUs) minUs = time;
    if (time > maxUs) maxUs = time;
  }
  const samples = {
    ...valuesOf(objects, kind, of.words, count),
    ...objects.companions(memory.i32, of),
    count,
    tUs,
  } as Samples;
  const ordinals = of.ordinals.slice(0, count);
  return { source: { samples, ordinals, priority, minUs, maxUs }, isAscending };
}

/** A copy of numbers; few of them lie in the heap. */
function valuesOf(
  objects: HeadChain['objects'],
  kind: Kind,
  words: Int32Array<ArrayBuffer>,
  count: number,
): ValueColumn {
  const isNumber = kind === KIND.f64 || kind === KIND.i64 || kind === KIND.u64;
  if (!isNumber) return objects.values(kind, words, count);
  if (count > FEW_SAMPLES) return objects.values(kind, words.slice(0, 2 * count), count);
  for (let i = 0; i < 2 * count; i++) fewWords[i] = words[i]!;
  return fewValues(kind, fewWords, count)!;
}
