// Use as series: which there are, and whose.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unlimitedBudget } from '../../../test/contract/contexts.ts';
import { MemoryStorage } from '../../../test/contract/memory-storage.ts';
import { Ingest } from '../../ingest/ingest.ts';
import { ALL_KINDS, KIND } from '../../model/columns.ts';
import { labelsToObject } from '../../model/labels.ts';
import { openPrincipal } from '../../model/tenant.ts';
import { seededPrng } from '../../stdx/prng.ts';
import { writeUsageSeries } from './usage-series.ts';

test('use is told as series of the tenant, by protocol and token', async () => {
  const nowMs = Date.UTC(2026, 2, 1);
  const clock = { nowMs: () => nowMs, monotonicMs: () => 0 };
  const storage = new MemoryStorage(undefined, clock.nowMs);
  const ingest = new Ingest({ storage, prng: seededPrng(3) });
  await writeUsageSeries({ ingest, clock }, 'acme', []);
  await writeUsageSeries({ ingest, clock }, 'acme', [
    { tokenId: 'abc', protocol: 'influx', values: { pointsWritten: 12, requests: 2 } },
    { tokenId: '', protocol: 'storage', values: { activeSeries: 7, bytesStored: 4096 } },
  ]);
  const context = {
    principal: openPrincipal('acme'),
    pin: storage.pin(),
    signal: new AbortController().signal,
    budget: unlimitedBudget,
  };
  const request = { matchers: [], startUs: 0, endUs: nowMs * 1000, kinds: ALL_KINDS };
  const found: string[] = [];
  for await (const { labels, chunks } of storage.select(context, request)) {
    const { __name__: name, ...rest } = labelsToObject(labels);
    const [chunk] = chunks;
    const value = chunk?.kind === KIND.f64 ? chunk.values[0] : undefined;
    found.push(`${name} ${Object.values(rest).join(' ')} ${value}`);
  }
  assert.deepEqual(found.toSorted(), [
    'orrery_usage_active_series  7',
    'orrery_usage_points_read_total influx abc 0',
    'orrery_usage_points_written_total influx abc 12',
    'orrery_usage_queries_total influx abc 0',
    'orrery_usage_query_cost_total influx abc 0',
    'orrery_usage_requests_total influx abc 2',
    'orrery_usage_stored_bytes  4096',
  ]);
});
