// `--auth token` through real sockets: every route of the table asks who is there, every protocol
// takes a token in its own places, restrictions hold through each of them, what is revoked ends
// within a second, and no secret is ever told to anybody.
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import zlib from 'node:zlib';
import { productRoutes } from '../../src/app/server/routes.ts';
import type { RouteDependencies } from '../../src/app/server/routes.ts';
import { routePaths } from '../../src/frontends/http/route.ts';
import { ROUTE_WRITERS, WRITE_ROUTES } from '../support/route-writers.ts';
import { runCtl, startOrrery } from './harness.ts';
import type { RunningOrrery, TextAnswer } from './harness.ts';

const T_MS = 1_750_000_000_000;
/** Of a change to reach every thread. */
const SOON_MS = 1_000;

let orrery: RunningOrrery;
let adminToken: string;
const secrets: string[] = [];

before(async () => {
  orrery = await startOrrery(['--auth', 'token', '--no-collect']);
  adminToken = (await readFile(`${orrery.data}/admin-token`, 'utf8')).trim();
  secrets.push(adminToken.split('_')[2]!);
  for (const name of ['acme', 'globex', 'idle']) {
    const made = await admin('POST', '/tenants', { name });
    assert.equal(made.status, 201, made.text);
  }
});
after(async () => {
  const output = orrery.output();
  const exited = await orrery.stop();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
  for (const secret of secrets) assert.ok(!output.includes(secret), 'a secret is in the log');
});

function bearer(token: string, tenant?: string): Record<string, string> {
  return {
    Authorization: `Bearer ${token}`,
    ...(tenant !== undefined && { 'X-Scope-OrgID': tenant }),
  };
}

