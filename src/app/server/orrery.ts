// The product wired together over a storage that is open already: ingest, queries, the HTTP door
// with every protocol, the collector. Started and stopped in one place, in one order.
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import type { Duplex } from 'node:stream';
import type { PushGroups } from '../../agent/push/push-groups.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { SnapshotKeeper } from '../../model/snapshots.ts';
import type { Storage } from '../../model/storage.ts';
import { AppError } from '../../model/errors.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Files } from '../../stdx/files.ts';
import type { Prng } from '../../stdx/prng.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import { lazy } from '../../stdx/lazy.ts';
import { assert, must } from '../../stdx/assert.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { MetricsRegistry } from '../../telemetry/registry.ts';
import type { Authenticator } from '../../tenancy/authenticator.ts';
import type { UsageBook } from '../../tenancy/usage.ts';
import type { RefusedSeries } from '../../tenancy/breaches.ts';
import { Ingest } from '../../ingest/ingest.ts';
import type { WriteReport } from '../../ingest/ingest.ts';
import { MetadataFilter } from '../../ingest/metadata-filter.ts';
import { RefusedLines, refusedOf, refusedWrite } from '../../ingest/refused-lines.ts';
import type { Refused } from '../../ingest/refused-lines.ts';
import { RelabelStore } from '../../ingest/relabel-store.ts';
import type { RelabelConfig, RelabelStoreParts } from '../../ingest/relabel-store.ts';
import { WriteTurns } from '../../ingest/write-turns.ts';
import { QUERY_HEAVY_PART } from '../../query/limits.ts';
import { PromqlQueries } from '../../query/promql.ts';
import type { EvaluatePromql } from '../../query/promql.ts';
import type { EvalParams } from '../../promql/engine/result.ts';
import { QueryService } from '../../query/query-service.ts';
import type { Route } from '../../frontends/http/route.ts';
import { HttpServer } from '../../frontends/http/server.ts';
import type { Settings } from '../settings/flags.ts';
import type { MemoryBound } from '../../tsdb/memory-bound.ts';
import { collectAfterQueries } from '../real/idle-memory.ts';
import { inNextTurn } from '../real/scheduler.ts';
import { openAuthentication } from './authentication.ts';
import { startCollector } from './collector.ts';
import type { RunningCollector } from './collector.ts';
import { doorRules } from './door-rules.ts';
import { otlpOptions } from './otlp-options.ts';
import { relabelSource } from './relabel-config.ts';
import { scrapeSource } from './scrape-config.ts';
import type { ReadScrapeConfig } from './scrape-config.ts';
import type { ScrapeConfig } from '../../agent/config/scrape-job.ts';
import { Reloads } from './reloads.ts';
import type { ReloadSource } from './reloads.ts';
import { ingestShares, registerMemoryMetrics } from './ingest-memory.ts';
import { queryShares } from './memory.ts';
import type { IngestThreads, IngestThreadsParts } from './ingest-threads.ts';
import type { TlsKeeper } from './tls-keys.ts';
import type { LineListeners, LineListenersParts } from './line-listeners.ts';
import { countDay } from './day-points.ts';
import { doorLimits, followLimits, hearBreach, limitsOfTenants, limitsTold } from './quotas.ts';
import type { OpenQuotas } from './quotas.ts';
import type { Quotas } from '../../tenancy/quotas.ts';
import { productRoutes, writingRoutes } from './routes.ts';
import { registerStorageMetrics } from './storage-metrics.ts';
import {
  doorOfTenants,
  endWhatIsTaken,
  followRemovals,
  openTenancy,
  tenancyDependencies,
} from './tenancy.ts';
import type { Tenancy } from './tenancy.ts';
import type { UsageTotal } from '../../tenancy/usage-totals.ts';
import type { TenantId } from '../../model/tenant.ts';
import { countQuery, UsageLooks } from './usage.ts';
import { writeCounter } from './write-metrics.ts';

export interface OrreryParts {
  readonly settings: Settings;
  readonly storage: Storage;
  readonly snapshots: SnapshotKeeper;
  readonly memory: MemoryBound;
  readonly limits: OpenQuotas;
  readonly usage: UsageBook;
  readonly catalog: Catalog;
  /** Of tenants without rules of their own. */
  readonly relabelConfig: RelabelConfig | undefined;
  readonly scrapeConfig: ReadScrapeConfig | undefined;
  readonly files: Files;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly registry: MetricsRegistry;
  readonly version: string;
  /** Folder of the web build. */
  readonly webDirectory: string;
  /** undefined: HTTP without TLS. */
  readonly tls: TlsKeeper | undefined;
  readonly onFatal: (error: unknown) => void;
}

