/** One instance needs no matcher; of several the live ones come first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instancesOf, jobMatchers, pickInstance, type SeenTarget } from './instances.ts';

const SEEN: readonly SeenTarget[] = [
  { job: 'node', instance: 'b:9100', sec: 1000 },
  { job: 'node', instance: 'c:9100', sec: 1004 },
  { job: 'node', instance: 'a:9100', sec: 900 },
  { job: 'orrery', instance: 'b:4332', sec: 1000 },
];

test('instances are listed in reading order', () => {
  assert.deepEqual(instancesOf(SEEN, 'node'), ['a:9100', 'b:9100', 'c:9100']);
});

test('a silent instance is not the first shown, but can be asked for', () => {
  assert.equal(pickInstance(SEEN, 'node'), 'b:9100');
  assert.equal(pickInstance(SEEN, 'node', 'a:9100'), 'a:9100');
  assert.equal(pickInstance([], 'node'), undefined);
});

test('only one of several needs a matcher, and it is quoted', () => {
  assert.equal(jobMatchers(SEEN, 'orrery'), 'job="orrery"');
  assert.equal(jobMatchers(SEEN, 'node'), 'job="node",instance="b:9100"');
  assert.equal(jobMatchers([], 'node'), 'job="node"');
  assert.equal(jobMatchers(SEEN, 'node', '"} or {"'), String.raw`job="node",instance="\"} or {\""`);
});
