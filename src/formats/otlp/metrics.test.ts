// OTLP metrics in protobuf: mapping of every kind of metric, names, labels, refusals.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import * as otlp from '../../../test/support/otlp.ts';
import { bytesField, varintField } from '../../../test/support/protobuf-writer.ts';
import type { Histogram } from '../../model/histogram.ts';
import { nameRules } from './names.ts';
import type { OtlpOptions } from './metrics.ts';
import { scanMetrics } from './metrics.ts';

const T = 1_700_000_000_123_456_789n;
const US = 1_700_000_000_123_456;

const OPTIONS: OtlpOptions = {
  names: nameRules('UnderscoreEscapingWithSuffixes', ''),
  scopeLabels: true,
  promoted: new Set(),
  keepsIdentifying: false,
  customBuckets: false,
};

function scan(message: Uint8Array, options: Partial<OtlpOptions> = {}) {
  const { body, end } = withCanary(message);
  const recorder = new RowRecorder();
  const to = { dictionary: recorder, sink: recorder };
  const result = scanMetrics(body, end, { ...OPTIONS, ...options }, to);
  return { recorder, result };
}

function lines(message: Uint8Array, options: Partial<OtlpOptions> = {}): string[] {
  const { recorder, result } = scan(message, options);
  assert.deepEqual(result.errors, []);
  assert.equal(result.pointCount, recorder.rows.length);
  return recorder.rows.map(({ series, kind, value }) => `${series} ${kind} ${String(value)}`);
}

function reasons(message: Uint8Array, options: Partial<OtlpOptions> = {}): string[] {
  return scan(message, options).result.errors.map(({ reason }) => reason);
}

const STALE = 'bits:7ff0000000000002';

test('gauges and sums: kinds, names, times to the nanosecond, start times', () => {
  const { recorder, result } = scan(
    otlp.request([
      otlp.gauge({ name: 'room.temperature', unit: 'Cel' }, [
        { timeNs: T, value: 21.5, attributes: { room: 'attic', 'is.open': true } },
      ]),
      otlp.sum({ name: 'http.requests', unit: '1', description: 'Requests.' }, [
        { timeNs: T, startNs: 1_600_000_000_000_000_000n, value: 9_007_199_254_740_993n },
      ]),
      otlp.sum({ name: 'queue', unit: '{item}' }, [{ timeNs: T, value: -3n }], {
        isMonotonic: false,
      }),
    ]),
  );
  assert.partialDeepStrictEqual(result, { rowCount: 3, pointCount: 3, errorCount: 0, warning: '' });
  const [temperature, requests, queue] = recorder.rows;
  assert.deepEqual(temperature, {
    series: '__name__=room_temperature_celsius,is_open=true,room=attic',
    tUs: US,
    subNs: 789,
    kind: 'f64',
    value: 21.5,
  });
  assert.equal(requests!.series, '__name__=http_requests_total');
  assert.equal(requests!.value, 9_007_199_254_740_993n);
  assert.equal(recorder.pointSets[0]!.startUs![0], 1_600_000_000_000_000);
  assert.partialDeepStrictEqual(queue, { series: '__name__=queue', kind: 'i64', value: -3n });
  assert.deepEqual(recorder.metadataRows, [
    { family: 'room_temperature_celsius', type: 'gauge', unit: 'celsius', help: '' },
    { family: 'http_requests_total', type: 'counter', unit: '', help: 'Requests.' },
    { family: 'queue', type: 'gauge', unit: '', help: '' },
  ]);
});

test('the bits of doubles stay: what the replaced proxy wrote as zero', () => {
  const values = [1e-9, Number.NaN, Infinity, -Infinity, -0, 5e-324, 0.1 + 0.2];
  const points = values.map((value, i) => ({ timeNs: T + BigInt(i), value }));
  const { recorder } = scan(otlp.request([otlp.gauge({ name: 'g' }, points)]));
  const expected = values.map((value) => (Number.isNaN(value) ? 'bits:7ff8000000000000' : value));
  assert.deepEqual(
    recorder.rows.map(({ value }) => value),
    expected,
  );
});

