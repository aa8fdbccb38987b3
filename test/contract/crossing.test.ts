// Writes from several threads that know nothing of each other: where they disagree about the split
// of a name, where series are gone or may not be made, where a write with a split fails, and where
// a sender begins anew. What is read is always what one thread would have stored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { scanLineProtocol } from '../../src/formats/influx/line-protocol.ts';
import { Ingest } from '../../src/ingest/ingest.ts';
import { AppError } from '../../src/model/errors.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { seededPrng } from '../../src/stdx/prng.ts';
import { SERIES_IDLE_MS } from '../../src/tsdb/limits.ts';
import { MemoryBound } from '../../src/tsdb/memory-bound.ts';
import { ShardedStorage } from '../../src/tsdb/sharded-storage.ts';
import { withContext } from './contexts.ts';
import { crossingTo, NO_FILTER } from './crossing-under-test.ts';
import { readRows } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const principal = openPrincipal('default');

/** Writes line protocol with times in microseconds. */
function writer(ingest: Ingest) {
  return (text: string, batchId?: Uint8Array) => {
    const body = new TextEncoder().encode(text);
    const options = { precision: 'us', defaultTimeUs: 0, mapping: [] } as const;
    return ingest.write(principal, {
      protocol: 'influx',
      profileKey: '',
      durability: 'sync',
      batchId,
      sizeBytes: body.length,
      scan: (dictionary, sink) => scanLineProtocol(body, body.length, options, dictionary, sink),
    });
  };
}

function threadOf(
  under: TsdbUnderTest,
  options: { readonly seriesMax?: number; readonly admit?: () => void } = {},
) {
  const onReset = (): void => ingest.forgetRefs();
  const crossing = crossingTo(under.storage, { onReset, ...options });
  const { sender } = crossing;
  const ingest = new Ingest({ storage: sender, prng: seededPrng(1), metadata: NO_FILTER });
  return { crossing, write: writer(ingest) };
}

function seriesSent({ sent }: ReturnType<typeof crossingTo>): number {
  let count = 0;
  for (const { series } of sent)
    for (const { program } of series)
      for (let at = 0; at < program.length; at += 1 + program[at]! * 2) count++;
  return count;
}

async function opened(): Promise<TsdbUnderTest> {
  return await new TsdbUnderTest({}, 3).open();
}

async function seriesNames(under: TsdbUnderTest): Promise<string[]> {
  return (await readRows(under.storage)).map(({ series }) => series);
}

test('threads that split one name differently agree on the first, with writes under way', async () => {
  const under = await opened();
  const [a, b] = [threadOf(under), threadOf(under)];
  await a.write('m,i=1 b_c=1 1');
  // The second is scanned before anybody has said that the split of the first is not the first.
  const both = [b.write('m_b,i=2 c=2 2'), b.write('m_b,i=3 c=3 3')];
  await Promise.all(both);
  await b.write('m_b,i=4 c=4 4');
  await a.write('m,i=5 b_c=5 5');
  assert.equal(b.crossing.resets, 1);
  assert.equal(a.crossing.resets, 0);
  const origin = (i: number): string => `__name__="m_b_c",__origin__="m_b/c",i="${i}"`;
  const plain = (i: number): string => `__name__="m_b_c",i="${i}"`;
  assert.deepEqual(
    (await seriesNames(under)).toSorted(),
    [origin(2), origin(3), origin(4), plain(1), plain(5)].toSorted(),
  );
  const splits = await withContext(under.storage, (c) => under.storage.splits(c));
  assert.deepEqual(splits, [{ name: 'm_b_c', measurement: 'm', field: 'b_c' }]);
});

test('of many batches under way all that is not the first of its name is told at once', async () => {
  const under = await opened();
  const [a, b] = [threadOf(under), threadOf(under)];
  const names = Array.from({ length: 20 }, (_, i) => `n${i}`);
  for (const name of names) await a.write(`${name} b_c=1 1`);
  // More batches than a write has tries; none of them knows of the others.
  await Promise.all(names.map((name) => b.write(`${name}_b c=2 2`)));
  assert.equal(b.crossing.resets, 1);
  await Promise.all(names.map((name) => b.write(`${name}_b,x=1 c=3 3`)));
  assert.equal(b.crossing.resets, 1);
  const found = await seriesNames(under);
  assert.equal(found.filter((name) => name.includes('__origin__')).length, 2 * names.length);
  assert.equal(found.length, 3 * names.length);
});

