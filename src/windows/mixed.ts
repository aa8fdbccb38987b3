// Kernels over series that hold histograms, alone or mixed with floats. Statistics of floats ignore
// the histograms of a window and say so; sums, averages and rates refuse a mix and say so.
import { isStartReset } from './counters.ts';
import { runFloatKernel } from './float-kernels.ts';
import type { KernelSpec, Note } from './float-kernels.ts';
import { equalHistograms } from './histogram-equal.ts';
import { HistogramGroup } from './histogram-group.ts';
import { isHistogramReset } from './histogram-math.ts';
import { histogramLastTwo, histogramRate } from './histogram-rate.ts';
import type { HistogramSamples, SeriesSamples } from './samples.ts';
import type { Windows } from './sliding.ts';
import { SLOT_EMPTY } from './step-column.ts';
import type { StepColumn } from './step-column.ts';

const US_PER_SEC = 1e6;

export interface MixedWindows {
  readonly floats: Windows;
  readonly histograms: Windows;
}

/** One call of a mixed kernel. */
interface Job {
  readonly spec: KernelSpec;
  readonly s: SeriesSamples;
  readonly others: HistogramSamples;
  readonly windows: MixedWindows;
  readonly out: StepColumn;
  readonly note: Note;
}

export function mixedKernel(
  spec: KernelSpec,
  s: SeriesSamples,
  windows: MixedWindows,
  out: StepColumn,
  note: Note,
): void {
  const job: Job = { spec, s, others: s.histograms!, windows, out, note };
  switch (spec.kernel) {
    case 'last':
    case 'first':
    case 'ts_of_first':
    case 'ts_of_last':
    case 'timestamp':
      return pickMixed(job);
    case 'count':
    case 'present':
      return countMixed(job);
    case 'changes':
    case 'resets':
      return eventsMixed(job, spec.kernel);
    case 'sum':
    case 'avg':
    case 'rate':
    case 'increase':
    case 'delta':
      return wholeMixed(job);
    case 'irate':
    case 'idelta':
      return lastTwoMixed(job);
    default:
      return floatsOnly(job);
  }
}

function sizes(job: Job, k: number): { floats: number; histograms: number } {
  const { floats, histograms } = job.windows;
  return {
    floats: floats.hi[k]! - floats.lo[k]!,
    histograms: histograms.hi[k]! - histograms.lo[k]!,
  };
}

function floatsOnly(job: Job): void {
  const { spec, s, windows, out, note } = job;
  runFloatKernel(spec, s, windows.floats, out);
  for (let k = 0; k < out.count; k++) {
    const { floats, histograms } = sizes(job, k);
    if (floats > 0 && histograms > 0) note('info', 'histogram-ignored-in-range');
  }
}

function wholeMixed(job: Job): void {
  const { spec, s, windows, out, note } = job;
  runFloatKernel(spec, s, windows.floats, out);
  for (let k = 0; k < out.count; k++) {
    const { floats, histograms } = sizes(job, k);
    if (histograms === 0) continue;
    if (floats > 0) {
      out.present[k] = SLOT_EMPTY;
      note('warning', 'mixed-floats-histograms');
    } else setWhole(job, k);
  }
}

function setWhole({ spec, others, windows, out, note }: Job, k: number): void {
  const { histograms } = windows;
  const lo = histograms.lo[k]!;
  const hi = histograms.hi[k]!;
  const { kernel } = spec;
  if (kernel === 'sum' || kernel === 'avg') {
    const group = new HistogramGroup(kernel === 'avg');
    for (let i = lo; i < hi; i++) group.add(others.values[i]!);
    const result = group.finish(note, '');
    if (result !== undefined) out.setHistogram(k, result);
    return;
  }
  const stepUs = histograms.stepAt(k);
  const { beforeUs, afterUs } = histograms.shape;
  const range = { lo, hi, rangeStartUs: stepUs - beforeUs, rangeEndUs: stepUs + afterUs };
  const options = { isCounter: kernel !== 'delta', isPerSecond: kernel === 'rate' };
  const result = histogramRate(others, range, options, note);
  if (result !== undefined) out.setHistogram(k, result);
}

function lastTwoMixed(job: Job): void {
  const { spec, s, others, windows, out, note } = job;
  runFloatKernel(spec, s, windows.floats, out);
  for (let k = 0; k < out.count; k++) {
    const { floats, histograms } = sizes(job, k);
    if (histograms === 0 || floats + histograms < 2) continue;
    const f = windows.floats.hi[k]! - 1;
    const h = windows.histograms.hi[k]! - 1;
    const lastTwoFloats = floats >= 2 && s.tUs[f - 1]! > others.tUs[h]!;
    const lastTwoHistograms = histograms >= 2 && (floats === 0 || others.tUs[h - 1]! > s.tUs[f]!);
    if (lastTwoFloats) continue;
    out.present[k] = SLOT_EMPTY;
    if (lastTwoHistograms) {
      const result = histogramLastTwo(others, h, spec.kernel === 'irate', note);
      if (result !== undefined) out.setHistogram(k, result);
    } else note('warning', 'mixed-floats-histograms');
  }
}

