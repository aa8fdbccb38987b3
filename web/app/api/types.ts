/**
 * Shapes of the HTTP API the console reads: Prometheus' own. Times are seconds since 1970; values
 * are strings, so that what the server printed is what an exact display shows.
 */
import type { Labels } from '../util/labels.ts';
import type { RawSample, RawSeries } from '../util/series.ts';

export interface HistogramValue {
  readonly count: string;
  readonly sum: string;
}

export interface VectorSample {
  readonly metric: Labels;
  readonly value?: RawSample;
  readonly histogram?: readonly [number, HistogramValue];
}

export type InstantResult =
  | { readonly resultType: 'vector'; readonly result: readonly VectorSample[] }
  | { readonly resultType: 'matrix'; readonly result: readonly RawSeries[] }
  | { readonly resultType: 'scalar' | 'string'; readonly result: RawSample };

export interface RangeSeries {
  readonly metric: Labels;
  /** Absent when the series holds only native histograms. */
  readonly values?: readonly RawSample[];
  readonly histograms?: readonly (readonly [number, HistogramValue])[];
}

export interface RangeResult {
  readonly resultType: 'matrix';
  readonly result: readonly RangeSeries[];
}

/** An answer with what the server wants said beside it. */
export interface Answer<T> {
  readonly data: T;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

export interface MetricMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

export interface BuildInfo {
  readonly version?: string;
  readonly revision?: string;
}

export interface RangeQuery {
  readonly expr: string;
  readonly startSec: number;
  readonly endSec: number;
  readonly stepSec: number;
  readonly lookbackSec: number;
}

export interface InstantQuery {
  readonly expr: string;
  readonly timeSec: number;
  readonly lookbackSec: number;
}
