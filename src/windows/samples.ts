// Samples of one series as every kernel reads them: floats and histograms apart, each in time
// order. Integers and booleans become the nearest double; strings never take part. A staleness
// marker ends a series: range windows leave it out, the instant selector must see it. Arrays are
// borrowed from the storage where one plain chunk is all there is, else copied into fresh ones.
import { doublesOf, isNumberColumn, KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import { COUNTER_RESET_HINT } from '../model/histogram.ts';
import type { CounterResetHint, Histogram } from '../model/histogram.ts';
import { sameBounds } from './histogram-equal.ts';
import { isHistogramReset } from './histogram-math.ts';

export interface HistogramSamples {
  readonly count: number;
  readonly tUs: Float64Array;
  readonly values: readonly Histogram[];
  /** NaN = none; undefined = all none. */
  readonly startUs: Float64Array | undefined;
  /** 1 marks a staleness marker; undefined = none. */
  readonly stale: Uint8Array | undefined;
}

export interface SeriesSamples {
  /** Number of floats; the arrays may be longer. */
  readonly count: number;
  readonly tUs: Float64Array;
  readonly values: Float64Array;
  readonly startUs: Float64Array | undefined;
  readonly stale: Uint8Array | undefined;
  readonly histograms: HistogramSamples | undefined;
  /** The array of times is never written to again: its windows need to be found but once. */
  readonly hasFixedTimes?: boolean;
  /** No float is below the one before; false where nobody looked. */
  readonly isRising?: boolean;
}

/** The 64 bits of Prometheus' staleness marker, as two halves (model/value/value.go, StaleNaN). */
const STALE_LOW = 0x00000002;
const STALE_HIGH = 0x7ff00000;

const NO_TIMES = new Float64Array(0);

export const NO_SAMPLES: SeriesSamples = {
  count: 0,
  tUs: NO_TIMES,
  values: NO_TIMES,
  startUs: undefined,
  stale: undefined,
  histograms: undefined,
};

/** Is the double at `index` the staleness marker, bit by bit? */
export function isStaleAt(values: Float64Array, index: number): boolean {
  const words = new Uint32Array(values.buffer, values.byteOffset + index * 8, 2);
  return words[0] === STALE_LOW && words[1] === STALE_HIGH;
}

function isStaleHistogram(histogram: Histogram): boolean {
  if (!Number.isNaN(histogram.sum)) return false;
  return isStaleAt(Float64Array.of(histogram.sum), 0);
}

/**
 * Reads the chunks of one series. `keepStale`: markers stay and are flagged (instant selector);
 * otherwise they are left out. Complexity: O(samples).
 */
export function gatherSamples(chunks: readonly Samples[], keepStale: boolean): SeriesSamples {
  const only = chunks.length === 1 ? chunks[0] : undefined;
  if (only !== undefined && isNumberColumn(only) && !hasMarker(only)) {
    const { count, tUs, startUs } = only;
    return {
      count,
      tUs,
      values: doublesOf(only, count),
      startUs,
      stale: undefined,
      histograms: undefined,
    };
  }
  return gatherFloats(chunks, gatherHistograms(chunks, keepStale), keepStale);
}

/** Is one of the first `count` a staleness marker? */
function hasStale(values: Float64Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (Number.isNaN(values[i]!) && isStaleAt(values, i)) return true;
  return false;
}

/** Only doubles can be staleness markers. */
export function hasMarker({ kind, values, count }: Samples): boolean {
  return kind === KIND.f64 && hasStale(values, count);
}

function gatherFloats(
  chunks: readonly Samples[],
  histograms: HistogramSamples | undefined,
  keepStale: boolean,
): SeriesSamples {
  let size = 0;
  let withStart = false;
  for (const chunk of chunks) {
    if (!isNumberColumn(chunk)) continue;
    size += chunk.count;
    withStart ||= chunk.startUs !== undefined;
  }
  const tUs = new Float64Array(size);
  const values = new Float64Array(size);
  const startUs = withStart ? new Float64Array(size).fill(Number.NaN) : undefined;
  let stale: Uint8Array | undefined;
  let count = 0;
  for (const chunk of chunks) {
    if (!isNumberColumn(chunk)) continue;
    const doubles = doublesOf(chunk, chunk.count);
    for (let i = 0; i < chunk.count; i++) {
      const value = doubles[i]!;
      if (Number.isNaN(value) && isStaleAt(doubles, i)) {
        if (!keepStale) continue;
        stale ??= new Uint8Array(size);
        stale[count] = 1;
      }
      tUs[count] = chunk.tUs[i]!;
      values[count] = value;
      if (startUs !== undefined && chunk.startUs !== undefined) startUs[count] = chunk.startUs[i]!;
      count++;
    }
  }
  return { count, tUs, values, startUs, stale, histograms };
}

/**
 * A sample with what its neighbour in storage says about a counter reset, where it does not say so
 * itself and the layouts allow to tell. Only for warnings: arithmetic follows the sample's own
 * hint.
 */
export interface NeighbourHistogram extends Histogram {
  readonly neighbourHint?: CounterResetHint;
}

function withNeighbour(value: Histogram, previous: Histogram | undefined): NeighbourHistogram {
  const { unknown, gauge, reset, notReset } = COUNTER_RESET_HINT;
  if (value.counterResetHint !== unknown || previous === undefined) return value;
  const isComparable =
    previous.counterResetHint !== gauge &&
    previous.schema === value.schema &&
    previous.zeroThreshold === value.zeroThreshold &&
    sameBounds(previous.customValues, value.customValues);
  if (!isComparable) return value;
  return { ...value, neighbourHint: isHistogramReset(value, previous) ? reset : notReset };
}

function gatherHistograms(
  chunks: readonly Samples[],
  keepStale: boolean,
): HistogramSamples | undefined {
  let size = 0;
  let withStart = false;
  for (const chunk of chunks) {
    if (chunk.kind !== KIND.histogram) continue;
    size += chunk.count;
    withStart ||= chunk.startUs !== undefined;
  }
  if (size === 0) return undefined;
  const tUs = new Float64Array(size);
  const values: Histogram[] = [];
  const startUs = withStart ? new Float64Array(size).fill(Number.NaN) : undefined;
  let stale: Uint8Array | undefined;
  let previous: Histogram | undefined;
  for (const chunk of chunks) {
    if (chunk.kind !== KIND.histogram) {
      previous = undefined;
      continue;
    }
    for (let i = 0; i < chunk.count; i++) {
      const value = withNeighbour(chunk.values[i]!, previous);
      previous = value;
      if (isStaleHistogram(value)) {
        previous = undefined;
        if (!keepStale) continue;
        stale ??= new Uint8Array(size);
        stale[values.length] = 1;
      }
      tUs[values.length] = chunk.tUs[i]!;
      if (startUs !== undefined && chunk.startUs !== undefined)
        startUs[values.length] = chunk.startUs[i]!;
      values.push(value);
    }
  }
  if (values.length === 0) return undefined;
  return { count: values.length, tUs, values, startUs, stale };
}
