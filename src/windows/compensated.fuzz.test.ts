// Sums that slide have the bits of sums in order; a sum of chunks that is sure of itself is the
// nearest double to the true one. The oracle adds whole numbers of 2^-1074.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { plainMean, plainSum, roundingOf, SlidingSum } from './compensated.ts';
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

test('a sum or mean of a window is that of its samples in order', () => {
  // What `error` catches does not come back where `sum` no longer needs it.
  assert.equal(plainSum(Float64Array.of(1e16, 1, -1e16), 0, 3), 1);
  assert.equal(plainSum(Float64Array.of(1e100, 1e16, 1, -1e100, -1e16), 0, 5), 0);
  assert.equal(plainSum(Float64Array.of(1e308, 1e308, -1e308), 0, 3), Infinity);
  // Sum and error are divided one by one: their sum, divided, gives another last bit.
  assert.equal(plainMean(Float64Array.of(0.1, 0.1, 0.1), 0, 3), 0.1);
  assert.equal(plainMean(Float64Array.of(0.1, 0.1, 0.4), 0, 3), 0.2);
  assert.equal(plainMean(Float64Array.of(1e308, 1e308, -1e308), 0, 3), 1e308 / 3);
});

test('a sliding sum has the bits of the plain one, wherever it began', () => {
  fc.assert(
    fc.property(list, fc.nat(60), fc.nat(20), (numbers, width, from) => {
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

/** Is it the nearest double to the true mean? */
function isNearestMean(mean: number, numbers: readonly number[]): boolean {
  const count = BigInt(numbers.length);
  const exact = numbers.reduce((sum, one) => sum + units(one), 0n);
  const off = (one: number): bigint => {
    const distance = units(one) * count - exact;
    return distance < 0n ? -distance : distance;
  };
  const others = mean === 0 ? [5e-324, -5e-324] : [neighbour(mean, 1n), neighbour(mean, -1n)];
  return others.every((other) => off(mean) <= off(other));
}

test('a sliding mean is the nearest double to the true one', () => {
  const tame = fc.array(
    fc.oneof(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }).filter((one) => Math.abs(one) > 1e-9),
      fc.integer({ min: -1e6, max: 1e6 }).map((n) => n / 100),
    ),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(tame, fc.nat(30), (numbers, width) => {
      const values = Float64Array.from(numbers);
      const sliding = new SlidingSum(values, values.length);
      for (let hi = 1; hi <= values.length; hi++) {
        const lo = Math.max(0, hi - 1 - width);
        assert.ok(isNearestMean(sliding.mean(lo, hi), numbers.slice(lo, hi)));
      }
    }),
    { numRuns: 500 },
  );
  const tenths = new Float64Array(40).fill(0.1);
  const sliding = new SlidingSum(tenths, 40);
  for (let hi = 1; hi <= 40; hi++) assert.equal(sliding.mean(Math.max(0, hi - 20), hi), 0.1);
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
