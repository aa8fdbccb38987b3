// What extrapolation knows of the windows of a walk without their values: a thousand series of one
// target share it, and only growth and first value are a series' own.
const US_PER_SEC = 1e6;
/** So many average distances from a window's end, the series is taken to begin or end inside. */
export const EXTRAPOLATION_THRESHOLD = 1.1;

/** Windows [lo, hi) of the samples at hand, and the times where they begin and end. */
interface WalkedWindows {
  readonly lo: Int32Array;
  readonly hi: Int32Array;
  readonly grid: { readonly count: number };
  readonly shape: { readonly beforeUs: number; readonly afterUs: number };
  stepAt(k: number): number;
}

/** By step; seconds. */
export class Stretches {
  readonly interval: Float64Array;
  readonly toStart: Float64Array;
  readonly toEnd: Float64Array;
  readonly range: Float64Array;

  constructor(count: number) {
    this.interval = new Float64Array(count);
    this.toStart = new Float64Array(count);
    this.toEnd = new Float64Array(count);
    this.range = new Float64Array(count);
  }

  fill(tUs: Float64Array, windows: WalkedWindows): void {
    const { lo, hi, grid, shape } = windows;
    for (let k = 0; k < grid.count; k++) {
      const first = lo[k]!;
      const last = hi[k]! - 1;
      if (last <= first) continue;
      const firstUs = tUs[first]!;
      const lastUs = tUs[last]!;
      const stepUs = windows.stepAt(k);
      const rangeStartUs = stepUs - shape.beforeUs;
      const rangeEndUs = stepUs + shape.afterUs;
      const interval = (lastUs - firstUs) / US_PER_SEC;
      const average = interval / (last - first);
      const threshold = average * EXTRAPOLATION_THRESHOLD;
      const toStart = (firstUs - rangeStartUs) / US_PER_SEC;
      const toEnd = (rangeEndUs - lastUs) / US_PER_SEC;
      this.interval[k] = interval;
      this.toStart[k] = toStart >= threshold ? average / 2 : toStart;
      this.toEnd[k] = toEnd >= threshold ? average / 2 : toEnd;
      this.range[k] = (rangeEndUs - rangeStartUs) / US_PER_SEC;
    }
  }
}
