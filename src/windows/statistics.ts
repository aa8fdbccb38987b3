// Kernels over the floats of a window: sum, avg, min, max and their times, count, quantile, mad,
// standard deviation, first, last. Where windows overlap much (limits.ts) they keep state that only
// moves forward; otherwise each window is read anew. Sums have the same bits either way, means and
// variances may have another last bit. Semantics of NaN are Prometheus': min and max skip it,
// quantiles sort it first, everything else passes it on.
import { CompensatedSum, plainMean, plainSum, SlidingSum } from './compensated.ts';
import { REVISITS_MAX } from './limits.ts';
import { medianDeviation, orderedWindow, sortedQuantile } from './quantile.ts';
import type { SeriesSamples } from './samples.ts';
import type { Windows } from './sliding.ts';
import { argAt } from './step-column.ts';
import type { StepColumn } from './step-column.ts';
import { extremesByKernel, inOrderByKernel } from './window-kernel.ts';

const US_PER_SEC = 1e6;

function overlapsMuch(s: SeriesSamples, windows: Windows): boolean {
  return windows.touched > REVISITS_MAX * s.count;
}

export function sumKernel(s: SeriesSamples, windows: Windows, out: StepColumn): void {
  const isInOrder = windows.areInOrder;
  if (isInOrder && inOrderByKernel(s, windows, out, 'sum')) return;
  const { lo, hi, grid } = windows;
  const sliding = isInOrder ? undefined : new SlidingSum(s.values, s.count);
  for (let k = 0; k < grid.count; k++) {
    const from = lo[k]!;
    const to = hi[k]!;
    if (to === from) continue;
    out.setFloat(k, sliding?.sum(from, to) ?? plainSum(s.values, from, to));
  }
}

export function avgKernel(s: SeriesSamples, windows: Windows, out: StepColumn): void {
  const isInOrder = windows.areInOrder;
  if (isInOrder && inOrderByKernel(s, windows, out, 'avg')) return;
  const { lo, hi, grid } = windows;
  const sliding = isInOrder ? undefined : new SlidingSum(s.values, s.count);
  for (let k = 0; k < grid.count; k++) {
    const from = lo[k]!;
    const to = hi[k]!;
    if (to === from) continue;
    out.setFloat(k, sliding?.mean(from, to) ?? plainMean(s.values, from, to));
  }
}

export function sampleCountKernel(windows: Windows, out: StepColumn): void {
  const { lo, hi, grid } = windows;
  for (let k = 0; k < grid.count; k++) if (hi[k]! > lo[k]!) out.setFloat(k, hi[k]! - lo[k]!);
}

export function presentKernel(windows: Windows, out: StepColumn): void {
  const { lo, hi, grid } = windows;
  for (let k = 0; k < grid.count; k++) if (hi[k]! > lo[k]!) out.setFloat(k, 1);
}

/** Where in the window the answer lies, and what of that sample it is. */
export type PickedSample = 'first' | 'last';
export type PickedPart = 'value' | 'time';

export function pickKernel(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  pick: { readonly sample: PickedSample; readonly part: PickedPart },
): void {
  const { lo, hi, grid } = windows;
  for (let k = 0; k < grid.count; k++) {
    if (hi[k] === lo[k]) continue;
    const at = pick.sample === 'first' ? lo[k]! : hi[k]! - 1;
    out.setFloat(k, pick.part === 'value' ? s.values[at]! : s.tUs[at]! / US_PER_SEC);
  }
}

/** Of equal values the earlier one: a zero has a sign. What is no number loses. */
function earlierMax(earlier: number, later: number): number {
  return later > earlier || Number.isNaN(earlier) ? later : earlier;
}

/**
 * Least or greatest float of every window: suffix extremes up to a turning point and a running
 * extreme behind it. NaN loses against everything; a window of NaN answers NaN.
 */
