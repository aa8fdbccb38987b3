// Takes series out of the index that were not written for long. Those that were written within the
// window are remembered; of others nothing stays.
import type { SeriesRef } from '../model/columns.ts';
import type { SeenSeries } from './remembered-series.ts';
import type { SeriesRows } from './series-rows.ts';
import { FINDABLE, RETURNING, secondOf, SECONDS, windowStart } from './series-seen.ts';
import type { TenantSeries } from './tenant-series.ts';

export interface RetireRequest {
  readonly nowMs: number;
  readonly idleMs: number;
  readonly countMax: number;
  readonly isHeld: (ref: SeriesRef) => boolean;
}

/**
 * Slots of what went; they may be given out again. `forget` is told of each while its mark is what
 * it was, when nothing of the tenant leads to it any more.
 */
export function retireSeries(
  { nowMs, idleMs, countMax, isHeld }: RetireRequest,
  { remembered, marks, tenants }: SeenSeries,
  rows: SeriesRows,
  forget: (slot: number) => void,
): readonly number[] {
  const last = secondOf(nowMs - idleMs);
  const start = windowStart(nowMs);
  const dead: number[] = [];
  const theirs = new Set<TenantSeries>();
  for (let slot = 0; slot < rows.slotEnd && dead.length < countMax; slot++) {
    const mark = marks[slot]!;
    const second = mark & SECONDS;
    if (second > last || !rows.isLiveSlot(slot)) continue;
    if (second === 0) {
      marks[slot] = mark | secondOf(nowMs);
      continue;
    }
    if (isHeld(rows.refAt(slot))) continue;
    dead.push(slot);
    const tenant = tenants[rows.ownerOf(slot)]!;
    theirs.add(tenant);
    if ((mark & FINDABLE) === 0) {
      if ((mark & RETURNING) === 0) tenant.unreserve();
    } else if (second > start) remembered.keep(tenant, slot, second);
    else tenant.active.drop(second, 1);
  }
  for (const slot of dead) rows.remove(slot);
  for (const tenant of theirs) {
    tenant.purge(rows, (slot) => !rows.isLiveSlot(slot));
    tenant.active.trim(start);
  }
  for (const slot of dead) {
    forget(slot);
    rows.recycle(slot);
  }
  rows.compact();
  return dead;
}
