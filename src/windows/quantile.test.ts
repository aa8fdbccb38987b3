// Quantiles by selection and by counting against sorting: the same bits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { orderedWindow, selectedQuantile, sortedQuantile } from './quantile.ts';

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
