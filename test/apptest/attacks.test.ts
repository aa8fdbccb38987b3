// What somebody tries who means harm: pages of other origins and rebound names at every row of the
// route table, tricks with paths and headers, nesting without end wherever a body is taken, names
// that mean something to JavaScript, secrets in URLs, bodies of those who are nobody.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import { routePaths } from '../../src/frontends/http/route.ts';
import type { Route } from '../../src/frontends/http/route.ts';
import * as otlp from '../support/otlp.ts';
import { bytesField, doubleField, varintField } from '../support/protobuf-writer.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';
import { TokenHouse } from './isolation/token-house.ts';
import { ROUTES } from './isolation/walk.ts';

const T = Math.floor(Date.now() / 1000) - 60;
const EVIL = 'http://evil.example';
/** With one shard requests are served where they come in, with more some are handed on. */
const SHARDS = [1, 2];

const servers: RunningOrrery[] = [];
before(async () => {
  const logs = ['--log-level=debug', '--log-format=json', '--slow-query=1ms'];
  for (const shards of SHARDS)
    servers.push(await startOrrery(['--no-collect', `--shards=${shards}`, ...logs]));
});
after(() => Promise.all(servers.map((server) => server.stop())));

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers?: http.OutgoingHttpHeaders | readonly string[];
  readonly body?: string | Uint8Array;
}

interface Told {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly wasContinued: boolean;
}

/** Path and headers go out as they are, Host too. */
function ask(port: number, { method, path, headers = {}, body = '' }: Asked): Promise<Told> {
  const { promise, resolve, reject } = Promise.withResolvers<Told>();
  const options = { host: '127.0.0.1', port, method, path, headers, agent: false } as const;
  const request = http.request(options as http.RequestOptions, (answer) => {
    let text = '';
    answer.setEncoding('latin1');
    answer.on('data', (chunk: string) => (text += chunk));
    answer.on('error', reject);
    answer.on('end', () => {
      resolve({ status: answer.statusCode!, headers: answer.headers, text, wasContinued });
      request.destroy();
    });
  });
  let wasContinued = false;
  request.on('continue', () => (wasContinued = true));
  request.on('error', reject);
  const isExpecting = !Array.isArray(headers) && 'Expect' in headers;
  if (isExpecting) request.flushHeaders();
  else request.end(body);
  return promise;
}

function filled(path: string): string {
  return path.replaceAll(/[:*]\w+/g, 'x');
}

function* everyPath(
  wanted: (route: Route) => boolean,
): Generator<{ method: string; path: string }> {
  for (const route of ROUTES.filter(wanted))
    for (const path of routePaths(route)) yield { method: route.method, path: filled(path) };
}

