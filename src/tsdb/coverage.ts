// What must be true of the live parts of a shard at every moment, as one function: the opening,
// every swap of a merge, the offline check of a data folder and the tests ask it.
import type { PartRow } from './part-format.ts';
import { partitionAt, partitionRange, placeKey, placeOf } from './partitions.ts';

/**
 * The first rule that the rows break, as a sentence; undefined where all hold:
 * - stretches of the log: seqMin < seqMax <= frontier, deletes applied at least up to seqMax;
 * - places: level 0 has no partition; a partition is a cell of its level, holds all times of its
 *   part and overlaps no other partition;
 * - adjacency: parts that can hold one point (two of one partition, or one of level 0 and any
 *   other) have disjoint stretches, so that the order of stretches is the order of writes.
 * Complexity: O(n log n).
 */
export function coverageProblem(rows: readonly PartRow[], frontier: number): string | undefined {
  for (const row of rows) {
    const problem = rowProblem(row, frontier);
    if (problem !== undefined) return `part ${row.name}: ${problem}`;
  }
  return partitionProblem(rows) ?? adjacencyProblem(rows);
}

function rowProblem(row: PartRow, frontier: number): string | undefined {
  const { seqMin, seqMax, level, deletesEnd } = row;
  if (!(seqMin >= 0 && seqMin < seqMax)) return `its records are ${seqMin} to ${seqMax}`;
  if (seqMax > frontier) return `its records go to ${seqMax}, the frontier is ${frontier}`;
  if (deletesEnd < seqMax) return `deletes from ${deletesEnd} on are open inside its own records`;
  const place = placeOf(row);
  if (place === 'any') return row.partitionUs === undefined ? undefined : 'level 0 has a partition';
  if (place === 'timeless') return row.sampleCount === 0 ? undefined : 'samples without partition';
  if (partitionAt(place.startUs, level) !== place.startUs)
    return `partition ${place.startUs} is no cell of level ${level}`;
  const { startUs, endUs } = partitionRange(place);
  const isInside = row.minUs > row.maxUs || (row.minUs >= startUs && row.maxUs <= endUs);
  return isInside ? undefined : `times ${row.minUs} to ${row.maxUs} are outside its partition`;
}

function partitionProblem(rows: readonly PartRow[]): string | undefined {
  const cells = rows
    .flatMap((row) => {
      const place = placeOf(row);
      return typeof place === 'string' ? [] : [{ row, ...partitionRange(place) }];
    })
    .toSorted((a, b) => a.startUs - b.startUs);
  for (let i = 1; i < cells.length; i++) {
    const [one, next] = [cells[i - 1]!, cells[i]!];
    const isSame = one.startUs === next.startUs && one.endUs === next.endUs;
    if (!isSame && next.startUs <= one.endUs)
      return `the partitions of parts ${one.row.name} and ${next.row.name} overlap`;
  }
  return undefined;
}

function adjacencyProblem(rows: readonly PartRow[]): string | undefined {
  const bySeq = rows.toSorted((a, b) => a.seqMin - b.seqMin || a.seqMax - b.seqMax);
  const last = new Map<string, PartRow>();
  let farthest: PartRow | undefined;
  for (const row of bySeq) {
    const key = placeKey(row);
    const before = key === 'any' ? farthest : later(last.get('any'), last.get(key));
    if (before !== undefined && before.seqMax > row.seqMin)
      return `parts ${before.name} and ${row.name} hold the same records`;
    last.set(key, later(last.get(key), row)!);
    farthest = later(farthest, row);
  }
  return undefined;
}

function later(a: PartRow | undefined, b: PartRow | undefined): PartRow | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.seqMax >= b.seqMax ? a : b;
}