test('resources: job, instance, target_info, promoted attributes', () => {
  const resource = {
    'service.name': 'shop',
    'service.namespace': 'eu',
    'service.instance.id': 'a-1',
    'host.name': 'h1',
    'k8s.pod.name': 'p',
  };
  const message = otlp.request([otlp.gauge({ name: 'up' }, [{ timeNs: T, value: 1 }])], {
    resource,
  });
  assert.deepEqual(lines(message), [
    '__name__=up,instance=a-1,job=eu/shop f64 1',
    '__name__=target_info,host_name=h1,instance=a-1,job=eu/shop,k8s_pod_name=p f64 1',
  ]);
  assert.deepEqual(lines(message, { promoted: new Set(['host.name']), keepsIdentifying: true }), [
    '__name__=up,host_name=h1,instance=a-1,job=eu/shop f64 1',
    '__name__=target_info,host_name=h1,instance=a-1,job=eu/shop,k8s_pod_name=p,' +
      'service_instance_id=a-1,service_name=shop,service_namespace=eu f64 1',
  ]);
  const anonymous = otlp.request([otlp.gauge({ name: 'up' }, [{ timeNs: T, value: 1 }])], {
    resource: { 'host.name': 'h1' },
  });
  assert.deepEqual(lines(anonymous), ['__name__=up f64 1']);
});

test('target_info follows a resource through old data, within a bound', () => {
  const hourNs = 3_600_000_000_000n;
  const points = [0n, hourNs].map((ns) => ({ timeNs: T + ns, value: 1 }));
  const resource = { 'service.name': 'shop', zone: 'a' };
  const { recorder } = scan(otlp.request([otlp.gauge({ name: 'g' }, points)], { resource }));
  const info = recorder.rows.filter(({ series }) => series.includes('target_info'));
  assert.equal(info.length, 25);
  assert.partialDeepStrictEqual(info.at(-1), { tUs: US + 3_600_000_000, subNs: 789 });
  const old = otlp.request(
    [
      otlp.gauge({ name: 'g' }, [
        { timeNs: 1, value: 1 },
        { timeNs: T, value: 1 },
      ]),
    ],
    { resource },
  );
  assert.ok(scan(old).result.pointCount <= 1_003);
});

test('scopes are labels; equal metrics of two scopes stay apart', () => {
  const metrics = [otlp.gauge({ name: 'g' }, [{ timeNs: T, value: 1 }])];
  const source = {
    scope: 'lib',
    version: '1.0',
    schemaUrl: 'https://x/1',
    scopeAttributes: { 'my.mascot': 'gopher' },
  };
  assert.deepEqual(lines(otlp.request(metrics, source)), [
    '__name__=g,otel_scope_my_mascot=gopher,otel_scope_name=lib,' +
      'otel_scope_schema_url=https://x/1,otel_scope_version=1.0 f64 1',
  ]);
  assert.deepEqual(lines(otlp.request(metrics, source), { scopeLabels: false }), [
    '__name__=g f64 1',
  ]);
});

test('the four translations', () => {
  const message = otlp.request([
    otlp.sum({ name: 'http.duration', unit: 's' }, [
      { timeNs: T, value: 1, attributes: { 'http.route': '/' } },
    ]),
  ]);
  const [series] = ['__name__=http.duration', 'http.route=/'];
  const expected = {
    UnderscoreEscapingWithSuffixes: '__name__=http_duration_seconds_total,http_route=/',
    UnderscoreEscapingWithoutSuffixes: '__name__=http_duration,http_route=/',
    NoUTF8EscapingWithSuffixes: `${series}_seconds_total,http.route=/`,
    NoTranslation: `${series},http.route=/`,
  } as const;
  for (const [translation, text] of Object.entries(expected)) {
    const names = nameRules(translation as keyof typeof expected, '');
    assert.deepEqual(lines(message, { names }), [`${text} f64 1`]);
  }
});

test('attributes whose names collide are joined in the order of their keys', () => {
  const attributes = { 'a.b': 'dot', a_b: 'low', 'a-b': 'dash', empty: '', __name__: 'x' };
  const message = otlp.request([otlp.gauge({ name: 'g' }, [{ timeNs: T, value: 1, attributes }])]);
  assert.deepEqual(lines(message), ['__name__=g,a_b=dash;dot;low f64 1']);
});

const HISTOGRAM = {
  timeNs: T,
  count: 6,
  sum: 10.5,
  counts: [1, 2, 3],
  bounds: [0.005, 1_000_000],
} as const;

