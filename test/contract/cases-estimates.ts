// What caches and limits ask before they read: estimates from the index, and the number that says
// whether points have changed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matcher } from '../../src/model/matcher.ts';
import type { SelectorEstimate, Storage } from '../../src/model/storage.ts';
import { appendOptions, withContext } from './contexts.ts';
import { point, writeRows } from './rows.ts';
import type { OpenStorage, StorageCase } from './storage-case.ts';

const SEC = 1_000_000;
const ROWS = Array.from({ length: 600 }, (_, i) =>
  point({ __name__: i % 3 === 0 ? 'a' : 'b', host: `h${i % 12}`, dc: `d${i % 2}` }, i * SEC, i),
);
const EVER = { startUs: 0, endUs: 1e9 * SEC };

function estimate(
  storage: Storage,
  name: string,
  { startUs = EVER.startUs, endUs = EVER.endUs, labelLimit = 0 } = {},
): Promise<SelectorEstimate> {
  const matchers = [matcher('__name__', '=', name)];
  return withContext(storage, (c) => storage.estimate(c, { matchers, startUs, endUs, labelLimit }));
}

export const estimateCases: readonly StorageCase[] = [
  {
    name: 'estimates tell series exactly, points about, labels by their values',
    steps: [(s) => writeRows(s, ROWS), (s) => writeRows(s, [point('other', 1, 1)])],
    check: async (s) => {
      const all = await estimate(s, 'a', { labelLimit: 2 });
      assert.equal(all.seriesCount, 4);
      assert.ok(Math.abs(all.sampleCount - 200) <= 20, String(all.sampleCount));
      assert.ok(all.sizeBytes > 0);
      const names = all.byLabel.map(({ name }) => name);
      assert.deepEqual(names, ['host', 'dc']);
      const valueCount = all.byLabel[0]?.valueCount ?? 0;
      assert.ok(valueCount > 2 && valueCount <= 4, String(valueCount));
      assert.deepEqual((await estimate(s, 'b')).byLabel, []);
      const half = await estimate(s, 'b', { startUs: 300 * SEC });
      assert.equal(half.seriesCount, 8);
      assert.ok(Math.abs(half.sampleCount - 200) <= 20, String(half.sampleCount));
      const none = { seriesCount: 0, sampleCount: 0, sizeBytes: 0, byLabel: [] };
      assert.deepEqual(await estimate(s, 'c', { labelLimit: 2 }), none);
      const backwards = await estimate(s, 'a', { startUs: 10, endUs: 5, labelLimit: 2 });
      assert.deepEqual(backwards, none);
    },
  },
];

/** Versions belong to a running process; a reopened storage may begin anew. */
export function changeTests(open: OpenStorage): void {
  test('changes: late writes and deletes move the version of what they touch', async () => {
    const { storage } = await open();
    const range = { startUs: 100 * SEC, endUs: 200 * SEC };
    const version = (name: string | undefined = 'a'): number =>
      storage.changeVersion('default', name, range);
    await writeRows(storage, [point('a', 150 * SEC, 1)]);
    const count = (): number => storage.writeCount('default');
    const counts = [count()];
    storage.watchChanges(160 * SEC);
    const first = version();
    await writeRows(storage, [point('a', 160 * SEC, 1), point('a', 1e6 * SEC, 1)]);
    assert.equal(version(), first);
    counts.push(count());
    await storage.flush();
    assert.equal(version(), first);
    assert.equal(count(), counts[1]);
    await writeRows(storage, [point('a', 160 * SEC - 1, 2)]);
    const second = version();
    assert.ok(second > first);
    assert.ok(version(undefined) > 0);
    assert.equal(version('another'), 0);
    assert.equal(storage.changeVersion('default', 'a', { startUs: 0, endUs: 1 }) > second, false);
    const all = { matchers: [matcher('__name__', '=', 'a')], ...EVER, dryRun: false };
    await storage.delete(all, appendOptions());
    assert.ok(version() > second);
    counts.push(count());
    assert.ok(counts[0]! > 0 && counts[1]! > counts[0]! && counts[2]! > counts[1]!);
    await storage.close();
  });
}
