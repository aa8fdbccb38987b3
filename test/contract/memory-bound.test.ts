// The memory bound of a shard: where it is nearly full, new series are refused and known ones go
// on; silent series leave early and make room; nothing acknowledged is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/model/errors.ts';
import { labelsFromObject } from '../../src/model/labels.ts';
import type { LabelBytes } from '../../src/model/label-bytes.ts';
import type { Labels } from '../../src/model/labels.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { SERIES_PRESSED_IDLE_MS } from '../../src/tsdb/limits.ts';
import { MemoryBound } from '../../src/tsdb/memory-bound.ts';
import { asLabelBytes } from '../support/label-bytes.ts';
import { checkRows, point, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const BYTES_MAX = 600_000;
const settings = { cacheBytes: 20_000 };
const named = (n: number): Record<string, string> => ({ __name__: 'm', pod: `a-rather-long-${n}` });
const rowOf = (n: number, tUs: number): Row => point(named(n), tUs, n);

function labelBytesOf(labels: Labels): LabelBytes {
  return asLabelBytes([labels]).next().value as LabelBytes;
}

function isFull(error: unknown): boolean {
  return (
    error instanceof AppError &&
    error.code === 'memory-full' &&
    error.retryAfterSec !== undefined &&
    /--memory/.test(error.message)
  );
}

/** Writes series that are new until a flush does not help any more; adds what was written. */
async function fill(under: TsdbUnderTest, rows: Row[], from: number): Promise<void> {
  const { length } = rows;
  for (let before = -1; rows.length > before;) {
    before = rows.length;
    await fillUp(under, rows, from + rows.length - length);
    await under.storage.flush();
  }
}

/** Writes a hundred new series at a time until one is refused. */
async function fillUp(under: TsdbUnderTest, rows: Row[], from: number): Promise<void> {
  for (let next = from; ; next += 100) {
    const some = Array.from({ length: 100 }, (_, i) => rowOf(next + i, 1));
    try {
      await writeRows(under.storage, some);
    } catch (error) {
      assert.ok(isFull(error), String(error));
      return;
    }
    rows.push(...some);
    assert.ok(rows.length < 100_000, 'the bound holds');
    for (let turn = 0; turn < 20; turn++) await under.scheduler.yieldTurn();
  }
}

test('a full index refuses new series, whatever is tried, and takes points of known ones', async () => {
  const memory = new MemoryBound(BYTES_MAX);
  const under = await new TsdbUnderTest({ memory, settings }).open();
  const rows: Row[] = [];
  await fill(under, rows, 0);
  assert.ok(rows.length > 500, `${rows.length} series`);
  const usedBytes = memory.usedBytes;
  for (let n = 0; n < 1000; n++) {
    const labels = labelsFromObject({ ...named(n), other: `${n}` });
    assert.throws(() => under.storage.resolve('default', labels), isFull);
    assert.throws(() => under.storage.resolveBytes('default', labelBytesOf(labels)), isFull);
  }
  assert.equal(memory.usedBytes, usedBytes, 'what is refused leaves nothing behind');
  const more = [rowOf(0, 2), rowOf(rows.length - 1, 2)];
  await writeRows(under.storage, more);
  const ref = under.storage.resolveBytes('default', labelBytesOf(labelsFromObject(named(0))));
  assert.equal(ref, under.storage.resolve('default', labelsFromObject(named(0))));
  await checkRows(under.storage, [...rows, ...more]);
});

test('where memory is pressed, series leave after minutes and make room for others', async () => {
  const memory = new MemoryBound(BYTES_MAX);
  const under = await new TsdbUnderTest({ memory, settings }).open();
  const rows: Row[] = [];
  await fill(under, rows, 0);
  under.clock.ms += SERIES_PRESSED_IDLE_MS - 1000;
  const kept = rowOf(0, 2);
  await writeRows(under.storage, [kept]);
  rows.push(kept);
  under.clock.ms += 1000;
  // The timer of house-keeping: nobody asks for a flush.
  under.scheduler.fire();
  for (let turn = 0; memory.isCrowded && turn < 10_000; turn++) await under.scheduler.yieldTurn();
  assert.ok(!memory.isCrowded, `${memory.usedBytes} bytes`);
  assert.equal(under.storage.stats().seriesInMemory, 1);
  const before = rows.length;
  await fill(under, rows, 50_000);
  assert.ok(rows.length - before > 500, 'there is room again');
  await checkRows(under.storage, rows);
  await under.open();
  await checkRows(under.storage, rows);
});

test('the sum of all holders refuses writes of known series too, and a flush makes room', async () => {
  const memory = new MemoryBound(BYTES_MAX);
  const under = await new TsdbUnderTest({ memory, settings }).open();
  const rows: Row[] = [rowOf(1, 1)];
  await writeRows(under.storage, rows);
  let foreignBytes = BYTES_MAX;
  memory.hold('bodies', () => foreignBytes);
  await assert.rejects(writeRows(under.storage, [rowOf(1, 2)]), isFull);
  foreignBytes = 0;
  await writeRows(under.storage, [rowOf(1, 3)]);
  await checkRows(under.storage, [...rows, rowOf(1, 3)]);
  assert.deepEqual([...memory.uses().keys()], ['head', 'index', 'parts', 'bodies', 'flushes']);
});

const as = (tenant: string) => ({ principal: openPrincipal(tenant) });

for (const shardCount of [1, 3])
  test(`a full index refuses the tenant that has most of it, others go on, ${shardCount} shards`, async () => {
    const memory = new MemoryBound(BYTES_MAX * shardCount);
    const under = await new TsdbUnderTest({ memory, settings }, shardCount).open();
    await fill(under, [], 0);
    const quiet = [1, 2, 3].map((n) => point({ __name__: 'quiet', n: `${n}` }, n, n));
    await writeRows(under.storage, quiet, as('quiet'));
    const labels = labelsFromObject({ __name__: 'm', pod: 'one more' });
    assert.throws(() => under.storage.resolve('default', labels), isFull);
    assert.throws(() => under.storage.resolveBytes('default', labelBytesOf(labels)), isFull);
    await checkRows(under.storage, quiet, as('quiet'));
    // Many that have little leave what known series need, once a flush has made room.
    for (let n = 0; n < 3000; n++)
      try {
        await writeRows(under.storage, [rowOf(n, 1)], as(`small-${n}`));
      } catch (error) {
        assert.ok(isFull(error), String(error));
      }
    await under.storage.flush();
    await writeRows(under.storage, [point({ __name__: 'quiet', n: '1' }, 9, 9)], as('quiet'));
    await writeRows(under.storage, [rowOf(0, 9)]);
  });

test('a full head refuses the tenant that filled it, others go on', async () => {
  const under = await new TsdbUnderTest({ settings: { headBytesMax: 400_000 } }).open();
  const { blobs, storage } = under;
  const put = blobs.put.bind(blobs);
  blobs.put = () => Promise.reject(new Error('no space'));
  const body = (tUs: number): Row[] => Array.from({ length: 100 }, (_, n) => rowOf(n, tUs));
  const isHeadFull = { code: 'head-full', retryable: true, retryAfterSec: 1 };
  await assert.rejects(async () => {
    for (let tUs = 1; tUs < 10_000; tUs++) await writeRows(storage, body(tUs), as('loud'));
  }, isHeadFull);
  const quiet: Row[] = [];
  for (let tUs = 1; tUs <= 20; tUs++) {
    const rows = [point({ __name__: 'quiet' }, tUs, tUs)];
    await writeRows(storage, rows, as('quiet'));
    quiet.push(...rows);
    await assert.rejects(writeRows(storage, body(1e6 + tUs), as('loud')), isHeadFull);
  }
  await checkRows(storage, quiet, as('quiet'));
  blobs.put = put;
  await storage.flush();
  await writeRows(storage, body(2e6), as('loud'));
});

test('memory that is full refuses the tenant that has most of it, also points of known series', async () => {
  const memory = new MemoryBound(BYTES_MAX);
  const under = await new TsdbUnderTest({ memory, settings }).open();
  await writeRows(
    under.storage,
    Array.from({ length: 300 }, (_, n) => rowOf(n, 1)),
    as('loud'),
  );
  await writeRows(under.storage, [rowOf(1, 1)], as('quiet'));
  memory.hold('bodies', () => foreignBytes);
  let foreignBytes = 0;
  foreignBytes = BYTES_MAX - memory.usedBytes - 500;
  await assert.rejects(writeRows(under.storage, [rowOf(1, 2)], as('loud')), isFull);
  await writeRows(under.storage, [rowOf(1, 2)], as('quiet'));
  foreignBytes = 0;
  await writeRows(under.storage, [rowOf(1, 2)], as('loud'));
});
