// Estimates over an index too large to be looked at series by series.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matcher } from '../../src/model/matcher.ts';
import type { Storage } from '../../src/model/storage.ts';
import { ESTIMATE_SLOTS } from '../../src/tsdb/limits.ts';
import { withContext } from './contexts.ts';
import { point, writeRows } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const SERIES = ESTIMATE_SLOTS * 3 + 5;

async function seriesCount(storage: Storage, label: string, pattern: string): Promise<number> {
  const matchers = [matcher('__name__', '=', 'm'), matcher(label, '=~', pattern)];
  const range = { startUs: 0, endUs: 10, labelLimit: 0 };
  return withContext(storage, async (c) => {
    const found = await storage.estimate(c, { matchers, ...range });
    assert.ok(Math.abs(found.sampleCount - found.seriesCount) <= found.seriesCount / 50);
    return found.seriesCount;
  });
}

test('of very many series a few in a hundred are missed, whatever repeats among them', async () => {
  const { storage } = await new TsdbUnderTest().open();
  const rows = Array.from({ length: SERIES }, (_, i) =>
    point({ __name__: 'm', i: String(i), third: String(i % 3), fourth: String(i % 4) }, 5, i),
  );
  await writeRows(storage, rows);
  const near = (found: number, expected: number): void =>
    assert.ok(Math.abs(found - expected) < expected * 0.05, `${found} of ${expected}`);
  near(await seriesCount(storage, 'i', '.*'), SERIES);
  near(await seriesCount(storage, 'third', '1'), SERIES / 3);
  near(await seriesCount(storage, 'fourth', '1|2'), SERIES / 2);
  await storage.close();
});
