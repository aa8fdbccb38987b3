// Quantiles of floats: of a list, and of a window that moves forward over one series. NaN sorts
// before every number, as in Prometheus (promql/quantile.go); between two samples the result is
// weighted.
import { COUNTED_KEY_MAX, COUNTED_KEYS_MAX, COUNTED_SAMPLES_MIN } from './limits.ts';

/** Quantile of values that are sorted in place; NaN of none, ±Infinity for q outside [0, 1]. */
export function sortedQuantile(q: number, values: Float64Array): number {
  if (values.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const nanCount = sortNanLast(values);
  return interpolate(q, values.length, (rank) =>
    rank < nanCount ? Number.NaN : values[rank - nanCount]!,
  );
}

/**
 * The same for the first `count` values, by selection: they are left in another order. Linear on
 * average.
 */
export function selectedQuantile(q: number, values: Float64Array, count: number): number {
  if (count === 0 || !(q >= 0 && q <= 1)) return sortedQuantile(q, values.subarray(0, count));
  let size = count;
  for (let i = 0; i < size;) {
    const value = values[i]!;
    // Zeros have an order that comparisons do not see.
    if (value === 0 && 1 / value < 0) return sortedQuantile(q, values.subarray(0, count));
    if (!Number.isNaN(value)) i++;
    else {
      values[i] = values[--size]!;
      values[size] = value;
    }
  }
  const nanCount = count - size;
  const rank = q * (count - 1);
  const lower = Math.floor(rank) - nanCount;
  const weight = rank - Math.floor(rank);
  const isLast = lower + 1 >= size;
  const below = lower < 0 ? Number.NaN : select(values, size, lower);
  let above = below;
  if (lower < 0 && lower + 1 === 0 && size > 0) above = select(values, size, 0);
  else if (lower >= 0 && !isLast) above = leastOf(values, lower + 1, size);
  return below * (1 - weight) + above * weight;
}

function leastOf(values: Float64Array, from: number, to: number): number {
  let least = values[from]!;
  for (let i = from + 1; i < to; i++) if (values[i]! < least) least = values[i]!;
  return least;
}

/** Hoare's selection: the value of that rank, those below before it, those above behind it. */
function select(values: Float64Array, size: number, rank: number): number {
  let from = 0;
  let to = size - 1;
  while (from < to) {
    const first = values[from]!;
    const middle = values[(from + to) >> 1]!;
    const last = values[to]!;
    const pivot = Math.max(Math.min(first, middle), Math.min(Math.max(first, middle), last));
    let i = from;
    let j = to;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const value = values[i]!;
      values[i++] = values[j]!;
      values[j--] = value;
    }
    if (rank <= j) to = j;
    else if (rank >= i) from = i;
    else break;
  }
  return values[rank]!;
}

/** Sorts in place, ascending with NaN at the end; answers how many NaN there are. */
function sortNanLast(values: Float64Array): number {
  values.sort();
  let nanCount = 0;
  while (nanCount < values.length && Number.isNaN(values[values.length - 1 - nanCount]!))
    nanCount++;
  return nanCount;
}

