// Export and import of JSON lines are inverse for every kind, companion and bit pattern.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import type { Kind, Points, Samples } from '../../model/columns.ts';
import { KIND } from '../../model/columns.ts';
import type { Histogram } from '../../model/histogram.ts';
import type { Labels } from '../../model/labels.ts';
import { labelsFromPairs } from '../../model/labels.ts';
import type { SelectedSeries } from '../../model/storage.ts';
import { EXPORT_LINE_BYTES } from '../limits.ts';
import { scanJsonLines } from './decode.ts';
import type { JsonLinesForm } from './encode.ts';
import { JsonLinesEncoder } from './encode.ts';

function encode(series: readonly SelectedSeries[], form: JsonLinesForm): string {
  const encoder = new JsonLinesEncoder(form);
  const chunks = series.flatMap((one) => [...encoder.add(one)]);
  return Buffer.concat([...chunks, ...encoder.finish()]).toString('utf8');
}

function scan(text: string) {
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  return { recorder, result: scanJsonLines(body, end, recorder, recorder) };
}

function samples(kind: Kind, values: unknown, tUs: number[], more: Partial<Samples> = {}): Samples {
  const companions = { subNs: undefined, startUs: undefined, position: undefined };
  const column = { kind, values, count: tUs.length, tUs: Float64Array.from(tUs) };
  return { ...column, ...companions, ...more } as unknown as Samples;
}

const histogram: Histogram = {
  isInteger: true,
  schema: 3,
  zeroThreshold: 2.938735877055719e-39,
  zeroCount: 1,
  count: 6,
  sum: Number.NaN,
  counterResetHint: 2,
  positiveSpans: [{ offset: -2, length: 2 }],
  positiveBuckets: Float64Array.of(3, 2),
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
};

test("VictoriaMetrics' form looks as that server writes it", () => {
  const labels = ['__name__', 'm"1', 'job', 'ü'];
  const chunks = [
    samples(KIND.f64, Float64Array.of(1.5, Number.NaN, Infinity, -Infinity), [0, 1500, 2000, -1]),
    samples(KIND.string, ['not here'], [5000]),
    samples(KIND.i64, BigInt64Array.of(-7n), [6000]),
    samples(KIND.boolean, Uint8Array.of(1), [7000]),
  ];
  assert.equal(
    encode([{ labels, chunks }], 'victoriametrics'),
    '{"metric":{"__name__":"m\\"1","job":"ü"},"values":[1.5,null,"Infinity","-Infinity"],' +
      '"timestamps":[0,1,2,-1]}\n' +
      '{"metric":{"__name__":"m\\"1","job":"ü"},"values":[-7],"timestamps":[6]}\n' +
      '{"metric":{"__name__":"m\\"1","job":"ü"},"values":[1],"timestamps":[7]}\n',
  );
});

test('both forms are read; bad lines are refused alone', () => {
  const { recorder, result } = scan(
    [
      '{"metric":{"__name__":"a"},"values":[1,"Infinity",null],"timestamps":[1,2,3]}',
      '',
      '{"metric":{"__name__":"a"},"values":[1,2],"timestamps":[1]}',
      '{"values":[1],"timestamps":[1],"metric":{"x":"}"}}',
      'nonsense',
      '{"metric":{"__name__":"a"},"kind":"i64","values":["9223372036854775808"],"timestampsUs":[1]}',
      '{"metric":{"__name__":"a"},"kind":"i64","values":["-5"],"timestampsUs":[1]}',
      '{"metric":{},"values":[1],"timestamps":[1]}',
      '{"metric":{"__name__":1},"values":[1],"timestamps":[1]}',
      '{"metric":{"__name__":"a"},"values":["x"],"timestamps":[1]}',
      '{"metric":{"__name__":"a"},"values":[1],"timestamps":[1.5]}',
      '{"metric":{"__name__":"a"},"kind":"histogram","values":[{}],"timestampsUs":[1]}',
    ].join('\n'),
  );
  assert.deepEqual(
    recorder.rows.map((row) => `${row.series} ${String(row.value)} ${row.tUs}`),
    [
      '__name__=a 1 1000',
      '__name__=a Infinity 2000',
      '__name__=a NaN 3000',
      'x=} 1 1000',
      '__name__=a -5 1',
    ],
  );
  assert.deepEqual(
    result.errors.map((error) => error.line),
    [3, 5, 6, 8, 9, 10, 11, 12],
  );
  assert.equal(result.pointCount, 5);
});

test('histograms finer than schema 8 are merged, others of no schema refused', () => {
  const line = (schema: number): string =>
    encode([{ labels: ['__name__', 'h'], chunks: [sample({ ...histogram, schema })] }], 'exact');
  const sample = (value: Histogram): Samples => samples(KIND.histogram, [value], [1]);
  const { recorder, result } = scan(line(9));
  assert.deepEqual(result.errors, []);
  assert.deepEqual(recorder.pointSets[0]!.values[0], {
    ...histogram,
    schema: 8,
    positiveSpans: [{ offset: -1, length: 2 }],
  });
  for (const schema of [53, -5]) assert.equal(scan(line(schema)).result.errorCount, 1);
});

