// Work in turns gives what the work at once gives, and lets others in while it is long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ITEMS_PER_LOOK, SORTED_AT_ONCE } from './limits.ts';
import { eachInTurns, mapInTurns, sortInTurns } from './turns.ts';

/** Pauses whenever it is asked. */
class Pauses {
  count = 0;

  pause(): Promise<void> {
    this.count++;
    return Promise.resolve();
  }
}

test('sorting in turns is stable and in order, whatever the length', async () => {
  const long = 4 * SORTED_AT_ONCE;
  const rows = fc.array(fc.tuple(fc.nat({ max: 20 }), fc.nat()), { maxLength: long, size: 'max' });
  await fc.assert(
    fc.asyncProperty(rows, fc.boolean(), async (all, isSorted) => {
      const byFirst = ([a]: readonly number[], [b]: readonly number[]): number => a! - b!;
      const input = isSorted ? all.toSorted(byFirst) : all;
      const before = [...input];
      const given = await sortInTurns(new Pauses(), input, byFirst);
      assert.deepEqual(given, input.toSorted(byFirst));
      assert.deepEqual(input, before);
      assert.notEqual(given, input);
    }),
    { numRuns: 40 },
  );
});

test('others are let in again and again', async () => {
  const length = 20 * SORTED_AT_ONCE;
  const items = Array.from({ length }, (_, i) => (i * 7919) % length);
  const looks = length / ITEMS_PER_LOOK;
  const [each, map, sort] = [new Pauses(), new Pauses(), new Pauses()];
  let sum = 0;
  await eachInTurns(each, items, (item) => (sum += item));
  assert.equal(sum, (length * (length - 1)) / 2);
  assert.equal(each.count, looks);
  const odd = await mapInTurns(map, items, (item) => (item % 2 === 1 ? -item : undefined));
  assert.deepEqual(
    odd,
    items.filter((item) => item % 2 === 1).map((item) => -item),
  );
  assert.equal(map.count, looks);
  await sortInTurns(sort, items, (a, b) => a - b);
  assert.ok(sort.count >= 5 * looks, String(sort.count));
});

test('a pause that throws ends the work', async () => {
  const end = (): Promise<void> => Promise.reject(new Error('ended'));
  const items = Array.from({ length: 1000 }, (_, i) => -i);
  const none = (): undefined => undefined;
  await assert.rejects(eachInTurns({ pause: end }, items, none), /ended/);
  await assert.rejects(mapInTurns({ pause: end }, items, none), /ended/);
  await assert.rejects(
    sortInTurns({ pause: end }, items, (a, b) => a - b),
    /ended/,
  );
});
