// Memory of bodies is used again, is never in two hands, and what is kept is bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BodyMemory } from './body-memory.ts';
import { BODY_MEMORY_KEPT_BYTES, BODY_MEMORY_PIECE_BYTES_MAX } from './limits.ts';

test('a body of about the same size gets the memory of the one before', () => {
  const memory = new BodyMemory();
  const first = memory.take(200_000);
  memory.give(first);
  const second = memory.take(190_000);
  assert.equal(second, first);
  assert.notEqual(memory.take(200_000), first, 'it is taken');
});

test('a body that may become large begins in memory that is kept for it', () => {
  const memory = new BodyMemory();
  const large = memory.take(1_500_000);
  assert.ok(memory.take(100_000, 1_500_000).length < large.length, 'none is kept');
  memory.give(large);
  assert.equal(memory.take(100_000, 1_500_000), large);
});

test('pieces are large enough, are in one hand at a time, and few are kept', () => {
  const size = fc.nat(2 * BODY_MEMORY_PIECE_BYTES_MAX);
  const take = fc.record({ take: size, more: size });
  const step = fc.oneof(take, fc.record({ give: fc.nat() }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = new BodyMemory();
      const held: Uint8Array[] = [];
      for (const one of steps) {
        if ('take' in one) {
          const piece = memory.take(one.take, one.take + one.more);
          assert.ok(piece.length >= one.take && piece.byteOffset === 0);
          assert.ok(!held.includes(piece));
          held.push(piece);
        } else if (held.length > 0)
          for (const piece of held.splice(one.give % held.length, 1)) memory.give(piece);
        assert.ok(memory.keptBytes >= 0 && memory.keptBytes <= BODY_MEMORY_KEPT_BYTES);
      }
    }),
    { numRuns: 50 },
  );
});