const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const labelsArbitrary: fc.Arbitrary<Labels> = fc
  .array(
    fc.tuple(
      text.filter((name) => name !== ''),
      text,
    ),
    { maxLength: 4 },
  )
  .map((pairs) => labelsFromPairs(['__name__', 'm', ...pairs.flat(), '__proto__', 'kept']));

function columnsArbitrary(count: number): fc.Arbitrary<{ kind: Kind; values: unknown }> {
  const size = { minLength: count, maxLength: count };
  const bits = fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), size);
  return fc.oneof(
    fc.array(fc.double(), size).map((list) => ({
      kind: KIND.f64,
      values: Float64Array.from(list),
    })),
    bits.map((list) => ({
      kind: KIND.f64,
      values: new Float64Array(BigUint64Array.from(list).buffer),
    })),
    bits.map((list) => ({
      kind: KIND.i64,
      values: new BigInt64Array(BigUint64Array.from(list).buffer),
    })),
    bits.map((list) => ({ kind: KIND.u64, values: BigUint64Array.from(list) })),
    fc.array(fc.integer({ min: 0, max: 1 }), size).map((list) => ({
      kind: KIND.boolean,
      values: Uint8Array.from(list),
    })),
    fc.array(text, size).map((values) => ({ kind: KIND.string, values })),
    fc.constant({ kind: KIND.histogram, values: Array.from({ length: count }, () => histogram) }),
  );
}

const samplesArbitrary: fc.Arbitrary<Samples> = fc.integer({ min: 1, max: 6 }).chain((count) => {
  const size = { minLength: count, maxLength: count };
  const time = fc.integer({ min: -9e15, max: 9e15 });
  const degrees = fc.double({ min: -180, max: 180, noNaN: true });
  const metres = fc.oneof(fc.constant(Number.NaN), fc.double({ noNaN: true, min: -1e4, max: 1e4 }));
  return fc
    .record({
      column: columnsArbitrary(count),
      tUs: fc.array(time, size),
      subNs: fc.option(fc.array(fc.integer({ min: 0, max: 999 }), size)),
      startUs: fc.option(fc.array(fc.oneof(fc.constant(Number.NaN), time), size)),
      place: fc.option(fc.tuple(fc.array(degrees, size), fc.array(metres, size))),
    })
    .map(({ column, tUs, subNs, startUs, place }) =>
      samples(column.kind, column.values, tUs, {
        subNs: subNs === null ? undefined : Uint16Array.from(subNs),
        startUs: startUs === null ? undefined : Float64Array.from(startUs),
        position:
          place === null
            ? undefined
            : {
                latitude: Float64Array.from(place[0]),
                longitude: Float64Array.from(place[0]),
                elevation: Float64Array.from(place[1]),
              },
      }),
    );
});

/** Sample by sample, down to the bits of doubles: where a line ends is not part of it. */
function comparable(columns: readonly (Samples | Points)[]): readonly unknown[] {
  return columns.flatMap((column) => {
    const { kind, count, tUs, subNs, startUs, position } = column;
    return Array.from({ length: count }, (_, i) => ({
      kind,
      value: valueOf(column, i),
      tUs: tUs[i],
      subNs: subNs?.[i] ?? 0,
      startUs: startUs?.[i] ?? Number.NaN,
      latitude: position?.latitude[i] ?? Number.NaN,
      longitude: position?.longitude[i] ?? Number.NaN,
      elevation: position?.elevation[i] ?? Number.NaN,
    }));
  });
}

function valueOf({ values }: Samples | Points, i: number): unknown {
  if (Array.isArray(values)) return values[i];
  const { buffer, byteOffset, BYTES_PER_ELEMENT } = values as Uint8Array;
  return [...new Uint8Array(buffer, byteOffset + i * BYTES_PER_ELEMENT, BYTES_PER_ELEMENT)];
}

test('the exact form gives back every kind, companion and bit', () => {
  fc.assert(
    fc.property(labelsArbitrary, fc.array(samplesArbitrary, { maxLength: 3 }), (labels, chunks) => {
      const { recorder, result } = scan(encode([{ labels, chunks }], 'exact'));
      assert.deepEqual(result.errors, []);
      assert.deepEqual(comparable(recorder.pointSets), comparable(chunks));
      const expected = labels.map((part, i) => (i % 2 === 0 ? `${part}=` : `${part},`)).join('');
      for (const row of recorder.rows) assert.equal(`${row.series},`, expected);
    }),
    { numRuns: 150 },
  );
});

