// Results of stretches of steps put together to the result of all of them.
import { compareLabels, compareUtf8, labelsKey } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type {
  EvalAnnotation,
  EvalParams,
  EvalResult,
  EvalSeries,
} from '../promql/engine/result.ts';

import { SlotTexts } from './slot-texts.ts';
import type { SeriesWithTexts, TextSource } from './slot-texts.ts';

/** Steps [from, to) of the whole come from slots [from - at, to - at) of a result. */
export interface ResultPart {
  readonly result: EvalResult;
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

interface Joined {
  readonly labels: Labels;
  readonly pieces: (Omit<ResultPart, 'result'> & { readonly series: EvalSeries })[];
}

function hasSlots(present: Uint8Array, from: number, to: number): boolean {
  for (let slot = from; slot < to; slot++) if (present[slot] !== 0) return true;
  return false;
}

function joinSeries(
  { labels, pieces }: Joined,
  values: Float64Array,
  present: Uint8Array,
  onText: ((sizeBytes: number) => void) | undefined,
): EvalSeries {
  let source: TextSource | undefined;
  for (const { series, from, to, at } of pieces) {
    present.set(series.present.subarray(from - at, to - at), from);
    values.set(series.values.subarray(from - at, to - at), from);
    const { texts } = series as Partial<SeriesWithTexts>;
    if (texts !== undefined) source = { texts, from, to, at };
  }
  const own = { labels, present, values, histograms: undefined, tUs: undefined };
  if (onText === undefined) return own;
  const withTexts: SeriesWithTexts = { ...own, texts: new SlotTexts(source, onText) };
  return withTexts;
}

/**
 * The first part was kept, the others are evaluated. They do not overlap and leave no step out;
 * none of them holds a histogram. `onText` is told of memory that the text of the result takes;
 * undefined: the text is not kept.
 */
export function joinParts(
  { startUs, stepUs }: Pick<EvalParams, 'startUs' | 'stepUs'>,
  stepCount: number,
  parts: readonly ResultPart[],
  onText: ((sizeBytes: number) => void) | undefined,
): EvalResult {
  const joined = new Map<string, Joined>();
  for (const { result, from, to, at } of parts)
    for (const one of result.series) {
      if (!hasSlots(one.present, from - at, to - at)) continue;
      const key = labelsKey(one.labels);
      const series = joined.get(key) ?? { labels: one.labels, pieces: [] };
      if (series.pieces.push({ series: one, from, to, at }) === 1) joined.set(key, series);
    }
  const sorted = [...joined.values()].toSorted((a, b) => compareLabels(a.labels, b.labels));
  // One piece of memory for all columns: a cache that is refreshed makes many of them.
  const values = new Float64Array(sorted.length * stepCount);
  const present = new Uint8Array(sorted.length * stepCount);
  const series = sorted.map((one, i) => {
    const range = [i * stepCount, (i + 1) * stepCount] as const;
    return joinSeries(one, values.subarray(...range), present.subarray(...range), onText);
  });
  const evaluated = parts.slice(1).map(({ result }) => result);
  const sum = (of: (result: EvalResult) => number): number =>
    evaluated.reduce((total, result) => total + of(result), 0);
  return {
    type: 'matrix',
    startUs,
    stepUs,
    stepCount,
    series,
    string: undefined,
    annotations: distinct(evaluated.flatMap(({ annotations }) => annotations)),
    dependsOnRange: false,
    stats: {
      seriesRead: sum(({ stats }) => stats.seriesRead),
      samplesRead: sum(({ stats }) => stats.samplesRead),
      samplesPeak: Math.max(0, ...evaluated.map(({ stats }) => stats.samplesPeak)),
    },
  };
}

function distinct(annotations: readonly EvalAnnotation[]): EvalAnnotation[] {
  const byMessage = new Map(annotations.map((one) => [one.message, one]));
  return [...byMessage.values()].toSorted((a, b) => compareUtf8(a.message, b.message));
}

/**
 * The same result in one piece of memory for all values, as `joinParts` makes it: two buffers a
 * series are twice as much as a short column, and each is looked at by every collection. Columns
 * fresh from a leaf share buffers with others, which would be held along.
 */
export function packed(result: EvalResult): EvalResult {
  const { series, stepCount } = result;
  const buffer = series[0]?.values.buffer;
  const isPacked = buffer?.byteLength === series.length * stepCount * 8;
  if (isPacked && series.every(({ values }) => values.buffer === buffer)) return result;
  const values = new Float64Array(series.length * stepCount);
  const present = new Uint8Array(series.length * stepCount);
  const all = series.map((one, i) => {
    const range = [i * stepCount, (i + 1) * stepCount] as const;
    const own = { values: values.subarray(...range), present: present.subarray(...range) };
    own.values.set(one.values);
    own.present.set(one.present);
    return { ...one, ...own };
  });
  return { ...result, series: all };
}

/** Objects of a series: itself, two views, labels. */
const SERIES_BYTES = 500;

/** Memory of a result, about. */
export function resultBytes({ series }: EvalResult): number {
  return series.reduce((sum, { labels, present, values }) => {
    const text = labels.reduce((length, one) => length + one.length, 0);
    return sum + SERIES_BYTES + text + present.byteLength + values.byteLength;
  }, 0);
}
