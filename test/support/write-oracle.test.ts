// The oracle itself can fail: each kind of broken promise is found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRead, hiddenBy, pointKey, WriteOracle } from './write-oracle.ts';
import type { Operation, PointValue } from './write-oracle.ts';

const write = (value: PointValue, t = 1): Operation => ({
  kind: 'write',
  points: [{ series: 'a/0', t, value }],
});
const remove = (start: number, end: number) =>
  ({ kind: 'delete', series: 'a/0', start, end }) as const;
const read = (...points: readonly (readonly [t: number, value: PointValue])[]) =>
  new Map([['a', new Map(points.map(([t, value]) => [pointKey('a/0', t), value]))]]);

test('an acknowledged value must be there', () => {
  const oracle = new WriteOracle();
  oracle.begin(write(7)).acknowledge();
  assert.equal(oracle.settle(read()).length, 1);
});

test('an unanswered write may be there or not, an older value may not come back', () => {
  const oracle = new WriteOracle();
  oracle.begin(write(7)).acknowledge();
  oracle.begin(write(8)).acknowledge();
  const open = oracle.begin(write(9));
  assert.deepEqual(oracle.settle(read([1, 9])), []);
  assert.equal(open.fate, 'applied');
  const lost = oracle.begin(write(10));
  assert.deepEqual(oracle.settle(read([1, 9])), []);
  assert.equal(lost.fate, 'lost');
  assert.equal(oracle.settle(read([1, 7])).length, 1);
});

test('half of an operation is found', () => {
  const oracle = new WriteOracle();
  const points = [1, 2].map((t) => ({ series: 'a/0', t, value: t }));
  oracle.begin({ kind: 'write', points });
  assert.equal(oracle.settle(read([2, 2])).length, 1);
});

test('open operations happen in their order', () => {
  const oracle = new WriteOracle();
  oracle.begin(write(1, 1));
  oracle.begin(write(2, 2));
  assert.deepEqual(checkRead(read([1, 1]), oracle.candidates()), []);
  assert.equal(checkRead(read([2, 2]), oracle.candidates()).length, 1);
});

test('an acknowledgement covers what the lane sent before', () => {
  const oracle = new WriteOracle();
  oracle.begin(write(1, 1));
  oracle.begin(write(2, 2)).acknowledge();
  assert.equal(oracle.settle(read([2, 2])).length, 1);
  assert.equal(oracle.acknowledgedPoints, 2);
});

test('a refused operation may not show', () => {
  const oracle = new WriteOracle();
  oracle.begin(write(7)).refuse();
  assert.equal(oracle.settle(read([1, 7])).length, 1);
});

test('what was never sent is found', () => {
  assert.equal(new WriteOracle().settle(read([1, 1])).length, 1);
});

test('a deleted point stays away, an unanswered delete may have happened', () => {
  const oracle = new WriteOracle();
  oracle.begin(write(7)).acknowledge();
  oracle.begin(remove(0, 5));
  assert.deepEqual(oracle.settle(read([1, 7])), []);
  oracle.begin(remove(0, 5)).acknowledge();
  assert.equal(oracle.settle(read([1, 7])).length, 1);
});

test('a delete counts and hides what is finer than its bounds', () => {
  const oracle = new WriteOracle();
  oracle.begin(write(1, 5.5)).acknowledge();
  assert.equal(hiddenBy(oracle.acknowledgedState('a'), remove(5, 5)), 1);
  assert.equal(hiddenBy(oracle.acknowledgedState('a'), remove(6, 9)), 0);
  oracle.begin(remove(5, 5)).acknowledge();
  assert.deepEqual(oracle.settle(read()), []);
});

test('a delete of nothing may or may not have happened', () => {
  const oracle = new WriteOracle();
  const nothing = oracle.begin(remove(0, 9));
  assert.deepEqual(oracle.settle(read()), []);
  assert.equal(nothing.fate, 'either');
});
