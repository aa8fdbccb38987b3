// WriteRequest messages from an independent writer: values, refusals, corruption, cuts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bytesField,
  doubleBytes,
  doubleField,
  varintField,
  zigzag,
  zigzagField,
} from '../../../test/support/protobuf-writer.ts';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { decodeSnappy, encodeSnappy } from '../../codec/snappy.ts';
import type { Histogram } from '../../model/histogram.ts';
import type { WriteRequestResult } from './write-request-result.ts';
import { scanWriteRequest } from './write-request.ts';

const STALE_NAN_BITS = 0x7ff0000000000002n;

type Sample = [value: number | bigint, timestampMs: number | bigint];

function label(name: string, value: string): number[] {
  return bytesField(1, [...bytesField(1, name), ...bytesField(2, value)]);
}

function series(labels: Record<string, string>, samples: Sample[], more: number[] = []): number[] {
  const labelBytes = Object.entries(labels).flatMap(([name, value]) => label(name, value));
  const sampleBytes = samples.flatMap(([value, timestamp]) =>
    bytesField(2, [...doubleField(1, value), ...varintField(2, timestamp)]),
  );
  return bytesField(1, [...labelBytes, ...sampleBytes, ...more]);
}

function scan(bytes: Iterable<number>): { recorder: RowRecorder; result: WriteRequestResult } {
  const { body, end } = withCanary(Uint8Array.from(bytes));
  const recorder = new RowRecorder();
  return { recorder, result: scanWriteRequest(body, end, recorder, recorder) };
}

function reasons(bytes: Iterable<number>): string[] {
  return scan(bytes).result.errors.map((error) => error.reason);
}

test('samples keep their bits and times', () => {
  const request = [
    ...series({ __name__: 'up', job: 'x' }, [
      [1.5, 1_700_000_000_123],
      [STALE_NAN_BITS, 5],
      [0x7ff8000000000123n, -5],
    ]),
    ...series({ __name__: 'größe', 'a.b': 'ü' }, [[-0, 0]]),
  ];
  const { recorder, result } = scan(decodeSnappy(encodeSnappy(Uint8Array.from(request)), 1e6));
  assert.equal(
    recorder.text(),
    [
      '__name__=up,job=x f64 1.5 @1700000000123000',
      '__name__=up,job=x f64 "bits:7ff0000000000002" @5000',
      '__name__=up,job=x f64 "bits:7ff8000000000123" @-5000',
      '__name__=größe,a.b=ü f64 0 @0',
    ].join('\n'),
  );
  assert.ok(Object.is(recorder.rows[3]!.value, -0));
  assert.equal(result.sampleCount, 4);
  assert.equal(result.rowCount, 2);
  assert.equal(result.errorCount, 0);
});

test('labels are decoded once per series and may come unsorted and doubled', () => {
  const one = series({ z: '1', __name__: 'm' }, [[1, 1]]);
  const { recorder, result } = scan([...one, ...one]);
  assert.equal(recorder.addCount, 1);
  assert.equal(result.pointCount, 2);
  const twice = bytesField(1, [
    ...label('__name__', 'm'),
    ...label('d', 'l'),
    ...label('d', 'l'),
    ...bytesField(2, [...doubleField(1, 1), ...varintField(2, 1)]),
  ]);
  assert.equal(scan(twice).recorder.text(), '__name__=m,d=l f64 1 @1000');
});

test('proto3 defaults: absent value and timestamp are zero', () => {
  const request = bytesField(1, [...label('__name__', 'm'), ...bytesField(2, [])]);
  assert.equal(scan(request).recorder.text(), '__name__=m f64 0 @0');
});

test('labels behind samples, unknown fields and unknown messages are understood', () => {
  const sample = bytesField(2, [...doubleField(1, 2), ...varintField(2, 1), ...varintField(9, 1)]);
  const request = [
    ...bytesField(7, 'future'),
    ...bytesField(1, [...sample, ...label('__name__', 'm'), ...varintField(15, 3)]),
  ];
  assert.equal(scan(request).recorder.text(), '__name__=m f64 2 @1000');
});

