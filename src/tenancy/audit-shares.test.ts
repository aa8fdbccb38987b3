// Whose rows go from a full audit log, whoever goes on writing to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT } from '../model/tenant.ts';
import { AuditShares } from './audit-shares.ts';

/** A log of 100 rows that somebody goes on writing to; whose rows are left. */
function afterFlood(first: readonly string[], flooder: string, count: number): string[] {
  const shares = new AuditShares(100);
  const rows = new Map(first.map((tenant, i) => [i, tenant]));
  for (const [seq, tenant] of rows) shares.add(tenant, seq);
  for (let seq = first.length; seq < first.length + count; seq++) {
    const victim = shares.victim();
    if (victim !== undefined) {
      shares.remove(victim);
      assert.ok(rows.delete(victim));
    }
    rows.set(seq, flooder);
    shares.add(flooder, seq);
    assert.ok(rows.size <= 100);
  }
  return [...rows.values()];
}

function countOf(rows: readonly string[], tenant: string): number {
  return rows.filter((one) => one === tenant).length;
}

test('a tenant that goes on and on pushes out a tenth of the log, and then itself', () => {
  const first = Array.from({ length: 100 }, (_, i) => (i % 20 === 7 ? 'small' : DEFAULT_TENANT));
  const rows = afterFlood(first, 'loud', 10_000);
  assert.ok(countOf(rows, 'loud') <= 11, `${countOf(rows, 'loud')}`);
  assert.ok(countOf(rows, 'small') >= 4);
  assert.ok(countOf(rows, DEFAULT_TENANT) >= 80);
});

test('admins of the server push out the oldest, as time does', () => {
  const first = Array.from({ length: 100 }, (_, i) => (i < 50 ? 'a' : 'b'));
  const rows = afterFlood(first, DEFAULT_TENANT, 1_000);
  assert.deepEqual(new Set(rows), new Set([DEFAULT_TENANT]));
});