function extremeValues(
  { values, count }: SeriesSamples,
  { lo, hi, grid }: Windows,
  out: StepColumn,
  sign: 1 | -1,
): void {
  if (suffixes.length < count) suffixes = new Float64Array(Math.max(count, BLOCK_COUNT));
  const suffix = suffixes;
  let turn = 0;
  let end = 0;
  let back = Number.NaN;
  for (let k = 0; k < grid.count; k++) {
    const from = lo[k]!;
    const to = hi[k]!;
    if (to === from) continue;
    if (from >= turn) {
      back = Number.NaN;
      for (let i = to - 1; i >= from; i--) {
        const value = values[i]! * sign;
        if (value >= back || Number.isNaN(back)) back = value;
        suffix[i] = back;
      }
      back = Number.NaN;
      turn = end = to;
    }
    for (; end < to; end++) {
      const value = values[end]! * sign;
      if (value > back || Number.isNaN(back)) back = value;
    }
    // Behind the turn there may be nothing yet: then NaN, which loses.
    out.setFloat(k, earlierMax(suffix[from]!, back) * sign);
  }
}

const BLOCK_COUNT = 8192;
let suffixes = new Float64Array(0);

export function extremeKernel(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  want: { readonly extreme: 'min' | 'max'; readonly part: PickedPart },
): void {
  const isMax = want.extreme === 'max';
  if (want.part === 'time') extremeTimes(s, windows, out, want.extreme);
  else if (!extremesByKernel(s, windows, out, isMax))
    extremeValues(s, windows, out, isMax ? 1 : -1);
}

/** When the extreme was there last: a queue of candidates, each beaten by no later one. */
function extremeTimes(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  extreme: 'min' | 'max',
): void {
  const { lo, hi, grid } = windows;
  const { values } = s;
  const sign = extreme === 'max' ? 1 : -1;
  const queue = new Int32Array(s.count);
  let head = 0;
  let tail = 0;
  let end = 0;
  for (let k = 0; k < grid.count; k++) {
    const from = lo[k]!;
    if (end < from) end = from;
    for (; end < hi[k]!; end++) {
      const value = values[end]! * sign;
      while (tail > head) {
        const queued = values[queue[tail - 1]!]! * sign;
        if (!(value >= queued || Number.isNaN(queued))) break;
        tail--;
      }
      queue[tail++] = end;
    }
    while (head < tail && queue[head]! < from) head++;
    if (hi[k] === from) continue;
    const best = queue[head]!;
    out.setFloat(k, s.tUs[best]! / US_PER_SEC);
  }
}

export function quantileKernel(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  q: Float64Array,
): void {
  const { lo, hi, grid } = windows;
  const isShared = overlapsMuch(s, windows);
  const ranked = isShared ? orderedWindow(s.values, lo[0]!, hi[grid.count - 1]!) : undefined;
  for (let k = 0; k < grid.count; k++) {
    const from = lo[k]!;
    const to = hi[k]!;
    ranked?.move(from, to);
    if (to === from) continue;
    const wanted = argAt(q, k);
    if (ranked === undefined) out.setFloat(k, sortedQuantile(wanted, s.values.slice(from, to)));
    else out.setFloat(k, ranked.quantile(wanted));
  }
}

/** Median of the absolute deviations from the median; NaN where the window holds a NaN. */
export function madKernel(s: SeriesSamples, windows: Windows, out: StepColumn): void {
  const { lo, hi, grid } = windows;
  const isShared = overlapsMuch(s, windows);
  const ranked = isShared ? orderedWindow(s.values, lo[0]!, hi[grid.count - 1]!) : undefined;
  for (let k = 0; k < grid.count; k++) {
    const from = lo[k]!;
    const to = hi[k]!;
    ranked?.move(from, to);
    if (to === from) continue;
    const deviation = ranked && medianDeviation(ranked, to - from);
    out.setFloat(k, deviation ?? plainDeviation(s.values.slice(from, to)));
  }
}

