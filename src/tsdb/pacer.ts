// Long work of the shard's own thread in short slices: after each the event loop turns, and while
// writes are under way the work rests, so that it takes only a share of the thread. The share grows
// with the backlog: work that falls behind would cost reads more than it saves writes. Where the
// thread wakes it late, writes are queued up behind other work, and it rests once more.
import { AppError } from '../model/errors.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { PACE_BUSY_MS, PACE_LATE_MS, PACE_REST_MAX_MS, PACE_SLICE_MS } from './limits.ts';

/** To be called between pieces of work; what it returns is waited for. */
export type Pause = () => Promise<void> | undefined;

export class Pacer {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #share: () => number;
  #sliceStartMs = 0;
  #isStopped = false;
  #lastWriteMs = Number.NEGATIVE_INFINITY;

  /** `share`: of the thread while writes are under way, above 0, at most 1. */
  constructor(clock: Clock, scheduler: Scheduler, share: () => number) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#share = share;
  }

  /** The work is not wanted any more: whoever pauses next ends with AppError unavailable/closed. */
  stop(): void {
    this.#isStopped = true;
  }

  /** A write came. */
  noteWrite(): void {
    this.#lastWriteMs = this.#clock.monotonicMs();
  }

  /** Throws AppError unavailable/closed where the work is not wanted any more. */
  check(): void {
    if (this.#isStopped) throw new AppError('unavailable', 'closed', 'the storage is closing');
  }

  /** A promise to wait for where the slice is used up. */
  readonly pause: Pause = () => {
    this.check();
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#sliceStartMs < PACE_SLICE_MS) return undefined;
    return this.#rest(nowMs);
  };

  /** Ends the slice in any case. */
  readonly yieldTurn = (): Promise<void> => this.#rest(this.#clock.monotonicMs());

  async #rest(nowMs: number): Promise<void> {
    const isBusy = nowMs - this.#lastWriteMs < PACE_BUSY_MS;
    // What is longer was spent waiting for the disk, in which others ran.
    const workedMs = Math.min(nowMs - this.#sliceStartMs, 2 * PACE_SLICE_MS);
    const share = isBusy ? this.#share() : 1;
    if (share < 1) await this.#sleep(nowMs, workedMs * (1 / share - 1));
    else await this.#scheduler.yieldTurn();
    this.#sliceStartMs = this.#clock.monotonicMs();
  }

  async #sleep(nowMs: number, restMs: number): Promise<void> {
    await this.#scheduler.sleep(restMs);
    const lateMs = this.#clock.monotonicMs() - nowMs - restMs;
    if (lateMs > PACE_LATE_MS) await this.#scheduler.sleep(Math.min(lateMs, PACE_REST_MAX_MS));
  }
}
