// Keeping house in one shard: partitions over time, retention by time and bytes, deletes and their
// physical removal, the free-disk floor, merges beside flushes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matcher } from '../../src/model/matcher.ts';
import type { Pin, ReadContext } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { FatalError } from '../../src/stdx/assert.ts';
import { DAY_US } from '../../src/tsdb/partitions.ts';
import type { TsdbOptions } from '../../src/tsdb/tsdb.ts';
import { appendOptions, unlimitedBudget } from './contexts.ts';
import { checkRows, point, readRows, readRowsIn, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const DAY_MS = DAY_US / 1000;
const NOW_MS = Date.UTC(2026, 0, 1);
const NO_LIMIT = { timeMs: undefined, sizeBytes: undefined };
const EVER = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };

function opened(options: Partial<TsdbOptions> = {}): Promise<TsdbUnderTest> {
  return new TsdbUnderTest(options).open();
}

/** `count` days before now. */
function ago(days: number, value = days): Row {
  return point('m', (NOW_MS - days * DAY_MS) * 1000, value);
}

function levels(under: TsdbUnderTest): string[] {
  return under.storage.house()[0]!.levels.map((one) => `${one.level}:${one.partCount}`);
}

function pinned(pin: Pin): ReadContext {
  const { signal } = new AbortController();
  return { principal: openPrincipal('default'), pin, signal, budget: unlimitedBudget };
}

/** Samples in parts, rewrites counted twice. */
function sampleCount(under: TsdbUnderTest): number {
  return under.storage.house()[0]!.levels.reduce((sum, one) => sum + one.sampleCount, 0);
}

async function writeAndFlush(under: TsdbUnderTest, rows: readonly Row[]): Promise<void> {
  await writeRows(under.storage, rows);
  await under.storage.flush();
}

test('a batch over two centuries makes a bounded number of parts', async () => {
  const under = await opened();
  const rows = Array.from({ length: 3000 }, (_, i) => point('m', i * 24 * DAY_US + 1, i));
  await writeRows(under.storage, rows);
  await under.storage.compact();
  const { partCount } = under.storage.stats();
  assert.ok(partCount < 110, `${partCount} parts`);
  await checkRows(under.storage, rows);
});

test('days of the past become wide partitions, days of a finite retention stay narrow', async () => {
  const rows = Array.from({ length: 40 }, (_, i) => ago(2000 + i));
  for (const [timeMs, expected] of [
    [undefined, (parts: number) => parts < 3],
    [2500 * DAY_MS, (parts: number) => parts < 4],
    [100 * 365 * DAY_MS, (parts: number) => parts < 4],
    [60 * DAY_MS, (parts: number) => parts === 0],
  ] as const) {
    const under = await opened({ settings: { retention: { ...NO_LIMIT, timeMs } } });
    for (const row of rows) await writeAndFlush(under, [row]);
    await under.storage.compact();
    const { partCount } = under.storage.stats();
    assert.ok(expected(partCount), `${timeMs}: ${partCount} parts`);
    if (partCount > 0) await checkRows(under.storage, rows);
  }
});

test('many flushes of the present day leave few parts', async () => {
  const under = await opened({ settings: { level0PartsMax: 2, flushIntervalMs: 1 } });
  const rows: Row[] = [];
  for (let i = 0; i < 40; i++) {
    rows.push(ago(0, i), point('m', NOW_MS * 1000 + i, i));
    await writeAndFlush(under, rows.slice(-2));
    under.scheduler.fire();
    for (let turn = 0; turn < 30; turn++) await under.scheduler.yieldTurn();
  }
  const { merges, flushedBytes, rewrittenBytes } = under.storage.house()[0]!;
  assert.ok(under.storage.stats().partCount < 12, levels(under).join(' '));
  assert.ok(merges['divide']! >= 10 && merges['merge']! >= 3);
  assert.ok(rewrittenBytes < 5 * flushedBytes, `${rewrittenBytes} of ${flushedBytes}`);
  await checkRows(under.storage, [ago(0, 39), ...rows.filter((_, i) => i % 2 === 1 && i > 1)]);
});

