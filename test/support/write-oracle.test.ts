// The oracle itself can fail: each kind of broken promise is found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WriteOracle } from './write-oracle.ts';

const write = (value: number, tMs = 1) => ({
  kind: 'write' as const,
  points: [{ series: 'a', tMs, value }],
});
const read = (value?: number, tMs = 1) =>
  new Map([['a', new Map(value === undefined ? [] : [[tMs, value]])]]);

test('an acknowledged value must be there', () => {
  const oracle = new WriteOracle();
  oracle.begin(write(7))();
  assert.equal(oracle.settle(read()).length, 1);
});

test('an unanswered write may be there or not, an older value may not come back', () => {
  const oracle = new WriteOracle();
  oracle.begin(write(7))();
  oracle.begin(write(8))();
  oracle.begin(write(9));
  assert.deepEqual(oracle.settle(read(9)), []);
  oracle.begin(write(10));
  assert.deepEqual(oracle.settle(read(9)), []);
  assert.equal(oracle.settle(read(7)).length, 1);
});

test('what was never sent is found', () => {
  assert.equal(new WriteOracle().settle(read(1)).length, 1);
});

test('a deleted point stays away, an unanswered delete may have happened', () => {
  const oracle = new WriteOracle();
  oracle.begin(write(7))();
  oracle.begin({ kind: 'delete', series: 'a', startMs: 0, endMs: 5 });
  assert.deepEqual(oracle.settle(read(7)), []);
  oracle.begin({ kind: 'delete', series: 'a', startMs: 0, endMs: 5 })();
  assert.equal(oracle.settle(read(7)).length, 1);
});
