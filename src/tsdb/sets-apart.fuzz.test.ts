// Column sets with and without series in common, against sets of numbers; nothing stays behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { refOf, slotOf, SLOTS_MAX } from './refs.ts';
import { areApart } from './sets-apart.ts';

const slot = fc.oneof(
  fc.integer({ min: 0, max: 70 }),
  fc.integer({ min: 0, max: 1 << 16 }),
  fc.integer({ min: SLOTS_MAX - 40, max: SLOTS_MAX - 1 }),
);
const ref = fc.tuple(slot, fc.integer({ min: 0, max: 3 })).map(([at, life]) => refOf(at, life));
const set = fc.record({
  refs: fc.array(ref, { maxLength: 12 }),
  beyond: fc.array(ref, { maxLength: 3 }),
});

test('sets are apart where no slot is in two of them; what stands beyond the count is not read', () => {
  fc.assert(
    fc.property(fc.array(set, { minLength: 1, maxLength: 5 }), (sets) => {
      const expected = sets.every((one, k) => {
        const before = new Set(sets.slice(0, k).flatMap(({ refs }) => refs.map(slotOf)));
        return one.refs.every((each) => !before.has(slotOf(each)));
      });
      const columns = sets.map(({ refs, beyond }) => Uint32Array.from([...refs, ...beyond]));
      const counts = sets.map(({ refs }) => refs.length);
      assert.equal(areApart(columns, counts), expected);
    }),
    { numRuns: 2000 },
  );
});
