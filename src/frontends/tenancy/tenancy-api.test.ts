// The routes of tenants on a door: the document says what they answer, mistakes are named by their
// place, names of JavaScript's own are data, a tenant sees and gives only what is its own, and a
// deleted tenant has no point left.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MemoryCatalog } from '../../../test/contract/memory-planes.ts';
import { MemoryStorage } from '../../../test/contract/memory-storage.ts';
import { point, writeRows } from '../../../test/contract/rows.ts';
import { SchemaChecker } from '../../../test/support/json-schema.ts';
import type { Schema } from '../../../test/support/json-schema.ts';
import { AppError } from '../../model/errors.ts';
import { openPrincipal } from '../../model/tenant.ts';
import type { Principal } from '../../model/tenant.ts';
import { QueryService } from '../../query/query-service.ts';
import { seededPrng } from '../../stdx/prng.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { MetricsRegistry } from '../../telemetry/registry.ts';
import { SERVER_ACTOR } from '../../tenancy/audit.ts';
import { isServerAdmin } from '../../tenancy/server-admin.ts';
import { TenancyStore } from '../../tenancy/tenancy-store.ts';
import { TenantRemoval } from '../../tenancy/tenant-removal.ts';
import { matcher } from '../../model/matcher.ts';
import { LimitBook } from '../../tenancy/limit-book.ts';
import { LIMIT_IDS } from '../../tenancy/limit-table.ts';
import { Breaches } from '../../tenancy/breaches.ts';
import { RefusedLines } from '../../ingest/refused-lines.ts';
import { SeriesMakers } from '../../tenancy/series-makers.ts';
import { UsageBook } from '../../tenancy/usage.ts';
import { mintToken } from '../../tenancy/token.ts';
import { openDoor, testScheduler } from '../http/testing.ts';
import type { TestDoor } from '../http/testing.ts';
import { openApiDocument } from './openapi.ts';
import { tenancyRoutes } from './routes.ts';
import type { TenancyApiDependencies } from './routes.ts';

const clock = { nowMs: () => Date.UTC(2026, 5, 1), monotonicMs: () => 0 };
const prng = seededPrng(7);
const forgotten: string[] = [];

/** Fields of all answers together; the document says which of them are there. */
interface Body {
  readonly error?: { readonly code: string; readonly path?: string };
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly limits: unknown;
  readonly effective: Readonly<Record<string, object>>;
  readonly labels: unknown;
  readonly token: string;
  readonly tokens: unknown;
  readonly tenants: readonly { readonly name: string; readonly created_at: unknown }[];
  readonly next: unknown;
  readonly series: unknown;
  readonly left: unknown;
  readonly remains: readonly string[];
  readonly rows: readonly {
    readonly action: string;
    readonly tenants: readonly string[];
    readonly by: unknown;
  }[];
}

interface Answer {
  readonly status: number;
  readonly json: Body;
}

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content: { readonly 'application/json': { schema: Schema } } }>
  >;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

let door: TestDoor;
let store: TenancyStore;
let storage: MemoryStorage;
let usage: UsageBook;
const document = openApiDocument({ version: '1' }) as unknown as Document;
const checker = new SchemaChecker(document.components.schemas);

function queryService(): QueryService {
  return new QueryService({
    storage,
    clock,
    scheduler: testScheduler,
    prng,
    registry: new MetricsRegistry(),
    timeoutMs: 10_000,
    concurrency: 2,
    heavyConcurrency: 1,
    heavySamples: 1e6,
    memoryBytes: 1e6,
    allMemoryBytes: 1e7,
    logger: silentLogger,
    slowMs: undefined,
  });
}

/** As a token authenticator makes it, by the id of the token alone; none: open mode. */
function principalOf(id: string | undefined): Principal {
  if (id === undefined) return openPrincipal('default');
  const token = store.token(id);
  if (token === undefined || token.revokedMs !== undefined)
    throw new AppError('unauthenticated', 'token', 'no such token');
  const permissions = new Set(token.permissions);
  const forcedMatchers = token.matchers.map(() => matcher('a', '=', 'b'));
  return { ...openPrincipal(token.tenants[0]!), tokenId: id, permissions, forcedMatchers };
}

