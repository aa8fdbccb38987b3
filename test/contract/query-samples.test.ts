// Samples of a query as its statistics count them: what each step looks at, and what it is the
// first to look at. Series of a sample every 10 s; a histogram of two buckets counts for 12.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KIND } from '../../src/model/columns.ts';
import { evaluate } from '../../src/promql/engine/engine.ts';
import { parseExpr } from '../../src/promql/parser.ts';
import { withContext } from './contexts.ts';
import { point, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const SEC = 1_000_000;
const START_US = 1_700_000_000 * SEC;

function histogram(tUs: number, i: number): Row {
  const none = new Float64Array(0);
  const value = {
    isInteger: true,
    schema: 0,
    zeroThreshold: 0.001,
    zeroCount: i,
    count: i * 3,
    sum: i,
    counterResetHint: 0,
    positiveSpans: [{ offset: 0, length: 2 }],
    positiveBuckets: Float64Array.of(i, i),
    negativeSpans: [],
    negativeBuckets: none,
    customValues: none,
  } as const;
  return { series: { __name__: 'nh' }, tUs, kind: KIND.histogram, value };
}

/** Expression, samples looked at and read by four steps of a minute. */
const CASES: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ['m', [2, 2, 2, 2], [2, 2, 2, 2]],
  ['m + m', [4, 4, 4, 4], [4, 4, 4, 4]],
  ['sum(m)', [2, 2, 2, 2], [2, 2, 2, 2]],
  ['nh', [12, 12, 12, 12], [12, 12, 12, 12]],
  ['sum(nh)', [12, 12, 12, 12], [12, 12, 12, 12]],
  ['rate(m[2m])', [24, 24, 24, 24], [24, 12, 12, 12]],
  ['sum(rate(m[2m]))', [24, 24, 24, 24], [24, 12, 12, 12]],
  ['sum(rate(m[30s]))', [6, 6, 6, 6], [6, 6, 6, 6]],
  ['rate(nh[90s])', [108, 108, 108, 108], [108, 72, 72, 72]],
  ['m @ end()', [2, 2, 2, 2], [2, 0, 0, 0]],
  ['sum_over_time(m[1m] @ end())', [12, 12, 12, 12], [12, 0, 0, 0]],
  ['timestamp(nh)', [1, 1, 1, 1], [1, 1, 1, 1]],
  ['max_over_time(m[1m:30s])', [4, 4, 4, 4], [4, 4, 4, 4]],
  ['max_over_time(rate(m[30s])[1m:30s])', [4, 4, 4, 4], [12, 12, 12, 12]],
  ['max_over_time(m[10s:10s])', [2, 2, 2, 2], [2, 2, 2, 2]],
  ['increase(m[1m] anchored)', [72, 72, 72, 72], [72, 12, 12, 12]],
  ['1 + time()', [0, 0, 0, 0], [0, 0, 0, 0]],
];

test('each step looks at its windows, and reads what is new in them', async () => {
  const under = await new TsdbUnderTest({}, 1).open();
  const { storage } = under;
  const rows: Row[] = [];
  for (let i = 0; i < 120; i++) {
    const tUs = START_US + i * 10 * SEC;
    for (const host of ['a', 'b']) rows.push(point({ __name__: 'm', host }, tUs, i));
    rows.push(histogram(tUs, i));
  }
  await writeRows(storage, rows);
  const startUs = START_US + 900 * SEC;
  const times = { startUs, endUs: startUs + 180 * SEC, stepUs: 60 * SEC, lookbackUs: 300 * SEC };
  const counted = async (text: string, countsSamples: boolean) =>
    await withContext(storage, async (context) => {
      const expr = parseExpr(text);
      return await evaluate(storage, context, expr, { ...times, countsSamples });
    });
  for (const [text, total, read] of CASES) {
    const result = await counted(text, true);
    const { counted: counts } = result.stats;
    assert.deepEqual([[...counts!.total], [...counts!.read]], [total, read], text);
    const plain = await counted(text, false);
    assert.deepEqual(result.series, plain.series, text);
    assert.equal(plain.stats.counted, undefined);
  }
  await storage.close();
});
