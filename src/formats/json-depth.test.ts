// Depth as JSON.parse sees it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isNestedDeeper } from './json-depth.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test('the depth of any value is that of its text', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const json = JSON.stringify(value);
      const depth = depthOf(value);
      assert.equal(isNestedDeeper(json, depth), false);
      if (depth > 0) assert.equal(isNestedDeeper(json, depth - 1), true);
    }),
    { numRuns: 500 },
  );
});

test('brackets in strings are no nesting, whatever stands before their quotes', () => {
  assert.equal(isNestedDeeper(String.raw`["[[[","\"[[[","\\","{{{"]`, 1), false);
  assert.equal(isNestedDeeper('['.repeat(1e6), 64), true);
});
