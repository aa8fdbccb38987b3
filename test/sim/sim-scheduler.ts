// Virtual time for the simulator: a clock that moves only when a task runs, and timers whose order
// among equals is drawn from the seed. Promises stay ordinary ones: `step()` lets every microtask
// run (one real turn of the event loop), then runs exactly one due task. Code that only waits for
// this scheduler and for simulated files is therefore deterministic, and a crash may fall between
// any two steps.
import type { Clock } from '../../src/stdx/clock.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import type { Scheduler } from '../../src/stdx/scheduler.ts';

const SIM_EPOCH_MS = 1_700_000_000_000;

export class SimClock implements Clock {
  #elapsedMs = 0;
  /** Wall clock minus monotonic clock; a test may make it jump: the operator set the clock. */
  wallOffsetMs = SIM_EPOCH_MS;

  nowMs(): number {
    return Math.floor(this.#elapsedMs) + this.wallOffsetMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  /** Both clocks jump: the machine slept. Timers are late. */
  sleep(durationMs: number): void {
    this.#elapsedMs += durationMs;
  }

  advanceTo(elapsedMs: number): void {
    if (elapsedMs > this.#elapsedMs) this.#elapsedMs = elapsedMs;
  }
}

interface Task {
  readonly dueMs: number;
  /** Drawn from the seed: the order among tasks that are due at the same moment. */
  readonly tie: number;
  readonly run: () => void;
}

/** Lets every pending microtask run. */
function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export class SimScheduler implements Scheduler {
  readonly clock: SimClock;
  readonly #prng: Prng;
  #tasks: Task[] = [];

  constructor(clock: SimClock, prng: Prng) {
    this.clock = clock;
    this.#prng = prng;
  }

  get pendingCount(): number {
    return this.#tasks.length;
  }

  after(delayMs: number, run: () => void): () => void {
    const dueMs = this.clock.monotonicMs() + Math.max(0, delayMs);
    const task: Task = { dueMs, tie: this.#prng.u32(), run };
    this.#tasks.push(task);
    return () => {
      const at = this.#tasks.indexOf(task);
      if (at >= 0) this.#tasks.splice(at, 1);
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        cancel();
        reject(signal?.reason as Error);
      };
      const cancel = this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  yieldTurn(): Promise<void> {
    return this.sleep(0);
  }

  /** Runs one task; false where none is left. */
  async step(): Promise<boolean> {
    await drainMicrotasks();
    return this.runNext();
  }

  /** Runs the next task at once; false where none is left. */
  runNext(): boolean {
    const next = this.#takeNext();
    if (next === undefined) return false;
    this.clock.advanceTo(next.dueMs);
    next.run();
    return true;
  }

  /** Lets code run on until it waits for this scheduler. */
  settle(): Promise<void> {
    return drainMicrotasks();
  }

  /** Forgets every timer: nothing of the old process runs again. */
  clear(): void {
    this.#tasks = [];
  }

  #takeNext(): Task | undefined {
    let best = -1;
    for (let i = 0; i < this.#tasks.length; i++) {
      const task = this.#tasks[i] as Task;
      const least = this.#tasks[best];
      if (
        least === undefined ||
        task.dueMs < least.dueMs ||
        (task.dueMs === least.dueMs && task.tie < least.tie)
      ) {
        best = i;
      }
    }
    return best < 0 ? undefined : this.#tasks.splice(best, 1)[0];
  }
}
