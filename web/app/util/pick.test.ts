/** Isolating, adding and hiding series. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPicked, nextPick } from './pick.ts';
import { ALL_SERIES, type SeriesPick } from './url-state.ts';

const ALL = ['a', 'b', 'c'];

function shown(pick: SeriesPick): string {
  return ALL.filter((id) => isPicked(pick, id)).join('');
}

test('clicks as a reader makes them', () => {
  const click = (pick: SeriesPick, id: string) => nextPick(pick, ALL, { id, isAdding: false });
  const add = (pick: SeriesPick, id: string) => nextPick(pick, ALL, { id, isAdding: true });
  const onlyA = click(ALL_SERIES, 'a');
  assert.equal(shown(onlyA), 'a');
  assert.deepEqual(click(onlyA, 'a'), ALL_SERIES);
  assert.equal(shown(click(onlyA, 'b')), 'b');
  assert.equal(shown(add(onlyA, 'c')), 'ac');
  const withoutA = add(ALL_SERIES, 'a');
  assert.equal(shown(withoutA), 'bc');
  assert.deepEqual(add(withoutA, 'a'), ALL_SERIES);
  assert.equal(isPicked(withoutA, 'new'), true, 'a series that comes later is drawn');
  assert.equal(isPicked(onlyA, 'new'), false);
  assert.deepEqual(add(add(withoutA, 'b'), 'c'), ALL_SERIES, 'nothing shown shows all again');
});
