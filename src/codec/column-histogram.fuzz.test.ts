// Native histograms in blocks and records: any that can be held comes back bit for bit, by the
// reference and by the kernel, stored by rows or by columns; damage ends in a CodecError or in
// other histograms, never in a read outside.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import * as fc from 'fast-check';
import { NASTY_COLUMNS } from '../../test/support/nasty-columns.ts';
import { decodeBlock, encodeBlock } from './block.ts';
import {
  readHistogram,
  readHistograms,
  writeHistogram,
  writeHistograms,
} from './column-histogram.ts';
import type { HistogramShape } from './column-histogram.ts';
import { MODE, readColumn } from './column.ts';
import { createColumnKernel, useColumnKernel } from './kernels.ts';
import { ByteReader, ByteWriter, CodecError } from './varint.ts';

const kernel = createColumnKernel(
  new WebAssembly.Module(readFileSync(new URL('../../dist/wasm/columns.wasm', import.meta.url))),
);

afterEach(() => useColumnKernel(undefined));

/** Every double by its bits: a NaN's payload must not pass through arithmetic. */
const anyBits = fc
  .oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.constantFrom(0x7ff0000000000002n, 1n << 63n, 0x7ff8000000000000n, 0xfff8000000000001n, 1n),
  )
  .map((word) => new Float64Array(BigUint64Array.of(word).buffer)[0]!);
const wholeCount = fc.oneof(fc.nat(20), fc.maxSafeNat());
const oddCount = fc.oneof(
  wholeCount,
  fc.constantFrom(2 ** 53, 2 ** 63, 0.5, -0, Infinity),
  anyBits,
);
const offset = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);
const spans = fc.array(fc.record({ offset, length: fc.nat(5) }), { maxLength: 4 });

type Frame = Omit<HistogramShape, 'sum' | 'count' | 'zeroCount' | Buckets>;
type Buckets = 'positiveBuckets' | 'negativeBuckets';

const frame: fc.Arbitrary<Frame> = fc.record({
  isInteger: fc.boolean(),
  schema: fc.oneof(fc.integer({ min: -4, max: 8 }), fc.constantFrom(-53, 100, -100)),
  zeroThreshold: fc.oneof(fc.constantFrom(0, 2.938735877055719e-39), anyBits),
  counterResetHint: fc.constantFrom(0, 1, 2, 3),
  positiveSpans: spans,
  negativeSpans: spans,
  customValues: fc.array(anyBits, { maxLength: 5 }).map((list) => Float64Array.from(list)),
});

const bucketCount = (list: Frame['positiveSpans']): number =>
  list.reduce((sum, { length }) => sum + length, 0);

function filled(shape: Frame, number: fc.Arbitrary<number>): fc.Arbitrary<HistogramShape> {
  const buckets = (list: Frame['positiveSpans']): fc.Arbitrary<Float64Array> =>
    fc
      .array(number, { minLength: bucketCount(list), maxLength: bucketCount(list) })
      .map((counts) => Float64Array.from(counts));
  return fc
    .record({
      sum: anyBits,
      count: number,
      zeroCount: number,
      positiveBuckets: buckets(shape.positiveSpans),
      negativeBuckets: buckets(shape.negativeSpans),
    })
    .map((numbers) => ({ ...shape, ...numbers }));
}

const number = fc.constantFrom(wholeCount, oddCount);
const mixed = fc.array(
  fc.tuple(frame, number).chain(([shape, one]) => filled(shape, one)),
  { minLength: 1, maxLength: 12 },
);
const ofOneShape = fc
  .tuple(frame, number, fc.integer({ min: 1, max: 80 }))
  .chain(([shape, one, count]) =>
    fc.array(filled(shape, one), { minLength: count, maxLength: count }),
  );

function bits(value: number): string {
  return new BigUint64Array(Float64Array.of(value).buffer)[0]!.toString(16);
}

