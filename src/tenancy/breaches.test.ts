// Breaches: which label is to blame, a rule that stops it (read and applied by the rules' own
// room), what is told of requests and of what comes near, and bounds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METRIC_NAME } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { parseRelabelConfig } from '../relabel/parse.ts';
import { Relabeller } from '../relabel/relabelling.ts';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import { Breaches } from './breaches.ts';
import {
  BREACHES_MAX,
  BREACH_TENANTS_MAX,
  BREACH_VALUES_MAX,
  NEAR_METRICS_MAX,
  NEAR_TOLD_MS,
} from './limits.ts';
import type { LimitHit } from './quotas.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const sender = { protocol: 'influx', peer: '10.0.0.7', tokenId: 'agent' };
const hit: LimitHit = {
  tenant: 'acme',
  tokenId: '',
  id: 'active-series',
  limit: 10,
  value: 10,
};

function setUp() {
  const now = { ms: NOW_MS };
  const breaches = new Breaches({ nowMs: () => now.ms, monotonicMs: () => now.ms });
  const add = (labels: Labels, count = 1) =>
    breaches.addSeries({ ...sender, tenant: 'acme', labels, count, hit });
  return { now, breaches, add };
}

function series(metric: string, more: readonly string[]): Labels {
  return [METRIC_NAME, metric, ...more];
}

test('the label with the most values is to blame; who was first, when, how often', () => {
  const { now, breaches, add } = setUp();
  let words = '';
  for (let i = 0; i < 40; i++, now.ms += 1000)
    words = add(series('http_total', ['host', `h${i % 3}`, 'request_id', `r${i}`]));
  assert.equal(words, 'label request_id of metric http_total (40 values refused)');
  const [breach, ...rest] = breaches.of('acme');
  assert.deepEqual(rest, []);
  const { rules } = breach!.series!;
  assert.deepEqual(breach, {
    limitId: 'active-series',
    limit: 10,
    value: 10,
    kind: 'refused',
    count: 40,
    firstMs: NOW_MS,
    lastMs: NOW_MS + 39_000,
    first: sender,
    series: {
      labels: series('http_total', ['host', 'h0', 'request_id', 'r0']),
      metric: 'http_total',
      label: 'request_id',
      valueCount: 40,
      rules,
    },
  });
  assert.deepEqual(breaches.of('other'), []);
});

test('the proposed rule takes the label away, or drops the metric, and leaves others', () => {
  const prng = seededPrng(7);
  const letters = ['a', 'Z', '.', '*', '(', '\\', '"', "'", '$', ' ', 'é', '\n', '{', ':', '_'];
  for (let round = 0; round < 300; round++) {
    const { breaches, add } = setUp();
    const length = 1 + randomInt(prng, 12);
    const metric = Array.from({ length }, () => letters[randomInt(prng, letters.length)]).join('');
    const isMany = randomInt(prng, 2) === 0;
    for (let i = 0; i < 3; i++) add(series(metric, ['id', isMany ? `${i}` : 'x', 'job', 'j']));
    const [breach] = breaches.of('acme');
    const rules = new Relabeller(parseRelabelConfig(breach!.series!.rules), 1);
    const mine = rules.apply(series(metric, ['id', '7', 'job', 'j']));
    const others = series(`${metric}x`, ['id', '7', 'job', 'j']);
    assert.deepEqual(rules.apply(others), { kind: 'kept', labels: others }, metric);
    if (isMany) assert.deepEqual(mine, { kind: 'kept', labels: series(metric, ['job', 'j']) });
    else assert.equal(mine.kind, 'dropped', metric);
  }
});

