// Result of a kernel for one series: one slot per step that holds nothing, a float or a histogram.
import type { Histogram } from '../model/histogram.ts';
import { COLUMNS_SHARED_BYTES } from './limits.ts';

/** A double, and whether it is there. */
const BYTES_PER_STEP = 9;

export const SLOT_EMPTY = 0;
const SLOT_FLOAT = 1;
export const SLOT_HISTOGRAM = 2;

export class StepColumn {
  readonly count: number;
  readonly present: Uint8Array;
  readonly values: Float64Array;
  histograms: (Histogram | undefined)[] | undefined = undefined;

  constructor(
    count: number,
    values: Float64Array = new Float64Array(count),
    present: Uint8Array = new Uint8Array(count),
  ) {
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

/**
 * Empty columns, one after the other, out of buffers that several share: to make a buffer takes
 * longer than to fill most columns. What is kept of one holds its neighbours, up to
 * COLUMNS_SHARED_BYTES.
 */
export class StepColumns {
  readonly #count: number;
  /** Columns of the buffer at hand, of which `#used` are given out. */
  #room = 0;
  #used = 0;
  #buffer = new ArrayBuffer(0);

  constructor(count: number) {
    this.#count = count;
  }

  next(): StepColumn {
    const count = this.#count;
    if (this.#used === this.#room) {
      // One alone at first: most answers are of few series.
      const most = Math.max(1, Math.floor(COLUMNS_SHARED_BYTES / (count * BYTES_PER_STEP)));
      this.#room = Math.min(Math.max(1, this.#room * 4), most);
      this.#used = 0;
      this.#buffer = new ArrayBuffer(this.#room * count * BYTES_PER_STEP);
    }
    const at = this.#used++;
    const values = new Float64Array(this.#buffer, at * count * 8, count);
    const start = this.#room * count * 8 + at * count;
    return new StepColumn(count, values, new Uint8Array(this.#buffer, start, count));
  }
}

/** Argument of a kernel at a step: one value for all steps, or one a step. */
export function argAt(arg: Float64Array, k: number): number {
  return arg.length === 1 ? arg[0]! : arg[k]!;
}
