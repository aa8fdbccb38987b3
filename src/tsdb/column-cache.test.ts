// Decoded columns: within their bytes, what is asked for stays, and a group takes its own along.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ColumnCache } from './column-cache.ts';
import type { CachedColumn } from './column-cache.ts';
import { COLUMN_BYTES } from './limits.ts';

const COUNT = 100;
const SIZE_BYTES = COUNT * 8 + COLUMN_BYTES;

interface Group {
  readonly columns: (CachedColumn | undefined)[];
  isForgotten: boolean;
}

function newGroup(): Group {
  return { columns: [], isForgotten: false };
}

function keptBlocks({ columns }: Group): number[] {
  return [...columns.keys()].filter((block) => columns[block] !== undefined);
}

function keep(cache: ColumnCache, group: Group, block: number): void {
  cache.keep(group, block, new Float64Array(COUNT).fill(block));
}

test('columns that nobody asks for go first', () => {
  const cache = new ColumnCache(SIZE_BYTES * 4);
  const group = newGroup();
  for (let block = 0; block < 4; block++) keep(cache, group, block);
  assert.deepEqual(keptBlocks(group), [0, 1, 2, 3]);
  for (const block of [0, 2]) group.columns[block]!.isUsed = true;
  for (let block = 4; block < 6; block++) keep(cache, group, block);
  assert.deepEqual(keptBlocks(group).slice(0, 2), [0, 2]);
  assert.equal(keptBlocks(group).length, 4);
  assert.equal(cache.sizeBytes, SIZE_BYTES * 4);
  // Marks are taken away in passing: what is not asked for again is next.
  for (let block = 6; block < 20; block++) keep(cache, group, block);
  assert.equal(group.columns[0], undefined);
  assert.equal(cache.sizeBytes, SIZE_BYTES * 4);
  for (const block of keptBlocks(group)) assert.equal(group.columns[block]!.values[0], block);
});

test('what is larger than all of it is not kept, and what is there is not kept twice', () => {
  const group = newGroup();
  const small = new ColumnCache(SIZE_BYTES - 1);
  keep(small, group, 0);
  assert.equal(small.sizeBytes, 0);
  const cache = new ColumnCache(SIZE_BYTES * 4);
  keep(cache, group, 0);
  keep(cache, group, 0);
  assert.equal(cache.sizeBytes, SIZE_BYTES);
});

test('a group that is forgotten takes its columns along and gets no more', () => {
  const cache = new ColumnCache(SIZE_BYTES * 10);
  const [first, second] = [newGroup(), newGroup()];
  for (let block = 0; block < 3; block++) {
    keep(cache, first, block);
    keep(cache, second, block);
  }
  cache.drop(first);
  assert.deepEqual(keptBlocks(first), []);
  assert.deepEqual(keptBlocks(second), [0, 1, 2]);
  assert.equal(cache.sizeBytes, SIZE_BYTES * 3);
  keep(cache, first, 0);
  assert.deepEqual(keptBlocks(first), []);
  cache.drop(first);
  // Places in the ring are right still: the others go one by one as they are passed.
  for (let block = 3; block < 30; block++) keep(cache, second, block);
  assert.equal(keptBlocks(second).length, 10);
  assert.equal(cache.sizeBytes, SIZE_BYTES * 10);
});

test('whether values only rise is known with them', () => {
  const cache = new ColumnCache(1e6);
  const group = newGroup();
  cache.keep(group, 0, Float64Array.of(1, 1, 2));
  cache.keep(group, 1, Float64Array.of(1, 3, 2));
  cache.keep(group, 2, Float64Array.of(Number.NaN, 3, Number.NaN, 2));
  assert.deepEqual(
    group.columns.map((column) => column?.isRising),
    [true, false, true],
  );
});
