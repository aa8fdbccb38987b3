// All targets that are not part of this process: from flags once, from files whenever they change.
// What a target was found as decides what is scraped and how, by the labels that Prometheus gives
// the same meaning: `__address__`, `__scheme__`, `__metrics_path__`, `__param_NAME`,
// `__scrape_interval__`, `__scrape_timeout__`; `job` and `instance`; names that begin with `__` are
// no labels of its series. Two targets that are equal are one. Source: Prometheus scrape/target.go.
import type { Principal } from '../model/tenant.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Relabeller } from '../relabel/relabelling.ts';
import type { RelabelRule } from '../relabel/rule.ts';
import type { ScrapeJob } from './config/scrape-job.ts';
import type { DiscoveredTarget } from './file-targets.ts';
import { fetchPage } from './http-target.ts';
import { SCRAPE_BODY_BYTES_MAX, SCRAPE_TIMEOUT_MS, TARGETS_MAX } from './limits.ts';
import type { JobTargets } from './job-targets.ts';
import { ScrapeRecord } from './scrape-record.ts';
import type { TargetStatus } from './scrape-record.ts';
import { Scraper } from './scrape.ts';
import type { ScrapeWriter } from './scrape.ts';
import { accessOf, openAccess } from './target-access.ts';
import type { ReadAccessFile, TargetAccess } from './target-access.ts';
import { TargetLoop } from './target-loop.ts';

export interface CollectorOptions {
  readonly writer: ScrapeWriter;
  readonly principal: Principal;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** Where a target says nothing. */
  readonly intervalMs: number;
  readonly typeLabels: boolean;
  readonly userAgent: string;
  /** Of passwords, tokens and certificates; rejects where it cannot be read. */
  readonly readFile: ReadAccessFile;
  /** `1m30s` in milliseconds; throws where it is none. */
  readonly parseDuration: (text: string) => number;
  readonly onFatal: (error: unknown) => void;
}

/** What a scrape is made of. */
interface Plan {
  readonly url: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly customBuckets: boolean;
  readonly access: TargetAccess;
}

/** A target, and what rules made of it. */
interface Found {
  readonly discovered: DiscoveredTarget;
  readonly ruled: DiscoveredTarget;
  readonly job: ScrapeJob | undefined;
}

/** Where a target stands that rules leave out. */
export interface DroppedTarget {
  readonly pool: string;
  readonly rules: readonly RelabelRule[];
  readonly discovered: DiscoveredTarget;
}

/** Beside Prometheus' own, since there are no scrape configurations here. */
const HONOR_LABELS = '__honor_labels__';
const HONOR_TIMESTAMPS = '__honor_timestamps__';
const CUSTOM_BUCKETS = '__convert_classic_histograms_to_nhcb__';

export class Collector {
  readonly #options: CollectorOptions;
  /** Loops by what their targets were found as, by source. */
  readonly #loops = new Map<string, Map<string, TargetLoop>>();
  /** By source. */
  readonly #dropped = new Map<string, readonly DroppedTarget[]>();
  /** Loops of targets that are gone, while their last scrape runs. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /**
   * From now on these are the targets of this source. Those of a job are found with its labels, and
   * go through its rules.
   */
  set(source: string, targets: readonly DiscoveredTarget[], job?: JobTargets): void {
    const before = this.#loops.get(source) ?? new Map<string, TargetLoop>();
    const now = new Map<string, TargetLoop>();
    const dropped: DroppedTarget[] = [];
    this.#loops.set(source, now);
    this.#dropped.set(source, dropped);
    for (const found of targets) {
      const target = job === undefined ? { discovered: found, ruled: found } : job.find(found);
      if (target.ruled === undefined) {
        const { name: pool = '', rules = [] } = job ?? {};
        dropped.push({ pool, rules, discovered: target.discovered });
        continue;
      }
      const key = (job?.key ?? '') + JSON.stringify(sorted(target.discovered));
      if (now.has(key)) continue;
      if (now.size >= TARGETS_MAX) {
        this.#options.logger.warn('too many scrape targets', { source, limit: TARGETS_MAX });
        break;
      }
      const { discovered, ruled } = target;
      const loop = before.get(key) ?? this.#loop({ discovered, ruled, job: job?.job }, key);
      if (loop !== undefined) now.set(key, loop);
    }
    const kept = new Set([...now.values()].map((loop) => placeOf(loop.status())));
    for (const [key, loop] of before)
      if (!now.has(key)) this.#end(loop, { isGone: !kept.has(placeOf(loop.status())) });
  }

  /** This source is no more. */
  remove(source: string): void {
    this.set(source, []);
    this.#loops.delete(source);
    this.#dropped.delete(source);
  }

