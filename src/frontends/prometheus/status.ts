// `/api/v1/status/*`, `/features`, `/rules`, `/alerts`, `/alertmanagers`, `/notifications`: what
// clients ask about a server before or beside its data. What Prometheus has and Orrery has not
// (Go's runtime, blocks, a replayed log) is empty or zero; docs/protocols/prometheus.md lists it.
// Source: Prometheus web/api/v1/api.go.
import { AppError } from '../../model/errors.ts';
import type { Cardinality } from '../../model/storage.ts';
import type { Clock } from '../../stdx/clock.ts';
import { isServerAdmin } from '../../tenancy/server-admin.ts';
import type { TenancyStore } from '../../tenancy/tenancy-store.ts';
import type { Exchange } from '../http/exchange.ts';
import { T_US_MAX } from './params.ts';
import { JSON_HEADERS, read } from './metadata.ts';
import type { MetadataDependencies } from './metadata.ts';
import { parseInteger } from './params.ts';

/** What the process knows about itself and its settings. */
export interface ServerFacts {
  readonly startedMs: number;
  readonly hostName: string;
  readonly workingDirectory: string;
  readonly processorCount: number;
  /** Memory for head, index and caches. */
  readonly memoryBytes: number;
  /** Timers, sockets and the like that the process waits for now. */
  readonly resourceCount: number;
  /** Printed values by flag. */
  readonly flags: Readonly<Record<string, string>>;
  /** The same as a settings file. */
  readonly config: string;
  /** `15d`, `10GiB`, both joined by ` or `, or `none`. */
  readonly retention: string;
}

export interface StatusDependencies extends MetadataDependencies {
  readonly facts: () => Promise<ServerFacts>;
  readonly clock: Clock;
  /** Of the product. */
  readonly version: string;
  readonly delayedNameRemoval: boolean;
  readonly typeAndUnitLabels: boolean;
  readonly tenancy: Pick<TenancyStore, 'token'>;
}

/**
 * Clients read `version` as the level of the Prometheus API they may use, so it names the one
 * spoken here; `revision` says who really answers.
 */
const API_LEVEL = '3.15.0';

export function success(exchange: Exchange, data: unknown): void {
  const body = JSON.stringify({ status: 'success', data });
  exchange.send({ status: 200, headers: JSON_HEADERS, body });
}

export function badParameter(message: string): AppError {
  return new AppError('invalid', 'parameter', message);
}

export async function buildInfo(version: string, exchange: Exchange): Promise<void> {
  success(exchange, {
    version: API_LEVEL,
    revision: `orrery-${version}`,
    branch: '',
    buildUser: '',
    buildDate: '',
    goVersion: '',
  });
}

export async function runtimeInfo(deps: StatusDependencies, exchange: Exchange): Promise<void> {
  const facts = await deps.facts();
  const startTime = new Date(facts.startedMs).toISOString();
  // Where the server runs is no tenant's business.
  const isTold = isServerAdmin(exchange.principal, deps.tenancy);
  success(exchange, {
    startTime,
    CWD: isTold ? facts.workingDirectory : '',
    hostname: isTold ? facts.hostName : '',
    serverTime: new Date(deps.clock.nowMs()).toISOString(),
    reloadConfigSuccess: true,
    lastConfigTime: startTime,
    corruptionCount: 0,
    goroutineCount: facts.resourceCount,
    GOMAXPROCS: facts.processorCount,
    GOMEMLIMIT: facts.memoryBytes,
    GOGC: '',
    GODEBUG: '',
    storageRetention: facts.retention,
  });
}

export async function configuration(deps: StatusDependencies, exchange: Exchange): Promise<void> {
  success(exchange, { yaml: (await deps.facts()).config });
}

export async function flags(deps: StatusDependencies, exchange: Exchange): Promise<void> {
  success(exchange, (await deps.facts()).flags);
}

const STATISTICS_MAX = 10_000;
const STATISTICS_DEFAULT = 10;

function statisticsLimit(params: URLSearchParams): number {
  const text = params.get('limit') ?? '';
  if (text === '') return STATISTICS_DEFAULT;
  const limit = parseInteger(text);
  if (limit === undefined || limit < 1) throw badParameter('limit must be a positive number');
  if (limit > STATISTICS_MAX) throw badParameter(`limit must not exceed ${STATISTICS_MAX}`);
  return limit;
}

type Counts = Cardinality['byMetricName'];

const rows = (counts: Counts): readonly { name: string; value: number }[] =>
  counts.map(({ name, count }) => ({ name, value: count }));

/** About everything that the tenant has stored, not about a head alone. */
export async function tsdbStatus(deps: StatusDependencies, exchange: Exchange): Promise<void> {
  const params = exchange.search;
  const limit = statisticsLimit(params);
  const everything = { matchers: [], startUs: -T_US_MAX, endUs: T_US_MAX };
  const found = await read(deps, exchange, params, 'statistics', (context) =>
    deps.storage.cardinality(context, { ...everything, limit }),
  );
  success(exchange, {
    headStats: {
      numSeries: found.seriesCount,
      numLabelPairs: found.labelPairCount,
      chunkCount: 0,
      minTime: 0,
      maxTime: 0,
    },
    seriesCountByMetricName: rows(found.byMetricName),
    labelValueCountByLabelName: rows(found.valuesByLabelName),
    memoryInBytesByLabelName: rows(found.valueBytesByLabelName),
    seriesCountByLabelValuePair: rows(found.byLabelPair),
  });
}

export async function noBlocks(exchange: Exchange): Promise<void> {
  success(exchange, { blocks: [] });
}

/** The listener opens when the log is replayed. */
export async function replayed(exchange: Exchange): Promise<void> {
  success(exchange, { min: 0, max: 0, current: 0 });
}

export async function features(deps: StatusDependencies, exchange: Exchange): Promise<void> {
  const { featureList } = await import('./features.ts');
  success(exchange, featureList(deps));
}

export async function alerts(exchange: Exchange): Promise<void> {
  success(exchange, { alerts: [] });
}

export async function alertmanagers(exchange: Exchange): Promise<void> {
  success(exchange, { activeAlertmanagers: [], droppedAlertmanagers: [] });
}

/**
 * Prometheus answers so where it has no place for one more listener: clients do not ask again, and
 * there is nothing to hear.
 */
export async function liveNotifications(exchange: Exchange): Promise<void> {
  exchange.send({ status: 204 });
}

export async function notifications(exchange: Exchange): Promise<void> {
  success(exchange, []);
}
