// Points of series that a tenant's rules drop. To a scanner such a series is one like any other:
// its ref is REF_DROPPED, is remembered and predicted, and no row is an error. Its points are taken
// out of the finished batch, and only of batches whose dictionary has ever said REF_DROPPED: who
// has no rules pays nothing for it.
import { KIND } from '../model/columns.ts';
import type { Points, SeriesRef, WriteBatch } from '../model/columns.ts';

/** No storage gives it: refs are below. */
export const REF_DROPPED: SeriesRef = 2 ** 31 - 1;

export interface Sifted {
  readonly batch: WriteBatch;
  readonly droppedCount: number;
}

/** The batch without such points; writes into the arrays of the one that is given. */
export function withoutDropped(batch: WriteBatch): Sifted {
  let droppedCount = 0;
  const points: Points[] = [];
  for (const set of batch.points) {
    const sifted = siftPoints(set);
    droppedCount += set.count - sifted.count;
    if (sifted.count > 0) points.push(sifted);
  }
  const sifted = {
    ...batch,
    points,
    exemplars: batch.exemplars.filter(isKept),
    attributes: batch.attributes.filter(isKept),
  };
  return { batch: sifted, droppedCount };
}

function isKept({ ref }: { readonly ref: SeriesRef }): boolean {
  return ref !== REF_DROPPED;
}

interface Movable {
  readonly length: number;
  copyWithin(target: number, start: number, end: number): unknown;
}

function siftPoints(points: Points): Points {
  const { refs, count, rows, tUs, subNs, startUs, position } = points;
  const isList = points.kind === KIND.string || points.kind === KIND.histogram;
  const columns: Movable[] = [refs, tUs];
  if (!isList) columns.push(points.values);
  for (const column of [rows, subNs, startUs]) if (column !== undefined) columns.push(column);
  if (position !== undefined)
    columns.push(position.latitude, position.longitude, position.elevation);
  const lists: unknown[] = [];
  let kept = 0;
  for (let from = 0; from < count;) {
    if (refs[from] === REF_DROPPED) {
      from++;
      continue;
    }
    let to = from + 1;
    while (to < count && refs[to] !== REF_DROPPED) to++;
    if (isList) for (let i = from; i < to; i++) lists.push(points.values[i]);
    if (from > kept) for (const column of columns) column.copyWithin(kept, from, to);
    kept += to - from;
    from = to;
  }
  if (kept === count) return points;
  const values = isList ? lists : points.values;
  // The list has the values of the same kind.
  return { ...points, count: kept, values } as Points;
}
