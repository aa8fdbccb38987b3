// The collector of the server: this host and this server, what `--scrape` names, the files of
// `--scrape-file-sd`, and the jobs of `--scrape-config`.
// All of it writes into the tenant `default`.
import type { DroppedTarget } from '../../agent/collector.ts';
import type { ScrapeConfig } from '../../agent/config/scrape-job.ts';
import type { DiscoveredTarget } from '../../agent/file-targets.ts';
import type { TargetStatus } from '../../agent/scrape-record.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import { DEFAULT_TENANT, openPrincipal } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Files } from '../../stdx/files.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Settings } from '../settings/flags.ts';
import { duration } from '../settings/kinds.ts';
import type { ReadScrapeConfig } from './scrape-config.ts';

export interface CollectorParts {
  readonly settings: Settings;
  readonly files: Files;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly version: string;
  readonly onFatal: (error: unknown) => void;
  /** What `--scrape-config` said at the start. */
  readonly scrapeConfig: ReadScrapeConfig | undefined;
}

interface Collected {
  readonly ingest: Ingest;
  readonly metricsPage: () => Promise<string>;
  readonly self: { readonly url: string; readonly port: number };
}

export interface RunningCollector {
  targets(): readonly TargetStatus[];
  /** Targets that rules leave out. */
  dropped?(): readonly DroppedTarget[];
  /** From now on these are the jobs of `--scrape-config`. */
  configure?(config: ScrapeConfig): Promise<void>;
  /** Resolves when no scrape is running and none will start. */
  stop(): Promise<void>;
}

export async function startCollector(
  parts: CollectorParts,
  collected: Collected,
): Promise<RunningCollector | undefined> {
  const { collect, scrape, scrapeFileSd, scrapeConfig } = parts.settings;
  const running: RunningCollector[] = [];
  if (collect) running.push(await startOwn(parts, collected));
  if (scrape.length > 0 || (scrapeFileSd ?? scrapeConfig) !== undefined)
    running.push(await startTargets(parts, collected));
  if (running.length === 0) return undefined;
  return {
    targets: () => running.flatMap((one) => one.targets()),
    dropped: () => running.flatMap((one) => one.dropped?.() ?? []),
    configure: async (config) => {
      for (const one of running) await one.configure?.(config);
    },
    stop: async () => void (await Promise.all(running.map((one) => one.stop()))),
  };
}

async function startOwn(
  parts: CollectorParts,
  { ingest, metricsPage, self: { url, port } }: Collected,
): Promise<RunningCollector> {
  const { settings, files, clock, scheduler, logger, onFatal } = parts;
  const [{ HostCollector }, { Scraper }, { ScrapeLoop }, { hostFacts }] = await Promise.all([
    import('../../agent/host/host-collector.ts'),
    import('../../agent/scrape.ts'),
    import('../../agent/scrape-loop.ts'),
    import('./host-facts.ts'),
  ]);
  const facts = hostFacts();
  const host = new HostCollector({ files, facts, clock });
  const instance = `${facts.uname.nodename}:${port}`;
  const principal = openPrincipal(DEFAULT_TENANT);
  const { typeAndUnitLabels: typeLabels } = settings;
  const targets = [
    { job: 'node', instance, typeLabels, url: 'file:///proc', collect: () => host.collect() },
    { job: 'orrery', instance, typeLabels, url: `${url}/metrics`, collect: metricsPage },
  ];
  const loop = new ScrapeLoop({
    scrapers: targets.map((target) => new Scraper(ingest, principal, target)),
    clock,
    scheduler,
    logger,
    intervalMs: settings.collectIntervalMs,
    timestampToleranceMs: settings.collectToleranceMs,
    onFatal,
  });
  loop.start();
  return loop;
}

async function startTargets(
  parts: CollectorParts,
  { ingest }: Collected,
): Promise<RunningCollector> {
  const { settings, files, clock, scheduler, logger, version, onFatal } = parts;
  const [{ Collector }, { FileTargets }, { ConfiguredTargets }] = await Promise.all([
    import('../../agent/collector.ts'),
    import('../../agent/file-targets.ts'),
    import('./scrape-config.ts'),
  ]);
  const collector = new Collector({
    writer: ingest,
    principal: openPrincipal(DEFAULT_TENANT),
    clock,
    scheduler,
    logger,
    intervalMs: settings.scrapeIntervalMs,
    typeLabels: settings.typeAndUnitLabels,
    userAgent: `Orrery/${version}`,
    readFile: (path, limitBytes) => files.readWhole(path, limitBytes),
    parseDuration: (text) => duration.parse(text),
    onFatal,
  });
  collector.set('flags', settings.scrape);
  const { parse: parseYaml } = await import('yaml');
  const parse = (text: string, name: string): unknown =>
    /\.json$/i.test(name) ? JSON.parse(text) : parseYaml(text);
  const folder = settings.scrapeFileSd;
  const onTargets = (targets: readonly DiscoveredTarget[]) => collector.set('files', targets);
  const common = { files, scheduler, logger, parse };
  const fileTargets = folder && new FileTargets({ folder, namesJob: true, ...common, onTargets });
  if (fileTargets) await fileTargets.start();
  const configured = new ConfiguredTargets({ collector, ...common });
  if (parts.scrapeConfig !== undefined) await configured.configure(parts.scrapeConfig.config);
  return {
    targets: () => collector.targets(),
    dropped: () => collector.dropped(),
    configure: (config) => configured.configure(config),
    stop: async () => {
      if (fileTargets) await fileTargets.stop();
      await configured.stop();
      await collector.stop();
    },
  };
}
