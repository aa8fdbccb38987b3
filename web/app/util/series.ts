/**
 * Range results as columns on the query's own grid, which is what the chart draws. A grid step
 * without a sample is null: a gap stays a gap.
 */
import { formatLabels, type Labels } from './labels.ts';
import { hashText, styleSeries, type SeriesStyle } from './colour.ts';
import type { Unit } from './unit.ts';

/** One end of the HTTP API's pair: seconds since 1970 and the value as the server printed it. */
export type RawSample = readonly [number, string];

export interface RawSeries {
  readonly metric: Labels;
  readonly values: readonly RawSample[];
}

/** A series on its grid; NaN is a step without a sample. */
export interface GridSeries {
  readonly metric: Labels;
  readonly values: Float64Array;
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
  /** One entry per grid step; NaN draws nothing. */
  readonly values: Float64Array;
  /** Undefined when no finite value is in the range. */
  readonly stats: SeriesStats | undefined;
  /** Where it is not the chart's own. */
  readonly unit?: Unit;
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

/** Raw series on the grid. Infinite values cannot be drawn and are gaps as well. */
export function toGridSeries({ metric, values }: RawSeries, grid: Grid): GridSeries {
  const length = Math.round((grid.endSec - grid.startSec) / grid.stepSec) + 1;
  const column = new Float64Array(length).fill(Number.NaN);
  for (const [sec, text] of values) {
    const index = Math.round((sec - grid.startSec) / grid.stepSec);
    if (index < 0 || index >= length) continue;
    // `+Inf` is no number to JavaScript either.
    column[index] = Number(text);
  }
  return { metric, values: column };
}

/** `prefix` sets series of equal labels apart that come from several queries. */
export function toChartSeries(result: readonly GridSeries[], prefix = ''): ChartSeries[] {
  const names = result.map((entry) => formatLabels(entry.metric));
  const keys = prefix === '' ? names : names.map((name) => `${prefix} ${name}`);
  const styles = styleSeries(keys);
  return result.map(({ metric, values }, index) => ({
    key: keys[index] ?? '',
    name: names[index] ?? '',
    labels: metric,
    style: styles[index] ?? { slot: 0, dash: 0 },
    values,
    stats: statsOf(values),
  }));
}

/** Short stable name of a series in an address. */
export function seriesId(key: string): string {
  return hashText(key).toString(36);
}

function statsOf(values: Float64Array): SeriesStats | undefined {
  let count = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let last = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    count += 1;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
    last = value;
  }
  return count === 0 ? undefined : { last, min, mean: sum / count, max };
}

/** Indexes of values with no neighbour: a line through them has no length, so they need a dot. */
export function isolatedIndexes(values: Float64Array, from: number, to: number): number[] {
  const isGap = (index: number): boolean => Number.isNaN(values[index] ?? Number.NaN);
  const found: number[] = [];
  for (let index = from; index <= to; index += 1) {
    if (!isGap(index) && isGap(index - 1) && isGap(index + 1)) found.push(index);
  }
  return found;
}

/**
 * Series on top of one another, the first at the bottom: each column is the sum up to and with its
 * series. A gap adds nothing.
 */
export function stackColumns(columns: readonly Float64Array[], length: number): Float64Array[] {
  let below = new Float64Array(length);
  return columns.map((column) => {
    const sum = below.map((value, index) => {
      const own = column[index] ?? Number.NaN;
      return Number.isNaN(own) ? value : value + own;
    });
    below = sum;
    return sum;
  });
}

/** Lowest and highest value of each step: what a chart needs to scale its axis. */
export function envelope(
  columns: readonly Float64Array[],
  length: number,
): readonly [(number | null)[], (number | null)[]] {
  const low = Array.from<number | null>({ length }).fill(null);
  const high = Array.from<number | null>({ length }).fill(null);
  for (const column of columns) {
    for (let index = 0; index < length; index += 1) {
      const value = column[index] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      const [lowest, highest] = [low[index] ?? value, high[index] ?? value];
      low[index] = Math.min(lowest, value);
      high[index] = Math.max(highest, value);
    }
  }
  return [low, high];
}
