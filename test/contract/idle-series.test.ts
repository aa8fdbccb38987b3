// Series that were not written for an hour leave the shard's memory: what they hold stays readable,
// their refs are refused, whoever still needs them keeps them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../src/model/batch-builder.ts';
import { AppError } from '../../src/model/errors.ts';
import { labelsFromObject } from '../../src/model/labels.ts';
import type { SeriesRef } from '../../src/model/columns.ts';
import { SERIES_IDLE_MS } from '../../src/tsdb/limits.ts';
import { appendOptions, withContext } from './contexts.ts';
import { checkRows, point, readRows, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const named = (n: number): Record<string, string> => ({ __name__: 'm', n: `${n}` });

function rows(from: number, to: number, tUs: number): Row[] {
  return Array.from({ length: to - from }, (_, i) => point(named(from + i), tUs, i));
}

function refs(under: TsdbUnderTest, from: number, to: number): SeriesRef[] {
  return Array.from({ length: to - from }, (_, i) =>
    under.storage.resolve('default', labelsFromObject(named(from + i))),
  );
}

async function append(under: TsdbUnderTest, used: readonly SeriesRef[], tUs: number) {
  const builder = new BatchBuilder();
  for (const ref of used) builder.f64(ref, tUs, 0, 1);
  return under.storage.append(builder.finish(), appendOptions());
}

function isStale(error: unknown): boolean {
  return error instanceof AppError && error.code === 'stale-ref';
}

test('an hour of silence and a flush: the ref is stale, its slot is another series, data stay', async () => {
  const under = await new TsdbUnderTest().open();
  await writeRows(under.storage, rows(0, 5, 1));
  const old = refs(under, 0, 5);
  under.clock.ms += SERIES_IDLE_MS;
  await writeRows(under.storage, rows(0, 2, 2));
  assert.deepEqual(refs(under, 0, 5), old, 'nothing leaves before a flush');
  await under.storage.flush();
  assert.equal(under.storage.stats().seriesInMemory, 2);
  await append(under, old.slice(0, 2), 3);
  for (const ref of old.slice(2)) await assert.rejects(append(under, [old[0]!, ref], 3), isStale);
  // Others take the slots; the old refs do not mean them.
  await writeRows(under.storage, rows(100, 110, 4));
  for (const ref of old.slice(2)) await assert.rejects(append(under, [ref], 5), isStale);
  const again = refs(under, 2, 5);
  for (const ref of again) assert.ok(!old.includes(ref));
  await append(under, again, 6);
  const expected = [...rows(0, 5, 1), ...rows(0, 2, 2), ...rows(100, 110, 4)];
  for (const n of [0, 1]) expected.push(point(named(n), 3, 1));
  for (const n of [2, 3, 4]) expected.push(point(named(n), 6, 1));
  await checkRows(under.storage, expected);
  await under.open();
  await checkRows(under.storage, expected);
  await under.reopen();
  await checkRows(under.storage, expected);
  assert.deepEqual(under.events, []);
});

test('a pin holds the series of its generation', async () => {
  const under = await new TsdbUnderTest().open();
  await writeRows(under.storage, rows(0, 3, 1));
  await withContext(under.storage, async (context) => {
    under.clock.ms += SERIES_IDLE_MS * 2;
    await under.storage.flush();
    await writeRows(under.storage, rows(50, 60, 2));
    const seen: string[] = [];
    const all = { matchers: [], startUs: -1e15, endUs: 1e15, kinds: 0xff };
    for await (const { labels } of under.storage.select(context, all)) seen.push(labels.join());
    assert.equal(seen.length, 3);
    assert.ok(seen[0]!.includes('m,n,0'));
  });
  assert.equal(under.storage.stats().seriesInMemory, 13);
  under.clock.ms += SERIES_IDLE_MS * 2;
  await under.storage.flush();
  assert.equal(under.storage.stats().seriesInMemory, 0);
  assert.equal((await readRows(under.storage)).length, 13);
});

test('what is on its way during the flush keeps its series', async () => {
  const under = await new TsdbUnderTest().open();
  await writeRows(under.storage, rows(0, 4, 1));
  const old = refs(under, 0, 4);
  under.clock.ms += SERIES_IDLE_MS * 2;
  const flushed = under.storage.flush();
  const write = append(under, [old[3]!], 2);
  await Promise.all([flushed, write]);
  await append(under, [old[3]!], 3);
  await assert.rejects(append(under, [old[0]!], 3), isStale);
  const more = [point(named(3), 2, 1), point(named(3), 3, 1)];
  await checkRows(under.storage, [...rows(0, 4, 1), ...more]);
});
