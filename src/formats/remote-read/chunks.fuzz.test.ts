// Whatever series is put into chunks comes out of them bit by bit, cut where it has to be.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  bitsOfDouble,
  readFloatHistogramChunk,
  readHistogramChunk,
  readXorChunk,
} from '../../../test/support/chunk-reader.ts';
import { KIND } from '../../model/columns.ts';
import type { Samples } from '../../model/columns.ts';
import type { Histogram } from '../../model/histogram.ts';
import { CHUNK_SAMPLES_MAX } from '../limits.ts';
import { CHUNK_TYPE, ChunkCutter } from './chunks.ts';
import type { EncodedChunk } from './chunks.ts';

const COMMON = { subNs: undefined, startUs: undefined, position: undefined };

function chunksOf(columns: readonly Samples[]): EncodedChunk[] {
  const cutter = new ChunkCutter();
  return [...columns.flatMap((samples) => [...cutter.add(samples)]), ...cutter.finish()];
}

function floats(times: readonly number[], bits: readonly bigint[]): Samples {
  const values = new Float64Array(BigUint64Array.from(bits).buffer);
  return {
    ...COMMON,
    kind: KIND.f64,
    count: times.length,
    tUs: Float64Array.from(times, (timeMs) => timeMs * 1000),
    values,
  };
}

function histograms(times: readonly number[], values: readonly Histogram[]): Samples {
  const tUs = Float64Array.from(times, (timeMs) => timeMs * 1000);
  return { ...COMMON, kind: KIND.histogram, count: times.length, tUs, values };
}

/** Ascending times: mostly a steady step, with jumps of every size. */
const times = (max: number): fc.Arbitrary<number[]> =>
  fc
    .tuple(
      fc.integer({ min: -(2 ** 42), max: 2 ** 42 }),
      fc.array(
        fc.oneof(fc.constant(15_000), fc.integer({ min: 1, max: 2 ** 21 }), fc.constant(2 ** 41)),
        {
          minLength: 1,
          maxLength: max,
        },
      ),
    )
    .map(([start, steps]) => {
      let now = start;
      return steps.map((step) => (now += step));
    });

const bits64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.integer({ min: 0, max: 1000 }).map(bitsOfDouble),
  fc.double().map(bitsOfDouble),
  fc.constantFrom(0n, 0x7ff0000000000002n, 0x7ff8000000000001n, 1n, 1n << 63n),
);

test('floats come back with every bit', () => {
  fc.assert(
    fc.property(times(300), fc.array(bits64, { minLength: 300, maxLength: 300 }), (at, bits) => {
      const chunks = chunksOf([floats(at, bits.slice(0, at.length))]);
      assert.equal(chunks.length, Math.ceil(at.length / CHUNK_SAMPLES_MAX));
      const found = chunks.flatMap(({ type, data, minMs, maxMs }) => {
        assert.equal(type, CHUNK_TYPE.xor);
        const samples = readXorChunk(data);
        assert.deepEqual([samples[0]![0], samples.at(-1)![0]], [minMs, maxMs]);
        return samples;
      });
      assert.deepEqual(
        found,
        at.map((time, i) => [time, bits[i]]),
      );
    }),
    { numRuns: 150 },
  );
});

const count = fc.oneof(fc.nat(20), fc.integer({ min: 0, max: 2 ** 50 }));
const buckets = (length: number): fc.Arbitrary<Float64Array> =>
  fc.array(count, { minLength: length, maxLength: length }).map((list) => Float64Array.from(list));

const histogram: fc.Arbitrary<Histogram> = fc.constantFrom(0, 1, 2, 3).chain((layout) =>
  fc.record({
    isInteger: fc.constant(layout !== 2),
    schema: fc.constant([0, 3, -2, -53][layout]!),
    zeroThreshold: fc.constant([0, 2 ** -128, 0.001, 0][layout]!),
    zeroCount: count,
    count,
    sum: fc.oneof(fc.double(), fc.integer()),
    counterResetHint: fc.constantFrom(0, 0, 0, 1, 2, 3),
    positiveSpans: fc.constant([
      { offset: -3 + layout, length: 2 },
      { offset: 40, length: 1 },
    ]),
    positiveBuckets: buckets(3),
    negativeSpans: fc.constant(layout === 1 ? [{ offset: 0, length: 2 }] : []),
    negativeBuckets: buckets(layout === 1 ? 2 : 0),
    customValues: fc.constant(
      layout === 3
        ? Float64Array.of(-1.5, 0, 0.25, 1 / 3, 33_554.43, 33_554.431)
        : new Float64Array(0),
    ),
  }),
);

/** Hints are told for the first of a chunk, the others follow from the cut. */
const withoutHint = (h: Histogram): object => ({
  ...h,
  counterResetHint: h.counterResetHint === 3,
});

test('histograms come back, a chunk has one layout and no reset inside', () => {
  fc.assert(
    fc.property(times(30), fc.array(histogram, { minLength: 30, maxLength: 30 }), (at, list) => {
      const given = list.slice(0, at.length);
      const found = chunksOf([histograms(at, given)]).flatMap(({ type, data }) => {
        const read = type === CHUNK_TYPE.histogram ? readHistogramChunk : readFloatHistogramChunk;
        const samples = read(data);
        for (const [i, { histogram: h }] of samples.entries()) {
          const before = samples[i - 1]?.histogram;
          if (before === undefined || h.counterResetHint === 3) continue;
          assert.ok(h.count >= before.count);
          assert.ok(h.positiveBuckets.every((value, k) => value >= before.positiveBuckets[k]!));
        }
        return samples;
      });
      assert.deepEqual(
        found.map(({ timeMs, histogram: h }) => [timeMs, withoutHint(h)]),
        at.map((time, i) => [time, withoutHint(given[i]!)]),
      );
    }),
    { numRuns: 300 },
  );
});

test('kinds take turns; a marker of staleness is its sum; one sample counts a millisecond', () => {
  const stale = new Float64Array(BigUint64Array.of(0x7ff0000000000002n).buffer)[0]!;
  const [one] = fc.sample(histogram, { numRuns: 1, seed: 1 });
  const base = { ...one!, counterResetHint: 0 as const };
  const chunks = chunksOf([
    floats([1, 2, 2, 2.5], [1n, 2n, 3n, 4n]),
    histograms([3, 4, 5], [base, { ...base, sum: stale }, base]),
    {
      ...COMMON,
      kind: KIND.i64,
      count: 1,
      tUs: Float64Array.of(6000),
      values: BigInt64Array.of(7n),
    },
    { ...COMMON, kind: KIND.string, count: 1, tUs: Float64Array.of(7000), values: ['no'] },
  ]);
  assert.deepEqual(
    chunks.map(({ minMs, maxMs }) => [minMs, maxMs]),
    [
      [1, 2],
      [3, 3],
      [4, 4],
      [5, 5],
      [6, 6],
    ],
  );
  assert.deepEqual(readXorChunk(chunks[0]!.data), [
    [1, 1n],
    [2, 2n],
  ]);
  const read = base.isInteger ? readHistogramChunk : readFloatHistogramChunk;
  const [marker] = read(chunks[2]!.data);
  assert.equal(bitsOfDouble(marker!.histogram.sum), 0x7ff0000000000002n);
  assert.equal(marker!.histogram.positiveBuckets.length, 0);
  assert.deepEqual(readXorChunk(chunks[4]!.data), [[6, bitsOfDouble(7)]]);
});
