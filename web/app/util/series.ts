/**
 * Range results as columns on the query's own grid, which is what the chart draws. A grid step
 * without a sample is null: a gap stays a gap.
 */
import { formatLabels, type Labels } from './labels.ts';
import { styleSeries, type SeriesStyle } from './colour.ts';

/** One end of the HTTP API's pair: seconds since 1970 and the value as the server printed it. */
export type RawSample = readonly [number, string];

export interface RawSeries {
  readonly metric: Labels;
  readonly values: readonly RawSample[];
}

export interface Grid {
  readonly startSec: number;
  readonly endSec: number;
  readonly stepSec: number;
}

export interface SeriesStats {
  readonly last: number;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

export interface ChartSeries {
  /** Identity inside one result: the label set's text. */
  readonly key: string;
  /** What is shown; the key unless a page knows a better name. */
  readonly name: string;
  readonly labels: Labels;
  readonly style: SeriesStyle;
  /** One entry per grid step; null draws nothing. */
  readonly values: readonly (number | null)[];
  /** The value texts as sent, for exact display. */
  readonly exact: readonly (string | undefined)[];
  /** Undefined when no finite value is in the range. */
  readonly stats: SeriesStats | undefined;
}

export interface ChartData {
  /** Seconds since 1970, ascending, one per grid step. */
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
}

/** The grid that covers a range with the end exactly on `endSec`. */
export function gridOf(startSec: number, endSec: number, stepSec: number): Grid {
  const steps = Math.max(1, Math.floor((endSec - startSec) / stepSec + 1e-9));
  return { startSec: endSec - steps * stepSec, endSec, stepSec };
}

/**
 * The grid aligned to multiples of the step, so that a refresh asks for the same moments again and
 * the line does not shimmer. Both ends round down: no step lies in the future.
 */
export function alignedGrid(startSec: number, endSec: number, stepSec: number): Grid {
  const first = Math.floor(startSec / stepSec);
  const last = Math.max(first + 1, Math.floor(endSec / stepSec));
  return { startSec: first * stepSec, endSec: last * stepSec, stepSec };
}

export function gridTimes(grid: Grid): number[] {
  const count = Math.round((grid.endSec - grid.startSec) / grid.stepSec) + 1;
  return Array.from({ length: count }, (_, index) => grid.startSec + index * grid.stepSec);
}

/** `names` gives fixed names and styles to series a page knows; keys are formatted label sets. */
export function toChartData(result: readonly RawSeries[], grid: Grid): ChartData {
  const times = gridTimes(grid);
  const keys = result.map((entry) => formatLabels(entry.metric));
  const styles = styleSeries(keys);
  const series = result.map((entry, index) => {
    const key = keys[index] ?? '';
    const columns = toColumns(entry.values, grid, times.length);
    return {
      key,
      name: key,
      labels: entry.metric,
      style: styles[index] ?? { slot: 0, dash: 0 },
      ...columns,
      stats: statsOf(columns.values),
    };
  });
  return { times, series };
}

function toColumns(
  samples: readonly RawSample[],
  grid: Grid,
  length: number,
): { values: (number | null)[]; exact: (string | undefined)[] } {
  const values = Array.from<number | null>({ length }).fill(null);
  const exact = Array.from<string | undefined>({ length }).fill(undefined);
  for (const [sec, text] of samples) {
    const index = Math.round((sec - grid.startSec) / grid.stepSec);
    if (index < 0 || index >= length) continue;
    const value = Number(text.replace('Inf', 'Infinity'));
    values[index] = Number.isFinite(value) ? value : null;
    exact[index] = text;
  }
  return { values, exact };
}

function statsOf(values: readonly (number | null)[]): SeriesStats | undefined {
  let count = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let last = 0;
  for (const value of values) {
    if (value === null) continue;
    count += 1;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
    last = value;
  }
  return count === 0 ? undefined : { last, min, mean: sum / count, max };
}

/** Indexes of values with no neighbour: a line through them has no length, so they need a dot. */
export function isolatedIndexes(
  values: readonly (number | null | undefined)[],
  from: number,
  to: number,
): number[] {
  const found: number[] = [];
  for (let index = from; index <= to; index += 1) {
    if (values[index] == null) continue;
    if (values[index - 1] == null && values[index + 1] == null) found.push(index);
  }
  return found;
}
