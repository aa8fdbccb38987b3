// A reader that looks through many series of the index lets others have their turn: for few that
// are in the head, where most have nothing after a flush, and for those that have a value.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NUMERIC_KINDS } from '../../src/model/columns.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { Matcher } from '../../src/model/matcher.ts';
import type { ReadContext } from '../../src/model/storage.ts';
import { HEAD_SEEK_SERIES } from '../../src/tsdb/limits.ts';
import { withContext } from './contexts.ts';
import { point, writeRows } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const SERIES_COUNT = 3 * HEAD_SEEK_SERIES;
const EARLY_US = 1e6;
const LATE_US = 1e9;
const ALL = [matcher('__name__', '=', 'm')];
const under = new TsdbUnderTest();
let turns = 0;

before(async () => {
  const { scheduler } = under;
  const yieldTurn = scheduler.yieldTurn.bind(scheduler);
  scheduler.yieldTurn = () => {
    turns++;
    return yieldTurn();
  };
  await under.open();
  const rows = Array.from({ length: SERIES_COUNT }, (_, i) =>
    point({ __name__: 'm', i: String(i) }, EARLY_US, i),
  );
  for (let from = 0; from < SERIES_COUNT; from += 4096)
    await writeRows(under.storage, rows.slice(from, from + 4096));
  await under.storage.flush();
  await writeRows(under.storage, [{ ...rows[7]!, tUs: LATE_US }]);
});

after(() => under.storage.close());

/** Turns that others have while something is read. */
async function turnsOf(read: (context: ReadContext) => Promise<void>): Promise<number> {
  const start = turns;
  await withContext(under.storage, read);
  return turns - start;
}

async function selectOne(context: ReadContext, matchers: readonly Matcher[]): Promise<void> {
  const range = { startUs: LATE_US - 1, endUs: LATE_US };
  let found = 0;
  const request = { matchers, ...range, kinds: NUMERIC_KINDS };
  for await (const series of under.storage.select(context, request)) found += series.chunks.length;
  assert.equal(found, 1);
}

test('who asks first which series have a value turns, later ones need not', async () => {
  const one = [matcher('i', '=', '7')];
  const first = await turnsOf((context) => selectOne(context, one));
  assert.ok(first >= 5, `${first} turns`);
  assert.equal(await turnsOf((context) => selectOne(context, one)), 0);
});

test('a selection that skips series turns', async () => {
  await turnsOf((context) => selectOne(context, ALL));
  const count = await turnsOf((context) => selectOne(context, ALL));
  assert.ok(count >= 2, `${count} turns`);
});

test('a range leaf that skips series turns', async () => {
  const count = await turnsOf(async (context) => {
    const { groups } = await under.storage.runLeaf(context, {
      matchers: ALL,
      startUs: LATE_US,
      endUs: LATE_US + 60e6,
      stepUs: 10e6,
      windowUs: 20e6,
      lookbackUs: 5e6,
      bounds: 'left-open',
      kernel: 'sum',
      args: [],
      grouping: undefined,
      kinds: NUMERIC_KINDS,
    });
    assert.equal(groups.length, 1);
  });
  assert.ok(count >= 2, `${count} turns`);
});
