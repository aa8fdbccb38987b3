// Results for tests, from plain values.
import type { Histogram } from '../model/histogram.ts';
import type { Labels } from '../model/labels.ts';
import { SLOT_EMPTY, SLOT_FLOAT, SLOT_HISTOGRAM } from '../promql/engine/result.ts';
import type { EvalResult, EvalSeries } from '../promql/engine/result.ts';

/** One slot per value; undefined = empty. */
export function seriesSlots(
  labels: Labels,
  slots: readonly (number | Histogram | undefined)[],
): EvalSeries {
  const histograms = slots.map((slot) => (typeof slot === 'object' ? slot : undefined));
  return {
    labels,
    present: Uint8Array.from(slots, (slot) => {
      if (slot === undefined) return SLOT_EMPTY;
      return typeof slot === 'number' ? SLOT_FLOAT : SLOT_HISTOGRAM;
    }),
    values: Float64Array.from(slots, (slot) => (typeof slot === 'number' ? slot : 0)),
    histograms: histograms.some((histogram) => histogram !== undefined) ? histograms : undefined,
    tUs: undefined,
  };
}

/** A result at 100 s. */
export function evalResult(changes: Partial<EvalResult>): EvalResult {
  return {
    type: 'vector',
    startUs: 100_000_000,
    stepUs: 0,
    stepCount: 1,
    series: [],
    string: undefined,
    annotations: [],
    dependsOnRange: false,
    stats: { seriesRead: 0, samplesRead: 0, samplesPeak: 0 },
    ...changes,
  };
}