function interpolate(q: number, count: number, valueAt: (rank: number) => number): number {
  const rank = q * (count - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(count - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return valueAt(lower) * (1 - weight) + valueAt(upper) * weight;
}

/** What answers quantiles of a window that moves forward. */
export interface OrderedWindow {
  /** Makes [lo, hi) the window; neither end may move back. */
  move(lo: number, hi: number): void;
  quantile(q: number): number;
  /** The value with `rank` smaller ones, below the size of the window; NaN before numbers. */
  valueAt(rank: number): number;
}

/**
 * Median of the absolute deviations from the median, of a window of `size` values; undefined where
 * the median is not finite. Deviations on both sides of the median are in the order of the values.
 * O(log² n) ranks.
 */
export function medianDeviation(window: OrderedWindow, size: number): number | undefined {
  if (Number.isNaN(window.valueAt(0))) return Number.NaN;
  const median = window.quantile(0.5);
  if (!Number.isFinite(median)) return undefined;
  const smaller = firstRank(size, (rank) => window.valueAt(rank) >= median);
  const below = (i: number): number => Math.abs(window.valueAt(smaller - 1 - i) - median);
  const above = (i: number): number => Math.abs(window.valueAt(smaller + i) - median);
  return interpolate(0.5, size, (rank) => {
    // Of the rank + 1 least deviations, so many are below the median.
    const most = Math.min(rank + 1, smaller);
    const least = Math.max(0, rank + 1 - (size - smaller));
    const taken =
      least + firstRank(most - least, (i) => below(least + i) >= above(rank - least - i));
    if (taken > rank) return below(taken - 1);
    return Math.max(above(rank - taken), taken === 0 ? 0 : below(taken - 1));
  });
}

/** The least of [0, count) for which it holds, as for all that follow; count if for none. */
function firstRank(count: number, holds: (rank: number) => boolean): number {
  let lo = 0;
  let hi = count;
  while (lo < hi) {
    const middle = (lo + hi) >> 1;
    if (holds(middle)) hi = middle;
    else lo = middle + 1;
  }
  return lo;
}

/** The window over the samples [from, to) of a series; decimals are counted, others are sorted. */
export function orderedWindow(values: Float64Array, from: number, to: number): OrderedWindow {
  if (to - from < COUNTED_SAMPLES_MIN) return new RankWindow(values, to);
  return countedWindow(values, from, to) ?? new RankWindow(values, to);
}

/** Factors that make whole numbers of decimals. */
const SCALES = [1, 10, 100, 1000, 10_000];
const COARSE_LOG2 = 6;

// One window at a time is in use in a thread.
let keys = new Int32Array(0);
let counts = new Uint32Array(0);
let coarse = new Uint32Array(0);

/** Fills `keys` with values · scale; the extremes, undefined where one is no whole number. */
function scaledKeys(
  values: Float64Array,
  { from, to, scale }: { readonly from: number; readonly to: number; readonly scale: number },
): { readonly least: number; readonly most: number } | undefined {
  let least = COUNTED_KEY_MAX;
  let most = -COUNTED_KEY_MAX;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const key = Math.round(value * scale);
    // Neither what is not finite nor a zero with a sign.
    if (key / scale !== value || (key === 0 && 1 / value < 0)) return undefined;
    if (key < least) least = key;
    if (key > most) most = key;
    keys[i] = key;
  }
  return least < -COUNTED_KEY_MAX || most > COUNTED_KEY_MAX ? undefined : { least, most };
}

function countedWindow(values: Float64Array, from: number, to: number): CountedWindow | undefined {
  if (keys.length < to) keys = new Int32Array(to * 2);
  for (const scale of SCALES) {
    const found = scaledKeys(values, { from, to, scale });
    if (found === undefined) continue;
    const { least, most } = found;
    return most - least < COUNTED_KEYS_MAX ? new CountedWindow(least, most, scale) : undefined;
  }
  return undefined;
}

/**
 * Decimals near to each other, counted by value and by stretches of values: constant time a sample
 * that enters or leaves, and about as much a quantile.
 */
class CountedWindow implements OrderedWindow {
  readonly #least: number;
  readonly #scale: number;
  #lo = 0;
  #hi = 0;
  /** A stretch, and how many samples of the window are in those before it. */
  #stretch = 0;
  #below = 0;

  constructor(least: number, most: number, scale: number) {
    this.#least = least;
    this.#scale = scale;
    const size = most - least + 1;
    const stretches = (size >> COARSE_LOG2) + 1;
    if (counts.length < size) counts = new Uint32Array(size);
    else counts.fill(0, 0, size);
    if (coarse.length < stretches) coarse = new Uint32Array(stretches);
    else coarse.fill(0, 0, stretches);
  }

  move(lo: number, hi: number): void {
    const least = this.#least;
    const stretch = this.#stretch;
    let below = this.#below;
    if (this.#hi < lo) {
      // Nothing of it stays, and what lies between never enters.
      for (let i = this.#lo; i < this.#hi; i++) {
        const key = keys[i]! - least;
        counts[key]!--;
        coarse[key >> COARSE_LOG2]!--;
      }
      this.#lo = this.#hi = lo;
      below = 0;
    }
    for (let i = this.#hi; i < hi; i++) {
      const key = keys[i]! - least;
      counts[key]!++;
      coarse[key >> COARSE_LOG2]!++;
      if (key >> COARSE_LOG2 < stretch) below++;
    }
    for (let i = this.#lo; i < lo; i++) {
      const key = keys[i]! - least;
      counts[key]!--;
      coarse[key >> COARSE_LOG2]!--;
      if (key >> COARSE_LOG2 < stretch) below--;
    }
    this.#below = below;
    this.#lo = lo;
    this.#hi = hi;
  }

  quantile(q: number): number {
    const size = this.#hi - this.#lo;
    if (size === 0 || Number.isNaN(q)) return Number.NaN;
    if (q < 0) return Number.NEGATIVE_INFINITY;
    if (q > 1) return Number.POSITIVE_INFINITY;
    const rank = q * (size - 1);
    const lower = Math.floor(rank);
    const weight = rank - lower;
    let { key, left } = this.#placeOf(lower);
    const below = (key + this.#least) / this.#scale;
    if (lower + 1 < size && left + 1 >= counts[key]!) {
      for (key++; counts[key] === 0;) key++;
    }
    return below * (1 - weight) + ((key + this.#least) / this.#scale) * weight;
  }

  valueAt(rank: number): number {
    return (this.#placeOf(rank).key + this.#least) / this.#scale;
  }

  /** The key of the sample with `rank` smaller ones, and how many of those have the same key. */
  #placeOf(rank: number): { key: number; left: number } {
    let stretch = this.#stretch;
    let below = this.#below;
    while (below > rank) below -= coarse[--stretch]!;
    for (let inside = coarse[stretch]!; below + inside <= rank; inside = coarse[stretch]!) {
      below += inside;
      stretch++;
    }
    this.#stretch = stretch;
    this.#below = below;
    let left = rank - below;
    let key = stretch << COARSE_LOG2;
    while (counts[key]! <= left) left -= counts[key++]!;
    return { key, left };
  }
}

/** In the order of a typed array's sort: zeros have signs. */
function isBelow(a: number, b: number): boolean {
  return a < b || (a === 0 && b === 0 && Object.is(a, -0) && Object.is(b, 0));
}

/**
 * The samples of a forward-moving range by rank: every value has a fixed place in the sorted series
 * (equal values share one), and a Fenwick tree counts the samples of the window by place. O(log n)
 * a sample that enters or leaves and a quantile.
 */
class RankWindow implements OrderedWindow {
  readonly #count: number;
  /** NaN first. */
  readonly #sorted: Float64Array;
  readonly #places: Int32Array;
  readonly #tree: Int32Array;
  readonly #topBit: number;
  #lo = 0;
  #hi = 0;

  constructor(values: Float64Array, count: number) {
    this.#count = count;
    const ascending = values.slice(0, count);
    const nanCount = sortNanLast(ascending);
    this.#sorted = new Float64Array(count).fill(Number.NaN, 0, nanCount);
    this.#sorted.set(ascending.subarray(0, count - nanCount), nanCount);
    this.#places = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      if (!Number.isNaN(value)) this.#places[i] = this.#firstPlace(value, nanCount);
    }
    this.#tree = new Int32Array(count + 1);
    this.#topBit = count === 0 ? 0 : 1 << (31 - Math.clz32(count));
  }

  #firstPlace(value: number, from: number): number {
    let lo = from;
    let hi = this.#count - 1;
    while (lo < hi) {
      const middle = (lo + hi) >> 1;
      if (isBelow(this.#sorted[middle]!, value)) lo = middle + 1;
      else hi = middle;
    }
    return lo;
  }

  /** Makes [lo, hi) the window; neither end may move back. */
  move(lo: number, hi: number): void {
    for (; this.#hi < hi; this.#hi++) this.#change(this.#places[this.#hi]!, 1);
    for (; this.#lo < lo; this.#lo++) this.#change(this.#places[this.#lo]!, -1);
  }

  quantile(q: number): number {
    const size = this.#hi - this.#lo;
    if (size === 0 || Number.isNaN(q)) return Number.NaN;
    if (q < 0) return Number.NEGATIVE_INFINITY;
    if (q > 1) return Number.POSITIVE_INFINITY;
    return interpolate(q, size, (rank) => this.valueAt(rank));
  }

  valueAt(rank: number): number {
    return this.#sorted[this.#placeOf(rank)]!;
  }

  #change(place: number, by: number): void {
    for (let i = place + 1; i <= this.#count; i += i & -i) this.#tree[i]! += by;
  }

  /** Place of the sample with `rank` smaller ones in the window. */
  #placeOf(rank: number): number {
    let at = 0;
    let left = rank;
    for (let bit = this.#topBit; bit > 0; bit >>= 1) {
      const next = at + bit;
      if (next <= this.#count && this.#tree[next]! <= left) {
        at = next;
        left -= this.#tree[next]!;
      }
    }
    return at;
  }
}