export interface RunningOrrery {
  readonly address: AddressInfo;
  /** `http://host:port` or `https://…`, as a browser on this machine would write it. */
  readonly url: string;
  /** Where else somebody listens, by flag. */
  readonly listeners: Readonly<Record<string, string>>;
  readonly routes: readonly Route[];
  /** undefined: there is no configuration beside the settings. */
  readonly reload: (() => Promise<void>) | undefined;
  /** Answers what has arrived, then closes the storage. */
  stop(): Promise<void>;
}

interface Wired {
  readonly routes: readonly Route[];
  readonly ingest: Ingest;
  readonly queries: QueryService;
  readonly looks: UsageLooks;
}

/** What changes while the product runs. */
interface State {
  isReady: boolean;
  /** Set where there are several shards: they listen, the server below does not. */
  threads: IngestThreads | undefined;
  /** undefined: nothing is collected. */
  collector: RunningCollector | undefined;
  pushGroups: PushGroups | undefined;
  reloads: Reloads | undefined;
}

const IDLE: State = {
  isReady: true,
  threads: undefined,
  collector: undefined,
  pushGroups: undefined,
  reloads: undefined,
};

export async function startOrrery(parts: OrreryParts): Promise<RunningOrrery> {
  const { settings, storage, scheduler, registry, tls } = parts;
  const state: State = { ...IDLE };
  const metadata = new MetadataFilter((...taken) => parts.limits.quotas.takeMetadata(...taken));
  const metricsPage = () => pageOf(registry, state);
  const refusedLines = new RefusedLines(parts.clock);
  const relabel = await openRules(parts, async (changed) => {
    ingest.forgetRules(changed.tenant);
    await state.threads?.relabel(changed);
  });
  const keepers = { relabel, metadata, pushGroups: () => state.pushGroups };
  const tenancy = await openTenancy(parts, keepers);
  followLimits(parts.limits, tenancy.store, (told) => state.threads?.tellLimit(told));
  const wiring = { state, metadata, metricsPage, refusedLines, relabel, tenancy };
  const { routes, ingest, queries, looks } = wire(parts, wiring);
  const pushGroups = (state.pushGroups = await openPushGroups(parts, ingest));
  const { authenticator, stop: stopAdmins } = await openAuthentication(parts, tenancy.store);
  const server = openDoor(parts, { routes, authenticator, tenancy, refusedLines });
  const accept = (connection: Duplex) => server.accept(connection);
  const relabelling = relabel.all();
  const onRefused = (refused: Refused) => refusedLines.add(refused);
  const given = { metadata, authenticator, accept, relabelling, onRefused, tenancy: tenancy.store };
  await countDay(parts, tenancy.store);
  state.threads = await startThreads(parts, given);
  await bringUpToDate(state.threads, {
    tenancy,
    relabel,
    relabelling,
    quotas: parts.limits.quotas,
  });
  const address = state.threads?.address ?? (await server.listen(settings.http));
  const closeDoors = async (graceMs: number): Promise<void> => {
    await state.threads?.drain(graceMs);
    await server.drain(graceMs);
    await state.threads?.close();
  };
  const listening = { ...parts, ingest, refusedLines, authenticator, acceptHttp: accept };
  const lines = await startLines(listening).catch(async (error: unknown) => {
    await closeDoors(0);
    throw error;
  });
  const url = urlOf(address, tls);
  const self = { url, port: address.port };
  state.collector = await startCollector(parts, { ingest, metricsPage, self });
  const reloads = (state.reloads = watchConfig(parts, { relabel, state }));
  const stopWatching = tls?.watch((renewed) => {
    server.renewKeys(renewed);
    state.threads?.renewKeys(renewed);
  });
  pushGroups.start();
  looks.start(settings.collect ? usageTeller(parts, { ingest, tenancy }) : undefined);
  tenancy.removal.resume();
  async function stop(): Promise<void> {
    state.isReady = false;
    stopWatching?.();
    stopAdmins();
    await reloads.stop();
    await state.collector?.stop();
    await lines?.drain(settings.drainTimeoutMs);
    const late = scheduler.after(settings.drainTimeoutMs / 2, () => queries.cancelAll());
    await closeDoors(settings.drainTimeoutMs);
    late();
    await Promise.all([pushGroups.stop(), looks.stop()]);
    await storage.close();
  }
  const reload = reloads.isEmpty ? undefined : () => reloads.reload();
  return { address, url, listeners: lines?.addresses ?? {}, routes, reload, stop };
}