before(async () => {
  const catalog = new MemoryCatalog();
  store = await TenancyStore.open({ catalog, clock });
  const onError = (error: unknown): void => assert.ifError(error);
  usage = await UsageBook.open({ catalog, clock, scheduler: testScheduler, onError });
  storage = new MemoryStorage(undefined, () => clock.nowMs());
  const forget = async (tenant: string) => void forgotten.push(tenant);
  const book = new LimitBook({ 'query-samples': 9, 'query-range': 3_162_240_000 });
  book.readFrom(store);
  store.onChange(({ kind, id, record }) => {
    const tenants = kind === 'tenant' ? [id] : (record?.tenants ?? []);
    for (const tenant of tenants) book.changed(tenant);
  });
  const removal = new TenantRemoval({ store, storage, forget, logger: silentLogger });
  const deps: TenancyApiDependencies = {
    tenancy: store,
    storage,
    removal,
    clock,
    usage,
    lookAtUsage: async () => undefined,
    queries: queryService(),
    makers: new SeriesMakers(clock),
    breaches: new Breaches(clock),
    refusedLines: new RefusedLines(clock),
    mintToken: () => mintToken(prng),
    limitsInForce: (tenant, tokenId) => book.sourced(tenant, tokenId),
    limitUse: () => ({ 'active-series': 17 }),
    version: '1',
  };
  const authenticator = {
    admit: () => undefined,
    authenticate: ({ token }: { token: string | undefined }, permission: string) => {
      const principal = principalOf(token);
      if (!principal.permissions.has(permission as 'read'))
        throw new AppError('forbidden', 'permission', 'not permitted');
      return principal;
    },
  };
  const isAdmin = (principal: Principal) => isServerAdmin(principal, store);
  const who = { authenticator, isServerAdmin: isAdmin };
  door = await openDoor(tenancyRoutes(deps), {}, undefined, who);
});
after(() => {
  usage.stop();
  return door.close();
});

/** The operation of the document that a request is one of. */
function operationOf(method: string, path: string): Operation {
  const { pathname } = new URL(path, 'http://h');
  const found = Object.entries(document.paths).find(([pattern]) =>
    new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
  );
  return found![1][method.toLowerCase()]!;
}

/** Asks, and compares the answer with what the document says of it. */
async function ask(method: string, path: string, body?: unknown, token?: string): Promise<Answer> {
  const response = await fetch(`${door.url}/orrery/v1${path}`, {
    method,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
  });
  const json = (await response.json()) as Body;
  const { responses } = operationOf(method, `/orrery/v1${path}`);
  const described = (responses[response.status] ?? responses['default'])!;
  assert.ok(response.status < 300 === (responses[response.status] !== undefined), path);
  const { schema } = described.content['application/json'];
  assert.deepEqual(checker.problems(schema, json), [], `${method} ${path}`);
  return { status: response.status, json };
}

async function refused(
  [method, path, body, token]: readonly [string, string, unknown?, string?],
  expected: { readonly status?: number; readonly code?: string; readonly path?: string },
): Promise<void> {
  const { status, json } = await ask(method, path, body, token);
  const { code = 'bad-field' } = expected;
  assert.deepEqual(
    [status, json.error?.code, json.error?.path],
    [expected.status ?? 400, code, expected.path],
    `${method} ${path} ${JSON.stringify(body)}: ${JSON.stringify(json)}`,
  );
}

async function write(tenant: string, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, i) =>
    point({ __name__: 'm', i: String(i) }, clock.nowMs() * 1000, i),
  );
  await writeRows(storage, rows, { principal: openPrincipal(tenant) });
}

