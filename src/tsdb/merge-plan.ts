// Which merge is next: a pure function of the rows of live parts. Four kinds, in this order:
//   divide   a run of level-0 parts, in log order, goes into time partitions;
//   rewrite  one part alone, because deletes or retention took enough of it;
//   merge    adjacent parts of one partition become one;
//   widen    all partitions inside one cell of a higher level become that cell.
// Why these and what they cost: docs/decisions/0018.
import { LEVEL_MAX } from './limits.ts';
import type { PartRow } from './part-format.ts';
import {
  DAY_US,
  partitionAt,
  partitionRange,
  partitionWidthUs,
  placeKey,
  placeOf,
} from './partitions.ts';
import type { TimePartition } from './partitions.ts';

export interface PlannedPart {
  readonly row: PartRow;
  /** Left alone, and no output spans it. */
  readonly isDamaged: boolean;
}

export interface MergePolicy {
  /** So many adjacent level-0 parts are due for a division. */
  readonly level0PartsMax: number;
  /** So many adjacent parts of one partition, or partitions of one cell, are due. */
  readonly partitionPartsMax: number;
  /** No merge makes a larger part, by the sizes of its inputs. */
  readonly partSizeMaxBytes: number;
  /** Partitions wider than this are not made by widening. */
  readonly widthMaxUs: number;
  /** By request: whatever makes fewer parts is due. */
  readonly all: boolean;
  readonly nowUs: number;
  /** Test-only: adjacency in log order is not looked at. */
  readonly skipAdjacency: boolean;
}

export type MergeKind = 'divide' | 'rewrite' | 'merge' | 'widen';

export interface MergePlan<P extends PlannedPart> {
  readonly kind: MergeKind;
  /** In log order. */
  readonly inputs: readonly P[];
  /** Where the output goes; undefined: of a division many, else that of the input. */
  readonly target: TimePartition | undefined;
}

const bytesOf = (parts: readonly PlannedPart[]): number =>
  parts.reduce((sum, { row }) => sum + row.sizeBytes, 0);

/** `parts` in log order; `isDirty`: deletes or retention make a rewrite of the part worth while. */
export function planMerge<P extends PlannedPart>(
  parts: readonly P[],
  policy: MergePolicy,
  isDirty: (part: P) => boolean,
): MergePlan<P> | undefined {
  return (
    dividePlan(parts, policy) ??
    rewritePlan(parts, isDirty) ??
    windowPlan(parts, policy) ??
    widenPlan(parts, policy)
  );
}

export function rewritePlan<P extends PlannedPart>(
  parts: readonly P[],
  isDirty: (part: P) => boolean,
): MergePlan<P> | undefined {
  const found = parts.find((part) => !part.isDamaged && isDirty(part));
  return found && { kind: 'rewrite', inputs: [found], target: undefined };
}

/** The oldest run of level-0 parts that no damaged one interrupts. */
function dividePlan<P extends PlannedPart>(
  parts: readonly P[],
  { level0PartsMax, all }: MergePolicy,
): MergePlan<P> | undefined {
  const level0 = parts.filter(({ row }) => row.level === 0);
  const inputs = runsOf(level0, () => true).find((run) => run.length >= (all ? 1 : level0PartsMax));
  return inputs && { kind: 'divide', inputs, target: undefined };
}

/** Maximal runs of undamaged parts that `belongs` to the caller's place; others break a run. */
function runsOf<P extends PlannedPart>(parts: readonly P[], belongs: (part: P) => boolean): P[][] {
  const runs: P[][] = [[]];
  for (const part of parts)
    if (belongs(part) && !part.isDamaged) runs.at(-1)!.push(part);
    else if (runs.at(-1)!.length > 0) runs.push([]);
  return runs.filter((run) => run.length > 0);
}

