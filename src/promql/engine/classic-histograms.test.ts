// Quantiles of classic buckets: the common case, and counts that are not numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classicQuantile } from './classic-histograms.ts';

const noForce = (): void => undefined;

function quantile(q: number, counts: readonly number[]): number {
  const uppers = [0.1, 0.5, 1, 2.5, 10, Infinity];
  const buckets = counts.map((count, i) => ({ upper: uppers[i]!, count }));
  return classicQuantile(q, buckets, noForce);
}

test('a quantile is interpolated inside of its bucket', () => {
  assert.equal(quantile(0.5, [0, 10, 20, 20, 20, 20]), 0.5);
  assert.equal(quantile(0.75, [0, 10, 20, 20, 20, 20]), 0.75);
});

test('counts that are not numbers are searched by halving, as the reference does', () => {
  // Of five the middle one is asked first: NaN there sends the search upwards, past the first one.
  assert.equal(quantile(0.5, [30, 30, NaN, NaN, NaN, 30]), 10);
});
