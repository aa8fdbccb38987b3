// The HTTP surface of a real server: what each protocol wrote reads back through the others, errors
// have their protocol's shape, tenants see their own, browsers are kept out.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000;

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
});
after(() => orrery.stop());

interface Api {
  readonly status: string;
  readonly data: unknown;
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
}

async function api(path: string, params: Record<string, string>, init: RequestInit = {}) {
  const query = new URLSearchParams(params).toString();
  const answer = await orrery.get(`/api/v1/${path}?${query}`, init);
  return { status: answer.status, headers: answer.headers, json: JSON.parse(answer.text) as Api };
}

async function instant(query: string, init?: RequestInit): Promise<unknown[]> {
  const { json } = await api('query', { query, time: String(T) }, init);
  const data = json.data as { result: { metric: object; value: [number, string] }[] };
  return data.result.map(({ metric, value }) => [metric, value[1]]);
}

async function checkError(
  path: string,
  params: Record<string, string>,
  expected: RegExp,
  status = 400,
) {
  const got = await api(path, params);
  assert.equal(got.status, status, JSON.stringify(got.json));
  assert.equal(got.json.status, 'error');
  assert.match(got.json.error ?? '', expected);
}

test('line protocol in, PromQL out', async () => {
  const lines = `cpu,host=a value=1.5,n=3i,ok=true,s="x" ${T}\ncpu,host=b value=2 ${T}`;
  const wrote = await orrery.post('/write?db=d&precision=s', lines);
  assert.equal(wrote.status, 204, wrote.text);
  assert.deepEqual(await instant('cpu'), [
    [{ __name__: 'cpu', db: 'd', host: 'a' }, '1.5'],
    [{ __name__: 'cpu', db: 'd', host: 'b' }, '2'],
  ]);
  assert.deepEqual(await instant('sum(cpu_n) + sum(cpu_ok)'), [[{}, '4']]);
  const v2 = await orrery.post('/influxdb/api/v2/write?bucket=d/w&precision=s', `m v=7 ${T}`);
  assert.equal(v2.status, 204, v2.text);
  assert.deepEqual(await instant('m_v'), [[{ __name__: 'm_v', db: 'd', rp: 'w' }, '7']]);
});

test('InfluxDB errors have InfluxDB’s shapes', async () => {
  const bad = await orrery.post('/write?db=d', 'good value=1\nbad value=');
  assert.equal(bad.status, 400);
  assert.match(
    (JSON.parse(bad.text) as { error: string }).error,
    /^partial write: unable to parse/,
  );
  assert.ok(bad.headers.get('x-influxdb-error'));
  const v2 = await orrery.post('/api/v2/write?bucket=d', `keep value=1\nbad value=`);
  assert.equal(v2.status, 400);
  assert.equal((JSON.parse(v2.text) as { code: string }).code, 'invalid');
  const kept = await api('series', { 'match[]': '{__name__=~"good|keep"}' });
  assert.deepEqual(kept.json.data, [{ __name__: 'good', db: 'd' }]);
  assert.equal((await orrery.post('/write?precision=x', 'a v=1')).status, 400);
  assert.equal((await orrery.get('/ping')).status, 204);
  assert.equal((await orrery.get('/ping')).headers.get('x-influxdb-version'), '1.8.10');
});

test('Prometheus text in; JSON lines out and in again', async () => {
  const page = '# TYPE req counter\n# HELP req Requests.\nreq{code="200"} 5\nreq{code="500"} NaN\n';
  const wrote = await orrery.post(
    `/api/v1/import/prometheus?timestamp=${T}000&extra_label=dc=x`,
    page,
  );
  assert.equal(wrote.status, 204, wrote.text);
  const exported = await orrery.get('/api/v1/export?match[]=req&exact=1');
  assert.equal(exported.text.trim().split('\n').length, 2);
  const again = await orrery.post('/api/v1/import', exported.text, {
    headers: { 'X-Scope-OrgID': 'copy' },
  });
  assert.equal(again.status, 204, again.text);
  const copied = await orrery.get('/api/v1/export?match[]=req&exact=1', {
    headers: { 'X-Scope-OrgID': 'copy' },
  });
  assert.equal(copied.text, exported.text);
  const { json } = await api('metadata', { metric: 'req' });
  assert.deepEqual(json.data, { req: [{ type: 'counter', help: 'Requests.', unit: '' }] });
});

