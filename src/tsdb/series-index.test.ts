// The RAM index: refs, order by labels while series and tenants come in any order, planning by
// matcher.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareLabels, labelsFromObject } from '../model/labels.ts';
import { matcher, matchesAll } from '../model/matcher.ts';
import { SeriesIndex } from './series-index.ts';

const labelsOf = (a: number, b: number): readonly string[] =>
  labelsFromObject({ __name__: `m${a % 4}`, a: String(a), ...(b === 0 ? {} : { b: String(b) }) });

const MATCHER_SETS = [
  [],
  [matcher('__name__', '=', 'm1')],
  [matcher('b', '=', '')],
  [matcher('b', '!=', ''), matcher('a', '=~', '1.*')],
  [matcher('a', '=~', '1|2|33'), matcher('__name__', '!~', 'm2')],
  [matcher('absent', '=', 'x')],
];

test('selects exactly what matches, in label order, whatever came when', () => {
  const additions = fc.array(fc.tuple(fc.nat(40), fc.nat(2), fc.nat(1), fc.boolean()), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(additions, (list) => {
      const index = new SeriesIndex();
      const model = [new Map<number, readonly string[]>(), new Map<number, readonly string[]>()];
      for (const [a, b, tenant, isIndexed] of list) {
        const labels = labelsOf(a, b);
        const ref = index.resolve(`t${tenant}`, labels);
        assert.equal(index.tenantOf(ref), `t${tenant}`);
        if (!isIndexed) continue;
        index.addToPostings(ref);
        model[tenant]!.set(ref, labels);
        index.select(`t${tenant}`, []);
      }
      for (const [tenant, known] of model.entries())
        for (const matchers of MATCHER_SETS) {
          const expected = [...known]
            .filter(([, labels]) => matchesAll(matchers, labels))
            .toSorted((x, y) => compareLabels(x[1], y[1]))
            .map(([ref]) => ref);
          assert.deepEqual([...index.select(`t${tenant}`, matchers)], expected);
        }
    }),
    { numRuns: 150 },
  );
});

test('a ref is stable and belongs to one tenant', () => {
  const index = new SeriesIndex();
  const ref = index.resolve('red', labelsOf(1, 0));
  assert.equal(index.resolve('red', labelsOf(1, 0)), ref);
  assert.notEqual(index.resolve('blue', labelsOf(1, 0)), ref);
  assert.equal(index.tenantOf(99), undefined);
  assert.deepEqual(index.tenants(), []);
  index.addToPostings(ref);
  assert.deepEqual(index.tenants(), ['red']);
});