test('a tenant is made, limited, suspended, renamed', async () => {
  const limits = { 'active-series': 10 };
  const made = await ask('POST', '/tenants', { name: 'first', limits });
  assert.deepEqual(
    [made.status, made.json.name, made.json.state, made.json.limits],
    [201, 'first', 'active', limits],
  );
  await refused(['POST', '/tenants', { name: 'first' }], { status: 409, code: 'tenant-exists' });
  const changed = await ask('PATCH', '/tenants/first/limits', { 'labels-per-series': 5 });
  assert.deepEqual(changed.json.limits, { 'active-series': 10, 'labels-per-series': 5 });
  const less = await ask('PATCH', '/tenants/first/limits', { 'active-series': null });
  assert.deepEqual(less.json.limits, { 'labels-per-series': 5 });
  const put = await ask('PUT', '/tenants/first/limits', { 'active-series': 0 });
  assert.deepEqual(put.json.limits, { 'active-series': 0 });
  assert.deepEqual((await ask('GET', '/tenants/first/limits')).json, put.json);
  const suspended = await ask('PATCH', '/tenants/first', { state: 'suspended' });
  assert.equal(suspended.json.state, 'suspended');
  const renamed = await ask('PATCH', '/tenants/first', { name: 'second', state: 'active' });
  assert.deepEqual([renamed.json.id, renamed.json.name], ['first', 'second']);
  await refused(['GET', '/tenants/first'], { status: 404, code: 'no-such-tenant' });
  const list = await ask('GET', '/tenants?limit=1&after=default');
  assert.deepEqual([list.json.tenants[0]!.name, list.json.next], ['second', null]);
});

test('what is wrong is named by its place', async () => {
  await ask('POST', '/tenants', { name: 'strict' });
  const tenants: readonly (readonly [unknown, string])[] = [
    ['{', ''],
    ['[]', ''],
    ['null', ''],
    [{}, '/name'],
    [{ name: 1 }, '/name'],
    [{ name: '../x' }, '/name'],
    [{ name: 'x', limit: {} }, '/limit'],
    [{ name: 'x', limits: [] }, '/limits'],
    [{ name: 'x', limits: { nope: 1 } }, '/limits/nope'],
    [{ name: 'x', limits: { 'active-series': '1' } }, '/limits/active-series'],
    [{ name: 'x', limits: { 'active-series': -1 } }, '/limits/active-series'],
    [{ name: 'x', limits: { 'active-series': null } }, '/limits/active-series'],
    ['{"name":"x","limits":{"__proto__":1}}', '/limits/__proto__'],
    ['{"name":"x","__proto__":{}}', '/__proto__'],
    [{ name: 'x', constructor: 1 }, '/constructor'],
    [{ name: 'x', 'a/b~c': 1 }, '/a~1b~0c'],
  ];
  for (const [body, path] of tenants) await refused(['POST', '/tenants', body], { path });
  const good = { name: 'n', permissions: ['read'] };
  const tokens: readonly (readonly [object, string])[] = [
    [{ permissions: ['read'] }, '/name'],
    [{ name: 'a\nb', permissions: ['read'] }, '/name'],
    [{ name: 'n' }, '/permissions'],
    [{ name: 'n', permissions: [] }, '/permissions'],
    [{ name: 'n', permissions: ['read', 'all'] }, '/permissions/1'],
    [{ name: 'n', permissions: ['read', 'read'] }, '/permissions/1'],
    [{ ...good, labels: { env: 1 } }, '/labels/env'],
    [{ ...good, labels: { env: '' } }, '/labels/env'],
    [{ ...good, labels: { __name__: 'x' } }, '/labels/__name__'],
    [{ ...good, labels: { a: '\ud800' } }, '/labels/a'],
    [{ ...good, matchers: ['{a="b"}', 'sum('] }, '/matchers/1'],
    [{ ...good, matchers: '{a="b"}' }, '/matchers'],
    [{ ...good, expires_in: '30 days' }, '/expires_in'],
    [{ ...good, expires_in: '0' }, '/expires_in'],
    [{ ...good, expires_in: 30 }, '/expires_in'],
    [{ ...good, expires_in: '1d', not_before: '2999-01-01T00:00:00Z' }, '/not_before'],
    [{ ...good, not_before: 'tomorrow' }, '/not_before'],
    [{ ...good, not_before: '2026-02-30T00:00:00Z' }, '/not_before'],
    [{ ...good, min_time: '2026-02-02T00:00:00Z', max_time: '2026-02-01T00:00:00Z' }, '/max_time'],
    [{ name: 'n', permissions: ['write'], tenants: ['default'] }, '/permissions'],
    [{ ...good, scope: 'server' }, '/permissions'],
    [{ ...good, scope: 'all' }, '/scope'],
    [{ ...good, secret: 'x' }, '/secret'],
    [{ ...good, limits: { 'active-series': 1 } }, '/limits/active-series'],
  ];
  for (const [body, path] of tokens)
    await refused(['POST', '/tenants/strict/tokens', body], { path });
  await refused(['POST', '/tenants/strict/tokens', { ...good, tenants: ['nobody'] }], {
    status: 404,
    code: 'no-such-tenant',
  });
  for (const [path, name] of [
    ['/tenants?limit=0', 'limit'],
    ['/tenants?limit=1e3', 'limit'],
    ['/tenants?limit=1&limit=2', 'limit'],
    ['/tenants?x=1', 'x'],
    ['/audit?action=all', 'action'],
    ['/audit?start=yesterday', 'start'],
    ['/tenants/strict/cardinality?limit=1001', 'limit'],
  ] as const)
    await refused(['GET', path], { path: name });
  await refused(['PATCH', '/tenants/strict', {}], { path: '' });
  assert.equal([...store.tokensOf('strict')].length, 0);
});