function openDoor(
  { settings, logger, registry, clock, scheduler, onFatal, tls, limits }: OrreryParts,
  given: Pick<Wiring, 'tenancy' | 'refusedLines'> & {
    readonly routes: readonly Route[];
    readonly authenticator: Authenticator;
  },
): HttpServer {
  const { routes, authenticator, tenancy, refusedLines } = given;
  const common = { logger, registry, clock, scheduler, onFatal };
  const server = new HttpServer({
    ...common,
    ...(tls && { keys: tls.keys }),
    routes,
    authenticator,
    rules: doorRules(settings),
    ...doorLimits(limits),
    ...doorOfTenants(tenancy.store),
    onWriteRefused: (refused) => refusedLines.add(refusedWrite(refused)),
  });
  endWhatIsTaken(tenancy.store, () => server.recheck());
  return server;
}

function forgetRemoved(
  { limits: { quotas, makers, breaches }, usage }: OrreryParts,
  { tenancy, refusedLines, metadata }: Wiring,
  ingest: Ingest,
): void {
  const profiles = { forget: (tenant: TenantId) => ingest.forgetRules(tenant) };
  const rooms = [quotas, makers, breaches, refusedLines, usage, metadata, profiles];
  followRemovals(tenancy.store, rooms);
}

function urlOf({ family, address, port }: AddressInfo, tls: TlsKeeper | undefined): string {
  const shown = family === 'IPv6' ? `[${address}]` : address;
  return `${tls === undefined ? 'http' : 'https'}://${shown}:${port}`;
}

/** The first of them may have served somebody before the last one was there. */
async function bringUpToDate(
  threads: IngestThreads | undefined,
  given: Pick<Wiring, 'tenancy' | 'relabel'> &
    Pick<IngestThreadsParts, 'relabelling'> & { readonly quotas: Quotas },
): Promise<void> {
  if (threads === undefined) return;
  const { tenancy, relabel, relabelling, quotas } = given;
  for (const limits of limitsOfTenants(tenancy.store))
    threads.tellLimit({ kind: 'records', limits });
  for (const account of quotas.closedAccounts()) threads.tellLimit({ kind: 'writes', account });
  for (const changed of relabel.changedSince(relabelling.tenants)) await threads.relabel(changed);
}

function openRules(
  { catalog, relabelConfig: fallback }: OrreryParts,
  onChange: RelabelStoreParts['onChange'],
): Promise<RelabelStore> {
  return RelabelStore.open({ catalog, fallback, onChange });
}

function watchConfig(
  parts: OrreryParts,
  { relabel, state }: Pick<Wiring, 'relabel' | 'state'>,
): Reloads {
  const { relabelConfig: path, scrapeConfig: scrapePath } = parts.settings;
  const sources: ReloadSource[] = [];
  const texts: string[] = [];
  if (path !== undefined) {
    sources.push(relabelSource(path, (config) => relabel.setDefault(config)));
    texts.push(parts.relabelConfig?.text ?? '');
  }
  if (scrapePath !== undefined) {
    const configure = async (config: ScrapeConfig) => state.collector?.configure?.(config);
    sources.push(scrapeSource(scrapePath, parts.settings, configure));
    texts.push(parts.scrapeConfig?.text ?? '');
  }
  const reloads = new Reloads({ ...parts, sources }, texts);
  reloads.watch();
  return reloads;
}

/** Before everything stands it is as it was read. */
function reloadNow({ reloads }: State): Promise<void> {
  if (reloads !== undefined) return reloads.reload();
  throw new AppError('unavailable', 'starting', 'the server is starting', { retryAfterSec: 1 });
}

/** Reads the groups that were pushed before. */
async function openPushGroups(parts: OrreryParts, ingest: Ingest): Promise<PushGroups> {
  const { catalog, clock, scheduler, logger, onFatal, settings } = parts;
  const { PushGroups: Groups } = await import('../../agent/push/push-groups.ts');
  const intervalMs = settings.scrapeIntervalMs;
  const given = { catalog, writer: ingest, clock, scheduler, logger, intervalMs, onFatal };
  const groups = new Groups(given);
  await groups.open();
  return groups;
}