function admin(method: string, path: string, body?: unknown): Promise<TextAnswer> {
  return orrery.get(`/orrery/v1${path}`, {
    method,
    headers: bearer(adminToken),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function makeToken(tenant: string, draft: object): Promise<{ id: string; token: string }> {
  const made = await admin('POST', `/tenants/${tenant}/tokens`, { name: 't', ...draft });
  assert.equal(made.status, 201, made.text);
  const { id, token } = JSON.parse(made.text) as { id: string; token: string };
  secrets.push(token.split('_')[2]!);
  return { id, token };
}

const ALL = ['read', 'write', 'delete', 'rules', 'admin'];

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

async function exported(token: string, selector = '{__name__!=""}'): Promise<Series[]> {
  const path = `/api/v1/export?match[]=${encodeURIComponent(selector)}`;
  const { status, text } = await orrery.get(path, { headers: bearer(token) });
  assert.equal(status, 200, text);
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Series);
}

test('the first start writes an admin token that its owner alone can read, and shows it nowhere', async () => {
  const { mode } = await stat(`${orrery.data}/admin-token`);
  assert.equal(mode & 0o777, 0o600);
  assert.match(adminToken, /^orr_[a-z2-7]{12}_[a-z2-7]{52}$/);
  assert.match(orrery.output(), /"msg":"an admin token was written[^\n]*admin-token"/);
  const { text } = await orrery.get('/orrery/v1/whoami', { headers: bearer(adminToken) });
  const whoami = JSON.parse(text) as { permissions: string[]; token: { scope: string } };
  assert.deepEqual([whoami.permissions, whoami.token.scope], [ALL, 'server']);
});

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly permission: string;
  readonly tenantScope: string;
}

const TABLE: readonly Asked[] = productRoutes({} as RouteDependencies).flatMap((route) =>
  routePaths(route).map((path) => ({
    method: route.method,
    path: path.replaceAll(/[:*]\w+/g, 'x'),
    permission: route.permission,
    tenantScope: route.tenantScope,
  })),
);

function ask({ method, path }: Asked, headers: Record<string, string>): Promise<TextAnswer> {
  return orrery.get(path, { method, headers, signal: AbortSignal.timeout(10_000) });
}

test('every route of the table: nobody is 401, another tenant is 403, and so is what is not permitted', async () => {
  const { token: all } = await makeToken('acme', { permissions: ALL });
  const { token: admins } = await makeToken('acme', { permissions: ['admin'] });
  const { token: scraper } = await makeToken('acme', { permissions: ['metrics'] });
  const byPermission = new Map<string, string>();
  for (const permission of ALL) {
    const others = ALL.filter((one) => one !== permission);
    byPermission.set(permission, (await makeToken('acme', { permissions: others })).token);
  }
  const { token: noAdmin } = await makeToken('acme', {
    permissions: ALL.filter((one) => one !== 'admin'),
  });
  byPermission.set('metrics', noAdmin);
  // An admin may change rules, too.
  const rest = ALL.filter((one) => one !== 'admin' && one !== 'rules');
  byPermission.set('rules', (await makeToken('acme', { permissions: rest })).token);
  const wrong = all.slice(0, -1) + (all.endsWith('a') ? 'b' : 'a');
  const unknown = `orr_${'a'.repeat(12)}_${'b'.repeat(52)}`;
  let guardedCount = 0;
  for (const route of TABLE) {
    const told = `${route.method} ${route.path}`;
    if (route.permission === 'none') {
      assert.notEqual((await ask(route, {})).status, 401, told);
      continue;
    }
    guardedCount++;
    for (const headers of [{}, bearer(wrong), bearer(unknown), bearer('secret')]) {
      const { status, headers: answered } = await ask(route, headers);
      assert.equal(status, 401, told);
      assert.equal(answered.get('www-authenticate'), 'Bearer realm="orrery"', told);
    }
    for (const tenant of ['globex', 'default', 'nobody', '../acme'])
      assert.equal((await ask(route, bearer(all, tenant))).status, 403, `${told} of ${tenant}`);
    if (route.permission === 'any') continue;
    const less = await ask(route, bearer(byPermission.get(route.permission)!));
    assert.equal(less.status, 403, told);
    assert.match(less.text, new RegExp(`permission \\\\?"${route.permission}\\\\?"`), told);
    // A scraper's token is good for the figures of the server and for nothing else.
    const scraped = await ask(route, bearer(scraper));
    assert.equal(scraped.status === 403, route.permission !== 'metrics', `${told} by a scraper`);
    if (route.permission === 'metrics') assert.equal(scraped.status, 200, told);
    const isOfServer = route.permission === 'metrics' || route.permission === 'admin';
    if (isOfServer && route.tenantScope === 'server')
      for (const one of [all, admins])
        assert.equal((await ask(route, bearer(one))).status, 403, `${told} by a tenant's admin`);
  }
  assert.ok(guardedCount > 100, `only ${guardedCount} routes ask who is there`);
});

test('a token is taken in all its places, and the first of them counts', async () => {
  const { token } = await makeToken('acme', { permissions: ['read', 'write'] });
  const basic = (user: string, password: string) =>
    `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const places: readonly Record<string, string>[] = [
    { Authorization: `Bearer ${token}` },
    { Authorization: `bearer ${token}` },
    { Authorization: `Token ${token}` },
    { Authorization: `Token user:${token}` },
    { Authorization: basic('anybody', token) },
    { 'X-Warp10-Token': token },
    { 'X-Metrics-Token': token },
    { 'X-CityzenData-Token': token },
  ];
  for (const headers of places)
    for (const path of ['/api/v1/labels', '/orrery/v1/whoami'])
      assert.equal((await orrery.get(path, { headers })).status, 200, JSON.stringify(headers));
  const line = `placed v=1 ${T_MS}000000`;
  for (const path of ['/write', '/api/v2/write', '/api/v3/write_lp', '/influxdb/write']) {
    const search = `?db=d&bucket=b&u=me&p=${token}`;
    assert.equal((await orrery.post(path + search, line)).status, 204, path);
    const wrong = await orrery.post(`${path}?db=d&bucket=b&u=me&p=x${token}`, line);
    assert.equal(wrong.status, 401, path);
    assert.ok(!wrong.text.includes(token) && wrong.headers.get('content-type')?.includes('json'));
  }
  // A parameter is a place of InfluxDB's clients alone.
  assert.equal((await orrery.get(`/api/v1/labels?p=${token}`)).status, 401);
  const both = { Authorization: 'Bearer wrong', 'X-Warp10-Token': token };
  assert.equal((await orrery.get('/api/v1/labels', { headers: both })).status, 401);
});

test('forced labels hold through every writing route, in the tenant of the token alone', async () => {
  const { token } = await makeToken('acme', { permissions: ['write'], labels: { env: 'prod' } });
  const { token: reader } = await makeToken('acme', { permissions: ['read'] });
  const { token: foreign } = await makeToken('globex', { permissions: ['read'] });
  let count = 0;
  for (const route of WRITE_ROUTES)
    for (const path of routePaths(route)) {
      const { query = '', headers, body } = ROUTE_WRITERS.get(route.path)!;
      const search = `${query === '' ? '?' : `${query}&`}extra_label=env=dev`;
      const wrote = await orrery.post(path + search, body(7, T_MS + count, count), {
        headers: { ...headers, ...bearer(token), Connection: 'close' },
      });
      assert.ok(wrote.status < 300, `${path}: ${wrote.status} ${wrote.text}`);
      count++;
    }
  const { length: all } = await exported(reader, '{__name__=~"crossed.*"}');
  const inProd = await exported(reader, '{__name__=~"crossed.*",env="prod"}');
  assert.equal(inProd.length, all);
  assert.equal(
    inProd.reduce((sum, { values }) => sum + values.length, 0),
    count,
  );
  assert.deepEqual(await exported(foreign), []);
});

test('a pushed group keeps the forced labels, and belongs to those that have them', async () => {
  const permissions = ['write'];
  const { token: prod } = await makeToken('acme', { permissions, labels: { env: 'prod' } });
  const { token: dev } = await makeToken('acme', { permissions, labels: { env: 'dev' } });
  const { token: reader } = await makeToken('acme', { permissions: ['read'] });
  const push = (token: string, value: number, method = 'PUT') =>
    orrery.get('/metrics/job/batch', {
      method,
      headers: { ...bearer(token), 'Content-Type': 'text/plain' },
      ...(method === 'PUT' && { body: `pushed{env="x"} ${value}\n` }),
    });
  assert.equal((await push(prod, 1)).status, 200);
  assert.equal((await push(dev, 2)).status, 200);
  assert.equal((await push(dev, 0, 'DELETE')).status, 202);
  const ago = await exported(reader, '{job="batch",__name__!~"push_.*"}');
  assert.deepEqual(
    ago.map(({ metric, values }) => [metric['env'], values[0]]),
    [
      ['dev', 2],
      ['prod', 1],
    ],
  );
  const { text } = await orrery.get('/api/v1/metrics', { headers: bearer(reader) });
  const { data } = JSON.parse(text) as { data: { labels: Record<string, string> }[] };
  assert.deepEqual(
    data.map(({ labels }) => labels),
    [{ env: 'prod', job: 'batch' }],
  );
});

test('what is revoked, suspended or expired ends within a second, on open connections too', async () => {
  const { id, token } = await makeToken('acme', { permissions: ['read', 'write'] });
  const { token: short } = await makeToken('acme', { permissions: ['write'], expires_in: '2s' });
  const { token: idle } = await makeToken('idle', { permissions: ['write'] });
  const write = (secret: string) =>
    orrery.post('/write', `ended v=1 ${T_MS}000000`, { headers: bearer(secret) });
  for (const one of [token, short, idle]) assert.equal((await write(one)).status, 204);
  const revoked = await admin('DELETE', `/tenants/acme/tokens/${id}`);
  assert.equal(revoked.status, 200, revoked.text);
  await admin('PATCH', '/tenants/idle', { state: 'suspended' });
  await sleep(SOON_MS);
  for (let i = 0; i < 12; i++) {
    const answer = await write(token);
    assert.equal(answer.status, 401);
    assert.match(answer.text, /revoked/);
    const suspended = await write(idle);
    assert.equal(suspended.status, 403);
    assert.match(suspended.text, /is suspended/);
  }
  await sleep(SOON_MS);
  assert.match((await write(short)).text, /expired/);
  await admin('PATCH', '/tenants/idle', { state: 'active' });
  await sleep(SOON_MS);
  assert.equal((await write(idle)).status, 204);
});

test('points outside the time of a token are neither written nor read', async () => {
  const times = { min_time: '2025-06-15T15:06:40Z', max_time: '2025-06-15T15:06:50Z' };
  const { token } = await makeToken('acme', { permissions: ['read', 'write'], ...times });
  const { token: whole } = await makeToken('acme', { permissions: ['read', 'write'] });
  const lines = [-1, 0, 10, 11].map((sec) => `timed v=${sec} ${T_MS + sec * 1000}000000`);
  await orrery.post('/write', lines.join('\n'), { headers: bearer(token) });
  assert.deepEqual((await exported(whole, 'timed_v'))[0]?.values, [0, 10]);
  await orrery.post('/write', lines.join('\n'), { headers: bearer(whole) });
  assert.deepEqual((await exported(whole, 'timed_v'))[0]?.values, [-1, 0, 10, 11]);
  assert.deepEqual((await exported(token, 'timed_v'))[0]?.values, [0, 10]);
});

/** The path goes out as it is: nothing takes its dots away. */
async function rawGet(path: string): Promise<{ status: number; text: string }> {
  const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`;
  const text = await rawRequest(`${head}Authorization: Bearer ${adminToken}\r\n\r\n`, /^$/);
  return { status: Number(text.split(' ')[1]), text };
}

/** All that comes back on a connection until it is closed, or `enough` is there. */
function rawRequest(head: string, enough: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(orrery.port, '127.0.0.1', () => socket.write(head));
    let text = '';
    socket.setTimeout(5_000, () => reject(new Error(`no answer but ${text}`)));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (enough.test(text)) socket.destroy();
    });
  });
}

