// Symbols and label pairs against plain maps: identity, byte order, and what a sweep takes back.
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

test('swept symbols are gone, the others stay, numbers are used again', () => {
  fc.assert(
    fc.property(fc.array(texts), fc.array(texts), fc.nat(), (first, second, seed) => {
      const symbols = new Symbols(7);
      const known = new Map(first.map((text) => [text, symbols.intern(text)]));
      symbols.ranks();
      for (const text of second.slice(0, 3)) known.set(text, symbols.intern(text));
      const isUsed = (symbol: number): boolean => ((seed >>> (symbol % 31)) & 1) === 1;
      symbols.sweep(isUsed);
      for (const [text, symbol] of known) {
        const isKept = symbol === 0 || isUsed(symbol);
        assert.equal(symbols.find(text), isKept ? symbol : -1);
        if (isKept) assert.equal(symbols.text(symbol), text);
        else known.delete(text);
      }
      const { count } = symbols;
      for (const text of [...first, ...second]) known.set(text, symbols.intern(text));
      assert.ok(symbols.count <= Math.max(count, known.size + 1));
      assert.equal(new Set(known.values()).size, known.size);
      const ranks = symbols.ranks();
      const sorted = [...known.keys()].toSorted(
        (a, b) => ranks[known.get(a)!]! - ranks[known.get(b)!]!,
      );
      assert.deepEqual(sorted, [...known.keys()].toSorted(compareUtf8));
      for (const [text, symbol] of known) assert.equal(symbols.text(symbol), text);
    }),
    { numRuns: 200 },
  );
});

test('a pair has one number, which gives its name and value back', () => {
  // Names from 2^16 on are no first names.
  const names = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constantFrom(65_535, 65_536, 70_000));
  const list = fc.array(fc.tuple(names, fc.integer({ min: 1, max: 300 })));
  fc.assert(
    fc.property(list, list, (first, second) => {
      const pairs = new Pairs();
      const model = new Map<string, number>();
      for (const [name, value] of first) {
        const known = model.get(`${name}/${value}`);
        assert.equal(pairs.find(name, value), known ?? -1);
        const pair = pairs.intern(name, value);
        assert.equal(known ?? pair, pair);
        assert.ok(pair < pairs.end);
        model.set(`${name}/${value}`, pair);
      }
      assert.equal(new Set(model.values()).size, model.size);
      const kept = new Set(second.map(([name, value]) => model.get(`${name}/${value}`)));
      pairs.sweep((pair) => kept.has(pair));
      for (const [key, pair] of model) {
        const [name, value] = key.split('/').map(Number) as [number, number];
        assert.equal(pairs.find(name, value), kept.has(pair) ? pair : -1);
        if (!kept.has(pair)) continue;
        assert.deepEqual([pairs.nameOf(pair), pairs.valueOf(pair)], [name, value]);
      }
      const again = [...first, ...second].map(([name, value]) => [
        `${name}/${value}`,
        pairs.intern(name, value),
      ]) as [string, number][];
      const numbers = new Map(again);
      for (const [key, pair] of again) assert.equal(numbers.get(key), pair);
      assert.equal(new Set(numbers.values()).size, numbers.size);
      for (const [key, pair] of model)
        if (kept.has(pair)) assert.equal(numbers.get(key) ?? pair, pair);
    }),
    { numRuns: 200 },
  );
});