test('a default retention hides at once, drops whole parts and trims the others', async () => {
  const settings = { retention: { ...NO_LIMIT, timeMs: 10 * DAY_MS } };
  const under = await opened({ settings });
  const rows = [1, 3, 8, 12].map((days) => ago(days));
  await writeRows(under.storage, rows);
  await checkRows(under.storage, rows.slice(0, 3));
  await under.storage.compact();
  await checkRows(under.storage, rows.slice(0, 3));
  assert.equal(sampleCount(under), 3);
  under.clock.ms += 4 * DAY_MS;
  await checkRows(under.storage, rows.slice(0, 2));
  await under.storage.cleanTombstones();
  const after = under.storage.house()[0]!;
  assert.equal(sampleCount(under), 2);
  assert.ok(after.merges['drop']! + after.merges['rewrite']! > 0);
  under.clock.ms += 30 * DAY_MS;
  await under.storage.compact();
  assert.equal(under.storage.stats().partCount, 0);
  assert.equal(under.blobs.partNames.length, 0);
});

test('what is expired goes in the background, without a flush', async () => {
  const under = await opened({ settings: { retention: { ...NO_LIMIT, timeMs: 10 * DAY_MS } } });
  await writeRows(under.storage, [ago(1), ago(2)]);
  await under.storage.compact();
  under.clock.ms += 20 * DAY_MS;
  under.scheduler.fire();
  for (let turn = 0; turn < 100; turn++) await under.scheduler.yieldTurn();
  assert.equal(under.storage.stats().partCount, 0);
  assert.ok(under.storage.house()[0]!.merges['drop']! > 0);
});

test('a tenant has its own limit, which survives reopening; others do not notice', async () => {
  const under = await opened();
  const [red, blue] = ['red', 'blue'].map((name) => ({ principal: openPrincipal(name) }));
  const rows = [ago(1), ago(5), ago(9)];
  for (const options of [red!, blue!]) await writeRows(under.storage, rows, options);
  await under.storage.compact();
  await under.storage.setRetention('red', { ...NO_LIMIT, timeMs: 6 * DAY_MS });
  await checkRows(under.storage, rows.slice(0, 2), red);
  await under.open();
  assert.equal(under.storage.retention('red').own?.timeMs, 6 * DAY_MS);
  assert.equal(under.storage.retention('red').horizonUs, (NOW_MS - 6 * DAY_MS) * 1000);
  await checkRows(under.storage, rows.slice(0, 2), red);
  await under.storage.cleanTombstones();
  assert.equal(sampleCount(under), 5);
  await under.storage.setRetention('red', undefined);
  assert.equal(under.storage.retention('red').own, undefined);
  await checkRows(under.storage, rows.slice(0, 2), red);
  await checkRows(under.storage, rows, blue);
});

test('a pin shows what it showed, however late it is read', async () => {
  const under = await opened({ settings: { retention: { ...NO_LIMIT, timeMs: 10 * DAY_MS } } });
  await writeRows(under.storage, [ago(1), ago(9)]);
  const pin = under.storage.pin();
  const before = await readRowsIn(under.storage, pinned(pin));
  await under.storage.flush();
  under.clock.ms += 5 * DAY_MS;
  await under.storage.cleanTombstones();
  assert.deepEqual(await readRowsIn(under.storage, pinned(pin)), before);
  assert.equal(before.length, 2);
  assert.equal((await readRows(under.storage)).length, 1);
  pin.release();
});

test('a limit in bytes keeps the newest points and is remembered', async () => {
  const under = await opened();
  const rows = Array.from({ length: 200 }, (_, i) => ago(100 - i / 2, Math.sqrt(i)));
  for (let i = 0; i < 200; i += 20) await writeAndFlush(under, rows.slice(i, i + 20));
  await under.storage.compact();
  const sizeBytes = Math.floor(under.storage.stats().dataSizeBytes / 2);
  await under.storage.setRetention('default', { ...NO_LIMIT, sizeBytes });
  await under.storage.compact();
  const kept = (await readRows(under.storage)).length;
  assert.ok(kept > 40 && kept < 170, `${kept} of 200 points`);
  await checkRows(under.storage, rows.slice(-kept));
  await under.open();
  await checkRows(under.storage, rows.slice(-kept));
  assert.ok(under.storage.stats().dataSizeBytes < sizeBytes * 1.6);
});

