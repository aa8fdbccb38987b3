// Remote write 2.0 at a real server, by the rules of the public suite for receivers: media types,
// counts in the answer, partial writes, everything readable again.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { bytesField } from '../support/protobuf-writer.ts';
import { requestV2, sampleMessage } from '../support/remote-write-v2.ts';
import type { SeriesV2 } from '../support/remote-write-v2.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000;
const TYPE = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
});
after(() => orrery.stop());

async function post(body: Uint8Array, headers: Record<string, string> = {}) {
  return await orrery.post('/api/v1/write', new Uint8Array(encodeSnappy(body)), {
    headers: { 'Content-Type': TYPE, 'Content-Encoding': 'snappy', ...headers },
  });
}

function written(headers: Headers): (string | null)[] {
  return ['samples', 'histograms', 'exemplars'].map((what) =>
    headers.get(`x-prometheus-remote-write-${what}-written`),
  );
}

async function data(path: string, params: Record<string, string> = {}): Promise<unknown> {
  const answer = await orrery.get(`/api/v1/${path}?${new URLSearchParams(params).toString()}`);
  return (JSON.parse(answer.text) as { data: unknown }).data;
}

const HISTOGRAM: Histogram = {
  isInteger: true,
  schema: 1,
  zeroThreshold: 0.001,
  zeroCount: 1,
  count: 4,
  sum: 10,
  counterResetHint: 0,
  positiveSpans: [{ offset: 1, length: 2 }],
  positiveBuckets: Float64Array.of(1, 2),
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
};

test('Content-Encoding is absent or snappy, in any case', async () => {
  const body = requestV2([
    { labels: ['__name__', 'coded'], samples: [{ value: 1, tMs: T * 1000 }] },
  ]);
  const packed = new Uint8Array(encodeSnappy(body));
  const headers = { 'Content-Type': TYPE };
  assert.equal((await orrery.post('/api/v1/write', packed, { headers })).status, 204);
  assert.equal((await post(body, { 'Content-Encoding': 'SNAPPY' })).status, 204);
  for (const coding of ['identity', 'zstd', 'gzip']) {
    const answer = await post(body, { 'Content-Encoding': coding });
    assert.equal(answer.status, 415, coding);
    assert.match(answer.text, new RegExp(`must be snappy, not "${coding}`));
  }
});

const sample = (value: number, seconds = 0) => ({ value, tMs: (T + seconds) * 1000 });

test('everything that a message can hold comes back, and is counted', async () => {
  const list: SeriesV2[] = [
    {
      labels: ['__name__', 'http_requests_total', 'path', '/é "x"'],
      samples: [
        { ...sample(5), startMs: (T - 10) * 1000 },
        { ...sample(9, 30), startMs: (T - 10) * 1000 },
      ],
      exemplars: [{ labels: ['trace_id', 'abc'], value: 1, tMs: T * 1000 }],
      metadata: { type: 1, help: 'Requests.', unit: '' },
    },
    { labels: ['__name__', 'name.with.dots', 'label.too', 'v'], samples: [sample(2)] },
    {
      labels: ['__name__', 'h'],
      histograms: [{ histogram: HISTOGRAM, tMs: T * 1000, startMs: (T - 5) * 1000 }],
      exemplars: [{ labels: [], value: 1, tMs: T * 1000 }],
      metadata: { type: 3, help: '', unit: 'seconds' },
    },
  ];
  const answer = await post(requestV2(list));
  assert.equal(answer.status, 204, answer.text);
  assert.deepEqual(written(answer.headers), ['3', '1', '2']);
  const at = { time: String(T + 30) };
  const vector = async (query: string) =>
    ((await data('query', { query, ...at })) as { result: { value: [number, string] }[] }).result;
  assert.equal((await vector('http_requests_total'))[0]!.value[1], '9');
  assert.equal((await vector('{"name.with.dots","label.too"="v"}'))[0]!.value[1], '2');
  assert.equal((await vector('histogram_count(h)'))[0]!.value[1], '4');
  assert.equal((await vector('start_timestamp(http_requests_total)'))[0]!.value[1], String(T - 10));
  assert.deepEqual(await data('metadata'), {
    h: [{ type: 'histogram', help: '', unit: 'seconds' }],
    http_requests_total: [{ type: 'counter', help: 'Requests.', unit: '' }],
  });
  assert.equal(((await data('query_exemplars', { query: 'h' })) as unknown[]).length, 1);
});

test('what is refused is said and not counted; the others are stored', async () => {
  const answer = await post(
    requestV2([
      { labels: ['__name__', 'kept'], samples: [sample(1)] },
      { labels: ['job', 'nameless'], samples: [sample(1), sample(2)] },
      { labels: ['__name__', 'empty'] },
      { labels: ['__name__', 'twice', 'a', '1', 'a', '2'], samples: [sample(1)] },
    ]),
  );
  assert.equal(answer.status, 400);
  assert.match(answer.text, /3 of 4 series were refused: series 2: series without a metric name/);
  assert.deepEqual(written(answer.headers), ['1', '0', '0']);
  assert.deepEqual(await data('series', { 'match[]': '{__name__=~"kept|empty|twice"}' }), [
    { __name__: 'kept' },
  ]);
});

test('media types are looked at first, a body that cannot be read is never 5xx', async () => {
  const good = requestV2([{ labels: ['__name__', 'm'], samples: [sample(1)] }]);
  const corrupt = Uint8Array.of(0x2a, 0x7f, 1);
  for (const headers of [
    { 'Content-Type': 'application/json' },
    { 'Content-Type': 'image/png' },
    { 'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v3.Request' },
    { 'Content-Encoding': 'gzip' },
    { 'Content-Encoding': 'deflate' },
  ])
    for (const body of [good, corrupt]) assert.equal((await post(body, headers)).status, 415);
  const broken = await post(corrupt);
  assert.equal(broken.status, 400);
  assert.deepEqual(written(broken.headers), ['0', '0', '0']);
  const quoted = 'application/x-protobuf; proto="io.prometheus.write.v2.Request"';
  assert.equal((await post(good, { 'Content-Type': quoted })).status, 204);
});

test('version 1.0 stays at the same path and counts nothing', async () => {
  const label = [...bytesField(1, '__name__'), ...bytesField(2, 'old')];
  const body = bytesField(1, [...bytesField(1, label), ...bytesField(2, sampleMessage(sample(3)))]);
  for (const type of [
    'application/x-protobuf',
    'application/x-protobuf;proto=prometheus.WriteRequest',
  ]) {
    const answer = await post(Uint8Array.from(body), { 'Content-Type': type });
    assert.equal(answer.status, 204);
    assert.deepEqual(written(answer.headers), [null, null, null]);
  }
  const found = (await data('query', { query: 'old', time: String(T) })) as { result: unknown[] };
  assert.equal(found.result.length, 1);
});

test('a repeated message is taken by what the first one taught', async () => {
  const list = Array.from({ length: 50 }, (_, i) => ['__name__', 'again', 'i', String(i)]);
  for (let round = 0; round < 3; round++) {
    const answer = await post(
      requestV2(list.map((labels, i) => ({ labels, samples: [sample(i + round, round)] }))),
    );
    assert.deepEqual(written(answer.headers), ['50', '0', '0']);
  }
  const query = 'sum(count_over_time(again[1m])) * 10000 + sum(again)';
  const { result } = (await data('query', { query, time: String(T + 2) })) as {
    result: { value: [number, string] }[];
  };
  assert.equal(result[0]!.value[1], String(150 * 10_000 + 49 * 25 + 100));
});
