// OTLP/HTTP at a real server: both forms, compressed, at every path; answers in the form of the
// request; differences summed up; everything readable with PromQL, also after kill -9.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as otlp from '../support/otlp.ts';
import { bytesField, varintField } from '../support/protobuf-writer.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000;
const PROTOBUF = { 'Content-Type': 'application/x-protobuf' };
const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8' };

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
});
after(() => orrery.stop());

function ns(seconds: number): bigint {
  return BigInt(T + seconds) * 1_000_000_000n;
}

async function post(body: string | Uint8Array, headers = {}, path = '/v1/metrics') {
  const bytes = typeof body === 'string' ? body : new Uint8Array(body);
  const type = typeof body === 'string' ? JSON_TYPE : PROTOBUF;
  const { url } = orrery;
  const init = { method: 'POST', body: bytes, headers: { ...type, ...headers } };
  const answer = await fetch(url + path, init);
  const { status } = answer;
  return { status, headers: answer.headers, bytes: new Uint8Array(await answer.arrayBuffer()) };
}

async function vector(query: string, from = orrery, time = T + 60) {
  const params = new URLSearchParams({ query, time: String(time) }).toString();
  const { text } = await from.get(`/api/v1/query?${params}`);
  const { data } = JSON.parse(text) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return data.result.map(({ metric, value }) => [metric['__name__'] ?? '', value[1]]);
}

const SOURCE = { resource: { 'service.name': 'shop', 'host.name': 'h1' }, scope: 'lib' };

test('every kind of metric is read back', async () => {
  const times = { timeNs: ns(0), startNs: ns(-10) };
  const exemplars = [otlp.exemplar({ value: 2, timeNs: ns(0), traceId: Array(16).fill(7) })];
  const histogram = { ...times, count: 6, sum: 9, counts: [1, 2, 3], bounds: [1, 10], exemplars };
  const body = otlp.request(
    [
      otlp.gauge({ name: 'room.temp', unit: 'Cel' }, [{ ...times, value: 21.5 }]),
      otlp.sum({ name: 'orders', description: 'Orders.' }, [{ ...times, value: 7n }]),
      otlp.histogram({ name: 'wait', unit: 's' }, [histogram]),
      otlp.exponential({ name: 'size' }, [
        { ...times, count: 3, sum: 5, scale: 0, zeroCount: 1, positive: [0, [2]] },
      ]),
      otlp.summary({ name: 'old' }, [{ ...times, count: 1, sum: 2, quantiles: [[0.5, 2]] }]),
    ],
    SOURCE,
  );
  const answer = await post(body);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'application/x-protobuf');
  assert.equal(answer.bytes.length, 0);
  assert.deepEqual(await vector('room_temp_celsius{job="shop",otel_scope_name="lib"}'), [
    ['room_temp_celsius', '21.5'],
  ]);
  assert.deepEqual(await vector('orders_total'), [['orders_total', '7']]);
  assert.deepEqual(await vector('start_timestamp(orders_total)'), [['', String(T - 10)]]);
  assert.deepEqual(await vector('wait_seconds_bucket{le="10"}'), [['wait_seconds_bucket', '3']]);
  assert.deepEqual(await vector('histogram_count(size)'), [['', '3']]);
  assert.deepEqual(await vector('old{quantile="0.5"}'), [['old', '2']]);
  assert.deepEqual(await vector('target_info{host_name="h1",job="shop"}'), [['target_info', '1']]);
  const found = await orrery.get('/api/v1/metadata?metric=orders_total');
  assert.match(found.text, /"type":"counter","help":"Orders."/);
  const range = `query=wait_seconds_bucket&start=${T - 60}&end=${T + 60}`;
  assert.match((await orrery.get(`/api/v1/query_exemplars?${range}`)).text, /"trace_id":"0707/);
});

test('JSON, gzip, zstd, all paths', async () => {
  const point = { timeUnixNano: String(ns(0)), asInt: '5' };
  const metrics = (name: string) => [{ name, gauge: { dataPoints: [point] } }];
  const body = (name: string) =>
    JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: metrics(name) }] }] });
  const answer = await post(body('j0'));
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.deepEqual([answer.status, Buffer.from(answer.bytes).toString()], [200, '{}']);
  const coded = { ...JSON_TYPE, 'Content-Encoding': 'gzip' };
  assert.equal((await post(gzipSync(body('j1')), coded)).status, 200);
  const zstd = { ...JSON_TYPE, 'Content-Encoding': 'zstd' };
  assert.equal((await post(zstdCompressSync(body('j2')), zstd)).status, 200);
  const paths = ['/otlp/v1/metrics', '/api/v1/otlp/v1/metrics', '/opentelemetry/v1/metrics'];
  for (const [i, path] of paths.entries())
    assert.equal((await post(body(`j${i + 3}`), {}, path)).status, 200);
  assert.deepEqual(await vector('count({__name__=~"j[0-5]"})'), [['', '6']]);
});

