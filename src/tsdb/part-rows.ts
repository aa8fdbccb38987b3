// Rows of series in the index of a part (docs/formats/part.md, "Row table", "Row group"): which
// values a series has, and where its blocks are.
import { ByteReader, CodecError } from '../codec/varint.ts';
import type { CachedColumn } from './column-cache.ts';
import type { PiecePlace } from './part-format.ts';
import { readDoubleColumn, readNumbers } from './part-numbers.ts';
import { placeIn } from './part-times.ts';
import type { TimeGroup, TimeTable } from './part-times.ts';

/** Where the row groups are and what times they hold. */
export class RowTable {
  /** Ordinal of the first series of each group, and behind the last one. */
  readonly starts: Uint32Array;
  readonly dataOffsets: Float64Array;
  readonly minUs: Float64Array;
  readonly maxUs: Float64Array;
  readonly #offsets: Float64Array;
  readonly #crcs: Uint32Array;

  constructor(reader: ByteReader, count: number, firstGroup: number, seriesCount: number) {
    const rows = readNumbers(reader, new Uint32Array(count), count);
    const sizes = readNumbers(reader, new Uint32Array(count), count);
    this.dataOffsets = readNumbers(reader, new Float64Array(count), count);
    this.minUs = readDoubleColumn(reader, count);
    this.maxUs = readDoubleColumn(reader, count);
    this.#crcs = Uint32Array.from({ length: count }, () => reader.u32());
    reader.finish();
    this.starts = new Uint32Array(count + 1);
    this.#offsets = new Float64Array(count + 1);
    this.#offsets[0] = firstGroup;
    for (let i = 0; i < count; i++) {
      this.starts[i + 1] = this.starts[i]! + rows[i]!;
      this.#offsets[i + 1] = this.#offsets[i]! + sizes[i]!;
    }
    if (this.starts[count] !== seriesCount)
      throw new CodecError(`${this.starts[count]} series in row groups of ${seriesCount}`);
  }

  get groupCount(): number {
    return this.#crcs.length;
  }

  get sizeBytes(): number {
    return this.groupCount * 48 + 200;
  }

  groupOf(ordinal: number): number {
    return placeIn(this.starts, ordinal);
  }

  place(group: number): PiecePlace {
    const offset = this.#offsets[group]!;
    return { offset, sizeBytes: this.#offsets[group + 1]! - offset, crc: this.#crcs[group]! };
  }
}

/** What was found out of a block's body, once it was read; 0: nothing yet. */
export const BLOCK_FACT = {
  known: 1,
  /** At least one sample is a staleness marker. */
  hasStale: 2,
  /** The last one is. */
  endsStale: 4,
  /** Its values are not numbers, or they have companions. */
  isOdd: 8,
  /** The last value is known. */
  hasLast: 16,
} as const;

/** Where a block is and what its body does not say. */
export interface BlockPlace {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly kind: number;
  readonly count: number;
  readonly firstUs: number;
  readonly lastUs: number;
  /** Number of its time column. */
  readonly times: number;
  /** How many series before its own the one is whose block it is written beside; 0: none. */
  readonly sibling: number;
}

/** Four doubles, three words, a half word and three bytes. */
const BYTES_PER_BLOCK = 49;
/** Of a group: its objects, views and buffers. */
const OVERHEAD_BYTES = 3000;

export class RowGroup {
  readonly first: number;
  readonly count: number;
  readonly blockCount: number;
  /** Is a block of the group written beside another one? */
  readonly hasSiblings: boolean;
  /** Has a series of the group no block? */
  readonly hasEmptyRows: boolean;
  /** Labels that a series of the group has, ascending. */
  readonly labels: number[] = [];
  readonly #reader: ByteReader;
  readonly #columnOffsets: number[] = [];
  readonly #columns: (Uint32Array | undefined)[] = [];
  readonly #commonRanks: (number | undefined)[] = [];
  #allRanks: Uint32Array | undefined = undefined;
  /** Blocks of row r: [blockStarts[r], blockStarts[r + 1]). */
  readonly #blockStarts: Uint32Array;
  readonly kinds: Uint8Array;
  readonly #times: Uint32Array;
  readonly #sizes: Uint32Array;
  readonly #siblings: Uint32Array;
  readonly #offsets: Float64Array;
  readonly #counts: Uint16Array;
  readonly firstUs: Float64Array;
  readonly lastUs: Float64Array;
  /** By block what readers found out of it (BLOCK_FACT), and its last value where it is known. */
  readonly facts: Uint8Array;
  readonly lastValues: Float64Array;
  /** By block its decoded values, where they are at hand (column-cache.ts). */
  readonly columns: (CachedColumn | undefined)[] = [];
  isForgotten = false;
  /** By block 1 where its values are known not to be plain: there will be no column of it. */
  readonly isOdd: Uint8Array;

