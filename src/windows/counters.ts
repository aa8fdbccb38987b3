// Kernels of counters and of differences over floats: rate, increase, delta, irate, idelta,
// changes, resets. Extrapolation to the window's ends is Prometheus' (promql/functions.go,
// extrapolatedRate): up to the end where the samples come close to it (1.1 average distances), else
// half a distance, and never below zero for a counter. A start ("created") time inside the window
// counts as a sample of 0.
import { RESETS_PLAIN_MAX } from './limits.ts';
import { SlidingSum } from './compensated.ts';
import type { SeriesSamples } from './samples.ts';
import type { Windows } from './sliding.ts';
import type { StepColumn } from './step-column.ts';
import { EXTRAPOLATION_THRESHOLD } from './stretch.ts';
import { growthsByKernel } from './window-kernel.ts';

const US_PER_SEC = 1e6;

export interface RateOptions {
  readonly isCounter: boolean;
  readonly isPerSecond: boolean;
}

/** What extrapolation needs to know about one window; times in microseconds. */
export interface RateWindow {
  readonly rangeStartUs: number;
  readonly rangeEndUs: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly sampleCount: number;
  /** Start time of the first sample; NaN = none. */
  readonly startUs: number;
  /** Growth over the window and the first value, of a float or of a histogram's count. */
  readonly growth: number;
  readonly firstValue: number;
}

/** Does the first sample's start time lie inside the window, so that the growth begins at zero? */
export function startsInside(window: RateWindow): boolean {
  return window.startUs > window.rangeStartUs && window.startUs < window.firstUs;
}

/** The factor by which growth is stretched to the window's ends; per second where asked. */
export function extrapolationFactor(window: RateWindow, options: RateOptions): number {
  const { rangeStartUs, rangeEndUs, firstUs, lastUs, sampleCount } = window;
  let interval = (lastUs - firstUs) / US_PER_SEC;
  const average = sampleCount > 1 ? interval / (sampleCount - 1) : 0;
  const threshold = average * EXTRAPOLATION_THRESHOLD;
  let toStart = (firstUs - rangeStartUs) / US_PER_SEC;
  let toEnd = (rangeEndUs - lastUs) / US_PER_SEC;
  if (options.isCounter && startsInside(window)) {
    toStart = 0;
    interval = (lastUs - window.startUs) / US_PER_SEC;
  } else {
    if (toStart >= threshold) toStart = average / 2;
    if (options.isCounter && window.growth > 0 && window.firstValue >= 0)
      toStart = Math.min(toStart, interval * (window.firstValue / window.growth));
  }
  if (toEnd >= threshold) toEnd = average / 2;
  let factor = interval === 0 ? 1 : (interval + toStart + toEnd) / interval;
  if (options.isPerSecond) factor /= (rangeEndUs - rangeStartUs) / US_PER_SEC;
  return factor;
}

/**
 * Was the counter reset between two samples, by their start times (NaN = unknown)? A start time
 * equal to the previous sample's time is a reset only where that sample's own start time is known,
 * which tells delta series from cumulative ones of unknown start.
 */
export function isStartReset(
  previousStartUs: number,
  previousUs: number,
  startUs: number,
  tUs: number,
): boolean {
  if (!(startUs < tUs) || startUs < previousUs) return false;
  if (startUs > previousUs) return true;
  return previousStartUs < previousUs;
}

function isResetAt(s: SeriesSamples, i: number): boolean {
  if (s.values[i]! < s.values[i - 1]!) return true;
  const starts = s.startUs;
  return starts !== undefined && isStartReset(starts[i - 1]!, s.tUs[i - 1]!, starts[i]!, s.tUs[i]!);
}

/** Samples with times and start times, floats or histograms. */
interface StartedSamples {
  readonly count: number;
  readonly tUs: Float64Array;
  readonly startUs: Float64Array | undefined;
}

