// Remote read and federation of a real server, read with decoders that are not its own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { crc32c } from '../../src/codec/crc32c.ts';
import { ProtobufReader } from '../../src/codec/protobuf.ts';
import { decodeSnappy, encodeSnappy } from '../../src/codec/snappy.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { bitsOfDouble, readHistogramChunk, readXorChunk } from '../support/chunk-reader.ts';
import { bytesField, varintField } from '../support/protobuf-writer.ts';
import { requestV2 } from '../support/remote-write-v2.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = Math.floor(Date.now() / 1000) - 60;
const COUNT = 300;
const STALE = 0x7ff0000000000002n;

const histogramOf = (k: number): Histogram => ({
  isInteger: true,
  schema: 1,
  zeroThreshold: 0.001,
  zeroCount: 1,
  count: 4 + 3 * k,
  sum: 10.5 * k,
  counterResetHint: 0,
  positiveSpans: [{ offset: 1, length: 2 }],
  positiveBuckets: Float64Array.of(1 + k, 2 + 2 * k),
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
});

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
  const at = (k: number): number => (T - COUNT + k) * 1000;
  const all = Array.from({ length: COUNT }, (_, k) => k);
  const body = requestV2([
    {
      labels: ['__name__', 'm', 'i', '1'],
      samples: all.map((k) => ({ value: k / 3, tMs: at(k) })),
    },
    {
      labels: ['__name__', 'm', 'i', '2'],
      samples: [
        { value: 5, tMs: at(0) },
        { value: STALE, tMs: at(1) },
      ],
    },
    {
      labels: ['__name__', 'h'],
      histograms: all.map((k) => ({ histogram: histogramOf(k), tMs: at(k) })),
    },
  ]);
  const wrote = await orrery.post('/api/v1/write', new Uint8Array(encodeSnappy(body)), {
    headers: {
      'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
      'Content-Encoding': 'snappy',
    },
  });
  assert.equal(wrote.status, 204, wrote.text);
});
after(() => orrery.stop());

type Matcher = readonly [type: number, name: string, value: string];