test('a refused series leaves the others', () => {
  const request = [
    ...series({ a: 'b' }, [[1, 1]]),
    ...series({ __name__: '' }, [[1, 1]]),
    ...series({ __name__: 'good' }, [[1, 1]]),
    ...series({ __name__: 'm', '': 'x' }, [[1, 1]]),
    ...bytesField(1, bytesField(2, doubleField(1, 1))),
    ...bytesField(1, [...label('__name__', 'm'), ...label('d', '1'), ...label('d', '2')]),
    ...bytesField(1, [...label('__name__', 'm'), ...bytesField(1, bytesField(1, [0xff]))]),
    ...series({ __name__: 'far' }, [[1, 2n ** 62n]]),
  ];
  const { recorder, result } = scan(request);
  assert.equal(recorder.text(), '__name__=good f64 1 @1000');
  assert.deepEqual(
    result.errors.map((error) => [error.line, error.reason]),
    [
      [1, 'series without a metric name'],
      [2, 'series without a metric name'],
      [4, 'a label has an empty name'],
      [5, 'series without labels'],
      [6, "label name 'd' is given twice with different values"],
      [7, 'a label is not valid UTF-8'],
      [8, 'timestamp 4611686018427388000 ms is out of range'],
    ],
  );
  assert.equal(result.corrupt, undefined);
});

test('metadata and exemplars', () => {
  const exemplar = bytesField(3, [
    ...bytesField(1, [...bytesField(1, 'trace_id'), ...bytesField(2, 'abc')]),
    ...doubleField(2, 0.5),
    ...varintField(3, 7),
  ]);
  const { recorder, result } = scan([
    ...series({ __name__: 'm_total' }, [[1, 1]], exemplar),
    ...bytesField(3, [
      ...varintField(1, 1),
      ...bytesField(2, 'm_total'),
      ...bytesField(4, 'Help.'),
      ...bytesField(5, 'seconds'),
    ]),
    ...bytesField(3, varintField(1, 2)),
  ]);
  assert.deepEqual(recorder.metadataRows, [
    { family: 'm_total', type: 'counter', unit: 'seconds', help: 'Help.' },
  ]);
  assert.deepEqual(recorder.exemplars, [
    { ref: 0, labels: ['trace_id', 'abc'], tUs: 7000, subNs: 0, value: 0.5 },
  ]);
  assert.equal(result.exemplarCount, 1);
});

function span(field: number, offset: number, length: number): number[] {
  return bytesField(field, [...zigzagField(1, offset), ...varintField(2, length)]);
}

test('native histograms become absolute counts', () => {
  const integer = bytesField(4, [
    ...varintField(1, 13),
    ...doubleField(3, 18.4),
    ...zigzagField(4, -2),
    ...doubleField(5, 0.001),
    ...varintField(6, 2),
    ...span(11, -3, 2),
    ...span(11, 1, 1),
    ...bytesField(12, [...zigzag(3), ...zigzag(-1), ...zigzag(4)]),
    ...varintField(14, 1),
    ...varintField(15, 9),
  ]);
  const float = bytesField(4, [
    ...doubleField(2, 1.5),
    ...zigzagField(4, -53),
    ...span(11, 0, 2),
    ...bytesField(13, [...doubleBytes(1), ...doubleBytes(0.5)]),
    ...bytesField(16, [...doubleBytes(5), ...doubleBytes(10)]),
  ]);
  const { recorder, result } = scan(series({ __name__: 'h' }, [], [...integer, ...float]));
  assert.equal(result.histogramCount, 2);
  const [first, second] = recorder.rows.map((row) => row.value as Histogram);
  assert.deepEqual(first, {
    isInteger: true,
    schema: -2,
    zeroThreshold: 0.001,
    zeroCount: 2,
    count: 13,
    sum: 18.4,
    counterResetHint: 1,
    positiveSpans: [
      { offset: -3, length: 2 },
      { offset: 1, length: 1 },
    ],
    positiveBuckets: Float64Array.of(3, 2, 6),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
  });
  assert.equal(second!.isInteger, false);
  assert.deepEqual(second!.positiveBuckets, Float64Array.of(1, 0.5));
  assert.deepEqual(second!.customValues, Float64Array.of(5, 10));
  assert.equal(recorder.rows[0]!.tUs, 9000);
});

test('the staleness marker of a histogram keeps its bits', () => {
  const stale = bytesField(4, [...doubleField(3, STALE_NAN_BITS), ...varintField(15, 1)]);
  const { recorder } = scan(series({ __name__: 'h' }, [], stale));
  const { sum } = recorder.rows[0]!.value as Histogram;
  assert.equal(new BigUint64Array(Float64Array.of(sum).buffer)[0], STALE_NAN_BITS);
});