/**
 * In how many windows does a sample begin before its predecessor's time, yet not with it? Such data
 * counts twice.
 */
export function countStartOverlaps(s: StartedSamples, windows: Windows): number {
  const { startUs, tUs, count } = s;
  if (startUs === undefined) return 0;
  const prefix = new Int32Array(count);
  for (let i = 1; i < count; i++) {
    const overlaps = startUs[i]! < tUs[i - 1]! && startUs[i] !== startUs[i - 1];
    prefix[i] = prefix[i - 1]! + (overlaps ? 1 : 0);
  }
  let found = 0;
  for (let k = 0; k < windows.grid.count; k++) {
    const lo = windows.lo[k]!;
    const hi = windows.hi[k]!;
    if (hi > lo && prefix[hi - 1]! > prefix[lo]!) found++;
  }
  return found;
}

/** Resets of a series: their sample indexes and the value lost at each. */
interface Resets {
  readonly count: number;
  readonly indexes: Int32Array;
  readonly lost: Float64Array;
}

/** Resets among the samples [from, to); undefined: none. */
function findResets(s: SeriesSamples, from: number, to: number): Resets | undefined {
  const { values, startUs } = s;
  let count = 0;
  if (startUs === undefined) {
    let previous = values[from]!;
    for (let i = from + 1; i < to; i++) {
      const value = values[i]!;
      if (value < previous) count++;
      previous = value;
    }
  } else for (let i = from + 1; i < to; i++) if (isResetAt(s, i)) count++;
  if (count === 0) return undefined;
  const indexes = new Int32Array(count);
  const lost = new Float64Array(count);
  let at = 0;
  for (let i = from + 1; i < to; i++)
    if (isResetAt(s, i)) {
      indexes[at] = i;
      lost[at++] = values[i - 1]!;
    }
  return { count, indexes, lost };
}

/** What was lost at resets between the first and the last sample of windows that move forward. */
class LostInWindows {
  readonly #resets: Resets;
  readonly #plainMax: number;
  #sliding: SlidingSum | undefined = undefined;
  #lo = 0;
  #hi = 0;

  constructor(resets: Resets, plainMax: number) {
    this.#resets = resets;
    this.#plainMax = plainMax;
  }

