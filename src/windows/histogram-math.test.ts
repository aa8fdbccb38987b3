// Arithmetic of native histograms on small ones that can be checked by hand.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { COUNTER_RESET_HINT, CUSTOM_BUCKETS_SCHEMA } from '../model/histogram.ts';
import type { Histogram } from '../model/histogram.ts';
import { equalHistograms } from './histogram-equal.ts';
import { allBuckets, compactHistogram, exponentialBound } from './histogram-layout.ts';
import {
  addHistograms,
  isHistogramReset,
  scaleHistogram,
  subtractHistograms,
} from './histogram-math.ts';
import { histogramFraction, histogramQuantile, histogramVariance } from './histogram-quantile.ts';
import { trimHistogram } from './histogram-trim.ts';

function histogram(buckets: readonly number[], changes: Partial<Histogram> = {}): Histogram {
  const total = buckets.reduce((sum, count) => sum + count, changes.zeroCount ?? 0);
  return {
    isInteger: true,
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: total,
    sum: total,
    counterResetHint: COUNTER_RESET_HINT.unknown,
    positiveSpans: buckets.length === 0 ? [] : [{ offset: 0, length: buckets.length }],
    positiveBuckets: Float64Array.from(buckets),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
    ...changes,
  };
}

function custom(bounds: readonly number[], buckets: readonly number[]): Histogram {
  return histogram(buckets, {
    schema: CUSTOM_BUCKETS_SCHEMA,
    customValues: Float64Array.from(bounds),
  });
}

function counts(h: Histogram | undefined): number[] {
  return Array.from(h?.positiveBuckets ?? []);
}

function fail(): void {
  assert.fail('no note expected');
}

describe('layout', () => {
  test('bounds of buckets', () => {
    assert.equal(exponentialBound(0, 3), 8);
    assert.equal(exponentialBound(1, 2), 2);
    assert.ok(Math.abs(exponentialBound(1, 1) - Math.SQRT2) < 1e-15);
    assert.equal(exponentialBound(-1, 1), 4);
    // As Prometheus prints them, to the last digit.
    assert.equal(exponentialBound(1, -1), 0.7071067811865475);
    assert.equal(exponentialBound(2, 1), 2 * 0.5946035575013605);
    assert.equal(exponentialBound(7, 127), 2 * 0.9945994234836328);
    assert.equal(exponentialBound(0, 1024), Number.MAX_VALUE);
    assert.equal(exponentialBound(0, -1074), 5e-324);
  });

  test('all buckets in order, the zero bucket in the middle', () => {
    const h = histogram([2], {
      zeroCount: 1,
      zeroThreshold: 0.25,
      negativeSpans: [{ offset: 0, length: 1 }],
      negativeBuckets: Float64Array.of(3),
    });
    const found = allBuckets(h).map(({ lower, upper, count }) => [lower, upper, count]);
    assert.deepEqual(found, [
      [-1, -0.5, 3],
      [-0.25, 0.25, 1],
      [0.5, 1, 2],
    ]);
  });

  test('compaction drops empty buckets', () => {
    const h = compactHistogram(histogram([0, 1, 0, 0, 2, 0]));
    assert.deepEqual(h.positiveSpans, [
      { offset: 1, length: 1 },
      { offset: 2, length: 1 },
    ]);
    assert.deepEqual(counts(h), [1, 2]);
  });
});

describe('sums', () => {
  test('of one layout', () => {
    const sum = addHistograms(histogram([1, 2]), histogram([0, 1, 4]))!;
    assert.deepEqual(counts(sum.histogram), [1, 3, 4]);
    assert.equal(sum.histogram.count, 8);
    assert.deepEqual([sum.resetCollision, sum.boundsReconciled], [false, false]);
  });

  test('the coarser schema wins', () => {
    const fine = histogram([1, 2, 3, 4], { schema: 1 });
    const sum = addHistograms(fine, histogram([10]))!.histogram;
    assert.equal(sum.schema, 0);
    assert.deepEqual(counts(sum), [11, 5, 4]);
  });

  test('the wider zero bucket swallows buckets', () => {
    const wide = histogram([0, 0, 1], { zeroThreshold: 1, zeroCount: 2 });
    const sum = addHistograms(histogram([5, 1, 1]), wide)!.histogram;
    assert.equal(sum.zeroThreshold, 1);
    assert.equal(sum.zeroCount, 7);
    assert.deepEqual(counts(compactHistogram(sum)), [1, 2]);
  });

  test('custom bounds are intersected', () => {
    const sum = addHistograms(custom([1, 2, 4], [1, 1, 1, 1]), custom([2, 4], [5, 5, 5]))!;
    assert.equal(sum.boundsReconciled, true);
    assert.deepEqual(Array.from(sum.histogram.customValues), [2, 4]);
    assert.deepEqual(counts(sum.histogram), [7, 6, 6]);
  });

  test('custom and exponential buckets do not go together', () => {
    assert.equal(addHistograms(custom([1], [1, 1]), histogram([1])), undefined);
    assert.equal(subtractHistograms(histogram([1]), custom([1], [1, 1])), undefined);
  });

  test('conflicting hints are told', () => {
    const reset = histogram([1], { counterResetHint: COUNTER_RESET_HINT.reset });
    const steady = histogram([1], { counterResetHint: COUNTER_RESET_HINT.notReset });
    const sum = addHistograms(reset, steady)!;
    assert.equal(sum.resetCollision, true);
    assert.equal(sum.histogram.counterResetHint, COUNTER_RESET_HINT.unknown);
  });

  test('a difference is a gauge, a negative factor too', () => {
    const difference = subtractHistograms(histogram([3, 3]), histogram([1, 2]))!.histogram;
    assert.deepEqual(counts(difference), [2, 1]);
    assert.equal(difference.counterResetHint, COUNTER_RESET_HINT.gauge);
    const negative = scaleHistogram(histogram([3]), -1);
    assert.equal(negative.counterResetHint, COUNTER_RESET_HINT.gauge);
    assert.deepEqual(counts(scaleHistogram(histogram([3]), 0, true)), []);
  });
});

