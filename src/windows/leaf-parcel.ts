// A parcel: some whole chunks of a leaf's series as bytes and typed arrays, for another thread. The
// layout lives inside one process and is written and read here only.
//
// The program is words: per series its place among the chunk's groups, the number of its items, and
// per item {kind, is a block, from, to, number of times, their place, place of the values or the
// block, bytes of the block, place of the start times or -1}. Places are bytes in `data`, those of
// columns multiples of 8. Times that several blocks share are in a parcel once.
import { KIND } from '../model/columns.ts';
import type { Kind, Samples } from '../model/columns.ts';
import type { EncodedSamples, LeafAggregation } from '../model/storage.ts';
import { assert } from '../stdx/assert.ts';
import type { KernelSpec } from './float-kernels.ts';
import { isEncoded } from './leaf-items.ts';
import type { LeafItem } from './leaf-items.ts';

const ITEM_WORDS = 9;
const DATA_BYTES_INITIAL = 64 * 1024;
const PROGRAM_WORDS_INITIAL = 4096;

/** What all parcels of a leaf share. */
export interface LeafSpec {
  /** Tells leaves of a process apart. */
  readonly id: number;
  readonly kernel: KernelSpec;
  /** undefined: every series has a column of its own. */
  readonly aggregation: LeafAggregation | undefined;
}

export interface ParcelChunk {
  readonly seriesCount: number;
  /** Groups that the chunk's series belong to; 0 without grouping. */
  readonly groupCount: number;
  /** Its first word in the program. */
  readonly start: number;
}

export interface LeafParcel {
  readonly spec: LeafSpec;
  readonly chunks: readonly ParcelChunk[];
  readonly program: Int32Array<ArrayBuffer>;
  readonly data: ArrayBuffer;
  /** One shared word: not 0 where nobody wants the answer any more. */
  readonly stop: Int32Array;
}

/** Fills one parcel after the other; chunk by chunk, series by series. */
export class ParcelWriter {
  samples = 0;
  #sizeBytes = 0;
  #data = new ArrayBuffer(DATA_BYTES_INITIAL);
  #bytes = new Uint8Array(this.#data);
  #program = new Int32Array(PROGRAM_WORDS_INITIAL);
  #words = 0;
  #chunks: ParcelChunk[] = [];
  #chunkStart = 0;
  #seriesCount = 0;
  readonly #times = new Map<Float64Array, number>();

  get sizeBytes(): number {
    return this.#sizeBytes + this.#words * 4;
  }

  /** Copies a series into the chunk at hand. */
  add(group: number, items: readonly LeafItem[]): void {
    this.#needWords(2 + items.length * ITEM_WORDS);
    this.#word(group);
    this.#word(items.length);
    for (const { chunk, from, to } of items) {
      this.samples += to - from;
      if (isEncoded(chunk)) this.#addBlock(chunk, from, to);
      else this.#addColumns(chunk, from, to);
    }
    this.#seriesCount++;
  }

