// Quantiles by selection and by counting against sorting: the same bits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { medianDeviation, orderedWindow, selectedQuantile, sortedQuantile } from './quantile.ts';

const odd = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, 1, 1, Infinity, -Infinity));
const near = fc.tuple(fc.integer({ min: -300, max: 300 }), fc.constantFrom(1, 10, 100, 1000));
const quantile = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(0, 0.5, 1, -0.1, 1.1, Number.NaN),
);

test('by selection', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.array(odd), fc.array(fc.integer({ min: 0, max: 9 }))),
      quantile,
      (numbers, q) => {
        const values = Float64Array.from([...numbers, 7]);
        const expected = sortedQuantile(q, values.slice(0, numbers.length));
        assert.ok(Object.is(selectedQuantile(q, values, numbers.length), expected));
      },
    ),
    { numRuns: 3000 },
  );
});

test('windows over decimals that move forward, also beyond what they held', () => {
  fc.assert(
    fc.property(
      fc.array(near, { minLength: 40, maxLength: 200 }),
      fc.array(fc.tuple(fc.nat(60), fc.nat(60)), { maxLength: 20 }),
      fc.array(odd, { maxLength: 1 }),
      quantile,
      (numbers, moves, others, q) => {
        const decimals = numbers.map(([n, scale]) => n / scale);
        const values = Float64Array.from([...decimals, ...others]);
        const window = orderedWindow(values, 0, values.length);
        let [lo, hi] = [0, 0];
        for (const [first, length] of moves) {
          lo = Math.min(values.length, lo + first);
          hi = Math.min(values.length, Math.max(hi, lo + length));
          window.move(lo, hi);
          const expected = sortedQuantile(q, values.slice(lo, hi));
          assert.ok(Object.is(window.quantile(q), expected), `${lo} ${hi}`);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('the median of deviations, by ranks of decimals and of anything else', () => {
  let finite = 0;
  fc.assert(
    fc.property(
      fc.array(fc.oneof(near, fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constant(1))), {
        minLength: 1,
        maxLength: 120,
      }),
      fc.array(odd, { maxLength: 3 }),
      fc.nat(60),
      (numbers, others, lo) => {
        const decimals = numbers.map(([n, scale]) => n / scale);
        const values = Float64Array.from([...others, ...decimals]);
        const from = Math.min(lo, values.length - 1);
        const window = orderedWindow(values, 0, values.length);
        window.move(from, values.length);
        const sorted = values.slice(from);
        const median = sortedQuantile(0.5, sorted);
        const found = medianDeviation(window, values.length - from);
        if (sorted.some((value) => Number.isNaN(value))) return assert.ok(Number.isNaN(found));
        if (!Number.isFinite(median)) return assert.equal(found, undefined);
        finite++;
        const expected = sortedQuantile(
          0.5,
          sorted.map((value) => Math.abs(value - median)),
        );
        assert.ok(Object.is(found, expected), `${found} ${expected}`);
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(finite > 1000);
});