test('who is asking is found out before a body is read, and before it is unpacked', async () => {
  const head = (more: string) =>
    `POST /api/v1/write HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000000\r\n${more}\r\n`;
  // Not one byte of the body was sent, nor asked for.
  const waiting = await rawRequest(head('Expect: 100-continue\r\n'), /\r\n\r\n/);
  assert.match(waiting, /^HTTP\/1\.1 401 /);
  assert.match(await rawRequest(head(''), /\r\n\r\n/), /^HTTP\/1\.1 401 /);
  const bomb = zlib.gzipSync(Buffer.alloc(32 * 1024 * 1024));
  const headers = { 'Content-Encoding': 'gzip', ...bearer('orr_nobody') };
  const answer = await orrery.post('/api/v1/import/prometheus', new Uint8Array(bomb), { headers });
  assert.equal(answer.status, 401);
});

test('a token in a URL or in a name is on no page, in no log and in no row of the audit log', async () => {
  const { token } = await makeToken('acme', { permissions: ALL });
  const { token: shown } = await makeToken('acme', { permissions: ['read'] });
  const secret = shown.split('_')[2]!;
  const search = `u=${shown}&p=${shown}&token=${shown}&access_token=${shown}`;
  for (const route of TABLE.filter(({ path }) => !path.endsWith('/live')))
    for (const headers of [{}, bearer(token)]) {
      const path = `${route.path.replaceAll('/x', `/${shown}`)}?${search}`;
      const answer = await ask({ ...route, path }, { ...headers, Referer: `http://h/?${search}` });
      assert.ok(answer.status < 500, `${route.method} ${route.path}: ${answer.text}`);
    }
  const selector = encodeURIComponent(`{a="${shown}"}`);
  const gone = await orrery.post(`/orrery/v1/delete?match[]=${selector}`, '', {
    headers: bearer(token),
  });
  assert.equal(gone.status, 200);
  for (const path of [
    '/orrery/v1/audit?limit=1000',
    '/orrery/v1/audit?limit=1000&log=deletes',
    '/orrery/v1/refused-lines',
    '/orrery/v1/breaches',
    '/orrery/v1/tenants/default/refused-lines',
    '/orrery/v1/tenants/default/breaches',
    '/orrery/v1/queries',
  ])
    for (const one of [token, adminToken]) {
      const { text } = await orrery.get(path, { headers: bearer(one) });
      assert.ok(!text.includes(secret), path);
    }
  const { text } = await orrery.get('/metrics', { headers: bearer(adminToken) });
  assert.ok(!text.includes(secret), '/metrics');
  assert.ok(!orrery.output().includes(secret), 'the log');
});

