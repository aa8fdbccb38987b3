// Marks of series by slot: the second of the last applied point, and whether the series can be
// found.
import { ACTIVE_WINDOW_SEC } from './limits.ts';
import { slotOf } from './refs.ts';
import type { SeriesRows } from './series-rows.ts';
import type { TenantSeries } from './tenant-series.ts';

/** Bit of a mark: the series can be found. */
export const FINDABLE = 0x80000000;
/** Of one that cannot: it is remembered, and counted, from before it had this row. */
export const RETURNING = 0x40000000;
/** The other bits: second of the last applied point; 0: never. They reach until 2054. */
export const SECONDS = 0x3fffffff;
/** The first second that a mark can hold: 2020. */
const FIRST_SECOND = 1_577_836_800;

/** Since FIRST_SECOND; at least 1, so that 0 is never. */
export function secondOf(ms: number): number {
  return Math.min(Math.max(Math.floor(ms / 1000) - FIRST_SECOND, 1), SECONDS);
}

/** The window that counts begins behind this second. */
export function windowStart(nowMs: number): number {
  return secondOf(nowMs) - ACTIVE_WINDOW_SEC;
}

/** The time that a mark stands for, to the second. */
export function msOfMark(mark: number): number {
  return ((mark & SECONDS) + FIRST_SECOND) * 1000;
}

/** Series of all these tenants that were written within the window. O(tenants). */
export function activeCount(tenants: readonly TenantSeries[], nowMs: number): number {
  const second = secondOf(nowMs);
  return tenants.reduce((sum, { active }) => sum + active.count(second), 0);
}

/**
 * Tells tenants that know none how many series were written in which second. Neighbours were mostly
 * seen in the same one: they are counted together.
 */
export function countActive(
  marks: Uint32Array,
  rows: SeriesRows,
  tenants: readonly TenantSeries[],
): void {
  let owner = -1;
  let mark = 0;
  let count = 0;
  for (let slot = 0; slot <= rows.slotEnd; slot++) {
    const next = slot === rows.slotEnd ? 0 : marks[slot]!;
    const isFindable = (next & FINDABLE) !== 0;
    if (isFindable && next === mark && rows.ownerOf(slot) === owner) {
      count++;
      continue;
    }
    if (count > 0) tenants[owner]!.active.move(0, mark & SECONDS, count);
    count = isFindable ? 1 : 0;
    mark = next;
    owner = isFindable ? rows.ownerOf(slot) : -1;
  }
}

/** Gives samples from `from` on another mark; index of the first one that does not have `mark`. */
export function remark(
  marks: Uint32Array,
  refs: Uint32Array,
  from: number,
  mark: number,
  next: number,
): number {
  const { length } = refs;
  for (let i = from; i < length; i++) {
    const slot = slotOf(refs[i]!);
    if ((marks[slot]! | 0) !== (mark | 0)) return i;
    marks[slot] = next;
  }
  return length;
}

/** Index of the first sample from `from` on that does not have `mark`. */
export function endOfMark(
  marks: Uint32Array,
  refs: Uint32Array,
  from: number,
  mark: number,
): number {
  const { length } = refs;
  for (let i = from; i < length; i++) if ((marks[slotOf(refs[i]!)]! | 0) !== (mark | 0)) return i;
  return length;
}
