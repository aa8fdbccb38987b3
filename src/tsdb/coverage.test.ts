// The rules that live parts keep, each broken once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coverageProblem } from './coverage.ts';
import type { PartRow } from './part-format.ts';
import { DAY_US } from './partitions.ts';

/** A part that breaks no rule by itself. */
function row(
  level: number,
  seqMin: number,
  seqMax: number,
  changes: Partial<PartRow> = {},
): PartRow {
  const partitionUs = level === 0 ? undefined : 0;
  return {
    name: `${level}:${seqMin}-${seqMax}@${changes.partitionUs ?? partitionUs ?? 'any'}`,
    level,
    partitionUs,
    seqMin,
    seqMax,
    deletesEnd: seqMax,
    minUs: changes.partitionUs ?? 0,
    maxUs: changes.partitionUs ?? 0,
    seriesCount: 1,
    sampleCount: 1,
    sizeBytes: 100,
    ...changes,
  };
}

const GOOD: readonly (readonly PartRow[])[] = [
  [],
  [row(0, 0, 5)],
  [row(1, 0, 5), row(1, 5, 9), row(0, 9, 20)],
  [row(1, 0, 8), row(1, 3, 9, { partitionUs: DAY_US }), row(0, 9, 20)],
  [row(0, 0, 3), row(1, 3, 9), row(0, 9, 20)],
  [row(2, 0, 8), row(1, 2, 9, { partitionUs: 40 * DAY_US })],
  [row(1, 0, 9, { partitionUs: undefined, sampleCount: 0 }), row(1, 0, 9)],
];

const BAD: readonly (readonly [RegExp, readonly PartRow[]])[] = [
  [/its records are/, [row(0, 5, 5)]],
  [/the frontier is 20/, [row(0, 5, 21)]],
  [/deletes from 4 on/, [row(0, 0, 5, { deletesEnd: 4 })]],
  [/level 0 has a partition/, [row(0, 0, 5, { partitionUs: 0 })]],
  [/no cell of level 2/, [row(2, 0, 5, { partitionUs: DAY_US })]],
  [/outside its partition/, [row(1, 0, 5, { maxUs: DAY_US })]],
  [/samples without partition/, [row(1, 0, 5, { partitionUs: undefined })]],
  [/overlap/, [row(2, 0, 5), row(1, 5, 9, { partitionUs: 3 * DAY_US })]],
  [/same records/, [row(1, 0, 5), row(1, 4, 9)]],
  [/same records/, [row(1, 0, 9), row(1, 2, 5)]],
  [/same records/, [row(0, 0, 5), row(0, 4, 9)]],
  [/same records/, [row(1, 0, 9, { partitionUs: DAY_US }), row(1, 0, 3), row(0, 3, 5)]],
  [/same records/, [row(0, 3, 9), row(1, 5, 9, { partitionUs: DAY_US })]],
];

test('what merges may leave behind is accepted', () => {
  for (const rows of GOOD) assert.equal(coverageProblem(rows, 20), undefined);
});

test('each broken rule is named', () => {
  for (const [pattern, rows] of BAD) assert.match(coverageProblem(rows, 20) ?? 'accepted', pattern);
});
