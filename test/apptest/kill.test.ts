// Kills at random moments and in the middle of named places under writers that rewrite and delete,
// with flushes, merges, snapshots and backups forced: nothing acknowledged is lost, nothing deleted
// comes back, nothing unsent appears.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { durabilityRun, KILL_PLACES } from '../support/durability-run.ts';
import { startOrrery } from './harness.ts';

const KILLS = Number(process.env['ORRERY_TEST_KILLS'] ?? 24);
const SEED = Number(process.env['ORRERY_TEST_SEED'] ?? 1);

test('acknowledged writes survive kill -9', { timeout: 60_000 + KILLS * 15_000 }, async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-kill-'));
  // So small a log would never have a head snapshot.
  const small = { ORRERY_TEST_HEAD_LOG_BYTES: '100000' };
  const killsPerPlace = Math.floor(KILLS / 3 / 4);
  try {
    const report = await durabilityRun({
      start: (env) => startOrrery(['--no-collect', '--data', data], { env: { ...small, ...env } }),
      seed: SEED,
      randomKills: KILLS - killsPerPlace * KILL_PLACES.length,
      killsPerPlace,
    });
    const { kills, places, acknowledgedPoints, acknowledgedDeletes, violations } = report;
    console.log(
      JSON.stringify({ seed: SEED, kills, places, acknowledgedPoints, acknowledgedDeletes }),
    );
    assert.ok(acknowledgedPoints > kills * 100, 'the writers hardly wrote');
    assert.ok(acknowledgedDeletes > kills, 'the writers hardly deleted');
    assert.deepEqual(violations.slice(0, 20), []);
    for (const place of KILL_PLACES)
      assert.ok((places[place] ?? 0) >= 1, `no kill fell into ${place}`);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
