// Splits of metric names and the label of the later ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricNameOf, originOf, splitOfOrigin } from './name-splits.ts';

test('two splits of one name never have the same label, and each is found by its own', () => {
  const parts = [
    'a',
    'a/b',
    'a_b',
    '/',
    '_',
    'value',
    'b/value',
    'value_value',
    'b',
    'a_b/c_d',
    'c',
    'b_c',
  ];
  const byName = new Map<string, Map<string, string>>();
  for (const measurement of parts)
    for (const field of parts) {
      const split = metricNameOf(measurement, field);
      const origin = originOf(split);
      let origins = byName.get(split.name);
      if (origins === undefined) byName.set(split.name, (origins = new Map()));
      const text = JSON.stringify([measurement, field]);
      assert.equal(origins.get(origin), undefined, `${text} and another of ${split.name}`);
      origins.set(origin, text);
      assert.deepEqual(splitOfOrigin(split.name, origin), split);
    }
  assert.ok([...byName.values()].some((origins) => origins.size > 1));
});

test('what is no label of the name is none', () => {
  assert.equal(splitOfOrigin('a_b', 'a'), undefined);
  assert.equal(splitOfOrigin('a_b', 'a/c'), undefined);
  assert.equal(splitOfOrigin('a_b', ''), undefined);
});
