// Symbols and label pairs against plain maps: identity, byte order, postings over chunk borders.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareUtf8 } from '../model/labels.ts';
import { Pairs } from './pairs.ts';
import { Symbols } from './symbols.ts';

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('a', 'a\0', 'aaaaaa', 'aaaaaaa', 'aaaaaaaa', 'é', '\ue000', '\u{1f600}'),
);

test('a text has one symbol, and ranks are byte order, whatever came when', () => {
  fc.assert(
    fc.property(fc.array(texts), fc.array(texts), fc.nat(), (first, second, seed) => {
      const symbols = new Symbols(seed);
      const known = new Map<string, number>([['', 0]]);
      for (const list of [first, second]) {
        for (const text of list) {
          const symbol = symbols.intern(text);
          assert.equal(known.get(text) ?? symbol, symbol);
          known.set(text, symbol);
        }
        const ranks = symbols.ranks();
        const sorted = [...known.keys()].toSorted(compareUtf8);
        assert.equal(symbols.count, sorted.length);
        for (const [rank, text] of sorted.entries()) {
          assert.equal(symbols.find(text), known.get(text));
          assert.equal(symbols.text(known.get(text)!), text);
          assert.equal(ranks[known.get(text)!], rank);
        }
      }
      assert.equal(symbols.find('none of them, it is too long'), -1);
    }),
    { numRuns: 200 },
  );
});

test('postings give back every ref in order of arrival', () => {
  const posts = fc.array(fc.tuple(fc.nat(2), fc.nat(3), fc.nat(2 ** 31)), { maxLength: 300 });
  fc.assert(
    fc.property(posts, fc.nat(3000), (list, run) => {
      const pairs = new Pairs();
      const model = new Map<number, number[]>();
      const post = (pair: number, ref: number): void => {
        pairs.post(pair, ref);
        model.set(pair, [...(model.get(pair) ?? []), ref]);
      };
      for (const [tenant, value, ref] of list) post(pairs.intern(tenant, 1, value + 1), ref);
      const dense = pairs.intern(9, 1, 1);
      const refs = Array.from({ length: run }, (_, i) => i * 3);
      for (const ref of refs) pairs.post(dense, ref);
      if (run > 0) model.set(dense, refs);
      for (const [pair, expected] of model) {
        assert.equal(pairs.seriesCount(pair), expected.length);
        const out = new Uint32Array(expected.length + 1);
        assert.equal(pairs.read(pair, out, 1), expected.length + 1);
        assert.deepEqual([...out.subarray(1)], expected);
      }
      assert.deepEqual([...pairs.ofName(9, 1)], [dense]);
      assert.equal(pairs.find(9, 2, 1), -1);
    }),
    { numRuns: 60 },
  );
});
