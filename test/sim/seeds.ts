// Many seeds of one simulated run: all must hold, or, with a safety mechanism switched off, one
// must fail. ORRERY_SIM_SEEDS=N runs N seeds, ORRERY_SIM_SEED=N only that one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { RunName, SeedsOutcome, SeedsTask } from './seeds-worker.ts';

const ONE_SEED = process.env['ORRERY_SIM_SEED'];

export interface SeededRun {
  readonly run: RunName;
  /** The file that tests it, for the line that replays a seed. */
  readonly test: string;
  readonly seedCount: number;
}

function seedsOf(run: SeededRun): readonly number[] {
  if (ONE_SEED !== undefined) return [Number(ONE_SEED)];
  const count = Number(process.env['ORRERY_SIM_SEEDS'] ?? run.seedCount);
  return Array.from({ length: count }, (_, i) => i + 1);
}

async function firstFailure(
  run: SeededRun,
  options: object,
  seeds: readonly number[],
): Promise<SeedsOutcome | undefined> {
  const task: SeedsTask = { run: run.run, options, seeds };
  const worker = new Worker(new URL('./seeds-worker.ts', import.meta.url), { workerData: task });
  const exited = once(worker, 'exit');
  const [outcome] = (await once(worker, 'message')) as [SeedsOutcome | undefined];
  await exited;
  return outcome;
}

/** Every seed ends without a violation; a failing one is printed with the line that replays it. */
export async function checkHolds(run: SeededRun, options: object = {}): Promise<void> {
  const failure = await firstFailure(run, options, seedsOf(run));
  if (failure === undefined) return;
  const { seed, violations } = failure;
  const replay = `ORRERY_SIM_SEED=${seed} npm exec -- node --test test/sim/${run.test}`;
  assert.fail(`seed ${seed}: ${violations.join('; ')}\nreplay: ${replay}`);
}

/** At least one seed shows a violation: the suite would notice the loss of this mechanism. */
export async function checkRed(run: SeededRun, options: object): Promise<void> {
  // A replayed seed says nothing about what other seeds notice.
  const seeds = Array.from({ length: run.seedCount }, (_, i) => i + 1);
  const failure = await firstFailure(run, options, seeds);
  assert.ok(failure, `${run.seedCount} seeds did not notice ${JSON.stringify(options)}`);
}
