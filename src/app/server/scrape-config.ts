// `--scrape-config FILE`: what Prometheus' configuration says of scraping, read at the start and
// again while the server runs, and the targets of its jobs, from the file itself and from files of
// targets that it names.
import { dirname, resolve } from 'node:path';
import type { Collector } from '../../agent/collector.ts';
import type { ScrapeConfig } from '../../agent/config/scrape-job.ts';
import type { DiscoveredTarget, FileTargets } from '../../agent/file-targets.ts';
import { SCRAPE_CONFIG_BYTES_MAX } from '../../agent/limits.ts';
import { errorMessage, FatalError } from '../../stdx/assert.ts';
import type { Files } from '../../stdx/files.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { FLAGS } from '../settings/flags.ts';
import type { Settings } from '../settings/flags.ts';
import { duration, size } from '../settings/kinds.ts';
import { readConfigText } from './reloads.ts';
import type { ReloadSource } from './reloads.ts';

export interface ReadScrapeConfig {
  readonly text: string;
  readonly config: ScrapeConfig;
}

type ScrapeSettings = Pick<Settings, 'scrapeConfig' | 'scrapeIntervalMs'>;

async function parsed(path: string, text: string, settings: ScrapeSettings): Promise<ScrapeConfig> {
  const { parseScrapeConfig } = await import('../../agent/config/scrape-config.ts');
  return parseScrapeConfig(text, {
    intervalMs: settings.scrapeIntervalMs,
    // As Prometheus: relative to the file that says it.
    resolvePath: (given) => resolve(dirname(path), given),
    parseDuration: (given) => duration.parse(given),
    parseSize: (given) => size.parse(given),
  });
}

/** Throws FatalError with the place where the file is no such configuration. */
export async function startScrapeConfig(
  files: Files,
  settings: ScrapeSettings,
): Promise<ReadScrapeConfig | undefined> {
  const { scrapeConfig: path } = settings;
  if (path === undefined) return undefined;
  try {
    const text = await readConfigText(files, path, SCRAPE_CONFIG_BYTES_MAX);
    return { text, config: await parsed(path, text, settings) };
  } catch (error) {
    throw new FatalError(`--${FLAGS.scrapeConfig.flag} ${path}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/** The same file while the server runs. */
export function scrapeSource(
  path: string,
  settings: ScrapeSettings,
  configure: (config: ScrapeConfig) => Promise<void>,
): ReloadSource {
  return {
    flag: FLAGS.scrapeConfig.flag,
    path,
    sizeBytesMax: SCRAPE_CONFIG_BYTES_MAX,
    prepare: async (text) => {
      const config = await parsed(path, text, settings);
      return () => configure(config);
    },
  };
}

export interface ConfiguredTargetsParts {
  readonly collector: Collector;
  readonly files: Files;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly parse: (text: string, name: string) => unknown;
}

/** Targets of all jobs; what a later configuration says too is scraped on as it was. */
export class ConfiguredTargets {
  readonly #parts: ConfiguredTargetsParts;
  #fileTargets: readonly FileTargets[] = [];
  #sources: readonly string[] = [];

  constructor(parts: ConfiguredTargetsParts) {
    this.#parts = parts;
  }

  async configure({ jobs, ignored }: ScrapeConfig): Promise<void> {
    const { collector, logger } = this.#parts;
    if (ignored.length > 0)
      logger.warn('parts of the scrape configuration have no effect', {
        fields: ignored.join(', '),
      });
    const { JobTargets } = await import('../../agent/job-targets.ts');
    await this.#stopFiles();
    const found = new Map<string, () => Promise<void>>();
    for (const job of jobs) {
      const targets = new JobTargets(job);
      const set = (source: string, list: readonly DiscoveredTarget[]): void =>
        collector.set(source, list, targets);
      const own = `config ${job.name}`;
      found.set(own, async () => set(own, job.targets));
      for (const pattern of job.files) {
        const source = `${own} ${pattern}`;
        found.set(source, () => this.#watch(pattern, (list) => set(source, list)));
      }
    }
    for (const source of this.#sources) if (!found.has(source)) collector.remove(source);
    this.#sources = [...found.keys()];
    for (const begin of found.values()) await begin();
  }

  async stop(): Promise<void> {
    await this.#stopFiles();
  }

  async #stopFiles(): Promise<void> {
    const all = this.#fileTargets;
    this.#fileTargets = [];
    await Promise.all(all.map((one) => one.stop()));
  }

  /** Sets the targets of all files that a pattern names, now and whenever they change. */
  async #watch(pattern: string, set: (targets: readonly DiscoveredTarget[]) => void) {
    const { files, scheduler, logger, parse } = this.#parts;
    const { FileTargets: Watch } = await import('../../agent/file-targets.ts');
    let first: readonly DiscoveredTarget[] | undefined = [];
    const targets = new Watch({
      folder: dirname(pattern),
      names: namesOf(pattern),
      namesJob: false,
      files,
      scheduler,
      logger,
      parse,
      onTargets: (list) => {
        if (first === undefined) set(list);
        else first = list;
      },
    });
    this.#fileTargets = [...this.#fileTargets, targets];
    await targets.start();
    // Also where there are none: there may have been some before.
    set(first);
    first = undefined;
  }
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

/** Names that the last part of a pattern means. */
function namesOf(pattern: string): RegExp {
  const last = pattern.slice(pattern.lastIndexOf('/') + 1);
  return new RegExp(`^${last.split('*').map(literal).join('[^/]*')}$`);
}
