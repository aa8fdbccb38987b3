// The matrix of native histograms: each protocol that carries them writes the same ones, and each
// comes back, by PromQL bucket by bucket and by the exact export, from memory and from parts.
// Bodies are written by hand from the specifications of the protocols.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import { CUSTOM_BUCKETS_SCHEMA } from '../../src/model/histogram.ts';
import type { BucketSpan, Histogram } from '../../src/model/histogram.ts';
import { seededPrng } from '../../src/stdx/prng.ts';
import { bytesField, doubleBytes, doubleField } from '../support/protobuf-writer.ts';
import { varintBytes, varintField, zigzag, zigzagField } from '../support/protobuf-writer.ts';
import { histogramMessage, requestV2 } from '../support/remote-write-v2.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T_MS = 1_750_000_000_123;

interface Named {
  readonly name: string;
  readonly histogram: Histogram;
}

interface Row {
  readonly name: string;
  readonly carries: (histogram: Histogram) => boolean;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: (all: readonly Named[]) => string | Uint8Array;
}

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect', '--otlp-translation', 'NoTranslation']);
});
after(async () => {
  const exited = await orrery.stop();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
});

// ---------------------------------------------------------------- what is written

const prng = seededPrng(0x4157);
const upTo = (max: number): number => prng.u32() % (max + 1);

/** Spans of one to five buckets, some far apart, and counts of which some are 0. */
function randomBuckets(isInteger: boolean): readonly [BucketSpan[], Float64Array] {
  const spans = Array.from({ length: upTo(3) }, (_, i) => ({
    offset: i === 0 ? upTo(40) - 20 : upTo(30),
    length: 1 + upTo(4),
  }));
  const size = spans.reduce((sum, { length }) => sum + length, 0);
  const count = (): number => (isInteger ? upTo(9) : upTo(900) / 8);
  return [spans, Float64Array.from({ length: size }, count)];
}

const total = (counts: Float64Array): number => counts.reduce((sum, one) => sum + one, 0);

function exponential(schema: number, isInteger: boolean): Histogram {
  const [positiveSpans, positiveBuckets] = randomBuckets(isInteger);
  const [negativeSpans, negativeBuckets] = randomBuckets(isInteger);
  const zeroCount = isInteger ? upTo(5) : upTo(40) / 8;
  return {
    isInteger,
    schema,
    zeroThreshold: [1e-128, 0.001, 0.5][upTo(2)]!,
    zeroCount,
    count: zeroCount + total(positiveBuckets) + total(negativeBuckets),
    sum: upTo(100_000) / 3 - 10_000,
    counterResetHint: 0,
    positiveSpans,
    positiveBuckets,
    negativeSpans,
    negativeBuckets,
    customValues: new Float64Array(0),
  };
}

function custom(isInteger: boolean): Histogram {
  const length = 2 + upTo(6);
  const counts = Float64Array.from({ length }, () => (isInteger ? upTo(9) : upTo(900) / 8));
  return {
    ...exponential(0, isInteger),
    schema: CUSTOM_BUCKETS_SCHEMA,
    zeroThreshold: 0,
    zeroCount: 0,
    count: total(counts),
    positiveSpans: [{ offset: 0, length }],
    positiveBuckets: counts,
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: Float64Array.from({ length: length - 1 }, (_, i) => (i * i) / 3 - 1),
  };
}

/** All of them for one row; `prefix` keeps its names apart from those of others. */
function histogramsOf(prefix: string): Named[] {
  const all: Histogram[] = [];
  for (let schema = -4; schema <= 8; schema++)
    for (const isInteger of [true, false]) all.push(exponential(schema, isInteger));
  for (let i = 0; i < 4; i++) all.push(custom(i % 2 === 0));
  return all.map((histogram, i) => ({ name: `${prefix}${i}`, histogram }));
}

// ---------------------------------------------------------------- the rows

const isCustom = ({ schema }: Histogram): boolean => schema === CUSTOM_BUCKETS_SCHEMA;
const label = (name: string, value: string): number[] =>
  bytesField(1, [...bytesField(1, name), ...bytesField(2, value)]);

