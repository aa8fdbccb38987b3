// Remote write 2.0: every field of the message, what is refused, what is left.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesField, varintField } from '../../../test/support/protobuf-writer.ts';
import { requestV2, sampleMessage, Symbols } from '../../../test/support/remote-write-v2.ts';
import type { SeriesV2 } from '../../../test/support/remote-write-v2.ts';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { BatchBuilder } from '../../model/batch-builder.ts';
import type { Histogram } from '../../model/histogram.ts';
import { scanRequestV2 } from './request-v2.ts';
import { scanWriteRequest } from './write-request.ts';

function scan(bytes: Uint8Array) {
  const { body, end } = withCanary(bytes);
  const recorder = new RowRecorder();
  const result = scanRequestV2(body, end, recorder, recorder);
  return { recorder, result, text: recorder.text() };
}

/** Into a batch, for what a recorder does not show. */
function batchOf(list: readonly SeriesV2[]) {
  const body = requestV2(list);
  const builder = new BatchBuilder();
  scanRequestV2(body, body.length, new RowRecorder(), builder);
  return builder.finish();
}

const UP = ['__name__', 'up', 'job', 'a b'];
const HISTOGRAM: Histogram = {
  isInteger: true,
  schema: 0,
  zeroThreshold: 0.001,
  zeroCount: 2,
  count: 9,
  sum: 18.4,
  counterResetHint: 0,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveBuckets: Float64Array.of(3, 4),
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
};
const CUSTOM: Histogram = {
  ...HISTOGRAM,
  isInteger: false,
  schema: -53,
  zeroThreshold: 0,
  zeroCount: 0,
  customValues: Float64Array.of(1, 2.5),
};

test('samples of several series, staleness markers and repeated labels', () => {
  const { text, result } = scan(
    requestV2([
      {
        labels: UP,
        samples: [
          { value: 1, tMs: 10 },
          { value: 0x7ff0000000000002n, tMs: -20 },
        ],
      },
      { labels: ['__name__', 'up', 'job', 'b'], samples: [{ value: 2.5, tMs: 30 }] },
      { labels: UP, samples: [{ value: 3, tMs: 40 }] },
    ]),
  );
  assert.equal(
    text,
    '__name__=up,job=a b f64 1 @10000\n' +
      '__name__=up,job=a b f64 "bits:7ff0000000000002" @-20000\n' +
      '__name__=up,job=b f64 2.5 @30000\n' +
      '__name__=up,job=a b f64 3 @40000',
  );
  assert.partialDeepStrictEqual(result, { rowCount: 3, sampleCount: 4, errorCount: 0 });
});

test('start times stand beside floats and histograms, none is none', () => {
  const batch = batchOf([
    {
      labels: UP,
      samples: [
        { value: 1, tMs: 10 },
        { value: 2, tMs: 20, startMs: 5 },
      ],
    },
    { labels: UP, samples: [{ value: 3, tMs: 30, startMs: 0 }] },
    {
      labels: ['__name__', 'h'],
      histograms: [
        { histogram: HISTOGRAM, tMs: 1, startMs: 7 },
        { histogram: CUSTOM, tMs: 2 },
      ],
    },
  ]);
  const [floats, histograms] = batch.points;
  assert.deepEqual([...floats!.startUs!.subarray(0, 3)], [Number.NaN, 5000, Number.NaN]);
  assert.deepEqual([...floats!.tUs.subarray(0, 3)], [10_000, 20_000, 30_000]);
  assert.deepEqual([...histograms!.startUs!.subarray(0, 2)], [7000, Number.NaN]);
  assert.deepEqual(histograms!.values.slice(0, 2), [HISTOGRAM, CUSTOM]);
  const [plain] = batchOf([{ labels: UP, samples: [{ value: 1, tMs: 1 }] }]).points;
  assert.equal(plain!.startUs, undefined);
});

test('more points than a block holds keep their start times', () => {
  const samples = Array.from({ length: 3000 }, (_, i) => ({
    value: i,
    tMs: i + 1,
    ...(i % 3 === 0 ? { startMs: i + 1 } : {}),
  }));
  const [floats] = batchOf([{ labels: UP, samples }]).points;
  assert.equal(floats!.count, 3000);
  for (let i = 0; i < 3000; i++)
    assert.equal(floats!.startUs![i], i % 3 === 0 ? (i + 1) * 1000 : Number.NaN);
});

test('exemplars and metadata', () => {
  const metadata = { type: 3, help: 'What.', unit: 'seconds' };
  const { recorder, result } = scan(
    requestV2([
      {
        labels: ['__name__', 'x_bucket', 'le', '1'],
        samples: [{ value: 1, tMs: 1 }],
        exemplars: [
          { labels: ['trace_id', 'é'], value: 0.5, tMs: 3 },
          { labels: [], value: 2, tMs: 4 },
        ],
        metadata,
      },
      { labels: ['__name__', 'x_bucket', 'le', '2'], samples: [{ value: 1, tMs: 1 }], metadata },
      {
        labels: ['__name__', 'c_total'],
        samples: [{ value: 1, tMs: 1 }],
        metadata: { type: 1, help: '', unit: '' },
      },
    ]),
  );
  assert.deepEqual(
    recorder.exemplars.map(({ labels, tUs, value }) => [labels, tUs, value]),
    [
      [['trace_id', 'é'], 3000, 0.5],
      [[], 4000, 2],
    ],
  );
  assert.deepEqual(recorder.metadataRows, [
    { family: 'x', type: 'histogram', unit: 'seconds', help: 'What.' },
    { family: 'c_total', type: 'counter', unit: '', help: '' },
  ]);
  assert.equal(result.exemplarCount, 2);
});

