/** Grids, gaps, statistics; labels and colours of series. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slotOf, styleSeries } from './colour.ts';
import { formatLabels, labelColumns, visible, visibleLine, visibleLines } from './labels.ts';
import {
  alignedGrid,
  envelope,
  gridOf,
  gridTimes,
  isolatedIndexes,
  stackColumns,
  toChartSeries,
  toGridSeries,
} from './series.ts';

test('grids hold their ends', () => {
  assert.deepEqual(gridOf(100.5, 110.5, 5), { startSec: 100.5, endSec: 110.5, stepSec: 5 });
  assert.deepEqual(gridOf(101, 110.5, 5), { startSec: 105.5, endSec: 110.5, stepSec: 5 });
  assert.deepEqual(alignedGrid(101, 112, 5), { startSec: 100, endSec: 110, stepSec: 5 });
  assert.deepEqual(gridTimes(alignedGrid(101, 112, 5)), [100, 105, 110]);
});

test('a missing step is a gap; statistics ignore what is not finite', () => {
  const grid = { startSec: 0, endSec: 20, stepSec: 5 };
  const raw = {
    metric: { __name__: 'a' },
    values: [
      [0, '1'],
      [10, '4'],
      [15, '+Inf'],
      [20, 'NaN'],
      [25, '9'],
    ] as const,
  };
  const [series] = toChartSeries([toGridSeries(raw, grid)]);
  assert.ok(series);
  assert.deepEqual([...series.values], [1, Number.NaN, 4, Number.NaN, Number.NaN]);
  assert.deepEqual(series.stats, { last: 4, min: 1, mean: 2.5, max: 4 });
  assert.deepEqual(isolatedIndexes(series.values, 0, 4), [0, 2]);
  assert.deepEqual(isolatedIndexes(Float64Array.of(1, 2, Number.NaN, 3), 0, 3), [3]);
});

test('series of several queries with equal labels are told apart', () => {
  const one = { metric: { job: 'a' }, values: Float64Array.of(1) };
  const [first] = toChartSeries([one]);
  const [second] = toChartSeries([one], 'B');
  assert.notEqual(first?.key, second?.key);
  assert.equal(first?.name, second?.name);
});

test('a stack adds up and a gap adds nothing', () => {
  const columns = [Float64Array.of(1, Number.NaN, 3), Float64Array.of(10, 20, Number.NaN)];
  const stack = stackColumns(columns, 3);
  assert.deepEqual(
    stack.map((column) => [...column]),
    [
      [1, 0, 3],
      [11, 20, 3],
    ],
  );
});

test('an envelope holds the lowest and highest of each step', () => {
  const columns = [Float64Array.of(1, Number.NaN, -3), Float64Array.of(10, Number.NaN, 5)];
  assert.deepEqual(envelope(columns, 3), [
    [1, null, -3],
    [10, null, 5],
  ]);
});

test('label sets print as selectors whatever they hold', () => {
  assert.equal(
    formatLabels({ __name__: 'up', job: 'node', a: '"x"' }),
    'up{a="\\"x\\"", job="node"}',
  );
  assert.equal(
    formatLabels({ __name__: 'sys.cpu', 'höst.name': 'a' }),
    '{"sys.cpu", "höst.name"="a"}',
  );
  assert.equal(formatLabels({ a: 'x\u202Ey\n' }), '{a="x\\u202Ey\\n"}');
  assert.equal(visibleLine(' Served.\n  All\u202E. '), 'Served. All\\u202E.');
  assert.equal(visibleLines('a\u0000\r\nb\u202E\n\nc\r'), 'a\\u0000\nb\\u202E\n\nc\\u000D');
  assert.equal(visible('a\u0000b\u200Bü\u{E0001}'), 'a\\u0000b\\u200Bü\\U000E0001');
  assert.equal(formatLabels({}), '{}');
  assert.deepEqual(
    labelColumns([
      { __name__: 'a', job: 'x', z: '1' },
      { __name__: 'a', job: 'x', z: '2' },
    ]),
    ['__name__', 'z', 'job'],
  );
});

test('a colour depends on the label set alone; dashes separate equals', () => {
  const keys = Array.from({ length: 40 }, (_, index) => `cpu{cpu="${index}"}`);
  const alone = keys.map((key) => styleSeries([key])[0]?.slot);
  assert.deepEqual(
    styleSeries(keys).map((style) => style.slot),
    alone,
  );
  const reversed = styleSeries(keys.toReversed()).toReversed();
  assert.deepEqual(reversed, styleSeries(keys));
  const byStyle = new Set(styleSeries(keys.slice(0, 12)).map((s) => `${s.slot}/${s.dash}`));
  assert.ok(byStyle.size >= 11, 'twelve series are told apart, but for a rare fourfold collision');
  const used = new Set(keys.map((key) => slotOf(key)));
  assert.ok(used.size >= 8, 'forty series use most of the palette');
});