test('imports keep the good lines of a bad body and tell the bad ones', async () => {
  const page = '# TYPE fine gauge\nfine 1\nbad{ 2\nfine{x="y"} 3\nbad 4x\n';
  const text = await orrery.post('/api/v1/import/prometheus', page);
  assert.equal(text.status, 400);
  assert.match(text.text, /^refused lines: 2, kept samples: 2\nline 3: .+\nline 5: .+\n$/);
  assert.deepEqual((await api('series', { 'match[]': '{__name__=~"fine|bad"}' })).json.data, [
    { __name__: 'fine' },
    { __name__: 'fine', x: 'y' },
  ]);
  const { json } = await api('metadata', { metric: 'fine' });
  assert.deepEqual(json.data, { fine: [{ type: 'gauge', help: '', unit: '' }] });
  const good = '{"metric":{"__name__":"jl"},"values":[1,2],"timestamps":[1,2]}';
  const lines = await orrery.post('/api/v1/import', `${good}\n{"metric":\n`);
  assert.equal(lines.status, 400);
  assert.match(lines.text, /^refused lines: 1, kept samples: 2\nline 2: .+\n$/);
  const kept = await orrery.get('/api/v1/export?match[]=jl');
  assert.match(kept.text, /"values":\[1,2\]/);
});

test('names, values, series, limits', async () => {
  assert.deepEqual((await api('label/host/values', {})).json.data, ['a', 'b']);
  assert.deepEqual((await api('label/U__host/values', { 'match[]': 'cpu{host="b"}' })).json.data, [
    'b',
  ]);
  const labels = (await api('labels', { 'match[]': 'cpu' })).json.data;
  assert.deepEqual(labels, ['__name__', 'db', 'host']);
  const cut = (await api('label/host/values', { limit: '1' })).json;
  assert.deepEqual([cut.data, cut.warnings], [['a'], ['results truncated due to limit']]);
  const later = await api('series', { 'match[]': 'cpu', start: String(T + 1000) });
  assert.deepEqual(later.json.data, []);
  await checkError('series', {}, /no match\[\] parameter/);
  await checkError('series', { 'match[]': '{a=~".*"}' }, /at least one non-empty matcher/);
  await checkError(
    'labels',
    { start: 'x' },
    /invalid parameter "start": invalid time value for 'start': cannot parse "x"/,
  );
});

test('query parameters are checked in Prometheus’ words', async () => {
  await checkError('query', { query: 'up{' }, /^invalid parameter "query": 1:4: parse error: /);
  await checkError(
    'query',
    { query: 'up', time: 'noon' },
    /cannot parse "noon" to a valid timestamp/,
  );
  await checkError('query', { query: 'up', timeout: 'x' }, /"timeout"/);
  const range = { query: 'up', start: '0', end: '100', step: '1' };
  await checkError('query_range', { ...range, step: '0' }, /zero or negative/);
  await checkError('query_range', { ...range, end: '-1' }, /before start time/);
  await checkError('query_range', { ...range, end: '11001' }, /11,000 points/);
  await checkError('query_range', { query: 'up' }, /"start"/);
  await checkError('query_range', { ...range, query: 'cpu[5m]' }, /"query".*"range vector"/);
  const bad = await api('query', { query: 'up{a=~"("}' });
  assert.deepEqual([bad.status, bad.json.errorType], [400, 'bad_data'], JSON.stringify(bad.json));
  assert.match(
    bad.json.error ?? '',
    /^invalid parameter "query": .*error parsing regexp: missing closing/,
  );
  const noted = await api('query', { query: '1 +\n  quantile(2, cpu)', time: String(T) });
  assert.match(noted.json.warnings?.[0] ?? '', / \(2:12\)$/);
  const rfc = await api('query', { query: 'time()', time: '2026-01-01T00:00:00.123+01:00' });
  assert.deepEqual(rfc.json.data, {
    resultType: 'scalar',
    result: [1767222000.123, '1767222000.123'],
  });
});

