// The kernels of extended.ts over native histograms: growth of a counter (or gauge) between the
// ends of a range, which are carried (anchored) or interpolated (smoothed). Source of semantics:
// Prometheus promql/functions.go, extendedHistogramRate and interpolateHistograms.
import { COUNTER_RESET_HINT } from '../model/histogram.ts';
import type { Histogram } from '../model/histogram.ts';
import type { Note } from './float-kernels.ts';
import { compactHistogram, hasCustomBuckets } from './histogram-layout.ts';
import { HistogramSum, isHistogramReset, scaleHistogram } from './histogram-math.ts';
import type { HistogramSamples } from './samples.ts';

/** A range and the samples [lo, hi) around it. */
export interface ExtendedRange {
  readonly startUs: number;
  readonly endUs: number;
  readonly lo: number;
  readonly hi: number;
}

export interface GrowthOptions {
  readonly isSmoothed: boolean;
  readonly isCounter: boolean;
}

function isGauge(h: Histogram): boolean {
  return h.counterResetHint === COUNTER_RESET_HINT.gauge;
}

/** Value at tUs between samples i and i + 1; a counter that was reset grows from nothing. */
function interpolateHistogram(
  s: HistogramSamples,
  i: number,
  tUs: number,
  isCounter: boolean,
  note: Note,
): Histogram | undefined {
  const from = s.values[i]!;
  const to = s.values[i + 1]!;
  if (tUs === s.tUs[i]) return from;
  if (tUs === s.tUs[i + 1]) return to;
  const part = (tUs - s.tUs[i]!) / (s.tUs[i + 1]! - s.tUs[i]!);
  if (isCounter && isHistogramReset(to, from)) return scaleHistogram(to, part);
  // In this order: what stands still between the samples stays the same to the last bit, and does
  // not look like a reset.
  const growth = new HistogramSum(to, 'plain');
  if (!growth.add(from, -1)) {
    note('warning', 'mixed-exponential-custom');
    return undefined;
  }
  noteReconciled(growth, note, 'subtraction');
  const sum = new HistogramSum(scaleHistogram(growth.finish(), part), 'plain');
  sum.add(from);
  noteReconciled(sum, note, 'addition');
  return sum.finish();
}

function lowerBound(
  s: HistogramSamples,
  lo: number,
  hi: number,
  isBefore: (tUs: number) => boolean,
): number {
  for (let i = lo; i < hi; i++) if (!isBefore(s.tUs[i]!)) return i;
  return hi;
}

/** Index range of the samples that count, both ends inclusive. */
function edges(
  s: HistogramSamples,
  range: ExtendedRange,
  isSmoothed: boolean,
): { first: number; last: number } | undefined {
  const { startUs, endUs, lo, hi } = range;
  let last = hi - 1;
  const first = Math.max(lo, lowerBound(s, lo, last, (tUs) => tUs <= startUs) - 1);
  if (isSmoothed) last = lowerBound(s, lo, last, (tUs) => tUs < endUs);
  if (s.tUs[last]! <= startUs) return undefined;
  return isSmoothed && s.tUs[first]! > endUs ? undefined : { first, last };
}

/** False where the samples cannot be combined. */
function checkSamples(samples: readonly Histogram[], isCounter: boolean, note: Note): boolean {
  const isCustom = hasCustomBuckets(samples[0]!);
  for (const histogram of samples) {
    if (hasCustomBuckets(histogram) !== isCustom) {
      note('warning', 'mixed-exponential-custom');
      return false;
    }
    if (isCounter && isGauge(histogram)) note('warning', 'histogram-not-counter');
  }
  return true;
}

/** Growth over the range, a gauge; undefined where there is nothing to measure. */
export function extendedHistogramGrowth(
  s: HistogramSamples,
  range: ExtendedRange,
  options: GrowthOptions,
  note: Note,
): Histogram | undefined {
  const { isSmoothed, isCounter } = options;
  const edge = edges(s, range, isSmoothed);
  if (edge === undefined) return undefined;
  const { first, last } = edge;
  if (!checkSamples(s.values.slice(first, last + 1), isCounter, note)) return undefined;
  const cutsLeft = isSmoothed && s.tUs[first]! < range.startUs;
  const cutsRight = isSmoothed && last > range.lo && s.tUs[last]! > range.endUs;
  const left = cutsLeft
    ? interpolateHistogram(s, first, range.startUs, isCounter, note)
    : s.values[first];
  const right = cutsRight
    ? interpolateHistogram(s, last - 1, range.endUs, isCounter, note)
    : s.values[last];
  if (left === undefined || right === undefined) return undefined;
  if (!isCounter && !(isGauge(left) && isGauge(right))) note('warning', 'histogram-not-gauge');
  const growth = new HistogramSum(right, 'plain');
  growth.add(left, -1);
  noteReconciled(growth, note, 'subtraction');
  if (isCounter) {
    const lost = lostBetween(s, { first, last, left, right, cutsLeft });
    if (lost !== undefined) {
      noteReconciled(lost, note, 'addition');
      growth.add(lost.finish());
      noteReconciled(growth, note, 'addition');
    }
  }
  growth.setHint(COUNTER_RESET_HINT.gauge);
  return compactHistogram(growth.finish());
}

function noteReconciled(sum: HistogramSum, note: Note, operation: string): void {
  if (!sum.notes.boundsReconciled) return;
  sum.notes.boundsReconciled = false;
  note('info', `mismatched-custom-buckets-${operation}`);
}

interface Ends {
  readonly first: number;
  readonly last: number;
  readonly left: Histogram;
  readonly right: Histogram;
  readonly cutsLeft: boolean;
}

/**
 * What was lost in resets between the ends; undefined where there was none. A reset that an
 * interpolation spans is in it already.
 */
function lostBetween(s: HistogramSamples, ends: Ends): HistogramSum | undefined {
  const { first, last, left, right, cutsLeft } = ends;
  let from = first + 1;
  let previous = left;
  if (cutsLeft && isHistogramReset(s.values[first + 1]!, s.values[first]!)) {
    previous = s.values[first + 1]!;
    from++;
  }
  if (from > last) return undefined;
  let lost: HistogramSum | undefined;
  const lose = (h: Histogram): void => {
    if (lost === undefined) lost = new HistogramSum(h, 'plain');
    else lost.add(h);
  };
  for (let i = from; i < last; i++) {
    const value = s.values[i]!;
    if (isHistogramReset(value, previous)) lose(previous);
    previous = value;
  }
  if (isHistogramReset(right, previous)) lose(previous);
  return lost;
}

/** The smoothed instant selector over histograms, at tUs, from the samples [lo, hi) around it. */
export function smoothedHistogram(
  s: HistogramSamples,
  window: { readonly lo: number; readonly hi: number; readonly tUs: number },
  note: Note,
): Histogram | undefined {
  const { lo, hi, tUs } = window;
  const at = lowerBound(s, lo, hi, (sampleUs) => sampleUs < tUs);
  if (at < hi && s.tUs[at] === tUs) return s.values[at];
  if (at === lo) return undefined;
  const before = s.values[at - 1]!;
  if (at === hi) return { ...before, counterResetHint: COUNTER_RESET_HINT.unknown };
  const after = s.values[at]!;
  return interpolateHistogram(s, at - 1, tUs, !(isGauge(before) && isGauge(after)), note);
}
