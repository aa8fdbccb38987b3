// Times, durations, limits and selectors as the Prometheus API takes them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unescapeLabelName } from './metadata.ts';
import {
  limitParam,
  parseDuration,
  parseTime,
  orderedTimes,
  selectorParams,
  timeParam,
  T_US_MAX,
} from './params.ts';

test('times', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['0', 0],
    ['1435781430.781', 1_435_781_430_781_000],
    ['1435781430.0000015', 1_435_781_430_000_002],
    ['-1.5', -1_500_000],
    ['1e3', 1_000_000_000],
    ['1e300', T_US_MAX],
    ['2015-07-01T20:10:51.781Z', 1_435_781_451_781_000],
    ['2015-07-01T22:10:51.781123+02:00', 1_435_781_451_781_123],
    ['1969-12-31T23:59:59.999Z', -1_000],
    ['0001-01-01T00:00:00Z', -T_US_MAX],
    ['1700-01-01T00:00:00Z', -8_520_336_000_000_000],
    ['2024-02-29T00:00:00Z', 1_709_164_800_000_000],
    ['2023-02-29T00:00:00Z', undefined],
    ['2026-01-01T00:00:60Z', undefined],
    ['2026-13-01T00:00:00Z', undefined],
    ['2026-01-01', undefined],
    ['2026-01-01t00:00:00Z', undefined],
    ['2026-01-01T00:00:00z', undefined],
    ['', undefined],
    ['NaN', undefined],
    ['0x10', undefined],
    ['292277025-08-18T07:12:54.999999999Z', T_US_MAX],
  ];
  for (const [text, tUs] of cases) assert.equal(parseTime(text), tUs, text);
});

test('durations', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['15', 15e6],
    ['0.5', 5e5],
    ['5m', 3e8],
    ['1h30m', 5.4e9],
    ['1w2d', 777_600e6],
    ['100ms', 1e5],
    ['1m1h', undefined],
    ['5', 5e6],
    ['', undefined],
    ['m', undefined],
    ['1y', 31_536_000e6],
  ];
  for (const [text, durationUs] of cases) assert.equal(parseDuration(text), durationUs, text);
});

test('limits, ranges, selectors', async () => {
  const params = (text: string) => new URLSearchParams(text);
  assert.equal(limitParam(params('')), 0);
  assert.equal(limitParam(params('limit=9223372036854775807')), Number.MAX_SAFE_INTEGER);
  assert.throws(() => limitParam(params('limit=9223372036854775808')), /value out of range/);
  assert.equal(limitParam(params('limit=7')), 7);
  assert.throws(() => limitParam(params('limit=-1')), /non-negative/);
  assert.throws(() => limitParam(params('limit=1.5')), /parsing "1.5": invalid syntax/);
  assert.throws(() => limitParam(params(`limit=${'9'.repeat(20)}`)), /value out of range/);
  assert.throws(() => timeParam(params('start=x'), 'start', 0), /time value for 'start'/);
  assert.throws(() => orderedTimes(2, 1), /before start/);
  const [matchers] = await selectorParams(params('match[]=up{a!="b"}'));
  assert.deepEqual(
    matchers!.map(({ name, type, value }) => name + type + value),
    ['a!=b', '__name__=up'],
  );
  await assert.rejects(selectorParams(params('match[]={a=""}')), /non-empty matcher/);
  await assert.rejects(selectorParams(params('match[]=up[5m]')), /invalid parameter "match\[\]"/);
  await assert.rejects(selectorParams(params('match[]=a&'.repeat(1001))), /limit is 1000/);
  await assert.rejects(selectorParams(params('match[]=up['), { named: false }), /^\w*: 1:3: parse/);
  await assert.rejects(
    selectorParams(params('match[]=up{a=~"("}')),
    /invalid parameter "match\[\]"/,
  );
});

test('a selector that is asked for again is not compiled again', async () => {
  const text = 'match[]=up{job=~"a|b.*"}';
  const [first] = await selectorParams(new URLSearchParams(text));
  const [again] = await selectorParams(new URLSearchParams(`${text}&match[]=x`));
  assert.equal(first, again);
  assert.ok(first![0]!.matches('bc'));
  // What is refused is refused each time.
  for (let i = 0; i < 2; i++)
    await assert.rejects(
      selectorParams(new URLSearchParams('match[]={a=~"x*"}')),
      /non-empty matcher/,
    );
});

test('escaped label names', () => {
  assert.equal(unescapeLabelName('plain'), 'plain');
  assert.equal(unescapeLabelName('U__a_2e_b__c'), 'a.b_c');
  assert.equal(unescapeLabelName('U___1F600_'), '😀');
  assert.equal(unescapeLabelName('U__a.b_2E_'), 'a.b.');
  for (const broken of ['U__a_zz', 'U__a_', 'U___d800_', 'U___10ffff_', 'U___2e', 'U__a_2e_b_'])
    assert.equal(unescapeLabelName(broken), broken);
});
