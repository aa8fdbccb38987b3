// Several shards beside one: the same answers to the last bit, a batch id that completes what a
// failed log left half done, and a number of shards that nobody changes by accident.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { NUMERIC_KINDS } from '../../src/model/columns.ts';
import { labelsFromObject } from '../../src/model/labels.ts';
import { matcher } from '../../src/model/matcher.ts';
import { pagesLabels } from '../../src/model/series-page.ts';
import type { LeafPlan, Storage } from '../../src/model/storage.ts';
import { FatalError } from '../../src/stdx/assert.ts';
import { AppError } from '../../src/model/errors.ts';
import { withContext } from './contexts.ts';
import { checkRows, point, readRows, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const ALL_TIME = {
  matchers: [],
  startUs: Number.NEGATIVE_INFINITY,
  endUs: Number.POSITIVE_INFINITY,
};
const id = new Uint8Array(16).fill(7);
const rows = Array.from({ length: 60 }, (_, i) =>
  point({ __name__: `m${i % 4}`, host: `h${i % 20}`, dc: `d${i % 3}` }, i * 1000, Math.sqrt(i)),
);

async function pair(): Promise<readonly [TsdbUnderTest, TsdbUnderTest]> {
  return [await new TsdbUnderTest().open(), await new TsdbUnderTest({}, 3).open()];
}

async function answers(storage: Storage, limit: number): Promise<unknown> {
  return withContext(storage, async (c) => ({
    names: await storage.labelNames(c, { ...ALL_TIME, limit }),
    values: await storage.labelValues(c, 'host', { ...ALL_TIME, limit }),
    series: await storage.series(c, { ...ALL_TIME, limit }),
    pages: await pagesLabels(storage.seriesPages(c, { ...ALL_TIME, limit })),
    cardinality: await storage.cardinality(c, { ...ALL_TIME, limit }),
    metadata: await storage.metadata(c, { family: undefined, limit }),
    one: await storage.metadata(c, { family: 'f1', limit: 0 }),
    exemplars: await storage.exemplars(c, ALL_TIME),
    attributes: await storage.attributes(c, ALL_TIME),
    splits: await storage.splits(c),
    tenants: storage.tenants(),
  }));
}

function plan(grouping: LeafPlan['grouping']): LeafPlan {
  return {
    matchers: [],
    startUs: 0,
    endUs: 60_000,
    stepUs: 5000,
    windowUs: 20_000,
    lookbackUs: 10_000,
    bounds: 'left-open',
    kernel: 'avg',
    args: [],
    grouping,
    kinds: NUMERIC_KINDS,
  };
}

test('several shards answer as one shard does, under every limit', async () => {
  const series = fc.record({
    __name__: fc.constantFrom('a', 'b', 'c'),
    host: fc.string({ maxLength: 2, unit: 'grapheme-ascii' }),
    dc: fc.constantFrom('', 'x', 'y'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(series, { maxLength: 40 }), fc.nat(6), async (list, limit) => {
      const both = await pair();
      for (const { storage } of both)
        await writeRows(
          storage,
          list.map((labels, i) => point(labels, i, i)),
          {},
          (b, ref) => {
            for (let i = 0; i < 5; i++) {
              b.metadata({ family: `f${i}`, type: 'gauge', unit: '', help: '' });
              b.split({ name: `a_${i}`, measurement: 'a', field: String(i) });
            }
            for (const [i, labels] of list.entries()) {
              b.exemplar({ ref: ref(labels), labels: [], tUs: i, subNs: 0, value: i });
              b.attribute({ ref: ref(labels), key: 'k', value: String(i) });
            }
          },
        );
      const [one, three] = both;
      assert.deepEqual(await answers(three.storage, limit), await answers(one.storage, limit));
      assert.deepEqual(await readRows(three.storage), await readRows(one.storage));
    }),
    { numRuns: 40 },
  );
});

test('a leaf has the same bits with one shard and with three', async () => {
  const [one, three] = await pair();
  for (const { storage } of [one, three]) await writeRows(storage, rows);
  for (const aggregation of ['sum', 'avg', 'stddev'] as const)
    for (const labels of [[], ['dc']]) {
      const leaf = plan({ aggregation, mode: 'by', labels });
      const run = (s: Storage): Promise<unknown> => withContext(s, (c) => s.runLeaf(c, leaf));
      assert.deepEqual(await run(three.storage), await run(one.storage));
    }
});

test('shards spread their series, and name their blobs and keys apart', async () => {
  const [, three] = await pair();
  await writeRows(three.storage, rows);
  await three.storage.flush();
  const shards = three.blobs.partNames.map((name) => name.split('/')[1]);
  assert.deepEqual(shards, ['0', '1', '2']);
  assert.deepEqual(
    three.logs.map((log) => log.endOffset),
    [1, 1, 1],
  );
});

test('a batch that one log refused is completed by its retry, and not applied twice', async () => {
  const [, three] = await pair();
  const log = three.logs[1]!;
  const append = log.append.bind(log);
  log.append = () => {
    throw new AppError('unavailable', 'disk-full', 'no space', { retryAfterSec: 1 });
  };
  const write = (some: readonly Row[]): Promise<{ applied: boolean }> =>
    writeRows(three.storage, some, { batchId: id });
  await assert.rejects(write(rows), { code: 'disk-full' });
  const half = await readRows(three.storage);
  assert.ok(half.length > 0 && half.length < rows.length, `${half.length} rows`);
  log.append = append;
  await three.open();
  assert.deepEqual(await write(rows), { applied: true });
  await checkRows(three.storage, rows);
  assert.deepEqual(await write([point('other', 1, 1)]), { applied: false });
  await three.open();
  assert.deepEqual(await write(rows), { applied: false });
  await checkRows(three.storage, rows);
});

test('refs of different shards never meet', async () => {
  const [, three] = await pair();
  const refs = rows.map((row) => three.storage.resolve('default', labelsFromObject(row.series)));
  assert.equal(new Set(refs).size, 60);
});

test('a select that is left early closes the streams of all shards', async () => {
  const [, three] = await pair();
  await writeRows(three.storage, rows);
  let held = 0;
  const budget = {
    take: (sizeBytes: number) => {
      held += sizeBytes;
    },
    give: (sizeBytes: number) => {
      held -= sizeBytes;
    },
  };
  await withContext(three.storage, async (context) => {
    const request = { ...ALL_TIME, matchers: [matcher('dc', '!=', '')], kinds: NUMERIC_KINDS };
    for await (const _ of three.storage.select({ ...context, budget }, request)) {
      assert.ok(held > 0);
      break;
    }
  });
  assert.equal(held, 0);
});

test('the number of shards is what the data say, or refused', async () => {
  const [one, three] = await pair();
  await writeRows(three.storage, rows);
  await three.storage.close();
  const withShards = (under: TsdbUnderTest, shardCount: number | undefined): TsdbUnderTest =>
    Object.assign(under, { shardCount });
  await assert.rejects(withShards(three, 2).open(), (error: Error) => {
    assert.ok(error instanceof FatalError);
    assert.match(error.message, /are in 3 shards and cannot be opened with 2: start with/);
    return true;
  });
  await assert.rejects(withShards(one, 3).open(), /are in 1 shard and cannot be opened with 3/);
  const again = await withShards(three, undefined).open();
  await checkRows(again.storage, rows);
});