test('lines do not show where chunks begin and end', () => {
  const labels = ['__name__', 'm'];
  const [tUs, values] = [
    [1, 2, 3, 4, 5],
    [0.5, 1, 1.5, 2, 2.5],
  ];
  const part = (from: number, to: number, more: Partial<Samples> = {}): Samples =>
    samples(KIND.f64, Float64Array.from(values.slice(from, to)), tUs.slice(from, to), more);
  const whole = [part(0, 5, { subNs: Uint16Array.of(0, 7, 0, 0, 0) })];
  const none = { startUs: new Float64Array(2).fill(Number.NaN) };
  const pieces = [part(0, 1), part(1, 3, { subNs: Uint16Array.of(7, 0) }), part(3, 5, none)];
  for (const lineSamplesMax of [1, 2, 3, 10]) {
    const printed = (chunks: readonly Samples[]): string => {
      const encoder = new JsonLinesEncoder('exact', lineSamplesMax);
      return Buffer.concat([...encoder.add({ labels, chunks }), ...encoder.finish()]).toString();
    };
    assert.equal(printed(pieces), printed(whole));
    assert.equal(printed(whole).split('\n').length - 1, Math.ceil(5 / lineSamplesMax));
    assert.equal(printed(whole).split('"subNs"').length - 1, 1);
    assert.ok(!printed(pieces).includes('startUs'));
  }
});

test('long series take several lines and chunks of bounded size', () => {
  const count = 25_000;
  const long = samples(
    KIND.f64,
    Float64Array.from({ length: count }, (_, i) => i / 3),
    Array.from({ length: count }, (_, i) => i * 1000),
  );
  const encoder = new JsonLinesEncoder('victoriametrics');
  const chunks = [...encoder.add({ labels: ['__name__', 'm'], chunks: [long] })];
  assert.ok(chunks.length >= 2);
  const { recorder, result } = scan(
    Buffer.concat([...chunks, ...encoder.finish()]).toString('utf8'),
  );
  assert.equal(result.rowCount, 3);
  assert.equal(recorder.rows.length, count);
});

test('a line of long strings or wide histograms fits into a body; how they are stored does not show', () => {
  const labels = ['__name__', 'm'];
  const strings = Array.from({ length: 4000 }, (_, i) => `${i} ${'x'.repeat(4000)}`);
  const manyBuckets: Histogram = {
    isInteger: false,
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 16_000 / 3,
    sum: 0,
    counterResetHint: 0,
    positiveSpans: [{ offset: 0, length: 16_000 }],
    positiveBuckets: new Float64Array(16_000).fill(1 / 3),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
  };
  const wide = Array.from({ length: 60 }, () => manyBuckets);
  for (const [kind, values] of [
    [KIND.string, strings],
    [KIND.histogram, wide],
  ] as const) {
    const part = (from: number, to: number): Samples => {
      const some = values.slice(from, to);
      return samples(
        kind,
        some,
        some.map((_, i) => from + i),
      );
    };
    const lines = (chunks: readonly Samples[]): readonly string[] => {
      const encoder = new JsonLinesEncoder('exact');
      const bytes = Buffer.concat([...encoder.add({ labels, chunks }), ...encoder.finish()]);
      return bytes.toString().split('\n').slice(0, -1);
    };
    const whole = lines([part(0, values.length)]);
    assert.ok(whole.length > 2 && whole.every((line) => line.length < (EXPORT_LINE_BYTES * 3) / 2));
    assert.ok(whole[0]!.length > EXPORT_LINE_BYTES / 2);
    assert.deepEqual(lines([part(0, 7), part(7, 8), part(8, values.length)]), whole);
    const { recorder, result } = scan(`${whole.join('\n')}\n`);
    assert.deepEqual(result.errors, []);
    assert.equal(recorder.rows.length, values.length);
  }
});

test('a body cut at each byte gives its whole lines and reads nothing behind its end', () => {
  const values = Array.from({ length: 3 }, (_, i) => i / 3);
  const series = ['a', 'ü', 'c'].map((name) => ({
    labels: ['__name__', name],
    chunks: [samples(KIND.f64, Float64Array.from(values), [1, 2, 3])],
  }));
  const bytes = new TextEncoder().encode(encode(series, 'exact'));
  const whole = new RowRecorder();
  scanJsonLines(bytes, bytes.length, whole, whole);
  for (let end = 0; end <= bytes.length; end++) {
    const [first, second] = [0, 0x22].map((behind) => {
      const body = new Uint8Array(bytes.length + 8).fill(behind);
      body.set(bytes.subarray(0, end));
      const recorder = new RowRecorder();
      const result = scanJsonLines(body, end, recorder, recorder);
      return { text: recorder.text(), count: recorder.rows.length, errors: result.errors };
    });
    assert.deepEqual(second, first);
    assert.ok(whole.text().startsWith(first!.text));
    const before = bytes.subarray(0, end);
    const lines = before.filter((byte) => byte === 10).length;
    // The last line may be whole without its line break.
    const isWhole = bytes[end] === 10 || end === 0 || bytes[end - 1] === 10;
    assert.equal(first!.errors.length, isWhole ? 0 : 1, `${end}`);
    assert.equal(first!.count, (lines + (bytes[end] === 10 ? 1 : 0)) * values.length);
  }
});