function windowPlan<P extends PlannedPart>(
  parts: readonly P[],
  policy: MergePolicy,
): MergePlan<P> | undefined {
  const groups = Map.groupBy(parts, ({ row }) => placeKey(row));
  const level0 = groups.get('any') ?? [];
  for (const [key, group] of groups) {
    if (key === 'any' || group.length < 2) continue;
    const near = [...group, ...level0].toSorted((a, b) => a.row.seqMin - b.row.seqMin);
    for (const run of runsOf(near, ({ row }) => row.level > 0)) {
      const inputs = policy.skipAdjacency
        ? nonAdjacent(run)
        : policy.all
          ? largestWindow(run, policy)
          : dueWindow(run, policy);
      if (inputs !== undefined) return { kind: 'merge', inputs, target: undefined };
    }
  }
  return undefined;
}

/** What the adjacency rule forbids, for the test that proves it is needed. */
function nonAdjacent<P extends PlannedPart>(run: readonly P[]): P[] | undefined {
  return run.length < 3 ? undefined : [run[0]!, run.at(-1)!];
}

/**
 * The cheapest window of at least `partitionPartsMax` adjacent parts in which the largest is no
 * larger than the others together. So whenever a point is rewritten, its part at least doubles, and
 * write amplification is logarithmic: at most log2(largest / smallest part).
 */
function dueWindow<P extends PlannedPart>(
  run: readonly P[],
  { partitionPartsMax, partSizeMaxBytes }: MergePolicy,
): P[] | undefined {
  let best: P[] | undefined;
  let bestBytes = Number.POSITIVE_INFINITY;
  for (let from = 0; from + partitionPartsMax <= run.length; from++) {
    let sum = 0;
    let largest = 0;
    for (let to = from; to < run.length; to++) {
      const { sizeBytes } = run[to]!.row;
      sum += sizeBytes;
      largest = Math.max(largest, sizeBytes);
      if (sum > partSizeMaxBytes || sum >= bestBytes) break;
      if (to - from + 1 < partitionPartsMax || largest > sum - largest) continue;
      best = run.slice(from, to + 1);
      bestBytes = sum;
    }
  }
  return best;
}

/** The first window of two or more parts that fit into one. */
function largestWindow<P extends PlannedPart>(
  run: readonly P[],
  { partSizeMaxBytes }: MergePolicy,
): P[] | undefined {
  for (let from = 0; from + 1 < run.length; from++) {
    let sum = run[from]!.row.sizeBytes;
    let to = from + 1;
    while (to < run.length && sum + run[to]!.row.sizeBytes <= partSizeMaxBytes)
      sum += run[to++]!.row.sizeBytes;
    if (to > from + 1) return run.slice(from, to);
  }
  return undefined;
}

/** The widest cell that is past (or, by request, of 32 days) and whose partitions fit one part. */
function widenPlan<P extends PlannedPart>(
  parts: readonly P[],
  policy: MergePolicy,
): MergePlan<P> | undefined {
  for (let level = LEVEL_MAX; level >= 2; level--) {
    if (partitionWidthUs(level) > policy.widthMaxUs) continue;
    const cells = Map.groupBy(parts, ({ row }) => {
      const place = placeOf(row);
      return typeof place !== 'string' && place.level < level
        ? partitionAt(place.startUs, level)
        : undefined;
    });
    for (const [startUs, inputs] of cells)
      if (startUs !== undefined && isWidenable(inputs, { level, startUs }, parts, policy))
        return { kind: 'widen', inputs, target: { level, startUs } };
  }
  return undefined;
}

function isWidenable(
  inputs: readonly PlannedPart[],
  target: TimePartition,
  parts: readonly PlannedPart[],
  { all, nowUs, partitionPartsMax, partSizeMaxBytes }: MergePolicy,
): boolean {
  const partitionCount = new Set(inputs.map(({ row }) => placeKey(row))).size;
  if (partitionCount < (all ? 2 : partitionPartsMax)) return false;
  if (inputs.some((part) => part.isDamaged) || bytesOf(inputs) > partSizeMaxBytes) return false;
  const isPast = partitionRange(target).endUs + DAY_US < nowUs;
  if (!isPast && !(all && target.level === 2)) return false;
  const seqMax = Math.max(...inputs.map(({ row }) => row.seqMax));
  return !parts.some(({ row }) => row.level === 0 && row.seqMin < seqMax);
}
