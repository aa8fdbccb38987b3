// Compensated summation after Neumaier ("Rundungsfehleranalyse einiger Verfahren zur Summation
// endlicher Summen", 1974): a running sum and a running error term. An overflow clears the error
// term, so that infinities stay infinities. State lives in one object that hot loops keep in
// registers.

export class CompensatedSum {
  sum = 0;
  error = 0;

  set(sum: number, error: number): void {
    this.sum = sum;
    this.error = error;
  }

  add(value: number): void {
    const { sum } = this;
    const total = sum + value;
    if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) this.error = 0;
    else if (Math.abs(sum) >= Math.abs(value)) this.error += sum - total + value;
    else this.error += value - total + sum;
    this.sum = total;
  }

  /** Sum with its error term; an infinite sum has none. */
  total(): number {
    return Number.isFinite(this.sum) ? this.sum + this.error : this.sum;
  }
}

/** Arithmetic mean that survives sums beyond the largest double by switching to a running mean. */
class CompensatedMean {
  readonly #sum = new CompensatedSum();
  count = 0;
  #running = false;

  reset(): void {
    this.#sum.set(0, 0);
    this.count = 0;
    this.#running = false;
  }

  add(value: number): void {
    const state = this.#sum;
    this.count++;
    if (this.count === 1) {
      state.set(value, 0);
      return;
    }
    if (!this.#running) {
      const { sum, error } = state;
      state.add(value);
      if (!isInfinite(state.sum)) return;
      this.#running = true;
      state.set(sum / (this.count - 1), error / (this.count - 1));
    }
    const weight = (this.count - 1) / this.count;
    state.set(weight * state.sum, weight * state.error);
    state.add(value / this.count);
  }

  mean(): number {
    const { sum, error } = this.#sum;
    return this.#running ? sum + error : sum / this.count + error / this.count;
  }
}

function isInfinite(value: number): boolean {
  return value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY;
}

/** Sum of the doubles in [lo, hi), added in order. */
export function plainSum(values: Float64Array, lo: number, hi: number): number {
  const state = new CompensatedSum();
  for (let i = lo; i < hi; i++) state.add(values[i]!);
  return state.total();
}

/** Mean of the doubles in [lo, hi), which must not be empty. */
export function plainMean(values: Float64Array, lo: number, hi: number): number {
  const state = new CompensatedMean();
  for (let i = lo; i < hi; i++) state.add(values[i]!);
  return state.mean();
}

/**
 * Sums of ranges whose ends only move forward, in O(1) each over the whole walk: suffix sums up to
 * a turning point and a running sum behind it, so that nothing is ever subtracted and no error
 * outlives its window. Values that are not finite are counted, not summed.
 */
export class SlidingSum {
  readonly #values: Float64Array;
  readonly #suffixSum: Float64Array;
  readonly #suffixError: Float64Array;
  readonly #back = new CompensatedSum();
  readonly #scratch = new CompensatedSum();
  #turn = 0;
  #backEnd = 0;
  readonly #special: SpecialCounts | undefined;

  constructor(values: Float64Array, count: number) {
    this.#values = values;
    this.#suffixSum = new Float64Array(count);
    this.#suffixError = new Float64Array(count);
    this.#special = countSpecials(values, count);
  }

  /** Sum of [lo, hi), not empty; the result may have overflowed although all inputs are finite. */
  sum(lo: number, hi: number): number {
    if (lo >= this.#turn) this.#flip(lo, hi);
    const back = this.#back;
    for (let i = this.#backEnd; i < hi; i++) back.add(this.#finite(i));
    this.#backEnd = hi;
    const special = this.#special?.between(lo, hi);
    if (special !== undefined) return special;
    const total = this.#scratch;
    total.set(back.sum, back.error);
    if (lo < this.#turn) {
      total.add(this.#suffixSum[lo]!);
      total.error += this.#suffixError[lo]!;
    }
    return total.total();
  }

  #finite(i: number): number {
    const value = this.#values[i]!;
    return Number.isFinite(value) ? value : 0;
  }

  #flip(lo: number, hi: number): void {
    const running = this.#scratch;
    running.set(0, 0);
    for (let i = hi - 1; i >= lo; i--) {
      running.add(this.#finite(i));
      this.#suffixSum[i] = running.sum;
      this.#suffixError[i] = running.error;
    }
    this.#turn = hi;
    this.#backEnd = hi;
    this.#back.set(0, 0);
  }
}

/** Prefix counts of NaN, +Inf and -Inf. */
class SpecialCounts {
  readonly nans: Int32Array;
  readonly plus: Int32Array;
  readonly minus: Int32Array;

  constructor(values: Float64Array, count: number) {
    this.nans = new Int32Array(count + 1);
    this.plus = new Int32Array(count + 1);
    this.minus = new Int32Array(count + 1);
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      this.nans[i + 1] = this.nans[i]! + (Number.isNaN(value) ? 1 : 0);
      this.plus[i + 1] = this.plus[i]! + (value === Number.POSITIVE_INFINITY ? 1 : 0);
      this.minus[i + 1] = this.minus[i]! + (value === Number.NEGATIVE_INFINITY ? 1 : 0);
    }
  }

  /**
   * What any sum of [lo, hi) is because of values that are not finite; undefined: no such value.
   */
  between(lo: number, hi: number): number | undefined {
    const plus = this.plus[hi]! > this.plus[lo]!;
    const minus = this.minus[hi]! > this.minus[lo]!;
    if (this.nans[hi]! > this.nans[lo]! || (plus && minus)) return Number.NaN;
    if (plus) return Number.POSITIVE_INFINITY;
    return minus ? Number.NEGATIVE_INFINITY : undefined;
  }
}

function countSpecials(values: Float64Array, count: number): SpecialCounts | undefined {
  for (let i = 0; i < count; i++)
    if (!Number.isFinite(values[i]!)) return new SpecialCounts(values, count);
  return undefined;
}