test('classic histograms: cumulative buckets, bounds without exponents, exemplars by bucket', () => {
  const exemplars = [
    otlp.exemplar({ value: 7, timeNs: T, traceId: Array(16).fill(0xab) }),
    otlp.exemplar({ value: 0.001, spanId: [1, 2], attributes: { user: 'x' } }),
  ];
  const { recorder, result } = scan(
    otlp.request([otlp.histogram({ name: 'h', unit: 's' }, [{ ...HISTOGRAM, exemplars }])]),
  );
  assert.equal(result.errorCount, 0);
  assert.deepEqual(
    recorder.rows.map(({ series, value }) => `${series} ${String(value)}`),
    [
      '__name__=h_seconds_sum 10.5',
      '__name__=h_seconds_count 6',
      '__name__=h_seconds_bucket,le=0.005 1',
      '__name__=h_seconds_bucket,le=1000000 3',
      '__name__=h_seconds_bucket,le=+Inf 6',
    ],
  );
  assert.deepEqual(
    recorder.exemplars.map(({ ref, labels, value, tUs }) => [
      recorder.seriesOf(ref),
      labels,
      value,
      tUs,
    ]),
    [
      ['__name__=h_seconds_bucket,le=1000000', ['trace_id', 'ab'.repeat(16)], 7, US],
      ['__name__=h_seconds_bucket,le=0.005', ['span_id', '0102', 'user', 'x'], 0.001, US],
    ],
  );
  assert.deepEqual(recorder.metadataRows[0]!.type, 'histogram');
});

test('a histogram without a sum has none, one without buckets has the last one', () => {
  const { sum: _, ...noSum } = HISTOGRAM;
  assert.equal(lines(otlp.request([otlp.histogram({ name: 'h' }, [noSum])])).length, 4);
  const bare = { ...HISTOGRAM, counts: [], bounds: [] };
  assert.deepEqual(lines(otlp.request([otlp.histogram({ name: 'h' }, [bare])])), [
    '__name__=h_sum f64 10.5',
    '__name__=h_count f64 6',
    '__name__=h_bucket,le=+Inf f64 6',
  ]);
});

function histogramOf(message: Uint8Array, options: Partial<OtlpOptions> = {}): Histogram {
  const { recorder, result } = scan(message, options);
  assert.deepEqual(result.errors, []);
  return recorder.pointSets[0]!.values[0] as Histogram;
}

test('classic histograms with custom buckets, as the specification has them', () => {
  const point = {
    timeNs: T,
    count: 37,
    sum: 1,
    bounds: [-2, -1, 0, 1, 2],
    counts: [10, 0, 0, 20, 5, 2],
  };
  const message = otlp.request([otlp.histogram({ name: 'h' }, [point])]);
  assert.partialDeepStrictEqual(histogramOf(message, { customBuckets: true }), {
    schema: -53,
    count: 37,
    positiveSpans: [{ offset: 0, length: 6 }],
    positiveBuckets: Float64Array.of(10, 0, 0, 20, 5, 2),
    customValues: Float64Array.of(-2, -1, 0, 1, 2),
  });
});

test('exponential histograms: indexes by upper bound, gaps, scales above eight', () => {
  const point = { timeNs: T, count: 38, sum: 1, scale: 3, zeroCount: 1 };
  const positive = [3, [10, 0, 0, 20, 5, 2]] as const;
  const plain = histogramOf(
    otlp.request([otlp.exponential({ name: 'e' }, [{ ...point, positive }])]),
  );
  assert.partialDeepStrictEqual(plain, {
    isInteger: true,
    schema: 3,
    zeroCount: 1,
    zeroThreshold: 1e-128,
    positiveSpans: [{ offset: 4, length: 6 }],
    positiveBuckets: Float64Array.of(10, 0, 0, 20, 5, 2),
  });
  const finer = {
    timeNs: T,
    count: 15,
    sum: 1,
    scale: 10,
    zeroThreshold: 0.5,
    positive: [-5, [1, 2, 3, 0, 4]],
    negative: [40, [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]],
  } as const;
  // Four buckets of scale 10 are one of scale 8: -5 is in bucket -2, -4 … -1 in bucket -1.
  assert.partialDeepStrictEqual(
    histogramOf(otlp.request([otlp.exponential({ name: 'e' }, [finer])])),
    {
      schema: 8,
      zeroThreshold: 0.5,
      positiveSpans: [{ offset: -1, length: 2 }],
      positiveBuckets: Float64Array.of(1, 9),
      negativeSpans: [
        { offset: 11, length: 1 },
        { offset: 4, length: 1 },
      ],
      negativeBuckets: Float64Array.of(2, 3),
    },
  );
});

