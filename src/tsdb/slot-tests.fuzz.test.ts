// Matchers slot by slot against the same matchers over label sets, while rows come and move.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { labelsFromObject } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { matcher, matchesAll } from '../model/matcher.ts';
import { slotOf } from './refs.ts';
import { SeriesIndex } from './series-index.ts';
import { SlotTests } from './slot-tests.ts';

const NOW_MS = Date.UTC(2026, 10, 29);
const value = fc.constantFrom('', '1', '2', '12');
const labelSets = fc.array(fc.record({ a: value, b: value, c: value, n: fc.nat(400) }), {
  maxLength: 80,
});
const matchers = fc.array(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    type: fc.constantFrom('=', '!=', '=~', '!~'),
    value: fc.constantFrom('', '1', '2', '1.*'),
  }),
  { maxLength: 3 },
);

type Matchers = Parameters<typeof matchesAll>[0];

function checkAll(
  index: SeriesIndex,
  tests: SlotTests,
  refs: ReadonlyMap<number, Labels>,
  all: Matchers,
): void {
  for (const [ref, labels] of refs)
    assert.equal(!tests.isImpossible && tests.accepts(slotOf(ref)), matchesAll(all, labels));
}

test('a row is accepted as its labels are, whatever rows were asked before', () => {
  fc.assert(
    fc.property(labelSets, labelSets, matchers, (first, second, list) => {
      const index = new SeriesIndex(3);
      const refs = new Map<number, Labels>();
      const all = list.map((one) => matcher(one.name, one.type, one.value));
      const add = ({ n, ...others }: (typeof first)[number]): void => {
        const labels = labelsFromObject({ __name__: 'm', ...others, z: `${n}` });
        refs.set(index.resolve('t', labels), labels);
      };
      for (const one of first) add(one);
      const tests = new SlotTests(index.tables, all);
      checkAll(index, tests, refs, all);
      // A name that nobody had when the tests were made is not asked for.
      if (list.some(({ name }) => index.symbols.find(name) < 0)) return;
      for (const one of second) add(one);
      checkAll(index, tests, refs, all);
    }),
    { numRuns: 300 },
  );
});

test('rows that moved are not taken for those that were there before', () => {
  const index = new SeriesIndex(3);
  const refs = new Map<number, Labels>();
  const all = [matcher('a', '=', 'yes')];
  // Of more labels than rows that look back may have, so that their words are many.
  const more = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`x${i}`, `${i}`]));
  for (let n = 0; n < 2500; n++) {
    const labels = labelsFromObject({ a: n % 3 === 0 ? 'yes' : 'no', n: `${n}`, ...more });
    refs.set(index.resolve('t', labels), labels);
  }
  const tests = new SlotTests(index.tables, all);
  const list = [...refs.keys()];
  // The row at the start; another one will be there.
  for (let again = 0; again < 3; again++) assert.ok(tests.accepts(slotOf(list[0]!)));
  index.applied('t', Uint32Array.from(list), NOW_MS);
  index.applied('t', Uint32Array.from(list.slice(2000)), NOW_MS + 9_000_000);
  const before = index.tables.rows.columns.words.length;
  const request = { idleMs: 3_600_000, countMax: 9999, isHeld: () => false };
  assert.equal(index.retire({ ...request, nowMs: NOW_MS + 9_000_000 }), 2000);
  assert.ok(index.tables.rows.columns.words.length < before);
  for (const ref of list.slice(0, 2000)) refs.delete(ref);
  checkAll(index, tests, refs, all);
});