test('counter resets', () => {
  const before = histogram([1, 2, 3]);
  assert.equal(isHistogramReset(histogram([1, 2, 4]), before), false);
  assert.equal(isHistogramReset(histogram([1, 1, 9]), before), true);
  assert.equal(isHistogramReset(histogram([9, 9]), before), true);
  assert.equal(isHistogramReset(histogram([9, 9, 9], { schema: 1 }), before), true);
  const hinted = histogram([1], { counterResetHint: COUNTER_RESET_HINT.notReset });
  assert.equal(isHistogramReset(hinted, before), false);
  assert.equal(isHistogramReset(custom([1, 2], [2, 2, 2]), custom([2], [4, 2])), false);
  assert.equal(isHistogramReset(custom([1, 2], [2, 1, 9]), custom([2], [4, 2])), true);
});

test('counter resets of buckets that hold less than nothing', () => {
  const before = histogram([-5, -2]);
  assert.equal(isHistogramReset(histogram([-5, -2]), before), false);
  assert.equal(isHistogramReset(histogram([-6, 9]), before), true);
  assert.equal(isHistogramReset(histogram([-4, -1]), before), false);
  // One that is gone was not empty; one that holds nothing is still there.
  assert.equal(isHistogramReset(histogram([-4]), before), true);
  assert.equal(isHistogramReset(histogram([-4, 0]), before), false);
  assert.equal(isHistogramReset(histogram([9]), histogram([1, 0])), false);
  assert.equal(isHistogramReset(custom([2], [-1, 9]), custom([2], [0, -1])), true);
  assert.equal(isHistogramReset(custom([1, 2], [-3, -1, 9]), custom([2], [-3, 1])), true);
  assert.equal(isHistogramReset(custom([1, 2], [0, 0, 9]), custom([2], [-4, 2])), false);
  // Under bounds that differ a sum without buckets is 0.
  assert.equal(isHistogramReset(custom([1, 2], [0, 0, -1]), custom([2], [-4])), true);
  assert.equal(isHistogramReset(custom([1, 2], [1]), custom([2], [-4, -1])), false);
});

test('equality looks at buckets, not at how spans are cut', () => {
  const cut = histogram([1, 2], {
    positiveSpans: [
      { offset: 0, length: 1 },
      { offset: 0, length: 1 },
    ],
  });
  assert.ok(equalHistograms(cut, histogram([1, 2])));
  assert.ok(!equalHistograms(histogram([2, 1]), histogram([1, 2])));
});

test('quantiles, fractions and variance', () => {
  const h = histogram([0, 4, 4], { sum: 16 });
  // A power of two as Go has it, a bit below.
  assert.equal(histogramQuantile(0.25, h, fail), 1.414_213_562_373_095);
  assert.equal(histogramQuantile(1, h, fail), 4);
  assert.equal(histogramQuantile(-1, h, fail), -Infinity);
  assert.equal(histogramFraction(1, 2, h, fail), 0.5);
  assert.ok(Math.abs(histogramFraction(1, Math.SQRT2, h, fail) - 0.25) < 1e-12);
  const even = custom([0, 10], [0, 10, 0]);
  assert.equal(histogramQuantile(0.5, even, fail), 5);
  assert.equal(histogramVariance({ ...even, sum: 50 }), 0);
});

test('trimming keeps the part on one side', () => {
  const h = histogram([4, 4, 4]);
  assert.deepEqual(counts(trimHistogram(h, 1, 'upper')), [4]);
  assert.deepEqual(counts(trimHistogram(h, 1, 'lower')), [4, 4]);
  const half = trimHistogram(h, Math.SQRT2, 'upper');
  assert.ok(Math.abs(half.count - 6) < 1e-12);
  assert.equal(trimHistogram(h, 100, 'upper'), h);
});
