// Kernels whose windows reach beyond their range: `anchored` takes the last sample at or before the
// start as the first, `smoothed` interpolates at both ends from neighbours within the lookback.
// There is no extrapolation then. Source of semantics: Prometheus promql/engine.go and
// functions.go, extendedRate.
import type { Note } from './float-kernels.ts';
import { extendedHistogramGrowth, smoothedHistogram } from './extended-histograms.ts';
import { scaleHistogram } from './histogram-math.ts';
import { mixedEvents } from './mixed.ts';
import type { HistogramSamples, SeriesSamples } from './samples.ts';
import { Windows } from './sliding.ts';
import type { StepGrid } from './sliding.ts';
import type { StepColumn } from './step-column.ts';

export type ExtendedMode = 'anchored' | 'smoothed';

export interface ExtendedSpec {
  readonly mode: ExtendedMode;
  readonly windowUs: number;
  readonly lookbackUs: number;
  readonly grid: StepGrid;
}

const US_PER_SEC = 1e6;

/** `func`: rate, increase, delta; anchored also changes and resets. `out` must be empty. */
export function extendedKernel(
  func: string,
  spec: ExtendedSpec,
  s: SeriesSamples,
  out: StepColumn,
  note: Note,
): void {
  const floats = walkExtended(spec, s);
  const others = s.histograms;
  const histograms = others === undefined ? undefined : walkExtended(spec, others);
  for (let k = 0; k < spec.grid.count; k++) {
    const endUs = spec.grid.startUs + k * spec.grid.stepUs;
    const ends = { startUs: endUs - spec.windowUs, endUs };
    const range = { ...ends, lo: floats.lo[k]!, hi: floats.hi[k]! };
    const other = { ...ends, lo: histograms?.lo[k] ?? 0, hi: histograms?.hi[k] ?? 0 };
    const hasFloats = range.hi > range.lo;
    const hasHistograms = other.hi > other.lo;
    if (!hasFloats && !hasHistograms) continue;
    if (func === 'changes' || func === 'resets') {
      const count = hasHistograms ? countMixed(func, s, range, other) : countEvents(func, s, range);
      if (count !== undefined) out.setFloat(k, count);
    } else if (hasFloats && hasHistograms) note('warning', 'mixed-floats-histograms');
    else if (hasFloats) setGrowth(func, spec, s, { range, k }, out);
    else if (others !== undefined)
      setHistogramGrowth(func, spec, others, { range: other, k }, { out, note });
  }
}

interface StepRange {
  readonly range: Range;
  readonly k: number;
}

function setGrowth(
  func: string,
  spec: ExtendedSpec,
  s: SeriesSamples,
  { range, k }: StepRange,
  out: StepColumn,
): void {
  const growth = extendedGrowth(s, range, spec.mode === 'smoothed', func !== 'delta');
  if (growth === undefined) return;
  out.setFloat(k, func === 'rate' ? growth / (spec.windowUs / US_PER_SEC) : growth);
}

function setHistogramGrowth(
  func: string,
  spec: ExtendedSpec,
  s: HistogramSamples,
  { range, k }: StepRange,
  { out, note }: { readonly out: StepColumn; readonly note: Note },
): void {
  const options = { isSmoothed: spec.mode === 'smoothed', isCounter: func !== 'delta' };
  const growth = extendedHistogramGrowth(s, range, options, note);
  if (growth === undefined) return;
  const seconds = spec.windowUs / US_PER_SEC;
  out.setHistogram(k, func === 'rate' ? scaleHistogram(growth, seconds, true) : growth);
}

/**
 * Changes or resets where histograms take part: the newest sample at or before the start, of either
 * kind, is the first; undefined where no sample follows it.
 */