test('a partial success counts and names, in the form of the request', async () => {
  const points = [
    { timeNs: ns(0), value: 1 },
    { timeNs: 0, value: 2 },
  ];
  const message = '1 of 2 data points were refused: metric "part": a data point without a time';
  const answer = await post(otlp.request([otlp.gauge({ name: 'part' }, points)]));
  assert.equal(answer.status, 200);
  const partial = [...varintField(1, 1), ...bytesField(2, message)];
  assert.deepEqual([...answer.bytes], bytesField(1, partial));
  const dataPoints = [
    { timeUnixNano: '0', asDouble: 1 },
    { timeUnixNano: String(ns(0)), asInt: 1 },
  ];
  const metrics = [{ name: 'part', gauge: { dataPoints } }];
  const json = await post(JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }));
  assert.deepEqual(JSON.parse(Buffer.from(json.bytes).toString()), {
    partialSuccess: { rejectedDataPoints: '1', errorMessage: message },
  });
  assert.deepEqual(await vector('part'), [['part', '1']]);
});

test('errors are a Status in the form of the request', async () => {
  const corrupt = await post(Uint8Array.of(0x0a, 0x7f, 1));
  assert.equal(corrupt.status, 400);
  assert.equal(corrupt.headers.get('content-type'), 'application/x-protobuf');
  assert.deepEqual([...corrupt.bytes.subarray(0, 3)], [0x08, 3, 0x12]);
  assert.match(Buffer.from(corrupt.bytes).toString(), /not an OTLP metrics message/);
  const json = await post('{"resourceMetrics": 1}');
  assert.equal(json.status, 400);
  assert.deepEqual(JSON.parse(Buffer.from(json.bytes).toString()), {
    code: 3,
    message: '"resourceMetrics" must be a list',
  });
  assert.equal((await post('x', { 'Content-Type': 'text/plain' })).status, 415);
  assert.equal((await post('{}', { 'Content-Encoding': 'br' })).status, 415);
  assert.equal((await post('{}', { 'X-Scope-OrgID': '.bad' })).status, 400);
  assert.equal((await post(Buffer.alloc(17 * 1024 * 1024, 32).toString())).status, 413);
  const found = await orrery.get('/v1/metrics');
  assert.equal(found.status, 405);
});

test('differences are summed up; a repeated one counts once', async () => {
  const delta = (second: number, value: number | bigint) =>
    otlp.request([
      otlp.sum({ name: 'd' }, [{ timeNs: ns(second), startNs: ns(second - 10), value }], {
        temporality: otlp.DELTA,
      }),
      otlp.histogram(
        { name: 'dh' },
        [{ timeNs: ns(second), count: 3, sum: 4, counts: [1, 2], bounds: [1] }],
        otlp.DELTA,
      ),
      otlp.exponential(
        { name: 'de' },
        [{ timeNs: ns(second), count: 2, sum: 4, scale: 1, positive: [1, [2]] }],
        otlp.DELTA,
      ),
    ]);
  for (const second of [0, 10, 10, 20]) {
    const answer = await post(delta(second, 5n));
    assert.deepEqual([answer.status, answer.bytes.length], [200, 0]);
  }
  assert.deepEqual(await vector('d_total'), [['d_total', '15']]);
  assert.deepEqual(await vector('d_total', orrery, T + 10), [['d_total', '10']]);
  assert.deepEqual(await vector('start_timestamp(d_total)'), [['', String(T - 10)]]);
  assert.deepEqual(await vector('dh_bucket{le="1"}'), [['dh_bucket', '3']]);
  assert.deepEqual(await vector('dh_count'), [['dh_count', '9']]);
  assert.deepEqual(await vector('histogram_count(de)'), [['', '6']]);
  const late = await post(delta(5, 1n));
  assert.match(Buffer.from(late.bytes).toString(), /3 of 3 data points were refused.*older/);
});

test('settings of the mapping; acknowledged means durable', async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-otlp-'));
  const flags = ['--otlp-translation', 'NoTranslation', '--otlp-custom-buckets'];
  const more = ['--no-otlp-scope-labels', '--otlp-promote-attribute', 'host.name'];
  const args = ['--no-collect', '--data', data];
  try {
    const first = await startOrrery([...args, ...flags, ...more]);
    const point = { timeNs: ns(0), count: 3, sum: 4, counts: [1, 2], bounds: [1] };
    const body = otlp.request([otlp.histogram({ name: 'a.b', unit: 's' }, [point])], SOURCE);
    const sent = await first.post('/v1/metrics', body, { headers: PROTOBUF });
    assert.equal(sent.status, 200);
    await first.kill();
    const second = await startOrrery(args);
    const query = 'histogram_quantile(0.1, {"a.b","host.name"="h1",otel_scope_name=""})';
    assert.equal((await vector(query, second)).length, 1);
    await second.stop();
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
