// What grew, by how much: the most first, nothing that shrank or stayed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grown } from './growth.ts';

test('by how much each became more, equals by name, no more than asked for', () => {
  const now = [
    { name: 'stayed', count: 50 },
    { name: 'shrank', count: 40 },
    { name: 'most', count: 30 },
    { name: 'constructor', count: 9 },
    { name: 'also new', count: 9 },
  ];
  const before = [
    { name: 'shrank', count: 90 },
    { name: 'stayed', count: 50 },
    { name: 'gone', count: 30 },
    { name: 'most', count: 10 },
  ];
  const all = [
    { name: 'most', now: 30, before: 10 },
    { name: 'also new', now: 9, before: 0 },
    { name: 'constructor', now: 9, before: 0 },
  ];
  assert.deepEqual(grown(now, before, 10), all);
  assert.deepEqual(grown(now, before, 2), all.slice(0, 2));
  assert.deepEqual(grown(before, before, 10), []);
});
