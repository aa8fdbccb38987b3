// Slices of work of the calling thread: after each one, a turn of the event loop for others.
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { LEAF_SLICE_MS } from './limits.ts';

/** Turns of the event loop for others, by the clock. */
export class Slices {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  #startMs: number;

  constructor(clock: Clock, scheduler: Scheduler) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#startMs = clock.monotonicMs();
  }

  /** A promise to wait for where the slice is used up. */
  pause(): Promise<void> | undefined {
    if (this.#clock.monotonicMs() - this.#startMs < LEAF_SLICE_MS) return undefined;
    return this.#rest();
  }

  async #rest(): Promise<void> {
    await this.#scheduler.yieldTurn();
    this.#startMs = this.#clock.monotonicMs();
  }
}
