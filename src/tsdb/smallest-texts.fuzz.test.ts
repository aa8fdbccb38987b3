// The smallest of many texts against sorting all of them, and numbers that were met against a set.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareUtf8 } from '../model/labels.ts';
import { textHeldBytes } from './held-bytes.ts';
import { SMALLEST_TEXTS_KEPT_MIN } from './limits.ts';
import { MetNumbers, smallestTexts } from './smallest-texts.ts';

const on = { pause: () => undefined };

test('The smallest texts are those of a sorted list, in whatever order they come', async () => {
  const texts = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 6 }), { maxLength: 900 });
  await fc.assert(
    fc.asyncProperty(texts, fc.nat({ max: 400 }), async (all, limit) => {
      const sorted = all.toSorted(compareUtf8);
      const expected = limit === 0 ? sorted : sorted.slice(0, limit);
      const backwards = sorted.toReversed();
      for (const order of [all, sorted, backwards]) {
        const wanted = { limit, hold: () => undefined };
        const found = await smallestTexts(on, order.keys(), (at) => order[at]!, wanted);
        assert.deepEqual(found, expected);
      }
    }),
  );
});

test('What is not wanted is not held', async () => {
  const textOf = (at: number): string => String(1_000_000 - at);
  const heldBy = async (limit: number): Promise<number> => {
    let heldBytes = 0;
    const hold = (sizeBytes: number): void => void (heldBytes += sizeBytes);
    await smallestTexts(on, Array(20_000).keys(), textOf, { limit, hold });
    return heldBytes;
  };
  const eachBytes = textHeldBytes(textOf(1));
  // The first one is a digit longer.
  assert.equal(await heldBy(0), 20_000 * eachBytes + 1);
  assert.ok((await heldBy(10)) <= SMALLEST_TEXTS_KEPT_MIN * eachBytes + 1);
  assert.ok((await heldBy(1000)) <= 2000 * eachBytes + 1);
});

test('Numbers that were met are told in order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 5000 })), (numbers) => {
      const met = new MetNumbers();
      for (const number of numbers) met.add(number);
      assert.deepEqual(
        [...met],
        [...new Set(numbers)].toSorted((a, b) => a - b),
      );
      for (const number of [0, 31, 32, 4999, 123_456, ...numbers])
        assert.equal(met.has(number), numbers.includes(number));
    }),
  );
});
