// Pages of series, and values of labels, from parts that have more values and row groups than a
// page, one of which the range or a delete cuts through, beside the head, and what ends them early.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_KINDS } from '../../src/model/columns.ts';
import { compareUtf8, labelValue } from '../../src/model/labels.ts';
import type { Labels } from '../../src/model/labels.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { Matcher } from '../../src/model/matcher.ts';
import { PAGE_SERIES_MAX, pagesLabels } from '../../src/model/series-page.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { appendOptions, unlimitedBudget, withContext } from './contexts.ts';
import { point, writeRows } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const COUNT = 3000;

function pod(i: number): Record<string, string> {
  const id = String((i * 7919) % COUNT).padStart(5, '0');
  const labels: Record<string, string> = { __name__: 'm', id, zone: `z-${i % 7}` };
  if (i % 3 === 0) labels['kind'] = i % 2 === 0 ? 'é"\\' : '\u{1F600}\n';
  return labels;
}

/** Series i has one sample at i. */
const rows = Array.from({ length: COUNT }, (_, i) => point(pod(i), i, i));

async function filled(): Promise<Storage> {
  const { storage } = await new TsdbUnderTest().open();
  await writeRows(storage, rows);
  // Row groups of another name that no selector of the first one accepts.
  const others = Array.from({ length: 600 }, (_, i) =>
    point({ __name__: 'o', id: `o-${i}`, zone: 'o' }, i, i),
  );
  await writeRows(storage, others);
  await storage.flush();
  return storage;
}

async function check(storage: Storage, matchers: readonly Matcher[], endUs = COUNT): Promise<void> {
  const asked = { matchers, startUs: 0, endUs, kinds: ALL_KINDS };
  await withContext(storage, async (context) => {
    const expected: Labels[] = [];
    for await (const { labels } of storage.select(context, asked)) expected.push(labels);
    for (const limit of [0, 1, 700]) {
      const found = await pagesLabels(storage.seriesPages(context, { ...asked, limit }));
      assert.deepEqual(found, limit === 0 ? expected : expected.slice(0, limit));
    }
    for (const label of ['id', 'zone', 'kind']) {
      const values = new Set(expected.map((labels) => labelValue(labels, label)));
      values.delete('');
      const found = await storage.labelValues(context, label, { ...asked, limit: 0 });
      assert.deepEqual(found, [...values].toSorted(compareUtf8));
    }
  });
}

const SELECTORS: readonly (readonly Matcher[])[] = [
  [],
  [matcher('__name__', '=', 'm')],
  [matcher('__name__', '!=', 'm')],
  [matcher('zone', '=', 'z-3')],
  [matcher('id', '=~', '0100[0-9]')],
  [matcher('zone', '=', 'z-1'), matcher('__name__', '=', 'm')],
  [matcher('kind', '!=', ''), matcher('id', '=~', '.*7')],
  [matcher('id', '=', 'none')],
];

test('one part: whole, and cut by the range', async () => {
  const storage = await filled();
  for (const matchers of SELECTORS)
    for (const endUs of [COUNT, COUNT / 2, 10, -1]) await check(storage, matchers, endUs);
  await storage.close();
});

test('one part, of which deletes hide some', async () => {
  const storage = await filled();
  const matchers = [matcher('zone', '=~', 'z-[12]')];
  const gone = { matchers, startUs: 0, endUs: COUNT - 500, dryRun: false };
  await storage.delete(gone, appendOptions());
  for (const selector of SELECTORS) await check(storage, selector);
  await storage.close();
});

test('a part and the head, and two parts', async () => {
  const storage = await filled();
  const more = Array.from({ length: 900 }, (_, i) =>
    point({ ...pod(i * 5), new: `${i % 2}` }, 5, i),
  );
  await writeRows(storage, more);
  await writeRows(storage, rows.slice(100, 300));
  for (const selector of SELECTORS) await check(storage, selector);
  await storage.flush();
  for (const selector of SELECTORS) await check(storage, selector);
  await storage.close();
});

test('they end with the reason of the signal, page by page', async () => {
  const storage = await filled();
  const abort = new AbortController();
  const pin = storage.pin();
  const principal = openPrincipal('default');
  const context = { principal, pin, signal: abort.signal, budget: unlimitedBudget };
  const asked = { matchers: [], startUs: 0, endUs: COUNT, limit: 0 };
  const reason = new Error('gone');
  let count = 0;
  await assert.rejects(async () => {
    for await (const page of storage.seriesPages(context, asked)) {
      count += page.count;
      abort.abort(reason);
    }
  }, reason);
  assert.equal(count, PAGE_SERIES_MAX);
  pin.release();
  await storage.close();
});
