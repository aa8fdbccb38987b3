// The JSON of results: every type, histograms, holes, own times, warnings, limits, pieces.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Histogram } from '../model/histogram.ts';
import { seriesSlots } from './testing.ts';
import { histogramJson } from './histogram-json.ts';
import { COPIED_BYTES_MAX, JSON_PIECE_LENGTH } from './limits.ts';
import { inSlices, prometheusJson } from './prometheus-json.ts';
import { evalResult } from './testing.ts';

function json(result: Parameters<typeof prometheusJson>[0], seriesMax = 0): unknown {
  return JSON.parse([...prometheusJson(result, { seriesMax })].join(''));
}

const HISTOGRAM: Histogram = {
  isInteger: true,
  schema: 0,
  zeroThreshold: 0.001,
  zeroCount: 2,
  count: 9,
  sum: -1.5,
  counterResetHint: 0,
  positiveSpans: [
    { offset: 0, length: 2 },
    { offset: 1, length: 1 },
  ],
  positiveBuckets: Float64Array.of(1, 0, 3),
  negativeSpans: [{ offset: 1, length: 2 }],
  negativeBuckets: Float64Array.of(1, 2),
  customValues: new Float64Array(0),
};

test('scalar and string', () => {
  const scalar = evalResult({ type: 'scalar', series: [seriesSlots([], [Infinity])] });
  assert.deepEqual(json(scalar), {
    status: 'success',
    data: { resultType: 'scalar', result: [100, '+Inf'] },
  });
  assert.deepEqual(json(evalResult({ type: 'string', string: 'a"\n' })), {
    status: 'success',
    data: { resultType: 'string', result: [100, 'a"\n'] },
  });
});

test('vector with annotations', () => {
  const series = [seriesSlots(['__proto__', 'x"'], [1]), seriesSlots([], [HISTOGRAM])];
  const annotations = [
    { level: 'info', message: 'i', position: undefined },
    { level: 'warning', message: 'w', position: undefined },
  ] as const;
  const got = json(evalResult({ type: 'vector', series, annotations })) as {
    data: { result: { metric: object; value?: unknown; histogram?: [number, { sum: string }] }[] };
  };
  assert.deepEqual(Object.entries(got.data.result[0]!.metric), [['__proto__', 'x"']]);
  assert.deepEqual(got.data.result[0]!.value, [100, '1']);
  assert.equal(got.data.result[1]!.histogram![1].sum, '-1.5');
  assert.partialDeepStrictEqual(got, { infos: ['i'], warnings: ['w'] });
});

test('matrix: holes, histograms beside floats, own times', () => {
  const series = [
    seriesSlots(['a', '1'], [1, undefined, HISTOGRAM]),
    { ...seriesSlots(['a', '2'], [7]), tUs: Float64Array.of(1_500_000) },
  ];
  const got = json(evalResult({ type: 'matrix', series, stepUs: 500_000, stepCount: 3 })) as {
    data: { result: { values: unknown; histograms?: unknown[][] }[] };
  };
  assert.deepEqual(got.data.result[0]!.values, [[100, '1']]);
  assert.equal(got.data.result[0]!.histograms![0]![0], 101);
  assert.deepEqual(got.data.result[1], { metric: { a: '2' }, values: [[1.5, '7']] });
});

test('a limit cuts and says so', () => {
  const series = [seriesSlots(['a', '1'], [1]), seriesSlots(['a', '2'], [2])];
  const got = json(evalResult({ type: 'vector', series }), 1) as { data: { result: unknown[] } };
  assert.equal(got.data.result.length, 1);
  assert.partialDeepStrictEqual(got, { warnings: ['results truncated due to limit'] });
});

test('statistics stand in the data, warnings above ten are counted', () => {
  const annotations = Array.from({ length: 12 }, (_, i) => ({
    level: 'warning' as const,
    message: `w${i}`,
    position: undefined,
  }));
  const stats = { timings: { execTotalTime: 0.5 }, samples: { samplesRead: 7 } };
  const result = evalResult({ type: 'vector', annotations });
  const text = [...prometheusJson(result, { seriesMax: 0, stats, warnings: ['own'] })].join('');
  const got = JSON.parse(text) as { data: { stats: unknown }; warnings: string[] };
  assert.deepEqual(got.data.stats, stats);
  assert.equal(got.warnings.length, 11);
  assert.equal(got.warnings[10], '3 more warning annotations omitted');
});

