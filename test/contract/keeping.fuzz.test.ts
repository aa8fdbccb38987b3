// Random histories of writes, deletes, retention and a clock that goes on, against the in-memory
// storage: whatever is flushed, merged, cleaned or reopened between, both show the same, and after
// cleaning the parts hold no sample that is deleted or expired.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { matcher } from '../../src/model/matcher.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { DAY_US } from '../../src/tsdb/partitions.ts';
import { appendOptions } from './contexts.ts';
import { MemoryStorage } from './memory-storage.ts';
import { point, readRows, writeRows } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const RUNS = 60;
const NOW_US = Date.UTC(2026, 0, 1) * 1000;
const DAY_MS = DAY_US / 1000;
const TENANTS = ['red', 'blue'];

/** Days before the start; negative: after it. */
const day = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: -3, max: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
);
const tenant = fc.constantFrom(...TENANTS);

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      tenant,
      rows: fc.array(fc.tuple(fc.nat(2), day, fc.nat(9)), { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      tenant,
      series: fc.nat(2),
      from: day,
      days: fc.nat(6),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('retention' as const),
      tenant,
      // Only ever shorter: what a longer one shows again depends on what was removed.
      factor: fc.constantFrom(0.9, 0.7, 0.4),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('flush', 'compact', 'clean', 'reopen', 'later'),
    }),
  },
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

class History {
  readonly under = new TsdbUnderTest({ settings: { level0PartsMax: 2, partitionPartsMax: 2 } });
  readonly model = new MemoryStorage(undefined, () => this.under.clock.nowMs());
  readonly #days = new Map<string, number>();

  async apply(one: Operation): Promise<void> {
    if (one.kind === 'reopen') await this.under.reopen();
    else if (one.kind === 'later') this.under.clock.ms += DAY_MS / 2;
    else {
      const results = [];
      // In the same place of the history on both.
      const days = one.kind === 'retention' ? this.#shorter(one.tenant, one.factor) : 0;
      for (const storage of [this.under.storage, this.model])
        results.push(await this.#applyTo(storage, one, days));
      assert.deepEqual(results[0], results[1]);
    }
    if (one.kind === 'clean') await this.#checkClean();
  }

  #shorter(name: string, factor: number): number {
    const days = (this.#days.get(name) ?? 40) * factor;
    this.#days.set(name, days);
    return days;
  }

  async #applyTo(storage: Storage, one: Operation, days: number): Promise<unknown> {
    if (one.kind === 'flush') return storage.flush();
    if (one.kind === 'compact') return storage.compact();
    if (one.kind === 'clean') return storage.cleanTombstones();
    if (!('tenant' in one)) return undefined;
    const principal = openPrincipal(one.tenant);
    if (one.kind === 'write') {
      const rows = one.rows.map(([series, ago, value]) =>
        point({ __name__: 'm', i: String(series) }, NOW_US - ago * DAY_US + series, value),
      );
      return writeRows(storage, rows, { principal });
    }
    if (one.kind === 'delete') {
      const startUs = NOW_US - one.from * DAY_US;
      const range = { startUs, endUs: startUs + one.days * DAY_US };
      const matchers = [matcher('i', '=', String(one.series))];
      return storage.delete({ ...range, matchers, dryRun: false }, appendOptions({ principal }));
    }
    const timeMs = Math.floor(days * DAY_MS);
    return storage.setRetention(one.tenant, { timeMs, sizeBytes: undefined });
  }

  /** Rewrites in several parts count more than once, so parts may hold more, never other points. */
  async #checkClean(): Promise<void> {
    await this.under.storage.compact();
    const { levels } = this.under.storage.house()[0]!;
    const stored = levels.reduce((sum, one) => sum + one.sampleCount, 0);
    let shown = 0;
    for (const name of TENANTS)
      shown += (await readRows(this.under.storage, { principal: openPrincipal(name) })).length;
    assert.equal(stored, shown);
  }

  async check(): Promise<void> {
    for (const name of TENANTS) {
      const principal = openPrincipal(name);
      const [found, expected] = await Promise.all(
        [this.under.storage, this.model].map((storage) => readRows(storage, { principal })),
      );
      assert.deepEqual(found, expected);
    }
  }
}

test('histories with retention and cleaning never differ from the in-memory storage', async () => {
  const operations = fc.array(operation, { minLength: 1, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(operations, async (list) => {
      const history = new History();
      await history.under.open();
      for (const one of list) await history.apply(one);
      await history.check();
      await history.under.reopen();
      await history.check();
      await history.under.storage.close();
    }),
    { numRuns: RUNS },
  );
});
