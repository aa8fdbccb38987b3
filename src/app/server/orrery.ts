// The product wired together over a storage that is open already: ingest, queries, the HTTP door
// with every protocol, the collector. Started and stopped in one place, in one order.
import type { AddressInfo } from 'node:net';
import type { ScrapeLoop } from '../../agent/scrape-loop.ts';
import type { SnapshotKeeper } from '../../model/snapshots.ts';
import type { Storage } from '../../model/storage.ts';
import { openPrincipal, DEFAULT_TENANT } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Files } from '../../stdx/files.ts';
import type { Prng } from '../../stdx/prng.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { MetricsRegistry } from '../../telemetry/registry.ts';
import { OpenAuthenticator } from '../../tenancy/authenticator.ts';
import { Ingest } from '../../ingest/ingest.ts';
import type { WriteReport } from '../../ingest/ingest.ts';
import { QUERY_HEAVY_PART } from '../../query/limits.ts';
import { PromqlQueries } from '../../query/promql.ts';
import type { EvaluatePromql } from '../../query/promql.ts';
import { QueryService } from '../../query/query-service.ts';
import { hostName } from '../../frontends/http/guard.ts';
import type { Route } from '../../frontends/http/route.ts';
import { HttpServer } from '../../frontends/http/server.ts';
import type { Settings } from '../settings/flags.ts';
import { isLoopbackAddress } from './loopback.ts';
import { productRoutes } from './routes.ts';
import { registerStorageMetrics } from './storage-metrics.ts';

export interface OrreryParts {
  readonly settings: Settings;
  readonly storage: Storage;
  readonly snapshots: SnapshotKeeper;
  readonly files: Files;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly registry: MetricsRegistry;
  readonly version: string;
  /** Folder of the web build. */
  readonly webDirectory: string;
  readonly onFatal: (error: unknown) => void;
}

export interface RunningOrrery {
  readonly address: AddressInfo;
  /** `http://host:port`, as a browser on this machine would write it. */
  readonly url: string;
  readonly routes: readonly Route[];
  /** Answers what has arrived, then closes the storage. */
  stop(): Promise<void>;
}

interface ServerState {
  isReady: boolean;
  /** undefined: nothing is collected. */
  collector: ScrapeLoop | undefined;
}

interface Wired {
  readonly routes: readonly Route[];
  readonly ingest: Ingest;
  readonly queries: QueryService;
}

export async function startOrrery(parts: OrreryParts): Promise<RunningOrrery> {
  const { settings, storage, clock, scheduler, logger, registry, onFatal } = parts;
  const state: ServerState = { isReady: true, collector: undefined };
  const { routes, ingest, queries } = wire(parts, state);
  const { host } = settings.http;
  const server = new HttpServer({
    routes,
    authenticator: new OpenAuthenticator(storage.tenants()),
    rules: {
      loopbackOnly: isLoopbackAddress(host),
      allowedHosts: settings.allowedHosts.map(hostName),
      corsOrigins: settings.corsOrigins,
    },
    logger,
    registry,
    clock,
    scheduler,
    onFatal,
  });
  const address = await server.listen(settings.http);
  const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  const url = `http://${shown}:${address.port}`;
  const self = { url, port: address.port };
  const collector = settings.collect ? await startCollector(parts, ingest, self) : undefined;
  state.collector = collector;
  async function stop(): Promise<void> {
    state.isReady = false;
    await collector?.stop();
    const late = scheduler.after(settings.drainTimeoutMs / 2, () => queries.cancelAll());
    await server.drain(settings.drainTimeoutMs);
    late();
    await storage.close();
  }
  return { address, url, routes, stop };
}

