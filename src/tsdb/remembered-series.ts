// What the index of a shard remembers of series whose rows it does not have: that they were written
// within the window, and when last. A tenant's count has them in it. One that comes back takes its
// second along, when its first point is applied; until then its row is no series more.
import { CodecError } from '../codec/varint.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import type { Labels } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import { DIGEST_WORDS } from './digest.ts';
import { captured, checkSections, copied } from './index-sections.ts';
import type { CapturedSection, SectionReader } from './index-sections.ts';
import { SEEN_SLICE_WORDS } from './limits.ts';
import { SeriesDigests } from './series-digest.ts';
import { FINDABLE, RETURNING, SECONDS } from './series-seen.ts';
import { SEEN_WORDS, SeenTable } from './seen-table.ts';
import type { IndexTables, TenantSeries } from './tenant-series.ts';

/** Words of an entry of a seen list: number of the tenant, second, digest. */
export const SEEN_ENTRY_WORDS = 2 + DIGEST_WORDS;

/** A seen list that was read (seen-list.ts). */
export interface SeenList {
  readonly shard: number;
  readonly frontier: number;
  readonly seed: number;
  readonly tenants: readonly TenantId[];
  /** SEEN_ENTRY_WORDS each. */
  readonly entries: Uint32Array;
}

/** What the index knows of when series were written; borrowed until it grows. */
export interface SeenSeries {
  readonly remembered: RememberedSeries;
  readonly tenants: readonly TenantSeries[];
  readonly marks: Uint32Array;
  readonly slotEnd: number;
}

export class RememberedSeries {
  readonly #tables: IndexTables;
  readonly #digests: SeriesDigests;
  /** Of all tables. */
  sizeBytes = 0;

  constructor(tables: IndexTables, seed: number) {
    this.#tables = tables;
    this.#digests = new SeriesDigests(tables, seed);
  }

  get seed(): number {
    return this.#digests.seed >>> 0;
  }

  /** Pairs have other numbers from now on. */
  forgetPairs(): void {
    this.#digests.forget();
  }