test('requests by limit, token and protocol; what comes near is no refusal', () => {
  const { breaches } = setUp();
  const rate: LimitHit = { ...hit, id: 'samples-per-second', value: 12 };
  breaches.addRequest(rate, { ...sender, protocol: '/write' });
  breaches.addRequest({ ...rate, value: 13 }, { ...sender, protocol: '/write' });
  breaches.addRequest(rate, { ...sender, protocol: '/api/put' });
  breaches.addNear({ ...hit, value: 8 });
  assert.deepEqual(
    breaches
      .of('acme')
      .map(({ limitId, kind, count, value, first }) => [
        limitId,
        kind,
        count,
        value,
        first?.protocol,
      ]),
    [
      ['active-series', 'near', 1, 8, undefined],
      ['samples-per-second', 'refused', 1, 12, '/api/put'],
      ['samples-per-second', 'refused', 2, 13, '/write'],
    ],
  );
});

test('bounds: tenants, breaches, values', () => {
  const { breaches, add } = setUp();
  for (let i = 0; i < BREACH_VALUES_MAX * 2; i++) add(series('m', ['id', `${i}`]));
  assert.equal(breaches.of('acme')[0]!.series!.valueCount, BREACH_VALUES_MAX);
  for (let i = 0; i < BREACHES_MAX; i++) add(series(`m${i}`, []));
  assert.equal(breaches.of('acme').length, BREACHES_MAX);
  assert.equal(breaches.of('acme').at(-1)!.series!.metric, 'm0');
  for (let i = 0; i < BREACH_TENANTS_MAX; i++) breaches.addNear({ ...hit, tenant: `t${i}` });
  assert.deepEqual(breaches.of('acme'), []);
  assert.equal(breaches.of('t0').length, 1);
});

test('near to a limit of series: who makes them, which label, and no more than some metrics', () => {
  const { now, breaches } = setUp();
  const maker = { protocol: 'otlp', tokenId: 'agent' };
  assert.equal(breaches.isNear('acme'), false);
  breaches.addNear({ ...hit, value: 8 });
  assert.deepEqual([breaches.isNear('acme'), breaches.isNear('other')], [true, false]);
  for (let i = 0; i < 5; i++)
    breaches.addNearSeries('acme', maker, series('http_total', ['host', 'a', 'id', `r${i}`]));
  breaches.addNearSeries('acme', maker, series('alone', ['host', 'a']));
  const [alone, many, ...rest] = breaches.of('acme');
  assert.deepEqual(rest, [], 'what names nobody is not told beside it');
  assert.deepEqual([alone!.kind, alone!.series], ['near', undefined]);
  assert.deepEqual(many!.first, { ...maker, peer: '' });
  assert.deepEqual([many!.kind, many!.count, many!.firstMs], ['near', 5, NOW_MS]);
  const { metric, label, valueCount, labels, rules } = many!.series!;
  assert.deepEqual([metric, label, valueCount], ['http_total', 'id', 5]);
  assert.deepEqual(labels, series('http_total', ['host', 'a', 'id', 'r0']));
  assert.match(rules, /target_label: "id"/);
  for (let i = 0; i < BREACHES_MAX; i++)
    breaches.addNearSeries('acme', maker, series(`m${i}`, ['host', 'a']));
  assert.equal(breaches.of('acme').length, NEAR_METRICS_MAX);
  now.ms += 2 * NEAR_TOLD_MS;
  assert.equal(breaches.isNear('acme'), false);
  breaches.addNear({ ...hit, id: 'points-per-day' });
  assert.equal(breaches.isNear('acme'), false, 'of series alone');
});

test('what was left out of a batch is told, by sender where there is one', () => {
  const { breaches } = setUp();
  const left = { ...hit, id: 'exemplars-per-minute', value: 13 } as const;
  breaches.addLeftOut(left, { protocol: 'otlp', tokenId: 'agent' });
  breaches.addLeftOut(left, { protocol: 'otlp', tokenId: 'agent' });
  breaches.addLeftOut({ ...left, id: 'metadata-per-minute' });
  const told = breaches
    .of('acme')
    .map(({ limitId, kind, count, first }) => [limitId, kind, count, first?.protocol]);
  assert.deepEqual(told, [
    ['metadata-per-minute', 'refused', 1, undefined],
    ['exemplars-per-minute', 'refused', 2, 'otlp'],
  ]);
});
