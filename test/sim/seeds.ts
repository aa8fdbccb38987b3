// Many seeds of one simulated run, on every core: all must hold, or, with a safety mechanism
// switched off, some of the first thirty must fail. ORRERY_SIM_SEEDS=N runs N seeds,
// ORRERY_SIM_SEED=N only that one, and prints what happens in it.
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { errorMessage } from '../../src/stdx/assert.ts';
import type { RunName, SeedJob, SeedOutcome } from './seeds-worker.ts';

const ONE_SEED = process.env['ORRERY_SIM_SEED'];
const THREADS_MAX = 8;
/** A seed takes a tenth of a second, a few take one: one that takes so long never ends. */
const SEED_DEADLINE_MS = 60_000;
/**
 * A seed needs 60 MB. What goes on and on where a checksum is not looked at ends soon, instead of
 * filling the memory of the machine. Elsewhere there is no such limit: with one, a thread is slower
 * by half, and has to compile by itself what others have long compiled.
 */
const SEED_HEAP_MB = 400;
/** Failing seeds are shown up to this many; there is no need to wait for more. */
const FAILURES_MAX = 5;
/**
 * A mechanism that is switched off must be noticed by so many of the first seeds. What is rarest
 * is noticed by one seed in six, and which ones that are changes with each change of the engine:
 * among 30 there may be two.
 */
const RED_SEEDS = 60;
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

/** A thread that runs seeds. */
class SeedThread {
  readonly #worker: Worker;
  readonly isBounded: boolean;
  /** A seed did not end, or ended the thread. */
  isOver = false;

  constructor(isBounded: boolean) {
    this.isBounded = isBounded;
    const limits = { resourceLimits: { maxOldGenerationSizeMb: SEED_HEAP_MB } };
    this.#worker = new Worker(
      new URL('./seeds-worker.ts', import.meta.url),
      isBounded ? limits : {},
    );
    // Nor does one that nobody has asked yet.
    this.#worker.unref();
  }

  async run(job: SeedJob): Promise<SeedOutcome> {
    const worker = this.#worker;
    const { promise, resolve } = Promise.withResolvers<SeedOutcome>();
    const end = (why: string): void => {
      this.isOver = true;
      resolve({ seed: job.seed, violations: [why] });
    };
    const fail = (error: unknown): void => end(`ends its thread: ${errorMessage(error)}`);
    const late = `does not end within ${SEED_DEADLINE_MS} ms`;
    const timer = setTimeout(() => end(late), SEED_DEADLINE_MS);
    worker.ref();
    worker.once('message', resolve);
    worker.once('error', fail);
    worker.postMessage(job);
    const outcome = await promise;
    clearTimeout(timer);
    worker.off('message', resolve);
    worker.off('error', fail);
    // One that waits for the next test does not keep the process from ending.
    worker.unref();
    if (this.isOver) await worker.terminate();
    return outcome;
  }
}

/** Between two tests: what a thread has compiled, the next one need not compile again. */
const idle: SeedThread[] = [];

function takeThread(isBounded: boolean): SeedThread {
  const at = idle.findIndex((thread) => thread.isBounded === isBounded);
  return at < 0 ? new SeedThread(isBounded) : idle.splice(at, 1)[0]!;
}

/**
 * Runs seeds in threads until all are through or `failuresMax` have failed; sorted. A seed that
 * does not end costs its thread, not the other seeds.
 */
async function failuresOf(
  { run }: SeededRun,
  options: object,
  seeds: readonly number[],
  failuresMax: number,
  isBounded: boolean,
): Promise<readonly SeedOutcome[]> {
  const failures: SeedOutcome[] = [];
  const waiting = seeds.values();
  const runSome = async (): Promise<void> => {
    let thread = takeThread(isBounded);
    for (const seed of waiting) {
      const outcome = await thread.run({ run, options, seed });
      if (thread.isOver) thread = new SeedThread(isBounded);
      if (outcome.violations.length > 0) failures.push(outcome);
      if (failures.length >= failuresMax) break;
    }
    idle.push(thread);
  };
  const threads = Math.min(availableParallelism(), THREADS_MAX, seeds.length);
  await Promise.all(Array.from({ length: threads }, runSome));
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
  const failures = await failuresOf(run, options, seeds, FAILURES_MAX, false);
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

/**
 * Enough of the first seeds show a violation: the suite would notice the loss of a mechanism.
 * `isBounded`: without it a seed may want memory without end, and is to fail before it has it.
 */
export async function checkRed(run: SeededRun, options: object, isBounded = false): Promise<void> {
  const failures = await failuresOf(run, options, firstSeeds(RED_SEEDS), RED_MIN, isBounded);
  const noticed = `${failures.length} of ${RED_SEEDS} seeds noticed ${JSON.stringify(options)}`;
  assert.ok(failures.length >= RED_MIN, noticed);
}