test('summaries', () => {
  const quantiles = [
    [0.5, 3],
    [0.99, Number.NaN],
  ] as const;
  const message = otlp.request([
    otlp.summary({ name: 's' }, [{ timeNs: T, count: 2, sum: 5, quantiles }]),
  ]);
  assert.deepEqual(lines(message), [
    '__name__=s_sum f64 5',
    '__name__=s_count f64 2',
    '__name__=s,quantile=0.5 f64 3',
    '__name__=s,quantile=0.99 f64 bits:7ff8000000000000',
  ]);
});

test('no recorded value ends every series of the data point', () => {
  const flags = otlp.NO_VALUE;
  const message = otlp.request([
    otlp.gauge({ name: 'g' }, [{ timeNs: T, flags }]),
    otlp.histogram({ name: 'h' }, [
      { timeNs: T, flags, count: 0, sum: 0, counts: [0, 0], bounds: [1] },
    ]),
    otlp.summary({ name: 's' }, [{ timeNs: T, flags, count: 0, sum: 0, quantiles: [[0.5, 0]] }]),
    otlp.exponential({ name: 'e' }, [{ timeNs: T, flags, count: 0, scale: 2 }]),
  ]);
  const { recorder } = scan(message);
  assert.equal(recorder.rows.length, 9);
  for (const { series, value } of recorder.rows.slice(0, 8)) assert.equal(value, STALE, series);
  const ended = recorder.rows[8]!.value as Histogram;
  assert.ok(Number.isNaN(ended.sum));
  assert.equal(ended.count, 0);
});

test('exemplars of counters, not of gauges; long ones keep their ids', () => {
  const id = { traceId: [0, 1], spanId: Array(8).fill(0) };
  const exemplars = [
    otlp.exemplar({ value: 3n, ...id, attributes: { 'a.b': 'c' } }),
    otlp.exemplar({ value: 4, ...id, attributes: { long: 'x'.repeat(200) } }),
    [],
  ];
  const point = { timeNs: T, value: 1, exemplars };
  const { recorder } = scan(
    otlp.request([otlp.sum({ name: 'c' }, [point]), otlp.gauge({ name: 'g' }, [point])]),
  );
  assert.deepEqual(
    recorder.exemplars.map(({ labels, value }) => [labels, value]),
    [
      [['a.b', 'c', 'trace_id', '0001'], 3],
      [['trace_id', '0001'], 4],
    ],
  );
});

test('values of attributes that are no strings', () => {
  const list = bytesField(5, [
    ...bytesField(1, bytesField(1, 'x"')),
    ...bytesField(1, varintField(3, 7)),
  ]);
  const pair = [...bytesField(1, 'k'), ...bytesField(2, varintField(2, 1))];
  const map = bytesField(6, bytesField(1, pair));
  const values = {
    list,
    map,
    bytes: bytesField(7, [1, 2, 255]),
    negative: varintField(3, -5n),
    big: varintField(3, 9_007_199_254_740_993n),
    half: otlp.anyValue(0.5),
    none: [],
  };
  const attributes = Object.entries(values).flatMap(([key, value]) =>
    bytesField(7, [...bytesField(1, key), ...bytesField(2, value)]),
  );
  const point = [...otlp.numberPoint({ timeNs: T, value: 1 }), ...attributes];
  const metric = [...bytesField(1, 'g'), ...bytesField(5, bytesField(1, point))];
  assert.deepEqual(lines(otlp.request([metric])), [
    '__name__=g,big=9007199254740993,bytes=AQL/,half=0.5,list=["x\\"",7],map={"k":true},negative=-5 f64 1',
  ]);
});

test('nesting has a bound', () => {
  let value = otlp.anyValue('x');
  for (let i = 0; i < 40; i++) value = bytesField(5, bytesField(1, value));
  const attribute = bytesField(7, [...bytesField(1, 'deep'), ...bytesField(2, value)]);
  const point = [...otlp.numberPoint({ timeNs: T, value: 1 }), ...attribute];
  const metric = [...bytesField(1, 'g'), ...bytesField(5, bytesField(1, point))];
  assert.deepEqual(reasons(otlp.request([metric])), [
    'metric "g": an attribute is nested deeper than 16',
  ]);
});

