// Label sets: order, identity and the empty-value rule.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareUtf8, labelsFromPairs, labelsKey, labelsToObject, labelValue } from './labels.ts';

test('pairs are sorted by name, later duplicates win, empty values vanish', () => {
  assert.deepEqual(labelsFromPairs(['b', '1', 'a', '2', 'b', '3', 'c', '']), ['a', '2', 'b', '3']);
});

test('names beyond the basic plane sort after U+FFFD, as their UTF-8 bytes do', () => {
  const names = ['\u{1f600}', '\ufffd', 'z', 'é'];
  const byBytes = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual(names.toSorted(compareUtf8), byBytes);
});

test('keys of different sets differ even where joined texts are equal', () => {
  assert.notEqual(labelsKey(['a', 'bc']), labelsKey(['ab', 'c']));
});

test('a label named __proto__ is an ordinary label', () => {
  const labels = labelsFromPairs(['__proto__', 'x']);
  assert.equal(labelValue(labels, '__proto__'), 'x');
  assert.deepEqual(Object.keys(labelsToObject(labels)), ['__proto__']);
});
