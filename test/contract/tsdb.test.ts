// What the contract does not say about the shard: kills at awkward moments, the flush protocol,
// merges and the life of delete rows, damage and dead letters, batch ids over restarts, limits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../src/model/batch-builder.ts';
import { ALL_KINDS } from '../../src/model/columns.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { Pin, ReadContext } from '../../src/model/storage.ts';
import { DEFAULT_TENANT, openPrincipal } from '../../src/model/tenant.ts';
import { FatalError } from '../../src/stdx/assert.ts';
import { BATCH_ID_MEMORY_MS } from '../../src/tsdb/limits.ts';
import { partitionWidthUs } from '../../src/tsdb/partitions.ts';
import type { TsdbOptions } from '../../src/tsdb/tsdb.ts';
import { appendOptions, unlimitedBudget, withContext } from './contexts.ts';
import { checkRows, point, readRows, readRowsIn, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

/** Cells of level 3 around 1970 are past, that of level 4 is not. */
const CELL_US = partitionWidthUs(3);
const A = { __name__: 'a' };
const EVER = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };
const id = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);

function opened(options: Partial<TsdbOptions> = {}): Promise<TsdbUnderTest> {
  return new TsdbUnderTest(options).open();
}

function series(count: number, tUs: number, value: number): Row[] {
  return Array.from({ length: count }, (_, i) =>
    point({ __name__: 'm', i: String(i).padStart(4, '0') }, tUs, value + i),
  );
}

function removeAll(under: TsdbUnderTest): Promise<unknown> {
  return under.storage.delete({ matchers: [], ...EVER, dryRun: false }, appendOptions());
}

test('a kill without closing loses nothing acknowledged, before and after a flush', async () => {
  const under = await opened();
  await writeRows(under.storage, series(10, 1, 0));
  await under.open();
  await writeRows(under.storage, series(10, 2, 0));
  await under.storage.flush();
  await writeRows(under.storage, series(5, 3, 0));
  await under.open();
  const expected = [...series(10, 1, 0), ...series(10, 2, 0), ...series(5, 3, 0)];
  await checkRows(under.storage, expected);
  assert.equal(under.storage.stats().partCount, 1);
  assert.equal(under.storage.stats().headSamples, 5);
  assert.deepEqual(under.events, []);
});

test('blocks are handed out as they are where nothing in them is hidden', async () => {
  const under = await opened();
  const encodedOf = (): Promise<boolean[]> =>
    withContext(under.storage, async (context) => {
      const out: boolean[] = [];
      const request = { matchers: [], ...EVER, kinds: ALL_KINDS };
      for await (const { chunks } of under.storage.selectBlocks(context, request))
        out.push(...chunks.map((chunk) => 'block' in chunk));
      return out;
    });
  await writeRows(under.storage, [point(A, 1, 1), point(A, 5, 5)]);
  assert.deepEqual(await encodedOf(), [false]);
  await under.storage.flush();
  assert.deepEqual(await encodedOf(), [true]);
  // Later samples of the head follow; a rewrite inside of the block makes columns of it.
  await writeRows(under.storage, [point(A, 9, 9)]);
  assert.deepEqual(await encodedOf(), [true, false]);
  await writeRows(under.storage, [point(A, 5, 6)]);
  assert.deepEqual(await encodedOf(), [false]);
  await under.storage.compact();
  assert.deepEqual(await encodedOf(), [true]);
  await removeAll(under);
  assert.deepEqual(await encodedOf(), []);
});

test('nothing is readable before it is durable', async () => {
  const under = await opened();
  const write = writeRows(under.storage, [point(A, 1, 1)]);
  await Promise.resolve();
  await checkRows(under.storage, []);
  await write;
  await checkRows(under.storage, [point(A, 1, 1)]);
});

test('the log from the frontier decodes alone: refs are defined again after each cut', async () => {
  const under = await opened();
  for (let i = 0; i < 3; i++) {
    await writeRows(under.storage, series(3, i, i));
    await under.storage.flush();
    await writeRows(under.storage, series(3, 10 + i, i));
  }
  assert.ok(under.log.startOffset > 0, 'the log was trimmed');
  await under.open();
  assert.equal((await readRows(under.storage)).length, 18);
  assert.deepEqual(under.events, []);
});

test('appends during a flush land on one side of the cut, once', async () => {
  const under = await opened();
  const writes: Promise<unknown>[] = [];
  for (let i = 0; i < 30; i++) {
    writes.push(writeRows(under.storage, [point(A, i, i)]));
    if (i % 10 === 5) writes.push(under.storage.flush());
  }
  await Promise.all(writes);
  const rows = Array.from({ length: 30 }, (_, i) => point(A, i, i));
  await checkRows(under.storage, rows);
  await under.open();
  await checkRows(under.storage, rows);
});