async function ask(queries: readonly (readonly Matcher[])[], types: readonly number[]) {
  const message = [
    ...queries.flatMap((matchers) =>
      bytesField(1, [
        ...varintField(1, (T - 1000) * 1000),
        ...varintField(2, T * 1000),
        ...matchers.flatMap(([type, name, value]) =>
          bytesField(3, [...varintField(1, type), ...bytesField(2, name), ...bytesField(3, value)]),
        ),
      ]),
    ),
    ...types.flatMap((type) => varintField(2, type)),
  ];
  const answer = await fetch(`${orrery.url}/api/v1/read`, {
    method: 'POST',
    body: new Uint8Array(encodeSnappy(Uint8Array.from(message))),
    headers: { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy' },
  });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return { status: answer.status, headers: answer.headers, bytes };
}

type Field = readonly [number: number, content: Uint8Array | number];

/** Fields of a message: bytes as they are, numbers as doubles. */
function fields(bytes: Uint8Array): Field[] {
  const reader = new ProtobufReader(bytes, 0, bytes.length);
  const out: Field[] = [];
  while (reader.at < bytes.length) {
    const tag = reader.tag();
    const type = tag & 7;
    if (type === 2) {
      const end = reader.lengthEnd();
      out.push([tag >>> 3, bytes.subarray(reader.at, end)]);
      reader.at = end;
    } else out.push([tag >>> 3, type === 1 ? reader.double() : reader.int64()]);
  }
  return out;
}

const some = (list: readonly Field[], number: number): Uint8Array[] =>
  list.filter(([field]) => field === number).map(([, content]) => content as Uint8Array);
const one = (list: readonly Field[], number: number): number =>
  Number(list.find(([field]) => field === number)?.[1] ?? 0);
const labelsOf = (series: readonly Field[]): string =>
  some(series, 1)
    .map((pair) =>
      fields(pair)
        .map(([, text]) => Buffer.from(text as Uint8Array).toString())
        .join('='),
    )
    .join(',');

/** Frames: size, checksum, message. */
function frames(bytes: Uint8Array): Field[][] {
  const out: Field[][] = [];
  let at = 0;
  while (at < bytes.length) {
    const reader = new ProtobufReader(bytes, at, bytes.length);
    const size = reader.uint32();
    const body = bytes.subarray(reader.at + 4, reader.at + 4 + size);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    assert.equal(view.getUint32(reader.at), crc32c(body) >>> 0);
    out.push(fields(body));
    at = reader.at + 4 + size;
  }
  return out;
}

test('samples: series with labels, times and values', async () => {
  const { status, headers, bytes } = await ask([[[0, '__name__', 'm']], [[0, 'a', 'b']]], []);
  assert.equal(status, 200);
  assert.equal(headers.get('content-type'), 'application/x-protobuf');
  assert.equal(headers.get('content-encoding'), 'snappy');
  const results = some(fields(decodeSnappy(bytes, 1e7)), 1);
  assert.equal(results.length, 2);
  assert.equal(results[1]!.length, 0);
  const series = some(fields(results[0]!), 1).map(fields);
  assert.deepEqual(series.map(labelsOf), ['__name__=m,i=1', '__name__=m,i=2']);
  const samples = some(series[0]!, 2).map(fields);
  assert.deepEqual(
    samples.map((sample) => [one(sample, 1), one(sample, 2)]),
    Array.from({ length: COUNT }, (_, k) => [k / 3, (T - COUNT + k) * 1000]),
  );
  assert.equal(bitsOfDouble(one(fields(some(series[1]!, 2)[1]!), 1)) & 0xffffn, STALE & 0xffffn);
});

test('chunks: frames by series, in the order of labels', async () => {
  const queries: Matcher[][] = [[[2, '__name__', 'h|m']], [[0, 'i', '2']]];
  const { status, headers, bytes } = await ask(queries, [1, 0]);
  assert.equal(status, 200);
  assert.match(headers.get('content-type')!, /^application\/x-streamed-protobuf; proto=/);
  const messages = frames(bytes);
  const series = messages.map((message) => fields(some(message, 1)[0]!));
  assert.deepEqual(
    series.map((fieldsOf, i) => `${one(messages[i]!, 2)} ${labelsOf(fieldsOf)}`),
    ['0 __name__=h', '0 __name__=m,i=1', '0 __name__=m,i=2', '1 __name__=m,i=2'],
  );
  const chunks = (index: number) => some(series[index]!, 2).map(fields);
  const histograms = chunks(0).flatMap((chunk) => readHistogramChunk(some(chunk, 4)[0]!));
  assert.deepEqual(
    histograms.map(({ histogram }) => [
      histogram.count,
      histogram.sum,
      ...histogram.positiveBuckets,
    ]),
    Array.from({ length: COUNT }, (_, k) => [4 + 3 * k, 10.5 * k, 1 + k, 2 + 2 * k]),
  );
  const floats = chunks(1).flatMap((chunk) => readXorChunk(some(chunk, 4)[0]!));
  assert.equal(floats.length, COUNT);
  assert.deepEqual(floats[10], [(T - COUNT + 10) * 1000, bitsOfDouble(10 / 3)]);
  assert.equal(readXorChunk(some(chunks(2)[0]!, 4)[0]!)[1]![1], STALE);
});

test('what cannot be read is 400', async () => {
  const cases: readonly (readonly [Matcher[][], number[], RegExp])[] = [
    [[[[0, 'a', 'b']]], [7], /response types: 7/],
    [[[[2, 'a', '(']]], [], /missing closing/],
    [[[[9, 'a', 'b']]], [], /invalid matcher type 9/],
  ];
  for (const [queries, types, reason] of cases) {
    const { status, bytes } = await ask(queries, types);
    assert.equal(status, 400);
    assert.match(Buffer.from(bytes).toString(), reason);
  }
  const raw = await orrery.post('/api/v1/read', Uint8Array.of(255, 255, 255));
  assert.equal(raw.status, 400);
});

test('federation: the newest sample of each series, in the form that is asked for', async () => {
  const path = '/federate?match[]={__name__=~"h|m"}&match[]=m';
  const text = await orrery.get(path);
  assert.equal(
    text.headers.get('content-type'),
    'text/plain; version=0.0.4; charset=utf-8; escaping=underscores',
  );
  // The other series of m is stale, histograms of this schema stand in protobuf alone.
  const value = (COUNT - 1) / 3;
  assert.equal(text.text, `# TYPE m untyped\nm{i="1",instance=""} ${value} ${(T - 1) * 1000}\n`);
  const accept =
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
  const answer = await fetch(orrery.url + path, { headers: { Accept: accept } });
  assert.match(answer.headers.get('content-type')!, /^application\/vnd\.google\.protobuf; /);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const reader = new ProtobufReader(bytes, 0, bytes.length);
  const names: string[] = [];
  while (reader.at < bytes.length) {
    const end = reader.lengthEnd();
    names.push(Buffer.from(some(fields(bytes.subarray(reader.at, end)), 1)[0]!).toString());
    reader.at = end;
  }
  assert.deepEqual(names, ['h', 'm']);
  assert.equal((await orrery.get('/federate?match[]=up[')).status, 400);
});

test('a query without matchers selects nothing', async () => {
  const sampled = await ask([[]], []);
  assert.equal(sampled.status, 200);
  assert.deepEqual([...decodeSnappy(sampled.bytes, 100)], [10, 0]);
  const streamed = await ask([[]], [1]);
  assert.deepEqual([streamed.status, streamed.bytes.length], [200, 0]);
});

test('others are answered while a long series is encoded, and nothing of it is lost', async () => {
  const count = 200_000;
  for (let from = 0; from < count; from += 50_000) {
    const lines = Array.from({ length: 50_000 }, (_, i) => {
      const k = from + i;
      return `dense v=${(k * 7919) % 1013} ${(T - 900) * 1000 + k * 4}`;
    });
    const wrote = await orrery.post('/write?precision=ms', lines.join('\n'));
    assert.equal(wrote.status, 204, wrote.text);
  }
  for (const type of [0, 1]) {
    const state = { isDone: false };
    const reading = ask([[[0, '__name__', 'dense_v']]], [type]).finally(() => {
      state.isDone = true;
    });
    let answered = 0;
    while (!state.isDone) {
      assert.equal((await orrery.get('/api/v1/query?query=1')).status, 200);
      answered++;
    }
    const { bytes } = await reading;
    assert.ok(answered >= 5, `${answered} answers beside type ${type}`);
    if (type === 1) {
      const chunks = frames(bytes).flatMap((frame) => some(fields(some(frame, 1)[0]!), 2));
      const all = chunks.map((chunk) => readXorChunk(some(fields(chunk), 4)[0]!).length);
      assert.equal(
        all.reduce((sum, size) => sum + size, 0),
        count,
      );
      continue;
    }
    const [result] = some(fields(decodeSnappy(bytes, 1e8)), 1);
    const [series] = some(fields(result!), 1);
    assert.equal(some(fields(series!), 2).length, count);
  }
});