test('deletes and retention together leave what neither took', async () => {
  const under = await opened({ settings: { retention: { ...NO_LIMIT, timeMs: 10 * DAY_MS } } });
  const rows = [1, 2, 3, 9, 12].map((days) => ago(days));
  await writeAndFlush(under, rows);
  const range = { startUs: ago(3).tUs, endUs: ago(2).tUs };
  const request = { matchers: [matcher('__name__', '=', 'm')], ...range, dryRun: false };
  const counts = await under.storage.delete(request, appendOptions());
  assert.deepEqual(counts, { seriesCount: 1, pointCount: 2 });
  const all = { matchers: [], ...EVER, dryRun: true };
  const left = await under.storage.delete(all, appendOptions());
  assert.deepEqual(left, { seriesCount: 1, pointCount: 2 }, 'expired points do not count');
  await under.storage.cleanTombstones();
  await checkRows(under.storage, [ago(1), ago(9)]);
  under.clock.ms += 3 * DAY_MS;
  await writeRows(under.storage, [ago(2, 99)]);
  await under.open();
  await checkRows(under.storage, [ago(1), ago(2, 99)]);
});

test('a delete that hits nothing in a part is done there without a rewrite', async () => {
  const under = await opened();
  await writeRows(under.storage, [ago(1), point('other', ago(1).tUs, 1)]);
  await under.storage.compact();
  const [name] = under.blobs.partNames;
  const request = { matchers: [matcher('__name__', '=', 'absent')], ...EVER, dryRun: false };
  await under.storage.delete(request, appendOptions());
  await under.storage.cleanTombstones();
  assert.deepEqual(under.blobs.partNames, [name]);
  assert.equal(under.storage.house()[0]!.openDeletes, 0);
  await under.open();
  await checkRows(under.storage, [ago(1), point('other', ago(1).tUs, 1)]);
});

test('a pin keeps the blob of a part that was found clean, and merged, after it was taken', async () => {
  const under = await opened();
  await writeRows(under.storage, [ago(1)]);
  await under.storage.compact();
  await writeRows(under.storage, [ago(1, 5)]);
  const pin = under.storage.pin();
  const request = { matchers: [matcher('__name__', '=', 'absent')], ...EVER, dryRun: false };
  await under.storage.delete(request, appendOptions());
  await under.storage.cleanTombstones();
  await under.storage.compact();
  assert.equal((await readRowsIn(under.storage, pinned(pin))).length, 1);
  pin.release();
  await checkRows(under.storage, [ago(1, 5)]);
  assert.equal(under.blobs.partNames.length, 1);
});

test('cleaning touches only parts that deletes hit, level 0 too', async () => {
  const under = await opened();
  await writeRows(under.storage, [ago(1), ago(50)]);
  await under.storage.compact();
  await writeAndFlush(under, [ago(1, 7), point('other', ago(1).tUs, 1)]);
  const before = levels(under);
  const request = { matchers: [matcher('__name__', '=', 'm')], ...EVER, dryRun: false };
  await under.storage.delete({ ...request, startUs: ago(2).tUs }, appendOptions());
  await under.storage.cleanTombstones();
  await checkRows(under.storage, [ago(50), point('other', ago(1).tUs, 1)]);
  assert.deepEqual(levels(under), [before[0], '1:1']);
});

