import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DASHES, slotOf, styleSeries, styleSlots } from './colour.ts';

test('a colour that comes again has the next dash', () => {
  assert.deepEqual(
    styleSlots([3, 3, 1, 3]).map(({ dash }) => dash),
    [0, 1, 0, 2],
  );
  const many = styleSlots(Array.from({ length: DASHES.length + 1 }, () => 0));
  assert.equal(many.at(-1)?.dash, 0, 'the first again');
});

test('the style of a series depends on its labels and neighbours, not on their order', () => {
  const keys = ['b', 'a', 'c'];
  const styles = styleSeries(keys);
  assert.deepEqual(styleSeries(keys.toReversed()), styles.toReversed());
  assert.deepEqual(
    styles.map(({ slot }) => slot),
    keys.map(slotOf),
  );
});