test('a range by POST, with an id, under the prefix', async () => {
  const body = new URLSearchParams({ query: 'cpu', start: `${T}`, end: `${T + 60}`, step: '30s' });
  const answer = await fetch(`${orrery.url}/prometheus/api/v1/query_range`, {
    method: 'POST',
    body,
  });
  assert.match(answer.headers.get('x-orrery-query-id') ?? '', /^[0-9a-f]{16}$/);
  const json = (await answer.json()) as { data: { result: { values: unknown }[] } };
  assert.deepEqual(
    json.data.result[0]!.values,
    [T, T + 30, T + 60].map((t) => [t, '1.5']),
  );
});

test('parse, format, build information, empty rules', async () => {
  assert.equal((await api('format_query', { query: 'sum(a)by(b)' })).json.data, 'sum by (b) (a)');
  const tree = (await api('parse_query', { query: '1 + a' })).json.data as { type: string };
  assert.equal(tree.type, 'binaryExpr');
  await checkError('format_query', { query: '(' }, /parse error/);
  assert.deepEqual((await api('rules', {})).json.data, { groups: [] });
  assert.deepEqual((await api('alerts', {})).json.data, { alerts: [] });
  const build = (await api('status/buildinfo', {})).json.data as { revision: string };
  assert.match(build.revision, /^orrery-/);
});

test('tenants see their own data only', async () => {
  const as = (tenant: string) => ({ headers: { 'X-Scope-OrgID': tenant } });
  await orrery.post('/write?precision=s', `secret value=1 ${T}`, as('one'));
  assert.equal((await instant('secret', as('one'))).length, 1);
  assert.deepEqual(await instant('secret', as('two')), []);
  assert.deepEqual(await instant('secret'), []);
  assert.equal((await orrery.get('/api/v1/export?match[]=secret', as('two'))).text, '');
  assert.equal((await orrery.get('/api/v1/labels', as('a/b'))).status, 400);
});

test('deletes are durable answers', async () => {
  await orrery.post('/write?precision=s', `gone value=1 ${T}\ngone value=2 ${T + 60}`);
  const path = `/api/v1/admin/tsdb/delete_series?match[]=gone&start=${T}&end=${T + 1}`;
  const dry = await orrery.post(`${path}&dry_run=1`, '');
  assert.equal(dry.status, 400);
  assert.match(dry.text, /\/orrery\/v1\/delete\?dry_run=1/);
  assert.match((await orrery.get('/api/v1/export?match[]=gone')).text, /"values":\[1,2\]/);
  assert.equal((await orrery.post(path, '')).status, 204);
  assert.match((await orrery.get('/api/v1/export?match[]=gone')).text, /"values":\[2\]/);
  assert.equal((await orrery.post('/api/v1/admin/tsdb/delete_series', '')).status, 400);
});

test('flush, compact, then the same answers', async () => {
  const stored = await instant('{__name__=~"cpu.*"}');
  for (const work of ['flush', 'compact']) {
    const done = await orrery.post(`/orrery/v1/admin/${work}`, '');
    assert.equal(done.status, 200, done.text);
  }
  assert.deepEqual(await instant('{__name__=~"cpu.*"}'), stored);
});

test('durability and batch ids', async () => {
  const post = (headers: Record<string, string>, body: string, query = '') =>
    orrery.post(`/write?precision=s${query}`, body, { headers });
  assert.equal((await post({ 'X-Orrery-Durability': 'async' }, `d v=1 ${T}`)).status, 204);
  assert.equal((await post({}, `d v=1 ${T}`, '&durability=never')).status, 400);
  const id = { 'X-Orrery-Batch-Id': '0123456789abcdef0123456789ABCDEF' };
  assert.equal((await post(id, `once v=1 ${T}`)).status, 204);
  assert.equal((await post({}, `once v=2 ${T}`)).status, 204);
  assert.equal((await post(id, `once v=1 ${T}`)).status, 204);
  assert.deepEqual(await instant('once_v'), [[{ __name__: 'once_v' }, '2']]);
  assert.equal((await post({ 'X-Orrery-Batch-Id': 'xyz' }, 'a v=1')).status, 400);
});

