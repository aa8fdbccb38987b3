// Decoded values of blocks, so that a panel that is drawn again decodes nothing: whole blocks of
// doubles without markers and companions, bounded in bytes. A row group has its columns by the
// number of the block, so that asking for one is a look into an array; here they stand in a ring
// for a hand that goes round and drops those that nobody asked for since its last round. A group
// that is forgotten takes its columns along: nobody would find them, and they would hold it.
import { COLUMN_BYTES } from './limits.ts';

/** What has columns by the number of their block: a row group. */
interface ColumnHolder {
  readonly columns: (CachedColumn | undefined)[];
  /** Nobody who comes later finds the group: it gets no columns any more. */
  isForgotten: boolean;
}

export interface CachedColumn {
  readonly group: ColumnHolder;
  readonly block: number;
  readonly values: Float64Array;
  /** No value is below the one before. */
  readonly isRising: boolean;
  /** Asked for since the hand passed it last. */
  isUsed: boolean;
  /** Its place in the ring. */
  at: number;
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
  keep(group: ColumnHolder, block: number, values: Float64Array): void {
    const isRising = !values.some((value, i) => i > 0 && value < values[i - 1]!);
    const column = { group, block, values, isRising, isUsed: false, at: this.#ring.length };
    if (group.isForgotten || group.columns[block] !== undefined) return;
    if (sizeOf(column) > this.limitBytes) return;
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
    // What came last has a round before it.
    this.#hand++;
  }

  /** The last of the ring takes its place. */
  #forget(column: CachedColumn): void {
    column.group.columns[column.block] = undefined;
    this.#sizeBytes -= sizeOf(column);
    const last = this.#ring.pop()!;
    if (last === column) return;
    this.#ring[column.at] = last;
    last.at = column.at;
  }

  /** Forgets those of a group, and takes no more of it. */
  drop(group: ColumnHolder): void {
    group.isForgotten = true;
    for (const column of group.columns) if (column !== undefined) this.#forget(column);
  }
}
