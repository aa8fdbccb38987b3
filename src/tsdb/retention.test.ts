// Horizons: from limits of time by the clock, from limits of bytes by what parts hold.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Part } from './part-reader.ts';
import { RetentionTable, shareBelow } from './retention.ts';

const NONE = { timeMs: undefined, sizeBytes: undefined };
const HOUR_MS = 3_600_000;

interface TenantShare {
  readonly tenant: string;
  readonly sampleCount: number;
  readonly minUs: number;
  readonly maxUs: number;
}

/** What the table looks at of a part. */
function part(sizeBytes: number, ...tenants: readonly TenantShare[]): Part {
  const sampleCount = tenants.reduce((sum, one) => sum + one.sampleCount, 0);
  const fake = { row: { sizeBytes, sampleCount }, isDamaged: false, tenants: async () => tenants };
  return fake as unknown as Part;
}

test("by default nothing expires; a default and a tenant's own limit", () => {
  const open = new RetentionTable(NONE);
  assert.equal(open.horizonUs('a', 1e12), Number.NEGATIVE_INFINITY);
  assert.equal(open.latestHorizonUs(1e12), Number.NEGATIVE_INFINITY);
  const day = new RetentionTable({ ...NONE, timeMs: 24 * HOUR_MS });
  const table = day.with('b', { ...NONE, timeMs: HOUR_MS }).with('c', NONE);
  assert.equal(table.horizonUs('a', 1e12), (1e12 - 24 * HOUR_MS) * 1000);
  assert.equal(table.horizonUs('b', 1e12), (1e12 - HOUR_MS) * 1000);
  assert.equal(table.horizonUs('c', 1e12), Number.NEGATIVE_INFINITY);
  assert.equal(table.latestHorizonUs(1e12), (1e12 - HOUR_MS) * 1000);
  assert.equal(table.with('b', undefined).horizonUs('b', 1e12), (1e12 - 24 * HOUR_MS) * 1000);
  assert.equal(day.own('b'), undefined, 'tables are immutable');
});

test('a limit in bytes puts the horizon where the newest points fit', async () => {
  const parts = [
    part(
      3000,
      { tenant: 'a', sampleCount: 100, minUs: 0, maxUs: 999 },
      { tenant: 'b', sampleCount: 200, minUs: 0, maxUs: 999 },
    ),
    part(1000, { tenant: 'a', sampleCount: 50, minUs: 1000, maxUs: 1999 }),
  ];
  const table = new RetentionTable(NONE).with('a', { ...NONE, sizeBytes: 1500 });
  const moved = await table.movedHorizons(parts, 0);
  assert.deepEqual([...moved], [['a', 500]]);
  const next = table.withHorizons(moved);
  assert.equal(next.horizonUs('a', 0), 500);
  assert.equal(next.horizonUs('b', 0), Number.NEGATIVE_INFINITY);
  assert.equal((await next.movedHorizons(parts, 0)).size, 0, 'nothing moves twice');
  assert.equal((await next.movedHorizons([], 0)).size, 0, 'a horizon does not fall');
  assert.equal(next.with('a', { ...NONE, sizeBytes: 9e9 }).horizonUs('a', 0), -Infinity);
});

test('shares of a range below a horizon', () => {
  const range = { minUs: 0, maxUs: 9 };
  assert.deepEqual(
    [-1, 0, 1, 5, 9, 10].map((horizon) => shareBelow(range, horizon)),
    [0, 0, 0.1, 0.5, 0.9, 1],
  );
});
