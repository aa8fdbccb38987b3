// Series that were not written for an hour, or where memory is pressed for some minutes, leave it,
// unless something in memory still speaks of them: a live head generation, one that only a pin
// holds, a record on its way. Those of the last hour are remembered without their labels. Runs
// after a flush, when most generations are gone. Their refs are refused from then on
// (docs/decisions/0003, 0011).
import type { SeriesRef } from '../model/columns.ts';
import { RETIRE_SERIES_MAX, SERIES_IDLE_MS, SERIES_PRESSED_IDLE_MS } from './limits.ts';
import { windowStart } from './series-seen.ts';
import type { ShardState } from './state.ts';

/**
 * `isUsed`: does the log hold a use of the series that may not be applied yet? Call only while
 * everything below the last cut is applied.
 */
export async function retireIdle(
  state: ShardState,
  isUsed: (ref: SeriesRef) => boolean,
): Promise<void> {
  const { index, memory, options } = state;
  const { remembered, tenants } = index.seen;
  remembered.trim(tenants, windowStart(options.clock.nowMs()));
  await retire(state, isUsed, SERIES_IDLE_MS);
  if (!memory.isCrowded) return index.sweep();
  await retire(state, isUsed, SERIES_PRESSED_IDLE_MS);
  index.sweep(1);
}

async function retire(
  state: ShardState,
  isUsed: (ref: SeriesRef) => boolean,
  idleMs: number,
): Promise<void> {
  const { index } = state;
  for (;;) {
    const nowMs = state.options.clock.nowMs();
    // Between the look and the retiring there is no await.
    const isHeld = heldBy(state, isUsed);
    const count = index.retire({ nowMs, idleMs, countMax: RETIRE_SERIES_MAX, isHeld });
    if (count < RETIRE_SERIES_MAX) return;
    await state.yieldTurn();
  }
}

function heldBy(
  { view, pins }: ShardState,
  isUsed: (ref: SeriesRef) => boolean,
): (ref: SeriesRef) => boolean {
  const generations = [...view.generations, ...pins.pinnedGenerations];
  const sides = new Set<SeriesRef>();
  for (const { exemplars, attributes } of generations) {
    for (const { row } of exemplars) sides.add(row.ref);
    for (const { row } of attributes) sides.add(row.ref);
  }
  return (ref) => generations.some((one) => one.has(ref)) || sides.has(ref) || isUsed(ref);
}
