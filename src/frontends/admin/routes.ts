// Our own API: housekeeping that answers when it is done, health, own metrics, live queries.
import { AppError } from '../../model/errors.ts';
import { errorMessage } from '../../stdx/assert.ts';
import type { AuditAction } from '../../tenancy/audit.ts';
import type { SnapshotKeeper } from '../../model/snapshots.ts';
import type { Storage } from '../../model/storage.ts';
import { nativeErrors, plainErrors } from '../http/errors.ts';
import type { Exchange } from '../http/exchange.ts';
import { FORM_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX } from '../http/limits.ts';
import { CONFIG_BYTES_MAX } from '../../relabel/limits.ts';
import type { Handler, Route } from '../http/route.ts';
import type { ExplainDependencies } from './explain.ts';
import type { RelabelPreviewDependencies } from './relabel-preview.ts';
import type { QueryAdminDependencies } from './queries.ts';
import { snapshotRoutes } from './snapshots.ts';
import type { HouseDependencies } from './storage.ts';
import type { RetentionDependencies } from './tenants.ts';

export interface AdminDependencies
  extends QueryAdminDependencies, ExplainDependencies, RelabelPreviewDependencies {
  readonly storage: Storage;
  readonly tenancy: RetentionDependencies['tenancy'] & HouseDependencies['tenancy'];
  readonly snapshots: SnapshotKeeper;
  /** What the process counts, in Prometheus text. */
  readonly metricsPage: () => Promise<string>;
  /** False while the server drains. */
  readonly isReady: () => boolean;
  /** Reads the configuration again; rejects with a sentence where nothing changed. */
  readonly reload: () => Promise<void>;
  /** Of the product. */
  readonly version: string;
}

// Loaded by the first request, not by the start.
const house = () => import('./storage.ts');
const tenants = () => import('./tenants.ts');
const deletes = () => import('./deletes.ts');
const queries = () => import('./queries.ts');
const collisions = () => import('./collisions.ts');
const relabels = () => import('./relabel.ts');
const relabelPreviews = () => import('./relabel-preview.ts');
const explains = () => import('./explain.ts');

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8' };

interface Housework {
  readonly action: AuditAction;
  readonly work: () => Promise<void>;
}

async function housekeep(
  deps: AdminDependencies,
  exchange: Exchange,
  { action, work }: Housework,
): Promise<void> {
  await exchange.body();
  await exchange.deed({ action, tenants: [] }, work);
  exchange.sendJson(200, { status: 'ok', storage: deps.storage.stats() });
}

async function ready(deps: AdminDependencies, exchange: Exchange): Promise<void> {
  if (!deps.isReady())
    throw new AppError('unavailable', 'stopping', 'the server is stopping', { retryAfterSec: 1 });
  exchange.send({ status: 200, headers: TEXT, body: 'Orrery is ready.\n' });
}

/** As Prometheus answers: nothing, or 500 with the reason. */
async function reload(deps: AdminDependencies, exchange: Exchange): Promise<void> {
  await exchange.body();
  await exchange.deed({ action: 'server.reload', tenants: [] }, async () => {
    try {
      await deps.reload();
    } catch (cause) {
      const why = `failed to reload config: ${errorMessage(cause)}`;
      throw new AppError('internal', 'config-reload', why, { cause });
    }
  });
  exchange.send({ status: 200, headers: TEXT, body: '' });
}

/** A route about the process, open to everyone who reached the listener. */
function get(path: string, handler: Handler): Route {
  return {
    method: 'GET',
    path,
    prefix: '',
    permission: 'none',
    tenantScope: 'server',
    bodyLimitBytes: 0,
    errors: plainErrors,
    handler,
  };
}

function retentionRoutes(deps: AdminDependencies): readonly Route[] {
  const path = '/orrery/v1/tenants/:tenant/retention';
  const row = { permission: 'admin', errors: nativeErrors } as const;
  return [
    { ...get(path, async (exchange) => (await tenants()).getRetention(deps, exchange)), ...row },
    {
      ...get(path, async (exchange) => (await tenants()).putRetention(deps, exchange)),
      ...row,
      method: 'PUT',
      bodyLimitBytes: SMALL_BODY_BYTES_MAX,
    },
    {
      ...get(path, async (exchange) => (await tenants()).removeRetention(deps, exchange)),
      ...row,
      method: 'DELETE',
    },
  ];
}

function deleteRoutes({ storage }: AdminDependencies): readonly Route[] {
  const handler: Handler = async (exchange) => (await deletes()).deletePoints(storage, exchange);
  return (['POST', 'DELETE'] as const).map((method) => ({
    ...get('/orrery/v1/delete', handler),
    method,
    permission: 'delete',
    tenantScope: 'tenant',
    bodyLimitBytes: method === 'POST' ? FORM_BODY_BYTES_MAX : 0,
    errors: nativeErrors,
  }));
}