/** Comparable, down to the bits of doubles. */
function shown(h: HistogramShape): unknown {
  return {
    ...h,
    sum: bits(h.sum),
    count: bits(h.count),
    zeroCount: bits(h.zeroCount),
    zeroThreshold: bits(h.zeroThreshold),
    positiveBuckets: Array.from(h.positiveBuckets, bits),
    negativeBuckets: Array.from(h.negativeBuckets, bits),
    customValues: Array.from(h.customValues, bits),
    // fast-check's records have no prototype.
    positiveSpans: h.positiveSpans.map(({ offset: at, length }) => [at, length]),
    negativeSpans: h.negativeSpans.map(({ offset: at, length }) => [at, length]),
  };
}

function encoded(values: readonly HistogramShape[]): Uint8Array {
  const out = new ByteWriter(16);
  const tUs = Float64Array.from(values, (_, i) => i * 15e6);
  const companions = { subNs: undefined, startUs: undefined, position: undefined };
  encodeBlock(out, { kind: 5, values, count: values.length, tUs, ...companions });
  return out.take();
}

function comesBack(values: readonly HistogramShape[]): void {
  const bytes = encoded(values);
  for (const engine of [undefined, kernel]) {
    useColumnKernel(engine);
    const block = decodeBlock(bytes, 0);
    assert.ok(block.kind === 5);
    assert.deepEqual(block.values.map(shown), values.map(shown));
  }
  useColumnKernel(undefined);
}

test('histograms of any shapes come back bit for bit', () => {
  fc.assert(fc.property(mixed, comesBack), { numRuns: 400 });
});

test('histograms of one shape come back bit for bit', () => {
  fc.assert(fc.property(ofOneShape, comesBack), { numRuns: 250 });
});

test('columns that hurt an encoder come back as buckets, sums and counts', () => {
  const count = 200;
  for (const { make } of NASTY_COLUMNS) {
    const numbers = make(count);
    const values = Array.from(numbers, (value, i): HistogramShape => ({
      isInteger: false,
      schema: 3,
      zeroThreshold: 0,
      counterResetHint: 0,
      sum: value,
      count: numbers[count - 1 - i]!,
      zeroCount: i,
      positiveSpans: [{ offset: -1, length: 2 }],
      positiveBuckets: Float64Array.of(i, value),
      negativeSpans: [{ offset: 0, length: 1 }],
      negativeBuckets: Float64Array.of(value),
      customValues: new Float64Array(0),
    }));
    comesBack(values);
  }
});

test('one shape is stored by columns from four histograms on', () => {
  const modeOf = (values: readonly HistogramShape[]): number => {
    const out = new ByteWriter(16);
    writeHistograms(out, new ByteWriter(16), values, values.length);
    const bytes = out.take();
    return readColumn(new ByteReader(bytes, 0, bytes.length)).mode;
  };
  fc.assert(
    fc.property(ofOneShape, (values) => {
      const mode = values.length < 4 ? MODE.histograms : MODE.histogramColumns;
      assert.equal(modeOf(values), mode);
    }),
    { numRuns: 50 },
  );
});

test('a histogram of a record comes back bit for bit', () => {
  const one = fc.tuple(frame, number).chain(([shape, counts]) => filled(shape, counts));
  fc.assert(
    fc.property(one, (histogram) => {
      const out = new ByteWriter(16);
      writeHistogram(out, histogram);
      const bytes = out.take();
      const reader = new ByteReader(bytes, 0, bytes.length);
      assert.deepEqual(shown(readHistogram(reader)), shown(histogram));
      reader.finish();
    }),
    { numRuns: 500 },
  );
});

test('damaged columns are refused or read as others, never beyond their end', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.oneof(mixed, ofOneShape), damage, fc.nat(), (values, changes, cut) => {
      const out = new ByteWriter(16);
      writeHistograms(out, new ByteWriter(16), values, values.length);
      const bytes = out.take();
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      const end = cut % 3 === 0 ? cut % (bytes.length + 1) : bytes.length;
      const outcomes = [undefined, kernel].map((engine) => {
        useColumnKernel(engine);
        try {
          const read = readHistograms(readColumn(new ByteReader(bytes, 0, end)), values.length);
          return JSON.stringify(read.map(shown));
        } catch (error) {
          assert.ok(error instanceof CodecError, String(error));
          return 'refused';
        }
      });
      assert.equal(outcomes[0], outcomes[1]);
    }),
    { numRuns: 600 },
  );
});
