// When targets are scraped: at once, a second later (so that rates exist), then at every whole
// multiple of the interval. A scrape that takes longer than the interval makes the next one late,
// never two at a time. A failed write is logged and forgotten: the next scrape is the retry.
// Where a tolerance is given, a scrape that starts that close to a multiple is stamped with it, as
// Prometheus does (scrape/scrape.go, ScrapeTimestampTolerance): times without jitter pack to
// nothing.
import { AppError } from '../model/errors.ts';
import { errorMessage } from '../stdx/assert.ts';
import { nowUs } from '../stdx/clock.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import type { Logger } from '../telemetry/logger.ts';
import { SECOND_SCRAPE_AFTER_MS } from './limits.ts';
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

/** A target and its last scrape. */
export interface TargetStatus {
  readonly job: string;
  readonly instance: string;
  readonly url: string;
  readonly intervalMs: number;
  readonly health: 'up' | 'down' | 'unknown';
  /** '' where there is none. */
  readonly lastError: string;
  /** Wall clock; undefined before the first one. */
  readonly lastScrapeMs: number | undefined;
  readonly lastDurationMs: number;
}

type LastScrape = Pick<TargetStatus, 'health' | 'lastError' | 'lastScrapeMs' | 'lastDurationMs'>;

const NEVER: LastScrape = {
  health: 'unknown',
  lastError: '',
  lastScrapeMs: undefined,
  lastDurationMs: 0,
};

export class ScrapeLoop {
  readonly #options: ScrapeLoopOptions;
  readonly #last = new Map<Scraper, LastScrape>();
  #count = 0;
  #cancel: (() => void) | undefined = undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ScrapeLoopOptions) {
    this.#options = options;
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
    const { scrapers, intervalMs } = this.#options;
    return scrapers.map((scraper) => {
      const { job, instance, url } = scraper.target;
      return { job, instance, url, intervalMs, ...(this.#last.get(scraper) ?? NEVER) };
    });
  }

  async #round(): Promise<void> {
    for (const scraper of this.#options.scrapers) await this.#scrape(scraper);
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

  async #scrape(scraper: Scraper): Promise<void> {
    const { clock, logger, onFatal } = this.#options;
    const startedMs = clock.monotonicMs();
    const lastScrapeMs = clock.nowMs();
    const note = (health: 'up' | 'down', lastError: string): void => {
      const lastDurationMs = clock.monotonicMs() - startedMs;
      this.#last.set(scraper, { health, lastError, lastScrapeMs, lastDurationMs });
    };
    try {
      const seconds = () => (clock.monotonicMs() - startedMs) / 1000;
      const { up, reason } = await scraper.scrape(this.#stampUs(), seconds);
      note(up ? 'up' : 'down', reason ?? '');
      if (!up) logger.warn('scrape failed', { reason: reason ?? '' });
    } catch (error) {
      note('down', errorMessage(error));
      if (error instanceof AppError)
        logger.warn('scraped samples were not written', { error: errorMessage(error) });
      else onFatal(error);
    }
  }
}
