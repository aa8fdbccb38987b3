// Runs seeds one after the other until one shows a violation. In a thread of its own because the
// test runner follows every promise of its thread, which makes a simulation several times slower.
import { parentPort, workerData } from 'node:worker_threads';
import { blobsRun } from './blobs-run.ts';
import { catalogRun } from './catalog-run.ts';
import { engineSeed } from './engine-seed.ts';
import { logRun } from './log-run.ts';
import { snapshotRun } from './snapshot-run.ts';

/** Options with `seed` → violations in words. */
const RUNS = {
  log: logRun,
  blobs: blobsRun,
  catalog: catalogRun,
  engine: engineSeed,
  snapshots: snapshotRun,
};

export type RunName = keyof typeof RUNS;

export interface SeedsTask {
  readonly run: RunName;
  readonly options: object;
  readonly seeds: readonly number[];
}

export interface SeedsOutcome {
  readonly seed: number;
  readonly violations: readonly string[];
}

const task = workerData as SeedsTask;
const run = RUNS[task.run];
let outcome: SeedsOutcome | undefined;
for (const seed of task.seeds) {
  const violations = await run({ ...task.options, seed });
  if (violations.length === 0) continue;
  outcome = { seed, violations };
  break;
}
parentPort?.postMessage(outcome);