test('names of JavaScript’s own are names', async () => {
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty'])
    await refused(['GET', `/tenants/${name}`], { status: 404, code: 'no-such-tenant' });
  const made = await ask('POST', '/tenants', { name: '__proto__' });
  assert.equal(made.status, 201);
  const labels = '{"__proto__":"a","constructor":"b"}';
  const body = `{"name":"n","permissions":["write"],"labels":${labels}}`;
  const token = await ask('POST', '/tenants/__proto__/tokens', body);
  assert.equal(JSON.stringify(token.json.labels), labels);
  const read = await ask('GET', `/tenants/__proto__/tokens/${token.json.id}`);
  assert.equal(JSON.stringify(read.json.labels), labels);
});

test('a token is shown once, listed, revoked', async () => {
  await ask('POST', '/tenants', { name: 'tokens' });
  const made = await ask('POST', '/tenants/tokens/tokens', {
    name: 'agent',
    permissions: ['read', 'write'],
    labels: { env: 'prod' },
    matchers: ['{env="prod"}'],
    expires_in: '30d',
    not_before: '2026-06-02T00:00:00+02:00',
    min_time: '2026-01-01T00:00:00Z',
    limits: { 'labels-per-series': 5 },
    application: 'shop',
  });
  assert.match(made.json.token, /^orr_[a-z2-7]{12}_[a-z2-7]{52}$/);
  assert.ok(made.json.token.startsWith(`orr_${made.json.id}_`));
  const { token: secret, ...shown } = made.json;
  assert.partialDeepStrictEqual(shown, {
    state: 'pending',
    scope: 'tenant',
    tenants: ['tokens'],
    not_before: '2026-06-01T22:00:00.000Z',
    expires_at: '2026-07-01T00:00:00.000Z',
    min_time: '2026-01-01T00:00:00.000Z',
    max_time: null,
  });
  const list = await ask('GET', '/tenants/tokens/tokens');
  assert.deepEqual(list.json.tokens, [shown]);
  const revoked = await ask('DELETE', `/tenants/tokens/tokens/${made.json.id}`);
  assert.equal(revoked.json.state, 'revoked');
  await refused(['DELETE', '/tenants/default/tokens/aaaaaaaaaaaa'], {
    status: 404,
    code: 'no-such-token',
  });
  // Of another tenant it is none.
  await refused(['GET', `/tenants/default/tokens/${made.json.id}`], {
    status: 404,
    code: 'no-such-token',
  });
  const audit = await ask('GET', '/audit?tenant=tokens');
  assert.deepEqual(
    audit.json.rows.map(({ action }) => action),
    ['token.revoke', 'token.create', 'tenant.create'],
  );
  assert.ok(!JSON.stringify(audit.json).includes(secret.slice(-52)));
  assert.doesNotMatch(JSON.stringify([audit.json, list.json]), /hash/);
});

