// Arithmetic of native histograms: sums, differences, scaling, counter resets, in the order of the
// reference, so that they have its bits. Layouts that differ are brought to the coarser one: the
// smaller schema, the larger zero bucket, the common custom bounds. Source: Prometheus
// model/histogram/float_histogram.go.
import { COUNTER_RESET_HINT } from '../model/histogram.ts';
import type { BucketSpan, CounterResetHint, Histogram } from '../model/histogram.ts';
import { coarserIndex } from '../model/histogram-resolution.ts';
import { CompensatedSum } from './compensated.ts';
import { sameBounds } from './histogram-equal.ts';
import { bucketIndexes, exponentialBound, hasCustomBuckets, spansOf } from './histogram-layout.ts';

/**
 * How the reference adds up: aggregations and windows keep what additions lose, operators and rates
 * do not.
 */
export type Adding = 'plain' | 'compensated';

/** A sum that keeps nothing of what its additions lose. */
class PlainSum extends CompensatedSum {
  override add(value: number): void {
    this.sum += value;
  }
}

/** Counts by bucket index. */
class Counts {
  readonly #adding: Adding;
  readonly #totals = new Map<number, CompensatedSum>();

  constructor(adding: Adding) {
    this.#adding = adding;
  }

  add(index: number, value: number, error = 0): void {
    const total = this.#totals.get(index);
    if (total === undefined) {
      const first = newTotal(this.#adding);
      first.set(value, error);
      this.#totals.set(index, first);
      return;
    }
    total.add(value);
    if (error !== 0) total.add(error);
  }

  /** `factor` times the buckets that count. */
  addSide(
    spans: readonly BucketSpan[],
    buckets: Float64Array,
    factor: number,
    isCounted?: (index: number) => boolean,
  ): void {
    for (const [i, index] of bucketIndexes(spans).entries())
      if (isCounted === undefined || isCounted(index)) this.add(index, buckets[i]! * factor);
  }

  get(index: number): number | undefined {
    return this.#totals.get(index)?.sum;
  }

  delete(index: number): void {
    this.#totals.delete(index);
  }

  /** In no order. */
  all(): Iterable<readonly [index: number, total: CompensatedSum]> {
    return this.#totals;
  }

  /** In the order of their indexes. */
  entries(): (readonly [index: number, total: CompensatedSum])[] {
    return Array.from(this.#totals).toSorted(([left], [right]) => left - right);
  }

  /** The same in other buckets; where `map` gives none, they are left out. */
  mapped(map: (index: number) => number | undefined, adding = this.#adding): Counts {
    const out = new Counts(adding);
    for (const [index, { sum, error }] of this.entries()) {
      const to = map(index);
      if (to !== undefined) out.add(to, sum, error);
    }
    return out;
  }
}

function newTotal(adding: Adding): CompensatedSum {
  return adding === 'plain' ? new PlainSum() : new CompensatedSum();
}

function countsOf(
  adding: Adding,
  spans: readonly BucketSpan[],
  buckets: Float64Array,
  factor: number,
): Counts {
  const out = new Counts(adding);
  out.addSide(spans, buckets, factor);
  return out;
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
  readonly #adding: Adding;
  #schema: number;
  #zeroThreshold: number;
  #custom: Float64Array;
  #hint: CounterResetHint;
  readonly #count: CompensatedSum;
  readonly #sum: CompensatedSum;
  readonly #zero: CompensatedSum;
  #positive: Counts;
  #negative: Counts;
  readonly notes: AddNotes = { resetCollision: false, boundsReconciled: false };

  constructor(first: Histogram, adding: Adding) {
    this.#adding = adding;
    this.#schema = first.schema;
    this.#zeroThreshold = first.zeroThreshold;
    this.#custom = first.customValues;
    this.#hint = first.counterResetHint;
    this.#count = newTotal(adding);
    this.#sum = newTotal(adding);
    this.#zero = newTotal(adding);
    this.#count.set(first.count, 0);
    this.#sum.set(first.sum, 0);
    this.#zero.set(first.zeroCount, 0);
    this.#positive = countsOf(adding, first.positiveSpans, first.positiveBuckets, 1);
    this.#negative = countsOf(adding, first.negativeSpans, first.negativeBuckets, 1);
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
    this.#count.add(other.count * factor);
    this.#sum.add(other.sum * factor);
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
    const { positiveSpans, positiveBuckets, customValues } = other;
    if (sameBounds(this.#custom, customValues)) {
      this.#positive.addSide(positiveSpans, positiveBuckets, factor);
      return;
    }
    this.notes.boundsReconciled = true;
    const bounds = this.#custom.filter((bound) => customValues.includes(bound));
    // What is lost on the way to the common bounds is kept in any case, if only till then.
    const together = this.#positive.mapped(boundMap(this.#custom, bounds), 'compensated');
    const map = boundMap(customValues, bounds);
    for (const [i, index] of bucketIndexes(positiveSpans).entries())
      together.add(map(index), positiveBuckets[i]! * factor);
    this.#custom = bounds;
    this.#positive = new Counts(this.#adding);
    for (const [index, { sum, error }] of together.entries())
      if (sum !== 0 || error !== 0)
        this.#positive.add(index, sum, this.#adding === 'plain' ? 0 : error);
  }

  #addExponential(other: Histogram, factor: number): void {
    const zero = this.#reconcileZero(other);
    this.#zero.add(zero.sum * factor);
    if (zero.error !== 0) this.#zero.add(zero.error * factor);
    this.coarsen(other.schema);
    const { schema } = other;
    const { positiveSpans, positiveBuckets, negativeSpans, negativeBuckets } = other;
    for (const [to, spans, buckets] of [
      [this.#positive, positiveSpans, positiveBuckets],
      [this.#negative, negativeSpans, negativeBuckets],
    ] as const) {
      const isCounted = (index: number): boolean =>
        exponentialBound(this.#schema, index) > this.#zeroThreshold;
      if (schema === this.#schema) to.addSide(spans, buckets, factor, isCounted);
      else {
        const map = (index: number): number => coarserIndex(index, schema, this.#schema);
        const coarse = countsOf(this.#adding, spans, buckets, factor).mapped(map);
        for (const [index, { sum, error }] of coarse.entries())
          if (isCounted(index)) to.add(index, sum, error);
      }
    }
  }

  /** Brings exponential buckets to that schema, unless theirs is smaller. */
  coarsen(schema: number): void {
    const from = this.#schema;
    if (schema >= from) return;
    const map = (index: number): number => coarserIndex(index, from, schema);
    this.#positive = this.#positive.mapped(map);
    this.#negative = this.#negative.mapped(map);
    this.#schema = schema;
  }

  /** Widens both zero buckets until they agree; answers the other's zero count. */
  #reconcileZero(other: Histogram): { readonly sum: number; readonly error: number } {
    let count = { sum: other.zeroCount, error: 0 };
    let threshold = other.zeroThreshold;
    while (threshold !== this.#zeroThreshold) {
      if (this.#zeroThreshold > threshold)
        ({ count, threshold } = widenedZero(zeroNeighbours(other), this.#zeroThreshold));
      if (threshold > this.#zeroThreshold) this.#widenZero(threshold);
    }
    return this.#adding === 'plain' ? { sum: count.sum, error: 0 } : count;
  }

  #widenZero(threshold: number): void {
    const sides = [this.#positive, this.#negative];
    const { count, threshold: widened } = widenedZero(
      { schema: this.#schema, zero: this.#zero, sides: sides.map((side) => side.entries()) },
      threshold,
    );
    this.#zero.set(count.sum, this.#adding === 'plain' ? 0 : count.error);
    this.#zeroThreshold = widened;
    for (const counts of sides)
      for (const [index] of counts.entries())
        if (exponentialBound(this.#schema, index - 1) < widened) counts.delete(index);
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
      for (const [, { sum }] of counts.all()) if (isInfinite(sum)) return false;
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
  const entries = counts.entries();
  const buckets = Float64Array.from(entries, ([, total]) => total.total());
  return { spans: spansOf(entries.map(([index]) => index)), buckets };
}

interface SumParts {
  readonly sum: number;
  readonly error: number;
}

/** The zero bucket and those that may fall into it, side by side in the order of their indexes. */
interface ZeroNeighbours {
  readonly schema: number;
  readonly zero: SumParts;
  readonly sides: readonly (readonly (readonly [index: number, count: SumParts])[])[];
}

function zeroNeighbours(h: Histogram): ZeroNeighbours {
  const sides = [
    countsOf('plain', h.positiveSpans, h.positiveBuckets, 1),
    countsOf('plain', h.negativeSpans, h.negativeBuckets, 1),
  ];
  return {
    schema: h.schema,
    zero: { sum: h.zeroCount, error: 0 },
    sides: sides.map((side) => side.entries()),
  };
}

/** Zero count under a larger threshold, which grows to the end of a populated bucket it cuts. */
function widenedZero(
  { schema, zero, sides }: ZeroNeighbours,
  threshold: number,
): { readonly count: SumParts; readonly threshold: number } {
  const count = new CompensatedSum();
  let wanted = threshold;
  for (let isSettled = false; !isSettled;) {
    isSettled = true;
    count.set(zero.sum, zero.error);
    for (const side of sides)
      for (const [index, { sum, error }] of side) {
        if (exponentialBound(schema, index - 1) >= wanted) break;
        count.add(sum);
        if (error !== 0) count.add(error);
        const upper = exponentialBound(schema, index);
        if (upper > wanted && sum !== 0) {
          wanted = upper;
          isSettled = false;
        }
      }
  }
  return { count, threshold: wanted };
}

export interface Combined extends Readonly<AddNotes> {
  readonly histogram: Histogram;
}

/** a + b; undefined where custom and exponential buckets meet. */
export function addHistograms(a: Histogram, b: Histogram): Combined | undefined {
  const sum = new HistogramSum(a, 'plain');
  return sum.add(b) ? { ...sum.notes, histogram: sum.finish() } : undefined;
}

/** a - b, a gauge; undefined where custom and exponential buckets meet. */
export function subtractHistograms(a: Histogram, b: Histogram): Combined | undefined {
  const sum = new HistogramSum(a, 'plain');
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
    if (haveSameBuckets(h, previous)) return hasBucketFallen(h, previous);
    const common = h.customValues.filter((bound) => previous.customValues.includes(bound));
    const own = countsUnder(h, boundMap(h.customValues, common));
    const before = countsUnder(previous, boundMap(previous.customValues, common));
    const isSame =
      common.length === h.customValues.length && common.length === previous.customValues.length;
    return isSame ? hasFallen(own, before) : hasSumFallen(own, before);
  }
  if (hasCustomBuckets(previous) || h.schema > previous.schema) return true;
  if (h.zeroThreshold < previous.zeroThreshold) return true;
  const zeroCount = zeroCountUnder(previous, h.zeroThreshold);
  if (zeroCount === undefined || h.zeroCount < zeroCount) return true;
  if (haveSameBuckets(h, previous)) return hasBucketFallen(h, previous);
  const map = (index: number): number => coarserIndex(index, previous.schema, h.schema);
  for (const side of ['positive', 'negative'] as const) {
    const own = sideCounts(h, side, (index) => index);
    if (hasFallen(own, sideCounts(previous, side, map), h)) return true;
  }
  return false;
}

/** Under another threshold; undefined where a populated bucket would be cut. */
function zeroCountUnder(h: Histogram, threshold: number): number | undefined {
  if (threshold === h.zeroThreshold) return h.zeroCount;
  const zero = widenedZero(zeroNeighbours(h), threshold);
  return zero.threshold === threshold ? zero.count.sum : undefined;
}

function haveSameBuckets(a: Histogram, b: Histogram): boolean {
  return (
    a.schema === b.schema &&
    haveSameSpans(a.positiveSpans, b.positiveSpans) &&
    haveSameSpans(a.negativeSpans, b.negativeSpans) &&
    sameBounds(a.customValues, b.customValues)
  );
}

function haveSameSpans(a: readonly BucketSpan[], b: readonly BucketSpan[]): boolean {
  if (a === b) return true;
  return (
    a.length === b.length &&
    a.every(({ offset, length }, i) => offset === b[i]!.offset && length === b[i]!.length)
  );
}

/** `hasFallen` of histograms with the same buckets. */
function hasBucketFallen(h: Histogram, before: Histogram): boolean {
  const isZero = (spans: readonly BucketSpan[], i: number): boolean =>
    !hasCustomBuckets(h) && exponentialBound(h.schema, bucketIndexes(spans)[i]!) <= h.zeroThreshold;
  const { positiveBuckets, positiveSpans, negativeBuckets, negativeSpans } = h;
  return (
    positiveBuckets.some(
      (count, i) => count < before.positiveBuckets[i]! && !isZero(positiveSpans, i),
    ) ||
    negativeBuckets.some(
      (count, i) => count < before.negativeBuckets[i]! && !isZero(negativeSpans, i),
    )
  );
}

function sideCounts(
  h: Histogram,
  side: 'positive' | 'negative',
  map: (index: number) => number,
): Counts {
  const isPositive = side === 'positive';
  const spans = isPositive ? h.positiveSpans : h.negativeSpans;
  const buckets = isPositive ? h.positiveBuckets : h.negativeBuckets;
  const counts = new Counts('plain');
  for (const [i, index] of bucketIndexes(spans).entries()) counts.add(map(index), buckets[i]!);
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
  for (const [index, { sum }] of before.all()) {
    if (h !== undefined && exponentialBound(h.schema, index) <= h.zeroThreshold) continue;
    const own = now.get(index);
    if (own === undefined ? sum !== 0 : own < sum) return true;
  }
  return false;
}

/** The same of sums under bounds that only some of the buckets have: none is gone, it is 0. */
function hasSumFallen(now: Counts, before: Counts): boolean {
  for (const counts of [before, now])
    for (const [index] of counts.all())
      if ((now.get(index) ?? 0) < (before.get(index) ?? 0)) return true;
  return false;
}
