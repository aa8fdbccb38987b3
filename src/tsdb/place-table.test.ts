// Keys get places in the order in which they come, however many there are and whatever bits they
// share: a body of hundreds of thousands of new series makes one table of as many pairs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlaceTable } from './place-table.ts';

/** With homes for 131,072 keys alone, these take minutes instead of a tenth of a second. */
const KEYS = 500_000;

for (const [name, keyOf] of [
  ['that follow each other', (i: number): number => i],
  ['that share their low bits', (i: number): number => i * 4096 + 5],
  ['that are spread', (i: number): number => (Math.imul(i, 0x85ebca6b) >>> 0) % 0xffff_ffff],
] as const)
  test(`half a million keys ${name}`, () => {
    const table = new PlaceTable();
    const places = new Map<number, number>();
    for (let i = 0; i < KEYS; i++) {
      const key = keyOf(i);
      if (places.has(key)) continue;
      places.set(key, places.size);
      assert.equal(table.find(key), -1);
      assert.equal(table.add(key), table.count - 1);
    }
    for (const [key, place] of places) if (table.find(key) !== place) assert.fail(`key ${key}`);
    assert.equal(table.count, places.size);
    table.clear();
    assert.equal(table.find(keyOf(1)), -1);
  });
