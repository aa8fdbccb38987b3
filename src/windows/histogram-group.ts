// Sum or mean of many histograms, with what may be worth telling about them. A mean also keeps a
// sum at a scale that cannot overflow, and falls back to it.
import { COUNTER_RESET_HINT } from '../model/histogram.ts';
import type { Histogram } from '../model/histogram.ts';
import type { Note } from './float-kernels.ts';
import { compactHistogram } from './histogram-layout.ts';
import { HistogramSum, scaleHistogram } from './histogram-math.ts';
import type { NeighbourHistogram } from './samples.ts';

const SAFE_SCALE = 2 ** -64;

export class HistogramGroup {
  readonly #isMean: boolean;
  #sum: HistogramSum | undefined;
  #scaled: HistogramSum | undefined;
  #count = 0;
  #seenReset = false;
  #seenNoReset = false;
  /** The same, with what neighbours in storage say. */
  #nearReset = false;
  #nearNoReset = false;
  #isRefused = false;

  constructor(isMean: boolean) {
    this.#isMean = isMean;
  }

  add(histogram: Histogram): void {
    this.#see(histogram);
    this.#addSum(histogram, 1);
    if (this.#isMean) this.#addScaled(scaleHistogram(histogram, SAFE_SCALE));
  }

  /** Adds what another group holds. */
  merge(other: HistogramGroup): void {
    if (other.#sum === undefined) return;
    this.#seenReset ||= other.#seenReset;
    this.#seenNoReset ||= other.#seenNoReset;
    this.#nearReset ||= other.#nearReset;
    this.#nearNoReset ||= other.#nearNoReset;
    this.#isRefused ||= other.#isRefused;
    this.#addSum(other.#sum.finish(), other.#count);
    if (other.#sum.notes.boundsReconciled) this.#sum!.notes.boundsReconciled = true;
    if (other.#scaled !== undefined) this.#addScaled(other.#scaled.finish());
  }

  #see({ counterResetHint, neighbourHint }: NeighbourHistogram): void {
    const { reset, notReset } = COUNTER_RESET_HINT;
    if (counterResetHint === reset) this.#seenReset = true;
    if (counterResetHint === notReset) this.#seenNoReset = true;
    if ((neighbourHint ?? counterResetHint) === reset) this.#nearReset = true;
    if ((neighbourHint ?? counterResetHint) === notReset) this.#nearNoReset = true;
  }

  #addSum(histogram: Histogram, count: number): void {
    this.#count += count;
    if (this.#sum === undefined) this.#sum = new HistogramSum(histogram, 'compensated');
    else if (!this.#isRefused && !this.#sum.add(histogram)) this.#isRefused = true;
  }

  #addScaled(histogram: Histogram): void {
    if (this.#scaled === undefined) this.#scaled = new HistogramSum(histogram, 'compensated');
    else if (!this.#isRefused) this.#scaled.add(histogram);
  }

  /** The result; undefined where custom and exponential buckets met. `prefix` of the note codes. */
  finish(note: Note, prefix: '' | 'aggregation-'): Histogram | undefined {
    if (this.#sum === undefined) return undefined;
    if (this.#sum.notes.boundsReconciled)
      note('info', `${prefix}mismatched-custom-buckets-aggregation`);
    if (this.#isRefused) {
      note('warning', `${prefix}mixed-exponential-custom`);
      return undefined;
    }
    if (this.#seenReset && this.#seenNoReset)
      note('warning', `${prefix}counter-reset-collision-aggregation`);
    else if (this.#nearReset && this.#nearNoReset)
      note('warning', `${prefix}neighbour-counter-reset-collision-aggregation`);
    if (!this.#isMean) return compactHistogram(this.#sum.finish());
    if (this.#sum.isFinite() || this.#scaled === undefined)
      return compactHistogram(scaleHistogram(this.#sum.finish(), this.#count, true));
    const scaled = scaleHistogram(this.#scaled.finish(), this.#count, true);
    return compactHistogram(scaleHistogram(scaled, SAFE_SCALE, true));
  }
}
