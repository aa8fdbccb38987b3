// Protobuf exposition: each type, exemplars and created times, what is refused, bodies cut at every
// byte, random messages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  bytesField,
  doubleField,
  varintBytes,
  varintField,
  zigzagField,
} from '../../../test/support/protobuf-writer.ts';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import type { Histogram } from '../../model/histogram.ts';
import type { ExpositionOptions } from '../prometheus-text/exposition.ts';
import { scanMetricFamilies } from './families.ts';

const NOW_US = 1_700_000_000_000_000;
const COUNTER = 0;
const GAUGE = 1;
const SUMMARY = 2;
const UNTYPED = 3;
const HISTOGRAM = 4;
const GAUGE_HISTOGRAM = 5;

function scan(bytes: Iterable<number>, more: Partial<ExpositionOptions> = {}) {
  const { body, end } = withCanary(Uint8Array.from(bytes));
  const recorder = new RowRecorder();
  const options = { defaultTimeUs: NOW_US, mode: 'import', extraLabels: [], ...more } as const;
  return { recorder, result: scanMetricFamilies(body, end, options, recorder, recorder) };
}

const pair = (name: string, value: string) =>
  bytesField(1, [...bytesField(1, name), ...bytesField(2, value)]);
const metric = (labels: readonly (readonly [string, string])[], ...fields: number[][]) =>
  bytesField(4, [...labels.flatMap(([name, value]) => pair(name, value)), ...fields.flat()]);
const timestamp = (field: number, seconds: number, nanos: number) =>
  bytesField(field, [...varintField(1, seconds), ...varintField(2, nanos)]);

function family(name: string, type: number, ...metrics: number[][]): number[] {
  const message = [
    ...bytesField(1, name),
    ...bytesField(2, 'help'),
    ...varintField(3, type),
    ...metrics.flat(),
    ...bytesField(5, 'seconds'),
  ];
  return [...varintBytes(message.length), ...message];
}

function check(bytes: number[], expected: string[], more: Partial<ExpositionOptions> = {}): void {
  const { recorder, result } = scan(bytes, more);
  assert.deepEqual(result.errors, []);
  assert.equal(recorder.text().replaceAll(` @${NOW_US}`, ''), expected.join('\n'));
  assert.equal(result.pointCount, expected.length);
}

test('counters, gauges and untyped metrics; labels and times', () => {
  const counter = family(
    'c_total',
    COUNTER,
    metric([['b', 'x']], bytesField(3, doubleField(1, 1.5)), varintField(6, 1234)),
  );
  const gauge = family('g', GAUGE, metric([], bytesField(2, doubleField(1, 0x7ff0000000000002n))));
  const untyped = family('u.v', UNTYPED, metric([], bytesField(5, doubleField(1, -1))));
  check(
    [...counter, ...gauge, ...untyped],
    [
      '__name__=c_total,b=x f64 1.5 @1234000',
      '__name__=g f64 "bits:7ff0000000000002"',
      '__name__=u.v f64 -1',
    ],
  );
  assert.deepEqual(scan(gauge).recorder.metadataRows, [
    { family: 'g', type: 'gauge', unit: 'seconds', help: 'help' },
  ]);
});

test('labels of a target move those of the page aside; types and units as labels', () => {
  check(
    family('g', GAUGE, metric([['job', 'own']], bytesField(2, doubleField(1, 1)))),
    ['__name__=g,__type__=gauge,__unit__=seconds,exported_job=own,job=x f64 1'],
    { extraLabels: ['job', 'x'], typeLabels: true },
  );
});

test('a summary is a count, a sum and its quantiles, all with the created time', () => {
  const quantile = bytesField(3, [...doubleField(1, 0.5), ...doubleField(2, 7)]);
  const summary = bytesField(4, [
    ...varintField(1, 3),
    ...doubleField(2, 9.5),
    ...quantile,
    ...timestamp(4, 12, 345_678_900),
  ]);
  const { recorder } = scan(family('s', SUMMARY, metric([], summary)));
  assert.deepEqual(
    recorder.rows.map(({ series, value }) => [series, value]),
    [
      ['__name__=s_count', 3],
      ['__name__=s_sum', 9.5],
      ['__name__=s,quantile=0.5', 7],
    ],
  );
  assert.deepEqual(
    recorder.pointSets.map(({ startUs }) => startUs?.[0]),
    [12_345_678, 12_345_678, 12_345_678],
  );
});

const exemplar = (field: number, id: string, time?: number[]) =>
  bytesField(field, [...pair('id', id), ...doubleField(2, 0.25), ...(time ?? [])]);
const CLASSIC = bytesField(7, [
  ...varintField(1, 5),
  ...doubleField(2, 9.5),
  ...bytesField(3, [...varintField(1, 2), ...doubleField(2, 1), ...exemplar(3, 'e')]),
  ...bytesField(3, [...varintField(1, 4), ...doubleField(2, 2)]),
]);

test('a classic histogram is a count, a sum and buckets up to +Inf', () => {
  const body = family('h', HISTOGRAM, metric([['a', 'b']], CLASSIC));
  check(body, [
    '__name__=h_count,a=b f64 5',
    '__name__=h_sum,a=b f64 9.5',
    '__name__=h_bucket,a=b,le=1.0 f64 2',
    '__name__=h_bucket,a=b,le=2.0 f64 4',
    '__name__=h_bucket,a=b,le=+Inf f64 5',
  ]);
  const { recorder } = scan(body);
  assert.deepEqual(
    recorder.exemplars.map(({ ref, labels, tUs }) => [recorder.seriesOf(ref), labels, tUs]),
    [['__name__=h_bucket,a=b,le=1.0', ['id', 'e'], NOW_US]],
  );
});

