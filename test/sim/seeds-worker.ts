// Runs seeds one after the other until one shows a violation. In a thread of its own because the test
// runner follows every promise of its thread, which makes a simulation several times slower.
import { parentPort, workerData } from 'node:worker_threads';

export interface SeedsTask {
  /** Module and export of the run: (options with `seed`) → violations in words. */
  readonly module: string;
  readonly run: string;
  readonly options: object;
  readonly seeds: readonly number[];
}

export interface SeedsOutcome {
  readonly seed: number;
  readonly violations: readonly string[];
}

type Run = (options: object) => Promise<readonly string[]>;

const task = workerData as SeedsTask;
const runs = (await import(task.module)) as Record<string, Run>;
const run = runs[task.run];
if (run === undefined) throw new Error(`no export '${task.run}' in ${task.module}`);
let outcome: SeedsOutcome | undefined;
for (const seed of task.seeds) {
  const violations = await run({ ...task.options, seed });
  if (violations.length === 0) continue;
  outcome = { seed, violations };
  break;
}
parentPort?.postMessage(outcome);
