// The rows with the highest counts, for statistics of names and values.
import { compareUtf8 } from '../model/labels.ts';

export interface CountRow {
  readonly name: string;
  readonly count: number;
}

/** Most frequent first, equals by name. */
function compareRows(a: CountRow, b: CountRow): number {
  return b.count - a.count || compareUtf8(a.name, b.name);
}

/** The first `limit` rows, 0 = all. O(rows) for a small limit: there may be millions of them. */
export function topCounts(rows: Iterable<CountRow>, limit: number): CountRow[] {
  if (limit === 0) return [...rows].toSorted(compareRows);
  const kept: CountRow[] = [];
  for (const row of rows) {
    if (kept.length === limit && compareRows(row, kept[limit - 1]!) > 0) continue;
    let low = 0;
    let high = kept.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareRows(kept[middle]!, row) < 0) low = middle + 1;
      else high = middle;
    }
    kept.splice(low, 0, row);
    if (kept.length > limit) kept.pop();
  }
  return kept;
}

/** Bytes of all of them in UTF-8. */
export function bytesOfTexts(texts: Iterable<string>): number {
  let sizeBytes = 0;
  for (const text of texts) sizeBytes += Buffer.byteLength(text);
  return sizeBytes;
}
