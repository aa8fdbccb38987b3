// A thread of ingest: a listener on the port that all of them share, parsers and dictionaries. What
// it parsed goes to the thread of the shards as columns; every other request goes there whole.
import { MessageChannel, parentPort, workerData } from 'node:worker_threads';
import { collectdRoutes } from '../../frontends/collectd/routes.ts';
import { forward } from '../../frontends/http/forward.ts';
import { graphiteRoutes } from '../../frontends/graphite/routes.ts';
import { HttpServer } from '../../frontends/http/server.ts';
import type { Route } from '../../frontends/http/route.ts';
import { importRoutes } from '../../frontends/import/routes.ts';
import { influxRoutes } from '../../frontends/influx/routes.ts';
import { opentsdbRoutes } from '../../frontends/opentsdb/routes.ts';
import { prometheusRoutes } from '../../frontends/prometheus/routes.ts';
import { warp10Routes } from '../../frontends/warp10/routes.ts';
import { Ingest } from '../../ingest/ingest.ts';
import type { IngestLimits } from '../../ingest/ingest.ts';
import { refusedOf, refusedWrite } from '../../ingest/refused-lines.ts';
import { RelabelTable } from '../../ingest/relabel-table.ts';
import { WriteTurns } from '../../ingest/write-turns.ts';
import { must } from '../../stdx/assert.ts';
import type { Logger, LogLevel } from '../../telemetry/logger.ts';
import { MetricsRegistry } from '../../telemetry/registry.ts';
import type { RefusedSeries } from '../../tenancy/breaches.ts';
import { LimitCopy } from '../../tenancy/limit-book.ts';
import type { TenancyChange } from '../../tenancy/records.ts';
import { TenancyCopy } from '../../tenancy/tenant-lookup.ts';
import { ShardSender } from '../../tsdb/shard-sender.ts';
import { realClock } from '../real/clock.ts';
import { loadKernels } from '../real/kernels.ts';
import { PortStream } from '../real/port-stream.ts';
import { realPrng } from '../real/prng.ts';
import { inNextTurn, realScheduler } from '../real/scheduler.ts';
import { makeAuthenticator } from './authentication.ts';
import { doorRules } from './door-rules.ts';
import { USES } from './ingest-protocol.ts';
import type { FromIngest, IngestSetup, LimitTold, ToIngest } from './ingest-protocol.ts';
import { doorLimits, hearLimits, openQuotas } from './quotas.ts';
import { registerHeapMetrics } from './process-metrics.ts';
import type { RouteDependencies } from './routes.ts';
import { RequestTally } from './usage.ts';
import { writeCounter } from './write-metrics.ts';

loadKernels();
const parent = must(parentPort, 'this module is the start of a thread');
const setup = workerData as IngestSetup;
const registry = new MetricsRegistry();
registerHeapMetrics(registry);
const sender = new ShardSender({
  shardCount: setup.shardCount,
  post: (message, buffers) => {
    post({ kind: 'sent', message }, buffers);
    tellUses();
  },
  onReset: () => ingest.forgetRefs(),
});
const countWrite = writeCounter(registry);
const relabel = new RelabelTable(setup.relabelling.fallback);
for (const rules of setup.relabelling.tenants) relabel.set(rules);
const limits = openQuotas(setup.settings, realClock, { threadCount: setup.threadCount });
const { quotas } = limits;
const limitRecords = new LimitCopy();
limits.book.readFrom(limitRecords);
quotas.listen({
  onLeftOut: (hit, by) => post({ kind: 'breach', breach: { kind: 'left-out', hit, sender: by } }),
});
const requests = new RequestTally(realScheduler, (counted) =>
  post({ kind: 'requests', requests: counted }),
);
const ingest = new Ingest({
  storage: sender,
  prng: realPrng,
  onWrite: (report) => {
    countWrite(report);
    requests.add(report);
    const refused = refusedOf(report);
    if (refused !== undefined) post({ kind: 'refused', refused });
    tellUses();
  },
  limits: shareOf(setup.limits, setup.threadCount),
  relabel,
  quotas,
  turns: new WriteTurns(inNextTurn, realClock),
  onSeriesRefused: (refused) => {
    tellSeries(refused);
    return limits.breaches.addSeries(refused);
  },
  // What the storage knows already is found where all threads come together.
  metadata: { filter: (_tenant, batch) => batch, forget: () => undefined },
});
const tenancy = new TenancyCopy(setup.tenancy);
const server = new HttpServer({
  routes: writeRoutes(),
  authenticator: makeAuthenticator({
    settings: setup.settings,
    lookup: tenancy,
    known: setup.tenants,
    // Nothing is read here: the routes are those that write.
    matchersOf: () => [],
    clock: realClock,
    logger: logger(),
    registry,
  }),
  rules: doorRules(setup.settings),
  logger: logger(),
  registry,
  clock: realClock,
  scheduler: realScheduler,
  ...doorLimits(limits, (breach) => post({ kind: 'breach', breach })),
  onWriteRefused: (refused) => post({ kind: 'refused', refused: refusedWrite(refused) }),
  // Ends the thread, and with it the process.
  onFatal: (error) => {
    throw error;
  },
  doorCount: setup.threadCount,
  ...(setup.keys === undefined ? {} : { keys: setup.keys }),
  elsewhere: (request, response) => forward(request, response, connect),
});

