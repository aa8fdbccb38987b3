// Arithmetic of native histograms: sums of any number of them with compensation, differences,
// scaling, counter resets. Layouts that differ are brought to the coarser one: the smaller schema,
// the larger zero bucket, the common custom bounds. Source: Prometheus
// model/histogram/float_histogram.go.
import { COUNTER_RESET_HINT } from '../model/histogram.ts';
import type { BucketSpan, CounterResetHint, Histogram } from '../model/histogram.ts';
import { coarserIndex } from '../model/histogram-resolution.ts';
import { CompensatedSum } from './compensated.ts';
import { sameBounds } from './histogram-equal.ts';
import { bucketIndexes, exponentialBound, hasCustomBuckets, spansOf } from './histogram-layout.ts';

/** Counts by bucket index, each with its error term. */
type Counts = Map<number, CompensatedSum>;

function addCount(counts: Counts, index: number, value: number): void {
  let sum = counts.get(index);
  if (sum === undefined) counts.set(index, (sum = new CompensatedSum()));
  sum.add(value);
}

/** What addition did beside adding. */
export interface AddNotes {
  /** One side says "reset", the other "no reset". */
  resetCollision: boolean;
  /** Custom bounds differed and were intersected. */
  boundsReconciled: boolean;
}

/** A sum of histograms under construction; starts as a copy of the first. */
export class HistogramSum {
  #schema: number;
  #zeroThreshold: number;
  #custom: Float64Array;
  #hint: CounterResetHint;
  readonly #count = new CompensatedSum();
  readonly #sum = new CompensatedSum();
  readonly #zero = new CompensatedSum();
  #positive: Counts = new Map();
  #negative: Counts = new Map();
  readonly notes: AddNotes = { resetCollision: false, boundsReconciled: false };