test('below the free-disk floor writes are refused, reads, deletes and cleaning go on', async () => {
  let freeBytes = 10_000_000;
  const under = await opened({
    settings: { diskFloorBytes: (total) => total / 10 },
    diskSpace: async () => ({ freeBytes, totalBytes: 10_000_000 }),
  });
  const rows = [ago(1), ago(2)];
  await writeAndFlush(under, rows);
  freeBytes = 900_000;
  under.scheduler.fire();
  await under.scheduler.yieldTurn();
  const refused = { code: 'disk-floor', kind: 'unavailable', retryable: true, retryAfterSec: 10 };
  await assert.rejects(writeRows(under.storage, [ago(3)]), refused);
  await assert.rejects(under.storage.compact(), refused);
  await checkRows(under.storage, rows);
  const request = { matchers: [], startUs: ago(1).tUs, endUs: ago(1).tUs, dryRun: false };
  await under.storage.delete(request, appendOptions());
  await under.storage.cleanTombstones();
  assert.equal(under.storage.house()[0]!.levels[0]!.sampleCount, 1);
  freeBytes = 5_000_000;
  under.scheduler.fire();
  await under.scheduler.yieldTurn();
  await writeRows(under.storage, [ago(3)]);
  assert.deepEqual(under.storage.house()[0]!.disk, {
    freeBytes: 5_000_000,
    totalBytes: 10_000_000,
    floorBytes: 1_000_000,
  });
});

test('a flush goes on while a merge is under way, and neither loses the other', async () => {
  const under = await opened();
  const rows: Row[] = [];
  for (let i = 0; i < 6; i++) {
    const batch = Array.from({ length: 300 }, (_, s) =>
      point({ __name__: 'm', s: String(s) }, NOW_MS * 1000 + i, i + s),
    );
    rows.push(...batch);
    await writeAndFlush(under, batch);
  }
  const put = under.blobs.put.bind(under.blobs);
  const { promise, resolve } = Promise.withResolvers<void>();
  let isHeld = true;
  under.blobs.put = async (name, chunks) => {
    if (isHeld && name.includes('-l1-')) await promise;
    return put(name, chunks);
  };
  const merged = under.storage.compact();
  for (let turn = 0; turn < 20; turn++) await under.scheduler.yieldTurn();
  assert.equal(under.storage.house()[0]!.merge?.kind, 'divide');
  rows.push(ago(0, 1));
  await writeAndFlush(under, [ago(0, 1)]);
  await under.storage.delete(
    { matchers: [matcher('s', '=', '7')], ...EVER, dryRun: false },
    appendOptions(),
  );
  await under.storage.flush();
  isHeld = false;
  resolve();
  await merged;
  const left = rows.filter((row) => row.series['s'] !== '7');
  await checkRows(under.storage, left);
  await under.open();
  await checkRows(under.storage, left);
  await under.storage.cleanTombstones();
  await checkRows(under.storage, left);
});

test('closing does not wait for a merge', async () => {
  const under = await opened();
  for (let i = 0; i < 4; i++) await writeAndFlush(under, [ago(i)]);
  const merged = under.storage.compact();
  const closed = under.storage.close();
  await assert.rejects(merged, { code: 'closed' });
  await closed;
  await under.open();
  await checkRows(
    under.storage,
    [0, 1, 2, 3].map((days) => ago(days)),
  );
});

test('a catalog whose parts cannot be true is refused', async () => {
  const under = await opened();
  await writeAndFlush(under, [ago(1)]);
  const key = under.catalog.keys().find((one) => one.includes('/part/'))!;
  await under.catalog.transact(async (tx) => {
    const row = JSON.parse(new TextDecoder().decode((await tx.get(key))!.value)) as object;
    tx.set(key, new TextEncoder().encode(JSON.stringify({ ...row, seqMax: 99 })));
  });
  await assert.rejects(under.open(), FatalError);
});

for (const skipAdjacency of [false, true])
  test(`adjacency ${skipAdjacency ? 'skipped: an overwritten value comes back' : 'kept'}`, async () => {
    const under = await opened({ mutations: { skipAdjacency } });
    for (const value of [1, 2, 3]) {
      await writeAndFlush(under, [ago(1, value)]);
      // Three parts of one partition: none is merged as long as there are no three.
      if (skipAdjacency) await under.storage.compact();
    }
    await under.storage.compact();
    const rows = await readRows(under.storage);
    const isRight = rows.length === 1 && rows[0]!.value === (await expectedValue());
    assert.equal(isRight, !skipAdjacency);
  });

async function expectedValue(): Promise<unknown> {
  const under = await opened();
  await writeRows(under.storage, [ago(1, 3)]);
  return (await readRows(under.storage))[0]!.value;
}