test('buckets finer than schema 8 are merged', () => {
  const fine = bytesField(4, [
    ...varintField(1, 15),
    ...zigzagField(4, 9),
    ...span(11, -2, 4),
    ...span(11, 1, 1),
    ...bytesField(12, [...zigzag(1), ...zigzag(1), ...zigzag(1), ...zigzag(1), ...zigzag(1)]),
  ]);
  const { recorder, result } = scan(series({ __name__: 'h' }, [], fine));
  assert.deepEqual(result.errors, []);
  assert.partialDeepStrictEqual(recorder.rows[0]!.value, {
    schema: 8,
    count: 15,
    positiveSpans: [{ offset: -1, length: 4 }],
    positiveBuckets: Float64Array.of(1, 5, 4, 5),
  });
});

test('impossible histograms are refused', () => {
  const refuse = (content: number[], reason: RegExp): void =>
    assert.match(reasons(series({ __name__: 'h' }, [], bytesField(4, content)))[0]!, reason);
  for (const schema of [53, -5, -9, -54, 2 ** 31])
    refuse(zigzagField(4, schema), new RegExp(`schema ${schema} is not supported`));
  refuse(span(11, 0, 2), /positive spans describe 2 buckets, 0 given/);
  refuse([...zigzagField(4, 9), ...span(11, 0, 2)], /positive spans describe 2 buckets, 0 given/);
  refuse([...span(11, 0, 1), ...bytesField(12, zigzag(-1))], /negative or too large/);
  refuse([...span(8, 0, 1), ...span(8, -1, 0), ...bytesField(9, zigzag(1))], /negative offset/);
  refuse(doubleField(16, 2), /custom bounds in an exponential/);
  const one = [...span(11, 0, 1), ...bytesField(12, zigzag(1))];
  refuse([...varintField(1, 2), ...one], /1 observations in the buckets, but a count of 2/);
  refuse(
    [...one, ...doubleField(3, Number.NaN)],
    /1 observations in the buckets, but a count of 0/,
  );
  refuse([...varintField(1, 2 ** 53), ...varintField(6, 2 ** 53)], /count above 2\^53/);
  const custom = zigzagField(4, -53);
  refuse([...custom, ...doubleField(16, 2), ...doubleField(16, 1)], /not ascending/);
  refuse([...custom, ...doubleField(16, Infinity)], /not ascending and finite/);
  refuse([...custom, ...varintField(6, 1)], /with a zero bucket/);
  refuse([...custom, ...doubleField(5, 0.5)], /with a zero bucket/);
  refuse([...custom, ...span(8, 0, 0)], /with a negative side/);
  refuse([...custom, ...span(11, -1, 0)], /negative offset/);
  refuse([...custom, ...span(11, 1, 1), ...bytesField(12, zigzag(0))], /up to 2, but 0 bounds/);
});

test('observations of NaN are in the count alone', () => {
  const nan = bytesField(4, [
    ...varintField(1, 2),
    ...varintField(6, 1),
    ...doubleField(3, Number.NaN),
  ]);
  const { result } = scan(series({ __name__: 'h' }, [], nan));
  assert.deepEqual([result.errors, result.histogramCount], [[], 1]);
});

test('corrupt messages say so and cut ones never read on', () => {
  assert.match(reasons([0x0a])[0]!, /not a remote-write 1.0 message: truncated varint at byte 1/);
  assert.match(reasons([0x0a, 0x7f])[0]!, /length 127 beyond the message/);
  assert.match(reasons([0x03])[0]!, /field number 0/);
  assert.match(reasons([0x0b])[0]!, /wire type 3/);
  const whole = Uint8Array.from([
    ...series({ __name__: 'm', l: 'v' }, [[1, 1_700_000_000_000]]),
    ...series({ __name__: 'n' }, [[2, 2]]),
    ...bytesField(3, bytesField(2, 'm')),
  ]);
  let corruptCount = 0;
  for (let cut = 0; cut < whole.length; cut++) {
    const recorder = new RowRecorder();
    const result = scanWriteRequest(whole, cut, recorder, recorder);
    const copy = scan(whole.subarray(0, cut));
    assert.deepEqual(result, copy.result);
    assert.equal(recorder.text(), copy.recorder.text());
    if (result.corrupt !== undefined) corruptCount++;
  }
  assert.equal(corruptCount, whole.length - 3);
});
