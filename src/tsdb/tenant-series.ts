// The findable series of one tenant: a chain through all of them, the newest first, and a base, the
// older ones in label order with their value columns. The few that are newer than the base are
// looked at one by one; when they are many, a query makes a new base of all.
import type { TenantId } from '../model/tenant.ts';
import { must } from '../stdx/assert.ts';
import { ActiveSeries } from './active-series.ts';
import { mergeIds, mergeSteps } from './growable.ts';
import { checkSections } from './index-sections.ts';
import { BASE_SHARE, BASE_SIMPLE_SERIES, COLUMNS_MAX_BYTES, ORDERED_AT_ONCE } from './limits.ts';
import type { Pairs } from './pairs.ts';
import { slotOf } from './refs.ts';
import type { SeenTable } from './seen-table.ts';
import type { SeriesOrder } from './series-order.ts';
import type { SeriesRows } from './series-rows.ts';
import type { Symbols } from './symbols.ts';
import { columnSteps } from './value-column.ts';
import type { ValueColumn } from './value-column.ts';

export const NO_REFS = new Uint32Array(0);

/** Bytes of what queries have put in order, of all tenants of an index; tenants keep it. */
export class OrderedBytes {
  bases = 0;
  columns = 0;
}

/** What all tenants of an index share. */
export interface IndexTables {
  readonly rows: SeriesRows;
  readonly pairs: Pairs;
  readonly symbols: Symbols;
  readonly order: SeriesOrder;
}

export class TenantSeries {
  readonly id: TenantId;
  readonly number: number;
  readonly active = new ActiveSeries();
  /** Series that `active` counts and that have no row; undefined: there are none. */
  remembered: SeenTable | undefined = undefined;
  /** Findable series. */
  count = 0;
  /** Series that have a row since this start, were never written and are not remembered. */
  reserved = 0;
  readonly #ordered: OrderedBytes;
  #base: Uint32Array = NO_REFS;
  /** By name symbol, over the base. */
  readonly columns = new Map<number, ValueColumn>();
  #columnsSizeBytes = 0;
  /** Slot + 1 of the newest series; 0: there is none. */
  #newest = 0;
  /** So many of the chain, the newest, are not in the base. */
  tailCount = 0;
  /** How often series or numbers went. */
  #losses = 0;

  constructor(id: TenantId, number: number, ordered: OrderedBytes) {
    this.id = id;
    this.number = number;
    this.#ordered = ordered;
  }

  /** Refs in label order, all of them live; replaced, never changed. */
  get base(): Uint32Array {
    return this.#base;
  }

