// When targets are scraped: at once, a second later (so that rates exist), then at every whole
// multiple of the interval. A scrape that takes longer than the interval makes the next one late,
// never two at a time. A failed write is logged and forgotten: the next scrape is the retry.
// Where a tolerance is given, a scrape that starts that close to a multiple is stamped with it, as
// Prometheus does (scrape/scrape.go, ScrapeTimestampTolerance): times without jitter pack to
// nothing.
import { nowUs } from '../stdx/clock.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import type { Logger } from '../telemetry/logger.ts';
import { SECOND_SCRAPE_AFTER_MS } from './limits.ts';
import { ScrapeRecord } from './scrape-record.ts';
import type { TargetStatus } from './scrape-record.ts';
import type { Scraper } from './scrape.ts';

export interface ScrapeLoopOptions {
  readonly scrapers: readonly Scraper[];
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly intervalMs: number;
  /** 0: a scrape is stamped with the time it started at. */
  readonly timestampToleranceMs: number;
  /** A FatalError or a bug: the process must not go on. */
  readonly onFatal: (error: unknown) => void;
}

export class ScrapeLoop {
  readonly #options: ScrapeLoopOptions;
  readonly #records: readonly ScrapeRecord[];
  #count = 0;
  #cancel: (() => void) | undefined = undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ScrapeLoopOptions) {
    this.#options = options;
    this.#records = options.scrapers.map((scraper) => new ScrapeRecord(scraper, options));
  }

  start(): void {
    this.#running = this.#round();
  }

  /** Resolves when no scrape is running and none will start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#running;
  }

  targets(): readonly TargetStatus[] {
    const { intervalMs } = this.#options;
    return this.#records.map(({ scraper, last }) => {
      const { job, instance, url } = scraper.target;
      const discovered = { __address__: instance, job };
      const labels = { instance, job };
      const times = { intervalMs, timeoutMs: intervalMs };
      return { pool: job, rules: [], job, instance, labels, discovered, url, ...times, ...last };
    });
  }

  async #round(): Promise<void> {
    for (const record of this.#records) await record.scrape(this.#stampUs());
    this.#count += 1;
    if (this.#stopped) return;
    this.#cancel = this.#options.scheduler.after(this.#delayMs(), () => {
      this.#running = this.#round();
    });
  }

  #delayMs(): number {
    if (this.#count === 1) return SECOND_SCRAPE_AFTER_MS;
    const { clock, intervalMs } = this.#options;
    return intervalMs - (clock.nowMs() % intervalMs);
  }

  #stampUs(): number {
    const { clock, intervalMs, timestampToleranceMs } = this.#options;
    const tUs = nowUs(clock);
    const gridUs = Math.round(tUs / (intervalMs * 1000)) * intervalMs * 1000;
    return Math.abs(tUs - gridUs) <= timestampToleranceMs * 1000 ? gridUs : tUs;
  }
}
