// What is kept stays what it was until it is dropped, in whatever sizes records come, and the room
// of what was dropped is used again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RecordRing } from './record-ring.ts';

const SIZE_BYTES = 256;

test('records are kept until they are dropped, and start on multiples of eight', () => {
  const step = fc.oneof(
    fc.record({ keep: fc.integer({ min: 1, max: 90 }) }),
    fc.record({ keep: fc.integer({ min: 1, max: 300 }) }),
    fc.constant({ keep: 0 }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const memory = new Uint8Array(new ArrayBuffer(SIZE_BYTES + 8), 8, SIZE_BYTES);
      const ring = new RecordRing(memory);
      const kept: { readonly bytes: Uint8Array; readonly expected: Uint8Array }[] = [];
      for (const [i, { keep }] of steps.entries()) {
        if (keep > 0) {
          const expected = new Uint8Array(keep).fill(i + 1);
          const bytes = ring.keep(expected);
          assert.equal(bytes.byteOffset % 8, 0);
          kept.push({ bytes, expected });
        } else {
          const oldest = kept.shift();
          if (oldest !== undefined) ring.drop(oldest.bytes);
        }
        for (const { bytes, expected } of kept) assert.deepEqual(bytes, expected);
      }
    }),
  );
});

test('a ring in use goes round in its own memory', () => {
  const memory = new Uint8Array(SIZE_BYTES);
  const ring = new RecordRing(memory);
  const record = new Uint8Array(50);
  let before = ring.keep(record);
  for (let i = 0; i < 100; i++) {
    const next = ring.keep(record);
    assert.equal(next.buffer, memory.buffer);
    ring.drop(before);
    before = next;
  }
  assert.notEqual(ring.keep(new Uint8Array(250)).buffer, memory.buffer, 'no room for it');
});