async function startLines(
  parts: Omit<LineListenersParts, 'onLimited'> & Pick<OrreryParts, 'limits'>,
): Promise<LineListeners | undefined> {
  const { graphite, opentsdbTelnet, influxTcp, influxUdp } = parts.settings;
  if ((graphite ?? opentsdbTelnet ?? influxTcp ?? influxUdp) === undefined) return undefined;
  const { startLineListeners } = await import('./line-listeners.ts');
  const { onLimited } = doorLimits(parts.limits);
  return await startLineListeners({ ...parts, onLimited });
}

/** Several shards are written by several threads, where a port can be shared. */
async function startThreads(
  parts: OrreryParts,
  given: Pick<
    IngestThreadsParts,
    'metadata' | 'accept' | 'relabelling' | 'onRefused' | 'tenancy'
  > & { readonly authenticator: Authenticator },
): Promise<IngestThreads | undefined> {
  const { storage, settings, logger, onFatal, tls } = parts;
  if (process.platform !== 'linux' || storage.house().length === 1) return undefined;
  const [{ IngestThreads }, { ShardedStorage }] = await Promise.all([
    import('./ingest-threads.ts'),
    import('../../tsdb/sharded-storage.ts'),
  ]);
  assert(storage instanceof ShardedStorage, 'several shards are one storage');
  const { authenticator, ...rest } = given;
  const limits = ingestShares(parts.memory);
  // Theirs are not looked at: the whole of their share counts.
  parts.memory.hold('dictionaries', () => limits.dictionariesBytesMax);
  return await IngestThreads.start({
    settings,
    keys: tls?.keys,
    limits,
    threadCount: Math.min(storage.shards.length, Math.max(availableParallelism(), 2)),
    storage,
    ...rest,
    logger,
    seriesWatch: parts.limits.makers,
    onBreach: (breach) => hearBreach(parts.limits.breaches, breach),
    onSamples: (principal, count, protocol) =>
      parts.limits.quotas.gate(principal).takeSamples(count, protocol),
    admit: (tenant) => authenticator.admit(tenant),
    onRequests: ({ count, ...key }) => parts.usage.countRequests(key, count),
    onFatal,
  });
}

/** What is being deleted, or may not write, gets no series. */
function usageTeller({ clock }: OrreryParts, given: { ingest: Ingest; tenancy: Tenancy }) {
  const { store } = given.tenancy;
  return async (tenant: TenantId, totals: readonly UsageTotal[]): Promise<void> => {
    const state = store.tenant(tenant)?.state ?? 'active';
    if (state !== 'active' || store.isRemoved(tenant)) return;
    const { writeUsageSeries } = await import('./usage-series.ts');
    await writeUsageSeries({ ingest: given.ingest, clock }, tenant, totals);
  };
}

/** What all threads of the process count. */
async function pageOf(registry: MetricsRegistry, { threads }: State): Promise<string> {
  if (threads === undefined) return registry.render();
  const [pages, { sumPages }] = await Promise.all([
    threads.pages(),
    import('../../telemetry/pages.ts'),
  ]);
  return sumPages([registry.render(), ...pages]);
}

interface Wiring {
  readonly state: State;
  readonly metadata: MetadataFilter;
  readonly metricsPage: () => Promise<string>;
  readonly refusedLines: RefusedLines;
  readonly relabel: RelabelStore;
  readonly tenancy: Tenancy;
}

function openIngest(parts: OrreryParts, wiring: Wiring): Ingest {
  const { storage, prng, registry, memory, clock } = parts;
  const { quotas, breaches } = parts.limits;
  const { metadata, relabel, refusedLines, tenancy } = wiring;
  const countWrite = writeCounter(registry);
  const onWrite = (report: WriteReport): void => {
    countWrite(report);
    parts.usage.countRequests(report, 1);
    const refused = refusedOf(report);
    if (refused !== undefined) refusedLines.add(refused);
  };
  const limits = ingestShares(memory);
  const onSeriesRefused = (refused: RefusedSeries): string => breaches.addSeries(refused);
  const seriesWatch = parts.limits.makers;
  const admit = (tenant: TenantId): void => tenancy.store.checkStored(tenant);
  const turns = new WriteTurns(inNextTurn, clock);
  const told = { onWrite, onSeriesRefused, seriesWatch, turns, admit };
  const ingest = new Ingest({ storage, prng, metadata, relabel, limits, quotas, ...told });
  forgetRemoved(parts, wiring, ingest);
  return ingest;
}