test('it becomes one of custom buckets where that is asked for', () => {
  const { recorder, result } = scan(family('h', HISTOGRAM, metric([['a', 'b']], CLASSIC)), {
    customBuckets: true,
  });
  assert.deepEqual(result.errors, []);
  assert.deepEqual(
    recorder.rows.map(({ series, kind }) => [series, kind]),
    [['__name__=h,a=b', 'histogram']],
  );
  const histogram = recorder.rows[0]!.value as Histogram;
  assert.equal(histogram.count, 5);
  assert.deepEqual(histogram.customValues, Float64Array.of(1, 2));
  assert.deepEqual(histogram.positiveBuckets, Float64Array.of(2, 2, 1));
});

const native = (count: number, isFloat = false) =>
  bytesField(7, [
    ...(isFloat ? doubleField(4, count) : varintField(1, count)),
    ...doubleField(2, 9.5),
    ...zigzagField(5, 1),
    ...doubleField(6, 0.001),
    ...(isFloat ? doubleField(8, 1) : varintField(7, 1)),
    ...bytesField(12, [...zigzagField(1, -1), ...varintField(2, 2)]),
    ...(isFloat
      ? [...doubleField(14, 1.5), ...doubleField(14, 2)]
      : [...zigzagField(13, 1), ...zigzagField(13, 1)]),
    ...timestamp(15, 3, 0),
    ...exemplar(16, 'n', timestamp(3, 7, 0)),
    ...bytesField(3, [...varintField(1, Math.ceil(count)), ...doubleField(2, 1)]),
  ]);

test('a native histogram is one point, with start time and exemplars, without classic buckets', () => {
  for (const isFloat of [false, true]) {
    const { recorder, result } = scan(
      family('h', GAUGE_HISTOGRAM, metric([], native(isFloat ? 4.5 : 4, isFloat))),
    );
    assert.deepEqual(result.errors, []);
    assert.deepEqual(
      recorder.rows.map(({ series, kind }) => [series, kind]),
      [['__name__=h', 'histogram']],
    );
    const histogram = recorder.rows[0]!.value as Histogram;
    const buckets = isFloat ? [1.5, 2] : [1, 2];
    assert.deepEqual(histogram.positiveBuckets, Float64Array.from(buckets));
    assert.deepEqual(histogram.positiveSpans, [{ offset: -1, length: 2 }]);
    assert.equal(histogram.counterResetHint, 3);
    assert.equal(histogram.isInteger, !isFloat);
    assert.equal(recorder.pointSets[0]!.startUs?.[0], 3_000_000);
    assert.deepEqual(
      recorder.exemplars.map(({ labels, tUs }) => [labels, tUs]),
      [[['id', 'n'], 7_000_000]],
    );
  }
});

test('what is refused alone', () => {
  const good = metric([], bytesField(2, doubleField(1, 1)));
  const cases: [number[], RegExp][] = [
    [family('g', GAUGE, metric([], bytesField(3, doubleField(1, 1))), good), /is no gauge/],
    [family('g', GAUGE, metric([['', 'x']], bytesField(2, doubleField(1, 1))), good), /empty name/],
    [
      family(
        'g',
        GAUGE,
        metric(
          [
            ['a', 'x'],
            ['a', 'y'],
          ],
          bytesField(2, doubleField(1, 1)),
        ),
        good,
      ),
      /'a' is not unique/,
    ],
    [
      family('g', GAUGE, metric([], bytesField(2, []), varintField(6, 2n ** 62n)), good),
      /out of range/,
    ],
    [[...family('h', HISTOGRAM, metric([], native(9))), ...family('g', GAUGE, good)], /count of 9/],
    [[...family('', GAUGE, good), ...family('g', GAUGE, good)], /without a name/],
    [[...family('x', 9, good), ...family('g', GAUGE, good)], /unknown type 9/],
  ];
  for (const [bytes, reason] of cases) {
    const { recorder, result } = scan(bytes);
    assert.equal(result.errorCount, 1, String(reason));
    assert.match(result.errors[0]!.reason, reason);
    assert.deepEqual(
      recorder.rows.map(({ series }) => series),
      ['__name__=g'],
    );
  }
});

const WHOLE = [
  ...family('h', HISTOGRAM, metric([['a', 'b']], CLASSIC), metric([], native(4))),
  ...family('c', COUNTER, metric([], bytesField(3, doubleField(1, 1)))),
];

test('a body cut at any byte is corrupt, but between two families', () => {
  const between = family('h', HISTOGRAM, metric([['a', 'b']], CLASSIC), metric([], native(4)));
  for (let end = 1; end < WHOLE.length; end++) {
    const { result } = scan(WHOLE.slice(0, end));
    assert.equal(result.corrupt === undefined, end === between.length, String(end));
  }
});

test('random bytes and random changes never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const { recorder, result } = scan(bytes);
      assert.equal(result.pointCount, recorder.rows.length);
    }),
  );
  fc.assert(
    fc.property(fc.nat(WHOLE.length - 1), fc.nat(255), (at, byte) => {
      const changed = [...WHOLE];
      changed[at] = byte;
      for (const customBuckets of [false, true]) {
        const { recorder, result } = scan(changed, { customBuckets });
        assert.equal(result.pointCount, recorder.rows.length);
      }
    }),
    { numRuns: 2000 },
  );
});