test('an interval without points moves the frontier and makes no part', async () => {
  const under = await opened();
  await removeAll(under);
  await under.storage.flush();
  const { partCount, frontier, logEndOffset } = under.storage.stats();
  assert.deepEqual([partCount, frontier, logEndOffset], [0, 1, 1]);
  assert.deepEqual(under.blobs.partNames, []);
});

test('orphans go at the next opening, a missing part is fatal', async () => {
  const under = await opened();
  await writeRows(under.storage, series(3, 1, 0));
  await under.storage.flush();
  const [part] = under.blobs.partNames;
  under.blobs.objects.set('parts/0/orphan.part', new Uint8Array(5));
  await under.open();
  assert.deepEqual(under.blobs.partNames, [part]);
  assert.equal(under.events[0]?.kind, 'orphan-removed');
  under.blobs.objects.clear();
  await assert.rejects(under.open(), FatalError);
});

test('a log that does not fit the catalog is refused', async () => {
  const under = await opened();
  await writeRows(under.storage, series(3, 1, 0));
  await under.storage.flush();
  under.log.records.length = 0;
  await assert.rejects(under.open(), FatalError);
});

test('a second process on the same catalog cannot move the frontier', async () => {
  const under = await opened();
  const first = under.storage;
  await writeRows(first, series(2, 1, 0));
  await under.open();
  await under.storage.flush();
  await assert.rejects(first.flush(), FatalError);
});

test('merges: level 0 is cut by time, partitions become one part, replaced blobs go', async () => {
  const under = await opened();
  const rows: Row[] = [];
  for (let i = 0; i < 4; i++) {
    const batch = [0, 1, -1].map((p) => point(A, p * CELL_US + i, i));
    rows.push(...batch);
    await writeRows(under.storage, batch);
    await under.storage.flush();
  }
  await under.storage.compact();
  assert.equal(under.storage.stats().partCount, 3);
  await writeRows(under.storage, [point(A, 0, 99)]);
  await under.storage.compact();
  assert.equal(under.storage.stats().partCount, 3);
  assert.equal(under.blobs.partNames.length, 3);
  await checkRows(under.storage, [point(A, 0, 99), ...rows.filter((row) => row.tUs !== 0)]);
});

test('a merge passes full blocks on as they are, and joins what follows', async () => {
  const under = await opened();
  const rows = Array.from({ length: 9000 }, (_, i) => point(A, i * 1000, Math.sqrt(i)));
  await writeRows(under.storage, rows);
  await under.storage.compact();
  const blocks = await bodies(under);
  await writeRows(under.storage, [point(A, 1e8, 1)]);
  await under.storage.compact();
  assert.equal(under.storage.stats().partCount, 1);
  const merged = await bodies(under);
  assert.deepEqual(merged[0], blocks[0]);
  assert.notDeepEqual(merged[1], blocks[1]);
  assert.equal(merged.length, 2);
  await checkRows(under.storage, [...rows, point(A, 1e8, 1)]);
  // A rewrite inside of a full block.
  await writeRows(under.storage, [point(A, 5000, 1)]);
  await under.storage.compact();
  assert.notDeepEqual((await bodies(under))[0], blocks[0]);
  await checkRows(under.storage, [...rows.with(5, point(A, 5000, 1)), point(A, 1e8, 1)]);
});

function bodies(under: TsdbUnderTest): Promise<string[]> {
  return withContext(under.storage, async (context) => {
    const out: string[] = [];
    const request = { matchers: [], ...EVER, kinds: ALL_KINDS };
    for await (const { chunks } of under.storage.selectBlocks(context, request))
      for (const chunk of chunks)
        out.push('block' in chunk ? Buffer.from(chunk.block).toString('hex') : '');
    return out;
  });
}

test('a few points over centuries make few parts', async () => {
  const under = await opened();
  const rows = [0, 1e14, -1e14, 8e15].map((tUs) => point(A, tUs, 1));
  await writeRows(under.storage, rows);
  await under.storage.compact();
  assert.equal(under.storage.stats().partCount, 4);
  await checkRows(under.storage, rows);
});