function post(message: FromIngest, transfer: (ArrayBuffer | MessagePort)[] = []): void {
  parent.postMessage(message, transfer);
}

let isToldSoon = false;

/** Once a turn of the event loop, when a write has begun or ended. */
function tellUses(): void {
  if (isToldSoon) return;
  isToldSoon = true;
  setImmediate(() => {
    isToldSoon = false;
    Atomics.store(setup.uses, USES.dictionaries, Math.ceil(ingest.dictionaryBytes / 1024));
    Atomics.store(setup.uses, USES.bodies, Math.ceil(ingest.inFlightBytes / 1024));
  });
}

/** Each thread has its share of what one would have. */
function shareOf(whole: IngestLimits, threadCount: number): IngestLimits {
  const { inFlightBytesMax, dictionariesBytesMax, dictionaryBounds, labels } = whole;
  const dictionariesShare = Math.floor(dictionariesBytesMax / threadCount);
  const bytesMax = Math.min(dictionaryBounds.bytesMax, dictionariesShare);
  return {
    labels,
    inFlightBytesMax: Math.floor(inFlightBytesMax / threadCount),
    dictionariesBytesMax: dictionariesShare,
    dictionaryBounds: { ...dictionaryBounds, bytesMax },
  };
}

/** Routes that need nothing but the ingest and the clock: those that write. */
function writeRoutes(): readonly Route[] {
  // Tests write by each of them (test/support/route-writers.ts).
  const { typeAndUnitLabels, warp10TimeUnit } = setup.settings;
  const warp10 = { timeUnit: warp10TimeUnit };
  const parts = { ingest, clock: realClock, scheduler: realScheduler, typeAndUnitLabels, warp10 };
  const deps = parts as RouteDependencies;
  const routes = [
    ...prometheusRoutes(deps),
    ...influxRoutes(deps),
    ...graphiteRoutes(deps),
    ...opentsdbRoutes(deps),
    ...warp10Routes(deps),
    ...collectdRoutes(deps),
    ...importRoutes(deps),
  ];
  return routes.filter(({ permission }) => permission === 'write');
}

/** One log, whose lines are counted in one place. */
function logger(): Logger {
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}

function line(level: LogLevel): Logger['info'] {
  return (message, fields = {}) => post({ kind: 'log', level, message, fields });
}

function connect(peer: string): PortStream {
  const { port1, port2 } = new MessageChannel();
  post({ kind: 'connection', port: port2, peer }, [port2]);
  return new PortStream(port1);
}

/** The first series of each second are told; of the others how many they are. */
const SERIES_TOLD_PER_SECOND = 100;
let seriesSecond = 0;
let seriesTold = 0;
let seriesUntold = 0;

function tellSeries(refused: RefusedSeries): void {
  const second = Math.floor(realClock.nowMs() / 1000);
  if (second !== seriesSecond) seriesTold = 0;
  seriesSecond = second;
  if (++seriesTold > SERIES_TOLD_PER_SECOND) {
    seriesUntold++;
    return;
  }
  const count = 1 + seriesUntold;
  seriesUntold = 0;
  post({ kind: 'breach', breach: { kind: 'series', refused: { ...refused, count } } });
}

function hearLimit(told: LimitTold): void {
  if (told.kind === 'writes') quotas.close(told.account);
  else if (told.kind === 'series') quotas.hearSeriesRefused(told.hit);
  else hearLimits(limits, limitRecords, told.limits);
}

/** What is known of a tenant that is gone goes, too. */
function hearTenancy(change: TenancyChange): void {
  tenancy.apply(change);
  const { kind, id, record } = change;
  if (kind !== 'tenant' || record !== undefined) return;
  quotas.forget(id);
  limits.breaches.forget(id);
  ingest.forgetRules(id);
}

async function hear(message: ToIngest): Promise<void> {
  if (message.kind === 'answers') for (const answer of message.answers) sender.receive(answer);
  else if (message.kind === 'limit') hearLimit(message.told);
  else if (message.kind === 'keys') server.renewKeys(message.keys);
  else if (message.kind === 'relabel') {
    relabel.set(message.rules);
    ingest.forgetRules(message.rules.tenant);
    post({ kind: 'relabelled' });
  } else if (message.kind === 'tenancy') hearTenancy(message.change);
  else if (message.kind === 'metrics') post({ kind: 'page', text: registry.render() });
  else {
    await server.drain(message.graceMs);
    requests.tell();
    post({ kind: 'drained' });
  }
}

parent.on('message', (message: ToIngest) => void hear(message));
try {
  const address = await server.listen({ ...setup.address, reusePort: true });
  post({ kind: 'listening', address });
} catch (error) {
  if (!(error instanceof Error && 'code' in error)) throw error;
  post({ kind: 'unable', code: String(error.code), message: error.message });
}
