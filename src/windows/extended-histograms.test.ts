// Growth of native histograms between interpolated ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COUNTER_RESET_HINT } from '../model/histogram.ts';
import type { Histogram } from '../model/histogram.ts';
import { extendedHistogramGrowth } from './extended-histograms.ts';

function histogram(first: number, second: number): Histogram {
  return {
    isInteger: true,
    counterResetHint: COUNTER_RESET_HINT.unknown,
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: first + second,
    sum: 0,
    positiveSpans: [{ offset: 0, length: 2 }],
    positiveBuckets: Float64Array.of(first, second),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
  };
}

test('a bucket that stands still is no reset at the interpolated edge', () => {
  // 29 * (1 - 4/15) + 29 * 4/15 is larger than 29.
  const values = [histogram(29, 10), histogram(29, 25), histogram(29, 40), histogram(29, 55)];
  const tUs = Float64Array.of(0, 15e6, 30e6, 45e6);
  const s = { count: 4, tUs, values, startUs: undefined, stale: undefined };
  const range = { startUs: 4e6, endUs: 40e6, lo: 0, hi: 4 };
  const options = { isSmoothed: true, isCounter: true };
  const growth = extendedHistogramGrowth(s, range, options, () => undefined)!;
  assert.ok(Math.abs(growth.count - 36) < 1e-9, `${growth.count}`);
});
