// One head generation: what the log said in [seqMin, seqMax), in RAM. Samples live in pages of
// plain typed arrays; a series has runs of slots (2, 4, … 256), linked backwards, filled in order
// of arrival. Every sample has an ordinal, its place in the generation's own order; a reader that
// noted pointCount sees exactly the ordinals below it, while appends go on behind. Nothing is ever
// changed in place.
import { assert } from '../stdx/assert.ts';
import { KIND } from '../model/columns.ts';
import type {
  Attribute,
  Exemplar,
  Kind,
  Metadata,
  Points,
  Samples,
  SeriesRef,
  ValueColumn,
} from '../model/columns.ts';
import type { Histogram } from '../model/histogram.ts';
import type { TenantId } from '../model/tenant.ts';
import type { Delete } from './deletes.ts';
import { IdList } from './growable.ts';
import { PAGE_SLOTS, PAGE_SLOTS_LOG2, RUN_SLOTS_FIRST, RUN_SLOTS_MAX } from './limits.ts';
import { clampSamples, pickFrom, sliceSamples, sortedSource } from './samples.ts';
import type { Source, TimeRange } from './samples.ts';

const ORDINAL_END = 2 ** 32;

class Page {
  readonly tUs = new Float64Array(PAGE_SLOTS);
  /** Values of fixed-width kinds as word pairs; strings and histograms as places in a list. */
  readonly words = new Int32Array(PAGE_SLOTS * 2);
  readonly ordinals = new Uint32Array(PAGE_SLOTS);
  readonly kinds = new Uint8Array(PAGE_SLOTS);
  subNs: Uint16Array | undefined = undefined;
  startUs: Float64Array | undefined = undefined;
  position: Record<'latitude' | 'longitude' | 'elevation', Float64Array> | undefined = undefined;
  used = 0;
}

/** A row of a side table with its place in the generation's order. */
export interface Ordered<T> {
  readonly ordinal: number;
  readonly row: T;
}

export interface TenantMetadata extends Metadata {
  readonly tenant: TenantId;
}

export class Generation {
  readonly seqMin: number;
  /** Exclusive; set when the generation is frozen. */
  seqMax = Number.POSITIVE_INFINITY;
  /** Ordinals given so far; several column sets in a batch may skip some. */
  ordinalEnd = 0;
  sampleCount = 0;
  deleteCount = 0;
  minUs = Number.POSITIVE_INFINITY;
  maxUs = Number.NEGATIVE_INFINITY;
  readonly metadata: Ordered<TenantMetadata>[] = [];
  readonly exemplars: Ordered<Exemplar>[] = [];
  readonly attributes: Ordered<Attribute>[] = [];
  /** Series with samples, in order of first arrival. */
  readonly refs = new IdList();
  readonly #pages: Page[] = [];
  readonly #strings: string[] = [];
  readonly #histograms: Histogram[] = [];
  #lastRun = new Int32Array(0);
  #runSlot = new Int32Array(64);
  #runPrevious = new Int32Array(64);
  #runCapacity = new Uint16Array(64);
  #runUsed = new Uint16Array(64);
  #runCount = 0;

  constructor(seqMin: number) {
    this.seqMin = seqMin;
  }

  get isEmpty(): boolean {
    const sides = this.metadata.length + this.exemplars.length + this.attributes.length;
    return this.sampleCount + sides === 0;
  }