function wire(parts: OrreryParts, wiring: Wiring): Wired {
  const { state, metricsPage, refusedLines, relabel, tenancy } = wiring;
  const { settings, storage, clock, scheduler, prng, registry, version, files } = parts;
  const { memory } = parts;
  const ingest = openIngest(parts, wiring);
  for (const one of [() => ingest, () => state.threads]) {
    memory.hold('dictionaries', () => one()?.dictionaryBytes ?? 0);
    memory.hold('bodies', () => one()?.inFlightBytes ?? 0);
  }
  const { runningBytesMax, resultBytesMax } = queryShares(memory, settings.queryCacheBytes);
  const queries = openQueries(parts, runningBytesMax);
  const { delayedNameRemoval, typeAndUnitLabels } = settings;
  const evaluate = lazyEvaluate(parts, {
    enableDelayedNameRemoval: delayedNameRemoval,
    enableTypeAndUnitLabels: typeAndUnitLabels,
  });
  const promql = new PromqlQueries({
    queries,
    storage,
    evaluate,
    limits: queryLimits(settings),
    clock,
    registry,
    cacheBytes: resultBytesMax,
  });
  memory.holdForQueries('queries', () => queries.heldBytes);
  memory.holdForQueries('results', () => promql.keptBytes);
  registerStorageMetrics(storage, registry);
  registerMemoryMetrics(memory, registry);
  const api = { storage, ingest, queries, promql, clock, scheduler, metricsPage, version };
  const { breaches } = parts.limits;
  const watched = { refusedLines, breaches, relabel, snapshots: parts.snapshots, files };
  const about = {
    otlp: otlpOptions(settings),
    warp10: { timeUnit: settings.warp10TimeUnit },
    delayedNameRemoval,
    typeAndUnitLabels,
    isReady: () => state.isReady,
    reload: () => reloadNow(state),
    targets: () => state.collector?.targets() ?? [],
    droppedTargets: () => state.collector?.dropped?.() ?? [],
    pushGroups: () => must(state.pushGroups, 'groups are opened before requests come'),
    facts: async () => (await import('./server-facts.ts')).serverFacts(settings),
  };
  const looks = new UsageLooks(parts);
  const tenants = {
    ...tenancyDependencies(tenancy, prng),
    ...limitsTold(parts.limits),
    ...looks.dependencies(),
  };
  const deps = { ...api, ...about, ...watched, ...tenants, directory: parts.webDirectory };
  const writeRoutes = (dry: Ingest) => writingRoutes({ ...deps, ingest: dry });
  const routes = productRoutes({ ...deps, writeRoutes });
  return { routes, ingest, queries, looks };
}

function openQueries(
  { settings, storage, clock, scheduler, prng, registry, logger, limits, usage }: OrreryParts,
  allMemoryBytes: number,
): QueryService {
  return new QueryService({
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
    allMemoryBytes,
    logger,
    slowMs: settings.slowQueryMs,
    quotas: limits.quotas,
    onEnd: (ended) => countQuery(usage, ended),
    onLargeEnd: collectAfterQueries(scheduler),
  });
}

function queryLimits({ querySeries, querySamples, queryPoints }: Settings) {
  return { seriesMax: querySeries, samplesMax: querySamples, pointsMax: queryPoints };
}

function heavyPlaces({ queryConcurrency, queryHeavyConcurrency }: Settings): number {
  if (queryHeavyConcurrency > 0) return Math.min(queryHeavyConcurrency, queryConcurrency);
  return Math.max(1, Math.floor(queryConcurrency / QUERY_HEAVY_PART));
}

const loadEngine = lazy(() =>
  Promise.all([
    import('../../promql/engine/engine.ts'),
    import('../../windows/leaf-slices.ts'),
  ] as const),
);

/** The engine is loaded by the first query: a server that only takes writes never pays for it. */
function lazyEvaluate(
  { storage, clock, scheduler }: OrreryParts,
  features: Pick<EvalParams, 'enableDelayedNameRemoval' | 'enableTypeAndUnitLabels'>,
): EvaluatePromql {
  return async (context, expr, params) => {
    const [{ evaluate }, { Slices }] = await loadEngine();
    const slices = new Slices(clock, scheduler);
    const pause = () => slices.pause();
    return await evaluate(storage, context, expr, { ...features, pause, ...params });
  };
}
