// The head as a lane of instants: newest samples read where they lie in the pages.
import type { KindMask, SeriesRef } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import type { Delete } from './deletes.ts';
import { HeadLook } from './head-look.ts';
import { HiddenSeries } from './hidden-series.ts';
import { InstantBatch, SEEN } from './instant-lane.ts';
import type { InstantLane } from './instant-lane.ts';
import { INSTANT_BATCH_SERIES } from './limits.ts';
import type { PartRefs } from './part-refs.ts';
import { slotOf } from './refs.ts';
import type { Source } from './samples.ts';
import type { Scan } from './scan.ts';
import { headSources, nearDeletes } from './select.ts';
import type { SeriesGroups } from './series-groups.ts';
import { SlotTests } from './slot-tests.ts';

/** Refs of series, some at a time. */
export interface RefFeed {
  /** The next refs to the start of `out`; how many; -1: there are none. */
  next(out: Uint32Array): number;
  /** There is certainly none. */
  readonly isEmpty: boolean;
}

/** Series that the matchers accept; ordered by labels where that is asked for. */
export function headFeed(scan: Scan, isOrdered: boolean): RefFeed {
  const { index, tenant, matchers } = scan;
  if (isOrdered) return new ListFeed(index.select(tenant, matchers));
  const few = index.selectFew(tenant, matchers);
  return few === undefined ? new SlotFeed(scan) : new ListFeed(few);
}

/** Refs of a list, in its order. */
class ListFeed implements RefFeed {
  readonly #refs: Uint32Array;
  #at = 0;

  constructor(refs: Uint32Array) {
    this.#refs = refs;
  }

  get isEmpty(): boolean {
    return this.#refs.length === 0;
  }

  next(out: Uint32Array): number {
    if (this.#at === this.#refs.length) return -1;
    const some = this.#refs.subarray(this.#at, this.#at + out.length);
    out.set(some);
    this.#at += some.length;
    return some.length;
  }
}

/** Series of a tenant that matchers accept, in the order of their slots. */
class SlotFeed implements RefFeed {
  readonly #scan: Scan;
  readonly #tests: SlotTests;
  readonly #owner: number | undefined;
  readonly #end: number;
  #next = 0;

  constructor(scan: Scan) {
    const { index, tenant, matchers } = scan;
    this.#scan = scan;
    this.#tests = new SlotTests(index.tables, matchers);
    this.#owner = index.ownerNumber(tenant);
    const isEmpty = this.#owner === undefined || this.#tests.isImpossible;
    // What comes later has no sample that the scan may see.
    this.#end = isEmpty ? 0 : index.tables.rows.slotEnd;
  }

  get isEmpty(): boolean {
    return this.#end === 0;
  }

  next(out: Uint32Array): number {
    if (this.#next >= this.#end) return -1;
    const { rows } = this.#scan.index.tables;
    const to = Math.min(this.#next + out.length, this.#end);
    let count = 0;
    for (let slot = this.#next; slot < to; slot++)
      if (rows.ownerOf(slot) === this.#owner && this.#tests.accepts(slot))
        out[count++] = rows.refAt(slot);
    this.#next = to;
    return count;
  }
}

/** The newest samples of series of the head, and whether deletes may hide something of them. */
export class HeadSeries {
  readonly look: HeadLook;
  readonly #scan: Scan;
  readonly #near: readonly Delete[][];
  readonly #hidden: HiddenSeries;

  constructor(scan: Scan, kinds: KindMask) {
    this.#scan = scan;
    this.look = new HeadLook(scan.range, kinds);
    this.#near = nearDeletes(scan);
    this.#hidden = new HiddenSeries(scan.index.tables, this.#near.flat());
  }

  /** Is there a sample in the range, deleted or not? `look` is what was found. */
  find(ref: SeriesRef): boolean {
    const { view, moment } = this.#scan;
    const { look } = this;
    look.reset();
    for (let at = 0; at < view.generations.length; at++)
      view.generations[at]!.look(ref, moment, look);
    return look.isFound;
  }

  /** May a delete hide samples of the series? */
  isHidden(ref: SeriesRef): boolean {
    return this.#hidden.has(ref);
  }

  /** Is there a sample in the range? */
  exists(ref: SeriesRef): boolean {
    return this.find(ref) && (!this.isHidden(ref) || this.sources(ref).length > 0);
  }

  sources(ref: SeriesRef): Source[] {
    return headSources(this.#scan, ref, this.#near);
  }
}

export interface HeadLaneOptions {
  readonly scan: Scan;
  readonly feed: RefFeed;
  readonly kinds: KindMask;
  /** Only whether there are samples is of interest. */
  readonly isExistence: boolean;
  readonly groups: SeriesGroups | undefined;
  /** Places in the one part that the head is merged with. */
  readonly partRefs: PartRefs | undefined;
}

export class HeadLane implements InstantLane {
  readonly batch = new InstantBatch();
  readonly hasTexts = true;
  readonly #options: HeadLaneOptions;
  readonly #series: HeadSeries;
  readonly #refs = new Uint32Array(INSTANT_BATCH_SERIES);

  constructor(options: HeadLaneOptions) {
    this.#options = options;
    this.#series = new HeadSeries(options.scan, options.kinds);
  }

  async next(): Promise<boolean> {
    const { batch } = this;
    const refs = this.#refs;
    const { feed, scan, isExistence } = this.#options;
    const count = feed.next(refs);
    if (count < 0) return false;
    batch.count = count;
    for (const generation of scan.view.generations) generation.touch(refs, count);
    for (let i = 0; i < count; i++)
      if (!isExistence) batch.states[i] = this.#read(i, refs[i]!);
      else batch.states[i] = this.#series.exists(refs[i]!) ? SEEN.value : SEEN.nothing;
    return true;
  }

  #read(i: number, ref: SeriesRef): number {
    const { batch } = this;
    const { groups } = this.#options;
    if (!this.#series.find(ref)) return SEEN.nothing;
    if (groups !== undefined) batch.groups[i] = groups.groupOf(slotOf(ref));
    const { look } = this.#series;
    if (look.isUnclear || this.#series.isHidden(ref)) return SEEN.unclear;
    batch.tUs[i] = look.tUs;
    batch.values[i] = look.value;
    return look.isStale ? SEEN.stale : SEEN.value;
  }

  async loadTexts(): Promise<void> {
    // They are in memory.
  }

  ref(row: number): SeriesRef {
    return this.#refs[row]!;
  }

  ordinal(row: number): number {
    const { partRefs } = this.#options;
    const ref = this.#refs[row]!;
    return partRefs?.knows(ref) === true ? partRefs.ordinalOf(ref) : -1;
  }

  labels(row: number): Labels {
    return this.labelsOf(this.#refs[row]!);
  }

  labelsOf(ref: SeriesRef): Labels {
    return this.#options.scan.index.labelsOf(ref);
  }

  async loadLabels(row: number): Promise<Labels> {
    return this.labels(row);
  }

  async sources(row: number): Promise<Source[]> {
    return this.sourcesOf(this.#refs[row]!);
  }

  sourcesOf(ref: SeriesRef): Source[] {
    return this.#series.sources(ref);
  }
}
