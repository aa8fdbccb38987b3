// Configuration that is read again while the server runs: when one of its files changes, on SIGHUP,
// and by `POST /-/reload`. All files are read and checked before any counts, so that a mistake in
// one of them changes nothing; what was in force stays until then. One reload at a time. Source of
// the two ways to ask for it, and of what is measured: Prometheus cmd/prometheus, `reloadConfig`.
import { errorMessage } from '../../stdx/assert.ts';
import type { Clock } from '../../stdx/clock.ts';
import { fileErrorCode } from '../../stdx/files.ts';
import type { Files } from '../../stdx/files.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { MetricsRegistry } from '../../telemetry/registry.ts';

/** How often the files are looked at. */
const LOOK_INTERVAL_MS = 5_000;

export interface ReloadSource {
  readonly flag: string;
  readonly path: string;
  readonly sizeBytesMax: number;
  /** Checks the text; what it returns puts it into force. Throws a sentence where it is wrong. */
  prepare(text: string): Promise<() => Promise<void>>;
}

export interface ReloadsParts {
  readonly sources: readonly ReloadSource[];
  readonly files: Files;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly registry: MetricsRegistry;
}

export class Reloads {
  readonly #parts: ReloadsParts;
  /** Texts of the last reload, good or bad; undefined where a file could not be read. */
  #tried: readonly (string | undefined)[];
  #successMs: number;
  #isGood = true;
  #running: Promise<void> = Promise.resolve();
  #cancel: (() => void) | undefined = undefined;
  #isOver = false;

  /** `texts`: what the server started with, in the order of the sources. */
  constructor(parts: ReloadsParts, texts: readonly string[]) {
    this.#parts = parts;
    this.#tried = texts;
    this.#successMs = parts.clock.nowMs();
    const gauge = (name: string, help: string, value: () => number): void =>
      parts.registry.collect({ name, help, type: 'gauge' }, () => [[[], value()]]);
    gauge(
      'orrery_config_last_reload_successful',
      'Was the last reload of the configuration without a mistake?',
      () => (this.#isGood ? 1 : 0),
    );
    gauge(
      'orrery_config_last_reload_success_timestamp_seconds',
      'When the configuration was read without a mistake last.',
      () => this.#successMs / 1000,
    );
  }

  get isEmpty(): boolean {
    return this.#parts.sources.length === 0;
  }

  /** In force when it resolves; rejects with a sentence where nothing changed. */
  reload(): Promise<void> {
    return this.#next(() => this.#reload({ isAsked: true }));
  }

  /** Looks at the files from now on. */
  watch(): void {
    if (this.isEmpty || this.#isOver) return;
    this.#cancel = this.#parts.scheduler.after(LOOK_INTERVAL_MS, () => {
      const look = this.#next(() => this.#reload({ isAsked: false }));
      // It has been logged.
      void look.catch(() => undefined).finally(() => this.watch());
    });
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.#cancel?.();
    await this.#running;
  }

  #next(work: () => Promise<void>): Promise<void> {
    const next = this.#running.then(work);
    this.#running = next.catch(() => undefined);
    return next;
  }

  async #reload({ isAsked }: { readonly isAsked: boolean }): Promise<void> {
    const { sources, clock, logger } = this.#parts;
    const read = await Promise.allSettled(sources.map((source) => this.#read(source)));
    const texts = read.map((one) => (one.status === 'fulfilled' ? one.value : undefined));
    const isSame = texts.every((text, i) => text === this.#tried[i]);
    this.#tried = texts;
    if (isSame && !isAsked) return;
    try {
      const changes: (() => Promise<void>)[] = [];
      for (const [i, source] of sources.entries()) changes.push(await prepared(source, read[i]!));
      for (const putIntoForce of changes) await putIntoForce();
    } catch (error) {
      this.#isGood = false;
      logger.error('the configuration is as it was: reloading failed', {
        reason: errorMessage(error),
      });
      throw error;
    }
    this.#isGood = true;
    this.#successMs = clock.nowMs();
    logger.info('configuration reloaded', {
      files: sources.map(({ path }) => path).join(', '),
    });
  }

  #read({ path, sizeBytesMax }: ReloadSource): Promise<string> {
    return readConfigText(this.#parts.files, path, sizeBytesMax);
  }
}

/** Rejects with a sentence where the file cannot be read or is no UTF-8. */
export async function readConfigText(
  files: Files,
  path: string,
  sizeBytesMax: number,
): Promise<string> {
  try {
    const bytes = await files.readWhole(path, sizeBytesMax);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (fileErrorCode(error) !== 'ENOENT') throw error;
    throw new Error('there is no such file', { cause: error });
  }
}

async function prepared(
  source: ReloadSource,
  read: PromiseSettledResult<string>,
): Promise<() => Promise<void>> {
  try {
    if (read.status === 'rejected') throw read.reason;
    return await source.prepare(read.value);
  } catch (error) {
    const { flag, path } = source;
    throw new Error(`--${flag} ${path}: ${errorMessage(error)}`, { cause: error });
  }
}