test('live queries can be listed and canceled by their tenant', async () => {
  const list = await orrery.get('/orrery/v1/queries');
  assert.deepEqual(JSON.parse(list.text), { queries: [] });
  assert.equal((await orrery.get('/orrery/v1/queries/0', { method: 'DELETE' })).status, 404);
});

function getAs(headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const path = '/api/v1/query?query=1';
    const options = { host: '127.0.0.1', port: orrery.port, path, method, headers, agent: false };
    const request = http.request(options, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode!));
    });
    request.on('error', reject).end();
  });
}

test('a rebound name and a foreign page are refused, and CORS is off', async () => {
  assert.equal(await getAs({ host: 'evil.example' }), 403);
  assert.equal(await getAs({ host: 'localhost' }), 200);
  assert.equal(await getAs({ origin: 'http://evil.example' }, 'POST'), 403);
  const read = await orrery.get('/api/v1/query?query=1', { headers: { Origin: 'http://evil' } });
  assert.equal(read.headers.get('access-control-allow-origin'), null);
});

test('names that mean something to JavaScript are names like any other', async () => {
  const line =
    '{"metric":{"__name__":"__proto__","__proto__":"P","constructor":"y","toString":"z"},' +
    `"values":[1],"timestamps":[${T}000]}`;
  assert.equal((await orrery.post('/api/v1/import', line)).status, 204);
  const page = '# TYPE constructor histogram\n# HELP __proto__ x\nconstructor{__proto__="1"} 1\n';
  const text = await orrery.post(`/api/v1/import/prometheus?timestamp=${T}000`, page);
  assert.equal(text.status, 204);
  const influx = '__proto__,__proto__=a,constructor=b __proto__=1,constructor=2i ';
  assert.equal((await orrery.post('/write?precision=s', influx + String(T))).status, 204);
  const { json } = await api('label/__proto__/values', {});
  assert.deepEqual(json.data, ['1', 'P', 'a']);
  const all = await orrery.get('/api/v1/export?match[]={__proto__!=""}');
  assert.equal(all.text.trim().split('\n').length, 4);
  assert.ok(all.text.includes(line), all.text);
  const copy = { headers: { 'X-Scope-OrgID': '__proto__' } };
  assert.equal((await orrery.post('/api/v1/import', all.text, copy)).status, 204);
  assert.equal((await orrery.get('/api/v1/export?match[]={__proto__!=""}', copy)).text, all.text);
  const sum = await instant('sum by (__proto__, constructor) ({__proto__!=""})');
  assert.equal(sum.length, 3);
  const families = await orrery.get('/api/v1/metadata?metric=__proto__');
  assert.match(families.text, /"data":\{"__proto__":\[\{"type":"unknown","help":"x"/);
});

test('nesting without end is an answer, not a crash', async () => {
  const deep = `{"metric":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`;
  for (const body of [deep, `{"metric":${'['.repeat(500_000)}`]) {
    const answer = await orrery.post('/api/v1/import', body);
    assert.equal(answer.status, 400);
    assert.ok(answer.text.length < 1000);
  }
  const nested = ['('.repeat(40_000), '-'.repeat(40_000), `1${'+1'.repeat(40_000)}`];
  const patterns = [`{a=~"${'('.repeat(10_000)}${')'.repeat(10_000)}"}`];
  for (const path of ['query', 'parse_query', 'format_query'])
    for (const query of [...nested, ...patterns]) {
      const body = new URLSearchParams({ query });
      const answer = await fetch(`${orrery.url}/api/v1/${path}`, { method: 'POST', body });
      assert.equal(answer.status, 400, await answer.text());
    }
  const selectors = await fetch(`${orrery.url}/api/v1/series`, {
    method: 'POST',
    body: new URLSearchParams(Array.from({ length: 100_000 }, () => ['match[]', 'a'])),
  });
  assert.match(await selectors.text(), /the limit is 1000/);
});

test('a path or method that is not there has the error form of its protocol', async () => {
  const shapes: readonly (readonly [string, RegExp])[] = [
    ['/api/v1/nowhere', /^\{"status":"error","errorType":"not_found","error":/],
    ['/prometheus/api/v1/nowhere', /^\{"status":"error"/],
    ['/influxdb/nowhere', /^\{"error":"/],
    ['/api/v2/nowhere', /^\{"code":"not found","message":/],
    ['/orrery/v1/nowhere', /^\{"error":\{"code":"no-such-path"/],
    ['/nowhere', /^\{"error":\{"code":"no-such-path"/],
  ];
  for (const [path, shape] of shapes) {
    const { status, text } = await orrery.get(path);
    assert.equal(status, 404, path);
    assert.match(text, shape, path);
  }
  const wrong = await orrery.get('/api/v2/write');
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'POST']);
  assert.match(wrong.text, /^\{"code":"method not allowed"/);
  const options = await orrery.get('/api/v1/query', { method: 'OPTIONS' });
  assert.equal(options.headers.get('allow'), 'GET, HEAD, POST, OPTIONS');
  assert.equal((await orrery.get('/api/v1/label/job/values/')).status, 200);
});

test('every kind goes out exactly and in again, through gzip', async () => {
  const histogram =
    '{"isInteger":true,"schema":0,"zeroThreshold":0.001,"zeroCount":1,"count":4,"sum":7.5,' +
    '"counterResetHint":0,"positiveSpans":[[0,2]],"positiveBuckets":[1,2],' +
    '"negativeSpans":[],"negativeBuckets":[],"customValues":[]}';
  const lines = [
    '{"metric":{"__name__":"k_b"},"kind":"boolean","values":[true,false],"timestampsUs":[1,2]}',
    '{"metric":{"__name__":"k_f"},"kind":"f64","values":[-0,"NaN:7ff0000000000002","-Infinity",' +
      '5e-324],"timestampsUs":[-5000000,-1,0,1],"subNs":[0,999,0,1]}',
    `{"metric":{"__name__":"k_h"},"kind":"histogram","values":[${histogram}],"timestampsUs":[1]}`,
    '{"metric":{"__name__":"k_i","läbel":"ü\\n"},"kind":"i64","values":["9223372036854775807"],' +
      '"timestampsUs":[2],"startUs":[1]}',
    '{"metric":{"__name__":"k_s"},"kind":"string","values":["","ö\\u0000"],"timestampsUs":[1,2]}',
    '{"metric":{"__name__":"k_u"},"kind":"u64","values":["18446744073709551615"],' +
      '"timestampsUs":[1],"latitude":[12.5],"longitude":[-7.25],"elevation":[null]}',
  ];
  const body = `${lines.join('\n')}\n`;
  const headers = { 'Content-Encoding': 'gzip' };
  const sent = await orrery.post('/api/v1/import', gzipSync(body), { headers });
  assert.equal(sent.status, 204, sent.text);
  const query = 'match[]={__name__=~"k_."}&exact=1';
  assert.equal((await orrery.get(`/prometheus/api/v1/export?${query}`)).text, body);
  const early = await orrery.get('/api/v1/export?match[]=k_f&exact=1&end=-0.000001');
  assert.match(early.text, /"timestampsUs":\[-5000000,-1\]/);
});

test('the console: page, assets, policy, nothing outside the build', async () => {
  const page = await orrery.get('/');
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.equal((await orrery.get('/explore')).text, page.text);
  const asset = /assets\/[^"']+\.js/.exec(page.text)?.[0];
  const script = await orrery.get(`/${asset}`);
  assert.match(script.headers.get('content-type') ?? '', /javascript/);
  assert.match(script.headers.get('cache-control') ?? '', /immutable/);
  for (const path of ['/nothing', '/assets/..%2f..%2fpackage.json', '/..%2fpackage.json'])
    assert.equal((await orrery.get(path)).status, 404, path);
});
