// Limits of tenants on a real server, by settings and by the API: each protocol's own refusal, what
// it says to people and to machines, what is kept of a batch, and that nobody else notices.
// limits-shards.test.ts runs the same with several ingest threads.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import { bytesField, varintField } from '../support/protobuf-writer.ts';
import { requestV2 } from '../support/remote-write-v2.ts';
import { runCtl, startOrrery } from './harness.ts';
import type { RunningOrrery, TextAnswer } from './harness.ts';

const T = 1_750_000_000;

let orrery: RunningOrrery;
before(async () => {
  const limits = ['labels-per-series=6', 'query-points=1000', 'query-range=30d'];
  orrery = await startOrrery(['--no-collect', '--limit', limits.join(',')]);
});
after(() => orrery.stop());

interface Facts {
  readonly id: string;
  readonly limit: number;
  readonly value: number;
  readonly contributors: readonly string[];
  readonly docs: string;
}

function as(tenant: string): { readonly headers: Record<string, string> } {
  return { headers: { 'X-Scope-OrgID': tenant } };
}

async function tenantWith(name: string, limits: Record<string, number>): Promise<void> {
  const made = await orrery.post('/orrery/v1/tenants', JSON.stringify({ name, limits }));
  assert.equal(made.status, 201, made.text);
}

async function setLimits(name: string, limits: Record<string, number | null>): Promise<void> {
  const init = { method: 'PATCH', body: JSON.stringify(limits) };
  const answer = await orrery.get(`/orrery/v1/tenants/${name}/limits`, init);
  assert.equal(answer.status, 200, answer.text);
}

function write(tenant: string, lines: readonly string[], path = '/write'): Promise<TextAnswer> {
  return orrery.post(`${path}?precision=s&bucket=b`, lines.join('\n'), as(tenant));
}

async function valuesOf(tenant: string, query: string): Promise<readonly string[]> {
  const params = new URLSearchParams({ query, time: String(T + 60) }).toString();
  const answer = await orrery.get(`/api/v1/query?${params}`, as(tenant));
  assert.equal(answer.status, 200, answer.text);
  const { data } = JSON.parse(answer.text) as { data: { result: { value: [number, string] }[] } };
  return data.result.map(({ value }) => value[1]);
}

function factsOf(answer: TextAnswer): Facts {
  const { limit } = JSON.parse(answer.text) as { limit: Facts };
  assert.equal(limit.docs, `docs/operations/limits.md#${limit.id}`);
  return limit;
}

/** Threads hear of what is over a moment after it is. */
async function untilRefused(send: () => Promise<TextAnswer>): Promise<TextAnswer> {
  for (let i = 0; i < 200; i++) {
    const answer = await send();
    if (answer.status === 429) return answer;
    assert.ok(answer.status < 300, answer.text);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return assert.fail('nothing was refused');
}

function host(i: number): string {
  return `cpu,host=h${i} busy=${i} ${T}`;
}

function hosts(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from }, (_, i) => host(from + i));
}

