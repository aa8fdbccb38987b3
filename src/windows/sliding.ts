// Window walking: for every step of a grid the half-open index range [lo, hi) of the samples in the
// step's window. Both ends only move forward, so a whole series costs samples + steps. Kernels read
// these ranges; none searches for itself.
import type { WindowBounds } from '../model/storage.ts';
import { IN_ORDER_WINDOWS_MAX } from './limits.ts';
import { Stretches } from './stretch.ts';

/** Steps startUs + k * stepUs for k in [0, count). */
export interface StepGrid {
  readonly startUs: number;
  readonly stepUs: number;
  readonly count: number;
}

/** Steps of a range inclusive at both ends; stepUs 0 is one step. */
export function stepGrid(startUs: number, endUs: number, stepUs: number): StepGrid {
  if (stepUs === 0) return { startUs, stepUs, count: 1 };
  return { startUs, stepUs, count: Math.max(0, Math.floor((endUs - startUs) / stepUs) + 1) };
}

/** Which samples belong to the window of a step at t. Distances in microseconds, both >= 0. */
export interface WindowShape {
  /** The window begins at t - beforeUs. */
  readonly beforeUs: number;
  /** The window ends at t + afterUs. */
  readonly afterUs: number;
  readonly includesStart: boolean;
  readonly includesEnd: boolean;
}

export function windowShape(bounds: WindowBounds, windowUs: number): WindowShape {
  if (bounds === 'right-open')
    return { beforeUs: 0, afterUs: windowUs, includesStart: true, includesEnd: false };
  return {
    beforeUs: windowUs,
    afterUs: 0,
    includesStart: bounds === 'closed',
    includesEnd: true,
  };
}

/** Index ranges of one series, valid until the next `walk` of the same object. */
export class Windows {
  readonly grid: StepGrid;
  readonly shape: WindowShape;
  readonly lo: Int32Array;
  readonly hi: Int32Array;
  /** Samples summed over all windows: what a kernel that looks at each window anew would cost. */
  touched = 0;
  /** Which walk it is that lo and hi are of. */
  walkNumber = 0;
  /** Times that never change, and were walked last. */
  #fixed: Float64Array | undefined = undefined;
  #fixedCount = 0;
  #stretches: Stretches | undefined = undefined;
  #hasStretches = false;

  constructor(grid: StepGrid, shape: WindowShape) {
    this.grid = grid;
    this.shape = shape;
    this.lo = new Int32Array(grid.count);
    this.hi = new Int32Array(grid.count);
  }

  /**
   * The same as `walk` for times that never change: series after series with one array of them are
   * walked once.
   */
  walkFixed(tUs: Float64Array, count: number): void {
    if (this.#fixed === tUs && this.#fixedCount === count) return;
    this.walk(tUs, count);
    this.#fixed = tUs;
    this.#fixedCount = count;
  }

  /** Of the samples walked last, at the same times. */
  stretches(tUs: Float64Array): Stretches {
    this.#stretches ??= new Stretches(this.grid.count);
    if (!this.#hasStretches) this.#stretches.fill(tUs, this);
    this.#hasStretches = true;
    return this.#stretches;
  }

  /** Fills lo and hi for samples at ascending times. */
  walk(tUs: Float64Array, count: number): void {
    this.walkNumber++;
    this.#fixed = undefined;
    this.#hasStretches = false;
    const { grid, lo, hi } = this;
    const { beforeUs, afterUs, includesStart, includesEnd } = this.shape;
    let from = 0;
    let to = 0;
    let touched = 0;
    for (let k = 0; k < grid.count; k++) {
      const stepUs = grid.startUs + k * grid.stepUs;
      const fromUs = stepUs - beforeUs;
      const toUs = stepUs + afterUs;
      if (includesStart) while (from < count && tUs[from]! < fromUs) from++;
      else while (from < count && tUs[from]! <= fromUs) from++;
      if (to < from) to = from;
      if (includesEnd) while (to < count && tUs[to]! <= toUs) to++;
      else while (to < count && tUs[to]! < toUs) to++;
      lo[k] = from;
      hi[k] = to;
      touched += to - from;
    }
    this.touched = touched;
  }

  /** Is each window added up anew, from its first sample to its last? */
  get areInOrder(): boolean {
    const { beforeUs, afterUs } = this.shape;
    const { stepUs } = this.grid;
    return stepUs === 0 || beforeUs + afterUs <= IN_ORDER_WINDOWS_MAX * stepUs;
  }

  /** The grid's time of step k, microseconds. */
  stepAt(k: number): number {
    return this.grid.startUs + k * this.grid.stepUs;
  }
}
