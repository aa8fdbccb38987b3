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
export class TopCounts {
  readonly #limit: number;
  readonly #kept: CountRow[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** May a row with this count be among them? Asked before its name is made. */
  wants(count: number): boolean {
    if (this.#limit === 0 || this.#kept.length < this.#limit) return true;
    return count >= this.#kept.at(-1)!.count;
  }

  add(row: CountRow): void {
    const kept = this.#kept;
    if (this.#limit === 0) {
      kept.push(row);
      return;
    }
    if (kept.length === this.#limit && compareRows(row, kept.at(-1)!) > 0) return;
    let low = 0;
    let high = kept.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareRows(kept[middle]!, row) < 0) low = middle + 1;
      else high = middle;
    }
    kept.splice(low, 0, row);
    if (kept.length > this.#limit) kept.pop();
  }

  rows(): CountRow[] {
    return this.#limit === 0 ? this.#kept.toSorted(compareRows) : this.#kept;
  }
}

export function topCounts(rows: Iterable<CountRow>, limit: number): CountRow[] {
  const top = new TopCounts(limit);
  for (const row of rows) top.add(row);
  return top.rows();
}

/** Bytes of all of them in UTF-8. */
export function bytesOfTexts(texts: Iterable<string>): number {
  let sizeBytes = 0;
  for (const text of texts) sizeBytes += Buffer.byteLength(text);
  return sizeBytes;
}