  constructor(first: Histogram) {
    this.#schema = first.schema;
    this.#zeroThreshold = first.zeroThreshold;
    this.#custom = first.customValues;
    this.#hint = first.counterResetHint;
    this.#addScalars(first, 1, first.zeroCount);
    addSide(this.#positive, first.positiveSpans, first.positiveBuckets, 1, (index) => index);
    addSide(this.#negative, first.negativeSpans, first.negativeBuckets, 1, (index) => index);
  }

  #addScalars(h: Histogram, factor: number, zeroCount: number): void {
    this.#count.add(h.count * factor);
    this.#sum.add(h.sum * factor);
    this.#zero.add(zeroCount * factor);
  }

  /**
   * Adds `factor` times a histogram. False where custom and exponential buckets meet: no change.
   */
  add(other: Histogram, factor = 1): boolean {
    const isCustom = hasCustomBuckets(other);
    if (isCustom !== (this.#schema === -53)) return false;
    this.#mergeHint(other.counterResetHint);
    if (isCustom) this.#addCustom(other, factor);
    else this.#addExponential(other, factor);
    return true;
  }

  #mergeHint(other: CounterResetHint): void {
    const own = this.#hint;
    if (own === other || own === COUNTER_RESET_HINT.gauge) return;
    if (other === COUNTER_RESET_HINT.gauge) this.#hint = other;
    else if (own === COUNTER_RESET_HINT.unknown) return;
    else {
      if (other !== COUNTER_RESET_HINT.unknown) this.notes.resetCollision = true;
      this.#hint = COUNTER_RESET_HINT.unknown;
    }
  }

  #addCustom(other: Histogram, factor: number): void {
    this.#addScalars(other, factor, other.zeroCount);
    let bounds = this.#custom;
    if (!sameBounds(bounds, other.customValues)) {
      this.notes.boundsReconciled = true;
      bounds = bounds.filter((bound) => other.customValues.includes(bound));
      this.#positive = mapCounts(this.#positive, boundMap(this.#custom, bounds));
      this.#custom = bounds;
    }
    const map = boundMap(other.customValues, bounds);
    addSide(this.#positive, other.positiveSpans, other.positiveBuckets, factor, map);
  }

  #addExponential(other: Histogram, factor: number): void {
    const zeroCount = this.#reconcileZero(other);
    this.#addScalars(other, factor, zeroCount);
    const schema = Math.min(this.#schema, other.schema);
    if (schema < this.#schema) {
      const from = this.#schema;
      const map = (index: number): number => coarserIndex(index, from, schema);
      this.#positive = mapCounts(this.#positive, map);
      this.#negative = mapCounts(this.#negative, map);
      this.#schema = schema;
    }
    const threshold = this.#zeroThreshold;
    const map = (index: number): number | undefined => {
      const to = coarserIndex(index, other.schema, schema);
      return exponentialBound(schema, to) <= threshold ? undefined : to;
    };
    addSide(this.#positive, other.positiveSpans, other.positiveBuckets, factor, map);
    addSide(this.#negative, other.negativeSpans, other.negativeBuckets, factor, map);
  }

  /** Widens both zero buckets until they agree; answers the other's zero count. */
  #reconcileZero(other: Histogram): number {
    let count = other.zeroCount;
    let threshold = other.zeroThreshold;
    while (threshold !== this.#zeroThreshold) {
      if (this.#zeroThreshold > threshold)
        ({ count, threshold } = widenedZero(other, this.#zeroThreshold));
      if (threshold > this.#zeroThreshold) this.#widenZero(threshold);
    }
    return count;
  }

  #widenZero(threshold: number): void {
    const widened = widenedZero(this.finish(), threshold);
    this.#zero.set(widened.count, 0);
    this.#zeroThreshold = widened.threshold;
    for (const counts of [this.#positive, this.#negative])
      for (const index of Array.from(counts.keys()))
        if (exponentialBound(this.#schema, index - 1) < widened.threshold) counts.delete(index);
  }

  setHint(hint: CounterResetHint): void {
    this.#hint = hint;
  }

  get hint(): CounterResetHint {
    return this.#hint;
  }

  /** Are all totals finite? */
  isFinite(): boolean {
    if (!Number.isFinite(this.#count.sum) || isInfinite(this.#sum.sum)) return false;
    for (const counts of [this.#positive, this.#negative])
      for (const { sum } of counts.values()) if (isInfinite(sum)) return false;
    return !isInfinite(this.#zero.sum);
  }

  finish(): Histogram {
    const positive = finishSide(this.#positive);
    const negative = finishSide(this.#negative);
    return {
      isInteger: false,
      schema: this.#schema,
      zeroThreshold: this.#zeroThreshold,
      zeroCount: this.#zero.total(),
      count: this.#count.total(),
      sum: this.#sum.total(),
      counterResetHint: this.#hint,
      positiveSpans: positive.spans,
      positiveBuckets: positive.buckets,
      negativeSpans: negative.spans,
      negativeBuckets: negative.buckets,
      customValues: this.#custom,
    };
  }
}

function isInfinite(value: number): boolean {
  return value === Infinity || value === -Infinity;
}

function addSide(
  counts: Counts,
  spans: readonly BucketSpan[],
  buckets: Float64Array,
  factor: number,
  map: (index: number) => number | undefined,
): void {
  for (const [i, index] of bucketIndexes(spans).entries()) {
    const to = map(index);
    if (to !== undefined) addCount(counts, to, buckets[i]! * factor);
  }
}

function mapCounts(counts: Counts, map: (index: number) => number): Counts {
  const out: Counts = new Map();
  for (const [index, { sum, error }] of counts) {
    const to = map(index);
    addCount(out, to, sum);
    out.get(to)!.error += error;
  }
  return out;
}

/** Index of a custom bucket under fewer bounds: the first bound not below its own. */
function boundMap(from: Float64Array, to: Float64Array): (index: number) => number {
  return (index) => {
    if (index >= from.length) return to.length;
    const bound = from[index]!;
    const at = to.findIndex((candidate) => candidate >= bound);
    return at < 0 ? to.length : at;
  };
}

function finishSide(counts: Counts): { spans: BucketSpan[]; buckets: Float64Array } {
  const indexes = Array.from(counts.keys()).toSorted((a, b) => a - b);
  const buckets = Float64Array.from(indexes, (index) => counts.get(index)!.total());
  return { spans: spansOf(indexes), buckets };
}

/** Zero count under a larger threshold, which grows to the end of a populated bucket it cuts. */
function widenedZero(
  h: Histogram,
  threshold: number,
): { readonly count: number; readonly threshold: number } {
  const sides = [
    { indexes: bucketIndexes(h.positiveSpans), counts: h.positiveBuckets },
    { indexes: bucketIndexes(h.negativeSpans), counts: h.negativeBuckets },
  ];
  let wanted = threshold;
  for (let isSettled = false; !isSettled;) {
    isSettled = true;
    let count = h.zeroCount;
    for (const { indexes, counts } of sides)
      for (const [i, index] of indexes.entries()) {
        if (exponentialBound(h.schema, index - 1) >= wanted) break;
        count += counts[i]!;
        const upper = exponentialBound(h.schema, index);
        if (upper > wanted && counts[i] !== 0) {
          wanted = upper;
          isSettled = false;
        }
      }
    if (isSettled) return { count, threshold: wanted };
  }
  return { count: h.zeroCount, threshold: wanted };
}

export interface Combined extends Readonly<AddNotes> {
  readonly histogram: Histogram;
}

/** a + b; undefined where custom and exponential buckets meet. */
export function addHistograms(a: Histogram, b: Histogram): Combined | undefined {
  const sum = new HistogramSum(a);
  return sum.add(b) ? { ...sum.notes, histogram: sum.finish() } : undefined;
}

/** a - b, a gauge; undefined where custom and exponential buckets meet. */
export function subtractHistograms(a: Histogram, b: Histogram): Combined | undefined {
  const sum = new HistogramSum(a);
  if (!sum.add(b, -1)) return undefined;
  sum.setHint(COUNTER_RESET_HINT.gauge);
  return { ...sum.notes, histogram: sum.finish() };
}

/** Every count and the sum times `factor`, or divided by it; by zero leaves no buckets. */
export function scaleHistogram(h: Histogram, factor: number, divides = false): Histogram {
  const scale = (value: number): number => (divides ? value / factor : value * factor);
  const isVoid = divides && factor === 0;
  const none = new Float64Array(0);
  return {
    ...h,
    isInteger: false,
    zeroCount: scale(h.zeroCount),
    count: scale(h.count),
    sum: scale(h.sum),
    counterResetHint: factor < 0 ? COUNTER_RESET_HINT.gauge : h.counterResetHint,
    positiveSpans: isVoid ? [] : h.positiveSpans,
    positiveBuckets: isVoid ? none : h.positiveBuckets.map(scale),
    negativeSpans: isVoid ? [] : h.negativeSpans,
    negativeBuckets: isVoid ? none : h.negativeBuckets.map(scale),
  };
}

/** Was the counter reset between `previous` and `h`? By the hint, else by any count that fell. */
export function isHistogramReset(h: Histogram, previous: Histogram): boolean {
  if (h.counterResetHint === COUNTER_RESET_HINT.reset) return true;
  if (h.counterResetHint === COUNTER_RESET_HINT.notReset) return false;
  if (h.count < previous.count) return true;
  if (hasCustomBuckets(h)) {
    if (!hasCustomBuckets(previous)) return true;
    const common = h.customValues.filter((bound) => previous.customValues.includes(bound));
    const own = countsUnder(h, boundMap(h.customValues, common));
    const before = countsUnder(previous, boundMap(previous.customValues, common));
    const isSame =
      common.length === h.customValues.length && common.length === previous.customValues.length;
    return isSame ? hasFallen(own, before) : hasSumFallen(own, before);
  }
  if (hasCustomBuckets(previous) || h.schema > previous.schema) return true;
  if (h.zeroThreshold < previous.zeroThreshold) return true;
  const zero = widenedZero(previous, h.zeroThreshold);
  if (zero.threshold !== h.zeroThreshold || h.zeroCount < zero.count) return true;
  const map = (index: number): number => coarserIndex(index, previous.schema, h.schema);
  for (const side of ['positive', 'negative'] as const) {
    const own = sideCounts(h, side, (index) => index);
    if (hasFallen(own, sideCounts(previous, side, map), h)) return true;
  }
  return false;
}

function sideCounts(
  h: Histogram,
  side: 'positive' | 'negative',
  map: (index: number) => number,
): Counts {
  const counts: Counts = new Map();
  const isPositive = side === 'positive';
  const spans = isPositive ? h.positiveSpans : h.negativeSpans;
  addSide(counts, spans, isPositive ? h.positiveBuckets : h.negativeBuckets, 1, map);
  return counts;
}

function countsUnder(h: Histogram, map: (index: number) => number): Counts {
  return sideCounts(h, 'positive', map);
}

/**
 * Is a bucket of `before` fuller than in `now`, or gone? Buckets inside `h`'s zero bucket do not
 * count. What expressions make of histograms may have less than nothing in a bucket.
 */
function hasFallen(now: Counts, before: Counts, h?: Histogram): boolean {
  for (const [index, { sum }] of before) {
    if (h !== undefined && exponentialBound(h.schema, index) <= h.zeroThreshold) continue;
    const own = now.get(index)?.sum;
    if (own === undefined ? sum !== 0 : own < sum) return true;
  }
  return false;
}

/** The same of sums under bounds that only some of the buckets have: none is gone, it is 0. */
function hasSumFallen(now: Counts, before: Counts): boolean {
  const sumIn = (counts: Counts, index: number): number => counts.get(index)?.sum ?? 0;
  for (const index of new Set([...before.keys(), ...now.keys()]))
    if (sumIn(now, index) < sumIn(before, index)) return true;
  return false;
}
