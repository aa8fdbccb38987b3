// Merging buckets to schema 8: every observation stays, in a bucket that encloses the one it was
// in, and no two buckets of the result are one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { BucketSpan, Histogram } from './histogram.ts';
import { CUSTOM_BUCKETS_SCHEMA } from './histogram.ts';
import { isKnownSchema, withStoredResolution } from './histogram-resolution.ts';

interface Side {
  readonly spans: readonly BucketSpan[];
  readonly counts: Float64Array;
}

const side = (schema: number): fc.Arbitrary<Side> => {
  const near = fc.integer({ min: -3, max: 3 });
  const far = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const gap = fc.oneof(fc.nat(3), fc.nat(2 ** Math.min(schema - 7, 30)));
  return fc
    .tuple(
      fc.oneof(near, far),
      fc.array(fc.tuple(gap, fc.array(fc.oneof(fc.nat(9), fc.nat(2 ** 40)), { maxLength: 9 })), {
        maxLength: 6,
      }),
    )
    .map(([first, list]) => ({
      spans: list.map(([offset, counts], i) => ({
        offset: i === 0 ? first : offset,
        length: counts.length,
      })),
      counts: Float64Array.from(list.flatMap(([, counts]) => counts)),
    }));
};

const histogram: fc.Arbitrary<Histogram> = fc
  .integer({ min: 9, max: 52 })
  .chain((schema) => fc.tuple(fc.constant(schema), side(schema), side(schema)))
  .map(([schema, positive, negative]) => ({
    isInteger: true,
    schema,
    zeroThreshold: 1e-128,
    zeroCount: 3,
    count: [...positive.counts, ...negative.counts].reduce((sum, count) => sum + count, 3),
    sum: 1.5,
    counterResetHint: 2,
    positiveSpans: positive.spans,
    positiveBuckets: positive.counts,
    negativeSpans: negative.spans,
    negativeBuckets: negative.counts,
    customValues: new Float64Array(0),
  }));

/** Counts by index, one entry a bucket; fails where an index comes twice. */
function byIndex(spans: readonly BucketSpan[], counts: Float64Array): Map<bigint, number> {
  const out = new Map<bigint, number>();
  let index = 0n;
  let at = 0;
  for (const { offset, length } of spans) {
    index += BigInt(offset);
    for (let i = 0; i < length; i++) {
      assert.ok(!out.has(index));
      out.set(index++, counts[at++]!);
    }
  }
  assert.equal(at, counts.length);
  return out;
}

/** What the specification says, in whole numbers: (bound of 2^(i * 2^-s)) up to schema 8. */
function expected(fine: Map<bigint, number>, schema: number): Map<bigint, number> {
  const out = new Map<bigint, number>();
  const width = 2n ** BigInt(schema - 8);
  for (const [index, count] of fine) {
    let target = index / width;
    if (index % width > 0n) target++;
    out.set(target, (out.get(target) ?? 0) + count);
  }
  return out;
}

test('buckets are merged into those that enclose them', () => {
  fc.assert(
    fc.property(histogram, (fine) => {
      const merged = withStoredResolution(fine);
      for (const [spans, buckets] of [
        ['positiveSpans', 'positiveBuckets'],
        ['negativeSpans', 'negativeBuckets'],
      ] as const) {
        assert.deepEqual(
          byIndex(merged[spans], merged[buckets]),
          expected(byIndex(fine[spans], fine[buckets]), fine.schema),
        );
        for (const [i, { offset, length }] of merged[spans].entries())
          assert.ok(length > 0 && (i === 0 || offset > 0));
      }
      const { positiveSpans, negativeSpans, positiveBuckets, negativeBuckets } = merged;
      assert.deepEqual(merged, {
        ...fine,
        schema: 8,
        positiveSpans,
        negativeSpans,
        positiveBuckets,
        negativeBuckets,
      });
    }),
    { numRuns: 500 },
  );
});

test('float counts of one bucket are added in the order of their buckets', () => {
  const merged = withStoredResolution({
    isInteger: false,
    schema: 10,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 1,
    sum: 1,
    counterResetHint: 0,
    positiveSpans: [{ offset: 1, length: 4 }],
    positiveBuckets: Float64Array.of(1e16, 1, 1, -0.5),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
  });
  assert.deepEqual(merged.positiveSpans, [{ offset: 1, length: 1 }]);
  assert.deepEqual(merged.positiveBuckets, Float64Array.of(1e16));
});

test('stored schemas stay as they are', () => {
  for (const schema of [-4, 0, 8, CUSTOM_BUCKETS_SCHEMA]) {
    const kept = { schema } as Histogram;
    assert.equal(withStoredResolution(kept), kept);
  }
  const known = Array.from({ length: 200 }, (_, i) => i - 100).filter(isKnownSchema);
  assert.deepEqual([known[0], known[1], known.at(-1), known.length], [-53, -4, 52, 58]);
});