test('a delete row lives until every older part was rewritten', async () => {
  const under = await opened();
  const deleteRows = (): number =>
    under.catalog.keys().filter((key) => key.includes('/delete/')).length;
  await writeRows(under.storage, series(4, 1, 0));
  await under.storage.flush();
  const matchers = [matcher('i', '=', '0001')];
  await under.storage.delete({ matchers, ...EVER, dryRun: false }, appendOptions());
  await under.storage.flush();
  assert.equal(deleteRows(), 1);
  await under.open();
  assert.equal((await readRows(under.storage)).length, 3);
  await under.storage.compact();
  assert.equal(deleteRows(), 0);
  assert.equal((await readRows(under.storage)).length, 3);
  await removeAll(under);
  await under.storage.compact();
  assert.deepEqual([deleteRows(), under.storage.stats().partCount], [0, 0]);
});

test('many deletes are applied in the background, none is kept for ever', async () => {
  const under = await opened();
  await writeRows(under.storage, series(200, 1, 0));
  await under.storage.flush();
  for (let i = 0; i < 70; i++) {
    const matchers = [matcher('i', '=', String(i).padStart(4, '0'))];
    await under.storage.delete({ matchers, ...EVER, dryRun: false }, appendOptions());
  }
  under.scheduler.fire();
  for (let turn = 0; turn < 300; turn++) await under.scheduler.yieldTurn();
  assert.deepEqual(
    under.catalog.keys().filter((key) => key.includes('/delete/')),
    [],
  );
  assert.equal((await readRows(under.storage)).length, 130);
});

test('what the catalog could not hold is refused before it is logged', async () => {
  const under = await opened();
  const name = 'x'.repeat(5000);
  const withSplit = writeRows(under.storage, [], {}, (b) =>
    b.split({ name, measurement: 'x', field: 'y' }),
  );
  await assert.rejects(withSplit, { code: 'bad-value' });
  const matchers = [matcher('a', '=', 'x'.repeat(100_000))];
  await assert.rejects(
    under.storage.delete({ matchers, ...EVER, dryRun: false }, appendOptions()),
    { code: 'delete-too-large' },
  );
  assert.equal(under.log.endOffset, 0);
});

test('a truncated part is damage, merges go on without it', async () => {
  const under = await opened();
  await writeRows(under.storage, series(3, 1, 0));
  await under.storage.flush();
  const [name, bytes] = [...under.blobs.objects][0]!;
  under.blobs.objects.set(name, bytes.subarray(0, 100));
  await writeRows(under.storage, series(3, CELL_US, 0));
  await under.storage.compact();
  assert.equal(under.storage.stats().partCount, 2);
  await assert.rejects(readRows(under.storage, { endUs: 5 }), { kind: 'corrupt' });
  assert.equal((await readRows(under.storage, { startUs: 5 })).length, 3);
});

test('a flipped bit in a block fails its readers by name and nobody else', async () => {
  const under = await opened();
  await writeRows(under.storage, series(3, 1, 0));
  await under.storage.flush();
  const [name, bytes] = [...under.blobs.objects][0]!;
  bytes[16 + 4]! ^= 4; // inside the first series' block
  await assert.rejects(readRows(under.storage), (error: Error) => error.message.includes(name));
  const rest = { matchers: [matcher('i', '!=', '0000')] };
  assert.equal((await readRows(under.storage, rest)).length, 2);
  assert.equal(under.events[0]?.kind, 'corrupt');
  // A merge leaves the damaged part alone and goes on with the others.
  await writeRows(under.storage, series(2, 5, 0));
  await under.storage.compact();
  assert.ok(under.blobs.objects.has(name));
  assert.equal((await readRows(under.storage, rest)).length, 3);
});

test('a flipped bit in footer, directory or index is found', async () => {
  for (const fromEnd of [3, 30, 70, 150]) {
    const under = await opened();
    await writeRows(under.storage, series(3, 1, 0));
    await under.storage.flush();
    const bytes = [...under.blobs.objects.values()][0]!;
    bytes[bytes.length - fromEnd]! ^= 1;
    await assert.rejects(readRows(under.storage), { kind: 'corrupt' }, `${fromEnd} from the end`);
  }
});

test('a poison record goes to the dead letters and replay goes on', async () => {
  const under = await opened();
  await writeRows(under.storage, [point(A, 1, 1)]);
  await writeRows(under.storage, [point(A, 2, 2)]);
  await writeRows(under.storage, [point(A, 3, 3)]);
  const poison = under.log.records[1]!;
  poison[poison.length - 1]! ^= 1;
  await under.open();
  await checkRows(under.storage, [point(A, 1, 1), point(A, 3, 3)]);
  assert.deepEqual(
    under.events.map((event) => event.kind),
    ['dead-letter'],
  );
  assert.deepEqual(under.blobs.objects.get('dead-letter/0/0000000000000001.record'), poison);
});