for (const [i, shards] of SHARDS.entries()) {
  test(`no row of the table answers to a rebound name, ${shards} shards`, async () => {
    for (const { method, path } of everyPath(() => true)) {
      const headers = {
        Host: 'evil.example',
        'X-Forwarded-Host': 'localhost',
        Forwarded: 'host=a',
      };
      const { status, text } = await ask(servers[i]!.port, { method, path, headers });
      assert.equal(status, 403, `${method} ${path}`);
      assert.match(text, /host name/, `${method} ${path}`);
    }
  });

  test(`no row that changes something obeys a page elsewhere, ${shards} shards`, async () => {
    const { port } = servers[i]!;
    const host = `127.0.0.1:${port}`;
    const pages: readonly http.OutgoingHttpHeaders[] = [
      { Origin: EVIL },
      { Origin: 'null' },
      { Origin: `http://${host}.evil.example` },
      { Origin: `http://127.0.0.1:${port + 1}` },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site', Origin: 'http://localhost:1' },
    ];
    for (const { method, path } of everyPath((route) => route.method !== 'GET'))
      for (const page of pages) {
        const headers = { Host: host, 'Content-Type': 'text/plain', ...page };
        const told = await ask(port, { method, path, headers });
        assert.equal(told.status, 403, `${method} ${path} ${JSON.stringify(page)}`);
        assert.match(told.text, /page of another origin/);
        assert.equal(told.headers['access-control-allow-origin'], undefined);
      }
    for (const { path } of everyPath(() => true)) {
      const asked = { 'Access-Control-Request-Headers': 'x-warp10-token' };
      const headers = {
        Host: host,
        Origin: EVIL,
        'Access-Control-Request-Method': 'POST',
        ...asked,
      };
      const told = await ask(port, { method: 'OPTIONS', path, headers });
      const allowed = Object.keys(told.headers).filter((name) => name.startsWith('access-control'));
      assert.deepEqual(allowed, [], path);
    }
    // The one GET that deletes needs a header that such a page cannot send.
    const bare = await ask(port, {
      method: 'GET',
      path: '/api/v0/delete?selector=~.*%7B%7D&deleteall',
      headers: { Host: host, Origin: EVIL },
    });
    assert.equal(bare.status, 400);
  });

  test(`paths and headers mean what they say, ${shards} shards`, async () => {
    const { port } = servers[i]!;
    const host = { Host: 'localhost' };
    for (const path of [
      '/api/v1//query?query=1',
      '/api/v1/./query?query=1',
      '/api/v1/x/../query?query=1',
      '/api/v1/x/%2e%2e/query?query=1',
      '/api/v1%2fquery?query=1',
      '/API/v1/query?query=1',
      '/api/v1/query;a=b?query=1',
      '/api/v1/query%00?query=1',
      '//evil.example/api/v1/query?query=1',
      '/%5c%5cevil.example/api/v1/query?query=1',
      'http://evil.example/api/v1/query?query=1',
      '/api/v1/query%ff?query=1',
    ]) {
      const { status } = await ask(port, { method: 'GET', path, headers: host });
      assert.ok([400, 404].includes(status), `${path}: ${status}`);
    }
    const query = '/api/v1/query?query=vector(1)';
    const tricks = {
      'X-HTTP-Method-Override': 'DELETE',
      'X-Original-URL': '/orrery/v1/admin/flush',
      'X-Rewrite-URL': '/orrery/v1/admin/flush',
      'X-Forwarded-For': '10.0.0.1',
      X_Scope_OrgID: 'other',
    };
    const told = await ask(port, { method: 'GET', path: query, headers: { ...host, ...tricks } });
    assert.match(told.text, /"value":\[[\d.]+,"1"\]/);
    // A tenant that is named as a header of the connection is still the tenant.
    const body = `kept value=1 ${T}`;
    const named = { ...host, 'X-Scope-OrgID': 'named', Connection: 'close, X-Scope-OrgID' };
    const path = '/write?precision=s';
    assert.equal((await ask(port, { method: 'POST', path, headers: named, body })).status, 204);
    const names = '/api/v1/label/__name__/values';
    const own = await ask(port, { method: 'GET', path: names, headers: named });
    assert.match(own.text, /"kept"/);
    const other = await ask(port, { method: 'GET', path: names, headers: host });
    assert.doesNotMatch(other.text, /"kept"/);
    for (const tenant of [
      '../x',
      '..',
      '.x',
      'a/b',
      'a\\b',
      'a%2fb',
      '%2e%2e',
      ' ',
      'a b',
      'a,b',
    ]) {
      const headers = { ...host, 'X-Scope-OrgID': tenant };
      const { status } = await ask(port, { method: 'POST', path, headers, body });
      assert.equal(status, 400, JSON.stringify(tenant));
    }
    const twice = ['Host', 'localhost', 'X-Scope-OrgID', 'a', 'x-scope-orgid', 'b'];
    assert.equal((await ask(port, { method: 'GET', path: names, headers: twice })).status, 400);
  });

  test(`headers without end, ${shards} shards`, async () => {
    const { port } = servers[i]!;
    const many = Array.from({ length: 20_000 }, (_, k) => [`a${k}`, 'b']).flat();
    const big = ['Authorization', `Bearer ${'x'.repeat(100_000)}`];
    for (const headers of [many, big]) {
      const asked = { method: 'GET', path: '/-/ready', headers: ['Host', 'localhost', ...headers] };
      const answer = await ask(port, asked).catch((error: Error) => error);
      // The connection may be gone before the answer is read.
      assert.ok(answer instanceof Error || answer.status === 431, JSON.stringify(answer));
    }
    assert.equal((await servers[i]!.get('/-/ready')).status, 200);
  });
}

