// What there is in a batch, without a look at its points.
import type { WriteBatch } from '../model/columns.ts';

/** Something of series, not only of names. */
export function hasRows({ points, exemplars, attributes }: WriteBatch): boolean {
  return points.length > 0 || exemplars.length > 0 || attributes.length > 0;
}

export function isEmpty(batch: WriteBatch): boolean {
  return !hasRows(batch) && batch.metadata.length === 0 && batch.splits.length === 0;
}
