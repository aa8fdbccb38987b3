// The Prometheus HTTP API as rows of the route table: native paths and the same under
// `/prometheus`.
import type { SnapshotKeeper } from '../../model/snapshots.ts';
import type { Storage, StorageWriter } from '../../model/storage.ts';
import { FORM_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX, WRITE_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Handler, Method, Route } from '../http/route.ts';
import { prometheusErrors } from './errors.ts';
import type { MetadataDependencies } from './metadata.ts';
import type { QueryDependencies } from './query.ts';
import type { SearchKind } from './search.ts';
import type { StatusDependencies } from './status.ts';
import type { TargetDependencies } from './targets.ts';
import { remoteWrite } from './write.ts';
import type { WriteDependencies } from './write.ts';
import { lazy } from '../../stdx/lazy.ts';
import { plainErrors } from '../http/errors.ts';

export interface PrometheusDependencies
  extends QueryDependencies, StatusDependencies, TargetDependencies, WriteDependencies {
  /** The page of the server's own metrics. */
  readonly metricsPage: () => Promise<string>;
  readonly snapshots: SnapshotKeeper;
  readonly storage: MetadataDependencies['storage'] &
    StorageWriter &
    Pick<Storage, 'cleanTombstones'>;
}

// Loaded by the first request, not by the start.
const query = lazy(() => import('./query.ts'));
const metadata = lazy(() => import('./metadata.ts'));
const status = lazy(() => import('./status.ts'));
const targets = lazy(() => import('./targets.ts'));
const exemplars = lazy(() => import('./exemplars.ts'));
const search = lazy(() => import('./search.ts'));
const federate = lazy(() => import('./federate.ts'));
const remoteRead = lazy(() => import('./read.ts'));

type Row = Pick<Route, 'method' | 'path' | 'handler'> & Partial<Route>;

function read(method: Method, path: string, handler: Handler): Row {
  return { method, path, handler, bodyLimitBytes: method === 'POST' ? FORM_BODY_BYTES_MAX : 0 };
}

function get(path: string, handler: Handler): Row {
  return read('GET', `/api/v1/${path}`, handler);
}

/** About the process, not about a tenant. */
function about(path: string, permission: 'read' | 'admin' | 'metrics', handler: Handler): Row {
  return { ...get(path, handler), permission, tenantScope: 'server' };
}

/** GET and POST with a form: long queries do not fit in a URL. */
function readBoth(path: string, handler: Handler): readonly Row[] {
  return [read('GET', path, handler), read('POST', path, handler)];
}

function queryRows(deps: PrometheusDependencies): readonly Row[] {
  const searchRows = (kind: SearchKind): readonly Row[] =>
    readBoth(`/api/v1/search/${kind}`, async (exchange) =>
      (await search()).searchNames(deps, exchange, kind),
    );
  return [
    ...readBoth('/api/v1/query', async (exchange) => (await query()).query(deps, exchange)),
    ...readBoth('/api/v1/query_range', async (exchange) =>
      (await query()).queryRange(deps, exchange),
    ),
    ...readBoth('/api/v1/query_exemplars', async (exchange) =>
      (await exemplars()).queryExemplars(deps, exchange),
    ),
    ...readBoth('/api/v1/parse_query', async (exchange) => (await query()).parseQuery(exchange)),
    ...readBoth('/api/v1/format_query', async (exchange) => (await query()).formatQuery(exchange)),
    ...readBoth('/api/v1/series', async (exchange) => (await metadata()).series(deps, exchange)),
    ...readBoth('/api/v1/labels', async (exchange) => (await metadata()).labels(deps, exchange)),
    read('GET', '/api/v1/label/:name/values', async (exchange) =>
      (await metadata()).labelValues(deps, exchange),
    ),
    read('GET', '/api/v1/metadata', async (exchange) =>
      (await metadata()).metadata(deps, exchange),
    ),
    ...searchRows('metric_names'),
    ...searchRows('label_names'),
    ...searchRows('label_values'),
  ];
}

/** What the collector scrapes for the tenant. */
function targetRows(deps: PrometheusDependencies): readonly Row[] {
  return [
    get('scrape_pools', async (exchange) => (await targets()).scrapePools(deps, exchange)),
    get('scrape_pools/config', async (exchange) =>
      (await targets()).scrapePoolConfig(deps, exchange),
    ),
    get('targets', async (exchange) => (await targets()).targets(deps, exchange)),
    get('targets/metadata', async (exchange) => (await targets()).targetMetadata(deps, exchange)),
    get('targets/relabel_steps', async (exchange) =>
      (await targets()).relabelSteps(deps, exchange),
    ),
  ].map((row) => ({ ...row, isWhole: true }));
}