/** A sample of either kind in a merged walk; `f` or `h` is its index, the other one is -1. */
interface Cursor {
  readonly f: number;
  readonly h: number;
}

export type EventKind = 'changes' | 'resets';

function isEvent(
  kind: EventKind,
  s: SeriesSamples,
  others: HistogramSamples,
  previous: Cursor,
  current: Cursor,
): boolean {
  if (previous.f >= 0 !== current.f >= 0) return true;
  if (current.f >= 0) {
    const value = s.values[current.f]!;
    const before = s.values[previous.f]!;
    if (kind === 'changes')
      return value !== before && !(Number.isNaN(value) && Number.isNaN(before));
    return value < before || isStartEvent(s, previous.f, current.f);
  }
  const value = others.values[current.h]!;
  const before = others.values[previous.h]!;
  if (kind === 'changes') return !equalHistograms(value, before);
  return isStartEvent(others, previous.h, current.h) || isHistogramReset(value, before);
}

function isStartEvent(
  s: { readonly startUs: Float64Array | undefined; readonly tUs: Float64Array },
  from: number,
  to: number,
): boolean {
  const { startUs, tUs } = s;
  return startUs !== undefined && isStartReset(startUs[from]!, tUs[from]!, startUs[to]!, tUs[to]!);
}

/** Changes or resets among the floats [fLo, fHi) and histograms [hLo, hHi), in time order. */
export function mixedEvents(
  kind: EventKind,
  s: SeriesSamples,
  window: {
    readonly fLo: number;
    readonly fHi: number;
    readonly hLo: number;
    readonly hHi: number;
  },
): number {
  const others = s.histograms!;
  const { fHi, hHi } = window;
  let f = window.fLo;
  let h = window.hLo;
  let previous: Cursor | undefined;
  let count = 0;
  while (f < fHi || h < hHi) {
    const takesFloat = h >= hHi || (f < fHi && s.tUs[f]! < others.tUs[h]!);
    const current: Cursor = takesFloat ? { f: f++, h: -1 } : { f: -1, h: h++ };
    if (previous !== undefined && isEvent(kind, s, others, previous, current)) count++;
    previous = current;
  }
  return count;
}

function eventsMixed(job: Job, kind: EventKind): void {
  const { floats, histograms } = job.windows;
  for (let k = 0; k < job.out.count; k++) {
    const window = {
      fLo: floats.lo[k]!,
      fHi: floats.hi[k]!,
      hLo: histograms.lo[k]!,
      hHi: histograms.hi[k]!,
    };
    if (window.fLo < window.fHi || window.hLo < window.hHi)
      job.out.setFloat(k, mixedEvents(kind, job.s, window));
  }
}

function pickMixed({ spec, s, others, windows, out }: Job): void {
  const { floats, histograms } = windows;
  const isFirst = spec.kernel === 'first' || spec.kernel === 'ts_of_first';
  const wantsTime = spec.kernel !== 'first' && spec.kernel !== 'last';
  for (let k = 0; k < out.count; k++) {
    const hasFloat = floats.hi[k]! > floats.lo[k]!;
    const hasHistogram = histograms.hi[k]! > histograms.lo[k]!;
    if (!hasFloat && !hasHistogram) continue;
    const f = isFirst ? floats.lo[k]! : floats.hi[k]! - 1;
    const h = isFirst ? histograms.lo[k]! : histograms.hi[k]! - 1;
    const isFloat =
      hasFloat &&
      (!hasHistogram || (isFirst ? s.tUs[f]! < others.tUs[h]! : s.tUs[f]! > others.tUs[h]!));
    if (wantsTime) out.setFloat(k, (isFloat ? s.tUs[f]! : others.tUs[h]!) / US_PER_SEC);
    else if (isFloat) out.setFloat(k, s.values[f]!);
    else out.setHistogram(k, others.values[h]!);
  }
}

function countMixed(job: Job): void {
  const { spec, out } = job;
  for (let k = 0; k < out.count; k++) {
    const { floats, histograms } = sizes(job, k);
    const count = floats + histograms;
    if (count > 0) out.setFloat(k, spec.kernel === 'present' ? 1 : count);
  }
}
