// The series of a part that a leaf over a range reads, row group by row group, their samples as
// columns where they are decoded already or can be: whole blocks of numbers without markers. They
// are kept (column-cache.ts), and series whose times are the same array share what is made of it.
import { doublesOf, isNumberColumn } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import type { SeriesSamples } from '../windows/samples.ts';
import { hasMarker, NO_SAMPLES } from '../windows/samples.ts';
import { readTexts } from './group-texts.ts';
import { joinedTimes, Room } from './joined.ts';
import { READ_CHUNK_BYTES, READ_GAP_BYTES } from './limits.ts';
import type { PartIndex } from './part-index.ts';
import type { Part } from './part-reader.ts';
import type { BlockPlace, RowGroup } from './part-rows.ts';
import type { ValueGroup } from './part-values.ts';
import { clampSamples, sortedSource } from './samples.ts';
import type { Source } from './samples.ts';
import type { Scan } from './scan.ts';
import { SiblingReader } from './sibling-reader.ts';

/** Samples that are not plain: all sources of the series must be looked at. */
export const UNCLEAR = 'unclear';

/** What there is of a series; undefined: nothing in the range. */
export type Found = SeriesSamples | typeof UNCLEAR | undefined;

/** Rows of one row group. */
export interface LaneBatch {
  readonly group: RowGroup;
  readonly ordinals: Uint32Array;
}

/** Times of one or several columns, cut to the range; never written to again. */
interface CutTimes {
  readonly columns: readonly number[];
  readonly tUs: Float64Array;
  /** Places in the values of the blocks, as if they stood one behind the other. */
  readonly from: number;
  readonly to: number;
}

export interface LaneOptions {
  readonly scan: Scan;
  readonly part: Part;
  readonly index: PartIndex;
  readonly priority: number;
  /** Decoded columns are kept. */
  readonly isKept: boolean;
}

