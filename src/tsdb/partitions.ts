// Time partitions: from level 1 on a part lies in one cell of its level's grid, counted from 1970;
// each level's cells are 32 times as wide as those of the level below. Live partitions never
// overlap: a time belongs to exactly one of them, or to none yet. What has no time (metadata,
// attributes) is a partition of its own. Why several widths: docs/decisions/0018.
import { NEW_PARTITIONS_MAX, LEVEL_MAX } from './limits.ts';
import type { PartRow } from './part-format.ts';
import type { TimeRange } from './samples.ts';

export const DAY_US = 86_400_000_000;
const WIDTH_FACTOR = 32;

/** A cell of the grid of its level. */
export interface TimePartition {
  readonly level: number;
  readonly startUs: number;
}

/** Level 1 is 1 day wide, 2: 32 days, 3: 1,024 days, 4: 32,768 days. */
export function partitionWidthUs(level: number): number {
  return DAY_US * WIDTH_FACTOR ** (level - 1);
}

export function partitionAt(tUs: number, level: number): number {
  const widthUs = partitionWidthUs(level);
  return Math.floor(tUs / widthUs) * widthUs;
}

/** Both ends inclusive. */
export function partitionRange({ level, startUs }: TimePartition): TimeRange {
  return { startUs, endUs: startUs + partitionWidthUs(level) - 1 };
}

/** The place of a part: 'any' time at level 0, 'timeless', or its cell. */
export function placeOf(row: PartRow): TimePartition | 'any' | 'timeless' {
  if (row.level === 0) return 'any';
  if (row.partitionUs === undefined) return 'timeless';
  return { level: row.level, startUs: row.partitionUs };
}

/** Equal for parts of one partition, and for no others. */
export function placeKey(row: PartRow): string {
  const place = placeOf(row);
  return typeof place === 'string' ? place : `${place.level}/${place.startUs}`;
}

/** The partitions of live parts, ascending; they do not overlap. */
export function livePartitions(rows: Iterable<PartRow>): TimePartition[] {
  const found = new Map<string, TimePartition>();
  for (const row of rows) {
    const place = placeOf(row);
    if (typeof place !== 'string') found.set(placeKey(row), place);
  }
  return [...found.values()].toSorted((a, b) => a.startUs - b.startUs);
}

/** The live partition that overlaps the range, the first one; undefined where none does. */
function overlapping(
  partitions: readonly TimePartition[],
  { startUs, endUs }: TimeRange,
): TimePartition | undefined {
  let low = 0;
  let high = partitions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (partitionRange(partitions[middle]!).endUs < startUs) low = middle + 1;
    else high = middle;
  }
  const found = partitions[low];
  return found !== undefined && found.startUs <= endUs ? found : undefined;
}

/**
 * The partitions that points of the given days go into, ascending: live ones where there are any;
 * else cells of one day, and where those would be more than NEW_PARTITIONS_MAX, wider ones, as long
 * as a wider cell holds no live partition and not the present day. So points over centuries make at
 * most about a hundred new partitions, and what is written today keeps a narrow one.
 */
export function partitionsOfDays(
  days: Iterable<number>,
  live: readonly TimePartition[],
  nowUs: number,
): TimePartition[] {
  const out = new Map<number, TimePartition>();
  let fresh = new Map<number, TimePartition>();
  for (const startUs of days) {
    const found = overlapping(live, { startUs, endUs: startUs });
    if (found === undefined) fresh.set(startUs, { level: 1, startUs });
    else out.set(found.startUs, found);
  }
  for (let level = 2; level <= LEVEL_MAX && fresh.size > NEW_PARTITIONS_MAX; level++) {
    const wider = new Map<number, TimePartition>();
    for (const cell of fresh.values()) {
      const parent = { level, startUs: partitionAt(cell.startUs, level) };
      const range = partitionRange(parent);
      const isNow = range.startUs <= nowUs + DAY_US && range.endUs >= nowUs - DAY_US;
      const isFree = !isNow && overlapping(live, range) === undefined;
      const kept = isFree ? parent : cell;
      wider.set(kept.startUs, kept);
    }
    fresh = wider;
  }
  for (const cell of fresh.values()) out.set(cell.startUs, cell);
  return [...out.values()].toSorted((a, b) => a.startUs - b.startUs);
}