test('samples a second: 429 with Retry-After in every protocol, other tenants go on', async () => {
  await tenantWith('fast', { 'samples-per-second': 10, 'samples-burst': 10 });
  assert.equal((await write('fast', hosts(0, 500))).status, 204);
  const refused = await untilRefused(() => write('fast', []));
  const retryAfter = Number(refused.headers.get('retry-after'));
  assert.ok(retryAfter >= 40 && retryAfter <= 50, `waits ${retryAfter}`);
  assert.match(
    refused.text,
    /tenant \\"fast\\" is over its limit samples-per-second: 500, at most/,
  );
  const { id, limit, value } = factsOf(refused);
  assert.deepEqual([id, limit, value], ['samples-per-second', 10, 500]);
  assert.match(refused.text, /"contributors":\["influx"\]/);
  const v2 = await write('fast', hosts(0, 1), '/api/v2/write');
  assert.equal(v2.status, 429);
  const { code, message } = JSON.parse(v2.text) as Record<string, string>;
  assert.equal(code, 'too many requests');
  assert.match(message!, /samples-per-second/);
  assert.equal(factsOf(v2).id, 'samples-per-second');
  const series = [{ labels: ['__name__', 'm'], samples: [{ value: 1, tMs: T * 1000 }] }];
  const sent = Uint8Array.from(encodeSnappy(requestV2(series)));
  const remote = await orrery.post('/api/v1/write', sent, {
    headers: {
      ...as('fast').headers,
      'Content-Encoding': 'snappy',
      'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    },
  });
  assert.equal(remote.status, 429);
  assert.ok(Number(remote.headers.get('retry-after')) > 0);
  for (const [path, body] of [
    ['/api/put', '{"metric":"m","timestamp":1,"value":1}'],
    ['/api/v1/import/prometheus', 'm 1\n'],
    ['/api/v0/update', `${T}000000// m{} 1\n`],
    ['/v1/metrics', '{"resourceMetrics":[]}'],
  ] as const) {
    const init = { headers: { ...as('fast').headers, 'Content-Type': 'application/json' } };
    const answer = await orrery.post(path, body, init);
    assert.equal(answer.status, 429, `${path}: ${answer.text}`);
    assert.match(answer.text, /samples-per-second/, path);
  }
  assert.equal((await write('slow', hosts(0, 500))).status, 204);
  assert.deepEqual(await valuesOf('fast', 'count(cpu_busy)'), ['500']);
  await setLimits('fast', { 'samples-per-second': null, 'samples-burst': 1_000_000 });
  assert.equal((await write('fast', hosts(0, 1))).status, 204);
});

test('active series: known ones go on, new ones are refused one by one and named', async () => {
  await tenantWith('wide', { 'active-series': 20 });
  assert.equal((await write('wide', hosts(0, 15))).status, 204);
  const partly = await write('wide', hosts(10, 30));
  assert.equal(partly.status, 400, partly.text);
  assert.match(partly.text, /partial write: .*new series of metric 'cpu_busy' refused: tenant/);
  assert.match(
    partly.text,
    /over its limit active-series: 20, at most 20; see docs\/operations.*#active-series/,
  );
  const kept = await valuesOf('wide', 'count(cpu_busy)');
  assert.deepEqual(kept, ['20']);
  assert.equal((await write('wide', hosts(0, 15))).status, 204);
  assert.deepEqual(await valuesOf('wide', 'count(cpu_busy)'), kept);
  await setLimits('wide', { 'active-series': 30 });
  assert.equal((await write('wide', hosts(0, 30))).status, 204);
  assert.deepEqual(await valuesOf('wide', 'count(cpu_busy)'), ['30']);
});

/** A series of each name, in every protocol whose refusals are JSON: path, body, media type. */
function jsonWrites(names: readonly string[]): readonly (readonly [string, string, string])[] {
  const lines = names.map((name) => `${name},host=a v=1 ${T}`).join('\n');
  const puts = names.map((metric) => ({ metric, timestamp: T, value: 1, tags: { host: 'a' } }));
  const gauge = { dataPoints: [{ timeUnixNano: `${T}000000000`, asDouble: 1 }] };
  const metrics = names.map((name) => ({ name, gauge }));
  const otlp = { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
  const json = 'application/json';
  return [
    ['/write?precision=s', lines, 'text/plain'],
    ['/api/v2/write?bucket=b&precision=s', lines, 'text/plain'],
    ['/api/v3/write_lp?db=b&precision=s', lines, 'text/plain'],
    ['/api/v3/write_lp?db=c&precision=s&accept_partial=false', lines, 'text/plain'],
    ['/api/put', JSON.stringify(puts), json],
    ['/api/put?summary', JSON.stringify(puts), json],
    ['/api/put?details', JSON.stringify(puts), json],
    ['/v1/metrics', JSON.stringify(otlp), json],
  ];
}

async function checkPartlyRefused(
  tenant: string,
  names: readonly string[],
  check: (facts: Facts, told: string) => void,
): Promise<void> {
  for (const [path, body, type] of jsonWrites(names)) {
    const headers = { ...as(tenant).headers, 'Content-Type': type };
    const answer = await orrery.get(path, { method: 'POST', headers, body });
    const told = `${path}: ${answer.status} ${answer.text}`;
    assert.ok([200, 400, 422].includes(answer.status), told);
    assert.equal(answer.status === 200, path === '/v1/metrics', told);
    check(factsOf(answer), told);
  }
}

test('refused series: the limit by parts in every protocol that answers in JSON', async () => {
  await tenantWith('parts', { 'active-series': 2 });
  assert.equal((await write('parts', hosts(0, 2))).status, 204);
  for (const [path, body, type] of jsonWrites(['one', 'two'])) {
    const headers = { ...as('parts').headers, 'Content-Type': type };
    const answer = await orrery.get(path, { method: 'POST', headers, body });
    const told = `${path}: ${answer.status} ${answer.text}`;
    assert.equal(answer.status, 429, told);
    assert.equal(answer.headers.get('retry-after'), '60', told);
    const { id, limit, value, contributors } = factsOf(answer);
    assert.deepEqual([id, limit, value], ['active-series', 2, 2], told);
    assert.match(String(contributors), /^(?:metric|label \w+ of metric) (?:one|two)/, told);
  }
  await tenantWith('names', { 'label-value-bytes': 12, 'labels-per-series': 6 });
  await checkPartlyRefused(
    'names',
    ['of-thirteen-b'],
    ({ id, limit, value, contributors }, told) => {
      assert.deepEqual([id, limit], ['label-value-bytes', 12], told);
      assert.ok(value === 13 || value === 15, told);
      assert.deepEqual(contributors, ['label __name__'], told);
    },
  );
  const many = Array.from({ length: 6 }, (_, i) => `l${i}=v`).join(',');
  const { id, limit, value, contributors } = factsOf(await write('names', [`m,${many} v=1`]));
  assert.deepEqual([id, limit, value, contributors], ['labels-per-series', 6, 7, ['metric m_v']]);
  assert.equal((await write('names', hosts(0, 1))).status, 204);
});

/** One new series in every other protocol that comes over HTTP: path, body, media type. */
function otherWrites(): readonly (readonly [string, string | Uint8Array<ArrayBuffer>, string])[] {
  const series = [{ labels: ['__name__', 'fresh'], samples: [{ value: 1, tMs: T * 1000 }] }];
  const v2 = Uint8Array.from(encodeSnappy(requestV2(series)));
  const label = [...bytesField(1, '__name__'), ...bytesField(2, 'fresh')];
  const sample = varintField(2, T * 1000);
  const v1 = bytesField(1, [...bytesField(1, label), ...bytesField(2, sample)]);
  const list = { values: [1], dstypes: ['gauge'], dsnames: ['value'], time: T, interval: 10 };
  const collectd = { ...list, host: 'h', plugin: 'p', plugin_instance: '', type: 't' };
  const jsonLine = { metric: { __name__: 'fresh' }, values: [1], timestamps: [T * 1000] };
  return [
    ['/api/v1/write', Uint8Array.from(encodeSnappy(Uint8Array.from(v1))), 'application/x-protobuf'],
    ['/api/v1/write', v2, 'application/x-protobuf;proto=io.prometheus.write.v2.Request'],
    ['/api/v0/update', `${T}000000// fresh{} 1\n`, 'text/plain'],
    ['/api/v1/import/prometheus', 'fresh 1\n', 'text/plain'],
    ['/api/v1/import', JSON.stringify(jsonLine), 'application/json'],
    ['/api/v1/import/csv?format=1:metric:fresh', '1\n', 'text/csv'],
    ['/graphite/api/v1/sink', `fresh 1 ${T}\n`, 'text/plain'],
    ['/collectd', JSON.stringify([{ ...collectd, type_instance: '' }]), 'application/json'],
  ];
}

test('nothing kept because of a limit of series: 429 with Retry-After on every route', async () => {
  await tenantWith('full', { 'active-series': 1 });
  assert.equal((await write('full', hosts(0, 1))).status, 204);
  for (const [path, body, type] of otherWrites()) {
    const headers = { ...as('full').headers, 'Content-Type': type };
    const answer = await orrery.post(path, body, { headers });
    const told = `${path}: ${answer.status} ${answer.text}`;
    assert.equal(answer.status, 429, told);
    assert.equal(answer.headers.get('retry-after'), '60', told);
    assert.match(answer.text, /nothing of this write was kept/, told);
    assert.match(answer.text, /limit active-series: 1, at most 1; see docs\//, told);
    if (type.includes('v2.Request'))
      assert.equal(answer.headers.get('x-prometheus-remote-write-samples-written'), '0', told);
  }
  const refused = (await breachesOf('full')).map(({ limit, first }) => [limit, first?.protocol]);
  assert.ok(!refused.some(([, protocol]) => protocol?.startsWith('/')), String(refused));
});

test('nothing kept, and a row was wrong, too: what the protocol says of bad rows', async () => {
  await tenantWith('mixed', { 'active-series': 1 });
  assert.equal((await write('mixed', hosts(0, 1))).status, 204);
  const lines = ['fresh a=1,b=2,c=3', 'no line'];
  assert.equal((await write('mixed', lines)).status, 400);
  assert.equal((await write('mixed', lines, '/api/v2/write')).status, 400);
  const page = await orrery.post('/api/v1/import/prometheus', 'fresh 1\nfresh{ 1\n', as('mixed'));
  assert.equal(page.status, 400, page.text);
  assert.match(page.text, /refused lines: 2, kept samples: 0/);
  const graphite = await orrery.post('/graphite/api/v1/sink', 'fresh 1\nwrong\n', as('mixed'));
  assert.equal(graphite.status, 422, graphite.text);
});

test('new series a minute, all refused: Retry-After is when the next one passes', async () => {
  await tenantWith('minute', { 'new-series-per-minute': 2 });
  assert.equal((await write('minute', hosts(0, 2))).status, 204);
  const refused = await write('minute', hosts(2, 4));
  assert.equal(refused.status, 429, refused.text);
  assert.deepEqual([factsOf(refused).id, factsOf(refused).limit], ['new-series-per-minute', 2]);
  const seconds = Number(refused.headers.get('retry-after'));
  assert.ok(seconds > 20 && seconds <= 30, `waits ${seconds}`);
});

interface Breach {
  readonly limit: string;
  readonly kind: string;
  readonly count: number;
  readonly first: { readonly protocol: string; readonly peer: string } | null;
  readonly series: {
    readonly metric: string;
    readonly label: string;
    readonly values: number;
    readonly rules: string;
  } | null;
}

async function breachesOf(tenant: string): Promise<readonly Breach[]> {
  const answer = await orrery.get('/orrery/v1/breaches', as(tenant));
  assert.equal(answer.status, 200, answer.text);
  return (JSON.parse(answer.text) as { breaches: Breach[] }).breaches;
}

test('breaches name the label, the sender and a rule that stops it', async () => {
  await tenantWith('broken', { 'active-series': 20 });
  const ids = Array.from({ length: 40 }, (_, i) => `api,host=a,request=r${i} n=1 ${T}`);
  const partly = await write('broken', ids);
  assert.equal(partly.status, 400);
  assert.match(
    partly.text,
    /label request of metric api_n \(\d+ values refused\) contributes most/,
  );
  const breach = (await breachesOf('broken')).find(({ kind }) => kind === 'refused')!;
  assert.equal(breach.limit, 'active-series');
  assert.ok(breach.first);
  assert.equal(breach.first.protocol, 'influx');
  assert.match(breach.first.peer, /127\.0\.0\.1$/);
  const { metric, label, rules } = breach.series!;
  assert.deepEqual([metric, label], ['api_n', 'request']);
  const told = await runCtl(['tenant', 'refusals', 'broken', '--url', orrery.url]);
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stdout, /active-series +refused +\d+ +20 +20 .* influx +127\.0\.0\.1 +-/);
  assert.match(told.stdout, /label request of metric api_n had \d+ or more values/);
  assert.ok(told.stdout.includes(rules), told.stdout);
  assert.match(told.stdout, /rows refused since the server started\n\n *rows +protocol +reason/);
  const kept = await orrery.get('/orrery/v1/relabel', {
    ...as('broken'),
    method: 'PUT',
    body: rules,
  });
  assert.ok(kept.status < 300, kept.text);
  await setLimits('broken', { 'active-series': 21 });
  assert.equal((await write('broken', ids)).status, 204);
  assert.deepEqual(await valuesOf('broken', 'count(api_n)'), ['21']);
  await tenantWith('over', { 'body-bytes': 10 });
  await untilStatus(413, () => write('over', hosts(0, 1)));
  const found = (await breachesOf('over')).map(({ limit, first }) => [limit, first?.protocol]);
  assert.deepEqual(found, [['body-bytes', '/write']]);
  assert.deepEqual(await breachesOf('nobody'), []);
});

test('breaches tell of what comes near, and of what was left out', async () => {
  await tenantWith('nearly', { 'active-series': 50, 'metadata-per-minute': 1 });
  const ids = Array.from({ length: 48 }, (_, i) => `api,host=a,request=r${i} n=1 ${T}`);
  assert.equal((await write('nearly', ids)).status, 204);
  const [near] = (await breachesOf('nearly')).filter(({ kind }) => kind === 'near');
  assert.ok(near?.first);
  assert.deepEqual([near.limit, near.first.protocol], ['active-series', 'influx']);
  assert.deepEqual([near.series?.metric, near.series?.label], ['api_n', 'request']);
  assert.match(near.series!.rules, /target_label: "request"/);
  await setLimits('nearly', { 'active-series': null, 'exemplars-per-minute': 0 });
  const page = ['# TYPE a counter', `a_total 1 # {t="x"} 1 ${T}`, '# TYPE b counter', 'b_total 1'];
  const leftOut = async (): Promise<readonly string[]> => {
    const body = [...page, '# EOF', ''].join('\n');
    const headers = { ...as('nearly').headers, 'Content-Type': 'application/openmetrics-text' };
    const wrote = await orrery.post('/api/v1/import/prometheus', body, { headers });
    assert.equal(wrote.status, 204, wrote.text);
    const refused = (await breachesOf('nearly')).filter(({ kind }) => kind === 'refused');
    return refused.map(({ limit }) => limit).toSorted();
  };
  for (let i = 0; i < 100 && (await leftOut()).length < 2; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(await leftOut(), ['exemplars-per-minute', 'metadata-per-minute']);
});

test('new series a minute', async () => {
  await tenantWith('churn', { 'new-series-per-minute': 5 });
  const partly = await write('churn', hosts(0, 10));
  assert.match(partly.text, /over its limit new-series-per-minute: 5, at most 5/);
  assert.deepEqual(await valuesOf('churn', 'count(cpu_busy)'), ['5']);
});

test('labels, points a day, bodies', async () => {
  const many = Array.from({ length: 6 }, (_, i) => `l${i}=v`).join(',');
  const labels = await write('labels', [`m,${many} v=1`]);
  assert.match(
    labels.text,
    /series of metric 'm_v' has 7 labels, the limit is 6 \(labels-per-series, see docs\//,
  );
  await tenantWith('daily', { 'points-per-day': 5 });
  assert.equal((await write('daily', hosts(0, 5))).status, 204);
  const refused = await untilRefused(() => write('daily', hosts(0, 1)));
  assert.equal(factsOf(refused).id, 'points-per-day');
  await tenantWith('small', { 'body-bytes': 100 });
  assert.equal((await write('small', hosts(0, 1))).status, 204);
  await untilStatus(413, () => write('small', hosts(0, 30)));
  const gzip = { headers: { ...as('small').headers, 'Content-Encoding': 'gzip' } };
  const packed = await orrery.post('/write', gzipSync('a b=1\n'.repeat(1000)), gzip);
  assert.equal(packed.status, 413, packed.text);
  assert.deepEqual([factsOf(packed).id, factsOf(packed).limit], ['body-bytes', 100]);
  const block = encodeSnappy(new Uint8Array(1500));
  const wrote = await orrery.post('/api/v1/write', new Uint8Array(block), as('small'));
  assert.equal(wrote.status, 413, wrote.text);
  assert.match(wrote.text, /over its limit body-bytes: 101, at most 100; see docs/);
});

/** Records reach threads a moment after they are committed. */
async function untilStatus(status: number, send: () => Promise<TextAnswer>): Promise<void> {
  let answer = await send();
  for (let i = 0; i < 100 && answer.status !== status; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    answer = await send();
  }
  assert.equal(answer.status, status, answer.text);
}

test('a limit that is set holds within a second, and so does one that is taken away', async () => {
  await tenantWith('soon', {});
  assert.equal((await write('soon', hosts(0, 1))).status, 204);
  await setLimits('soon', { 'body-bytes': 3 });
  await untilStatus(413, () => write('soon', hosts(0, 1)));
  await setLimits('soon', { 'body-bytes': null });
  await untilStatus(204, () => write('soon', hosts(0, 1)));
});

test('queries: range, points, series, samples, cost, each named', async () => {
  assert.equal((await write('ask', hosts(0, 100))).status, 204);
  const ask = (query: string, days = 1): Promise<TextAnswer> => {
    const start = String(T - days * 86_400);
    const params = { query, start, end: String(T + 100), step: '3600' };
    return orrery.get(`/api/v1/query_range?${new URLSearchParams(params).toString()}`, as('ask'));
  };
  const long = await ask('cpu_busy', 40);
  assert.deepEqual([long.status, factsOf(long).id], [422, 'query-range']);
  assert.equal((await ask('cpu_busy', 20)).status, 200);
  await tenantWith('ask', { 'query-series': 50 });
  const wide = await ask('cpu_busy + 0');
  assert.equal(wide.status, 422, wide.text);
  const { id, limit, value } = factsOf(wide);
  assert.deepEqual([id, limit, value], ['query-series', 50, 100]);
  assert.match(wide.text, /"contributors":\["cpu_busy","label host"\]/);
  await setLimits('ask', { 'query-series': null, 'query-cost-per-minute': 60 });
  assert.equal((await ask('cpu_busy + 1')).status, 200);
  const costly = await ask('cpu_busy + 2');
  assert.equal(costly.status, 429, costly.text);
  assert.equal(factsOf(costly).id, 'query-cost-per-minute');
  assert.ok(Number(costly.headers.get('retry-after')) > 60);
});

test('series of one query are bounded at every door that reads samples', async () => {
  const nowSec = Math.floor(Date.now() / 1000);
  await tenantWith('doors', { 'query-series': 5 });
  const lines = Array.from({ length: 10 }, (_, i) => `cpu,host=h${i} busy=${i} ${nowSec}`);
  assert.equal((await write('doors', lines)).status, 204);
  const named = [...varintField(1, 0), ...bytesField(2, '__name__'), ...bytesField(3, 'cpu_busy')];
  const range = [...varintField(1, (nowSec - 60) * 1000), ...varintField(2, (nowSec + 60) * 1000)];
  const message = bytesField(1, [...range, ...bytesField(3, named)]);
  const body = new Uint8Array(encodeSnappy(Uint8Array.from(message)));
  const snappy = { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy' };
  const doors = {
    '/api/v1/read': { method: 'POST', body, headers: { ...as('doors').headers, ...snappy } },
    '/federate?match[]=cpu_busy': as('doors'),
    '/orrery/v1/queries/explain?query=cpu_busy': as('doors'),
  };
  for (const [path, init] of Object.entries(doors)) {
    const answer = await orrery.get(path, init);
    assert.equal(answer.status, 422, `${path}: ${answer.text}`);
    assert.match(answer.text, /one query is 5 \(query-series, see docs\/.*#query-series\)/, path);
    assert.equal(answer.headers.get('retry-after'), null, path);
  }
  const whole = await orrery.get('/api/v1/export?match[]=cpu_busy', as('doors'));
  assert.equal(whole.text.trim().split('\n').length, 10, 'an export holds none of what it read');
});