test('nesting without end at every row that takes a body is an answer', async () => {
  const { port } = servers[0]!;
  // As long as the smallest limit of a body lets them be.
  const map = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
  const bodies = ['['.repeat(60_000), `${'['.repeat(30_000)}${']'.repeat(30_000)}`, map];
  const types = ['application/json', 'application/x-www-form-urlencoded', 'text/yaml'];
  for (const { method, path } of everyPath((route) => route.bodyLimitBytes > 0))
    for (const body of bodies)
      for (const type of types) {
        // A DELETE has no length of its own accord, and its body would be the next request.
        const length = { 'Content-Length': body.length };
        const headers = { Host: 'localhost', 'Content-Type': type, ...length };
        const told = await ask(port, { method, path, headers, body });
        const what = `${method} ${path} ${type}: ${told.status} ${told.text.slice(0, 300)}`;
        assert.ok(told.status < 500, what);
        assert.ok(told.text.length < 10_000, what);
      }
  const metrics = await servers[0]!.get('/metrics');
  assert.doesNotMatch(metrics.text, /^orrery_http_internal_errors_total [1-9]/m);
});

const NAMES = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'prototype'];

function remoteWrite(name: string): Uint8Array {
  const label = (key: string, value: string) =>
    bytesField(1, [...bytesField(1, key), ...bytesField(2, value)]);
  const labels = [
    ['__name__', 'p'],
    [name, 'rw'],
  ].toSorted(([a], [b]) => (a! < b! ? -1 : 1));
  const sample = bytesField(2, [...doubleField(1, 1), ...varintField(2, T * 1000)]);
  const series = [...labels.flatMap(([key, value]) => label(key!, value!)), ...sample];
  return encodeSnappy(Uint8Array.from(bytesField(1, series)));
}

/** A series with a label of that name by each protocol that lets its sender choose names. */
const WRITERS: Readonly<
  Record<string, (name: string) => { readonly path: string; readonly body: string | Uint8Array }>
> = {
  influx: (name) => ({ path: '/write?precision=s', body: `p,${name}=influx f=1 ${T}` }),
  opentsdb: (name) => ({
    path: '/api/put',
    body: `{"metric":"p","timestamp":${T},"value":1,"tags":{"${name}":"opentsdb"}}`,
  }),
  graphite: (name) => ({ path: '/graphite/api/v1/sink', body: `p;${name}=graphite 1 ${T}\n` }),
  warp10: (name) => ({ path: '/api/v0/update', body: `${T}000000// p{${name}=warp10} 1\n` }),
  import: (name) => ({
    path: '/api/v1/import',
    body: `{"metric":{"__name__":"p","${name}":"import"},"values":[1],"timestamps":[${T}000]}`,
  }),
  text: (name) => ({ path: '/api/v1/import/prometheus', body: `p{${name}="text"} 1 ${T}000\n` }),
  csv: (name) => ({
    path: `/api/v1/import/csv?format=1:label:${name},2:metric:p,3:time:unix_s`,
    body: `csv,1,${T}\n`,
  }),
  rw: (name) => ({ path: '/api/v1/write', body: remoteWrite(name) }),
  otlp: (name) => ({
    path: '/v1/metrics',
    body: otlp.request([
      otlp.gauge({ name: 'p' }, [
        { timeNs: BigInt(T) * 1_000_000_000n, value: 1, attributes: { [name]: 'otlp' } },
      ]),
    ]),
  }),
};

