// Sums of differences: growth, repetition, failed writes, order, bounds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeltaSums } from '../formats/otlp/deltas.ts';
import type { Histogram } from '../model/histogram.ts';
import { DeltaLedger } from './delta-sums.ts';
import { REF_DROPPED } from './dropped-points.ts';
import { DELTA_SERIES_MAX } from './limits.ts';

function add(sums: DeltaSums, tUs: number, value: number | bigint, ref = 1) {
  const sum = sums.add<number | bigint>({ ref, tUs, subNs: 0, startUs: tUs - 10, value });
  return typeof sum === 'string' ? sum : [sum.value, sum.startUs];
}

test('sums grow from their first start; integers stay integers', async () => {
  const ledger = new DeltaLedger();
  const found = await ledger.write('a', async (open) => {
    const sums = open();
    const list = [
      add(sums, 100, 5),
      add(sums, 110, 2),
      add(sums, 100, 1, 2),
      add(sums, 120, 2n ** 60n, 3),
    ];
    return [...list, add(sums, 130, 1n, 3)];
  });
  assert.deepEqual(found, [
    [5, 90],
    [7, 90],
    [1, 90],
    [2n ** 60n, 110],
    [2n ** 60n + 1n, 110],
  ]);
  assert.equal(ledger.seriesCount, 3);
});

test('series that rules drop share no sum', async () => {
  const ledger = new DeltaLedger();
  const found = await ledger.write('a', async (open) => {
    const sums = open();
    return [add(sums, 100, 5, REF_DROPPED), add(sums, 90, 7, REF_DROPPED)];
  });
  assert.deepEqual(found, [
    [5, 90],
    [7, 80],
  ]);
  assert.equal(ledger.seriesCount, 0);
});

test('a point that comes again is not added again, an older one is refused', async () => {
  const ledger = new DeltaLedger();
  await ledger.write('a', async (open) => add(open(), 100, 5));
  const again = await ledger.write('a', async (open) => {
    const sums = open();
    return [add(sums, 100, 5), add(sums, 99, 5), add(sums, 101, 1)];
  });
  assert.deepEqual(again, [[5, 90], 'a difference that is older than the one before', [6, 90]]);
});

test('what was scanned twice counts once, what was not stored not at all', async () => {
  const ledger = new DeltaLedger();
  const scans = await ledger.write('a', async (open) => [add(open(), 100, 5), add(open(), 100, 5)]);
  assert.deepEqual(scans, [
    [5, 90],
    [5, 90],
  ]);
  await assert.rejects(
    ledger.write('a', async (open) => {
      add(open(), 110, 7);
      throw new Error('disk full');
    }),
    /disk full/,
  );
  assert.deepEqual(await ledger.write('a', async (open) => add(open(), 110, 7)), [12, 90]);
});

test('writes of one tenant follow each other', async () => {
  const ledger = new DeltaLedger();
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow = ledger.write('a', async (open) => {
    const sum = add(open(), 100, 5);
    await promise;
    return sum;
  });
  const next = ledger.write('a', async (open) => add(open(), 110, 1));
  assert.deepEqual(await ledger.write('b', async (open) => add(open(), 100, 9, 7)), [9, 90]);
  resolve();
  assert.deepEqual(await Promise.all([slow, next]), [
    [5, 90],
    [6, 90],
  ]);
});

test('a series that ended starts anew', async () => {
  const ledger = new DeltaLedger();
  await ledger.write('a', async (open) => add(open(), 100, 5));
  await ledger.write('a', async (open) => open().end(1));
  assert.equal(ledger.seriesCount, 0);
  assert.deepEqual(await ledger.write('a', async (open) => add(open(), 90, 1)), [1, 80]);
});

function histogram(
  schema: number,
  counts: readonly number[],
  bounds: readonly number[] = [],
): Histogram {
  return {
    isInteger: true,
    schema,
    zeroThreshold: bounds.length > 0 ? 0 : 1e-128,
    zeroCount: 0,
    count: counts.reduce((sum, count) => sum + count, 0),
    sum: 1,
    counterResetHint: 0,
    positiveSpans: [{ offset: 0, length: counts.length }],
    positiveBuckets: Float64Array.from(counts),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: Float64Array.from(bounds),
  };
}

test('histograms add up; other bounds or another kind of value start anew', async () => {
  const ledger = new DeltaLedger();
  const write = (tUs: number, value: Histogram) =>
    ledger.write('a', async (open) => {
      const sum = open().add({ ref: 1, tUs, subNs: 0, startUs: tUs - 10, value });
      if (typeof sum === 'string') return sum;
      const { isInteger, count, schema } = sum.value;
      return [isInteger, count, schema, sum.startUs];
    });
  assert.deepEqual(await write(100, histogram(3, [1, 2])), [true, 3, 3, 90]);
  assert.deepEqual(await write(110, histogram(1, [4, 4])), [true, 11, 1, 90]);
  assert.deepEqual(await write(120, histogram(-53, [1], [5, 6])), [true, 1, -53, 110]);
  assert.deepEqual(await write(130, histogram(-53, [1], [5, 7])), [true, 1, -53, 120]);
  assert.deepEqual(await ledger.write('a', async (open) => add(open(), 130, 8)), [8, 120]);
});

test('the ledger has a bound; the series used least recently goes', async () => {
  const ledger = new DeltaLedger();
  await ledger.write('a', async (open) => {
    const sums = open();
    for (let ref = 0; ref <= DELTA_SERIES_MAX; ref++) add(sums, 100, 1, ref);
  });
  assert.equal(ledger.seriesCount, DELTA_SERIES_MAX);
  const found = await ledger.write('a', async (open) => {
    const sums = open();
    return [add(sums, 110, 1, 0), add(sums, 110, 1, 1)];
  });
  assert.deepEqual(found, [
    [1, 100],
    [2, 90],
  ]);
});
