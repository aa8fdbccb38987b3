// Limits and what is used of them across starts: points of the day count on, also after a kill, for
// tenants and for tokens, with one shard and with several.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

interface Limit {
  readonly used?: number;
}

async function usedOf(server: RunningOrrery, path: string): Promise<Record<string, Limit>> {
  const answer = await server.get(`/orrery/v1/tenants/${path}`);
  assert.equal(answer.status, 200, answer.text);
  return (JSON.parse(answer.text) as { effective: Record<string, Limit> }).effective;
}

const LINES = ['m,h=a v=1', 'm,h=b v=1', 'm,h=c v=1', 'm,h=d v=1'].join('\n');

for (const shards of [1, 2])
  test(`points of the day survive a kill, ${shards} shards`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-day-'));
    const flags = ['--no-collect', '--data', folder, '--shards', String(shards)];
    const write = (server: RunningOrrery) =>
      server.post('/write', LINES, { headers: { 'X-Scope-OrgID': 'daily' } });
    try {
      const first = await startOrrery(flags);
      const draft = JSON.stringify({
        name: 'daily',
        limits: { 'points-per-day': 6, 'new-series-per-minute': 10 },
      });
      assert.equal((await first.post('/orrery/v1/tenants', draft)).status, 201);
      assert.equal((await write(first)).status, 204);
      const used = await usedOf(first, 'daily/limits');
      assert.equal(used['points-per-day']?.used, 4);
      assert.equal(used['active-series']?.used, 4);
      assert.equal(used['new-series-per-minute']?.used, 4);
      assert.equal(used['samples-per-second']?.used, 4);
      assert.equal(used['query-concurrency']?.used, 0);
      assert.equal(used['body-bytes']?.used, undefined);
      await first.kill();
      const second = await startOrrery(flags);
      assert.equal((await usedOf(second, 'daily/limits'))['points-per-day']?.used, 4);
      assert.equal((await write(second)).status, 204, 'two are left, and a batch is taken whole');
      await second.stop();
      const third = await startOrrery(flags);
      const refused = await write(third);
      assert.equal(refused.status, 429, refused.text);
      assert.match(refused.text, /over its limit points-per-day: 8, at most 6/);
      await third.stop();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
