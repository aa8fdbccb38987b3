// Quantiles of floats: of a list, and of a window that moves forward over one series. NaN sorts
// before every number, as in Prometheus (promql/quantile.go); between two samples the result is
// weighted.

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

/** In the order of a typed array's sort: zeros have signs. */
function isBelow(a: number, b: number): boolean {
  return a < b || (a === 0 && b === 0 && Object.is(a, -0) && Object.is(b, 0));
}

/**
 * The samples of a forward-moving range by rank: every value has a fixed place in the sorted series
 * (equal values share one), and a Fenwick tree counts the samples of the window by place. O(log n)
 * a sample that enters or leaves and a quantile.
 */
export class RankWindow {
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
    return interpolate(q, size, (rank) => this.#sorted[this.#placeOf(rank)]!);
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