  #replaceBase(refs: Uint32Array): void {
    this.#ordered.bases += refs.byteLength - this.#base.byteLength;
    this.#base = refs;
  }

  get columnsSizeBytes(): number {
    return this.#columnsSizeBytes;
  }

  #setColumnsSize(sizeBytes: number): void {
    this.#ordered.columns += sizeBytes - this.#columnsSizeBytes;
    this.#columnsSizeBytes = sizeBytes;
  }

  /** One that was made was written, or went: not told of those of an earlier start. */
  unreserve(): void {
    if (this.reserved > 0) this.reserved--;
  }

  /** Numbers of a tenant in a snapshot: newest, tail, findable series, length of the base. */
  numbers(): readonly number[] {
    return [this.#newest, this.tailCount, this.count, this.base.length];
  }

  restore(numbers: Uint32Array, base: Uint32Array): void {
    this.#newest = numbers[0]!;
    this.tailCount = numbers[1]!;
    this.count = numbers[2]!;
    this.#replaceBase(base);
  }

  add(rows: SeriesRows, slot: number): void {
    rows.next[slot] = this.#newest;
    this.#newest = slot + 1;
    this.tailCount++;
    this.count++;
  }

  /** Slots of all findable series, newest first. Throws CodecError where the chain is broken. */
  slots(rows: SeriesRows): Uint32Array {
    const slots = new Uint32Array(this.count);
    let slot = this.#newest - 1;
    for (let i = 0; i < slots.length; i++) {
      checkSections(slot >= 0 && slot < rows.slotEnd, 'a chain of series');
      slots[i] = slot;
      slot = rows.next[slot]! - 1;
    }
    checkSections(slot < 0, 'a chain of series');
    return slots;
  }

  /** Refs that are not in the base, the newest first. */
  tail(rows: SeriesRows): Uint32Array {
    const refs = new Uint32Array(this.tailCount);
    let slot = this.#newest - 1;
    for (let i = 0; i < refs.length; i++) {
      refs[i] = rows.refAt(slot);
      slot = rows.next[slot]! - 1;
    }
    return refs;
  }

  /** Is what is not in the base few enough to be looked at one by one? */
  get isFresh(): boolean {
    const { length } = this.base;
    if (this.tailCount === 0) return true;
    return length > BASE_SIMPLE_SERIES && this.tailCount * BASE_SHARE < length;
  }

  /** Puts what is new into the base: always, or where it is more than a query should look at. */
  refresh({ rows, order }: IndexTables, always: boolean): void {
    if (this.tailCount === 0) return;
    if (!always && this.isFresh) return;
    const added = this.tail(rows);
    order.sort(added);
    this.#replaceBase(mergeIds(this.base, added, order.compare));
    this.tailCount = 0;
    this.#dropColumns();
  }

  /**
   * As `refresh` of what is here at the call, a millisecond or so of work between two steps. Where
   * a query makes a new base before it is done, or series are retired or texts swept, it ends.
   */
  *refreshSteps({ rows, order }: IndexTables): Generator<void, void, void> {
    const before = this.base;
    const losses = this.#losses;
    const isStale = (): boolean => this.base !== before || this.#losses !== losses;
    if (this.tailCount === 0) return;
    const added = this.tail(rows);
    for (const step of order.steps(added)) {
      yield step;
      if (isStale()) return;
    }
    const merging = mergeSteps(before, added, order.compare);
    let step = merging.next();
    for (; step.done !== true; step = merging.next()) {
      yield;
      if (isStale()) return;
    }
    this.#replaceBase(step.value);
    this.tailCount -= added.length;
    this.#dropColumns();
  }

  /** As `refresh` where a query would do it; in steps where it is long. */
  *freshenSteps(tables: IndexTables): Generator<void, void, void> {
    if (this.isFresh) return;
    if (this.tailCount > ORDERED_AT_ONCE) yield* this.refreshSteps(tables);
    else this.refresh(tables, false);
  }

  #dropColumns(): void {
    this.columns.clear();
    this.#setColumnsSize(0);
  }

  column(tables: IndexTables, name: number): ValueColumn {
    const known = this.columns.get(name);
    if (known !== undefined) return known;
    const steps = this.columnSteps(tables, name);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    return must(step.value, 'nothing changes between the steps');
  }

  /** As `column`, in steps; undefined where series or numbers changed meanwhile. */
  *columnSteps(tables: IndexTables, name: number): Generator<void, ValueColumn | undefined, void> {
    const known = this.columns.get(name);
    if (known !== undefined) return known;
    const { base } = this;
    const losses = this.#losses;
    const steps = columnSteps(tables, base, name);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) {
      yield;
      if (this.base !== base || this.#losses !== losses) return undefined;
    }
    // Another question may have asked for it meanwhile.
    const column = this.columns.get(name) ?? step.value;
    if (column !== step.value) return column;
    this.columns.set(name, column);
    this.#setColumnsSize(this.#columnsSizeBytes + column.sizeBytes);
    return column;
  }

  /** Forgets what can be made again. */
  forgetColumns(): void {
    this.#dropColumns();
  }

  /** Texts and pairs have other numbers from now on. */
  forgetNumbers(): void {
    this.#losses++;
    this.#dropColumns();
  }

  /** Takes the series out that are dead; call before their slots are given out again. O(series). */
  purge(rows: SeriesRows, isDead: (slot: number) => boolean): void {
    this.#losses++;
    let tailCount = 0;
    let count = 0;
    let before = -1;
    let position = 0;
    for (let slot = this.#newest - 1; slot >= 0; position++) {
      const after = rows.next[slot]!;
      if (!isDead(slot)) {
        if (position < this.tailCount) tailCount++;
        count++;
        if (before < 0) this.#newest = slot + 1;
        else rows.next[before] = slot + 1;
        before = slot;
      }
      slot = after - 1;
    }
    if (before < 0) this.#newest = 0;
    else rows.next[before] = 0;
    this.tailCount = tailCount;
    this.count = count;
    const kept = this.base.filter((ref) => !isDead(slotOf(ref)));
    if (kept.length === this.base.length) return;
    this.#replaceBase(kept);
    this.#dropColumns();
  }
}

/** Bounds value columns: those of other tenants are forgotten first, then those of this one. */
export function boundColumns(
  ordered: OrderedBytes,
  tenants: readonly TenantSeries[],
  tenant: TenantSeries,
): void {
  if (ordered.columns <= COLUMNS_MAX_BYTES) return;
  for (const one of tenants) if (one !== tenant) one.forgetColumns();
  if (tenant.columnsSizeBytes > COLUMNS_MAX_BYTES) tenant.forgetColumns();
}
