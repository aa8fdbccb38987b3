/** Range answers as columns, cells of histograms, and what a heat map makes of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buffersOf, decodeRange, toNumber } from './decode.ts';
import { cellAt, toHeat } from './heat.ts';

const GRID = { startSec: 100, endSec: 120, stepSec: 10 };

function histogram(buckets: readonly (readonly [number, string, string, string])[]) {
  return { count: '7', sum: '9', buckets };
}

const BODY = JSON.stringify({
  status: 'success',
  data: {
    resultType: 'matrix',
    result: [
      {
        metric: { a: '1' },
        values: [
          [100, '1.5'],
          [120, '-Inf'],
        ],
      },
      {
        metric: { a: '2' },
        histograms: [
          [
            110,
            histogram([
              [0, '1', '2', '3'],
              [0, '2', '40', '4'],
            ]),
          ],
        ],
      },
      { metric: { a: '3' }, histograms: [[110, histogram([[0, '1', '2', '5']])]] },
      { metric: { a: '4' }, values: [[100, '9']] },
    ],
  },
  warnings: ['careful'],
});

test('lines become columns, histograms cells; more series than wanted are counted only', () => {
  const range = decodeRange(BODY, GRID, 3);
  assert.equal(range.seriesCount, 4);
  assert.deepEqual(range.warnings, ['careful']);
  assert.deepEqual(range.infos, []);
  assert.equal(range.lines.length, 1);
  assert.deepEqual([...(range.lines[0]?.values ?? [])], [1.5, Number.NaN, Number.NaN]);
  assert.deepEqual([...(range.histograms[0]?.cells ?? [])], [1, 1, 2, 3, 1, 2, 40, 4]);
  assert.equal(buffersOf(range).length, 3);
  assert.throws(() => decodeRange('<html>', GRID, 3), SyntaxError);
});

test('equal buckets of several histograms add up', () => {
  const heat = toHeat(decodeRange(BODY, GRID, 10).histograms, GRID);
  assert.deepEqual(cellAt(heat, 1, 1.5), { index: 1, lower: 1, upper: 2, count: 8 });
  assert.equal(cellAt(heat, 0, 1.5), undefined);
  assert.equal(heat.countMax, 8);
  assert.deepEqual([heat.low, heat.high, heat.isLog], [1, 40, true]);
});

test('a heat map of nothing has an axis all the same', () => {
  const heat = toHeat([], GRID);
  assert.deepEqual([heat.low, heat.high, heat.isLog, heat.countMax], [0, 1, false, 0]);
});

test('negative bounds stay on a straight axis', () => {
  const cells = Float64Array.of(0, -50, -1, 2, 0, 1, 50, 2);
  assert.equal(toHeat([{ metric: {}, cells }], GRID).isLog, false);
});

test('numbers as the API prints them', () => {
  assert.deepEqual(['+Inf', '-Inf', '1e-7'].map(toNumber), [Infinity, -Infinity, 1e-7]);
});
