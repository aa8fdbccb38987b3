/** The mock's tenants: two at first, with what is created and changed kept in the state. */
import type { MockTenancy, MockTenant, MockToken } from './mock-tenancy.ts';
import { BREACHES, refused } from './ingest.ts';
import { failed, type MockAnswer, type MockRequest, type MockState } from './mock-answer.ts';

const BORN = '2026-11-01T09:00:00.000Z';

function tenantOf(name: string, rest: Partial<MockTenant> = {}): [string, MockTenant] {
  const base = { name, id: name, state: 'active', created_at: BORN, limits: {}, tokens: [] };
  return [name, { ...base, ...rest }];
}

export function newTenancy(): MockTenancy {
  const agent = tokenOf('agent', {
    name: 'agent of the shop',
    permissions: ['read', 'write'],
    labels: { env: 'prod' },
    matchers: ['{env="prod"}'],
  });
  return {
    tenants: new Map([
      tenantOf('default', { created_at: null }),
      tenantOf('shop', { limits: { 'active-series': 250_000 }, tokens: [agent] }),
    ]),
    changes: [
      { action: 'token-create', subject: 'agent', tenant: 'shop' },
      { action: 'tenant-create', subject: 'shop', tenant: 'shop' },
    ],
  };
}

function tokenOf(id: string, fields: Readonly<Record<string, unknown>>): MockToken {
  return {
    id,
    name: '',
    state: 'active',
    scope: 'tenant',
    tenants: [],
    permissions: [],
    labels: {},
    matchers: [],
    application: '',
    expires_at: null,
    created_at: BORN,
    ...fields,
  };
}

/** undefined: the path is another's. */
export function answerTenancy(request: MockRequest, state: MockState): MockAnswer | undefined {
  const { tenancy } = state;
  const { method, path, params, body } = request;
  if (state.wantsToken && request.token !== 'orr_good') {
    return failed(401, 'unauthenticated', 'the request has no valid token');
  }
  if (path === 'whoami') return { status: 200, body: whoami(state) };
  if (path === 'audit') return { status: 200, body: audit(tenancy, params.get('tenant')) };
  const [place, name = '', what = '', id = ''] = path.split('/');
  if (place !== 'tenants') return undefined;
  if (name === '') {
    return method === 'POST'
      ? createTenant(tenancy, (JSON.parse(body) as { name: string }).name)
      : { status: 200, body: { tenants: [...tenancy.tenants.values()].map(shown), next: null } };
  }
  const tenant = tenancy.tenants.get(name);
  if (tenant === undefined) return failed(404, 'not_found', `there is no tenant "${name}"`);
  if (what === 'tokens') return answerTokens(tenancy, tenant, { ...request, path: id });
  if (what === 'limits') {
    if (method !== 'GET') Object.assign(tenant.limits, JSON.parse(body));
    return { status: 200, body: limitsOf(tenant) };
  }
  if (what === 'usage') return { status: 200, body: usage(params.get('from')) };
  if (what === 'cardinality') return { status: 200, body: CARDINALITY };
  if (what === 'breaches' || what === 'refused-lines') return refusals(name, what);
  if (what === 'growth') return { status: 200, body: growth(name, params.get('metric')) };
  tenant.state = (JSON.parse(body) as { state: string }).state;
  tenancy.changes.unshift({ action: 'tenant-state', subject: name, tenant: name });
  return { status: 200, body: shown(tenant) };
}

/** Only the shop was refused anything. */
function refusals(tenant: string, what: 'breaches' | 'refused-lines'): MockAnswer {
  const isRefused = tenant === 'shop';
  if (what === 'breaches') return { status: 200, body: { breaches: isRefused ? BREACHES : [] } };
  return { status: 200, body: refused(isRefused ? 3 : 0) };
}

/** A tenant's own token may read and administer its tenant. */
function whoami({ isOwnToken }: MockState): unknown {
  if (!isOwnToken) return { tenant: { name: 'default' }, permissions: ['admin'], token: null };
  return {
    tenant: { name: 'shop' },
    permissions: ['read', 'write', 'admin'],
    token: { scope: 'tenant' },
  };
}

