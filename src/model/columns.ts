// Points in columns. A sample is (time, value) of one series; a point is a sample with its series.
// Time is whole microseconds in a double (exact to the year 2255) plus an optional column with the
// remainder in nanoseconds (0-999); identity and order compare (tUs, subNs). Values of one column
// set have one kind. Companion columns are optional and parallel to the times.
//
// No object, string or BigInt is made per float sample. 64-bit integers live in BigInt64 views that
// only kernels and printers read.
import { nearestDoubles } from '../stdx/nearest-double.ts';
import type { Histogram } from './histogram.ts';
import type { Labels } from './labels.ts';

export const KIND = { f64: 0, i64: 1, u64: 2, boolean: 3, string: 4, histogram: 5 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];
export const KIND_NAMES = ['f64', 'i64', 'u64', 'boolean', 'string', 'histogram'] as const;

/** Bit set of kinds: 1 << kind. */
export type KindMask = number;
export const ALL_KINDS: KindMask = 0b111111;
/** What PromQL sees as floats: i64 and u64 as the nearest double, booleans as 0 and 1. */
export const NUMERIC_KINDS: KindMask = 0b001111;

/**
 * Refers to a series inside one running storage; never persisted; see storage.ts for its lifetime.
 */
export type SeriesRef = number;

/** Position of each sample: degrees and metres; NaN where a sample has none. */
export interface PositionColumns {
  readonly latitude: Float64Array;
  readonly longitude: Float64Array;
  /** Metres; NaN where there is none. It may stand alone. */
  readonly elevation: Float64Array;
}

/** Has the sample at `index` a place or an elevation? */
export function isPlaced(position: PositionColumns, index: number): boolean {
  const { latitude, elevation } = position;
  return !(Number.isNaN(latitude[index]) && Number.isNaN(elevation[index]));
}

export interface Companions {
  /** Nanoseconds 0-999 to add to tUs; undefined = all zero. */
  readonly subNs: Uint16Array | undefined;
  /**
   * Start ("created") time of the series' counter, microseconds; NaN = none; undefined = all none.
   */
  readonly startUs: Float64Array | undefined;
  readonly position: PositionColumns | undefined;
}

export type ValueColumn =
  | { readonly kind: typeof KIND.f64; readonly values: Float64Array }
  | { readonly kind: typeof KIND.i64; readonly values: BigInt64Array }
  | { readonly kind: typeof KIND.u64; readonly values: BigUint64Array }
  /** 0 or 1. */
  | { readonly kind: typeof KIND.boolean; readonly values: Uint8Array }
  | { readonly kind: typeof KIND.string; readonly values: readonly string[] }
  | { readonly kind: typeof KIND.histogram; readonly values: readonly Histogram[] };

/** Values that are numbers: what PromQL sees as floats. */
export type NumberColumn = Extract<ValueColumn, { readonly kind: 0 | 1 | 2 | 3 }>;

/** Samples of one series and one kind. Arrays may be longer than `count`; the rest is garbage. */
export type Samples = ValueColumn &
  Companions & {
    readonly count: number;
    readonly tUs: Float64Array;
  };

/** Points of several series and one kind, in the order in which the client sent them. */
export type Points = Samples & {
  readonly refs: Uint32Array;
  /**
   * Position of each point in its batch, where the batch has more than one column set: of two
   * points with one identity the one with the higher row wins, whatever their kinds. undefined: the
   * index.
   */
  readonly rows: Uint32Array | undefined;
};

export interface Metadata {
  /** Metric family name. */
  readonly family: string;
  /** counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown. */
  readonly type: string;
  readonly unit: string;
  readonly help: string;
}

export interface Exemplar {
  readonly ref: SeriesRef;
  readonly labels: Labels;
  readonly tUs: number;
  readonly subNs: number;
  readonly value: number;
}

/** A key and value of a series that are not part of its identity; '' removes the key. */
export interface Attribute {
  readonly ref: SeriesRef;
  readonly key: string;
  readonly value: string;
}

/** How a metric name splits into an InfluxDB measurement and field; belongs to the name. */
export interface NameSplit {
  readonly name: string;
  readonly measurement: string;
  readonly field: string;
}

/** One write of one tenant. Borrowed by `append` until its promise settles. */
export interface WriteBatch {
  readonly points: readonly Points[];
  readonly metadata: readonly Metadata[];
  readonly exemplars: readonly Exemplar[];
  readonly attributes: readonly Attribute[];
  readonly splits: readonly NameSplit[];
}

/** Have the first `count` numbers the same bits? As fast as memory is read. */
export function isConstant(column: Float64Array, count: number): boolean {
  const { buffer, byteOffset } = column;
  const before = new Uint8Array(buffer, byteOffset, Math.max(count - 1, 0) * 8);
  const after = new Uint8Array(buffer, byteOffset + Math.min(count, 1) * 8, before.length);
  return Buffer.compare(before, after) === 0;
}

/**
 * The first `count` values as doubles: integers as the nearest one, booleans as 0 and 1. Doubles
 * are given as they are, not copied.
 */
export function doublesOf(column: NumberColumn, count: number): Float64Array {
  if (column.kind === KIND.f64) return column.values;
  if (column.kind !== KIND.boolean) return nearestDoubles(column.values, count);
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) out[i] = column.values[i]!;
  return out;
}

export function isNumberColumn(column: ValueColumn): column is NumberColumn {
  return column.kind !== KIND.string && column.kind !== KIND.histogram;
}
