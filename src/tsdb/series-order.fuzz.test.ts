// Label order made in steps is label order, whatever comes between two steps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareLabels, compareUtf8 } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { KeyOrder } from './key-order.ts';
import { SeriesIndex } from './series-index.ts';

const TENANT = 'one';

/** Mixes a number; enough to have neighbours out of order. */
function mixed(i: number): number {
  return (Math.imul(i + 1, 0x9e3779b1) >>> 0) % 100_003;
}

/** Series `i` of a shape: how many hosts share a metric name, and whether a label is its own. */
function labelsOf(i: number, hosts: number, isUnique: boolean): Labels {
  const host = mixed(i) % hosts;
  const unique = isUnique ? ['uid', `u${mixed(i * 7)}-${i}`] : ['zone', `z${i}`];
  return ['__name__', `m${(i / hosts) | 0}`, 'host', `h${host}`, ...unique];
}

function add(index: SeriesIndex, labels: Labels): void {
  const ref = index.resolve(TENANT, labels);
  index.applied(TENANT, Uint32Array.of(ref), 1_700_000_000_000);
}

function assertOrdered(index: SeriesIndex, expected: number): void {
  const refs = index.select(TENANT, []);
  assert.equal(refs.length, expected);
  const labels = Array.from(refs, (ref) => index.labelsOf(ref));
  for (let i = 1; i < labels.length; i++)
    assert.ok(compareLabels(labels[i - 1]!, labels[i]!) < 0, `series ${i} is out of order`);
}

test('series and queries between two steps leave label order', () => {
  const shape = fc.record({
    first: fc.integer({ min: 0, max: 9000 }),
    second: fc.integer({ min: 1, max: 20_000 }),
    between: fc.constantFrom(0, 20, 3000),
    queryAt: fc.integer({ min: -1, max: 12 }),
    hosts: fc.constantFrom(1, 50, 20_000),
    isUnique: fc.boolean(),
  });
  fc.assert(
    fc.property(shape, ({ first, second, between, queryAt, hosts, isUnique }) => {
      const index = new SeriesIndex(7);
      let count = 0;
      const addSome = (some: number): void => {
        for (let i = 0; i < some; i++) add(index, labelsOf(count++, hosts, isUnique));
      };
      addSome(first);
      if (first > 0) assertOrdered(index, count);
      addSome(second);
      let stepCount = 0;
      const steps = index.orderSteps(TENANT);
      while (steps.next().done !== true) {
        addSome(between);
        if (stepCount++ === queryAt) assertOrdered(index, count);
      }
      assertOrdered(index, count);
    }),
    { numRuns: 25 },
  );
});

test('ids sorted in steps are sorted', () => {
  for (const [count, values] of [
    [0, 1],
    [5000, 3],
    [40_000, 40_000],
    [40_000, 1],
  ] as const) {
    const keyOf = (id: number, depth: number): number =>
      depth < 3 ? mixed(id * 3 + depth) % values : depth === 3 ? id : -1;
    const ids = Uint32Array.from({ length: count }, (_, i) => i);
    const inSteps = ids.slice();
    let stepCount = 0;
    for (const step of new KeyOrder(keyOf).steps(inSteps)) {
      assert.equal(step, undefined);
      stepCount++;
    }
    new KeyOrder(keyOf).sort(ids);
    assert.deepEqual(inSteps, ids);
    if (count > 30_000) assert.ok(stepCount > 6, `${stepCount} steps`);
  }
});

test('pairs of one name are put in the order of their values', () => {
  const shape = fc.record({
    values: fc.uniqueArray(fc.string({ unit: fc.constantFrom('a', 'b', 'é', '0'), minLength: 1 }), {
      maxLength: 60,
    }),
    // With many others the values are compared themselves, with few by their ranks.
    others: fc.constantFrom(0, 5000),
    isRankedBefore: fc.boolean(),
  });
  const check = ({
    values,
    others,
    isRankedBefore,
  }: typeof shape extends fc.Arbitrary<infer S> ? S : never): void => {
    const index = new SeriesIndex(3);
    const { symbols } = index;
    const { pairs, order } = index.tables;
    const name = symbols.intern('host');
    for (let i = 0; i < others; i++) symbols.intern(`other ${mixed(i)} ${i}`);
    if (isRankedBefore) symbols.ranks();
    const list = Uint32Array.from(values, (text) => pairs.intern(name, symbols.intern(text)));
    for (const step of order.valueSteps(list)) assert.equal(step, undefined);
    const texts = Array.from(list, (pair) => symbols.text(pairs.valueOf(pair)));
    assert.deepEqual(texts, values.toSorted(compareUtf8));
  };
  fc.assert(fc.property(shape, check), { numRuns: 100 });
});
