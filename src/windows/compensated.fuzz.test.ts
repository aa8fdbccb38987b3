// Sums are the nearest double to the true sum, so that windows, orders and chunks do not show in
// them. The oracle adds whole numbers of 2^-1074.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { exactSum, plainSum, roundingOf, SlidingSum } from './compensated.ts';
import { CompensatedSum } from './compensated.ts';

const words = new DataView(new ArrayBuffer(8));

/** In units of the smallest double. */
function units(value: number): bigint {
  words.setFloat64(0, value);
  const bits = words.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xfffffffffffffn;
  const size = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return bits >> 63n === 0n ? size : -size;
}

function neighbour(value: number, step: bigint): number {
  words.setFloat64(0, value);
  words.setBigInt64(0, words.getBigInt64(0) + step);
  return words.getFloat64(0);
}

function isNearest(result: number, values: readonly number[]): boolean {
  const exact = values.reduce((sum, value) => sum + units(value), 0n);
  if (result === 0) return exact === 0n;
  const distance = (value: number): bigint => {
    const off = units(value) - exact;
    return off < 0n ? -off : off;
  };
  const own = distance(result);
  const others = [neighbour(result, 1n), neighbour(result, -1n)].filter(Number.isFinite);
  words.setFloat64(0, result);
  const isEven = (words.getUint8(7) & 1) === 0;
  return others.every((other) => own < distance(other) || (own === distance(other) && isEven));
}

const wild = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((value) => (Math.abs(value) > 1e290 ? value * 1e-20 : value));
const value = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -1e6, max: 1e6 }).map((n) => n / 1000) },
  { weight: 2, arbitrary: fc.constantFrom(0, -0, 1, 0.1, 2 ** 53, -(2 ** 53), 1e16, 1e-16, 1e200) },
  { weight: 1, arbitrary: wild },
);
const list = fc.array(value, { minLength: 1, maxLength: 60 });

test('a sum of a window is the nearest double to the true sum', () => {
  fc.assert(
    fc.property(list, (numbers) => {
      const values = Float64Array.from(numbers);
      assert.ok(isNearest(exactSum(values, 0, values.length), numbers));
      assert.ok(isNearest(plainSum(values, 0, values.length), numbers));
    }),
    { numRuns: 2000 },
  );
});

test('a sliding sum has the bits of the plain one, wherever it began', () => {
  fc.assert(
    fc.property(list, fc.nat(20), fc.nat(20), (numbers, width, from) => {
      const values = Float64Array.from(numbers);
      const sliding = new SlidingSum(values, values.length);
      for (let hi = from + 1; hi <= values.length; hi++) {
        const lo = Math.max(0, hi - 1 - width);
        assert.equal(sliding.sum(lo, hi) + 0, plainSum(values, lo, hi) + 0);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a sum in two parts that is sure of itself is the nearest double', () => {
  const tame = fc.array(
    fc.double({ min: -1e9, max: 1e9, noNaN: true }).filter((one) => Math.abs(one) > 1e-9),
    { minLength: 2, maxLength: 60 },
  );
  fc.assert(
    fc.property(tame, fc.nat(), (numbers, at) => {
      const cut = at % numbers.length;
      const [head, tail] = [new CompensatedSum(), new CompensatedSum()];
      for (const one of numbers.slice(0, cut)) head.add(one);
      for (const one of numbers.slice(cut)) tail.add(one);
      head.add(tail.sum);
      head.error += tail.error;
      if (roundingOf(head.sum, head.error, numbers.length) !== 'near')
        assert.ok(isNearest(head.total(), numbers));
    }),
    { numRuns: 2000 },
  );
});

test('a sum says what is known of its last bit', () => {
  assert.equal(roundingOf(1, 0, 1000), 'sure');
  assert.equal(roundingOf(2 ** 53, 0.75, 3), 'sure');
  assert.equal(roundingOf(2 ** 53, 1, 3), 'tie');
  assert.equal(roundingOf(-(2 ** 53), -1, 3), 'tie');
  assert.equal(roundingOf(2 ** 53, 1 + 2 ** -50, 3), 'near');
  assert.equal(roundingOf(2 ** 53, 1 - 2 ** -45, 3), 'near');
});