function queryRoutes(deps: AdminDependencies): readonly Route[] {
  const path = '/orrery/v1/queries';
  const row = { permission: 'read', tenantScope: 'tenant', errors: nativeErrors } as const;
  const both = (route: string, handler: Handler): readonly Route[] => [
    { ...get(route, handler), ...row },
    { ...get(route, handler), ...row, method: 'POST', bodyLimitBytes: FORM_BODY_BYTES_MAX },
  ];
  return [
    {
      ...get(path, async (exchange) => (await queries()).listQueries(deps, exchange)),
      ...row,
    },
    {
      ...get(`${path}/:id`, async (exchange) => (await queries()).cancelQuery(deps, exchange)),
      ...row,
      method: 'DELETE',
    },
    ...both(`${path}/estimate`, async (exchange) =>
      (await queries()).estimateQuery(deps, exchange),
    ),
    ...both(`${path}/explain`, async (exchange) => (await queries()).explainQuery(deps, exchange)),
  ];
}

function relabelRoutes(deps: AdminDependencies): readonly Route[] {
  const { relabel } = deps;
  const path = '/orrery/v1/relabel';
  const row = { tenantScope: 'tenant', isWhole: true, errors: nativeErrors } as const;
  const ruler = { ...row, permission: 'rules' } as const;
  return [
    {
      ...get(path, async (exchange) => (await relabels()).getRelabel(relabel, exchange)),
      ...row,
      permission: 'read',
    },
    {
      ...get(path, async (exchange) => (await relabels()).putRelabel(relabel, exchange)),
      ...ruler,
      method: 'PUT',
      bodyLimitBytes: CONFIG_BYTES_MAX,
    },
    {
      ...get(path, async (exchange) => (await relabels()).deleteRelabel(relabel, exchange)),
      ...ruler,
      method: 'DELETE',
    },
    {
      ...get(`${path}/debug`, async (exchange) =>
        (await relabels()).debugRelabel(relabel, exchange),
      ),
      ...row,
      permission: 'read',
      method: 'POST',
      bodyLimitBytes: DEBUG_BODY_BYTES_MAX,
    },
    {
      ...get(`${path}/preview`, async (exchange) =>
        (await relabelPreviews()).previewRelabel(deps, exchange),
      ),
      ...row,
      permission: 'read',
      method: 'POST',
      bodyLimitBytes: CONFIG_BYTES_MAX,
    },
  ];
}

/** Shows why samples are not there, and stores nothing. */
function explainRoute(deps: AdminDependencies): Route {
  return {
    ...get('/orrery/v1/ingest/explain', async (exchange) =>
      (await explains()).explainIngest(deps, exchange),
    ),
    permission: 'read',
    tenantScope: 'tenant',
    isWhole: true,
    errors: nativeErrors,
    method: 'POST',
    bodyLimitBytes: SMALL_BODY_BYTES_MAX,
  };
}

/** Rules and labels in JSON, where a character may take six. */
const DEBUG_BODY_BYTES_MAX = 6 * CONFIG_BYTES_MAX + SMALL_BODY_BYTES_MAX;

export function adminRoutes(deps: AdminDependencies): readonly Route[] {
  const post = (path: string, action: AuditAction, work: () => Promise<void>) =>
    ({
      method: 'POST',
      path,
      prefix: '',
      permission: 'admin',
      tenantScope: 'server',
      bodyLimitBytes: SMALL_BODY_BYTES_MAX,
      errors: nativeErrors,
      handler: (exchange: Exchange) => housekeep(deps, exchange, { action, work }),
    }) as const;
  return [
    get('/-/healthy', async (exchange) =>
      exchange.send({ status: 200, headers: TEXT, body: 'Orrery is healthy.\n' }),
    ),
    get('/-/ready', (exchange) => ready(deps, exchange)),
    ...(['POST', 'PUT'] as const).map((method): Route => {
      const row = get('/-/reload', (exchange) => reload(deps, exchange));
      return { ...row, method, permission: 'admin', bodyLimitBytes: SMALL_BODY_BYTES_MAX };
    }),
    // What the load of all tenants together is, is nobody's but the server's and its scraper's.
    {
      ...get('/metrics', async (exchange) =>
        exchange.send({
          status: 200,
          headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' },
          body: await deps.metricsPage(),
        }),
      ),
      permission: 'metrics',
    },
    {
      ...get('/orrery/v1/status', async (exchange) =>
        exchange.sendJson(200, { version: deps.version, storage: deps.storage.stats() }),
      ),
      permission: 'metrics',
      errors: nativeErrors,
    },
    {
      ...get('/orrery/v1/storage', async (exchange) => (await house()).showStorage(deps, exchange)),
      permission: 'admin',
      errors: nativeErrors,
    },
    {
      ...get('/orrery/v1/collisions', async (exchange) =>
        (await collisions()).listCollisions(deps, exchange),
      ),
      permission: 'read',
      tenantScope: 'tenant',
      errors: nativeErrors,
    },
    explainRoute(deps),
    ...relabelRoutes(deps),
    ...retentionRoutes(deps),
    ...deleteRoutes(deps),
    post('/orrery/v1/admin/flush', 'server.flush', () => deps.storage.flush()),
    post('/orrery/v1/admin/compact', 'server.compact', () => deps.storage.compact()),
    ...snapshotRoutes(deps.snapshots),
    post('/orrery/v1/admin/clean_tombstones', 'server.clean', () => deps.storage.cleanTombstones()),
    ...queryRoutes(deps),
  ];
}
