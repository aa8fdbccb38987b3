// Many seeds of one simulated run, on every core: all must hold, or, with a safety mechanism
// switched off, some of the first thirty must fail. ORRERY_SIM_SEEDS=N runs N seeds,
// ORRERY_SIM_SEED=N only that one, and prints what happens in it.
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { RunName, SeedOutcome, SeedsTask } from './seeds-worker.ts';

const ONE_SEED = process.env['ORRERY_SIM_SEED'];
const THREADS_MAX = 8;
/** A seed takes a tenth of a second: one that takes so long never ends. */
const SEED_DEADLINE_MS = 20_000;
/** Failing seeds are shown up to this many; there is no need to wait for more. */
const FAILURES_MAX = 5;
/** A mechanism that is switched off must be noticed by so many of the first seeds. */
const RED_SEEDS = 30;
const RED_MIN = 3;

export interface SeededRun {
  readonly run: RunName;
  /** The file that tests it, for the line that replays a seed. */
  readonly test: string;
  readonly seedCount: number;
}

function firstSeeds(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

interface Share {
  readonly task: SeedsTask;
  readonly failures: SeedOutcome[];
  readonly failuresMax: number;
}

/** Runs the seeds of one thread; a seed that does not end costs the thread, not the others. */
async function runShare({ task, failures, failuresMax }: Share): Promise<void> {
  let left = task.seeds;
  while (left.length > 0 && failures.length < failuresMax) {
    const done = await runThread({ ...task, seeds: left }, (outcome) => {
      if (outcome.violations.length > 0) failures.push(outcome);
      return failures.length < failuresMax;
    });
    left = left.slice(done);
    if (left.length === 0 || failures.length >= failuresMax) return;
    const violations = [`does not end within ${SEED_DEADLINE_MS} ms`];
    failures.push({ seed: left[0]!, violations });
    left = left.slice(1);
  }
}

/** How many seeds were through before the thread was ended: by `go`, by a hang, or by itself. */
function runThread(task: SeedsTask, go: (outcome: SeedOutcome) => boolean): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const worker = new Worker(new URL('./seeds-worker.ts', import.meta.url), { workerData: task });
  let done = 0;
  const end = (): void => void worker.terminate();
  let timer = setTimeout(end, SEED_DEADLINE_MS);
  worker.on('message', (outcome: SeedOutcome) => {
    done++;
    clearTimeout(timer);
    timer = setTimeout(end, SEED_DEADLINE_MS);
    if (!go(outcome)) end();
  });
  worker.once('error', reject);
  worker.once('exit', () => {
    clearTimeout(timer);
    resolve(done);
  });
  return promise;
}

/** Runs seeds in threads until all are through or `failuresMax` have failed; sorted. */
async function failuresOf(
  run: SeededRun,
  options: object,
  seeds: readonly number[],
  failuresMax: number,
): Promise<readonly SeedOutcome[]> {
  const threads = Math.min(availableParallelism(), THREADS_MAX, seeds.length);
  const failures: SeedOutcome[] = [];
  const shares = Array.from({ length: threads }, (_, thread) => {
    const mine = seeds.filter((_seed, i) => i % threads === thread);
    const task: SeedsTask = { run: run.run, options, seeds: mine };
    return runShare({ task, failures, failuresMax });
  });
  await Promise.all(shares);
  return failures.toSorted((a, b) => a.seed - b.seed);
}

function report(run: SeededRun, options: object, failures: readonly SeedOutcome[]): string {
  const lines = failures.slice(0, FAILURES_MAX).map(({ seed, violations }) => {
    const replay = `ORRERY_SIM_SEED=${seed} npm exec -- node --test test/sim/${run.test}`;
    return `seed ${seed}: ${violations.slice(0, 4).join('; ')}\nreplay: ${replay}`;
  });
  return `${JSON.stringify(options)}\n${lines.join('\n')}`;
}

async function checkSeeds(run: SeededRun, options: object, seeds: readonly number[]) {
  const failures = await failuresOf(run, options, seeds, FAILURES_MAX);
  assert.equal(failures.length, 0, report(run, options, failures));
}

/**
 * Every seed ends without a violation; a failing one is printed with the line that replays it.
 * `first` are seeds that failed once.
 */
export async function checkHolds(
  run: SeededRun,
  options: object = {},
  first: readonly number[] = [],
): Promise<void> {
  if (ONE_SEED !== undefined)
    return checkSeeds(run, { ...options, isTraced: true }, [Number(ONE_SEED)]);
  const count = Number(process.env['ORRERY_SIM_SEEDS'] ?? run.seedCount);
  await checkSeeds(run, options, [...first, ...firstSeeds(count)]);
}

/** Enough of the first seeds show a violation: the suite would notice the loss of a mechanism. */
export async function checkRed(run: SeededRun, options: object): Promise<void> {
  const failures = await failuresOf(run, options, firstSeeds(RED_SEEDS), RED_MIN);
  const noticed = `${failures.length} of ${RED_SEEDS} seeds noticed ${JSON.stringify(options)}`;
  assert.ok(failures.length >= RED_MIN, noticed);
}
