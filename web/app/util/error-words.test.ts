/** Kinds, positions and the marked place of an error. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindOf, splitAt, tryPosition } from './error-words.ts';

test('the kind comes from status and type', () => {
  assert.equal(kindOf('bad_data', 400), 'bad_data');
  assert.equal(kindOf('execution', 422), 'execution');
  assert.equal(kindOf('unavailable', 429), 'limited');
  assert.equal(kindOf(undefined, 503), 'unavailable');
  assert.equal(kindOf('something_new', 500), 'internal');
});

test('positions are found in the sentence', () => {
  const message = 'invalid parameter "query": 1:5: parse error: unexpected end of input';
  assert.deepEqual(tryPosition(message), { line: 1, column: 5 });
  assert.equal(tryPosition('at 12:30 the disk was full'), undefined);
});

test('the marker never leaves the line', () => {
  assert.deepEqual(splitAt('sum(\nup', { line: 2, column: 2 }), { before: 'u', after: 'p' });
  assert.deepEqual(splitAt('up', { line: 1, column: 99 }), { before: 'up', after: '' });
  assert.equal(splitAt('up', { line: 3, column: 1 }), undefined);
});