test('a write with a split that fails takes those along that relied on it', async () => {
  const under = await opened();
  const { crossing, write } = threadOf(under);
  await write('m x=1 1');
  const { storage } = under;
  assert.ok(storage instanceof ShardedStorage);
  const appendParts = storage.appendParts.bind(storage);
  storage.appendParts = () => {
    storage.appendParts = appendParts;
    throw new AppError('unavailable', 'head-full', 'no room', { retryAfterSec: 1 });
  };
  const first = write('n y=1 1');
  const second = write('n y=2 2');
  await assert.rejects(first, { code: 'head-full', retryable: true, retryAfterSec: 1 });
  await second;
  assert.equal(crossing.resets, 1);
  const splits = await withContext(storage, (c) => storage.splits(c));
  assert.deepEqual(
    splits.map(({ name, field }) => `${name} ${field}`),
    ['m_x x', 'n_y y'],
  );
  assert.equal((await readRows(storage)).length, 2);
});

test('of many series only those that are gone are sent again', async () => {
  const under = await opened();
  const { crossing, write } = threadOf(under);
  const lines = (from: number, to: number, tUs: number): string =>
    Array.from({ length: to - from }, (_, i) => `m,i=${from + i} f=1 ${tUs}`).join('\n');
  await write(lines(0, 40, 1));
  assert.equal(seriesSent(crossing), 40);
  under.clock.ms += SERIES_IDLE_MS;
  await write(lines(0, 30, 2));
  await under.storage.flush();
  assert.equal(under.storage.stats().seriesInMemory, 30);
  await write(lines(0, 40, 3));
  assert.equal(seriesSent(crossing), 50);
  await write(lines(0, 40, 4));
  assert.equal(seriesSent(crossing), 50);
  assert.equal(crossing.resets, 0);
  assert.equal((await readRows(under.storage)).length, 150);
  assert.equal(under.storage.stats().seriesInMemory, 40);
});

