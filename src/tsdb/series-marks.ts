// Which series the log has defined since the last cut, and whose they are: one number per slot, so
// that checking that a write uses refs of its own tenant, and finding those whose labels the record
// must repeat, is one comparison a sample. The number also holds the ref's lives (refs.ts): the ref
// of a series that is gone never passes for the one that has its slot now.
import type { SeriesRef } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import type { TenantId } from '../model/tenant.ts';
import { grownU32 } from '../stdx/growable.ts';
import { SLOT_BITS, slotOf } from './refs.ts';
import type { SeriesIndex } from './series-index.ts';
import { SlotBits } from './slot-bits.ts';

/** Bits of a ref above its slot. */
const LIVES_BITS = 32 - SLOT_BITS;
/** Tenants with a set of their own, the first ones since the cut. */
const SETS_MAX = 16;
/** Marks that can be told apart; then all are taken back and counted anew. */
const MARKS_MAX = 2 ** (32 - LIVES_BITS) - 1;

export class SeriesMarks {
  readonly #index: SeriesIndex;
  /** By slot the mark of the tenant that it was defined for, and the lives; 0: never. */
  #marks = new Uint32Array(1024);
  readonly #markOf = new Map<TenantId, number>();
  #lastMark = 0;
  /** Marks since the last cut are above. */
  #cutMark = 0;
  /** By mark since the cut: slots in their first life that have the mark. */
  #sets: SlotBits[] = [];

  constructor(index: SeriesIndex) {
    this.#index = index;
  }

  get sizeBytes(): number {
    return this.#sets.reduce((sum, set) => sum + set.sizeBytes, this.#marks.byteLength);
  }

  /**
   * Adds refs that were not defined since the last cut to `definitions` and marks them. Throws
   * AppError stale-ref where a ref is not a series of the tenant; then the caller must `forget`.
   */
  define(tenant: TenantId, refs: Uint32Array, count: number, definitions: SeriesRef[]): void {
    const mark = this.#mark(tenant);
    const set = this.#setOf(mark);
    const from = set?.firstMissingOrReborn(refs, 0, count) ?? 0;
    for (let i = from; i < count; i++) {
      i = firstUnmarked(this.#marks, mark, refs, i, count);
      if (i === count) return;
      this.defineOne(tenant, refs[i]!, definitions);
    }
  }

  #setOf(mark: number): SlotBits | undefined {
    return this.#sets[mark - this.#cutMark - 1];
  }

  defineOne(tenant: TenantId, ref: SeriesRef, definitions: SeriesRef[]): void {
    const tenantMark = this.#mark(tenant);
    const mark = markOf(tenantMark, ref);
    const slot = slotOf(ref);
    if (this.#marks[slot] === mark) return;
    this.check(tenant, ref);
    this.#marks = grownU32(this.#marks, slot + 1);
    this.#marks[slot] = mark;
    if (slot === ref) this.#setOf(tenantMark)?.add(slot);
    else for (const set of this.#sets) set.remove(slot);
    definitions.push(ref);
  }

  /** Throws AppError stale-ref. */
  check(tenant: TenantId, ref: SeriesRef): void {
    if (this.#index.tenantOf(ref) !== tenant)
      throw new AppError('conflict', 'stale-ref', `series ref ${ref} is not known any more`);
  }

  /** What was to define these did not get into the log. */
  forget(definitions: readonly SeriesRef[]): void {
    for (const ref of definitions) {
      this.#marks[slotOf(ref)] = 0;
      for (const set of this.#sets) set.remove(slotOf(ref));
    }
  }

  /** Does the log hold a use of the series since the last cut? */
  isDefined(ref: SeriesRef): boolean {
    return (this.#marks[slotOf(ref)] ?? 0) >>> LIVES_BITS > this.#cutMark;
  }

  /** From now on every series must be defined again. */
  cut(): void {
    this.#markOf.clear();
    this.#sets = [];
    if (this.#lastMark > MARKS_MAX / 2) {
      this.#marks.fill(0);
      this.#lastMark = 0;
    }
    this.#cutMark = this.#lastMark;
  }

  #mark(tenant: TenantId): number {
    let mark = this.#markOf.get(tenant);
    if (mark !== undefined) return mark;
    this.#markOf.set(tenant, (mark = ++this.#lastMark));
    if (this.#sets.length < SETS_MAX) this.#sets.push(new SlotBits());
    return mark;
  }
}

function markOf(mark: number, ref: number): number {
  return ((mark << LIVES_BITS) | (ref >>> SLOT_BITS)) >>> 0;
}

/** Index of the first ref from `from` on that has another mark; `count` where none has. */
function firstUnmarked(
  marks: Uint32Array,
  mark: number,
  refs: Uint32Array,
  from: number,
  count: number,
): number {
  const { length } = marks;
  for (let i = from; i < count; i++) {
    const ref = refs[i]!;
    const slot = slotOf(ref);
    if (slot >= length || marks[slot] !== markOf(mark, ref)) return i;
  }
  return count;
}