test('labels named as what JavaScript has: written by every protocol, read in every form', async () => {
  const orrery = servers[0]!;
  const headers = { 'X-Scope-OrgID': 'names' };
  for (const [protocol, writer] of Object.entries(WRITERS))
    for (const name of NAMES) {
      const { path, body } = writer(name);
      const type = protocol === 'otlp' ? { 'Content-Type': 'application/x-protobuf' } : {};
      const asked = { method: 'POST', path, headers: { ...headers, ...type }, body };
      const { status, text } = await ask(orrery.port, asked);
      assert.ok(status < 300, `${protocol} ${name}: ${status} ${text}`);
    }
  const params = new URLSearchParams({ start: String(T - 60), end: String(T + 60) });
  params.append('match[]', '{__name__!=""}');
  const search = params.toString();
  const { text } = await orrery.get(`/api/v1/series?${search}`, { headers });
  const { data } = JSON.parse(text) as { data: Record<string, string>[] };
  for (const protocol of Object.keys(WRITERS))
    for (const name of NAMES) {
      const own = data.filter((one) => Object.hasOwn(one, name) && one[name] === protocol);
      assert.equal(own.length, 1, `${protocol} ${name}`);
    }
  for (const path of [
    `/api/v1/query?query={__name__!=""}&time=${T}`,
    `/api/v1/export?${search}`,
    `/federate?${search}`,
    `/api/v1/labels?${search}`,
  ]) {
    const answer = await orrery.get(path, { headers });
    assert.equal(answer.status, 200, path);
    for (const name of NAMES) assert.ok(answer.text.includes(name), `${path} ${name}`);
  }
  const by = `sum by (__proto__, constructor, hasOwnProperty) ({__name__!=""})`;
  const sum = new URLSearchParams({ query: by, time: String(T) });
  const grouped = await orrery.get(`/api/v1/query?${sum.toString()}`, { headers });
  assert.equal((JSON.parse(grouped.text) as { data: { result: object[] } }).data.result.length, 28);
});

test('what stands in a URL, or bears a secret, is in no log and on no page', async () => {
  const secret = 'orr_abcdefghijkl_neverseenagain';
  for (const orrery of servers) {
    for (const { method, path } of everyPath(({ path: of }) => of !== '/orrery/v1/tenants')) {
      const query = `?u=${secret}&p=${secret}&token=${secret}&access_token=${secret}`;
      const basic = Buffer.from(`user:${secret}`).toString('base64');
      for (const headers of [
        { Host: 'localhost', Authorization: `Bearer ${secret}`, 'X-Warp10-Token': secret },
        { Host: 'localhost', Authorization: `Basic ${basic}`, Cookie: `t=${secret}` },
      ])
        await ask(orrery.port, { method, path: path + query, headers, body: 'x' });
    }
    // A slow query and a write that is refused are told of, without what came with them.
    await orrery.get(`/api/v1/query?query=count({__name__!=""})&token=${secret}`);
    await orrery.post(`/write?p=${secret}`, 'no line');
    const pages = [
      '/metrics',
      '/orrery/v1/refused-lines',
      '/orrery/v1/queries',
      '/orrery/v1/audit',
    ];
    for (const path of pages) {
      const { text } = await orrery.get(path);
      assert.ok(!text.includes('neverseenagain'), path);
    }
    assert.ok(!orrery.output().includes('neverseenagain'), orrery.output().slice(-2000));
  }
});

test('who is nobody is refused before a byte of a body is asked for or unpacked', async () => {
  const house = await TokenHouse.start();
  try {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    for (const { method, path } of everyPath(({ permission }) => permission !== 'none')) {
      const none = await house.as('unknown')(method, path);
      assert.equal(none.status, 401, `${method} ${path}`);
    }
    const asking = everyPath((route) => route.permission !== 'none' && route.bodyLimitBytes > 0);
    for (const { method, path } of asking) {
      const headers = {
        Host: 'localhost',
        Authorization: 'Bearer unknown',
        'Content-Encoding': 'gzip',
        'Content-Length': String(bomb.length),
        Expect: '100-continue',
      };
      const told = await ask(house.orrery.port, { method, path, headers });
      assert.equal(told.status, 401, `${method} ${path}`);
      assert.equal(told.wasContinued, false, `${method} ${path}: a body was asked for`);
    }
  } finally {
    await house.stop();
  }
});