test('no name of a tenant, a token or a snapshot is a path', async () => {
  const names = [
    '..',
    '.',
    '../acme',
    '..\\acme',
    'acme/../acme',
    'acme\0',
    './acme',
    '%2e%2e',
    '',
  ];
  for (const name of names) {
    const made = await admin('POST', '/tenants', { name });
    assert.equal(made.status, 400, `${JSON.stringify(name)}: ${made.text}`);
    for (const encoded of [encodeURIComponent(name), encodeURIComponent(encodeURIComponent(name))])
      for (const path of [
        `/tenants/${encoded}/limits`,
        `/tenants/acme/tokens/${encoded}`,
        `/admin/snapshot/${encoded}`,
        `/admin/snapshot/${encoded}/files`,
        `/admin/snapshot/${encoded}/files/${encodeURIComponent('../../admin-token')}`,
      ]) {
        const { status, text } = await rawGet(`/orrery/v1${path}`);
        assert.ok(!text.includes(adminToken.split('_')[2]!), path);
        // What is nothing but dots or empty names another route, or none.
        if (encoded !== '' && !/^\.+$/.test(encoded))
          assert.ok([400, 404].includes(status), `${path}: ${status} ${text}`);
      }
  }
});

test('rules are changed by whom they are permitted to, and where the server runs its admins know', async () => {
  const { token: ruler } = await makeToken('acme', { permissions: ['rules'] });
  const put = { method: 'PUT', body: '[]', headers: bearer(ruler) };
  assert.equal((await orrery.get('/orrery/v1/relabel', put)).status, 200);
  const take = { method: 'DELETE', headers: bearer(ruler) };
  assert.equal((await orrery.get('/orrery/v1/relabel', take)).status, 200);
  assert.equal((await orrery.get('/api/v1/labels', { headers: bearer(ruler) })).status, 403);
  const { token: all } = await makeToken('acme', { permissions: ALL });
  const told = async (token: string): Promise<readonly string[]> => {
    const answer = await orrery.get('/api/v1/status/runtimeinfo', { headers: bearer(token) });
    const { data } = JSON.parse(answer.text) as { data: { CWD: string; hostname: string } };
    return [data.CWD, data.hostname];
  };
  assert.deepEqual(await told(all), ['', '']);
  assert.ok((await told(adminToken)).every((text) => text !== ''));
});