  /** `growth` and the values lost, added in order. */
  added(growth: number, first: number, last: number): number {
    const { count, indexes, lost } = this.#resets;
    while (this.#lo < count && indexes[this.#lo]! <= first) this.#lo++;
    if (this.#hi < this.#lo) this.#hi = this.#lo;
    while (this.#hi < count && indexes[this.#hi]! <= last) this.#hi++;
    if (this.#hi - this.#lo > this.#plainMax) {
      this.#sliding ??= new SlidingSum(lost, count);
      return growth + this.#sliding.sum(this.#lo, this.#hi);
    }
    for (let r = this.#lo; r < this.#hi; r++) growth += lost[r]!;
    return growth;
  }
}

function lostInWindows(
  s: SeriesSamples,
  windows: Windows,
  { isCounter }: RateOptions,
): LostInWindows | undefined {
  const { lo, hi, grid } = windows;
  const isWithout = s.isRising === true && s.startUs === undefined;
  if (!isCounter || isWithout || grid.count === 0) return undefined;
  const resets = findResets(s, lo[0]!, hi[grid.count - 1]!);
  const plainMax = windows.areInOrder ? Number.POSITIVE_INFINITY : RESETS_PLAIN_MAX;
  return resets && new LostInWindows(resets, plainMax);
}

export function rateKernel(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  options: RateOptions,
): void {
  if (s.startUs !== undefined) return rateWithStarts(s, windows, out, options);
  if (growthsByKernel(s, windows, out, options)) return;
  const { lo, hi, grid } = windows;
  const { isCounter, isPerSecond } = options;
  const resets = lostInWindows(s, windows, options);
  const { interval, toStart, toEnd, range } = windows.stretches(s.tUs);
  const { values } = s;
  for (let k = 0; k < grid.count; k++) {
    const first = lo[k]!;
    const last = hi[k]! - 1;
    if (last <= first) continue;
    const firstValue = values[first]!;
    let growth = values[last]! - firstValue;
    if (resets !== undefined) growth = resets.added(growth, first, last);
    const length = interval[k]!;
    let start = toStart[k]!;
    if (isCounter && growth > 0 && firstValue >= 0)
      start = Math.min(start, length * (firstValue / growth));
    let factor = length === 0 ? 1 : (length + start + toEnd[k]!) / length;
    if (isPerSecond) factor /= range[k]!;
    out.setFloat(k, growth * factor);
  }
}

/** The same where samples have start times: windows may begin at zero. */
function rateWithStarts(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  options: RateOptions,
): void {
  const { lo, hi, grid, shape } = windows;
  const resets = lostInWindows(s, windows, options);
  for (let k = 0; k < grid.count; k++) {
    const first = lo[k]!;
    const last = hi[k]! - 1;
    if (last < first) continue;
    let growth = s.values[last]! - s.values[first]!;
    if (resets !== undefined) growth = resets.added(growth, first, last);
    const stepUs = windows.stepAt(k);
    const window: RateWindow = {
      rangeStartUs: stepUs - shape.beforeUs,
      rangeEndUs: stepUs + shape.afterUs,
      firstUs: s.tUs[first]!,
      lastUs: s.tUs[last]!,
      sampleCount: last - first + 1,
      startUs: s.startUs?.[first] ?? Number.NaN,
      growth,
      firstValue: s.values[first]!,
    };
    const fromZero = options.isCounter && startsInside(window);
    if (first === last && !fromZero) continue;
    const total = fromZero ? growth + s.values[first]! : growth;
    out.setFloat(k, total * extrapolationFactor(window, options));
  }
}

/** irate (per second, reset means from zero) and idelta: the last two samples of the window. */
export function lastTwoKernel(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  isRate: boolean,
): void {
  const { lo, hi, grid } = windows;
  for (let k = 0; k < grid.count; k++) {
    const last = hi[k]! - 1;
    if (last - 1 < lo[k]!) continue;
    const intervalUs = s.tUs[last]! - s.tUs[last - 1]!;
    if (intervalUs === 0) continue;
    const isReset = isRate && isResetAt(s, last);
    const growth = isReset ? s.values[last]! : s.values[last]! - s.values[last - 1]!;
    out.setFloat(k, isRate ? growth / (intervalUs / US_PER_SEC) : growth);
  }
}

/**
 * Prefix counts of events between neighbours: window [lo, hi) holds prefix[hi - 1] - prefix[lo].
 */
function countKernel(prefix: Int32Array, windows: Windows, out: StepColumn): void {
  const { lo, hi, grid } = windows;
  for (let k = 0; k < grid.count; k++)
    if (hi[k]! > lo[k]!) out.setFloat(k, prefix[hi[k]! - 1]! - prefix[lo[k]!]!);
}

export function resetsKernel(s: SeriesSamples, windows: Windows, out: StepColumn): void {
  const prefix = new Int32Array(s.count);
  for (let i = 1; i < s.count; i++) prefix[i] = prefix[i - 1]! + (isResetAt(s, i) ? 1 : 0);
  countKernel(prefix, windows, out);
}

export function changesKernel(s: SeriesSamples, windows: Windows, out: StepColumn): void {
  const prefix = new Int32Array(s.count);
  for (let i = 1; i < s.count; i++) {
    const value = s.values[i]!;
    const previous = s.values[i - 1]!;
    const differs = value !== previous && !(Number.isNaN(value) && Number.isNaN(previous));
    prefix[i] = prefix[i - 1]! + (differs ? 1 : 0);
  }
  countKernel(prefix, windows, out);
}