/** About the tenant's rules and statistics. */
function tenantRows(deps: PrometheusDependencies): readonly Row[] {
  return [
    ...targetRows(deps),
    get('rules', async (exchange) => (await import('./rules.ts')).rules(exchange)),
    get('alerts', async (exchange) => (await status()).alerts(exchange)),
    get('alertmanagers', async (exchange) => (await status()).alertmanagers(exchange)),
    get('notifications', async (exchange) => (await status()).notifications(exchange)),
    get('notifications/live', async (exchange) => (await status()).liveNotifications(exchange)),
    get('status/tsdb', async (exchange) => (await status()).tsdbStatus(deps, exchange)),
    get('status/tsdb/blocks', async (exchange) => (await status()).noBlocks(exchange)),
  ];
}

/** About the process. */
function serverRows(deps: PrometheusDependencies): readonly Row[] {
  return [
    about('status/buildinfo', 'read', async (exchange) =>
      (await status()).buildInfo(deps.version, exchange),
    ),
    about('status/runtimeinfo', 'read', async (exchange) =>
      (await status()).runtimeInfo(deps, exchange),
    ),
    about('status/walreplay', 'read', async (exchange) => (await status()).replayed(exchange)),
    about('features', 'read', async (exchange) => (await status()).features(deps, exchange)),
    about('openapi.yaml', 'read', async (exchange) =>
      (await import('./openapi.ts')).openApi(exchange),
    ),
    about('status/config', 'admin', async (exchange) =>
      (await status()).configuration(deps, exchange),
    ),
    about('status/flags', 'admin', async (exchange) => (await status()).flags(deps, exchange)),
    about('status/self_metrics', 'metrics', async (exchange) =>
      (await import('./self-metrics.ts')).selfMetrics(deps.metricsPage, exchange),
    ),
  ];
}

function adminRows(deps: PrometheusDependencies): readonly Row[] {
  const remove: Handler = async (exchange) => {
    const { deleteSeries } = await import('./delete.ts');
    await deleteSeries(deps, exchange);
  };
  const snapshot: Handler = async (exchange) => {
    const { takeSnapshot } = await import('./snapshot.ts');
    await takeSnapshot(deps.snapshots, exchange);
  };
  const clean: Handler = async (exchange) => {
    const { cleanTombstones } = await import('./delete.ts');
    await cleanTombstones(deps, exchange);
  };
  const admin = { permission: 'admin', tenantScope: 'server' } as const;
  const removal = { permission: 'delete', bodyLimitBytes: FORM_BODY_BYTES_MAX } as const;
  return (['POST', 'PUT'] as const).flatMap((method) => [
    { method, path: '/api/v1/admin/tsdb/delete_series', handler: remove, ...removal },
    { method, path: '/api/v1/admin/tsdb/snapshot', handler: snapshot, ...admin },
    { method, path: '/api/v1/admin/tsdb/clean_tombstones', handler: clean, ...admin },
  ]);
}

export function prometheusRoutes(deps: PrometheusDependencies): readonly Route[] {
  const write: Omit<Row, 'path'> = {
    method: 'POST',
    handler: (exchange) => remoteWrite(deps, exchange),
    permission: 'write',
    bodyLimitBytes: WRITE_BODY_BYTES_MAX,
    errors: plainErrors,
  };
  const readRow: Row = {
    method: 'POST',
    path: '/api/v1/read',
    handler: async (exchange) => (await remoteRead()).remoteRead(deps, exchange),
    bodyLimitBytes: FORM_BODY_BYTES_MAX,
    errors: plainErrors,
  };
  const federation: Row = {
    ...read('GET', '/federate', async (exchange) => (await federate()).federate(deps, exchange)),
    errors: plainErrors,
  };
  const rows = [
    ...queryRows(deps),
    ...tenantRows(deps),
    ...serverRows(deps),
    { ...write, path: '/api/v1/write' },
    // Where Cortex and Mimir take the same message, and agents made for them send it.
    { ...write, path: '/api/v1/push' },
    readRow,
    federation,
    ...adminRows(deps),
  ];
  return rows.map((row) => ({
    prefix: '/prometheus',
    permission: 'read',
    tenantScope: 'tenant',
    bodyLimitBytes: SMALL_BODY_BYTES_MAX,
    errors: prometheusErrors,
    ...row,
  }));
}
