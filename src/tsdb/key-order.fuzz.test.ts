// Ids sorted by long keys are in the order that comparing two keys gives, at once and in steps,
// however keys lie: alike, skewed, far apart, prefixes of each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import type { Prng } from '../stdx/prng.ts';
import { KeyOrder } from './key-order.ts';

const LARGEST = 2 ** 53 - 1;

/** How numbers of keys are drawn. */
const DRAWS: Record<string, (prng: Prng) => number> = {
  one: () => 7,
  two: (prng) => randomInt(prng, 2),
  few: (prng) => randomInt(prng, 40),
  many: (prng) => randomInt(prng, 2 ** 31 - 1),
  // Half of them twice as small as the other half, and so on: most of a range is in one bucket.
  skewed: (prng) => Math.floor(LARGEST / 2 ** randomInt(prng, 54)),
  ends: (prng) => [0, 1, LARGEST - 1, LARGEST][randomInt(prng, 4)]!,
};

const shapes = fc.record({
  count: fc.oneof(fc.nat(40), fc.nat(3000), fc.nat(40_000)),
  lengthMax: fc.integer({ min: 0, max: 6 }),
  first: fc.constantFrom(...Object.keys(DRAWS)),
  others: fc.constantFrom(...Object.keys(DRAWS)),
  seed: fc.integer(),
});

test('ids are in the order of their keys', () => {
  const check = (shape: typeof shapes extends fc.Arbitrary<infer S> ? S : never): void => {
    const prng = seededPrng(shape.seed);
    const keys = Array.from({ length: shape.count }, () =>
      Array.from({ length: randomInt(prng, shape.lengthMax + 1) }, (_, depth) =>
        DRAWS[depth === 0 ? shape.first : shape.others]!(prng),
      ),
    );
    const order = new KeyOrder((id, depth) => keys[id]![depth] ?? -1);
    const atOnce = Uint32Array.from(keys.keys());
    const inSteps = atOnce.slice();
    order.sort(atOnce);
    for (const step of order.steps(inSteps)) assert.equal(step, undefined);
    for (const ids of [atOnce, inSteps]) {
      assert.equal(new Set(ids).size, shape.count, 'each once');
      for (let i = 1; i < ids.length; i++)
        assert.ok(compare(keys[ids[i - 1]!]!, keys[ids[i]!]!) <= 0, `place ${i}`);
    }
  };
  fc.assert(fc.property(shapes, check), { numRuns: 300 });
});

/** Number by number; a prefix comes first. */
function compare(left: readonly number[], right: readonly number[]): number {
  for (let at = 0; at < left.length && at < right.length; at++)
    if (left[at] !== right[at]) return left[at]! - right[at]!;
  return left.length - right.length;
}