test('what is refused leaves the others and is not counted', () => {
  const good = { labels: UP, samples: [{ value: 1, tMs: 1 }] };
  const samples = [{ value: 2, tMs: 2 }];
  const bad: readonly (readonly [SeriesV2, RegExp])[] = [
    [{ labels: [], samples }, /without labels/],
    [{ labels: UP }, /without a sample or histogram/],
    [{ labels: UP, exemplars: [{ labels: [], value: 1, tMs: 1 }] }, /without a sample/],
    [{ labels: ['job', 'a'], samples }, /without a metric name/],
    [{ labels: ['__name__', ''], samples }, /without a metric name/],
    [{ labels: ['__name__', 'm', '', 'x'], samples }, /empty name/],
    [{ labels: ['__name__', 'm', 'a', '1', 'a', '2'], samples }, /given twice/],
    [{ labels: ['__name__'], samples }, /name but without a value/],
    [{ labels: UP, samples: [{ value: 1, tMs: 2 ** 50 }] }, /out of range/],
    [
      { labels: UP, histograms: [{ histogram: { ...HISTOGRAM, schema: 53 }, tMs: 1 }] },
      /schema 53/,
    ],
  ];
  for (const [series, reason] of bad) {
    const { result, text } = scan(requestV2([good, series, good]));
    assert.equal(text, '__name__=up,job=a b f64 1 @1000\n__name__=up,job=a b f64 1 @1000');
    assert.equal(result.errorCount, 1);
    assert.equal(result.errors[0]!.line, 2);
    assert.match(result.errors[0]!.reason, reason);
    assert.equal(result.pointCount, 2);
  }
});

test('references beyond the table are refused; symbols may come last, numbers unpacked', () => {
  const sample = bytesField(2, sampleMessage({ value: 1, tMs: 1 }));
  const symbols = new Symbols();
  const refs = symbols.refs(['__name__', 'm']);
  const table = symbols.list.flatMap((text) => bytesField(4, text));
  const series = bytesField(5, [...sample, ...refs]);
  assert.equal(scan(Uint8Array.from([...series, ...table])).text, '__name__=m f64 1 @1000');
  const single = bytesField(5, [...varintField(1, 1), ...sample, ...varintField(1, 2)]);
  assert.equal(scan(Uint8Array.from([...table, ...single])).text, '__name__=m f64 1 @1000');
  const far = bytesField(5, [...bytesField(1, [1, 9]), ...sample]);
  const { result } = scan(Uint8Array.from([...table, ...far]));
  assert.match(result.errors[0]!.reason, /symbol 9 of 3/);
  const exemplar = bytesField(4, bytesField(1, [1, 9]));
  const odd = scan(
    Uint8Array.from([...table, ...bytesField(5, [...refs, ...sample, ...exemplar])]),
  );
  assert.match(odd.result.errors[0]!.reason, /exemplar: symbol 9/);
  assert.equal(odd.result.exemplarCount, 0);
});

test('labels longer than a buffer, and very many series', () => {
  const long = 'v'.repeat(200_000);
  const list = Array.from({ length: 3000 }, (_, i) => ({
    labels: ['__name__', 'm', 'i', i === 1500 ? long : `value ${i}`],
    samples: [{ value: i, tMs: 1 }],
  }));
  const { recorder, result } = scan(requestV2(list));
  assert.equal(result.errorCount, 0);
  assert.equal(recorder.rows[1500]!.series, `__name__=m,i=${long}`);
  assert.equal(recorder.rows[2999]!.series, '__name__=m,i=value 2999');
});

test('a message of version 1.0 says nothing here, and the other way round', () => {
  const label = [...bytesField(1, '__name__'), ...bytesField(2, 'm')];
  const sample = bytesField(2, sampleMessage({ value: 1, tMs: 1 }));
  const old = Uint8Array.from(bytesField(1, [...bytesField(1, label), ...sample]));
  assert.partialDeepStrictEqual(scan(old).result, { rowCount: 0, errorCount: 0 });
  const body = requestV2([{ labels: UP, samples: [{ value: 1, tMs: 1 }] }]);
  const recorder = new RowRecorder();
  const result = scanWriteRequest(body, body.length, recorder, recorder);
  assert.partialDeepStrictEqual(result, { rowCount: 0, errorCount: 0 });
});

test('what is not wire format is corrupt', () => {
  const { result } = scan(Uint8Array.of(0x22, 0x7f, 1));
  assert.match(result.corrupt ?? '', /not a remote-write 2.0 message/);
});