  #addBlock({ kind, tUs, block }: EncodedSamples, from: number, to: number): void {
    let times = this.#times.get(tUs);
    if (times === undefined) {
      times = this.#copy(tUs);
      this.#times.set(tUs, times);
    }
    const place = this.#copy(block);
    for (const word of [kind, 1, from, to, tUs.length, times, place, block.length, -1])
      this.#word(word);
  }

  #addColumns(samples: Samples, from: number, to: number): void {
    const { kind, values, tUs, startUs } = samples;
    assert(ArrayBuffer.isView(values), 'objects do not cross threads');
    const count = to - from;
    const times = this.#copy(tUs.subarray(from, to));
    const place = this.#copy(values.subarray(from, to));
    const starts = startUs === undefined ? -1 : this.#copy(startUs.subarray(from, to));
    for (const word of [kind, 0, 0, count, count, times, place, 0, starts]) this.#word(word);
  }

  endChunk(groupCount: number): ParcelChunk {
    const chunk = { seriesCount: this.#seriesCount, groupCount, start: this.#chunkStart };
    this.#chunks.push(chunk);
    this.#chunkStart = this.#words;
    this.#seriesCount = 0;
    return chunk;
  }

  /** Takes back the series of the chunk at hand; their items are good until the next `add`. */
  takeBack(): LeafItem[][] {
    const reader = new ParcelReader(this.#program, this.#data, this.#chunkStart);
    const series = Array.from({ length: this.#seriesCount }, () => reader.series().items);
    this.#words = this.#chunkStart;
    this.#seriesCount = 0;
    if (this.#chunks.length === 0) {
      this.#sizeBytes = this.samples = 0;
      this.#times.clear();
    }
    return series;
  }

  /** Gives the parcel out and starts the next one, in the memory of a spent one if there is one. */
  finish(spare: ArrayBuffer | undefined): Pick<LeafParcel, 'chunks' | 'program' | 'data'> {
    assert(this.#seriesCount === 0, 'a parcel is of whole chunks');
    const program = this.#program.slice(0, this.#words);
    const parcel = { chunks: this.#chunks, program, data: this.#data };
    this.#data = spare ?? new ArrayBuffer(DATA_BYTES_INITIAL);
    this.#bytes = new Uint8Array(this.#data);
    this.#chunks = [];
    this.#words = this.#chunkStart = this.#sizeBytes = this.samples = 0;
    this.#times.clear();
    return parcel;
  }

  #needWords(count: number): void {
    if (this.#words + count <= this.#program.length) return;
    const larger = new Int32Array(Math.max(this.#program.length * 2, this.#words + count));
    larger.set(this.#program);
    this.#program = larger;
  }

  #word(value: number): void {
    this.#program[this.#words++] = value;
  }

  /** The place of a copy, a multiple of 8. */
  #copy({ buffer, byteOffset, byteLength }: ArrayBufferView): number {
    const place = this.#sizeBytes;
    const end = place + Math.ceil(byteLength / 8) * 8;
    assert(end < 2 ** 31, 'places are words');
    if (end > this.#data.byteLength) {
      this.#data = new ArrayBuffer(Math.max(this.#data.byteLength * 2, end));
      const larger = new Uint8Array(this.#data);
      larger.set(this.#bytes.subarray(0, place));
      this.#bytes = larger;
    }
    this.#bytes.set(new Uint8Array(buffer, byteOffset, byteLength), place);
    this.#sizeBytes = end;
    return place;
  }
}

/** Walks the series of a parcel; items are views of its memory. */
export class ParcelReader {
  readonly #program: Int32Array;
  readonly #data: ArrayBuffer;
  #at: number;

  constructor(program: Int32Array, data: ArrayBuffer, start: number) {
    this.#program = program;
    this.#data = data;
    this.#at = start;
  }

  /** The next series; the caller knows how many there are. */
  series(): { readonly group: number; readonly items: LeafItem[] } {
    const group = this.#program[this.#at++]!;
    const items: LeafItem[] = [];
    for (let left = this.#program[this.#at++]!; left > 0; left--) items.push(this.#item());
    return { group, items };
  }

  #item(): LeafItem {
    const start = this.#at;
    this.#at += ITEM_WORDS;
    const word = (number: number): number => this.#program[start + number]!;
    const kind = word(0) as Kind;
    const count = word(4);
    const tUs = new Float64Array(this.#data, word(5), count);
    const place = word(6);
    const item = { from: word(2), to: word(3) };
    if (word(1) === 1)
      return { ...item, chunk: { kind, tUs, block: new Uint8Array(this.#data, place, word(7)) } };
    const startUs = word(8) < 0 ? undefined : new Float64Array(this.#data, word(8), count);
    const rest = { count, tUs, startUs, subNs: undefined, position: undefined };
    return { ...item, chunk: { ...rest, ...this.#values(kind, place, count) } };
  }

  #values(kind: Kind, place: number, count: number) {
    switch (kind) {
      case KIND.f64:
        return { kind, values: new Float64Array(this.#data, place, count) };
      case KIND.i64:
        return { kind, values: new BigInt64Array(this.#data, place, count) };
      case KIND.u64:
        return { kind, values: new BigUint64Array(this.#data, place, count) };
      default:
        return { kind: KIND.boolean, values: new Uint8Array(this.#data, place, count) };
    }
  }
}
