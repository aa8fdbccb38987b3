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
 * The total of a compensated sum of [lo, hi) as the nearest double: from the numbers themselves
 * where that is not sure. Unchanged where it is not finite.
 */
function nearestTotal(state: CompensatedSum, values: Float64Array, lo: number, hi: number): number {
  if (!Number.isFinite(state.sum)) return state.sum;
  const rounding = roundingOf(state.sum, state.error, hi - lo);
  const isNearest = rounding === 'sure' || (rounding === 'tie' && addsExactly(values, lo, hi));
  return isNearest ? state.total() : exactSum(values, lo, hi);
}

/** Are all numbers whole multiples of a unit that leaves room for the error term to be exact? */
function addsExactly(values: Float64Array, lo: number, hi: number): boolean {
  let least = Number.POSITIVE_INFINITY;
  let all = 0;
  for (let i = lo; i < hi; i++) {
    const size = Math.abs(values[i]!);
    if (size === 0) continue;
    if (size < least) least = size;
    all += size;
  }
  return all * (hi - lo) <= least * 2 ** 53;
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

/**
 * Sum of the doubles in [lo, hi): the nearest double to the true sum, so that it does not matter
 * how it was found. Where partial sums overflow, the sum in order.
 */
export function plainSum(values: Float64Array, lo: number, hi: number): number {
  const state = new CompensatedSum();
  for (let i = lo; i < hi; i++) state.add(values[i]!);
  return nearestTotal(state, values, lo, hi);
}

/**
 * The nearest double to the sum of finite doubles whose sums do not overflow: partial sums that do
 * not overlap (Shewchuk, "Adaptive precision floating-point arithmetic", 1997), rounded once.
 */
export function exactSum(values: Float64Array, lo: number, hi: number): number {
  let partials: number[] = [];
  for (let i = lo; i < hi; i++) {
    let carried = values[i]!;
    const next: number[] = [];
    for (const partial of partials) {
      const large = Math.abs(carried) >= Math.abs(partial) ? carried : partial;
      const small = large === carried ? partial : carried;
      const sum = large + small;
      const error = small - (sum - large);
      if (error !== 0) next.push(error);
      carried = sum;
    }
    next.push(carried);
    partials = next;
  }
  return roundedSum(partials);
}

/** Rounds an expansion, least part first, half to even. */
function roundedSum(partials: readonly number[]): number {
  let at = partials.length - 1;
  let sum = partials[at] ?? 0;
  let error = 0;
  while (at > 0 && error === 0) {
    const large = sum;
    const small = partials[--at]!;
    sum = large + small;
    error = small - (sum - large);
  }
  // A half is rounded up where anything below it has the same sign.
  if (at > 0 && error !== 0 && Math.sign(error) === Math.sign(partials[at - 1]!)) {
    const twice = error * 2;
    const above = sum + twice;
    if (above - sum === twice) return above;
  }
  return sum;
}

/** Mean of the doubles in [lo, hi), which must not be empty, also where their sum overflows. */
export function plainMean(values: Float64Array, lo: number, hi: number): number {
  const sum = plainSum(values, lo, hi);
  if (Number.isFinite(sum)) return sum / (hi - lo);
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

  /**
   * Sum of [lo, hi), not empty: that of `plainSum`, unless it overflows although all inputs are
   * finite.
   */
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
    return nearestTotal(total, this.#values, lo, hi);
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