test('series that may not be made are refused by row, the others are kept', async () => {
  const under = await opened();
  const { write } = threadOf(under);
  const { storage } = under;
  assert.ok(storage instanceof ShardedStorage);
  await write('m,i=1 f=1 1');
  const resolves = storage.shards.map((shard) => shard.resolveBytes.bind(shard));
  for (const shard of storage.shards) shard.resolveBytes = () => -1;
  const { scan } = await write('m,i=1 f=1 2\nm,i=2 f=1 2\nm,i=3 f=1 2');
  assert.deepEqual([scan.pointCount, scan.errorCount], [1, 2]);
  assert.match(scan.errors[0]!.reason, /the tenant's limit of series is reached/);
  for (const [i, shard] of storage.shards.entries()) shard.resolveBytes = resolves[i]!;
  assert.equal((await write('m,i=2 f=1 3')).scan.pointCount, 1);
  assert.equal((await readRows(storage)).length, 3);
});

test('where memory is full new series are refused and known ones go on, until there is room', async () => {
  const memory = new MemoryBound(10_000_000);
  const under = await new TsdbUnderTest({ memory }, 3).open();
  const { write } = threadOf(under);
  const isFull = { code: 'memory-full', kind: 'unavailable', retryAfterSec: 5 };
  await write('m,i=1 a=1 1');
  let otherBytes = 9_250_000;
  memory.hold('bodies', () => otherBytes);
  // One look at the sum was made when there was room.
  await under.storage.flush();
  for (let i = 0; i < 100; i++) under.storage.resolve('default', ['__name__', 'm_a', 'i', '1']);
  for (const i of [2, 3, 2]) await assert.rejects(write(`m,i=1 a=9 9\nm,i=${i} a=1 1`), isFull);
  await write('m,i=1 a=2 2');
  otherBytes = 0;
  await write('m,i=2 a=1 1\nm,i=3 a=1 1');
  assert.deepEqual(
    (await readRows(under.storage)).map(({ series, tUs }) => `${series} ${tUs}`).toSorted(),
    [
      '__name__="m_a",i="1" 1',
      '__name__="m_a",i="1" 2',
      '__name__="m_a",i="2" 1',
      '__name__="m_a",i="3" 1',
    ],
  );
});

test('a storage that takes no new series refuses the write with its reason, and then takes it', async () => {
  const under = await opened();
  const { storage } = under;
  assert.ok(storage instanceof ShardedStorage);
  const { write } = threadOf(under);
  await write('m,i=1 f=1 1');
  const resolves = storage.shards.map((shard) => shard.resolveBytes.bind(shard));
  for (const shard of storage.shards)
    shard.resolveBytes = () => {
      throw new AppError('unavailable', 'memory-full', 'full', { retryAfterSec: 5 });
    };
  await write('m,i=1 f=1 2');
  const text = 'm,i=1 f=1 3\nm,i=2 f=1 3\nn,i=3 g=1 3';
  for (let i = 0; i < 2; i++)
    await assert.rejects(write(text), { code: 'memory-full', retryable: true, retryAfterSec: 5 });
  assert.equal((await readRows(storage)).length, 2);
  for (const [i, shard] of storage.shards.entries()) shard.resolveBytes = resolves[i]!;
  assert.equal((await write(text)).scan.pointCount, 3);
  assert.equal((await readRows(storage)).length, 5);
});

test('a tenant that may not write makes no series, and later writes all it sent', async () => {
  const under = await opened();
  let isAdmitted = false;
  const admit = (): void => {
    if (!isAdmitted) throw new AppError('limited', 'tenant-count', 'one too many');
  };
  const { write } = threadOf(under, { admit });
  await assert.rejects(write('m,i=1 f=1 1\nm,i=2 f=2 1'), { code: 'tenant-count' });
  assert.equal(under.storage.stats().seriesInMemory, 0);
  isAdmitted = true;
  assert.equal((await write('m,i=1 f=1 1\nm,i=2 f=2 1')).scan.pointCount, 2);
  assert.equal((await readRows(under.storage)).length, 2);
});

test('threads write what one thread writes, whatever they know and forget', async () => {
  const line = fc.record({
    thread: fc.nat(2),
    name: fc.constantFrom('m a_b', 'm_a b', 'm a', 'é x'),
    tags: fc.constantFrom('', ',i=1', ',i=2', ',ü=long\\ enough'),
    value: fc.constantFrom('1', '2i', 't', '"text"', '3u'),
    tUs: fc.nat(3),
  });
  // A flush with every series idle, a reopened storage with all threads new, or a batch.
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.array(line, { minLength: 1, maxLength: 6 }) },
    { weight: 1, arbitrary: fc.constantFrom('idle', 'reopen') },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const [one, three] = [await new TsdbUnderTest().open(), await opened()];
      const begin = () => ({
        alone: writer(new Ingest({ storage: one.storage, prng: seededPrng(2) })),
        threads: [threadOf(three), threadOf(three, { seriesMax: 3 }), threadOf(three)],
      });
      let { alone, threads } = begin();
      for (const lines of steps)
        if (typeof lines === 'string') {
          for (const under of [one, three]) {
            under.clock.ms += SERIES_IDLE_MS;
            await under.storage.flush();
            if (lines === 'reopen') await under.reopen();
          }
          if (lines === 'reopen') ({ alone, threads } = begin());
        } else {
          const text = lines.map(({ name, tags, value, tUs }) => {
            const [measurement, field] = name.split(' ');
            return `${measurement}${tags} ${field}=${value} ${tUs}`;
          });
          const wrote = await alone(text.join('\n'));
          const crossed = await threads[lines[0]!.thread]!.write(text.join('\n'));
          assert.deepEqual(crossed.scan, wrote.scan);
        }
      assert.deepEqual(await readRows(three.storage), await readRows(one.storage));
      const splits = (under: TsdbUnderTest) =>
        withContext(under.storage, (c) => under.storage.splits(c));
      assert.deepEqual(await splits(three), await splits(one));
    }),
    { numRuns: 100 },
  );
});
