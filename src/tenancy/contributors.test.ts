// The most first, those who stopped fade, and no more are kept than the bound.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Contributors } from './contributors.ts';
import { CONTRIBUTORS_KEPT, CONTRIBUTORS_TOLD } from './limits.ts';

const MINUTE_MS = 60_000;

test('who took most comes first; what was given back does not count', () => {
  const all = new Contributors();
  assert.deepEqual(all.top(), []);
  all.add('a', 10, 0);
  all.add('b', 30, 0);
  all.add('c', 40, 0);
  all.add('c', -40, 0);
  assert.deepEqual(all.top(), ['b', 'a']);
});

test('who took much long ago is behind who takes some now', () => {
  const all = new Contributors();
  all.add('old', 1000, 0);
  all.add('new', 100, 4 * MINUTE_MS);
  assert.deepEqual(all.top(), ['new', 'old']);
  all.add('new', 1, 100 * MINUTE_MS);
  assert.deepEqual(all.top(), ['new']);
});

test('so many are kept and so many told', () => {
  const all = new Contributors();
  for (let i = 1; i <= 10 * CONTRIBUTORS_KEPT; i++) all.add(`w${i}`, i, 0);
  const last = 10 * CONTRIBUTORS_KEPT;
  const expected = Array.from({ length: CONTRIBUTORS_TOLD }, (_, i) => `w${last - i}`);
  assert.deepEqual(all.top(), expected);
});