export class RangeLane {
  readonly #options: LaneOptions;
  readonly #siblings: SiblingReader;
  readonly #values = new Map<number, ValueGroup>();
  #window: Uint8Array = new Uint8Array(0);
  #windowOffset = 0;
  #cut: CutTimes = { columns: [], tUs: new Float64Array(0), from: 0, to: 0 };
  readonly #joined = new Room();
  #batch!: LaneBatch;
  /** Blocks of the row at hand that touch the range: [first, end). */
  #first = 0;
  #end = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#siblings = new SiblingReader(options.part, options.scan.tenant, options.index);
  }

  /** Nobody reads any more; samples that were given out are over. Once. */
  end(): void {
    this.#joined.end();
  }

  open(batch: LaneBatch): void {
    this.#batch = batch;
  }

  /**
   * Plain samples of the range, undefined where there are none. Those at hand are given at once;
   * they are borrowed until the next row.
   */
  samplesOf(row: number): Found | Promise<Found> {
    if (!this.#find(row)) return undefined;
    const { group } = this.#batch;
    if (!this.#areCutFor(group)) return this.#load(row);
    if (!this.#areApart(group)) return UNCLEAR;
    if (this.#end - this.#first === 1) {
      const column = group.columns[this.#first];
      if (column === undefined) return this.#load(row);
      column.isUsed = true;
      return this.#cutOf(column.values, column.isRising);
    }
    for (let block = this.#first; block < this.#end; block++)
      if (group.columns[block] === undefined) return this.#load(row);
    return this.#cutOf(this.#join(group));
  }

  /** All that the range has of a row. */
  async sourcesOf(row: number): Promise<Source[]> {
    const { scan, priority } = this.#options;
    const { startUs, endUs } = scan.range;
    if (!this.#find(row)) return [];
    const out: Source[] = [];
    const times = await this.#timesOf(this.#batch.group);
    const first = this.#first;
    for (const [i, tUs] of times.entries()) {
      scan.check();
      const samples = await this.#decode(row, this.#batch.group.place(first + i), tUs);
      const clamped = clampSamples(samples, startUs, endUs);
      if (clamped !== undefined) out.push(sortedSource(clamped, priority));
    }
    return out;
  }

  #find(row: number): boolean {
    const { group, ordinals } = this.#batch;
    const { startUs, endUs } = this.#options.scan.range;
    const at = ordinals[row]! - group.first;
    let first = group.blockStart(at);
    let end = group.blockStart(at + 1);
    while (first < end && group.lastUs[first]! < startUs) first++;
    while (first < end && group.firstUs[end - 1]! > endUs) end--;
    this.#first = first;
    this.#end = end;
    return first < end;
  }

  /** Are the times at hand those of the row's blocks? */
  #areCutFor(group: RowGroup): boolean {
    const { columns } = this.#cut;
    if (columns.length !== this.#end - this.#first) return false;
    for (let i = 0; i < columns.length; i++)
      if (columns[i] !== group.timesOf(this.#first + i)) return false;
    return true;
  }

  /** Does each block begin behind the one before? */
  #areApart(group: RowGroup): boolean {
    for (let block = this.#first + 1; block < this.#end; block++)
      if (group.firstUs[block]! <= group.lastUs[block - 1]!) return false;
    return true;
  }

  #isOdd(group: RowGroup): boolean {
    for (let block = this.#first; block < this.#end; block++)
      if (group.isOdd[block] === 1) return true;
    return false;
  }

  #cutOf(values: Float64Array, isRising = false): SeriesSamples | undefined {
    const { tUs, from, to } = this.#cut;
    if (from === to) return undefined;
    return {
      ...NO_SAMPLES,
      count: to - from,
      tUs,
      values: from === 0 ? values : values.subarray(from, to),
      hasFixedTimes: true,
      isRising,
    };
  }

  /** Values of all blocks of the row, one behind the other. */
  #join(group: RowGroup): Float64Array {
    let count = 0;
    for (let block = this.#first; block < this.#end; block++) count += group.countOf(block);
    const joined = this.#joined.of(count);
    let at = 0;
    for (let block = this.#first; block < this.#end; block++) {
      const column = group.columns[block]!;
      column.isUsed = true;
      joined.set(column.values, at);
      at += column.values.length;
    }
    return joined;
  }

  // -------------------------------------------------------------- reading

  async #load(row: number): Promise<Found> {
    const { scan, part, isKept } = this.#options;
    const { group } = this.#batch;
    const times = await this.#timesOf(group);
    if (!this.#areApart(group) || this.#isOdd(group)) return UNCLEAR;
    const chunks: Float64Array[] = [];
    for (let block = this.#first; block < this.#end; block++) {
      scan.check();
      const column = group.columns[block];
      if (column !== undefined) {
        column.isUsed = true;
        chunks.push(column.values);
        continue;
      }
      const samples = await this.#decode(row, group.place(block), times[block - this.#first]!);
      const values = plainColumn(samples);
      if (values === undefined) {
        group.isOdd[block] = 1;
        return UNCLEAR;
      }
      if (isKept) part.columns.keep(group, block, values);
      chunks.push(values);
    }
    return this.#cutOf(this.#joinOf(chunks));
  }

  #joinOf(chunks: readonly Float64Array[]): Float64Array {
    if (chunks.length === 1) return chunks[0]!;
    const count = chunks.reduce((sum, { length }) => sum + length, 0);
    const joined = this.#joined.of(count);
    let at = 0;
    for (const values of chunks) {
      joined.set(values, at);
      at += values.length;
    }
    return joined;
  }

  /** Times of the row's blocks; they become the times at hand. */
  async #timesOf(group: RowGroup): Promise<Float64Array[]> {
    const { part, index, scan } = this.#options;
    const first = this.#first;
    const end = this.#end;
    const isAtHand = this.#areCutFor(group);
    const times: Float64Array[] = [];
    for (let block = first; block < end; block++)
      times.push(await part.times(scan.tenant, index, group.timesOf(block)));
    if (isAtHand) return times;
    const all = times.length === 1 ? times[0]! : joinedTimes(times);
    const { startUs, endUs } = scan.range;
    let from = 0;
    while (from < all.length && all[from]! < startUs) from++;
    let to = all.length;
    while (to > from && all[to - 1]! > endUs) to--;
    const columns = times.map((_, i) => group.timesOf(first + i));
    this.#cut = { columns, tUs: all.subarray(from, to), from, to };
    return times;
  }

  async #decode(row: number, place: BlockPlace, tUs: Float64Array): Promise<Samples> {
    const { part } = this.#options;
    const { group, ordinals } = this.#batch;
    const sibling = await this.#siblings.valuesFor(ordinals[row]!, place);
    await this.#read(row, place);
    const bytes = { window: this.#window, windowOffset: this.#windowOffset };
    const samples = part.decode(place, tUs, bytes, sibling);
    this.#siblings.keep(group, place, samples);
    return samples;
  }

  /** Makes the window hold a block; reads on over the rows that will be asked for next. */
  async #read(row: number, place: BlockPlace): Promise<void> {
    const start = place.offset;
    let end = start + place.sizeBytes;
    if (start >= this.#windowOffset && end <= this.#windowOffset + this.#window.length) return;
    const { group, ordinals } = this.#batch;
    const { startUs, endUs } = this.#options.scan.range;
    for (let next = row; next < ordinals.length; next++) {
      for (const one of group.blocks(ordinals[next]! - group.first, startUs, endUs)) {
        if (one.offset < end) continue;
        const wanted = one.offset + one.sizeBytes;
        if (one.offset - end > READ_GAP_BYTES || wanted - start > READ_CHUNK_BYTES) {
          next = ordinals.length;
          break;
        }
        end = wanted;
      }
    }
    this.#window = await this.#options.part.read(start, end - start);
    this.#windowOffset = start;
  }

  /** Reads the texts of the batch: a function that gives the labels of its rows. */
  async texts(): Promise<(row: number) => Labels> {
    const { group, ordinals } = this.#batch;
    const texts = await readTexts(this.#options.index, group, ordinals, this.#values);
    return (row) => texts.labels(ordinals[row]! - group.first);
  }
}

/** Numbers without markers and start times, as doubles: all that a kernel wants to know of them. */
export function plainColumn(samples: Samples): Float64Array | undefined {
  if (!isNumberColumn(samples) || samples.startUs !== undefined) return undefined;
  return hasMarker(samples) ? undefined : doublesOf(samples, samples.count);
}