  hasRow(tenant: TenantSeries, slot: number): boolean {
    const table = tenant.remembered;
    return table !== undefined && table.secondOf(this.#digests.ofRow(slot)) > 0;
  }

  has(tenant: TenantSeries, labels: Labels | LabelBytes): boolean {
    const table = tenant.remembered;
    if (table === undefined) return false;
    const digests = this.#digests;
    const digest = 'ranges' in labels ? digests.ofBytes(labels) : digests.ofLabels(labels);
    return table.secondOf(digest) > 0;
  }

  /** The series has a row that was written: the second before that; 0: none within the window. */
  take(tenant: TenantSeries, slot: number): number {
    return tenant.remembered?.take(this.#digests.ofRow(slot)) ?? 0;
  }

  /** The row goes. */
  keep(tenant: TenantSeries, slot: number, second: number): void {
    const table = (tenant.remembered ??= new SeenTable());
    this.#sized(table, () => table.put(this.#digests.ofRow(slot), second));
  }

  #sized(table: SeenTable, change: () => void): void {
    this.sizeBytes -= table.sizeBytes;
    change();
    this.sizeBytes += table.sizeBytes;
  }

  /** Forgets what was written in this second or earlier. O(tenants + what is remembered). */
  trim(tenants: readonly TenantSeries[], last: number): void {
    for (const tenant of tenants) {
      const table = tenant.remembered;
      if (table === undefined) continue;
      this.#sized(table, () => table.trim(last));
      tenant.active.trim(last);
      if (table.liveCount === 0) tenant.remembered = undefined;
    }
  }

  // -------------------------------------------------------------- seen lists

  /**
   * Entries of the series with rows in slots [from, to) that were written after a second, into
   * `out`, which has room for all; returns how many words. Of tenants from `tenantEnd` on none.
   */
  rowEntries(
    marks: Uint32Array,
    { from, to, after, tenantEnd }: SeenRange,
    out: Uint32Array,
  ): number {
    const { rows } = this.#tables;
    let end = 0;
    for (let slot = from; slot < to; slot++) {
      const mark = marks[slot]!;
      if ((mark & FINDABLE) === 0 || (mark & SECONDS) <= after) continue;
      const owner = rows.ownerOf(slot);
      if (owner >= tenantEnd) continue;
      out[end] = owner;
      out[end + 1] = mark & SECONDS;
      out.set(this.#digests.ofRow(slot), end + 2);
      end += SEEN_ENTRY_WORDS;
    }
    return end;
  }

  /**
   * Takes up the entries of a list, where no series has a row yet, a slice between two steps.
   * Throws CodecError where they cannot be.
   */
  *readSteps(
    { seed, entries }: SeenList,
    tenants: readonly TenantSeries[],
    after: number,
  ): Generator<void, void, void> {
    this.#digests.seed = seed | 0;
    this.#digests.forget();
    const counts = new Uint32Array(tenants.length);
    for (let at = 0; at < entries.length; at += SEEN_ENTRY_WORDS) {
      const [number, second] = [entries[at]!, entries[at + 1]!];
      if (number >= counts.length || second === 0 || second > SECONDS)
        throw new CodecError('a seen list has an entry that cannot be');
      if (second > after) counts[number]!++;
    }
    for (const [i, tenant] of tenants.entries()) {
      if (counts[i] === 0) continue;
      const table = (tenant.remembered ??= new SeenTable());
      this.#sized(table, () => table.reserve(counts[i]!));
    }
    for (let from = 0; from < entries.length; from += SEEN_SLICE_WORDS) {
      this.#read(entries.subarray(from, from + SEEN_SLICE_WORDS), tenants, after);
      yield;
    }
  }

  #read(entries: Uint32Array, tenants: readonly TenantSeries[], after: number): number {
    // Only keeps the loads alive.
    let sum = 0;
    for (let at = 0; at < entries.length; at += SEEN_ENTRY_WORDS)
      sum |= tenants[entries[at]!]!.remembered?.touch(entries[at + 2]!) ?? 0;
    const digest = new Int32Array(DIGEST_WORDS);
    let moved: Moved = { tenant: undefined, before: 0, second: 0, count: 0 };
    for (let at = 0; at < entries.length; at += SEEN_ENTRY_WORDS) {
      const second = entries[at + 1]!;
      if (second <= after) continue;
      const tenant = tenants[entries[at]!]!;
      for (let i = 0; i < DIGEST_WORDS; i++) digest[i] = entries[at + 2 + i]!;
      const before = tenant.remembered!.put(digest, second);
      if (second <= before) continue;
      // Neighbours were mostly written in one second.
      if (tenant !== moved.tenant || before !== moved.before || second !== moved.second) {
        move(moved);
        moved = { tenant, before, second, count: 0 };
      }
      moved.count++;
    }
    move(moved);
    return sum;
  }

  /** All of it, where what was taken up is not true. */
  clear(tenants: readonly TenantSeries[]): void {
    for (const tenant of tenants) {
      const { words } = tenant.remembered ?? {};
      for (let at = 0; at < (words?.length ?? 0); at += SEEN_WORDS)
        if (words![at] !== 0) tenant.active.drop(words![at]!, 1);
      tenant.remembered = undefined;
    }
    this.sizeBytes = 0;
  }

  // -------------------------------------------------------------- head snapshots

  /**
   * Seconds that are taken after the capture may be missing in the copy: the series was written
   * after it.
   */
  capture(tenants: readonly TenantSeries[]): CapturedSection[] {
    const tables = tenants.map(({ remembered }) => remembered?.words ?? new Uint32Array(0));
    const sizes = tables.map(({ length }) => length / SEEN_WORDS);
    return [
      copied('remembered-numbers', Uint32Array.of(this.seed, ...sizes)),
      copied('remembered', new Uint32Array(0)),
      ...tables.map((words) => captured('remembered', () => words)),
    ];
  }

  /**
   * `marks` say whose row is written. Throws CodecError where sections do not fit together; head
   * snapshots of before have none.
   */
  restore(from: SectionReader, tenants: readonly TenantSeries[], marks: Uint32Array): void {
    if (!from.has('remembered-numbers')) return;
    const [seed, ...sizes] = from.numbers('remembered-numbers', 1 + tenants.length);
    const words = from.u32('remembered');
    this.#digests.seed = seed! | 0;
    this.#digests.forget();
    let end = 0;
    for (const [i, tenant] of tenants.entries()) {
      const start = end;
      end += sizes[i]! * SEEN_WORDS;
      if (end === start) continue;
      checkSections(end <= words.length, 'remembered series');
      const table = new SeenTable(words.slice(start, end));
      checkSections(table.isProbeable, 'remembered series');
      tenant.remembered = table;
      this.sizeBytes += table.sizeBytes;
      for (let at = start; at < end; at += SEEN_WORDS)
        if (words[at] !== 0) tenant.active.move(0, words[at]!, 1);
    }
    checkSections(end === words.length, 'remembered series');
    if (words.length > 0) this.#markReturning(tenants, marks);
  }

  #markReturning(tenants: readonly TenantSeries[], marks: Uint32Array): void {
    const { rows } = this.#tables;
    for (let slot = 0; slot < rows.slotEnd; slot++)
      if ((marks[slot]! & FINDABLE) === 0 && rows.isLiveSlot(slot))
        if (this.hasRow(tenants[rows.ownerOf(slot)]!, slot)) marks[slot]! |= RETURNING;
  }
}

/** So many series of a tenant, from one second to another. */
interface Moved {
  readonly tenant: TenantSeries | undefined;
  readonly before: number;
  readonly second: number;
  count: number;
}

function move({ tenant, before, second, count }: Moved): void {
  if (count > 0) tenant?.active.move(before, second, count);
}

interface SeenRange {
  readonly from: number;
  readonly to: number;
  readonly after: number;
  readonly tenantEnd: number;
}