test('what is refused leaves the others, and says why', () => {
  const good = { timeNs: T, value: 1 };
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, 'v']));
  const message = otlp.request([
    otlp.gauge({ name: 'g' }, [good, { timeNs: 0, value: 1 }, { timeNs: T }]),
    otlp.gauge({ name: 'g' }, [
      { ...good, attributes: many },
      { ...good, attributes: { '': 'x' } },
    ]),
    otlp.sum({ name: 'c' }, [good], { temporality: 0 }),
    otlp.sum({ name: 'd' }, [good], { temporality: otlp.DELTA }),
    otlp.gauge({ name: '' }, [good]),
    otlp.histogram({ name: 'h' }, [
      { ...HISTOGRAM, counts: [1] },
      { ...HISTOGRAM, bounds: [2, 1] },
    ]),
    otlp.exponential({ name: 'e' }, [
      { timeNs: T, count: 1, sum: 1, scale: -5 },
      { timeNs: T, count: 1, sum: 1, scale: 0 },
      { timeNs: T, count: 1, sum: 1, scale: 0, positive: [-(2 ** 31), [1]] },
    ]),
    otlp.gauge({ name: 'last' }, [{ timeNs: 2n ** 64n - 1n, value: 1 }, good]),
  ]);
  const { result, recorder } = scan(message);
  assert.deepEqual(
    recorder.rows.map(({ series }) => series),
    ['__name__=g', '__name__=last'],
  );
  assert.partialDeepStrictEqual(result, { rowCount: 15, pointCount: 2, errorCount: 13 });
  assert.deepEqual(
    result.errors.map(({ reason }) => reason),
    [
      'metric "g": a data point without a time',
      'metric "g": a data point without a value',
      'metric "g": more than 256 attributes',
      'metric "g": label name is empty',
      'metric "c": the aggregation temporality is not said',
      'metric "d": delta temporality is not taken here',
      'metric "": normalization for metric "" resulted in empty name',
      'metric "h": 1 bucket counts for 2 bounds',
      'metric "h": bounds of buckets do not ascend',
      'metric "e": scale -5 of an exponential histogram is below -4',
      'metric "e": buckets hold 0 of 1 values',
      'metric "e": bucket offset -2147483648 is out of range',
      'metric "last": a time beyond the year 2255',
    ],
  );
});

test('the first data point of all may lack a time', () => {
  const point = { timeNs: 0, value: 1 };
  const message = otlp.request([otlp.gauge({ name: 'g' }, [point, point])]);
  const reason = 'metric "g": a data point without a time';
  assert.deepEqual(reasons(message), [reason, reason]);
});

test('fields in any order, unknown ones, attributes in pieces', () => {
  const [a, b] = [otlp.attributeFields(7, { a: '1' }), otlp.attributeFields(7, { b: '2' })];
  const rest = otlp.numberPoint({ timeNs: T, value: 4 });
  const point = [...a, ...rest, ...b, ...varintField(100, 1), ...bytesField(99, 'x')];
  const swapped = [...b, ...rest, ...a];
  const metric = (bytes: number[]) => [
    ...bytesField(7, [...bytesField(1, bytes), ...varintField(3, 1), ...varintField(2, 2)]),
    ...bytesField(3, 's'),
    ...bytesField(1, 'c'),
  ];
  const scopeMetrics = [...bytesField(2, metric(point)), ...bytesField(2, metric(swapped))];
  const resource = bytesField(1, otlp.attributeFields(1, { 'service.name': 'late' }));
  const message = Uint8Array.from(bytesField(1, [...bytesField(2, scopeMetrics), ...resource]));
  const line = '__name__=c_seconds_total,a=1,b=2,job=late f64 4';
  assert.deepEqual(lines(message), [line, line]);
});

test('a series that is known is neither named nor decoded again', () => {
  const message = otlp.request(
    [
      otlp.gauge({ name: 'g' }, [{ timeNs: T, value: 1, attributes: { a: 'b' } }]),
      otlp.histogram({ name: 'h' }, [HISTOGRAM]),
    ],
    { resource: { 'service.name': 's', x: 'y' } },
  );
  const recorder = new RowRecorder();
  const to = { dictionary: recorder, sink: recorder };
  for (let i = 0; i < 3; i++) scanMetrics(message, message.length, OPTIONS, to);
  assert.equal(recorder.addCount, 7);
  assert.equal(recorder.rows.length, 21);
  assert.equal(recorder.metadataRows.length, 3);
});

test('what is not wire format is corrupt', () => {
  const { result } = scan(Uint8Array.of(0x0a, 0x7f, 1));
  assert.match(result.corrupt ?? '', /not an OTLP metrics message: length 127 beyond the message/);
  assert.equal(scan(new Uint8Array(0)).result.corrupt, undefined);
});