test('without the record that defined a series its points are not misread', async () => {
  const under = await opened();
  await writeRows(under.storage, [point('a', 1, 1)]);
  await under.reopen();
  await writeRows(under.storage, [point('b', 1, 1)]);
  await writeRows(under.storage, [point('b', 2, 2)]);
  under.log.records.at(-2)![70]! ^= 1;
  await under.open();
  await checkRows(under.storage, [point('a', 1, 1)]);
  assert.equal(under.events.length, 2);
});

test('batch ids survive kill, flush and reopening, and are forgotten after ten minutes', async () => {
  const under = await opened();
  await writeRows(under.storage, [point(A, 1, 1)], { batchId: id(1) });
  await under.open();
  await under.storage.flush();
  await under.open();
  const retry = (): Promise<{ applied: boolean }> =>
    writeRows(under.storage, [point(A, 1, 9)], { batchId: id(1) });
  assert.equal((await retry()).applied, false);
  under.clock.ms += BATCH_ID_MEMORY_MS + 1;
  assert.equal((await retry()).applied, false, 'forgotten by a flush, not by itself');
  await writeRows(under.storage, [point(A, 2, 2)]);
  await under.storage.flush();
  assert.equal((await retry()).applied, true);
});

test('async: acknowledged before durable, synced within a second, in log order', async () => {
  const under = await opened();
  let synced = 0;
  const { log } = under;
  const sync = log.sync.bind(log);
  log.sync = () => {
    synced++;
    return sync();
  };
  await writeRows(under.storage, [point(A, 1, 1)], { durability: 'async' });
  await checkRows(under.storage, []);
  under.scheduler.fire();
  assert.equal(synced, 1);
  await writeRows(under.storage, [point(A, 2, 2)]);
  await checkRows(under.storage, [point(A, 1, 1), point(A, 2, 2)]);
});

test('a full head is flushed in the background and then merged', async () => {
  const settings = { headBytesMax: 38_000, level0PartsMax: 2 };
  const under = await opened({ settings });
  for (let i = 0; i < 12; i++) {
    await writeRows(under.storage, series(10, i, 0));
    // As slow as a writer is that waits for answers over a network.
    for (let turn = 0; turn < 20; turn++) await under.scheduler.yieldTurn();
  }
  await under.storage.flush();
  const { partCount, headSamples } = under.storage.stats();
  assert.equal(headSamples, 0);
  assert.ok(partCount >= 1 && partCount < 6, `${partCount} parts`);
  assert.equal((await readRows(under.storage)).length, 120);
});

/** Names of the head snapshots that writing `rounds` batches of series puts. */
async function headSnapshotsOf(
  rowsOf: (round: number) => Row[],
  rounds: number,
): Promise<string[]> {
  const settings = { logTailMaxBytes: 40_000, headSnapshotLogBytes: 40_000 };
  const under = new TsdbUnderTest({ settings });
  const names: string[] = [];
  const { blobs } = under;
  const put = blobs.put.bind(blobs);
  blobs.put = (name, chunks) => {
    if (name.startsWith('head/')) names.push(name);
    return put(name, chunks);
  };
  await under.open();
  for (let i = 0; i < rounds; i++) {
    await writeRows(under.storage, rowsOf(i));
    for (let turn = 0; turn < 20; turn++) await under.scheduler.yieldTurn();
  }
  const { partCount } = under.storage.stats();
  assert.ok(partCount > 0, `${partCount} parts`);
  return names;
}

test('what is flushed soon is put into no head snapshot before, unless series are new', async () => {
  const steady = await headSnapshotsOf((i) => series(10, i, 0), 600);
  assert.deepEqual(steady, []);
  const fresh = await headSnapshotsOf(
    (i) => Array.from({ length: 20 }, (_, k) => point(`new_${i}_${k}`, i, k)),
    200,
  );
  assert.ok(fresh.length > 0);
});

test('when flushes fail, writes are refused before the head grows without bound', async () => {
  const settings = { headBytesMax: 39_500 };
  const under = await opened({ settings });
  const put = under.blobs.put.bind(under.blobs);
  under.blobs.put = () => Promise.reject(new Error('no space'));
  await assert.rejects(
    async () => {
      for (let i = 0; i < 20; i++) await writeRows(under.storage, series(10, i, 0));
    },
    { code: 'head-full', retryable: true, retryAfterSec: 1 },
  );
  const before = await readRows(under.storage);
  assert.ok(before.length > 20);
  assert.ok(under.events.some((event) => event.kind === 'maintenance-failed'));
  under.blobs.put = put;
  await under.storage.flush();
  assert.deepEqual(await readRows(under.storage), before);
  await writeRows(under.storage, series(10, 0, 0));
});

