// One scraper's scrapes, one at a time, and how the last one went. A failed write is logged and
// forgotten: the next scrape is the retry.
import { AppError } from '../model/errors.ts';
import { errorMessage } from '../stdx/assert.ts';
import type { RelabelRule } from '../relabel/rule.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Scraper } from './scrape.ts';

/** A target and its last scrape. */
export interface TargetStatus {
  /** Name of the job that it was found by. */
  readonly pool: string;
  /** What relabelled it. */
  readonly rules: readonly RelabelRule[];
  readonly job: string;
  readonly instance: string;
  /** With job and instance. */
  readonly labels: Readonly<Record<string, string>>;
  /** What it was found as: `__address__` and others. */
  readonly discovered: Readonly<Record<string, string>>;
  readonly url: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
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

export interface ScrapeRecordParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A FatalError or a bug: the process must not go on. */
  readonly onFatal: (error: unknown) => void;
}

export class ScrapeRecord {
  readonly scraper: Scraper;
  readonly #parts: ScrapeRecordParts;
  #last: LastScrape = NEVER;

  constructor(scraper: Scraper, parts: ScrapeRecordParts) {
    this.scraper = scraper;
    this.#parts = parts;
  }

  get last(): LastScrape {
    return this.#last;
  }

  async scrape(tUs: number): Promise<void> {
    const { clock, logger } = this.#parts;
    const startedMs = clock.monotonicMs();
    const lastScrapeMs = clock.nowMs();
    const note = (health: 'up' | 'down', lastError: string): void => {
      const lastDurationMs = clock.monotonicMs() - startedMs;
      this.#last = { health, lastError, lastScrapeMs, lastDurationMs };
    };
    const { job, instance } = this.scraper.target;
    try {
      const seconds = () => (clock.monotonicMs() - startedMs) / 1000;
      const before = this.#last.lastError;
      const { up, reason = '' } = await this.scraper.scrape(tUs, seconds);
      note(up ? 'up' : 'down', reason);
      // A target that stays down for one reason is one line.
      if (!up && reason !== before) logger.warn('scrape failed', { job, instance, reason });
    } catch (error) {
      note('down', errorMessage(error));
      this.#notWritten(error);
    }
  }

  /** The target is gone. */
  async end(tUs: number): Promise<void> {
    try {
      await this.scraper.end(tUs);
    } catch (error) {
      this.#notWritten(error);
    }
  }

  #notWritten(error: unknown): void {
    const { logger, onFatal } = this.#parts;
    if (error instanceof AppError)
      logger.warn('scraped samples were not written', { error: errorMessage(error) });
    else onFatal(error);
  }
}
