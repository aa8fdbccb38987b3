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

/**
 * What is known of `sum + error` as the nearest double to the true sum, whatever was added up in
 * which order. 'sure': it is. 'tie': it is, if the error term lost nothing; the two lie in the
 * middle between two doubles, as sums of few numbers often do. 'near': what the error term may have
 * lost decides.
 *
 * That loss is at most 2^-53 of the error term per addition; room is left for error terms that were
 * larger on the way than at the end.
 */
export type Rounding = 'sure' | 'tie' | 'near';

export function roundingOf(sum: number, error: number, count: number): Rounding {
  const lost = count * LOST_PER_ADDITION * Math.abs(error);
  const low = sum + (error - lost);
  const high = sum + (error + lost);
  if (low === high) return 'sure';
  const rounded = sum + error;
  const part = rounded - sum;
  const rest = sum - (rounded - part) + (error - part);
  return Math.abs(rest) * 2 === high - low ? 'tie' : 'near';
}

const LOST_PER_ADDITION = 2 ** -45;

/**
 * `sum + error` divided by a count, as a double and what is missing: their sum is the quotient
 * rounded once, where dividing `sum + error` would round twice (three times 0.1 has a mean of
 * 0.10000000000000002 then).
 */
export function quotientOf(
  sum: number,
  error: number,
  count: number,
): { readonly quotient: number; readonly rest: number } {
  const quotient = sum / count;
  // Halves of the quotient, of 26 bits each, times the count are exact (Veltkamp, Dekker).
  const scaled = quotient * (2 ** 27 + 1);
  const high = scaled - (scaled - quotient);
  if (!Number.isFinite(high)) return { quotient, rest: error / count };
  const remainder = sum - high * count - (quotient - high) * count;
  return { quotient, rest: (remainder + error) / count };
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

/** Sum of the doubles in [lo, hi) in their order. */
export function plainSum(values: Float64Array, lo: number, hi: number): number {
  const state = new CompensatedSum();
  for (let i = lo; i < hi; i++) state.add(values[i]!);
  return state.total();
}

/** Mean of the doubles in [lo, hi), which must not be empty, also where their sum overflows. */
export function plainMean(values: Float64Array, lo: number, hi: number): number {
  const count = hi - lo;
  const state = new CompensatedSum();
  for (let i = lo; i < hi; i++) state.add(values[i]!);
  if (Number.isFinite(state.sum)) return state.sum / count + state.error / count;
  const mean = new CompensatedMean();
  for (let i = lo; i < hi; i++) mean.add(values[i]!);
  return mean.mean();
}

/**
 * Sums of ranges whose ends only move forward, in O(1) each over the whole walk: suffix sums up to
 * a turning point and a running sum behind it, so that nothing is ever subtracted and no error
 * outlives its window. Values that are not finite are counted, not summed. Where this order of the
 * additions and that of `plainSum` could be told apart by the last bit, the range is added up anew.
 */
export class SlidingSum {
  readonly #values: Float64Array;
  readonly #suffixSum: Float64Array;
  readonly #suffixError: Float64Array;
  /** Sums of the magnitudes, plainly: what may be lost depends on them. */
  readonly #suffixSize: Float64Array;
  readonly #back = new CompensatedSum();
  readonly #scratch = new CompensatedSum();
  #backSize = 0;
  /** At most what the error term of `#scratch` or of another order lost. */
  #lost = 0;
  #turn = 0;
  #backEnd = 0;
  readonly #special: SpecialCounts | undefined;

  constructor(values: Float64Array, count: number) {
    this.#values = values;
    this.#suffixSum = new Float64Array(count);
    this.#suffixError = new Float64Array(count);
    this.#suffixSize = new Float64Array(count);
    this.#special = countSpecials(values, count);
  }

  /** Sum of [lo, hi), not empty: the bits of `plainSum`. */
  sum(lo: number, hi: number): number {
    const special = this.#move(lo, hi);
    if (special !== undefined) return special;
    const { sum, error } = this.#scratch;
    // Not where one overflows.
    const isSure = sum + (error - this.#lost) === sum + (error + this.#lost);
    return isSure ? sum + error : plainSum(this.#values, lo, hi);
  }

  /** Mean of [lo, hi), not empty: the nearest double, unless what rounding lost decides. */
  mean(lo: number, hi: number): number {
    const special = this.#move(lo, hi);
    if (special !== undefined) return special;
    const { sum, error } = this.#scratch;
    if (!Number.isFinite(sum + this.#lost)) return plainMean(this.#values, lo, hi);
    const { quotient, rest } = quotientOf(sum, error, hi - lo);
    return quotient + rest;
  }

  /** Makes [lo, hi) the range of `#scratch`, unless it has a sum without adding up. */
  #move(lo: number, hi: number): number | undefined {
    if (lo >= this.#turn) this.#flip(lo, hi);
    const back = this.#back;
    for (let i = this.#backEnd; i < hi; i++) {
      const value = this.#finite(i);
      back.add(value);
      this.#backSize += Math.abs(value);
    }
    this.#backEnd = hi;
    const special = this.#special?.between(lo, hi);
    if (special !== undefined) return special;
    const total = this.#scratch;
    total.set(back.sum, back.error);
    let size = this.#backSize;
    if (lo < this.#turn) {
      total.add(this.#suffixSum[lo]!);
      total.error += this.#suffixError[lo]!;
      size += this.#suffixSize[lo]!;
    }
    this.#lost = (hi - lo) ** 2 * LOST_PER_SQUARE * size;
    return undefined;
  }

  #finite(i: number): number {
    const value = this.#values[i]!;
    return Number.isFinite(value) ? value : 0;
  }

  #flip(lo: number, hi: number): void {
    const running = this.#scratch;
    running.set(0, 0);
    let size = 0;
    for (let i = hi - 1; i >= lo; i--) {
      const value = this.#finite(i);
      running.add(value);
      size += Math.abs(value);
      this.#suffixSum[i] = running.sum;
      this.#suffixError[i] = running.error;
      this.#suffixSize[i] = size;
    }
    this.#turn = hi;
    this.#backEnd = hi;
    this.#back.set(0, 0);
    this.#backSize = 0;
  }
}

/**
 * Of n numbers whose magnitudes add up to s, each addition loses at most s * 2^-53, the error term
 * holds at most n such, and each addition to it loses at most 2^-53 of that. Twice, for two orders,
 * and twice again for what is rounded here.
 */
const LOST_PER_SQUARE = 2 ** -104;

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
