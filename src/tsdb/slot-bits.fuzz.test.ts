// A set of slots as bits answers as a Set does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { refOf } from './refs.ts';
import { SlotBits } from './slot-bits.ts';

const step = fc.record({
  what: fc.constantFrom('add', 'add', 'add', 'addRange', 'remove'),
  slot: fc.integer({ min: 0, max: 2200 }),
  length: fc.integer({ min: 1, max: 300 }),
});

test('a set of bits is a set', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const bits = new SlotBits();
      const model = new Set<number>();
      for (const { what, slot, length } of steps) {
        if (what === 'remove') {
          bits.remove(slot);
          model.delete(slot);
        } else
          for (let i = slot; i < slot + (what === 'add' ? 1 : length); i++) {
            bits.add(i);
            model.add(i);
          }
        const refs = Uint32Array.from({ length: 2600 }, (_, i) => (i + slot) % 2600);
        let missing = refs.findIndex((ref) => !model.has(ref));
        assert.equal(bits.firstMissingOrReborn(refs, 0, refs.length), missing);
        missing = refs.findIndex((ref, i) => i > 700 && !model.has(ref));
        const found = bits.firstMissingOrReborn(refs, 701, refs.length);
        assert.equal(found, missing < 0 ? 2600 : missing);
        const reborn = Uint32Array.of(slot, refOf(slot, 1));
        assert.equal(bits.firstMissingOrReborn(reborn, 0, 2), model.has(slot) ? 1 : 0);
      }
    }),
    { numRuns: 100 },
  );
});