function remoteWrite(version: string, proto: string, message: (all: readonly Named[]) => number[]) {
  return {
    name: `remote write ${version}`,
    carries: () => true,
    path: '/api/v1/write',
    headers: {
      'Content-Type': `application/x-protobuf;proto=${proto}`,
      'Content-Encoding': 'snappy',
      'X-Prometheus-Remote-Write-Version': version,
    },
    body: (all: readonly Named[]) => encodeSnappy(Uint8Array.from(message(all))),
  };
}

const spansOf = (field: number, spans: readonly BucketSpan[]): number[] =>
  spans.flatMap(({ offset, length }) =>
    bytesField(field, [...zigzagField(1, offset), ...varintField(2, length)]),
  );

/** io.prometheus.client.Histogram. */
function clientHistogram(h: Histogram): number[] {
  const deltas = (counts: Float64Array): number[] =>
    [...counts].flatMap((count, i) => zigzag(count - (counts[i - 1] ?? 0)));
  const buckets = (field: number, counts: Float64Array): number[] =>
    h.isInteger
      ? bytesField(field, deltas(counts))
      : bytesField(field + 1, [...counts].flatMap(doubleBytes));
  return [
    ...(h.isInteger ? varintField(1, h.count) : doubleField(4, h.count)),
    ...doubleField(2, h.sum),
    ...zigzagField(5, h.schema),
    ...doubleField(6, h.zeroThreshold),
    ...(h.isInteger ? varintField(7, h.zeroCount) : doubleField(8, h.zeroCount)),
    ...spansOf(9, h.negativeSpans),
    ...buckets(10, h.negativeBuckets),
    // A span of nothing says that a histogram without buckets is a native one.
    ...spansOf(12, h.positiveSpans.length === 0 ? [{ offset: 0, length: 0 }] : h.positiveSpans),
    ...buckets(13, h.positiveBuckets),
  ];
}

function clientFamily({ name, histogram }: Named): number[] {
  const metric = [...bytesField(7, clientHistogram(histogram)), ...varintField(6, T_MS)];
  const message = [...bytesField(1, name), ...varintField(3, 4), ...bytesField(4, metric)];
  return [...varintBytes(message.length), ...message];
}

/** Counts by index of Prometheus. */
function byIndex(spans: readonly BucketSpan[], counts: Float64Array): Map<number, number> {
  const out = new Map<number, number>();
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++) out.set(index++, counts[at++]!);
  }
  return out;
}

/** Buckets of OTLP lie side by side; theirs number 0 ends where that of Prometheus does. */
function otlpBuckets(field: number, spans: readonly BucketSpan[], counts: Float64Array): number[] {
  const found = byIndex(spans, counts);
  if (found.size === 0) return [];
  const [first, last] = [Math.min(...found.keys()), Math.max(...found.keys())];
  const dense = Array.from({ length: last - first + 1 }, (_, i) => found.get(first + i) ?? 0);
  const packed = bytesField(2, dense.flatMap(varintBytes));
  return bytesField(field, [...zigzagField(1, first - 1), ...packed]);
}

function otlpMetric({ name, histogram: h }: Named): number[] {
  const point = [
    ...doubleField(3, BigInt(T_MS) * 1_000_000n),
    ...doubleField(4, BigInt(h.count)),
    ...doubleField(5, h.sum),
    ...zigzagField(6, h.schema),
    ...doubleField(7, BigInt(h.zeroCount)),
    ...otlpBuckets(8, h.positiveSpans, h.positiveBuckets),
    ...otlpBuckets(9, h.negativeSpans, h.negativeBuckets),
    ...doubleField(14, h.zeroThreshold),
  ];
  const CUMULATIVE = 2;
  const data = [...bytesField(1, point), ...varintField(2, CUMULATIVE)];
  return bytesField(2, [...bytesField(1, name), ...bytesField(10, data)]);
}

