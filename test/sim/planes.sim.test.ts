// Log, blobs and the catalog over `Files` under random deaths: seeds decide what is appended, put,
// committed, when the machine dies and what the disk keeps. Then the same with one safety mechanism
// switched off at a time: the checkers must notice. One seed again: ORRERY_SIM_SEED=N node --test
// test/sim/planes.sim.test.ts; more of them: ORRERY_SIM_SEEDS=N.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskMutations } from './sim-disk.ts';
import { blobsRun } from './blobs-run.ts';
import { catalogRun } from './catalog-run.ts';
import { logRun } from './log-run.ts';

interface RunOptions {
  readonly seed: number;
  readonly disk?: DiskMutations;
  readonly skipCrc?: boolean;
}

/** Runs one seed; the answer is what went wrong, in words. */
type Run = (options: RunOptions) => Promise<readonly string[]>;

const SEEDS = Number(process.env['ORRERY_SIM_SEEDS'] ?? 200);
const ONE_SEED = process.env['ORRERY_SIM_SEED'];

function seeds(): readonly number[] {
  if (ONE_SEED !== undefined) return [Number(ONE_SEED)];
  return Array.from({ length: SEEDS }, (_, i) => i + 1);
}

async function checkHolds(run: Run): Promise<void> {
  for (const seed of seeds()) {
    const violations = await run({ seed });
    const again = `ORRERY_SIM_SEED=${seed} node --test test/sim/planes.sim.test.ts`;
    assert.deepEqual(violations, [], `replay: ${again}`);
  }
}

async function checkRed(run: Run, mutation: Omit<RunOptions, 'seed'>): Promise<void> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    if ((await run({ seed, ...mutation })).length > 0) return;
  }
  assert.fail(`${SEEDS} seeds did not notice ${JSON.stringify(mutation)}`);
}

test('the log keeps what is durable and invents nothing', () => checkHolds(logRun));

test('the log: the checker is red without datasync', () =>
  checkRed(logRun, { disk: { ignoreDatasync: true } }));

test('the log: the checker is red without checksums', () => checkRed(logRun, { skipCrc: true }));

test('the log: the checker is red without syncs of its folder', () =>
  checkRed(logRun, { disk: { ignoreSyncDirectory: true } }));

test('blobs are whole or absent', () => checkHolds(blobsRun));

test('blobs: the checker is red without datasync', () =>
  checkRed(blobsRun, { disk: { ignoreDatasync: true } }));

test('blobs: the checker is red without syncs of folders', () =>
  checkRed(blobsRun, { disk: { ignoreSyncDirectory: true } }));

test('blobs: the checker is red without atomic renames', () =>
  checkRed(blobsRun, { disk: { renameNotAtomic: true } }));

test('the catalog is as before or after a commit', () => checkHolds(catalogRun));

test('the catalog: the checker is red without datasync', () =>
  checkRed(catalogRun, { disk: { ignoreDatasync: true } }));

test('the catalog: the checker is red without syncs of its folder', () =>
  checkRed(catalogRun, { disk: { ignoreSyncDirectory: true } }));

test('the catalog: the checker is red without atomic renames', () =>
  checkRed(catalogRun, { disk: { renameNotAtomic: true } }));
