// Quotas: buckets that may be overdrawn, days, what is under way, series, tokens beside their
// tenants, changes while they run, and threads that hear of each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../model/errors.ts';
import { openPrincipal } from '../model/tenant.ts';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import { LimitBook } from './limit-book.ts';
import type { LimitRecords } from './limit-book.ts';
import type { LimitValues } from './limit-table.ts';
import { Quotas } from './quotas.ts';
import type { ClosedAccount, QuotasParts } from './quotas.ts';

const START_MS = Date.UTC(2026, 0, 1, 12);
const acme = openPrincipal('acme');
const agent = { ...acme, tokenId: 'agent' };

function setUp(server: LimitValues, more: Pick<QuotasParts, 'threadCount'> = {}) {
  const now = { ms: START_MS };
  const clock = { nowMs: () => now.ms, monotonicMs: () => now.ms };
  const book = new LimitBook(server);
  const quotas = new Quotas({ limitsOf: book.of.bind(book), clock, ...more });
  return { now, book, quotas };
}

function records(given: Record<string, LimitValues>): LimitRecords {
  const find = (id: string) => (given[id] === undefined ? undefined : { limits: given[id] });
  return { tenant: find, token: find };
}

function refused(run: () => unknown): AppError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof AppError, String(error));
    return error;
  }
  return assert.fail('nothing was refused');
}

test('samples: all at once to the burst, what is too much is owed, then the rate', () => {
  const { now, quotas } = setUp({ 'samples-per-second': 100, 'samples-burst': 500 });
  const gate = quotas.gate(acme);
  gate.checkWrite(0);
  gate.takeSamples(700, 'influx');
  const error = refused(() => gate.checkWrite(0));
  assert.deepEqual(
    [error.kind, error.code, error.retryable, error.retryAfterSec],
    ['limited', 'samples-per-second', true, 3],
  );
  assert.match(
    error.message,
    /^tenant "acme" is over its limit samples-per-second: 700, at most 100/,
  );
  assert.deepEqual(error.limit, {
    id: 'samples-per-second',
    limit: 100,
    value: 700,
    contributors: ['influx'],
    docs: 'docs/operations/limits.md#samples-per-second',
  });
  now.ms += 2009;
  refused(() => gate.checkWrite(0));
  now.ms += 1;
  gate.checkWrite(0);
  quotas.gate(openPrincipal('other')).checkWrite(0);
});

test('over any time no more passes than the rate, the burst and one batch', () => {
  const prng = seededPrng(57);
  for (let round = 0; round < 50; round++) {
    const rate = 1 + randomInt(prng, 1000);
    const burst = 1 + randomInt(prng, 3000);
    const { now, quotas } = setUp({ 'samples-per-second': rate, 'samples-burst': burst });
    const gate = quotas.gate(acme);
    let passed = 0;
    let largest = 0;
    for (let i = 0; i < 2000; i++) {
      const batch = 1 + randomInt(prng, 400);
      now.ms += randomInt(prng, 40);
      try {
        gate.checkWrite(0);
        gate.takeSamples(batch, 'influx');
        passed += batch;
        largest = Math.max(largest, batch);
      } catch (error) {
        assert.ok(error instanceof AppError);
        if (randomInt(prng, 10) > 0) continue;
        now.ms += error.retryAfterSec! * 1000;
        gate.checkWrite(0);
      }
      const most = burst + (rate * (now.ms - START_MS)) / 1000 + largest;
      assert.ok(passed <= most, `${passed} of ${most}`);
    }
    assert.ok(largest > 0);
  }
});

test('points a day: until midnight, and what was not stored does not count', () => {
  const { now, quotas } = setUp({ 'points-per-day': 10 });
  const gate = quotas.gate(acme);
  gate.takeSamples(10, 'influx');
  gate.takeSamples(-1, 'influx');
  gate.checkWrite(0);
  gate.takeSamples(1, 'influx');
  const error = refused(() => gate.checkWrite(0));
  assert.deepEqual([error.code, error.limit?.value], ['points-per-day', 10]);
  now.ms = Date.UTC(2026, 0, 2) - 1;
  refused(() => gate.checkWrite(0));
  now.ms += 1;
  gate.checkWrite(0);
});

