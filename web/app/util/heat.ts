/** Cells of native histograms added up over their series: what a heat map draws. */
import { CELL_NUMBERS, type HistogramSeries } from './decode.ts';
import { gridTimes, type Grid } from './series.ts';

export interface HeatCell {
  /** Step of the grid. */
  readonly index: number;
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

export interface Heat {
  readonly times: readonly number[];
  readonly stepSec: number;
  readonly cells: readonly HeatCell[];
  readonly countMax: number;
  /** Finite ends of the value axis. */
  readonly low: number;
  readonly high: number;
  /** All bounds are positive and span more than a decade. */
  readonly isLog: boolean;
}

const DECADE = 10;

export function toHeat(histograms: readonly HistogramSeries[], grid: Grid): Heat {
  const counts = new Map<string, HeatCell>();
  for (const { cells } of histograms) {
    for (let at = 0; at < cells.length; at += CELL_NUMBERS) {
      const [index = 0, lower = 0, upper = 0, count = 0] = cells.subarray(at, at + CELL_NUMBERS);
      const key = `${index} ${lower} ${upper}`;
      const old = counts.get(key)?.count ?? 0;
      counts.set(key, { index, lower, upper, count: old + count });
    }
  }
  const cells = [...counts.values()].filter(({ count }) => count > 0);
  const bounds = cells.flatMap(({ lower, upper }) => [lower, upper]).filter(Number.isFinite);
  // The zero bucket reaches around zero; on a logarithmic axis it stands at the bottom.
  const positive = bounds.filter((bound) => bound > 0);
  const isLog =
    cells.every(({ lower, upper }) => lower > 0 || (lower <= 0 && upper > 0 && -lower <= upper)) &&
    maxOf(positive) > DECADE * minOf(positive);
  const shown = isLog ? positive : bounds;
  return {
    times: gridTimes(grid),
    stepSec: grid.stepSec,
    cells,
    countMax: cells.reduce((max, { count }) => Math.max(max, count), 0),
    low: shown.length === 0 ? 0 : minOf(shown),
    high: shown.length === 0 ? 1 : maxOf(shown),
    isLog,
  };
}

/** The cell that holds a value at a step. */
export function cellAt(heat: Heat, index: number, value: number): HeatCell | undefined {
  return heat.cells.find(
    (cell) => cell.index === index && cell.lower <= value && value <= cell.upper,
  );
}

function minOf(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function maxOf(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}