/** A tenant with a token that is its admin, which was made by an admin of all. */
async function tenantWithAdmin(name: string, more: object = {}): Promise<string> {
  await ask('POST', '/tenants', { name });
  const permissions = ['read', 'admin'];
  const made = await ask('POST', `/tenants/${name}/tokens`, { name: 'a', permissions, ...more });
  return made.json.id;
}

test('an admin of a tenant sees and changes its own alone', async () => {
  const a = await tenantWithAdmin('a');
  const b = await tenantWithAdmin('b');
  const list = await ask('GET', '/tenants', undefined, a);
  assert.deepEqual(
    list.json.tenants.map(({ name }) => name),
    ['a'],
  );
  assert.equal((await ask('GET', '/tenants/a', undefined, a)).status, 200);
  const bodies: Record<string, unknown> = {
    POST: { name: 'x', permissions: ['read'] },
    PUT: {},
    PATCH: { state: 'active' },
  };
  for (const { method, path, tenantScope } of tenancyRoutes({} as TenancyApiDependencies)) {
    if (!path.includes(':tenant')) continue;
    const theirs = path.replace('/orrery/v1', '').replace(':tenant', 'b').replace(':id', b);
    const none = theirs.replace('/b', '/nobody');
    const isServer = tenantScope === 'server';
    const expected = isServer
      ? { status: 403, code: 'server-scope' }
      : { status: 404, code: 'no-such-tenant' };
    await refused([method, theirs, bodies[method], a], expected);
    const [foreign, absent] = await Promise.all(
      [theirs, none].map((where) => ask(method, where, bodies[method], a)),
    );
    assert.equal(
      JSON.stringify(foreign!.json).replaceAll('"b\\"', '"nobody\\"'),
      JSON.stringify(absent!.json).replaceAll('"b\\"', '"nobody\\"'),
    );
  }
  await refused(['PATCH', '/tenants/a', { state: 'suspended' }, a], {
    status: 403,
    code: 'server-scope',
  });
  await refused(['PUT', '/tenants/a/limits', { 'active-series': 1e9 }, a], {
    status: 403,
    code: 'server-scope',
  });
  await refused(['POST', '/tenants', { name: 'mine' }, a], { status: 403, code: 'server-scope' });
  const audit = await ask('GET', '/audit', undefined, a);
  for (const row of audit.json.rows) assert.deepEqual(row.tenants, ['a']);
  assert.equal(audit.json.rows.length, 2);
  // Who runs the server is not its business.
  assert.deepEqual(audit.json.rows[0]!.by, {
    token_id: '',
    token_name: 'server',
    tenant: '',
    peer: '',
  });
  assert.deepEqual((await ask('GET', '/audit?tenant=b', undefined, a)).json.rows, []);
});

