// Twenty kills at random moments under a writer that rewrites and deletes, with flushes and merges
// forced: nothing acknowledged is lost, nothing deleted comes back, nothing unsent appears.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { durabilityRun } from '../support/durability-run.ts';
import { startOrrery } from './harness.ts';

const KILLS = Number(process.env['ORRERY_TEST_KILLS'] ?? 20);
const SEED = Number(process.env['ORRERY_TEST_SEED'] ?? 1);

test('acknowledged writes survive kill -9', { timeout: 60_000 + KILLS * 15_000 }, async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-kill-'));
  try {
    const start = () => startOrrery(['--no-collect', '--data', data]);
    const report = await durabilityRun(start, { kills: KILLS, seed: SEED });
    console.log(
      `${report.kills} kills (seed ${SEED}), ${report.acknowledgedPoints} points and ` +
        `${report.acknowledgedDeletes} deletes acknowledged`,
    );
    assert.ok(report.acknowledgedPoints > KILLS * 100, 'the writer hardly wrote');
    assert.ok(report.acknowledgedDeletes > KILLS, 'the writer hardly deleted');
    assert.deepEqual(report.violations.slice(0, 20), []);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
