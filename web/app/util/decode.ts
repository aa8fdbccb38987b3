/**
 * Range answers from their JSON to columns on the query's grid: pure, so that long answers are read
 * in a worker with the same code. Cells of native histograms come as quadruples.
 */
import type { Labels } from './labels.ts';
import { toGridSeries, type Grid, type GridSeries, type RawSample } from './series.ts';

/** A native histogram as the API prints it: boundary rule, lower and upper bound, count. */
export type RawBucket = readonly [number, string, string, string];

export interface RawHistogram {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly RawBucket[];
}

export interface HistogramSeries {
  readonly metric: Labels;
  /** Grid index, lower bound, upper bound, count; four numbers a bucket. */
  readonly cells: Float64Array;
}

export interface DecodedRange {
  readonly lines: readonly GridSeries[];
  readonly histograms: readonly HistogramSeries[];
  /** Of the whole answer, also what is beyond the most that are decoded. */
  readonly seriesCount: number;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

interface RangeBody {
  readonly data?: {
    readonly result?: readonly {
      readonly metric: Labels;
      readonly values?: readonly RawSample[];
      readonly histograms?: readonly (readonly [number, RawHistogram])[];
    }[];
  };
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

export const CELL_NUMBERS = 4;

/** Throws when the text is no JSON. */
export function decodeRange(text: string, grid: Grid, seriesMax: number): DecodedRange {
  const body = JSON.parse(text) as RangeBody;
  const result = body.data?.result ?? [];
  const lines: GridSeries[] = [];
  const histograms: HistogramSeries[] = [];
  for (const { metric, values, histograms: steps } of result.slice(0, seriesMax)) {
    if (values !== undefined) lines.push(toGridSeries({ metric, values }, grid));
    if (steps !== undefined) histograms.push({ metric, cells: toCells(steps, grid) });
  }
  const { warnings = [], infos = [] } = body;
  return { lines, histograms, seriesCount: result.length, warnings, infos };
}

/** Memory that may move between threads instead of being copied. */
export function buffersOf({ lines, histograms }: DecodedRange): ArrayBufferLike[] {
  return [
    ...lines.map(({ values }) => values.buffer),
    ...histograms.map(({ cells }) => cells.buffer),
  ];
}

function toCells(steps: readonly (readonly [number, RawHistogram])[], grid: Grid): Float64Array {
  const cells: number[] = [];
  for (const [sec, { buckets = [] }] of steps) {
    const index = Math.round((sec - grid.startSec) / grid.stepSec);
    for (const [, lower, upper, count] of buckets) {
      cells.push(index, toNumber(lower), toNumber(upper), Number(count));
    }
  }
  return Float64Array.from(cells);
}

export function toNumber(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}