function exactLine({ name, histogram }: Named): string {
  const pairs = (spans: readonly BucketSpan[]) => spans.map((one) => [one.offset, one.length]);
  const value = {
    ...histogram,
    positiveSpans: pairs(histogram.positiveSpans),
    negativeSpans: pairs(histogram.negativeSpans),
    positiveBuckets: [...histogram.positiveBuckets],
    negativeBuckets: [...histogram.negativeBuckets],
    customValues: [...histogram.customValues],
  };
  const metric = { __name__: name };
  const line = { metric, kind: 'histogram', values: [value], timestampsUs: [T_MS * 1000] };
  return `${JSON.stringify(line)}\n`;
}

const ROWS: readonly Row[] = [
  remoteWrite('0.1.0', 'prometheus.WriteRequest', (all) =>
    all.flatMap(({ name, histogram }) =>
      bytesField(1, [
        ...label('__name__', name),
        ...bytesField(4, histogramMessage({ histogram, tMs: T_MS })),
      ]),
    ),
  ),
  remoteWrite('2.0.0', 'io.prometheus.write.v2.Request', (all) => [
    ...requestV2(
      all.map(({ name, histogram }) => ({
        labels: ['__name__', name],
        histograms: [{ histogram, tMs: T_MS }],
      })),
    ),
  ]),
  {
    name: 'Prometheus protobuf',
    carries: (histogram) => !isCustom(histogram),
    path: '/api/v1/import/prometheus',
    headers: {
      'Content-Type':
        'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
    },
    body: (all) => Uint8Array.from(all.flatMap(clientFamily)),
  },
  {
    name: 'OTLP',
    carries: (histogram) => histogram.isInteger && !isCustom(histogram),
    path: '/v1/metrics',
    headers: { 'Content-Type': 'application/x-protobuf' },
    body: (all) => Uint8Array.from(bytesField(1, bytesField(2, all.flatMap(otlpMetric)))),
  },
  {
    name: 'JSON lines, exact',
    carries: () => true,
    path: '/api/v1/import',
    headers: {},
    body: (all) => all.map(exactLine).join(''),
  },
];

// ---------------------------------------------------------------- what comes back

interface Bucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

function bound(h: Histogram, index: number): number {
  if (!isCustom(h)) return 2 ** (index * 2 ** -h.schema);
  if (index < 0) return -Infinity;
  return h.customValues[index] ?? Infinity;
}

/**
 * As PromQL shows them: those that are not empty, from the lowest on; where they reach into the one
 * around zero, they end there.
 */
function bucketsOf(h: Histogram): Bucket[] {
  const positive = byIndex(h.positiveSpans, h.positiveBuckets);
  const negative = byIndex(h.negativeSpans, h.negativeBuckets);
  const out: Bucket[] = [];
  for (const [index, count] of [...negative].toReversed())
    out.push({
      lower: -bound(h, index),
      upper: Math.min(-bound(h, index - 1), -h.zeroThreshold),
      count,
    });
  out.push({ lower: -h.zeroThreshold, upper: h.zeroThreshold, count: h.zeroCount });
  for (const [index, count] of positive) {
    const lower = bound(h, index - 1);
    const isNearZero = lower > 0 && lower < h.zeroThreshold;
    out.push({ lower: isNearZero ? h.zeroThreshold : lower, upper: bound(h, index), count });
  }
  return out.filter(({ count }) => count !== 0);
}

async function ask(path: string): Promise<string> {
  const { status, text } = await orrery.get(path);
  assert.equal(status, 200, text);
  return text;
}

interface Shown {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly (readonly [number, string, string, string])[];
}

function near(is: number, should: number): boolean {
  return is === should || Math.abs(is - should) <= 1e-12 * Math.abs(should);
}

