// A server of three shards: writers, deletes and kill -9 lose nothing; its number of shards is kept
// by the folder, and another one is refused.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { durabilityRun } from '../support/durability-run.ts';
import { runOrrery, startOrrery } from './harness.ts';

test('three shards: acknowledged writes survive kill -9', { timeout: 180_000 }, async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-shards-'));
  const args = ['--no-collect', '--data', data];
  try {
    const { kills, acknowledgedPoints, violations } = await durabilityRun({
      start: (env) => startOrrery([...args, '--shards', '3'], { env }),
      seed: 3,
      randomKills: 4,
      killsPerPlace: 0,
    });
    assert.ok(kills >= 4 && acknowledgedPoints > kills * 100, 'the writers hardly wrote');
    assert.deepEqual(violations.slice(0, 20), []);
    const refused = await runOrrery([...args, '--shards', '2']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /are in 3 shards and cannot be opened with 2/);
    const again = await startOrrery(args);
    await again.stop();
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
