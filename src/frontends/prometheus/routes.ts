// The Prometheus HTTP API as rows of the route table: native paths and the same under
// `/prometheus`.
import type { SnapshotKeeper } from '../../model/snapshots.ts';
import type { Storage, StorageWriter } from '../../model/storage.ts';
import { FORM_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX, WRITE_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Handler, Method, Route } from '../http/route.ts';
import { prometheusErrors } from './errors.ts';
import type { MetadataDependencies } from './metadata.ts';
import type { QueryDependencies } from './query.ts';
import { alerts, buildInfo, rules } from './status.ts';
import { remoteWrite } from './write.ts';
import type { WriteDependencies } from './write.ts';
import { plainErrors } from '../http/errors.ts';

export interface PrometheusDependencies
  extends QueryDependencies, MetadataDependencies, WriteDependencies {
  readonly snapshots: SnapshotKeeper;
  readonly storage: MetadataDependencies['storage'] &
    StorageWriter &
    Pick<Storage, 'cleanTombstones'>;
  /** Of the product. */
  readonly version: string;
}

// Loaded by the first request, not by the start.
const query = () => import('./query.ts');
const metadata = () => import('./metadata.ts');

type Row = Pick<Route, 'method' | 'path' | 'handler'> & Partial<Route>;

function read(method: Method, path: string, handler: Handler): Row {
  return { method, path, handler, bodyLimitBytes: method === 'POST' ? FORM_BODY_BYTES_MAX : 0 };
}

/** GET and POST with a form: long queries do not fit in a URL. */
function readBoth(path: string, handler: Handler): readonly Row[] {
  return [read('GET', path, handler), read('POST', path, handler)];
}

export function prometheusRoutes(deps: PrometheusDependencies): readonly Route[] {
  const remove: Handler = async (exchange) => {
    const { deleteSeries } = await import('./delete.ts');
    await deleteSeries(deps, exchange);
  };
  const snapshot: Handler = async (exchange) => {
    const { takeSnapshot } = await import('./snapshot.ts');
    await takeSnapshot(deps.snapshots, exchange);
  };
  const admin = { permission: 'admin', tenantScope: 'server' } as const;
  const clean: Handler = async (exchange) => {
    const { cleanTombstones } = await import('./delete.ts');
    await cleanTombstones(deps, exchange);
  };
  const cleaning = { permission: 'admin', tenantScope: 'server' } as const;
  const removal = { permission: 'delete', bodyLimitBytes: FORM_BODY_BYTES_MAX } as const;
  const rows: readonly Row[] = [
    ...readBoth('/api/v1/query', async (exchange) => (await query()).query(deps, exchange)),
    ...readBoth('/api/v1/query_range', async (exchange) =>
      (await query()).queryRange(deps, exchange),
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
    read('GET', '/api/v1/rules', rules),
    read('GET', '/api/v1/alerts', alerts),
    {
      ...read('GET', '/api/v1/status/buildinfo', (exchange) => buildInfo(deps.version, exchange)),
      tenantScope: 'server',
    },
    {
      method: 'POST',
      path: '/api/v1/write',
      handler: (exchange) => remoteWrite(deps, exchange),
      permission: 'write',
      bodyLimitBytes: WRITE_BODY_BYTES_MAX,
      errors: plainErrors,
    },
    { method: 'POST', path: '/api/v1/admin/tsdb/delete_series', handler: remove, ...removal },
    { method: 'PUT', path: '/api/v1/admin/tsdb/delete_series', handler: remove, ...removal },
    { method: 'POST', path: '/api/v1/admin/tsdb/snapshot', handler: snapshot, ...admin },
    { method: 'PUT', path: '/api/v1/admin/tsdb/snapshot', handler: snapshot, ...admin },
    { method: 'POST', path: '/api/v1/admin/tsdb/clean_tombstones', handler: clean, ...cleaning },
    { method: 'PUT', path: '/api/v1/admin/tsdb/clean_tombstones', handler: clean, ...cleaning },
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
