/** Units from names and operations; three significant digits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatTicks,
  formatValue,
  inferUnit,
  metricNames,
  NO_UNIT,
  type BaseUnit,
} from './unit.ts';

function checkUnit(expr: string, base: BaseUnit, perSec = false): void {
  assert.deepEqual(inferUnit(expr), { base, perSec }, expr);
}

function checkValue(value: number, base: BaseUnit, want: string, perSec = false): void {
  assert.equal(formatValue(value, { base, perSec }), want);
}

test('units come from suffixes and outer operations', () => {
  checkUnit('node_memory_MemAvailable_bytes', 'bytes');
  checkUnit('sum by (device) (rate(node_disk_read_bytes_total{job="node"}[20s]))', 'bytes', true);
  checkUnit('histogram_quantile(0.9, rate(http_request_duration_seconds_bucket[5m]))', 'seconds');
  checkUnit('rate(http_request_duration_seconds_count[5m])', 'none', true);
  checkUnit('process_start_time_seconds', 'none');
  checkUnit('a_bytes / b_bytes', 'none');
  checkUnit('count by (job) (x_bytes)', 'none');
  checkUnit('cache_hit_ratio', 'ratio');
  checkUnit('up{path="a/b_bytes"}', 'none');
  assert.deepEqual(inferUnit('foo', 'By'), { base: 'bytes', perSec: false });
  assert.deepEqual(inferUnit(''), NO_UNIT);
});

test('metric names are found outside matchers, grouping and functions', () => {
  assert.deepEqual(metricNames('sum by (job) (rate(a:b_total{x="c"}[5m])) / on (job) d'), [
    'a:b_total',
    'd',
  ]);
  assert.deepEqual(metricNames('time() - 3e5'), []);
});

test('three significant digits with the unit', () => {
  checkValue(0, 'none', '0');
  checkValue(1234, 'none', '1234');
  checkValue(12_345.6, 'none', '12.3 k');
  checkValue(999_999, 'none', '1 M');
  checkValue(0.012345, 'none', '0.0123');
  checkValue(1.2e-9, 'none', '1.2e-9');
  checkValue(1536, 'bytes', '1.5 KiB');
  checkValue(1_300_234_496, 'bytes', '1.21 GiB/s', true);
  checkValue(1000, 'bytes', '1000 B');
  checkValue(0.0125, 'seconds', '12.5 ms');
  checkValue(5400, 'seconds', '90 min');
  checkValue(0.45234, 'ratio', '45.2%');
  checkValue(42, 'none', '42/s', true);
  checkValue(-1536, 'bytes', '-1.5 KiB');
  checkValue(Number.NaN, 'bytes', 'NaN');
  checkValue(Number.POSITIVE_INFINITY, 'none', '+Inf');
});

test('tick labels are exact where three digits are not', () => {
  const bytes = { base: 'bytes', perSec: false } as const;
  const gib = 1024 ** 3;
  assert.deepEqual(formatTicks([22.75 * gib, 22.875 * gib, 23 * gib], bytes), [
    '22.750 GiB',
    '22.875 GiB',
    '23.000 GiB',
  ]);
  assert.deepEqual(formatTicks([0.985, 0.99, 1], NO_UNIT), ['0.985', '0.990', '1.000']);
  const perSec = { base: 'none', perSec: true } as const;
  assert.deepEqual(formatTicks([0, 0.5, 1], perSec), ['0/s', '0.5/s', '1.0/s']);
  assert.deepEqual(formatTicks([1e-5, 2e-5], NO_UNIT), ['1e-5', '2e-5']);
  assert.deepEqual(formatTicks([0, 0.2, 0.4], NO_UNIT), ['0', '0.2', '0.4']);
  assert.deepEqual(formatTicks([0, 500, 1000, 1500], NO_UNIT), ['0', '500', '1000', '1500']);
});
