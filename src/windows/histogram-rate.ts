// Growth of native histogram counters over a window: rate, increase, delta, irate, idelta. As over
// floats (counters.ts), with the layouts brought together first. Source of semantics: Prometheus
// promql/functions.go, histogramRate.
import { COUNTER_RESET_HINT } from '../model/histogram.ts';
import type { Histogram } from '../model/histogram.ts';
import { extrapolationFactor, isStartReset, startsInside } from './counters.ts';
import type { RateOptions } from './counters.ts';
import type { Note } from './float-kernels.ts';
import { compactHistogram, hasCustomBuckets } from './histogram-layout.ts';
import { HistogramSum, isHistogramReset, scaleHistogram } from './histogram-math.ts';
import type { HistogramSamples } from './samples.ts';

const US_PER_SEC = 1e6;

export interface HistogramRange {
  readonly lo: number;
  readonly hi: number;
  readonly rangeStartUs: number;
  readonly rangeEndUs: number;
}

function isGauge(h: Histogram): boolean {
  return h.counterResetHint === COUNTER_RESET_HINT.gauge;
}

function isResetAt(s: HistogramSamples, i: number): boolean {
  const starts = s.startUs;
  if (starts !== undefined && isStartReset(starts[i - 1]!, s.tUs[i - 1]!, starts[i]!, s.tUs[i]!))
    return true;
  return isHistogramReset(s.values[i]!, s.values[i - 1]!);
}

/** Notes of additions and subtractions of one window. */
function noteReconciled(sum: HistogramSum, note: Note, operation: string): void {
  if (!sum.notes.boundsReconciled) return;
  sum.notes.boundsReconciled = false;
  note('info', `mismatched-custom-buckets-${operation}`);
}

/** Last minus first plus what resets lost; undefined where the layouts do not go together. */
function growthOf(
  s: HistogramSamples,
  { lo, hi }: HistogramRange,
  isCounter: boolean,
  note: Note,
): HistogramSum | undefined {
  const last = s.values[hi - 1]!;
  const first = s.values[lo]!;
  if (isCounter) {
    for (let i = lo; i < hi; i++)
      if (isGauge(s.values[i]!)) note('warning', 'histogram-not-counter');
  } else if (!isGauge(first) || !isGauge(last)) note('warning', 'histogram-not-gauge');
  const ignoresFirst = isCounter && isResetAt(s, lo + 1);
  const isCustom = hasCustomBuckets(last);
  const from = ignoresFirst ? lo + 1 : lo;
  const checked = isCounter ? s.values.slice(from, hi) : [first, last];
  if (checked.some((h) => hasCustomBuckets(h) !== isCustom)) {
    note('warning', 'mixed-exponential-custom');
    return undefined;
  }
  const growth = new HistogramSum(last, 'plain');
  if (!isCustom) growth.coarsen(Math.min(...checked.map(({ schema }) => schema)));
  if (!ignoresFirst) growth.add(first, -1);
  noteReconciled(growth, note, 'subtraction');
  if (isCounter)
    for (let i = from + 1; i < hi; i++) {
      if (!isResetAt(s, i)) continue;
      growth.add(s.values[i - 1]!);
      noteReconciled(growth, note, 'addition');
    }
  return growth;
}

export function histogramRate(
  s: HistogramSamples,
  range: HistogramRange,
  options: RateOptions,
  note: Note,
): Histogram | undefined {
  const { lo, hi } = range;
  const first = s.values[lo]!;
  const growth = hi - lo > 1 ? growthOf(s, range, options.isCounter, note) : undefined;
  if (hi - lo > 1 && growth === undefined) return undefined;
  const window = {
    rangeStartUs: range.rangeStartUs,
    rangeEndUs: range.rangeEndUs,
    firstUs: s.tUs[lo]!,
    lastUs: s.tUs[hi - 1]!,
    sampleCount: hi - lo,
    startUs: s.startUs?.[lo] ?? Number.NaN,
    growth: growth?.finish().count ?? 0,
    firstValue: first.count,
  };
  const fromZero = options.isCounter && startsInside(window);
  if (growth === undefined && !fromZero) return undefined;
  const total = growth ?? new HistogramSum(first, 'plain');
  if (fromZero && growth !== undefined && !total.add(first)) {
    note('warning', 'mixed-exponential-custom');
    return undefined;
  }
  if (growth !== undefined) total.setHint(COUNTER_RESET_HINT.gauge);
  return compactHistogram(scaleHistogram(total.finish(), extrapolationFactor(window, options)));
}

/** irate and idelta over the samples at `last - 1` and `last`. */
export function histogramLastTwo(
  s: HistogramSamples,
  last: number,
  isRate: boolean,
  note: Note,
): Histogram | undefined {
  const newer = s.values[last]!;
  const older = s.values[last - 1]!;
  const seconds = (s.tUs[last]! - s.tUs[last - 1]!) / US_PER_SEC;
  if (isRate && (isGauge(newer) || isGauge(older))) note('warning', 'histogram-not-counter');
  if (!isRate && !(isGauge(newer) && isGauge(older))) note('warning', 'histogram-not-gauge');
  const growth = new HistogramSum(newer, 'plain');
  if (!isRate || !isResetAt(s, last)) {
    if (!growth.add(older, -1)) {
      note('warning', 'mixed-exponential-custom');
      return undefined;
    }
    noteReconciled(growth, note, 'subtraction');
  }
  growth.setHint(COUNTER_RESET_HINT.gauge);
  const result = compactHistogram(growth.finish());
  return isRate ? scaleHistogram(result, seconds, true) : result;
}