test('what is under way: requests, bytes, one large body alone', () => {
  const { quotas } = setUp({ 'requests-in-flight': 2, 'bytes-in-flight': 100, 'body-bytes': 150 });
  const gate = quotas.gate(acme);
  gate.enterWrite(140);
  assert.equal(refused(() => gate.enterWrite(1)).code, 'bytes-in-flight');
  gate.leaveWrite(140);
  gate.enterWrite(50);
  gate.enterWrite(50);
  assert.equal(refused(() => gate.enterWrite(0)).code, 'requests-in-flight');
  gate.leaveWrite(50);
  gate.enterWrite(50);
  const large = refused(() => gate.checkWrite(151));
  assert.deepEqual([large.kind, large.code, large.retryable], ['tooLarge', 'body-bytes', false]);
});

test('0 lets nothing pass, whatever the time', () => {
  const { now, quotas } = setUp({ 'samples-per-second': 0, 'new-series-per-minute': 0 });
  for (let i = 0; i < 5; i++, now.ms += 100_000) {
    assert.equal(refused(() => quotas.gate(acme).checkWrite(0)).code, 'samples-per-second');
    assert.equal(quotas.admits('acme'), false);
  }
});

test('a token has an account of its own beside its tenant, where it has limits', () => {
  const { book, quotas } = setUp({ 'samples-per-second': 100, 'samples-burst': 100 });
  book.readFrom(records({ agent: { 'samples-per-second': 10, 'samples-burst': 10 } }));
  const own = quotas.gate(agent);
  own.takeSamples(50, 'influx');
  assert.match(
    refused(() => own.checkWrite(0)).message,
    /^token agent of tenant "acme" is over its limit samples-per-second: 50, at most 10/,
  );
  const rest = quotas.gate({ ...acme, tokenId: 'plain' });
  rest.checkWrite(0);
  rest.takeSamples(60, 'influx');
  refused(() => quotas.gate(acme).checkWrite(0));
});

test('another record holds at once, up and down', () => {
  const { book, quotas } = setUp({ 'points-per-day': 10 });
  const gate = () => quotas.gate(acme);
  gate().takeSamples(10, 'influx');
  refused(() => gate().checkWrite(0));
  const limits: Record<string, LimitValues> = { acme: { 'points-per-day': 20 } };
  book.readFrom(records(limits));
  quotas.changed('acme');
  gate().checkWrite(0);
  limits['acme'] = { 'points-per-day': 5 };
  book.changed('acme');
  quotas.changed('acme');
  assert.equal(refused(() => gate().checkWrite(0)).limit?.limit, 5);
});

test('series: active ones and those about to be, of all shards; so many new ones a minute', () => {
  const { now, quotas } = setUp({ 'active-series': 10, 'new-series-per-minute': 60 });
  const counts = [
    { active: 4, reserved: 1 },
    { active: 4, reserved: 0 },
  ];
  for (const count of counts) quotas.watch(() => count);
  assert.equal(quotas.activeSeries('acme'), 8);
  assert.ok(quotas.admits('acme'));
  counts[1]!.reserved = 1;
  assert.equal(quotas.admits('acme'), false);
  const facts = { id: 'active-series', limit: 10, value: 10, retryAfterSec: 60 };
  assert.deepEqual(quotas.lastSeriesHit('acme'), { tenant: 'acme', tokenId: '', ...facts });
  assert.equal(quotas.lastSeriesHit('other'), undefined);
  counts[0]!.active = 0;
  for (let i = 0; i < 60; i++) {
    assert.ok(quotas.admits('acme'));
    quotas.made('acme');
  }
  assert.equal(quotas.admits('acme'), false);
  const { id, limit, value, retryAfterSec } = quotas.lastSeriesHit('acme')!;
  assert.deepEqual([id, limit, value, retryAfterSec], ['new-series-per-minute', 60, 60, 1]);
  now.ms += 1000;
  assert.ok(quotas.admits('acme'));
});

test('series: far from the limits few are looked at, and not one too many is made', () => {
  for (const limits of [
    { 'active-series': 5000, 'new-series-per-minute': 1_000_000 },
    { 'active-series': 1_000_000, 'new-series-per-minute': 4000 },
  ]) {
    const { quotas } = setUp(limits);
    let looks = 0;
    const madeBy = new Map<string, number>();
    quotas.watch((tenant) => {
      looks++;
      return { active: 0, reserved: madeBy.get(tenant) ?? 0 };
    });
    const most = Math.min(...Object.values(limits));
    // In turns, as bodies of several tenants come.
    for (let i = 0; i < 3 * most; i++) {
      const tenant = `t${Math.floor(i / 100) % 2}`;
      if (!quotas.admits(tenant)) continue;
      quotas.made(tenant);
      madeBy.set(tenant, (madeBy.get(tenant) ?? 0) + 1);
    }
    assert.deepEqual([...madeBy.values()], [most, most]);
    assert.ok(looks < 2 * most, `${looks}`);
  }
});