function wire(parts: OrreryParts, state: ServerState): Wired {
  const { settings, storage, clock, scheduler, prng, registry, version, files, logger } = parts;
  const ingest = new Ingest({ storage, prng, onWrite: writeCounter(registry) });
  const queries = new QueryService({
    storage,
    clock,
    scheduler,
    prng,
    registry,
    timeoutMs: settings.queryTimeoutMs,
    concurrency: settings.queryConcurrency,
    heavyConcurrency: heavyPlaces(settings),
    heavySamples: settings.queryHeavySamples,
    memoryBytes: settings.queryMemoryBytes,
    logger,
    slowMs: settings.slowQueryMs,
  });
  const limits = {
    seriesMax: settings.querySeries,
    samplesMax: settings.querySamples,
    pointsMax: settings.queryPoints,
  };
  const { delayedNameRemoval } = settings;
  const evaluate = lazyEvaluate(storage, delayedNameRemoval);
  const promql = new PromqlQueries({ queries, storage, evaluate, limits, clock });
  registerStorageMetrics(storage, registry);
  const api = { storage, ingest, queries, promql, clock, scheduler, registry, version };
  const about = {
    delayedNameRemoval,
    isReady: () => state.isReady,
    targets: () => state.collector?.targets() ?? [],
    facts: async () => (await import('./server-facts.ts')).serverFacts(settings),
  };
  const { snapshots, webDirectory } = parts;
  const routes = productRoutes({ ...api, ...about, snapshots, files, directory: webDirectory });
  return { routes, ingest, queries };
}

function heavyPlaces({ queryConcurrency, queryHeavyConcurrency }: Settings): number {
  if (queryHeavyConcurrency > 0) return Math.min(queryHeavyConcurrency, queryConcurrency);
  return Math.max(1, Math.floor(queryConcurrency / QUERY_HEAVY_PART));
}

/** The engine is loaded by the first query: a server that only takes writes never pays for it. */
function lazyEvaluate(storage: Storage, enableDelayedNameRemoval: boolean): EvaluatePromql {
  return async (context, expr, params) => {
    const { evaluate } = await import('../../promql/engine/engine.ts');
    return await evaluate(storage, context, expr, { enableDelayedNameRemoval, ...params });
  };
}

function writeCounter(registry: MetricsRegistry): (report: WriteReport) => void {
  const labelNames = ['protocol'];
  const counter = (name: string, help: string) => registry.counter({ name, help, labelNames });
  const samples = counter('orrery_ingest_samples_total', 'Samples accepted, by protocol.');
  const batches = counter('orrery_ingest_batches_total', 'Writes finished, by protocol.');
  const bytes = counter('orrery_ingest_bytes_total', 'Decoded bytes of writes, by protocol.');
  const refused = counter('orrery_ingest_refused_rows_total', 'Rows refused, by protocol.');
  return ({ protocol, pointCount, errorCount, sizeBytes }) => {
    samples.labels(protocol).add(pointCount);
    batches.labels(protocol).add(1);
    bytes.labels(protocol).add(sizeBytes);
    refused.labels(protocol).add(errorCount);
  };
}

async function startCollector(
  parts: OrreryParts,
  ingest: Ingest,
  { url, port }: { readonly url: string; readonly port: number },
): Promise<ScrapeLoop> {
  const { settings, files, clock, scheduler, logger, registry, onFatal } = parts;
  const [{ HostCollector }, { Scraper }, { ScrapeLoop: Loop }, { hostFacts }] = await Promise.all([
    import('../../agent/host/host-collector.ts'),
    import('../../agent/scrape.ts'),
    import('../../agent/scrape-loop.ts'),
    import('./host-facts.ts'),
  ]);
  const facts = hostFacts();
  const host = new HostCollector({ files, facts, clock });
  const instance = `${facts.uname.nodename}:${port}`;
  const principal = openPrincipal(DEFAULT_TENANT);
  const targets = [
    { job: 'node', instance, url: 'file:///proc', collect: () => host.collect() },
    { job: 'orrery', instance, url: `${url}/metrics`, collect: async () => registry.render() },
  ];
  const loop = new Loop({
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