/** Of values that may be overwritten. */
function plainDeviation(window: Float64Array): number {
  if (window.some((value) => Number.isNaN(value))) return Number.NaN;
  const median = sortedQuantile(0.5, window);
  for (let i = 0; i < window.length; i++) window[i] = Math.abs(window[i]! - median);
  return sortedQuantile(0.5, window);
}

/** Population variance (or its root) by Welford's recurrence, compensated as the reference does. */
export function varianceKernel(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  isRoot: boolean,
): void {
  const isInOrder = windows.areInOrder;
  if (isInOrder && inOrderByKernel(s, windows, out, isRoot ? 'stddev' : 'stdvar')) return;
  const { lo, hi, grid } = windows;
  const sliding = isInOrder ? undefined : new SlidingVariance(s.values, s.count);
  for (let k = 0; k < grid.count; k++) {
    const from = lo[k]!;
    const to = hi[k]!;
    if (to === from) continue;
    const variance = sliding?.variance(from, to) ?? plainVariance(s.values, from, to);
    out.setFloat(k, isRoot ? Math.sqrt(variance) : variance);
  }
}

function plainVariance(values: Float64Array, lo: number, hi: number): number {
  const mean = new CompensatedSum();
  const squares = new CompensatedSum();
  for (let i = lo; i < hi; i++) {
    const value = values[i]!;
    const delta = value - (mean.sum + mean.error);
    mean.add(delta / (i - lo + 1));
    squares.add(delta * (value - (mean.sum + mean.error)));
  }
  return (squares.sum + squares.error) / (hi - lo);
}

/**
 * Count, mean and squared deviations of forward-moving ranges, merged after Chan, Golub and LeVeque
 * ("Updating formulae and a pairwise algorithm", 1979); layout as SlidingSum. Values are taken from
 * the last one before the turn, which every such window holds: what is far from zero and close to
 * each other does not cancel.
 */
class SlidingVariance {
  readonly #values: Float64Array;
  readonly #suffixMean: Float64Array;
  readonly #suffixSquares: Float64Array;
  #turn = 0;
  #origin = 0;
  #backEnd = 0;
  #backMean = 0;
  #backSquares = 0;

  constructor(values: Float64Array, count: number) {
    this.#values = values;
    this.#suffixMean = new Float64Array(count);
    this.#suffixSquares = new Float64Array(count);
  }

  /** Variance of [lo, hi), not empty. */
  variance(lo: number, hi: number): number | undefined {
    if (lo >= this.#turn) this.#flip(lo, hi);
    for (let i = this.#backEnd; i < hi; i++) {
      const value = this.#values[i]! - this.#origin;
      const delta = value - this.#backMean;
      this.#backMean += delta / (i - this.#turn + 1);
      this.#backSquares += delta * (value - this.#backMean);
    }
    this.#backEnd = hi;
    const frontCount = Math.max(0, this.#turn - lo);
    const backCount = hi - Math.max(lo, this.#turn);
    const count = frontCount + backCount;
    if (frontCount === 0) return undefined;
    const delta = this.#backMean - this.#suffixMean[lo]!;
    const between = backCount === 0 ? 0 : (delta * delta * frontCount * backCount) / count;
    const variance = (this.#suffixSquares[lo]! + this.#backSquares + between) / count;
    return Number.isFinite(variance) ? variance : undefined;
  }

  #flip(lo: number, hi: number): void {
    let mean = 0;
    let squares = 0;
    const origin = this.#values[hi - 1]!;
    this.#origin = origin;
    for (let i = hi - 1; i >= lo; i--) {
      const value = this.#values[i]! - origin;
      const delta = value - mean;
      mean += delta / (hi - i);
      squares += delta * (value - mean);
      this.#suffixMean[i] = mean;
      this.#suffixSquares[i] = squares;
    }
    this.#turn = hi;
    this.#backEnd = hi;
    this.#backMean = 0;
    this.#backSquares = 0;
  }
}
