// Rows come back as they were put, whatever whole row they look back at.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { countIn, headOf, isRowAt, isWhole, mixed, mixRow, pairIn } from './row-words.ts';
import { readRow, sizeIn, writeRow } from './row-words.ts';

const rows = fc.array(fc.array(fc.nat(3), { maxLength: 20 }), { maxLength: 60 });

test('a row is read as it was written', () => {
  fc.assert(
    fc.property(rows, (list) => {
      const words = new Uint32Array(3000);
      const starts: number[] = [];
      let end = 0;
      let whole = -1;
      for (const pairs of list) {
        const row = Uint32Array.from(pairs);
        const head = headOf(words, end, whole, row, row.length);
        if (isWhole(head)) whole = end;
        starts.push(end);
        end = writeRow(words, end, head, row, row.length);
        assert.equal(end - starts.at(-1)!, sizeIn(words, starts.at(-1)!));
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
  );
});

test('a row that is unlike the whole one in few pairs takes few words', () => {
  const words = new Uint32Array(100_000);
  const first = Uint32Array.from([1, 2, 3, 4, 5, 6, 7]);
  const second = Uint32Array.from([1, 2, 9, 4, 5, 6, 8]);
  const whole = writeRow(words, 0, headOf(words, 0, -1, first, 7), first, 7);
  assert.equal(whole, 8);
  const head = headOf(words, 8, 0, second, 7);
  assert.equal(writeRow(words, 8, head, second, 7), 11);
  // Too far behind it to say how far.
  assert.ok(isWhole(headOf(words, 40_000, 0, second, 7)));
});
