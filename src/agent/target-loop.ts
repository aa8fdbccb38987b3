// Scrapes of one target that is not part of this process: every interval, at an offset of its own,
// so that many targets do not come at once. A scrape that takes longer than the interval makes the
// next one late, never two at a time.
import type { RelabelRule } from '../relabel/rule.ts';
import type { Clock } from '../stdx/clock.ts';
import { nowUs } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import type { ScrapeRecord, TargetStatus } from './scrape-record.ts';

export interface TargetLoopOptions {
  readonly pool: string;
  readonly rules: readonly RelabelRule[];
  readonly record: ScrapeRecord;
  readonly discovered: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** From 0 to the interval. */
  readonly offsetMs: number;
}

export class TargetLoop {
  readonly #options: TargetLoopOptions;
  #cancel: (() => void) | undefined = undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: TargetLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule();
  }

  status(): TargetStatus {
    const { record, pool, rules, discovered, labels, intervalMs, timeoutMs } = this.#options;
    const { job, instance, url } = record.scraper.target;
    return {
      pool,
      rules,
      job,
      instance,
      labels,
      discovered,
      url,
      intervalMs,
      timeoutMs,
      ...record.last,
    };
  }

  /**
   * Resolves when no scrape is running and none will start. Gone: the target's series go stale;
   * else this server stops, and may well scrape it again.
   */
  async stop({ isGone }: { readonly isGone: boolean }): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#running;
    const { record, clock } = this.#options;
    if (isGone && record.last.lastScrapeMs !== undefined) await record.end(nowUs(clock));
  }

  #schedule(): void {
    const { clock, scheduler, intervalMs, offsetMs } = this.#options;
    const delayMs = intervalMs - ((clock.nowMs() + intervalMs - offsetMs) % intervalMs);
    this.#cancel = scheduler.after(delayMs, () => {
      this.#running = this.#round();
    });
  }

  async #round(): Promise<void> {
    const { record, clock } = this.#options;
    await record.scrape(nowUs(clock));
    if (!this.#stopped) this.#schedule();
  }
}
