// Pins, cancellation and budgets: a query sees one consistent view and can be stopped.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_KINDS } from '../../src/model/columns.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { ReadContext } from '../../src/model/storage.ts';
import { DEFAULT_TENANT, openPrincipal } from '../../src/model/tenant.ts';
import { appendOptions, unlimitedBudget, withContext } from './contexts.ts';
import { asRead, checkRows, point, readRowsIn, writeRows } from './rows.ts';
import type { OpenStorage } from './storage-case.ts';

const rows = Array.from({ length: 30 }, (_, i) => point({ __name__: 'm', i: String(i % 3) }, i, i));
const sorted = rows
  .map(asRead)
  .toSorted((a, b) => (a.series === b.series ? a.tUs - b.tUs : a.series < b.series ? -1 : 1));
const EVER = {
  matchers: [],
  startUs: Number.NEGATIVE_INFINITY,
  endUs: Number.POSITIVE_INFINITY,
};

function viewTests(open: OpenStorage): void {
  test('pins: a view stays as it was while writes, deletes, flushes and merges go on', async () => {
    const { storage } = await open();
    await writeRows(storage, rows.slice(0, 10));
    await storage.flush();
    await writeRows(storage, rows.slice(10));
    await withContext(storage, async (context) => {
      const check = async (): Promise<void> =>
        assert.deepEqual(await readRowsIn(storage, context), sorted);
      await check();
      await writeRows(storage, [point({ __name__: 'm', i: '0' }, 0, 99), point('new', 1, 1)]);
      await check();
      await storage.flush();
      await check();
      const everything = { ...EVER, dryRun: false };
      await storage.delete(everything, appendOptions());
      await check();
      await writeRows(storage, [point('last', 1, 1)]);
      await storage.compact();
      await storage.compact();
      await check();
      const names = await storage.labelValues(context, '__name__', { ...EVER, limit: 0 });
      assert.deepEqual(names, ['m']);
    });
    await checkRows(storage, [point('last', 1, 1)]);
    await storage.close();
  });

  test('pins: a select in flight is not disturbed by a merge', async () => {
    const { storage } = await open();
    await writeRows(storage, rows.slice(0, 15));
    await storage.flush();
    await writeRows(storage, rows.slice(15));
    await storage.flush();
    await withContext(storage, async (context) => {
      const seen: number[] = [];
      for await (const { chunks } of storage.select(context, { ...EVER, kinds: ALL_KINDS })) {
        seen.push(...chunks.map((chunk) => chunk.count));
        await storage.compact();
      }
      assert.equal(
        seen.reduce((a, b) => a + b),
        rows.length,
      );
    });
    await storage.close();
  });
}

function stopTests(open: OpenStorage): void {
  test('an aborted query stops with the reason of its signal', async () => {
    const { storage } = await open();
    await writeRows(storage, rows);
    const controller = new AbortController();
    const pin = storage.pin();
    const context: ReadContext = {
      principal: openPrincipal(DEFAULT_TENANT),
      pin,
      signal: controller.signal,
      budget: unlimitedBudget,
    };
    const reason = new Error('enough');
    let count = 0;
    await assert.rejects(async () => {
      for await (const _ of storage.select(context, { ...EVER, kinds: ALL_KINDS })) {
        count++;
        controller.abort(reason);
      }
    }, reason);
    assert.equal(count, 1);
    await assert.rejects(storage.labelNames(context, { ...EVER, limit: 0 }), reason);
    pin.release();
    await storage.close();
  });

  test('a closed storage refuses writes and reads', async () => {
    const { storage } = await open();
    await writeRows(storage, rows);
    const pin = storage.pin();
    pin.release();
    await storage.close();
    await assert.rejects(writeRowsLate(storage), { code: 'closed' });
  });
}

function budgetTests(open: OpenStorage): void {
  test('what a query holds is taken from its budget and given back', async () => {
    const { storage } = await open();
    await writeRows(storage, rows);
    let held = 0;
    let peak = 0;
    const budget = {
      take: (sizeBytes: number) => {
        held += sizeBytes;
        peak = Math.max(peak, held);
      },
      give: (sizeBytes: number) => {
        held -= sizeBytes;
      },
    };
    await withContext(storage, async (context) => {
      await readRowsIn(storage, { ...context, budget });
      assert.ok(peak > 0);
      assert.equal(held, 0);
      const refuse = {
        take: () => {
          throw new Error('over budget');
        },
        give: () => undefined,
      };
      await assert.rejects(readRowsIn(storage, { ...context, budget: refuse }), /over budget/);
    });
    await storage.close();
  });
}

function heldNamesTests(open: OpenStorage): void {
  test('texts, series and counts that are kept for an answer are taken from the budget', async () => {
    const { storage } = await open();
    await writeRows(storage, rows);
    const all = { ...EVER, matchers: [], limit: 0 };
    const reads: readonly ((context: ReadContext) => Promise<unknown>)[] = [
      (context) => storage.labelValues(context, '__name__', all),
      (context) => storage.series(context, all),
      (context) => storage.cardinality(context, all),
    ];
    for (const isFlushed of [false, true]) {
      if (isFlushed) await storage.flush();
      await withContext(storage, async (context) => {
        for (const read of reads) {
          let held = 0;
          const take = (sizeBytes: number): void => void (held += sizeBytes);
          const give = (sizeBytes: number): void => void (held -= sizeBytes);
          await read({ ...context, budget: { take, give } });
          assert.ok(held > 0, `${read.toString()} of ${isFlushed ? 'a part' : 'the head'}`);
          const refuse = (sizeBytes: number): void => {
            if (sizeBytes > 0) throw new Error('over budget');
          };
          await assert.rejects(read({ ...context, budget: { take: refuse, give } }), /over budget/);
        }
      });
    }
    await storage.close();
  });

  test('a few values of many take what they are, not what the others are', async () => {
    const { storage } = await open();
    const names = Array.from({ length: 6000 }, (_, i) => `one ${(i * 4099) % 6000}`);
    const rowOf = (name: string): ReturnType<typeof point> => point({ __name__: 'm', name }, 1, 1);
    await writeRows(storage, names.map(rowOf));
    const expected = names.toSorted().slice(0, 5);
    for (const isFlushed of [false, true]) {
      if (isFlushed) await storage.flush();
      for (const matchers of [[], [matcher('name', '!=', 'one 9')]]) {
        const takenBytes: number[] = [];
        for (const limit of [5, 0])
          await withContext(storage, async (context) => {
            let held = 0;
            const budget = {
              take: (sizeBytes: number): void => void (held += sizeBytes),
              give: () => undefined,
            };
            const asked = { ...EVER, matchers, limit };
            const found = await storage.labelValues({ ...context, budget }, 'name', asked);
            assert.deepEqual(found.slice(0, 5), expected);
            assert.equal(found.length, limit === 0 ? 6000 - matchers.length : 5);
            takenBytes.push(held);
          });
        const [few, all] = takenBytes;
        assert.ok(few! * 5 < all!, `${few} of ${all} bytes, ${isFlushed ? 'a part' : 'the head'}`);
      }
    }
    await storage.close();
  });
}

export function pinTests(open: OpenStorage): void {
  viewTests(open);
  stopTests(open);
  budgetTests(open);
  heldNamesTests(open);
}

function writeRowsLate(storage: Parameters<typeof writeRows>[0]): Promise<unknown> {
  const batch = { points: [], metadata: [], exemplars: [], attributes: [], splits: [] };
  return storage.append(batch, appendOptions());
}