  dropped(): readonly DroppedTarget[] {
    return [...this.#dropped.values()].flat();
  }

  targets(): readonly TargetStatus[] {
    return [...this.#loops.values()].flatMap((loops) =>
      [...loops.values()].map((loop) => loop.status()),
    );
  }

  async stop(): Promise<void> {
    const loops = [...this.#loops.values()].flatMap((own) => [...own.values()]);
    await Promise.all([...loops.map((loop) => loop.stop({ isGone: false })), ...this.#ending]);
  }

  #end(loop: TargetLoop, how: { readonly isGone: boolean }): void {
    const ending = loop.stop(how).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #loop({ discovered, ruled, job: own }: Found, key: string): TargetLoop | undefined {
    const { writer, principal, clock, scheduler, logger, typeLabels, onFatal } = this.#options;
    let plan: Plan;
    try {
      plan = this.#plan(ruled, own);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn('a scrape target is left out', { target: discovered['__address__'], reason });
      return undefined;
    }
    const { url, labels, intervalMs, timeoutMs, access } = plan;
    const { honorLabels, honorTimestamps, customBuckets } = plan;
    const { job = '', instance = '', ...rest } = labels;
    const { userAgent, readFile } = this.#options;
    const request = {
      url,
      timeoutMs,
      userAgent,
      scheduler,
      followsRedirects: own?.followsRedirects ?? true,
      bodyBytesMax: Math.min(own?.bodyBytesMax ?? Infinity, SCRAPE_BODY_BYTES_MAX),
    };
    const scraper = new Scraper(writer, principal, {
      job,
      instance,
      labels: Object.entries(rest).flat(),
      url,
      typeLabels,
      honorLabels,
      honorTimestamps,
      customBuckets,
      relabelling: own && metricRules(own.metricRelabel),
      sampleCountMax: own?.sampleCountMax,
      collect: () => fetchPage({ ...request, access: () => openAccess(access, readFile) }),
    });
    const loop = new TargetLoop({
      record: new ScrapeRecord(scraper, { clock, logger, onFatal }),
      pool: own?.name ?? job,
      rules: own?.relabel ?? [],
      discovered,
      labels,
      clock,
      scheduler,
      intervalMs,
      timeoutMs,
      offsetMs: hash(key) % intervalMs,
    });
    loop.start();
    return loop;
  }

  #plan(discovered: DiscoveredTarget, job: ScrapeJob | undefined): Plan {
    const { parseDuration } = this.#options;
    const address = discovered['__address__'] ?? '';
    const interval = discovered['__scrape_interval__'];
    const timeout = discovered['__scrape_timeout__'];
    const intervalMs = interval === undefined ? this.#options.intervalMs : parseDuration(interval);
    if (intervalMs <= 0) throw new Error('its interval is 0');
    const timeoutMs =
      timeout === undefined ? Math.min(SCRAPE_TIMEOUT_MS, intervalMs) : parseDuration(timeout);
    if (timeoutMs <= 0 || timeoutMs > intervalMs)
      throw new Error('its timeout is 0 or longer than its interval');
    const labels: Record<string, string> = {};
    const url = new URL(`${discovered['__scheme__'] ?? 'http'}://${address}`);
    if (!/^https?:$/.test(url.protocol)) throw new Error(`its scheme is ${url.protocol}`);
    if (address.includes('/')) throw new Error(`"${address}" is no host:port`);
    const [path, query = ''] = (discovered['__metrics_path__'] ?? '/metrics').split('?');
    url.pathname = path!;
    url.search = query;
    for (const [name, value] of Object.entries(discovered)) {
      if (name.startsWith('__param_')) url.searchParams.append(name.slice(8), value);
      else if (!name.startsWith('__') && value !== '') labels[name] = value;
    }
    for (const [name, value] of job?.moreParams ?? []) url.searchParams.append(name, value);
    labels['instance'] ??= address;
    if (job !== undefined) {
      const { honorLabels, honorTimestamps, customBuckets, access } = job;
      const how = { honorLabels, honorTimestamps, customBuckets, access };
      return { url: url.href, labels, intervalMs, timeoutMs, ...how };
    }
    return {
      url: url.href,
      labels,
      intervalMs,
      timeoutMs,
      honorLabels: discovered[HONOR_LABELS] === 'true',
      honorTimestamps: discovered[HONOR_TIMESTAMPS] !== 'false',
      customBuckets: discovered[CUSTOM_BUCKETS] === 'true',
      access: accessOf(discovered),
    };
  }
}

function sorted(target: DiscoveredTarget): readonly (readonly [string, string])[] {
  return Object.entries(target).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Series with these labels are its own. */
function placeOf({ labels, url }: TargetStatus): string {
  return JSON.stringify([url, sorted(labels)]);
}

function metricRules(rules: readonly RelabelRule[]): Relabeller | undefined {
  return rules.length === 0 ? undefined : new Relabeller(rules, 0);
}

/** FNV-1a: spreads targets over the interval, the same in each run. */
function hash(text: string): number {
  let out = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) out = Math.imul(out ^ text.charCodeAt(i), 0x01000193);
  return out >>> 0;
}
