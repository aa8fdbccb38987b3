// Numbers and label values as the reference prints and orders them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareNatural } from './natural-order.ts';
import { goFloat, goFloatDigits, labelsText } from './text.ts';

test('floats in messages', () => {
  const shown: readonly (readonly [number, string])[] = [
    [0.5, '0.5'],
    [123_456, '123456'],
    [1_234_567, '1.234567e+06'],
    [1e-5, '1e-05'],
    [-2, '-2'],
    [Infinity, '+Inf'],
    [Number.NaN, 'NaN'],
  ];
  for (const [value, text] of shown) assert.equal(goFloat(value), text);
  assert.equal(goFloatDigits(0.123, 2), '0.12');
  assert.equal(goFloatDigits(100, 2), '1e+02');
  assert.equal(goFloatDigits(3, 2), '3');
});

test('label sets in messages', () => {
  assert.equal(labelsText(['a', '1', 'b c', '"']), '{a="1", "b c"="\\""}');
});

test('natural order', () => {
  const sorted = ['a10', 'a9', 'b', 'a', 'a09'].toSorted(compareNatural);
  assert.deepEqual(sorted, ['a', 'a09', 'a9', 'a10', 'b']);
});
