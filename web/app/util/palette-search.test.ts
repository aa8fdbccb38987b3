/** What a few letters find, and in which order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findEntries } from './palette-search.ts';

const ENTRIES = ['Home', 'Explore', 'node_load1', 'my_node', 'no_other_dear'].map((text) => ({
  text,
  hint: text === 'Home' ? 'Is this machine well?' : 'Draw it',
}));

test('starts come before parts, parts before letters in order', () => {
  const texts = (typed: string) => findEntries(ENTRIES, typed, 9).map(({ text }) => text);
  assert.deepEqual(texts('node'), ['node_load1', 'my_node', 'no_other_dear']);
  assert.deepEqual(texts('EXPL'), ['Explore']);
  assert.deepEqual(texts('machine'), ['Home']);
  assert.deepEqual(texts('nd ld'), ['node_load1']);
  assert.deepEqual(texts('zzz'), []);
  assert.equal(findEntries(ENTRIES, 'draw', 2).length, 2);
});
