// Bounds of exponential buckets, to the last digit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exponentialBound } from './histogram-layout.ts';

test('bounds have the last digits of the reference', () => {
  assert.equal(exponentialBound(1, 1), 1.414213562373095);
  assert.equal(exponentialBound(1, -1), 0.7071067811865475);
  assert.equal(exponentialBound(2, 3), 1.6817928305074288);
  assert.equal(exponentialBound(3, -1), 0.9170040432046711);
});

test('a schema holds every second bound of the next finer one', () => {
  for (let schema = 0; schema < 8; schema++)
    for (let index = -40; index < 40; index++)
      assert.equal(exponentialBound(schema, index), exponentialBound(schema + 1, 2 * index));
});

test('bounds are near the power they stand for, from the smallest to the largest double', () => {
  for (const schema of [-4, -1, 0, 1, 5, 8]) {
    const perPower = 2 ** schema;
    for (let index = Math.ceil(-1022 * perPower); index < 1024 * perPower; index += 7) {
      const bound = exponentialBound(schema, index);
      assert.ok(Math.abs(Math.log2(bound) - index / perPower) < 1e-9, `${schema} ${index}`);
    }
    assert.equal(exponentialBound(schema, Math.ceil(1024 * perPower)), Number.MAX_VALUE);
  }
});