test('series: a limit that is lowered holds for the next one, whoever was far from it', () => {
  const limits: Record<string, LimitValues> = {};
  const { book, quotas } = setUp({ 'active-series': 100_000 });
  book.readFrom(records(limits));
  quotas.watch(() => ({ active: 50, reserved: 0 }));
  assert.ok(quotas.admits('acme'));
  limits['acme'] = { 'active-series': 50 };
  book.changed('acme');
  quotas.changed('acme');
  assert.equal(quotas.admits('acme'), false);
});

test('exemplars and metadata beyond a limit are left out', () => {
  const { now, quotas } = setUp({ 'exemplars-per-minute': 60, 'metadata-per-minute': 6 });
  const gate = quotas.gate(acme);
  assert.deepEqual([gate.takeExemplars(50, 'otlp'), gate.takeExemplars(50, 'otlp')], [50, 10]);
  assert.deepEqual([quotas.takeMetadata('acme', 6), quotas.takeMetadata('acme', 1)], [6, 0]);
  now.ms += 10_000;
  assert.deepEqual([gate.takeExemplars(50, 'otlp'), quotas.takeMetadata('acme', 5)], [10, 1]);
});

test('queries: so many at once, and what they cost a minute', () => {
  const { now, quotas } = setUp({ 'query-concurrency': 1, 'query-cost-per-minute': 6000 });
  const gate = quotas.gate(acme);
  gate.enterQuery();
  assert.equal(refused(() => gate.enterQuery()).code, 'query-concurrency');
  gate.leaveQuery({ seriesRead: 49, samplesRead: 1000 }, 'promql');
  gate.enterQuery();
  gate.leaveQuery({ seriesRead: 0, samplesRead: 199 }, 'promql');
  const error = refused(() => gate.enterQuery());
  assert.deepEqual(
    [error.code, error.retryAfterSec, error.limit?.value],
    ['query-cost-per-minute', 1, 6099],
  );
  now.ms += 1000;
  gate.enterQuery();
  const range = refused(() => quotas.gate(acme).checkRange(101 * 366 * 86_400e6));
  assert.deepEqual([range.code, range.retryable], ['query-range', false]);
});

test('threads: one counts, the others hear of it and have their part of what is under way', () => {
  const limits = { 'samples-per-second': 10, 'samples-burst': 10, 'requests-in-flight': 4 };
  const shards = setUp(limits);
  const thread = setUp(limits, { threadCount: 2 });
  const told: ClosedAccount[] = [];
  shards.quotas.listen({ onClosed: (account) => told.push(account) });
  thread.quotas.gate(acme).takeSamples(1000, 'influx');
  thread.quotas.gate(acme).checkWrite(0);
  shards.quotas.gate(acme).takeSamples(30, 'influx');
  assert.equal(told.length, 1);
  thread.quotas.close(told[0]!);
  const error = refused(() => thread.quotas.gate(acme).checkWrite(0));
  assert.deepEqual([error.code, error.retryAfterSec], ['samples-per-second', 3]);
  thread.now.ms += 2100;
  thread.quotas.gate(acme).enterWrite(0);
  thread.quotas.gate(acme).enterWrite(0);
  assert.equal(refused(() => thread.quotas.gate(acme).enterWrite(0)).code, 'requests-in-flight');
});

test('four fifths of new series a minute are near, and nothing is near to a limit of nothing', () => {
  const { quotas } = setUp({ 'new-series-per-minute': 10 });
  quotas.watch(() => ({ active: 0, reserved: 0 }));
  const near: string[] = [];
  quotas.listen({ onNear: ({ id, value }) => near.push(`${id} ${value}`) });
  for (let i = 0; i < 8; i++) {
    assert.ok(quotas.admits('acme'));
    quotas.made('acme');
  }
  assert.deepEqual(near, []);
  assert.ok(quotas.admits('acme'));
  assert.deepEqual(near, ['new-series-per-minute 8']);
  const none = setUp({ 'new-series-per-minute': 0 });
  none.quotas.watch(() => ({ active: 0, reserved: 0 }));
  none.quotas.listen({ onNear: () => assert.fail('near to nothing') });
  assert.equal(none.quotas.admits('acme'), false);
});