  has(ref: SeriesRef): boolean {
    return (this.#lastRun[ref] ?? -1) >= 0;
  }

  // -------------------------------------------------------------- writing

  /**
   * Applies the column sets of one batch (perhaps none); side rows of the batch take the ordinal
   * that `ordinalEnd` had before. `refs[k]` are the series of set k in this process, -1 where a
   * point is not to be applied.
   */
  applyPoints(sets: readonly Points[], refs: readonly ArrayLike<number>[]): void {
    let rowEnd = 1;
    for (const [k, points] of sets.entries()) {
      const stride = sets.length;
      assert(this.ordinalEnd + points.count * stride < ORDINAL_END, 'a generation is bounded');
      const words = wordsOf(points);
      const setRefs = refs[k]!;
      for (let i = 0; i < points.count; i++) {
        const row = (points.rows === undefined ? i : points.rows[i]!) * stride + k;
        if (row >= rowEnd) rowEnd = row + 1;
        const ref = setRefs[i]!;
        if (ref >= 0) this.#put(points, words, i, ref, this.ordinalEnd + row);
      }
    }
    this.ordinalEnd += rowEnd;
  }

  #put(
    points: Points,
    words: Int32Array | undefined,
    i: number,
    ref: SeriesRef,
    ordinal: number,
  ): void {
    const slot = this.#takeSlot(ref);
    const page = this.#pages[slot >>> PAGE_SLOTS_LOG2]!;
    const at = slot & (PAGE_SLOTS - 1);
    const tUs = points.tUs[i]!;
    page.tUs[at] = tUs;
    page.ordinals[at] = ordinal;
    page.kinds[at] = points.kind;
    if (words === undefined) page.words[2 * at] = this.#putObject(points, i);
    else {
      page.words[2 * at] = words[2 * i]!;
      page.words[2 * at + 1] = words[2 * i + 1]!;
    }
    if (points.subNs !== undefined || points.startUs !== undefined || points.position !== undefined)
      putCompanions(page, at, points, i);
    if (tUs < this.minUs) this.minUs = tUs;
    if (tUs > this.maxUs) this.maxUs = tUs;
    this.sampleCount++;
  }

