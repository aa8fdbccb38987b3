// Cells of the time grids: nested, disjoint, few.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  partitionsOfDays,
  DAY_US,
  partitionAt,
  partitionRange,
  partitionWidthUs,
} from './partitions.ts';
import type { TimePartition } from './partitions.ts';

const NOW_US = Date.UTC(2026, 10, 28) * 1000;
const days = (fromUs: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => partitionAt(fromUs, 1) + i * DAY_US);

function checkHolds(cells: readonly TimePartition[], points: readonly number[]): void {
  for (let i = 1; i < cells.length; i++)
    assert.ok(partitionRange(cells[i - 1]!).endUs < cells[i]!.startUs, 'cells are disjoint');
  for (const tUs of points) {
    const holding = cells.filter((cell) => {
      const { startUs, endUs } = partitionRange(cell);
      return startUs <= tUs && tUs <= endUs;
    });
    assert.equal(holding.length, 1, `${tUs} is in one cell`);
  }
}

test('a few days have a cell each, before 1970 too', () => {
  assert.deepEqual(partitionsOfDays(days(-DAY_US, 2), [], NOW_US), [
    { level: 1, startUs: -DAY_US },
    { level: 1, startUs: 0 },
  ]);
});

test('days of centuries make about a hundred cells, the present one stays narrow', () => {
  const all = days(Date.UTC(1970, 0, 1) * 1000, 106_000);
  const cells = partitionsOfDays(all, [], NOW_US);
  assert.ok(cells.length < 110, `${cells.length} cells`);
  checkHolds(cells, all);
  const now = cells.find((cell) => partitionRange(cell).endUs >= NOW_US);
  assert.equal(now?.level, 1);
});

test('live partitions are used as they are and never overlapped', () => {
  const live = [
    { level: 2, startUs: partitionAt(0, 2) },
    { level: 1, startUs: partitionAt(5000 * DAY_US, 1) },
    { level: 3, startUs: partitionAt(9000 * DAY_US, 3) },
  ];
  const all = days(0, 30_000);
  const cells = partitionsOfDays(all, live, NOW_US);
  checkHolds(cells, all);
  for (const one of live) assert.ok(cells.some((cell) => cell.startUs === one.startUs));
  assert.ok(cells.length < 110 + 93 * live.length, `${cells.length} cells`);
});

test('cells of a level lie in one cell of the next', () => {
  for (const level of [1, 2, 3])
    for (const tUs of [-1, 0, NOW_US, -7e15, 7e15]) {
      const inner = partitionRange({ level, startUs: partitionAt(tUs, level) });
      const outer = partitionRange({ level: level + 1, startUs: partitionAt(tUs, level + 1) });
      assert.ok(outer.startUs <= inner.startUs && inner.endUs <= outer.endUs);
      assert.equal(partitionWidthUs(level + 1) / partitionWidthUs(level), 32);
    }
});