test('what queries hold of a flushed head is bounded: the oldest is cancelled, by name', async () => {
  const under = await opened({ settings: { headBytesMax: 80_000 } });
  const { storage } = under;
  await writeRows(storage, series(10, 1, 0));
  const controller = new AbortController();
  const contextOf = (pin: Pin): ReadContext => ({
    principal: openPrincipal(DEFAULT_TENANT),
    pin,
    signal: controller.signal,
    budget: unlimitedBudget,
  });
  // A generation takes about 17,000 bytes; 20,000 may be pinned.
  const oldest = storage.pin();
  const request = { matchers: [], ...EVER, kinds: ALL_KINDS };
  const running = storage.select(contextOf(oldest), request)[Symbol.asyncIterator]();
  await running.next();
  await storage.flush();
  assert.equal((await readRowsIn(storage, contextOf(oldest))).length, 10);
  await writeRows(storage, series(10, 2, 0));
  const newer = storage.pin();
  await storage.flush();
  const isCancelled = { code: 'head-pinned', kind: 'limited', message: /limit is 20000/ };
  await assert.rejects(running.next(), isCancelled);
  await assert.rejects(readRowsIn(storage, contextOf(oldest)), isCancelled);
  await assert.rejects(
    storage.labelValues(contextOf(oldest), '__name__', { matchers: [], ...EVER, limit: 0 }),
    isCancelled,
  );
  assert.equal((await readRowsIn(storage, contextOf(newer))).length, 20);
  oldest.release();
  newer.release();
  await checkRows(storage, [...series(10, 1, 0), ...series(10, 2, 0)]);
});

test('a failed log makes every later write fail and loses nothing that was acknowledged', async () => {
  const under = await opened();
  await writeRows(under.storage, [point(A, 1, 1)]);
  const { log } = under;
  const append = log.append.bind(log);
  log.append = (bytes) => {
    const { offset } = append(bytes);
    return { offset, durable: Promise.reject(new FatalError('fdatasync failed')) };
  };
  await assert.rejects(writeRows(under.storage, [point(A, 2, 2)]), FatalError);
  await assert.rejects(writeRows(under.storage, [point(A, 3, 3)]), { code: 'storage-failed' });
  assert.equal(under.events.at(-1)?.kind, 'fatal');
  await under.storage.close();
});

test('a failed append stores nothing and frees its batch id', async () => {
  const under = await opened();
  const { log } = under;
  const append = log.append.bind(log);
  log.append = () => {
    throw new Error('disk full');
  };
  const write = (): Promise<unknown> =>
    writeRows(under.storage, [point('new', 1, 1)], { batchId: id(3) });
  await assert.rejects(write(), /disk full/);
  log.append = append;
  assert.deepEqual(await write(), { applied: true });
  await under.open();
  await checkRows(under.storage, [point('new', 1, 1)]);
});

test('a split is known while its append is on its way', async () => {
  const under = await opened();
  const builder = new BatchBuilder();
  const split = { name: 'a_b', measurement: 'a', field: 'b' };
  builder.split(split);
  const write = under.storage.append(builder.finish(), appendOptions());
  assert.deepEqual(under.storage.splitOf('default', 'a_b'), split);
  await withContext(under.storage, async (c) =>
    assert.deepEqual(await under.storage.splits(c), []),
  );
  await write;
  assert.deepEqual(under.storage.splitOf('default', 'a_b'), split);
});

for (const [mutation, isHarmful] of [
  ['none', false],
  ['skipBatchIds', true],
  ['skipDeletes', true],
] as const)
  test(`mutation ${mutation}: what the flush must carry over is ${isHarmful ? 'missed' : 'there'}`, async () => {
    const under = await opened({ mutations: { [mutation]: true } });
    await writeRows(under.storage, [point(A, 1, 1)], { batchId: id(1) });
    await under.storage.flush();
    await under.storage.delete({ matchers: [], ...EVER, dryRun: false }, appendOptions());
    await under.storage.flush();
    await under.open();
    const { applied } = await writeRows(under.storage, [point(A, 2, 2)], { batchId: id(1) });
    const { length } = await readRows(under.storage);
    assert.equal(applied || length > 0, isHarmful);
  });
