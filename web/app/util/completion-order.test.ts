import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareByUse } from './completion-order.ts';

function offered(...labels: string[]): string[] {
  return labels
    .map((label) => ({ label }))
    .toSorted(compareByUse)
    .map(({ label }) => label);
}

test('what is used most stands first, the rest by the alphabet', () => {
  assert.deepEqual(offered('rad', 'range', 'rate'), ['rate', 'rad', 'range']);
  assert.deepEqual(offered('idelta', 'info', 'irate', 'increase').slice(0, 2), [
    'increase',
    'irate',
  ]);
  assert.deepEqual(offered('max_of', 'max_over_time', 'max').slice(0, 2), ['max', 'max_over_time']);
  assert.deepEqual(offered('up', 'b', 'a'), ['a', 'b', 'up']);
});
