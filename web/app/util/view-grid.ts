/** The steps of a range view: from the time control, the moment and the pixels. */
import { RANGE_POINTS_MAX } from './limits.ts';
import { alignedGrid, gridOf, type Grid } from './series.ts';
import { isRelative, pickStepSec, tryResolve } from './time.ts';
import type { ViewTime } from './url-state.ts';

const HOUR_MS = 3_600_000;

export interface ViewGrid {
  /** The range as it was asked; the grid may end a little earlier. */
  readonly startSec: number;
  readonly endSec: number;
  readonly grid: Grid;
}

export function viewGrid(time: ViewTime, nowMs: number, width: number): ViewGrid {
  const resolved = tryResolve(time.range, nowMs) ?? { startMs: nowMs - HOUR_MS, endMs: nowMs };
  const startSec = resolved.startMs / 1000;
  const endSec = resolved.endMs / 1000;
  const stepSec = pickStepSec(endSec - startSec, Math.min(width, RANGE_POINTS_MAX));
  // A single look at “now” ends on the newest sample; a refreshed one keeps its grid still.
  const isLook = time.refreshSec === 0 && isRelative(time.range);
  const grid = (isLook ? gridOf : alignedGrid)(startSec, endSec, stepSec);
  return { startSec, endSec, grid };
}