test('a token gives at most what it has', async () => {
  const creator = await tenantWithAdmin('narrow', {
    labels: { env: 'prod' },
    matchers: ['{env="prod"}'],
    expires_in: '10d',
    max_time: '2027-01-01T00:00:00Z',
    limits: { 'labels-per-series': 10 },
  });
  const path = '/tenants/narrow/tokens';
  const plain = { name: 'child', permissions: ['read'] };
  const child = await ask('POST', path, plain, creator);
  assert.partialDeepStrictEqual(child.json, {
    labels: { env: 'prod' },
    matchers: ['{env="prod"}'],
    expires_at: '2026-06-11T00:00:00.000Z',
    max_time: '2027-01-01T00:00:00.000Z',
    limits: { 'labels-per-series': 10 },
  });
  const more = {
    ...plain,
    labels: { team: 'x' },
    matchers: ['{team="x"}'],
    expires_in: '30d',
    limits: { 'labels-per-series': 20, 'label-name-bytes': 3 },
  };
  const both = await ask('POST', path, more, creator);
  assert.partialDeepStrictEqual(both.json, {
    labels: { env: 'prod', team: 'x' },
    matchers: ['{env="prod"}', '{team="x"}'],
    expires_at: '2026-06-11T00:00:00.000Z',
    limits: { 'labels-per-series': 10, 'label-name-bytes': 3 },
  });
  await refused(['POST', path, { ...plain, permissions: ['write'] }, creator], {
    status: 403,
    code: 'permission-not-held',
  });
  await refused(['POST', path, { ...plain, labels: { env: 'test' } }, creator], {
    path: '/labels/env',
  });
  for (const reach of [{ tenants: ['default'] }, { scope: 'server', permissions: ['admin'] }])
    await refused(['POST', path, { ...plain, ...reach }, creator], {
      status: 403,
      code: 'server-scope',
    });
});

test('a token of scope "server" is an admin of all; a tenant cannot revoke what reaches farther', async () => {
  const server = await ask('POST', '/tenants/default/tokens', {
    name: 'root',
    permissions: ['admin', 'read'],
    scope: 'server',
  });
  const own = await tenantWithAdmin('reach');
  const made = await ask('POST', '/tenants', { name: 'by-token' }, server.json.id);
  assert.equal(made.status, 201);
  const reader = { name: 'both', permissions: ['read'], tenants: ['default'] };
  const both = await ask('POST', '/tenants/reach/tokens', reader, server.json.id);
  assert.deepEqual(both.json.tenants, ['reach', 'default']);
  const seen = await ask('GET', `/tenants/reach/tokens/${both.json.id}`, undefined, own);
  assert.deepEqual(seen.json.tenants, ['reach']);
  await refused(['DELETE', `/tenants/reach/tokens/${both.json.id}`, undefined, own], {
    status: 403,
    code: 'server-scope',
  });
  const audit = await ask('GET', '/audit?limit=1', undefined, own);
  assert.ok(!JSON.stringify(audit.json).includes('default'), JSON.stringify(audit.json));
  const row = (await ask('GET', '/audit?tenant=by-token')).json.rows[0]!;
  assert.deepEqual(row.by, {
    token_id: server.json.id,
    token_name: 'root',
    tenant: 'default',
    peer: '127.0.0.1',
  });
});

test('cardinality; tenants of open mode without a record', async () => {
  await write('wild', 25);
  const list = await ask('GET', '/tenants?limit=1&after=v');
  assert.equal(list.json.tenants[0]!.name, 'wild');
  assert.equal(list.json.tenants[0]!.created_at, null);
  const found = await ask('GET', '/tenants/wild/cardinality?limit=1');
  assert.deepEqual(found.json, {
    tenant: 'wild',
    series: 25,
    label_pairs: 26,
    series_by_metric: [{ name: 'm', series: 25 }],
    series_by_label: [{ name: '__name__', series: 25 }],
    series_by_label_value: [{ name: '__name__=m', series: 25 }],
    values_by_label: [{ name: 'i', values: 25 }],
  });
  assert.equal(store.tenantByName('wild'), undefined);
  await ask('PATCH', '/tenants/wild', { name: 'tame' });
  assert.equal(store.tenantByName('tame')?.id, 'wild');
  assert.equal((await ask('GET', '/tenants/tame/cardinality')).json.series, 25);
});

