// What a head page cannot hold: strings and histograms (a page has their places in these lists) and
// companion columns, which exist for the pages that have any.
import { isPlaced, KIND } from '../model/columns.ts';
import type { Kind, Points, Samples, ValueColumn } from '../model/columns.ts';
import type { Histogram } from '../model/histogram.ts';
import { assert } from '../stdx/assert.ts';
import { capacityOf, hasCompanions, markCompanions, metaAt } from './head-pages.ts';

/** Estimated bytes beside the content. */
const STRING_BYTES = 24;
const HISTOGRAM_BYTES = 240;
const COMPANIONS_BYTES = 200;

export interface PageCompanions {
  subNs: Uint16Array | undefined;
  startUs: Float64Array | undefined;
  position: Position | undefined;
}

type Position = Record<'latitude' | 'longitude' | 'elevation', Float64Array>;

/** Where the first `count` samples of a read are: of each its page and its place in it. */
export interface Places {
  readonly count: number;
  readonly pages: Int32Array;
  readonly slots: Uint8Array;
}

export class HeadObjects {
  readonly #strings: string[] = [];
  readonly #histograms: Histogram[] = [];
  readonly #companions = new Map<number, PageCompanions>();
  /** An estimate. */
  sizeBytes = 0;

  /** Keeps a boolean, string or histogram; the word that stands for it. */
  put(points: Points, i: number): number {
    if (points.kind === KIND.boolean) return points.values[i]!;
    if (points.kind === KIND.string) {
      const text = points.values[i]!;
      this.sizeBytes += STRING_BYTES + 2 * text.length;
      return this.#strings.push(text) - 1;
    }
    assert(points.kind === KIND.histogram, 'all other kinds are words');
    const histogram = points.values[i]!;
    const buckets = histogram.positiveBuckets.length + histogram.negativeBuckets.length;
    this.sizeBytes += HISTOGRAM_BYTES + 8 * buckets;
    return this.#histograms.push(histogram) - 1;
  }

  /** Keeps the companions of a sample that was just appended to `page`. */
  putCompanions(
    i32: Int32Array,
    { page, slot }: { readonly page: number; readonly slot: number },
    points: Points,
    i: number,
  ): void {
    const subNs = points.subNs?.[i] ?? 0;
    const startUs = points.startUs?.[i] ?? Number.NaN;
    const { position } = points;
    const hasPosition = position !== undefined && isPlaced(position, i);
    if (subNs === 0 && Number.isNaN(startUs) && !hasPosition) return;
    const capacity = capacityOf(metaAt(i32, page));
    let columns = this.#companions.get(page);
    if (columns === undefined) {
      columns = { subNs: undefined, startUs: undefined, position: undefined };
      this.#companions.set(page, columns);
      markCompanions(i32, page);
      this.sizeBytes += COMPANIONS_BYTES + capacity * (hasPosition ? 34 : 10);
    }
    if (subNs !== 0) (columns.subNs ??= new Uint16Array(capacity))[slot] = subNs;
    if (!Number.isNaN(startUs)) (columns.startUs ??= nans(capacity))[slot] = startUs;
    if (!hasPosition) return;
    const place = (columns.position ??= positions(capacity));
    place.latitude[slot] = position.latitude[i]!;
    place.longitude[slot] = position.longitude[i]!;
    place.elevation[slot] = position.elevation[i]!;
  }

  /** Companion columns of some samples; a column that would be empty is undefined. */
  companions(i32: Int32Array, places: Places): Pick<Samples, 'subNs' | 'startUs' | 'position'> {
    const { count, pages, slots } = places;
    const none = { subNs: undefined, startUs: undefined, position: undefined };
    let first = 0;
    while (first < count && !hasCompanions(metaAt(i32, pages[first]!))) first++;
    if (first === count) return none;
    let subNs: Uint16Array | undefined;
    let startUs: Float64Array | undefined;
    let position: Position | undefined;
    for (let i = first; i < count; i++) {
      const columns = this.#companions.get(pages[i]!);
      if (columns === undefined) continue;
      const slot = slots[i]!;
      const fine = columns.subNs?.[slot] ?? 0;
      if (fine !== 0) (subNs ??= new Uint16Array(count))[i] = fine;
      const start = columns.startUs?.[slot] ?? Number.NaN;
      if (!Number.isNaN(start)) (startUs ??= nans(count))[i] = start;
      const { position: place } = columns;
      if (place === undefined || !isPlaced(place, slot)) continue;
      position ??= positions(count);
      position.latitude[i] = place.latitude[slot]!;
      position.longitude[i] = place.longitude[slot]!;
      position.elevation[i] = place.elevation[slot]!;
    }
    return { subNs, startUs, position };
  }

  // -------------------------------------------------------------- head snapshots

  get strings(): readonly string[] {
    return this.#strings;
  }

  get histograms(): readonly Histogram[] {
    return this.#histograms;
  }

  /** Companions by page, in order of arrival. */
  get companionPages(): ReadonlyMap<number, PageCompanions> {
    return this.#companions;
  }

  restore(from: {
    readonly strings: readonly string[];
    readonly histograms: readonly Histogram[];
    readonly companions: ReadonlyMap<number, PageCompanions>;
    readonly sizeBytes: number;
  }): void {
    for (const text of from.strings) this.#strings.push(text);
    for (const histogram of from.histograms) this.#histograms.push(histogram);
    for (const [page, columns] of from.companions) this.#companions.set(page, columns);
    this.sizeBytes = from.sizeBytes;
  }

  /** Forgets what was kept for samples of a page from `used` on. */
  cutCompanions(page: number, used: number): void {
    const columns = this.#companions.get(page);
    columns?.subNs?.fill(0, used);
    columns?.startUs?.fill(Number.NaN, used);
    for (const column of Object.values(columns?.position ?? {})) column.fill(Number.NaN, used);
  }

  /** Word pairs of one kind as values; fixed-width ones are views of `words`. */
  values(kind: Kind, words: Int32Array<ArrayBuffer>, count: number): ValueColumn {
    switch (kind) {
      case KIND.f64:
        return { kind, values: new Float64Array(words.buffer, words.byteOffset, count) };
      case KIND.i64:
        return { kind, values: new BigInt64Array(words.buffer, words.byteOffset, count) };
      case KIND.u64:
        return { kind, values: new BigUint64Array(words.buffer, words.byteOffset, count) };
      case KIND.boolean:
        return { kind, values: flagsOf(words, count) };
      case KIND.string:
        return { kind, values: behind(this.#strings, words, count) };
      case KIND.histogram:
        return { kind, values: behind(this.#histograms, words, count) };
    }
  }
}

function flagsOf(words: Int32Array, count: number): Uint8Array {
  const values = new Uint8Array(count);
  for (let i = 0; i < count; i++) values[i] = words[2 * i]!;
  return values;
}

/** The objects that the first of each pair of words numbers. */
function behind<T>(objects: readonly T[], words: Int32Array, count: number): T[] {
  const values: T[] = [];
  for (let i = 0; i < count; i++) values.push(objects[words[2 * i]!]!);
  return values;
}

function positions(count: number): Position {
  return { latitude: nans(count), longitude: nans(count), elevation: nans(count) };
}

function nans(length: number): Float64Array {
  return new Float64Array(length).fill(Number.NaN);
}
