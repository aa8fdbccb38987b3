// Numbers and times as Go's strconv and Prometheus print them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { floatText, timeText } from './number-text.ts';

test('floats', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-17, '-17'],
    [0.1, '0.1'],
    [1e20, '100000000000000000000'],
    [1e21, '1e+21'],
    [-1.5e300, '-1.5e+300'],
    [1e-6, '0.000001'],
    [1e-7, '1e-07'],
    [-2.5e-10, '-2.5e-10'],
    [5e-324, '5e-324'],
    [2 ** 31, '2147483648'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ];
  for (const [value, text] of cases) assert.equal(floatText(value), text);
});

test('times', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0'],
    [1_435_781_451_781_000, '1435781451.781'],
    [1_435_781_451_000_000, '1435781451'],
    [1_435_781_451_007_000, '1435781451.007'],
    [1_435_781_451_000_001, '1435781451.000001'],
    [-1_500_000, '-1.500'],
    [-1, '-0.000001'],
  ];
  for (const [tUs, text] of cases) assert.equal(timeText(tUs), text);
});