test('a deleted tenant has no point left, and its name is free', async () => {
  const token = await tenantWithAdmin('doomed');
  await write('doomed', 3);
  await write('bystander', 3);
  const gone = await ask('DELETE', '/tenants/doomed');
  assert.deepEqual(gone.json.left, { series: 0, points: 0 });
  assert.ok(gone.json.remains.length > 0);
  assert.deepEqual(forgotten, ['doomed']);
  assert.ok(!storage.tenants().includes('doomed'));
  assert.ok(storage.tenants().includes('bystander'));
  await refused(['GET', '/tenants/doomed'], { status: 404, code: 'no-such-tenant' });
  await refused(['GET', '/tenants', undefined, token], { status: 401, code: 'token' });
  const again = await ask('POST', '/tenants', { name: 'doomed' });
  assert.equal(again.json.id, 'doomed.2');
  await refused(['DELETE', '/tenants/default'], { status: 409, code: 'default-tenant' });
});

test('a deletion that was cut short goes on', async () => {
  await ask('POST', '/tenants', { name: 'half' });
  await write('half', 2);
  await store.beginRemoval('half', SERVER_ACTOR);
  await refused(['PATCH', '/tenants/half', { state: 'active' }], {
    status: 409,
    code: 'tenant-deleting',
  });
  const removal = new TenantRemoval({
    store,
    storage,
    forget: async () => undefined,
    logger: silentLogger,
  });
  removal.resume();
  // It joins the one that goes on.
  assert.deepEqual(await removal.remove('half', SERVER_ACTOR), { seriesLeft: 0, pointsLeft: 0 });
  assert.equal(store.tenant('half'), undefined);
});

test('limits that hold, who set them, and what is used of them', async () => {
  const own = { 'query-series': 70, 'labels-per-series': 20, 'query-samples': 8 };
  await ask('POST', '/tenants', { name: 'limited', limits: own });
  const make = async (draft: object): Promise<string> => {
    const all = { name: 't', permissions: ['read'], ...draft };
    return (await ask('POST', '/tenants/limited/tokens', all)).json.id;
  };
  const low = await make({ limits: { 'query-series': 60, 'labels-per-series': 50 } });
  const none = await make({});
  const part = await make({ matchers: ['{a="b"}'] });
  const chief = await make({ permissions: ['read', 'admin'] });
  const path = '/tenants/limited/limits';
  const told = async (search: string, as?: string): Promise<Body['effective']> => {
    const { status, json } = await ask('GET', path + search, undefined, as);
    assert.equal(status, 200);
    assert.deepEqual(json.limits, own);
    return json.effective;
  };
  const ofTenant = await told('');
  assert.equal(Object.keys(ofTenant).length, LIMIT_IDS.length);
  assert.deepEqual(ofTenant['query-series'], { value: 70, source: 'tenant' });
  assert.deepEqual(ofTenant['query-samples'], { value: 8, source: 'tenant' });
  assert.deepEqual(ofTenant['query-range'], { value: 3_162_240_000, source: 'default' });
  assert.deepEqual(ofTenant['active-series'], { value: 5_000_000, source: 'default', used: 17 });
  assert.deepEqual(await told('', none), ofTenant);
  const ofToken = await told('', low);
  assert.deepEqual(ofToken['query-series'], { value: 60, source: 'token' });
  assert.deepEqual(ofToken['labels-per-series'], { value: 20, source: 'tenant' });
  assert.deepEqual(await told(`?token=${low}`, chief), ofToken);
  assert.deepEqual(await told(`?token=${low}`), ofToken);
  const { 'active-series': unseen } = await told('', part);
  assert.deepEqual(unseen, { value: 5_000_000, source: 'default' });
  await refused(['GET', `${path}?token=${low}`, undefined, none], {
    status: 404,
    code: 'no-such-token',
  });
  await ask('PATCH', path, { 'query-samples': null });
  const { json } = await ask('GET', path);
  assert.deepEqual(json.effective['query-samples'], { value: 9, source: 'server' });
});
