// The active series that a tenant is told are those it wrote, to the unit, up to a million: while
// they come, when they come again, after deletes, flushes and merges, after kill -9 and after a
// clean start; at its limit it writes all of them on then, and nothing new. ORRERY_SOAK_SERIES
// chooses how many; ORRERY_TEST_PATIENCE=30 where it runs behind other work.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startOrrery } from '../apptest/harness.ts';
import type { RunningOrrery } from '../apptest/harness.ts';

const SERIES = Number(process.env['ORRERY_SOAK_SERIES'] ?? 1_000_000);
const BATCH = 20_000;

async function write(orrery: RunningOrrery, from: number, to: number): Promise<void> {
  for (let start = from; start < to; start += BATCH) {
    const count = Math.min(BATCH, to - start);
    const lines = Array.from({ length: count }, (_, i) => `m,i=${start + i},h=h${i % 50} v=1`);
    const { status, text } = await orrery.post('/write', lines.join('\n'));
    assert.equal(status, 204, text);
  }
}

async function active(orrery: RunningOrrery): Promise<number> {
  const { text } = await orrery.get('/orrery/v1/tenants/default/limits');
  const { effective } = JSON.parse(text) as { effective: Record<string, { used?: number }> };
  return effective['active-series']!.used!;
}

for (const shards of [1, 3])
  test(`${SERIES} active series, ${shards} shards`, { timeout: 3_000_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-soak-'));
    const args = ['--no-collect', '--data', folder, '--memory', '4GiB', `--shards=${shards}`];
    try {
      const first = await startOrrery(args);
      for (let part = 1; part <= 10; part++) {
        await write(first, ((part - 1) * SERIES) / 10, (part * SERIES) / 10);
        assert.equal(await active(first), (part * SERIES) / 10);
      }
      await write(first, SERIES / 4, SERIES / 2);
      assert.equal(await active(first), SERIES, 'those that come again count once');
      await first.post('/orrery/v1/delete?match[]=m_v{h=~"h1.*"}', '');
      assert.equal(await active(first), SERIES, 'what is deleted was written');
      await first.post('/orrery/v1/admin/flush', '');
      await first.post('/orrery/v1/admin/compact', '');
      assert.equal(await active(first), SERIES);
      await write(first, SERIES / 10, SERIES / 2);
      assert.equal(await active(first), SERIES);
      await first.kill();
      const second = await startOrrery([...args, '--limit', `active-series=${SERIES}`]);
      assert.equal(await active(second), SERIES, 'parts and log');
      const { status, text } = await second.post('/write', `m,i=${SERIES} v=1`);
      assert.equal(status, 400, text);
      await write(second, 0, SERIES);
      assert.equal(await active(second), SERIES);
      await second.post('/orrery/v1/admin/flush', '');
      await second.stop();
      const third = await startOrrery(args);
      assert.equal(await active(third), SERIES, 'parts alone');
      await third.stop();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