test('large answers come in pieces', () => {
  const slots = Array.from({ length: 11_000 }, (_, i) => i / 3);
  const series = [seriesSlots(['a', '1'], slots)];
  const pieces = [
    ...prometheusJson(evalResult({ type: 'matrix', series, stepUs: 1e6 }), { seriesMax: 0 }),
  ];
  assert.ok(pieces.length > 4);
  assert.ok(pieces.every((piece) => piece.length < JSON_PIECE_LENGTH * 1.1));
  JSON.parse(pieces.join(''));
});

test('ranges with the same start, step or length have their own times', () => {
  const series = (count: number) => [
    seriesSlots(
      ['a', '1'],
      Array.from({ length: count }, () => 1),
    ),
  ];
  const timesOf = (startUs: number, stepUs: number, count: number): unknown => {
    const result = evalResult({ type: 'matrix', series: series(count), startUs, stepUs });
    const { data } = json(result) as { data: { result: { values: [number, string][] }[] } };
    return data.result[0]!.values.map(([time]) => time);
  };
  for (const [startUs, stepUs, count] of [
    [5e6, 1e6, 3],
    [5e6, 1e6, 5],
    [5e6, 1e6, 2],
    [5e6, 2e6, 2],
    [6e6, 2e6, 2],
    [5e6, 1e6, 5],
  ] as const) {
    const expected = Array.from({ length: count }, (_, k) => (startUs + k * stepUs) / 1e6);
    assert.deepEqual(timesOf(startUs, stepUs, count), expected);
  }
});

test('pieces go on in order, small ones together and large ones apart', async () => {
  const large = Buffer.alloc(COPIED_BYTES_MAX, 'L');
  const turns = {
    clock: { nowMs: () => 0, monotonicMs: () => 0 },
    scheduler: {
      after: () => () => undefined,
      sleep: () => Promise.resolve(),
      yieldTurn: () => Promise.resolve(),
    },
  };
  const joined = async (pieces: readonly (string | Uint8Array)[]): Promise<string[]> => {
    const out: string[] = [];
    for await (const piece of inSlices(pieces, turns)) out.push(Buffer.from(piece).toString());
    return out;
  };
  const bytes = Buffer.from('é1');
  assert.deepEqual(await joined(['a', bytes, 'b', bytes, bytes]), ['aé1bé1é1']);
  assert.deepEqual(await joined(['a', 'ü']), ['aü']);
  assert.deepEqual(await joined([]), []);
  assert.deepEqual(await joined(['a', bytes, large, 'b']), ['aé1', large.toString(), 'b']);
  const long = 'x'.repeat(JSON_PIECE_LENGTH);
  assert.deepEqual(await joined([bytes, long, 'y']), [`é1${long}`, 'y']);
});

test('histogram buckets ascend and name their bounds', () => {
  assert.deepEqual(JSON.parse(histogramJson(HISTOGRAM)), {
    count: '9',
    sum: '-1.5',
    buckets: [
      [1, '-4', '-2', '2'],
      [1, '-2', '-1', '1'],
      [3, '-0.001', '0.001', '2'],
      [0, '0.5', '1', '1'],
      [0, '4', '8', '3'],
    ],
  });
  const custom: Histogram = {
    ...HISTOGRAM,
    schema: -53,
    zeroCount: 0,
    positiveSpans: [{ offset: 0, length: 3 }],
    positiveBuckets: Float64Array.of(1, 2, 3),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: Float64Array.of(5, 10),
  };
  assert.deepEqual((JSON.parse(histogramJson(custom)) as { buckets: unknown }).buckets, [
    [3, '-Inf', '5', '1'],
    [0, '5', '10', '2'],
    [0, '10', '+Inf', '3'],
  ]);
});
