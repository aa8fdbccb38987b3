// Sums since the start, bounded by tenants, and by tokens and protocols of each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { USAGE_TOTALS_MAX, USAGE_TOTALS_TENANTS_MAX } from './limits.ts';
import { UsageTotals } from './usage-totals.ts';

test('sums by tenant, token and protocol; what is beyond the bound is told together', () => {
  const totals = new UsageTotals();
  const add = (tenant: string, tokenId: string, count: number): void => {
    const values = totals.of({ tenant, tokenId, protocol: 'influx' });
    values.pointsWritten = (values.pointsWritten ?? 0) + count;
  };
  add('a', 't', 2);
  add('a', 't', 3);
  add('b', 't', 7);
  assert.deepEqual(totals.all('a'), [
    { tokenId: 't', protocol: 'influx', values: { pointsWritten: 5 } },
  ]);
  for (let i = 0; i < USAGE_TOTALS_MAX + 5; i++) add('a', `t${i}`, 1);
  const all = totals.all('a');
  assert.equal(all.length, USAGE_TOTALS_MAX + 1);
  assert.deepEqual(all.at(-1), { tokenId: 'other', protocol: '', values: { pointsWritten: 6 } });
  for (let i = 0; i < USAGE_TOTALS_TENANTS_MAX; i++) add(`c${i}`, '', 1);
  assert.deepEqual(totals.all('a'), [], 'the oldest tenant begins anew');
});
