// Hundreds of kills of a real server; see test/apptest/kill.test.ts for what is checked.
// ORRERY_TEST_KILLS and ORRERY_TEST_SEED choose how many and which.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startOrrery } from '../apptest/harness.ts';
import { durabilityRun } from '../support/durability-run.ts';

const KILLS = Number(process.env['ORRERY_TEST_KILLS'] ?? 300);
const SEED = Number(process.env['ORRERY_TEST_SEED'] ?? 2);

test('hundreds of kills lose nothing', { timeout: 60_000 + KILLS * 15_000 }, async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-soak-'));
  try {
    const start = () => startOrrery(['--no-collect', '--data', data]);
    const report = await durabilityRun(start, { kills: KILLS, seed: SEED });
    const { kills, acknowledgedPoints, acknowledgedDeletes, violations } = report;
    console.log(JSON.stringify({ kills, acknowledgedPoints, acknowledgedDeletes }));
    assert.deepEqual(violations.slice(0, 20), []);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
