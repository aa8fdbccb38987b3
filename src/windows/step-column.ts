// Result of a kernel for one series: one slot per step that holds nothing, a float or a histogram.
import type { Histogram } from '../model/histogram.ts';

export const SLOT_EMPTY = 0;
const SLOT_FLOAT = 1;
export const SLOT_HISTOGRAM = 2;

export class StepColumn {
  readonly count: number;
  readonly present: Uint8Array;
  readonly values: Float64Array;
  histograms: (Histogram | undefined)[] | undefined = undefined;

  constructor(count: number, values = new Float64Array(count), present = new Uint8Array(count)) {
    this.count = count;
    this.present = present;
    this.values = values;
  }

  setFloat(k: number, value: number): void {
    this.present[k] = SLOT_FLOAT;
    this.values[k] = value;
  }

  setHistogram(k: number, value: Histogram): void {
    this.histograms ??= Array.from<Histogram | undefined>({ length: this.count });
    this.present[k] = SLOT_HISTOGRAM;
    this.histograms[k] = value;
  }

  /** Empties every slot so that the column can be used for the next series. */
  reset(): void {
    this.present.fill(0);
    this.histograms = undefined;
  }

  isEmpty(): boolean {
    for (let k = 0; k < this.count; k++) if (this.present[k] !== SLOT_EMPTY) return false;
    return true;
  }
}

/** Argument of a kernel at a step: one value for all steps, or one a step. */
export function argAt(arg: Float64Array, k: number): number {
  return arg.length === 1 ? arg[0]! : arg[k]!;
}