function countMixed(
  func: 'changes' | 'resets',
  s: SeriesSamples,
  range: Range,
  other: Range,
): number | undefined {
  const others = s.histograms!;
  const f = firstAfter(s.tUs, range.lo, range.hi, range.startUs, false);
  const h = firstAfter(others.tUs, other.lo, other.hi, other.startUs, false);
  if (f === range.hi && h === other.hi) return undefined;
  const floatUs = f > range.lo ? s.tUs[f - 1]! : -Infinity;
  const histogramUs = h > other.lo ? others.tUs[h - 1]! : -Infinity;
  const window = { fLo: f, fHi: range.hi, hLo: h, hHi: other.hi };
  if (floatUs !== -Infinity && floatUs >= histogramUs) window.fLo--;
  else if (histogramUs !== -Infinity) window.hLo--;
  return mixedEvents(func, s, window);
}

function walkExtended(spec: ExtendedSpec, s: Pick<SeriesSamples, 'tUs' | 'count'>): Windows {
  const windows = new Windows(spec.grid, {
    beforeUs: spec.windowUs + spec.lookbackUs,
    afterUs: spec.mode === 'smoothed' ? spec.lookbackUs : 0,
    includesStart: false,
    includesEnd: true,
  });
  windows.walk(s.tUs, s.count);
  return windows;
}

/** A range and the samples [lo, hi) around it. */
interface Range {
  readonly startUs: number;
  readonly endUs: number;
  readonly lo: number;
  readonly hi: number;
}

/** First index in [lo, hi) with t > tUs (or >= where `orEqual`); hi where there is none. */
function firstAfter(
  tUs: Float64Array,
  lo: number,
  hi: number,
  boundUs: number,
  orEqual: boolean,
): number {
  for (let i = lo; i < hi; i++) if (tUs[i]! > boundUs || (orEqual && tUs[i] === boundUs)) return i;
  return hi;
}

/** Index range of the samples that count: from the anchor to the last, both inclusive. */
function edges(
  s: SeriesSamples,
  range: Range,
  isSmoothed: boolean,
): { first: number; last: number } | undefined {
  const { startUs, endUs, lo, hi } = range;
  let last = hi - 1;
  const first = Math.max(lo, firstAfter(s.tUs, lo, last, startUs, false) - 1);
  if (isSmoothed) last = firstAfter(s.tUs, lo, last, endUs, true);
  if (s.tUs[last]! <= startUs) return undefined;
  if (isSmoothed && s.tUs[first]! > endUs) return undefined;
  return { first, last };
}

/** Value at tUs on the line between samples i and i + 1; a counter that was reset starts at 0. */
function interpolateAt(s: SeriesSamples, i: number, tUs: number, isCounter: boolean): number {
  const to = s.values[i + 1]!;
  const from = isCounter && to < s.values[i]! ? 0 : s.values[i]!;
  return from + ((to - from) * (tUs - s.tUs[i]!)) / (s.tUs[i + 1]! - s.tUs[i]!);
}

function valuesAtEnds(
  s: SeriesSamples,
  range: Range,
  edge: { readonly first: number; readonly last: number },
  isCounter: boolean | undefined,
): { left: number; right: number } {
  const { first, last } = edge;
  if (isCounter === undefined) return { left: s.values[first]!, right: s.values[last]! };
  const left =
    s.tUs[first]! < range.startUs
      ? interpolateAt(s, first, range.startUs, isCounter)
      : s.values[first]!;
  const right =
    last > range.lo && s.tUs[last]! > range.endUs
      ? interpolateAt(s, last - 1, range.endUs, isCounter)
      : s.values[last]!;
  return { left, right };
}

function extendedGrowth(
  s: SeriesSamples,
  range: Range,
  isSmoothed: boolean,
  isCounter: boolean,
): number | undefined {
  const edge = edges(s, range, isSmoothed);
  if (edge === undefined) return undefined;
  const { left, right } = valuesAtEnds(s, range, edge, isSmoothed ? isCounter : undefined);
  const growth = right - left;
  if (!isCounter) return growth;
  let previous = left;
  let lost = 0;
  for (let i = edge.first; i <= edge.last; i++) {
    if (i === edge.first && s.tUs[i]! <= range.startUs) continue;
    if (i === edge.last && s.tUs[i]! >= range.endUs) continue;
    const value = s.values[i]!;
    if (value < previous) lost += previous;
    previous = value;
  }
  if (right < previous) lost += previous;
  return growth + lost;
}

