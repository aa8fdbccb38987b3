// Runs the seeds it is sent, one at a time, and reports what each shows. In a thread of its own
// because the test runner follows every promise of its thread, which makes a simulation several
// times slower, to use every core, and to be ended where a seed does not.
import { parentPort } from 'node:worker_threads';
import { errorMessage } from '../../src/stdx/assert.ts';
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

export interface SeedJob {
  readonly run: RunName;
  readonly options: object;
  readonly seed: number;
}

export interface SeedOutcome {
  readonly seed: number;
  readonly violations: readonly string[];
}

async function violationsOf({ run, options, seed }: SeedJob): Promise<readonly string[]> {
  try {
    return await RUNS[run]({ ...options, seed });
  } catch (error) {
    return [`the run itself fails: ${errorMessage(error)}`];
  }
}

parentPort?.on('message', (job: SeedJob) => {
  void violationsOf(job).then((violations) =>
    parentPort?.postMessage({ seed: job.seed, violations } satisfies SeedOutcome),
  );
});
