// Rows come back as they were put, whatever whole row they look back at.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { countIn, headOf, isRowAt, isWhole, mixed, mixRow, pairIn } from './row-words.ts';
import { readRow, roomFor, sizeIn, writeRow } from './row-words.ts';

/** Near each other, at the edges of what one word says, and anywhere. */
const anyPair = fc.oneof(
  { weight: 6, arbitrary: fc.nat(3) },
  { weight: 2, arbitrary: fc.integer({ min: 32_765, max: 32_771 }) },
  { weight: 1, arbitrary: fc.integer({ min: 65_533, max: 65_539 }) },
  { weight: 1, arbitrary: fc.nat(2 ** 30) },
);
const rows = fc.array(fc.array(anyPair, { maxLength: 20 }), { maxLength: 60 });
/** Of one length: most of them look back. */
const alike = fc
  .integer({ min: 1, max: 18 })
  .chain((length) =>
    fc.array(fc.array(anyPair, { minLength: length, maxLength: length }), { maxLength: 60 }),
  );

test('a row is read as it was written', () => {
  fc.assert(
    fc.property(fc.oneof(rows, alike), (list) => {
      const words = new Uint16Array(3000);
      const starts: number[] = [];
      let end = 0;
      let whole = -1;
      for (const pairs of list) {
        const row = Uint32Array.from(pairs);
        const head = headOf(words, end, whole, row, row.length);
        if (isWhole(head)) whole = end;
        starts.push(end);
        const { length } = row;
        end = writeRow(words, end, head, row, length);
        assert.equal(end - starts.at(-1)!, sizeIn(words, starts.at(-1)!));
        assert.ok(end - starts.at(-1)! <= roomFor(length));
      }
      const out = new Uint32Array(20);
      for (const [i, pairs] of list.entries()) {
        const start = starts[i]!;
        const row = Uint32Array.from(pairs);
        assert.equal(readRow(words, start, out), pairs.length);
        assert.deepEqual([...out.subarray(0, pairs.length)], pairs);
        assert.equal(countIn(words, start), pairs.length);
        for (const [at, pair] of pairs.entries()) assert.equal(pairIn(words, start, at), pair);
        assert.ok(isRowAt(words, start, row, row.length));
        const other = Uint32Array.from(pairs, (pair) => pair + 1);
        assert.equal(isRowAt(words, start, other, other.length), pairs.length === 0);
        assert.equal(mixRow(7, words, start), pairs.reduce(mixed, 7));
      }
    }),
    { numRuns: 400 },
  );
});

test('a row that is unlike the whole one in few pairs takes few words', () => {
  const words = new Uint16Array(100_000);
  const first = Uint32Array.from([1, 2, 3, 4, 5, 6, 7]);
  const second = Uint32Array.from([1, 2, 9, 4, 5, 6, 8]);
  const whole = writeRow(words, 0, headOf(words, 0, -1, first, 7), first, 7);
  assert.equal(whole, 15);
  assert.equal(writeRow(words, 15, headOf(words, 15, 0, second, 7), second, 7), 19);
  // One number that is not near: all that are unlike take two words.
  const far = Uint32Array.from([1, 2, 9, 4, 5, 6, 100_000]);
  assert.equal(writeRow(words, 19, headOf(words, 19, 0, far, 7), far, 7), 25);
  // Too far behind it to say how far.
  assert.ok(!isWhole(headOf(words, 16_383, 0, second, 7)));
  assert.ok(isWhole(headOf(words, 16_384, 0, second, 7)));
});