  /** `resolve` must follow before blocks are asked for. */
  constructor(reader: ByteReader, first: number, count: number, dataOffset: number) {
    this.#reader = reader;
    this.first = first;
    this.count = count;
    let label = -1;
    for (let left = reader.count(3); left > 0; left--) {
      label += reader.varint() + 1;
      const sizeBytes = reader.varint();
      this.labels.push(label);
      this.#columnOffsets.push(reader.at);
      reader.skip(sizeBytes);
    }
    const blocks = readNumbers(reader, new Uint32Array(count), count);
    this.#blockStarts = new Uint32Array(count + 1);
    for (let i = 0; i < count; i++) this.#blockStarts[i + 1] = this.#blockStarts[i]! + blocks[i]!;
    const total = this.#blockStarts[count]!;
    this.blockCount = total;
    this.hasEmptyRows = blocks.includes(0);
    // One piece of memory for all: a group has a few hundred blocks, and each buffer costs as much
    // as the values of some dozen of them.
    const memory = new ArrayBuffer(total * BYTES_PER_BLOCK);
    const doubles = (at: number): Float64Array => new Float64Array(memory, at * 8 * total, total);
    const words = (at: number): Uint32Array =>
      new Uint32Array(memory, (32 + at * 4) * total, total);
    const bytes = (at: number): Uint8Array => new Uint8Array(memory, (46 + at) * total, total);
    this.#counts = new Uint16Array(memory, 44 * total, total);
    [this.kinds, this.facts, this.isOdd] = [bytes(0), bytes(1), bytes(2)];
    [this.#times, this.#sizes, this.#siblings] = [words(0), words(1), words(2)];
    [this.#offsets, this.firstUs] = [doubles(0), doubles(1)];
    [this.lastUs, this.lastValues] = [doubles(2), doubles(3)];
    readNumbers(reader, this.kinds, total);
    readNumbers(reader, this.#times, total);
    readNumbers(reader, this.#sizes, total);
    readNumbers(reader, this.#siblings, total);
    this.hasSiblings = this.#siblings.some((one) => one !== 0);
    reader.finish();
    let offset = dataOffset;
    for (let i = 0; i < total; i++) {
      this.#offsets[i] = offset;
      offset += this.#sizes[i]!;
    }
  }

  get sizeBytes(): number {
    const columns = this.labels.length * this.count * 4;
    const blocks = this.blockCount * (BYTES_PER_BLOCK + 8);
    return this.#reader.bytes.length + columns + blocks + OVERHEAD_BYTES;
  }

  /** Fills in what the time columns say; `group` gives each column's group. */
  async resolve(table: TimeTable, group: (number: number) => Promise<TimeGroup>): Promise<void> {
    let at: TimeGroup | undefined;
    const seen = new Map<number, TimeGroup>();
    for (let i = 0; i < this.blockCount; i++) {
      const number = this.#times[i]!;
      if (at === undefined || number < at.first || number >= at.first + at.count) {
        const wanted = table.groupOf(number);
        at = seen.get(wanted) ?? (await group(wanted));
        seen.set(wanted, at);
      }
      const place = number - at.first;
      this.#counts[i] = at.counts[place]!;
      this.firstUs[i] = at.firstUs[place]!;
      this.lastUs[i] = at.lastUs[place]!;
    }
  }

  /** Rank + 1 of each series' value of the label at `place` of `labels`; 0: it has none. */
  ranks(place: number): Uint32Array {
    let column = this.#columns[place];
    if (column === undefined) {
      const { bytes } = this.#reader;
      const reader = new ByteReader(bytes, this.#columnOffsets[place]);
      column = readNumbers(reader, new Uint32Array(this.count), this.count);
      this.#columns[place] = column;
    }
    return column;
  }

  /** The one that all rows have there; -1: they differ. */
  commonRank(place: number): number {
    let common = this.#commonRanks[place];
    if (common === undefined) {
      const ranks = this.ranks(place);
      const first = ranks[0]!;
      common = ranks.every((rank) => rank === first) ? first : -1;
      this.#commonRanks[place] = common;
    }
    return common;
  }

  /** Those of row r at `place`: allRanks()[place * count + r]. Not to be written to. */
  allRanks(): Uint32Array {
    if (this.#allRanks === undefined) {
      const all = new Uint32Array(this.labels.length * this.count);
      for (let place = 0; place < this.labels.length; place++) {
        all.set(this.ranks(place), place * this.count);
        // From now on a view of it.
        this.#columns[place] = all.subarray(place * this.count, (place + 1) * this.count);
      }
      this.#allRanks = all;
    }
    return this.#allRanks;
  }

  /** Labels of a row. */
  labelCount(row: number): number {
    let count = 0;
    for (let place = 0; place < this.labels.length; place++)
      if (this.ranks(place)[row] !== 0) count++;
    return count;
  }

  isEmptyRow(row: number): boolean {
    return this.#blockStarts[row] === this.#blockStarts[row + 1];
  }

  /** Blocks of a row that touch the range, in time order. */
  blocks(row: number, startUs: number, endUs: number): BlockPlace[] {
    const out: BlockPlace[] = [];
    const end = this.#blockStarts[row + 1]!;
    for (let at = this.#blockStarts[row]!; at < end; at++)
      if (this.firstUs[at]! <= endUs && this.lastUs[at]! >= startUs) out.push(this.place(at));
    return out;
  }

  /** The first block of a row, and behind the last one. */
  blockStart(row: number): number {
    return this.#blockStarts[row]!;
  }

  countOf(block: number): number {
    return this.#counts[block]!;
  }

  timesOf(block: number): number {
    return this.#times[block]!;
  }

  /** The last block of a row that begins at or before `endUs`; -1 where there is none. */
  newestBlock(row: number, endUs: number): number {
    const start = this.#blockStarts[row]!;
    for (let at = this.#blockStarts[row + 1]! - 1; at >= start; at--)
      if (this.firstUs[at]! <= endUs) return at;
    return -1;
  }

  /** The block of a row that has the times of a column. */
  blockOf(row: number, times: number): BlockPlace | undefined {
    const end = this.#blockStarts[row + 1]!;
    for (let at = this.#blockStarts[row]!; at < end; at++)
      if (this.#times[at] === times) return this.place(at);
    return undefined;
  }

  place(at: number): BlockPlace {
    return {
      offset: this.#offsets[at]!,
      sizeBytes: this.#sizes[at]!,
      kind: this.kinds[at]!,
      count: this.#counts[at]!,
      firstUs: this.firstUs[at]!,
      lastUs: this.lastUs[at]!,
      times: this.#times[at]!,
      sibling: this.#siblings[at]!,
    };
  }
}
