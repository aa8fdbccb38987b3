// Series notation: what the items mean. Acceptance is in test/conformance/promql-parser.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PromqlParseError } from './parse-error.ts';
import { parseSeriesDescription } from './series-description.ts';

test('labels and numbers', () => {
  const { labels, items } = parseSeriesDescription(
    'up{job="a", "x.y"="z"} 1 -2+3x4 _ _x3 5x2 stale Inf',
  );
  assert.deepEqual(labels, ['__name__', 'up', 'job', 'a', 'x.y', 'z']);
  assert.deepEqual(items, [
    { kind: 'number', start: 1, step: 0, count: 1 },
    { kind: 'number', start: -2, step: 3, count: 5 },
    { kind: 'gap', count: 1 },
    { kind: 'gap', count: 3 },
    { kind: 'number', start: 5, step: 0, count: 3 },
    { kind: 'stale', count: 1 },
    { kind: 'number', start: Infinity, step: 0, count: 1 },
  ]);
  assert.deepEqual(parseSeriesDescription('{"foo.bar"}').labels, ['__name__', 'foo.bar']);
});

test('histograms', () => {
  const text =
    'h {{schema:1 count:4 sum:-1.5 buckets:[1 3] offset:-2 counter_reset_hint:gauge}}-{{schema:1}}x3';
  const [item, ...rest] = parseSeriesDescription(text).items;
  assert.equal(rest.length, 0);
  assert.ok(item?.kind === 'histogram');
  assert.equal(item.count, 4);
  assert.equal(item.sign, -1);
  assert.equal(item.step?.schema, 1);
  assert.deepEqual(item.start.positiveSpans, [{ offset: -2, length: 2 }]);
  assert.deepEqual([...item.start.positiveBuckets], [1, 3]);
  assert.equal(item.start.sum, -1.5);
  assert.equal(item.start.counterResetHint, 3);
});

test('refusals name the place', () => {
  for (const [text, message] of [
    ['up 1 foo', /^1:6: parse error: unexpected 'f' in series values$/],
    ['up{a=1} 1', /in label set|inside braces/],
    ['up 1x9999999', /more than 1000000 values/],
    ['up {{buckets:[1,2]}}', /bad bucket count "1,2"/],
  ] as const)
    assert.throws(
      () => parseSeriesDescription(text),
      (error) => error instanceof PromqlParseError && message.test(error.message),
    );
});
