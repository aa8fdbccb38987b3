// Marks of defined series: per tenant, until the cut, and never for another life of a slot.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelsFromObject } from '../model/labels.ts';
import { SeriesIndex } from './series-index.ts';
import { SeriesMarks } from './series-marks.ts';

test('a series is defined once a cut, for its tenant alone, and not for who had its slot', () => {
  const index = new SeriesIndex(1);
  const marks = new SeriesMarks(index);
  const defined = (tenant: string, ...refs: number[]): number[] => {
    const definitions: number[] = [];
    marks.define(tenant, Uint32Array.from(refs), refs.length, definitions);
    return definitions;
  };
  const a = index.resolve('t', labelsFromObject({ __name__: 'a' }));
  const b = index.resolve('t', labelsFromObject({ __name__: 'b' }));
  const foreign = index.resolve('other', labelsFromObject({ __name__: 'a' }));
  assert.deepEqual(defined('t', a, a), [a]);
  assert.deepEqual(defined('t', a, b, a), [b]);
  assert.throws(() => defined('t', a, foreign), /not known any more/);
  assert.ok(marks.isDefined(a) && !marks.isDefined(foreign));
  marks.cut();
  assert.ok(!marks.isDefined(a));
  assert.deepEqual(defined('t', a, b), [a, b]);
  marks.forget([b]);
  assert.ok(!marks.isDefined(b));
  const isHeld = (ref: number): boolean => ref !== a;
  for (const nowMs of [2e12, 2e12 + 1]) index.retire({ nowMs, idleMs: 0, countMax: 9, isHeld });
  const next = index.resolve('t', labelsFromObject({ __name__: 'c' }));
  assert.equal(next & 0xffffff, a & 0xffffff, 'the slot is used again');
  assert.deepEqual(defined('t', next), [next]);
  assert.throws(() => defined('t', a), /not known any more/);
});

test('of many tenants each has marks of its own, beyond those with a set', () => {
  const index = new SeriesIndex(1);
  const marks = new SeriesMarks(index);
  const tenants = Array.from({ length: 40 }, (_, i) => `t${i}`);
  const refs = tenants.map((tenant) =>
    Uint32Array.from({ length: 70 }, (_, i) =>
      index.resolve(tenant, labelsFromObject({ __name__: 'a', i: String(i) })),
    ),
  );
  for (let round = 0; round < 3; round++) {
    for (const [i, tenant] of tenants.entries()) {
      const definitions: number[] = [];
      marks.define(tenant, refs[i]!, 70, definitions);
      marks.define(tenant, refs[i]!.toReversed(), 70, definitions);
      assert.deepEqual(definitions, [...refs[i]!]);
      const foreign = Uint32Array.of(...refs[i]!, refs[(i + 1) % 40]![5]!);
      assert.throws(() => marks.define(tenant, foreign, 71, []), /not known any more/);
    }
    marks.cut();
  }
});
