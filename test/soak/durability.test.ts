// Hundreds of kills of a real server; see test/apptest/kill.test.ts for what is checked.
// ORRERY_TEST_KILLS and ORRERY_TEST_SEED choose how many and which.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startOrrery } from '../apptest/harness.ts';
import { durabilityRun, KILL_PLACES } from '../support/durability-run.ts';

const KILLS = Number(process.env['ORRERY_TEST_KILLS'] ?? 300);
const SEED = Number(process.env['ORRERY_TEST_SEED'] ?? 2);
/** Three quarters of the kills fall into named places, and a few miss theirs. */
const KILLS_PER_PLACE = Math.ceil((KILLS * 3) / 4 / KILL_PLACES.length);
const PLACE_MIN = Math.floor(KILLS_PER_PLACE * 0.8);

test('hundreds of kills lose nothing', { timeout: 60_000 + KILLS * 15_000 }, async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-soak-'));
  try {
    const report = await durabilityRun({
      // So little log that head snapshots are taken all the time.
      start: (env) =>
        startOrrery(['--no-collect', '--data', data], {
          env: { ...env, ORRERY_TEST_HEAD_LOG_BYTES: '65536' },
        }),
      seed: SEED,
      randomKills: KILLS - KILLS_PER_PLACE * KILL_PLACES.length,
      killsPerPlace: KILLS_PER_PLACE,
    });
    const { violations, ...counts } = report;
    console.log(JSON.stringify({ seed: SEED, ...counts }));
    assert.deepEqual(violations.slice(0, 20), []);
    for (const place of KILL_PLACES)
      assert.ok((report.places[place] ?? 0) >= PLACE_MIN, `too few kills fell into ${place}`);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