  /** What stands for a boolean, string or histogram in a slot. */
  #putObject(points: Points, i: number): number {
    if (points.kind === KIND.boolean) return points.values[i]!;
    if (points.kind === KIND.string) return this.#strings.push(points.values[i]!) - 1;
    assert(points.kind === KIND.histogram, 'all other kinds are words');
    return this.#histograms.push(points.values[i]!) - 1;
  }

  #takeSlot(ref: SeriesRef): number {
    if (ref >= this.#lastRun.length) this.#growSeries(ref);
    let run = this.#lastRun[ref]!;
    if (run < 0 || this.#runUsed[run] === this.#runCapacity[run]) run = this.#openRun(ref, run);
    return this.#runSlot[run]! + this.#runUsed[run]!++;
  }

  #growSeries(ref: SeriesRef): void {
    const longer = new Int32Array(Math.max(1024, ref + 1, this.#lastRun.length * 2)).fill(-1);
    longer.set(this.#lastRun);
    this.#lastRun = longer;
  }

  #openRun(ref: SeriesRef, previous: number): number {
    const capacity =
      previous < 0 ? RUN_SLOTS_FIRST : Math.min(this.#runCapacity[previous]! * 2, RUN_SLOTS_MAX);
    let page = this.#pages.at(-1);
    if (page === undefined || page.used + capacity > PAGE_SLOTS) {
      page = new Page();
      this.#pages.push(page);
    }
    const run = this.#runCount++;
    if (run === this.#runSlot.length) this.#growRuns();
    this.#runSlot[run] = ((this.#pages.length - 1) << PAGE_SLOTS_LOG2) + page.used;
    this.#runPrevious[run] = previous;
    this.#runCapacity[run] = capacity;
    page.used += capacity;
    this.#lastRun[ref] = run;
    if (previous < 0) this.refs.push(ref);
    return run;
  }

  #growRuns(): void {
    const capacity = this.#runSlot.length * 2;
    this.#runSlot = grown(new Int32Array(capacity), this.#runSlot);
    this.#runPrevious = grown(new Int32Array(capacity), this.#runPrevious);
    this.#runCapacity = grown(new Uint16Array(capacity), this.#runCapacity);
    this.#runUsed = grown(new Uint16Array(capacity), this.#runUsed);
  }

  // -------------------------------------------------------------- reading

  /** Is the newest sample of a series visible and in the range? */
  lastIsIn(ref: SeriesRef, ordinalEnd: number, range: TimeRange): boolean {
    const run = this.#lastRun[ref] ?? -1;
    if (run < 0) return false;
    const slot = this.#runSlot[run]! + this.#runUsed[run]! - 1;
    const page = this.#pages[slot >>> PAGE_SLOTS_LOG2]!;
    const at = slot & (PAGE_SLOTS - 1);
    const tUs = page.tUs[at]!;
    return page.ordinals[at]! < ordinalEnd && tUs >= range.startUs && tUs <= range.endUs;
  }

  /** Slots of a series with an ordinal below `ordinalEnd` and a time in the range, oldest first. */
  #slots(ref: SeriesRef, ordinalEnd: number, range: TimeRange): Int32Array {
    const runs: number[] = [];
    let count = 0;
    for (let run = this.#lastRun[ref] ?? -1; run >= 0; run = this.#runPrevious[run]!) {
      runs.push(run);
      count += this.#runUsed[run]!;
    }
    const slots = new Int32Array(count);
    let used = 0;
    for (let r = runs.length - 1; r >= 0; r--) {
      const first = this.#runSlot[runs[r]!]!;
      const page = this.#pages[first >>> PAGE_SLOTS_LOG2]!;
      for (let slot = first; slot < first + this.#runUsed[runs[r]!]!; slot++) {
        const at = slot & (PAGE_SLOTS - 1);
        const tUs = page.tUs[at]!;
        if (page.ordinals[at]! >= ordinalEnd || tUs < range.startUs || tUs > range.endUs) continue;
        slots[used++] = slot;
      }
    }
    return slots.subarray(0, used);
  }

  /**
   * A series' visible samples as sources, one per kind. Deletes are those that hit the series; of
   * one with an offset inside this generation only what was applied before it is hidden.
   */
  sources(
    ref: SeriesRef,
    view: { readonly ordinalEnd: number; readonly range: TimeRange; readonly priority: number },
    deletes: readonly Delete[],
  ): Source[] {
    const plain = deletes.length === 0 ? this.#plainSource(ref, view) : undefined;
    if (plain !== undefined) return plain.samples.count === 0 ? [] : [plain];
    const slots = this.#slots(ref, view.ordinalEnd, view.range);
    if (slots.length === 0) return [];
    const kinds = new Set<Kind>();
    for (const slot of slots) kinds.add(this.#kindAt(slot));
    const out: Source[] = [];
    for (const kind of kinds) {
      const ofKind = kinds.size === 1 ? slots : slots.filter((s) => this.#kindAt(s) === kind);
      const { source, ascending } = this.#gather(kind, ofKind, view.priority);
      const kept = deletes.length === 0 ? source : this.#without(source, deletes);
      if (kept === undefined) continue;
      // The only kind, ascending: nothing to resolve, so nobody needs the ordinals.
      out.push(kinds.size === 1 && ascending ? { ...kept, ordinals: undefined } : kept);
    }
    return out;
  }

  /**
   * The usual series, copied run by run: one kind, no companions, ascending in time, all of it
   * visible. undefined where it is none; an empty column set where nothing is in the range.
   */
  #plainSource(
    ref: SeriesRef,
    view: { readonly ordinalEnd: number; readonly range: TimeRange; readonly priority: number },
  ): Source | undefined {
    const lastRun = this.#lastRun[ref] ?? -1;
    if (lastRun >= 0 && this.#runPrevious[lastRun]! < 0) return this.#oneRunSource(lastRun, view);
    const runs: number[] = [];
    let count = 0;
    for (let run = lastRun; run >= 0; run = this.#runPrevious[run]!) {
      runs.push(run);
      count += this.#runUsed[run]!;
    }
    const tUs = new Float64Array(count);
    const words = new Int32Array(count * 2);
    let used = 0;
    let kind: Kind | undefined;
    for (let r = runs.length - 1; r >= 0; r--) {
      const first = this.#runSlot[runs[r]!]!;
      const page = this.#pages[first >>> PAGE_SLOTS_LOG2]!;
      if (page.subNs !== undefined || page.startUs !== undefined || page.position !== undefined)
        return undefined;
      const at = first & (PAGE_SLOTS - 1);
      const end = at + this.#runUsed[runs[r]!]!;
      if (page.ordinals[end - 1]! >= view.ordinalEnd) return undefined;
      kind ??= page.kinds[at] as Kind;
      for (let i = at; i < end; i++) if (page.kinds[i] !== kind) return undefined;
      tUs.set(page.tUs.subarray(at, end), used);
      words.set(page.words.subarray(2 * at, 2 * end), 2 * used);
      used += end - at;
    }
    return kind === undefined ? undefined : this.#plain(kind, tUs, words, view);
  }

  /** As #plainSource where all is in one run: views of the page, no copy. */
  #oneRunSource(
    run: number,
    view: { readonly ordinalEnd: number; readonly range: TimeRange; readonly priority: number },
  ): Source | undefined {
    const first = this.#runSlot[run]!;
    const page = this.#pages[first >>> PAGE_SLOTS_LOG2]!;
    if (page.subNs !== undefined || page.startUs !== undefined || page.position !== undefined)
      return undefined;
    const at = first & (PAGE_SLOTS - 1);
    const end = at + this.#runUsed[run]!;
    if (page.ordinals[end - 1]! >= view.ordinalEnd) return undefined;
    const kind = page.kinds[at] as Kind;
    for (let i = at; i < end; i++) if (page.kinds[i] !== kind) return undefined;
    return this.#plain(
      kind,
      page.tUs.subarray(at, end),
      page.words.subarray(2 * at, 2 * end),
      view,
    );
  }

  #plain(
    kind: Kind,
    tUs: Float64Array,
    words: Int32Array<ArrayBuffer>,
    view: { readonly range: TimeRange; readonly priority: number },
  ): Source | undefined {
    const { length: count } = tUs;
    for (let i = 1; i < count; i++) if (tUs[i]! <= tUs[i - 1]!) return undefined;
    const { values } = this.#values(kind, words, count);
    const none = { subNs: undefined, startUs: undefined, position: undefined };
    const all = { kind, values, ...none, count, tUs } as Samples;
    const { startUs, endUs } = view.range;
    const samples = clampSamples(all, startUs, endUs) ?? sliceSamples(all, 0, 0);
    return sortedSource(samples, view.priority);
  }

  #kindAt(slot: number): Kind {
    return this.#pages[slot >>> PAGE_SLOTS_LOG2]!.kinds[slot & (PAGE_SLOTS - 1)] as Kind;
  }

  #gather(
    kind: Kind,
    slots: Int32Array,
    priority: number,
  ): { readonly source: Source; readonly ascending: boolean } {
    const count = slots.length;
    const tUs = new Float64Array(count);
    const words = new Int32Array(count * 2);
    const ordinals = new Uint32Array(count);
    let minUs = Number.POSITIVE_INFINITY;
    let maxUs = Number.NEGATIVE_INFINITY;
    let ascending = true;
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!;
      const page = this.#pages[slot >>> PAGE_SLOTS_LOG2]!;
      const at = slot & (PAGE_SLOTS - 1);
      const time = page.tUs[at]!;
      tUs[i] = time;
      words[2 * i] = page.words[2 * at]!;
      words[2 * i + 1] = page.words[2 * at + 1]!;
      ordinals[i] = page.ordinals[at]!;
      if (time <= maxUs) ascending = false;
      if (time < minUs) minUs = time;
      if (time > maxUs) maxUs = time;
    }
    const samples: Samples = {
      ...this.#values(kind, words, count),
      count,
      tUs,
      ...this.#companions(slots),
    };
    return { source: { samples, ordinals, priority, minUs, maxUs }, ascending };
  }

  #values(kind: Kind, words: Int32Array<ArrayBuffer>, count: number): ValueColumn {
    switch (kind) {
      case KIND.f64:
        return { kind, values: new Float64Array(words.buffer, words.byteOffset, count) };
      case KIND.i64:
        return { kind, values: new BigInt64Array(words.buffer, words.byteOffset, count) };
      case KIND.u64:
        return { kind, values: new BigUint64Array(words.buffer, words.byteOffset, count) };
      case KIND.boolean:
        return { kind, values: Uint8Array.from({ length: count }, (_, i) => words[2 * i]!) };
      case KIND.string:
        return {
          kind,
          values: Array.from({ length: count }, (_, i) => this.#strings[words[2 * i]!]!),
        };
      case KIND.histogram:
        return {
          kind,
          values: Array.from({ length: count }, (_, i) => this.#histograms[words[2 * i]!]!),
        };
    }
  }

  #companions(slots: Int32Array): Pick<Samples, 'subNs' | 'startUs' | 'position'> {
    const column = <T extends Float64Array | Uint16Array>(
      out: (length: number) => T,
      of: (page: Page) => T | undefined,
      missing: number,
    ): T | undefined => {
      let any = false;
      for (const slot of slots) {
        if (of(this.#pages[slot >>> PAGE_SLOTS_LOG2]!) === undefined) continue;
        const value = of(this.#pages[slot >>> PAGE_SLOTS_LOG2]!)![slot & (PAGE_SLOTS - 1)]!;
        any ||= missing === 0 ? value !== 0 : !Number.isNaN(value);
        if (any) break;
      }
      if (!any) return undefined;
      const filled = out(slots.length);
      for (let i = 0; i < slots.length; i++) {
        const page = this.#pages[slots[i]! >>> PAGE_SLOTS_LOG2]!;
        filled[i] = of(page)?.[slots[i]! & (PAGE_SLOTS - 1)] ?? missing;
      }
      return filled;
    };
    if (this.#pages.every((p) => !p.subNs && !p.startUs && !p.position))
      return { subNs: undefined, startUs: undefined, position: undefined };
    const latitude = column(doubles, (page) => page.position?.latitude, Number.NaN);
    const axis = (name: 'longitude' | 'elevation'): Float64Array =>
      column(doubles, (page) => page.position?.[name], Number.NaN) ?? nans(slots.length);
    return {
      subNs: column(
        (length) => new Uint16Array(length),
        (page) => page.subNs,
        0,
      ),
      startUs: column(doubles, (page) => page.startUs, Number.NaN),
      position: latitude && {
        latitude,
        longitude: axis('longitude'),
        elevation: axis('elevation'),
      },
    };
  }

  #without(source: Source, deletes: readonly Delete[]): Source | undefined {
    const { samples, ordinals } = source;
    const kept: number[] = [];
    for (let i = 0; i < samples.count; i++) {
      const tUs = samples.tUs[i]!;
      const isHidden = deletes.some(
        (one) => tUs >= one.startUs && tUs <= one.endUs && this.hides(one, ordinals![i]!),
      );
      if (!isHidden) kept.push(i);
    }
    return kept.length === samples.count ? source : pickFrom(source, Uint32Array.from(kept));
  }

  /** Does a delete hide something of this generation that has this ordinal? */
  hides(one: Delete, ordinal: number): boolean {
    if (one.offset < this.seqMin) return false;
    if (one.offset >= this.seqMax) return true;
    return ordinal < one.ordinal;
  }
}

/** The 64-bit values of fixed-width kinds as word pairs. */
function wordsOf({ kind, values }: Points): Int32Array | undefined {
  if (kind !== KIND.f64 && kind !== KIND.i64 && kind !== KIND.u64) return undefined;
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2);
}

function grown<T extends Int32Array | Uint16Array>(to: T, from: T): T {
  to.set(from);
  return to;
}

function doubles(length: number): Float64Array {
  return new Float64Array(length);
}

function nans(length: number): Float64Array {
  return new Float64Array(length).fill(Number.NaN);
}

function putCompanions(page: Page, at: number, points: Points, i: number): void {
  const subNs = points.subNs?.[i] ?? 0;
  if (subNs !== 0) page.subNs ??= new Uint16Array(PAGE_SLOTS);
  if (page.subNs !== undefined) page.subNs[at] = subNs;
  const startUs = points.startUs?.[i] ?? Number.NaN;
  if (!Number.isNaN(startUs)) page.startUs ??= nans(PAGE_SLOTS);
  if (page.startUs !== undefined) page.startUs[at] = startUs;
  const { position } = points;
  if (position === undefined || Number.isNaN(position.latitude[i]!)) return;
  page.position ??= {
    latitude: nans(PAGE_SLOTS),
    longitude: nans(PAGE_SLOTS),
    elevation: nans(PAGE_SLOTS),
  };
  page.position.latitude[at] = position.latitude[i]!;
  page.position.longitude[at] = position.longitude[i]!;
  page.position.elevation[at] = position.elevation[i]!;
}