test('what an admin of the server asks about a tenant is neither bound by its limits nor its use', async () => {
  const limits = { 'query-concurrency': 0 };
  assert.equal((await admin('POST', '/tenants', { name: 'spent', limits })).status, 201);
  const { token } = await makeToken('spent', { permissions: ['read', 'write'] });
  const wrote = await orrery.post('/write', 'spent v=1', { headers: bearer(token) });
  assert.equal(wrote.status, 204, wrote.text);
  for (const what of ['cardinality', 'growth']) {
    const path = `/orrery/v1/tenants/spent/${what}`;
    assert.equal((await orrery.get(path, { headers: bearer(token) })).status, 429, what);
    const seen = await admin('GET', `/tenants/spent/${what}`);
    assert.equal(seen.status, 200, seen.text);
    assert.match(seen.text, /spent_v/, what);
  }
  const { text } = await admin('GET', '/usage?group=protocol,tenant');
  const { rows } = JSON.parse(text) as { rows: { tenant: string; protocol: string }[] };
  const asked = rows.filter(({ protocol }) => /cardinality|growth/.test(protocol));
  assert.deepEqual([...new Set(asked.map(({ tenant }) => tenant))], ['default']);
});

test('refusals are counted by reason', async () => {
  await orrery.get('/api/v1/labels');
  const { text } = await orrery.get('/metrics', { headers: bearer(adminToken) });
  const found = /^orrery_auth_refusals_total\{reason="token-missing"\} (\d+)$/m.exec(text);
  assert.ok(Number(found?.[1]) > 100);
});

