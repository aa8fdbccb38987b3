import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsageRow } from '../api/usage.ts';
import { hoursGrid, keptByHour, usageSums, usedByHour } from './usage.ts';

const NONE = {
  points_written: 0,
  points_read: 0,
  queries: 0,
  requests: 0,
  active_series: 0,
  bytes_stored: 0,
};

function row(hour: number, token: string, protocol: string, some: Partial<UsageRow>): UsageRow {
  return { ...NONE, hour: new Date(hour * 3_600_000).toISOString(), token, protocol, ...some };
}

const ROWS = [
  row(1, 'a', 'influx', { points_written: 5, requests: 1 }),
  row(1, 'b', 'influx', { points_written: 7, requests: 2 }),
  row(3, 'a', 'influx', { points_written: 1, requests: 1 }),
  row(3, 'a', 'promql', { points_read: 100, requests: 4 }),
  row(3, '', 'storage', { active_series: 12, bytes_stored: 4096 }),
];
const GRID = { startSec: 3600, endSec: 4 * 3600, stepSec: 3600 };

test('a line a protocol, 0 where nobody used anything', () => {
  const { times, series } = usedByHour(ROWS, 'points_written', GRID);
  assert.deepEqual(times, [3600, 7200, 10_800, 14_400]);
  assert.deepEqual(
    series.map(({ name, values }) => [name, [...values]]),
    [['influx', [12, 0, 1, 0]]],
  );
  assert.equal(usedByHour(ROWS, 'points_read', GRID).series[0]?.name, 'promql');
});

test('what is kept has gaps where nobody looked', () => {
  const [kept] = keptByHour(ROWS, 'active_series', GRID).series;
  assert.deepEqual([...kept!.values], [Number.NaN, Number.NaN, 12, Number.NaN]);
  assert.deepEqual(keptByHour(ROWS.slice(0, 2), 'bytes_stored', GRID).series, []);
});

test('sums by token and protocol, the most points first', () => {
  const sums = usageSums(ROWS).map(({ token, protocol, written, read, requests }) =>
    [token, protocol, written, read, requests].join(' '),
  );
  assert.deepEqual(sums, ['a promql 0 100 4', 'b influx 7 0 2', 'a influx 6 0 2']);
});

test('hours end with the one that runs', () => {
  const grid = hoursGrid(1_760_000_123, 1);
  assert.deepEqual([grid.endSec % 3600, grid.endSec - grid.startSec], [0, 86_400]);
});
