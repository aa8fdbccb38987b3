// What a PromQL evaluation takes and gives: columns, one slot per step. Encoders (JSON, tables)
// read this and nothing else of the engine. Times are microseconds; NaN and infinities are ordinary
// values.
import type { Histogram } from '../../model/histogram.ts';
import type { Labels } from '../../model/labels.ts';
import type { Trace } from './trace.ts';

export interface EvalParams {
  /** First step, inclusive. */
  readonly startUs: number;
  /** Steps are startUs + k * stepUs <= endUs. Equal to startUs in an instant query. */
  readonly endUs: number;
  /** 0 = instant query: exactly one step at startUs. */
  readonly stepUs: number;
  readonly lookbackUs: number;
  /**
   * Samples held or read at one time by the query; undefined = the engine's default (limits.ts).
   */
  readonly samplesMax?: number;
  /** Series read by the query, each time it reads them; undefined = no limit. */
  readonly seriesMax?: number;
  /** Told what was read, leaf by leaf. */
  readonly onRead?: (seriesCount: number, sampleCount: number) => void;
  /** A promise to wait for where the query has worked for long; undefined = it never is. */
  readonly pause?: () => Promise<void> | undefined;
  /** Told what every node does. */
  readonly trace?: Trace;
  /** Count samples as Prometheus' statistics do. */
  readonly countsSamples?: boolean;
  /** Drop metric names at the end of the evaluation instead of in every operator. */
  readonly enableDelayedNameRemoval?: boolean;
  /** The text that was parsed, for line numbers of annotations; without it all is on line 1. */
  readonly query?: string;
  /** Decide by the label __type__ instead of the name whether a series is a counter. */
  readonly enableTypeAndUnitLabels?: boolean;
}

/** The values of `present`. */
export const SLOT_EMPTY = 0;
export const SLOT_FLOAT = 1;
export const SLOT_HISTOGRAM = 2;

/**
 * One series of the result. Slot k belongs to step k, or to the sample at tUs[k] where `tUs` is
 * given. At least one slot is not empty (except in a scalar, where all are floats).
 */
export interface EvalSeries {
  readonly labels: Labels;
  /** SLOT_EMPTY, SLOT_FLOAT or SLOT_HISTOGRAM by slot. */
  readonly present: Uint8Array;
  /** Valid where present is SLOT_FLOAT. */
  readonly values: Float64Array;
  /** Set where present is SLOT_HISTOGRAM; undefined where no slot is. */
  readonly histograms: readonly (Histogram | undefined)[] | undefined;
  /** Own times of raw samples (range vector in an instant query), microseconds; else undefined. */
  readonly tUs: Float64Array | undefined;
}

/** 1-based line and column, as Prometheus prints them. */
export interface AnnotationPosition {
  readonly line: number;
  readonly column: number;
}

export interface EvalAnnotation {
  readonly level: 'info' | 'warning';
  /** The sentence as Prometheus renders it, 'PromQL info: … (1:5)', position included. */
  readonly message: string;
  readonly position: AnnotationPosition | undefined;
}

/** Samples that each step looks at, and those that it is the first to look at. */
export interface SampleCounts {
  readonly total: Float64Array;
  readonly read: Float64Array;
}

export interface EvalStats {
  readonly seriesRead: number;
  readonly samplesRead: number;
  /** Most samples and slots counted at one time, as the limit of a query counts them. */
  readonly samplesPeak: number;
  /** By step, where `countsSamples` asked for it. */
  readonly counted?: SampleCounts | undefined;
}

export interface EvalResult {
  /**
   * Instant query: the type of the expression; 'matrix' then means raw samples with their own
   * times. Range query: always 'matrix'.
   */
  readonly type: 'scalar' | 'vector' | 'matrix' | 'string';
  readonly startUs: number;
  readonly stepUs: number;
  readonly stepCount: number;
  /**
   * scalar: exactly one, without labels. string: none. vector: in the order of the answer (sort,
   * topk). Range query: sorted by labels.
   */
  readonly series: readonly EvalSeries[];
  /** The text of a string result. */
  readonly string: string | undefined;
  readonly annotations: readonly EvalAnnotation[];
  /**
   * A part of the steps evaluated by itself could have another result, in its last bits or in what
   * is told of it, although the shape of the expression allows it (splitting.ts).
   */
  readonly dependsOnRange: boolean;
  readonly stats: EvalStats;
}