test('commands show their token, and say what one is', async () => {
  const { id, token } = await makeToken('acme', {
    permissions: ['read'],
    matchers: ['{env="prod"}'],
    expires_in: '30d',
  });
  const offline = await runCtl(['token', 'inspect', token]);
  assert.deepEqual([offline.code, offline.stdout], [0, `id              ${id}\n`]);
  const env = { ORRERY_TOKEN: token, ORRERY_URL: orrery.url };
  const inspected = await runCtl(['token', 'inspect', '--url', orrery.url, '--json'], { env });
  assert.equal(inspected.code, 0, inspected.stderr);
  const { tenant, token: shown } = JSON.parse(inspected.stdout) as {
    tenant: { name: string };
    token: { id: string; matchers: string[] };
  };
  assert.deepEqual([tenant.name, shown.id, shown.matchers], ['acme', id, ['{env="prod"}']]);
  const told = await runCtl(['token', 'inspect', '--url', orrery.url], { env });
  assert.match(told.stdout, /^permissions +read$/m);
  assert.ok(!told.stdout.includes(token));
  for (const command of [
    ['query', '1+1'],
    ['export', '--match', 'nothing'],
  ]) {
    const asked = await runCtl(command, { env });
    assert.equal(asked.code, 0, asked.stderr);
    const refused = await runCtl(command, { env: { ORRERY_URL: orrery.url } });
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
  }
  const none = await runCtl(['token', 'inspect', 'secret']);
  assert.equal(none.code, 3);
  const root = { ORRERY_TOKEN: adminToken, ORRERY_URL: orrery.url, COLUMNS: '400' };
  const draft = ['--name', 'bounded', '--permission', 'write', '--limit', 'body-bytes=1MiB'];
  const until = ['--max-time', '2030-01-01T00:00:00Z', '--not-before', '2026-01-01T00:00:00Z'];
  const made = await runCtl(['token', 'create', 'idle', ...draft, ...until], { env: root });
  assert.equal(made.code, 0, made.stderr);
  secrets.push(made.stdout.trim().split('_')[2]!);
  const { stdout: list } = await runCtl(['token', 'list', 'idle'], { env: root });
  const said = /valid from 2026-01-01.* points to 2030-01-01.* body-bytes=1048576/;
  assert.match(list.replaceAll(/\s+/g, ' '), said);
  const wrong = await runCtl(['tenant', 'create', 'x', '--limit', 'active-series=1MiB'], { env });
  assert.match(wrong.stderr, /--limit "active-series=1MiB": expected a whole number/);
  assert.match((await runCtl(['tenant', 'show'], { env })).stderr, /takes one name: see --help/);
});
