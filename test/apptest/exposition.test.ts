// Exposition formats over HTTP: which one a Content-Type names, codings, protobuf with native
// histograms, classic histograms as custom buckets, and the public suites with their verdicts as
// status codes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import {
  CASE_FILES,
  isKnownFailure,
  OPENMETRICS,
  readTextCases,
  readVectors,
  SUITE,
  VECTORS,
} from '../conformance/textparse-cases.ts';
import type { TextCase } from '../conformance/textparse-cases.ts';
import { bytesField, doubleField, varintBytes, varintField } from '../support/protobuf-writer.ts';
import { zigzagField } from '../support/protobuf-writer.ts';
import type { RunningOrrery } from './harness.ts';
import { startOrrery } from './harness.ts';

const PROTOBUF =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const PATH = '/api/v1/import/prometheus';
const T = 1_750_000_000;

let orrery: RunningOrrery;
before(async () => (orrery = await startOrrery(['--no-collect'])));
after(async () => void (await orrery.stop()));

function push(body: string | Uint8Array, type: string | undefined, more: object = {}, query = '') {
  const headers = { ...(type === undefined ? {} : { 'Content-Type': type }), ...more };
  const bytes = typeof body === 'string' ? body : new Uint8Array(body);
  return orrery.post(`${PATH}?timestamp=${T}000${query}`, bytes, { headers });
}

async function ask(query: string): Promise<unknown> {
  const { text } = await orrery.get(`/api/v1/query?time=${T}&query=${encodeURIComponent(query)}`);
  const { data } = JSON.parse(text) as { data: { result: { value: [number, string] }[] } };
  return data.result.map(({ value }) => value[1]);
}

test('the Content-Type decides, and what is none of the formats is 415', async () => {
  const page = '# TYPE ct counter\nct_total 1\n';
  for (const [type, status] of [
    [undefined, 204],
    ['text/plain', 204],
    ['text/plain; version=0.0.4; charset=utf-8', 204],
    ['application/x-www-form-urlencoded', 204],
    [OPENMETRICS_TYPE, 400],
    ['application/openmetrics-text; version=0.0.1', 400],
    ['application/openmetrics-text; version=2.0.0', 415],
    ['text/plain; version=9.0.0', 415],
    [PROTOBUF, 400],
    [PROTOBUF.replace('delimited', 'text'), 415],
    ['application/json', 415],
    ['image/png', 415],
  ] as const)
    assert.equal((await push(page, type)).status, status, String(type));
  assert.equal((await push(`${page}# EOF\n`, OPENMETRICS_TYPE)).status, 204);
});

test('codings: gzip, deflate and zstd', async () => {
  for (const [coding, encode] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    const page = encode(`coded{by="${coding}"} 1\n# EOF\n`);
    const { status } = await push(page, OPENMETRICS_TYPE, { 'Content-Encoding': coding });
    assert.equal(status, 204, coding);
    assert.deepEqual(await ask(`coded{by="${coding}"}`), ['1']);
  }
  const unknown = await push('coded 1\n', 'text/plain', { 'Content-Encoding': 'br' });
  assert.equal(unknown.status, 415);
});

function nativeBody(name: string): Uint8Array {
  const histogram = bytesField(7, [
    ...varintField(1, 3),
    ...doubleField(2, 4.5),
    ...zigzagField(5, 0),
    ...doubleField(6, 0.001),
    ...bytesField(12, [...zigzagField(1, 0), ...varintField(2, 2)]),
    ...zigzagField(13, 1),
    ...zigzagField(13, 1),
  ]);
  const message = [
    ...bytesField(1, name),
    ...varintField(3, 4),
    ...bytesField(4, [
      ...bytesField(1, [...bytesField(1, 'a'), ...bytesField(2, 'b')]),
      ...histogram,
    ]),
  ];
  return Uint8Array.from([...varintBytes(message.length), ...message]);
}

test('protobuf: a native histogram is one series that PromQL takes as such', async () => {
  assert.equal((await push(nativeBody('native_seconds'), PROTOBUF)).status, 204);
  assert.deepEqual(await ask('histogram_count(native_seconds{a="b"})'), ['3']);
  assert.deepEqual(await ask('histogram_sum(native_seconds)'), ['4.5']);
  const cut = await push(nativeBody('cut_seconds').subarray(0, 30), PROTOBUF);
  assert.equal(cut.status, 400);
  assert.deepEqual(await ask('{__name__="cut_seconds"}'), []);
});

test('classic histograms are stored as custom buckets where that is asked for', async () => {
  const page =
    '# TYPE lat histogram\nlat_bucket{le="1"} 2\nlat_bucket{le="+Inf"} 5\nlat_count 5\nlat_sum 9\n';
  assert.equal((await push(page, 'text/plain', {}, '&classic_to_custom=1')).status, 204);
  assert.deepEqual(await ask('histogram_count(lat)'), ['5']);
  assert.deepEqual(await ask('lat_count'), []);
  const unclear = await push(page, 'text/plain', {}, '&classic_to_custom=yes');
  assert.match(unclear.text, /invalid parameter "classic_to_custom": expected 1, true, 0 or false/);
  const falling = await push(page.replace('2\n', '7\n'), 'text/plain', {}, '&classic_to_custom=1');
  assert.equal(
    falling.text,
    "refused lines: 1, kept samples: 0\nhistogram 'lat': counts of buckets fall\n",
  );
  assert.equal((await push(page, 'text/plain')).status, 204);
  assert.deepEqual(await ask('lat_count'), ['5']);
});

test('exemplars of OpenMetrics and units are answered', async () => {
  const page =
    `# TYPE ex_seconds counter\n# UNIT ex_seconds seconds\n# HELP ex_seconds Help.\n` +
    `ex_seconds_total 5 ${T} # {trace_id="x"} 1 ${T}.5\n# EOF\n`;
  assert.equal((await push(page, OPENMETRICS_TYPE)).status, 204);
  const metadata = JSON.parse((await orrery.get('/api/v1/metadata?metric=ex_seconds')).text) as {
    data: unknown;
  };
  assert.deepEqual(metadata.data, {
    ex_seconds: [{ type: 'counter', help: 'Help.', unit: 'seconds' }],
  });
  const { text } = await orrery.get(
    `/api/v1/query_exemplars?query=ex_seconds_total&start=${T - 10}&end=${T + 10}`,
  );
  assert.match(text, /"trace_id":"x"/);
});

async function statuses(cases: readonly TextCase[]): Promise<void> {
  for (const one of cases) {
    const { input, format } = one;
    const body = typeof input === 'string' ? input : Buffer.from(input['_base64']!, 'base64');
    const type = format === OPENMETRICS ? OPENMETRICS_TYPE : 'text/plain; version=0.0.4';
    const { status } = await push(body, type);
    const isOk = isKnownFailure(one) ? !one.ok : one.ok;
    assert.equal(status, isOk ? 204 : 400, JSON.stringify(one));
  }
}

test('the suites of text parsers: taken is 204, refused is 400', { skip: SUITE.skip }, async () => {
  for (const file of CASE_FILES) await statuses(readTextCases(file));
});

test('the vectors of OpenMetrics likewise', { skip: VECTORS.skip }, async () => {
  await statuses(readVectors());
});