/** The shop grew by a label with the number of a cart in it; the default tenant did not. */
function growth(tenant: string, metric: string | null): unknown {
  const none = {
    now: { series: 3 },
    before: { series: 3 },
    growth_by_metric: [],
    growth_by_label: [],
    growth_by_label_value: [],
    growth_by_values: [],
    makers_since: BORN,
  };
  if (tenant !== 'shop') return none;
  const requests = {
    name: 'http_requests_total',
    series: 1200,
    before: 580,
    started_by: {
      time: '2026-11-29T04:12:31.000Z',
      token: 'agent',
      protocol: 'otlp',
      labels: { __name__: 'http_requests_total', path: '/cart/1', env: 'prod' },
    },
  };
  const buckets = { name: 'http_request_seconds_bucket', series: 640, before: 630 };
  const all = [requests, { ...buckets, started_by: null }];
  return {
    ...none,
    now: { series: metric === null ? 1840 : requests.series },
    before: { series: metric === null ? 1210 : requests.before },
    growth_by_metric: all.filter(({ name }) => metric === null || name === metric),
    growth_by_label: [{ name: 'path', series: 1840, before: 1210 }],
    growth_by_label_value: [
      { name: 'path=/cart/1', series: 20, before: 0 },
      { name: 'status=500', series: 90, before: 84 },
    ],
    growth_by_values: [{ name: 'path', values: 96, before: 31 }],
  };
}

function shown({ tokens, ...rest }: MockTenant): unknown {
  return { ...rest, tokens: tokens.filter((one) => one.state !== 'revoked').length };
}

function createTenant({ tenants, changes }: MockTenancy, name: string): MockAnswer {
  if (tenants.has(name)) return failed(409, 'conflict', `there is a tenant "${name}" already`);
  const [, tenant] = tenantOf(name);
  tenants.set(name, tenant);
  changes.unshift({ action: 'tenant-create', subject: name, tenant: name });
  return { status: 201, body: shown(tenant) };
}

function answerTokens(
  { changes }: MockTenancy,
  { name, tokens }: MockTenant,
  { method, path: id, body }: MockRequest,
): MockAnswer {
  if (method === 'GET') return { status: 200, body: { tokens } };
  if (method === 'POST') {
    const token = tokenOf(`id${tokens.length}`, JSON.parse(body) as Record<string, unknown>);
    tokens.push(token);
    changes.unshift({ action: 'token-create', subject: token.id, tenant: name });
    return { status: 201, body: { ...token, token: `orr_${token.id}_secret` } };
  }
  const token = tokens.find((one) => one.id === id);
  if (token === undefined) return failed(404, 'not_found', 'the tenant has no such token');
  token.state = 'revoked';
  changes.unshift({ action: 'token-revoke', subject: id, tenant: name });
  return { status: 200, body: token };
}

function audit({ changes }: MockTenancy, tenant: string | null): unknown {
  const own = changes.filter((one) => one.tenant === tenant);
  const by = { token_id: '', token_name: '', tenant: 'default', peer: '127.0.0.1' };
  const rows = own.map(({ action, subject }, i) => {
    return { seq: own.length - i, time: BORN, action, tenants: [tenant], subject, by };
  });
  return { rows, next: null };
}

function limitsOf({ name, limits }: MockTenant): unknown {
  const own = (id: string, fallback: number) =>
    typeof limits[id] === 'number'
      ? { value: limits[id], source: 'tenant' }
      : { value: fallback, source: 'default' };
  const effective = {
    'active-series': { ...own('active-series', 1_000_000), used: 212_400 },
    'samples-per-second': own('samples-per-second', 1_000_000),
    'body-bytes': own('body-bytes', 67_108_864),
  };
  return { tenant: name, limits, effective };
}

/** Hours of a day from `from` on. */
function usage(from: string | null): unknown {
  const none = { points_read: 0, queries: 0, requests: 0, active_series: 0, bytes_stored: 0 };
  const rows = Array.from({ length: 25 }, (_, i) => {
    const hour = new Date(Date.parse(from ?? BORN) + i * 3_600_000).toISOString();
    const written = 40_000 + 9000 * (i % 5);
    const row = { ...none, hour, token: 'agent', points_written: 0 };
    return [
      { ...row, protocol: 'influx', points_written: written, requests: 40 },
      { ...row, protocol: 'promql', points_read: 3 * written, queries: 12, requests: 12 },
      { ...row, protocol: 'storage', token: '', active_series: 1840, bytes_stored: 1e6 + i * 4e4 },
    ];
  });
  return { rows: rows.flat() };
}

const CARDINALITY = {
  tenant: 'shop',
  series: 1840,
  label_pairs: 5520,
  series_by_metric: [
    { name: 'http_requests_total', series: 1200 },
    { name: 'http_request_seconds_bucket', series: 640 },
  ],
  series_by_label: [
    { name: '__name__', series: 1840 },
    { name: 'path', series: 1840 },
  ],
  series_by_label_value: [{ name: 'path=/checkout', series: 410 }],
  values_by_label: [{ name: 'path', values: 96 }],
};
