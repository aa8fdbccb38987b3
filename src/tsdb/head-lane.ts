// The head as a lane of instants: newest samples read where they lie in the pages.
import type { KindMask } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import type { Delete } from './deletes.ts';
import { HeadLook } from './head-look.ts';
import { InstantBatch, SEEN } from './instant-lane.ts';
import type { InstantLane } from './instant-lane.ts';
import { INSTANT_BATCH_SERIES } from './limits.ts';
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
}

/** Refs of a list, in its order. */
export class ListFeed implements RefFeed {
  readonly #refs: Uint32Array;
  #at = 0;

  constructor(refs: Uint32Array) {
    this.#refs = refs;
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
export class SlotFeed implements RefFeed {
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

export class HeadLane implements InstantLane {
  readonly batch = new InstantBatch();
  readonly #scan: Scan;
  readonly #feed: RefFeed;
  readonly #look: HeadLook;
  readonly #groups: SeriesGroups | undefined;
  readonly #refs = new Uint32Array(INSTANT_BATCH_SERIES);
  readonly #near: readonly Delete[][];
  /** Series that a delete may hide samples of. */
  readonly #hidden: readonly SlotTests[];

  constructor(scan: Scan, feed: RefFeed, kinds: KindMask, groups: SeriesGroups | undefined) {
    this.#scan = scan;
    this.#feed = feed;
    this.#look = new HeadLook(scan.range, kinds);
    this.#groups = groups;
    this.#near = nearDeletes(scan);
    this.#hidden = [...new Set(this.#near.flat())].map(
      ({ matchers }) => new SlotTests(scan.index.tables, matchers),
    );
  }

  async next(): Promise<boolean> {
    const { batch } = this;
    const refs = this.#refs;
    const count = this.#feed.next(refs);
    if (count < 0) return false;
    batch.count = count;
    for (const generation of this.#scan.view.generations) generation.touch(refs, count);
    for (let i = 0; i < count; i++) batch.states[i] = this.#read(i, refs[i]!);
    return true;
  }

  #read(i: number, ref: number): number {
    const { view, moment } = this.#scan;
    const { batch } = this;
    const look = this.#look;
    look.reset();
    for (let at = 0; at < view.generations.length; at++)
      view.generations[at]!.look(ref, moment, look);
    if (!look.isFound) return SEEN.nothing;
    const slot = slotOf(ref);
    if (this.#groups !== undefined) batch.groups[i] = this.#groups.groupOf(slot);
    if (look.isUnclear || this.#hidden.some((tests) => tests.accepts(slot))) return SEEN.unclear;
    batch.tUs[i] = look.tUs;
    batch.values[i] = look.value;
    return look.isStale ? SEEN.stale : SEEN.value;
  }

  labels(row: number): Labels {
    return this.#scan.index.labelsOf(this.#refs[row]!);
  }

  async loadLabels(row: number): Promise<Labels> {
    return this.labels(row);
  }

  async sources(row: number): Promise<Source[]> {
    return headSources(this.#scan, this.#refs[row]!, this.#near);
  }
}
