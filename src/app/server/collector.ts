// The collector of the server: this host and this server, what `--scrape` names, and the files of
// `--scrape-file-sd`. All of it writes into the tenant `default`.
import type { TargetStatus } from '../../agent/scrape-record.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import { DEFAULT_TENANT, openPrincipal } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Files } from '../../stdx/files.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Settings } from '../settings/flags.ts';
import { duration } from '../settings/kinds.ts';

export interface CollectorParts {
  readonly settings: Settings;
  readonly files: Files;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly version: string;
  readonly onFatal: (error: unknown) => void;
}

interface Collected {
  readonly ingest: Ingest;
  readonly metricsPage: () => Promise<string>;
  readonly self: { readonly url: string; readonly port: number };
}

export interface RunningCollector {
  targets(): readonly TargetStatus[];
  /** Resolves when no scrape is running and none will start. */
  stop(): Promise<void>;
}

export async function startCollector(
  parts: CollectorParts,
  collected: Collected,
): Promise<RunningCollector | undefined> {
  const { collect, scrape, scrapeFileSd } = parts.settings;
  const running: RunningCollector[] = [];
  if (collect) running.push(await startOwn(parts, collected));
  if (scrape.length > 0 || scrapeFileSd !== undefined)
    running.push(await startTargets(parts, collected));
  if (running.length === 0) return undefined;
  return {
    targets: () => running.flatMap((one) => one.targets()),
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
  const [{ Collector }, { FileTargets }] = await Promise.all([
    import('../../agent/collector.ts'),
    import('../../agent/file-targets.ts'),
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
  const folder = settings.scrapeFileSd;
  if (folder === undefined) return collector;
  const { parse } = await import('yaml');
  const fileTargets = new FileTargets({
    folder,
    files,
    scheduler,
    logger,
    parse: (text, name) => (name.endsWith('.json') ? JSON.parse(text) : parse(text)) as unknown,
    onTargets: (targets) => collector.set('files', targets),
  });
  await fileTargets.start();
  const stop = async (): Promise<void> => {
    await fileTargets.stop();
    await collector.stop();
  };
  return { targets: () => collector.targets(), stop };
}