function checkShown({ name, histogram }: Named, shown: Shown): void {
  assert.equal(Number(shown.count), histogram.count, name);
  assert.equal(Number(shown.sum), histogram.sum, name);
  const number = (text: string): number => Number(text.replace('Inf', 'Infinity'));
  const is = (shown.buckets ?? []).map(([, lower, upper, count]) => ({
    lower: number(lower),
    upper: number(upper),
    count: Number(count),
  }));
  const should = bucketsOf(histogram);
  const isSame =
    is.length === should.length &&
    is.every(
      (one, i) =>
        one.count === should[i]!.count &&
        near(one.lower, should[i]!.lower) &&
        near(one.upper, should[i]!.upper),
    );
  if (!isSame) assert.deepEqual(is, should, name);
}

/** The same whatever empty buckets there are and however spans are cut. */
function canonical(h: Omit<Histogram, 'counterResetHint'>): unknown {
  const filled = (spans: readonly BucketSpan[], counts: Float64Array) =>
    [...byIndex(spans, counts)].filter(([, count]) => count !== 0);
  const { isInteger, schema, zeroThreshold, zeroCount, count, sum } = h;
  const positive = filled(h.positiveSpans, h.positiveBuckets);
  const negative = filled(h.negativeSpans, h.negativeBuckets);
  const bounds = [...h.customValues];
  return { isInteger, schema, zeroThreshold, zeroCount, count, sum, positive, negative, bounds };
}

type Exported = Omit<Histogram, 'positiveSpans' | 'negativeSpans'> & {
  readonly positiveSpans: readonly (readonly [number, number])[];
  readonly negativeSpans: readonly (readonly [number, number])[];
};

async function check(prefix: string, all: readonly Named[]): Promise<void> {
  const selector = `{__name__=~"${prefix}.*"}`;
  const query = new URLSearchParams({ query: selector, time: String(T_MS / 1000) });
  const { data } = JSON.parse(await ask(`/api/v1/query?${query.toString()}`)) as {
    data: { result: { metric: Record<'__name__', string>; histogram: readonly [number, Shown] }[] };
  };
  const shown = new Map(data.result.map((one) => [one.metric['__name__'], one.histogram]));
  assert.equal(shown.size, all.length);
  for (const one of all) {
    assert.equal(shown.get(one.name)![0], T_MS / 1000);
    checkShown(one, shown.get(one.name)![1]);
  }
  const path = `/api/v1/export?exact=1&match[]=${encodeURIComponent(selector)}`;
  const lines = (await ask(path)).trimEnd().split('\n');
  assert.equal(lines.length, all.length);
  const wanted = new Map(all.map(({ name, histogram }) => [name, histogram]));
  for (const line of lines) {
    const { metric, values, timestampsUs } = JSON.parse(line) as {
      metric: Record<'__name__', string>;
      values: readonly Exported[];
      timestampsUs: readonly number[];
    };
    assert.deepEqual(timestampsUs, [T_MS * 1000]);
    const spans = (list: readonly (readonly [number, number])[]) =>
      list.map(([offset, length]) => ({ offset, length }));
    const [own] = values as [Exported];
    const { positiveSpans, negativeSpans } = own;
    const is = { positiveSpans: spans(positiveSpans), negativeSpans: spans(negativeSpans) };
    const should = canonical(wanted.get(metric['__name__'])!);
    assert.deepEqual(canonical({ ...own, ...is }), should, metric['__name__']);
  }
}

const written: (readonly [string, readonly Named[]])[] = [];

for (const [index, row] of ROWS.entries())
  describe(row.name, () => {
    test('its native histograms come back', async () => {
      const prefix = `h${index}x`;
      const all = histogramsOf(prefix).filter(({ histogram }) => row.carries(histogram));
      assert.ok(all.length > 12, String(all.length));
      const body = row.body(all);
      const bytes = typeof body === 'string' ? body : new Uint8Array(body);
      const answer = await orrery.post(row.path, bytes, { headers: row.headers });
      assert.ok(answer.status < 300, answer.text);
      await check(prefix, all);
      written.push([prefix, all]);
    });
  });

test('all of them again, from parts', async () => {
  assert.equal(written.length, ROWS.length);
  assert.equal((await orrery.post('/orrery/v1/admin/compact', '')).status, 200);
  for (const [prefix, all] of written) await check(prefix, all);
});
