// Decoded values of blocks, so that a panel that is drawn again decodes nothing: whole blocks of
// doubles without markers and companions, bounded in bytes. A row group has its columns by the
// number of the block, so that asking for one is a look into an array; here they stand in a ring
// for a hand that goes round and drops those that nobody asked for since its last round.
import { COLUMN_BYTES } from './limits.ts';

/** What has columns by the number of their block: a row group. */
interface ColumnHolder {
  readonly columns: (CachedColumn | undefined)[];
}

export interface CachedColumn {
  /** The part, known by identity. */
  readonly part: object;
  readonly group: ColumnHolder;
  readonly block: number;
  readonly values: Float64Array;
  /** No value is below the one before. */
  readonly isRising: boolean;
  /** Asked for since the hand passed it last. */
  isUsed: boolean;
}

function sizeOf({ values }: CachedColumn): number {
  return values.byteLength + COLUMN_BYTES;
}

export class ColumnCache {
  readonly limitBytes: number;
  readonly #ring: CachedColumn[] = [];
  #hand = 0;
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Keeps the values of a block, which nobody writes to again. */
  keep(part: object, group: ColumnHolder, block: number, values: Float64Array): void {
    const isRising = !values.some((value, i) => i > 0 && value < values[i - 1]!);
    const column = { part, group, block, values, isRising, isUsed: false };
    if (group.columns[block] !== undefined || sizeOf(column) > this.limitBytes) return;
    group.columns[block] = column;
    this.#ring.push(column);
    this.#sizeBytes += sizeOf(column);
    while (this.#sizeBytes > this.limitBytes) this.#turn();
  }

  /** Looks at one column; it goes where it was not used. */
  #turn(): void {
    if (this.#hand >= this.#ring.length) this.#hand = 0;
    const column = this.#ring[this.#hand]!;
    if (column.isUsed) {
      column.isUsed = false;
      this.#hand++;
      return;
    }
    this.#forget(column);
    const last = this.#ring.pop()!;
    if (last !== column) this.#ring[this.#hand] = last;
    // What came last has a round before it.
    this.#hand++;
  }

  #forget(column: CachedColumn): void {
    column.group.columns[column.block] = undefined;
    this.#sizeBytes -= sizeOf(column);
  }

  /** Forgets those of a part. */
  drop(part: object): void {
    let kept = 0;
    for (const column of this.#ring)
      if (column.part === part) this.#forget(column);
      else this.#ring[kept++] = column;
    this.#ring.length = kept;
  }
}