function countEvents(
  func: 'changes' | 'resets',
  s: SeriesSamples,
  range: Range,
): number | undefined {
  const after = firstAfter(s.tUs, range.lo, range.hi, range.startUs, false);
  if (after === range.hi) return undefined;
  let count = 0;
  for (let i = Math.max(range.lo, after - 1) + 1; i < range.hi; i++) {
    const value = s.values[i]!;
    const previous = s.values[i - 1]!;
    if (func === 'resets') count += value < previous ? 1 : 0;
    else if (value !== previous && !(Number.isNaN(value) && Number.isNaN(previous))) count++;
  }
  return count;
}

/**
 * Samples of a range vector with its ends put in: interpolated (smoothed) or carried (anchored).
 */
export function extendedSamples(
  s: SeriesSamples,
  range: { readonly startUs: number; readonly endUs: number },
  mode: ExtendedMode,
): { tUs: Float64Array; values: Float64Array } | undefined {
  if (s.count === 0) return undefined;
  const isSmoothed = mode === 'smoothed';
  const whole = { ...range, lo: 0, hi: s.count };
  const edge = edges(s, { ...whole, endUs: isSmoothed ? range.endUs : Infinity }, isSmoothed);
  if (edge === undefined) return undefined;
  const { left, right } = valuesAtEnds(s, whole, edge, isSmoothed ? false : undefined);
  const from = s.tUs[edge.first]! <= range.startUs ? edge.first + 1 : edge.first;
  const to = s.tUs[edge.last]! >= range.endUs ? edge.last : edge.last + 1;
  const inner = Math.max(0, to - from);
  const tUs = new Float64Array(inner + 2);
  const values = new Float64Array(inner + 2);
  tUs[0] = range.startUs;
  values[0] = left;
  tUs.set(s.tUs.subarray(from, from + inner), 1);
  values.set(s.values.subarray(from, from + inner), 1);
  tUs[inner + 1] = range.endUs;
  values[inner + 1] = right;
  return { tUs, values };
}

/**
 * The smoothed instant selector: the value on the line between the neighbours within the lookback.
 */
export function smoothedKernel(
  spec: Pick<ExtendedSpec, 'grid' | 'lookbackUs'>,
  s: SeriesSamples,
  out: StepColumn,
  note: Note,
): void {
  const whole: ExtendedSpec = { ...spec, windowUs: 0, mode: 'smoothed' };
  const { lo, hi } = walkExtended(whole, s);
  const others = s.histograms;
  const histograms = others === undefined ? undefined : walkExtended(whole, others);
  for (let k = 0; k < spec.grid.count; k++) {
    const tUs = spec.grid.startUs + k * spec.grid.stepUs;
    const hasFloats = hi[k]! > lo[k]!;
    const window = { lo: histograms?.lo[k] ?? 0, hi: histograms?.hi[k] ?? 0, tUs };
    if (window.hi > window.lo) {
      const value = hasFloats ? undefined : smoothedHistogram(others!, window, note);
      if (hasFloats) note('warning', 'mixed-floats-histograms');
      if (value !== undefined) out.setHistogram(k, value);
      continue;
    }
    if (!hasFloats) continue;
    const at = firstAfter(s.tUs, lo[k]!, hi[k]!, tUs, true);
    if (at < hi[k]! && s.tUs[at] === tUs) out.setFloat(k, s.values[at]!);
    else if (at > lo[k]! && at < hi[k]!) out.setFloat(k, interpolateAt(s, at - 1, tUs, false));
    else if (at > lo[k]!) out.setFloat(k, s.values[at - 1]!);
  }
}
