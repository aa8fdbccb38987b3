// The time columns of one tenant in a part (docs/formats/part.md, docs/formats/times.md): written
// once each and named by number; read by number, a group of places at a time.
import { encodeTimes, isGrid } from '../codec/times.ts';
import type { TimesPlace } from '../codec/times.ts';
import { crc32c } from '../codec/crc32c.ts';
import { ByteWriter, CodecError } from '../codec/varint.ts';
import type { ByteReader } from '../codec/varint.ts';
import { TIME_BATCH_BYTES, TIME_BATCH_COLUMNS, TIMES_REMEMBERED_BYTES } from './limits.ts';
import {
  NumberList,
  readDoubleColumn,
  readNumbers,
  writeDoubleColumn,
  writeNumbers,
} from './part-numbers.ts';
import type { PiecePlace } from './part-format.ts';

/** A column that may be met again. */
interface Remembered {
  readonly number: number;
  /** undefined: a grid, which the place describes. */
  readonly tUs: Float64Array | undefined;
  readonly place: TimesPlace;
  /** Of the same hash. */
  readonly next: Remembered | undefined;
}

/** An estimate of what remembering a column costs beside its times. */
const ENTRY_BYTES = 200;

/** What is finished before anybody else writes. */
const scratch = new ByteWriter(1024);

export class TimeColumnsWriter {
  /** Columns so far. */
  count = 0;
  readonly #remembered = new Map<number, Remembered>();
  #rememberedBytes = 0;
  /** The one that was met last, if it is no grid: series of one sender have the same times. */
  #latest: Remembered | undefined;
  readonly #columns = new ByteWriter(256);
  readonly #firstUs = new NumberList();
  readonly #lastUs = new NumberList();
  readonly #counts = new NumberList();
  readonly #sizes = new NumberList();
  readonly #groups: { columns: number; dataOffset: number; bytes: Uint8Array }[] = [];

  /** Bytes of columns that are not in the data yet. */
  get pendingBytes(): number {
    return this.#columns.size;
  }

  get isBatchFull(): boolean {
    return this.#columns.size >= TIME_BATCH_BYTES || this.#firstUs.count >= TIME_BATCH_COLUMNS;
  }

  /** The number of the column of these times. */
  add(tUs: Float64Array, count: number): number {
    const place = { firstUs: tUs[0]!, lastUs: tUs[count - 1]!, count };
    if (this.#latest !== undefined && isSame(this.#latest, place, false, tUs))
      return this.#latest.number;
    const onGrid = isGrid(tUs, count);
    const hash = onGrid ? hashOfEnds(place) : hashOf(tUs, count);
    const first = this.#remembered.get(hash);
    for (let one = first; one !== undefined; one = one.next)
      if (isSame(one, place, onGrid, tUs)) {
        if (!onGrid) this.#latest = one;
        return one.number;
      }
    const number = this.count++;
    this.#firstUs.push(place.firstUs);
    this.#lastUs.push(place.lastUs);
    this.#counts.push(count);
    this.#sizes.push(onGrid ? 0 : encodeTimes(this.#columns, tUs, count));
    this.#rememberedBytes += ENTRY_BYTES + (onGrid ? 0 : count * 8);
    if (this.#rememberedBytes > TIMES_REMEMBERED_BYTES) {
      this.#remembered.clear();
      this.#rememberedBytes = 0;
      return number;
    }
    const kept = onGrid ? undefined : tUs.slice(0, count);
    const one = { number, tUs: kept, place, next: first };
    this.#remembered.set(hash, one);
    if (!onGrid) this.#latest = one;
    return number;
  }

  /** Ends the batch: its columns, which the caller puts at `dataOffset`. Borrowed. */
  closeBatch(dataOffset: number): Uint8Array {
    const { count } = this.#firstUs;
    const out = scratch;
    out.reset();
    writeDoubleColumn(out, this.#firstUs.values, count);
    writeDoubleColumn(out, this.#lastUs.values, count);
    writeNumbers(out, this.#counts.values, 0, count);
    writeNumbers(out, this.#sizes.values, 0, count);
    if (count > 0) this.#groups.push({ columns: count, dataOffset, bytes: out.take() });
    for (const list of [this.#firstUs, this.#lastUs, this.#counts, this.#sizes]) list.clear();
    const bytes = this.#columns.bytes();
    this.#columns.reset();
    return bytes;
  }

  /** Time groups, to be written one behind the other, and then the table. */
  get groups(): readonly Uint8Array[] {
    return this.#groups.map(({ bytes }) => bytes);
  }

  table(): Uint8Array {
    const out = scratch;
    out.reset();
    for (const { columns, dataOffset, bytes } of this.#groups) {
      out.varint(columns);
      out.varint(dataOffset);
      out.varint(bytes.length);
      out.u32(crc32c(bytes));
    }
    return out.take();
  }
}

function isSame(
  one: Remembered,
  { firstUs, lastUs, count }: TimesPlace,
  onGrid: boolean,
  tUs: Float64Array,
): boolean {
  const { place } = one;
  if (place.count !== count || place.firstUs !== firstUs || place.lastUs !== lastUs) return false;
  if (onGrid || one.tUs === undefined) return onGrid && one.tUs === undefined;
  return isEqual(one.tUs, tUs, count);
}

/** Have both the same bits? As fast as memory is read. */
function isEqual(a: Float64Array, b: Float64Array, count: number): boolean {
  return Buffer.compare(bytesOf(a, count), bytesOf(b, count)) === 0;
}

function bytesOf({ buffer, byteOffset }: Float64Array, count: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset, count * 8);
}

const ends = new Float64Array(2);
const endWords = new Int32Array(ends.buffer);

/** Of a grid, whose count tells apart what this does not. */
function hashOfEnds({ firstUs, lastUs }: TimesPlace): number {
  ends[0] = firstUs;
  ends[1] = lastUs;
  return hashOfWords(endWords);
}

function hashOf(values: Float64Array, count: number): number {
  return hashOfWords(new Int32Array(values.buffer, values.byteOffset, count * 2));
}

function hashOfWords(words: Int32Array): number {
  const { length } = words;
  let hash = length >>> 1;
  for (let i = 0; i < length; i++) {
    hash = Math.imul(hash ^ words[i]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

// ---------------------------------------------------------------- reading

/** Where the groups are. */
export class TimeTable {
  /** Number of the first column of each group, and behind the last one. */
  readonly #starts: Uint32Array;
  readonly #dataOffsets: Float64Array;
  readonly #places: PiecePlace[] = [];

  /** Throws CodecError where the groups do not hold `count` columns. */
  constructor(reader: ByteReader, count: number, firstGroup: number) {
    const starts = [0];
    const dataOffsets: number[] = [];
    let offset = firstGroup;
    while (reader.left > 0) {
      starts.push(starts.at(-1)! + reader.varint());
      dataOffsets.push(reader.varint());
      const place = { offset, sizeBytes: reader.varint(), crc: reader.u32() };
      this.#places.push(place);
      offset += place.sizeBytes;
    }
    if (starts.at(-1) !== count) throw new CodecError(`${starts.at(-1)} time columns of ${count}`);
    this.#starts = Uint32Array.from(starts);
    this.#dataOffsets = Float64Array.from(dataOffsets);
  }

  get groupCount(): number {
    return this.#places.length;
  }

  get sizeBytes(): number {
    return this.#places.length * 100 + 100;
  }

  groupOf(number: number): number {
    return placeIn(this.#starts, number);
  }

  place(group: number): PiecePlace {
    return this.#places[group]!;
  }

  decode(group: number, reader: ByteReader): TimeGroup {
    const first = this.#starts[group]!;
    const count = this.#starts[group + 1]! - first;
    return new TimeGroup(reader, first, count, this.#dataOffsets[group]!);
  }
}

/** Index of the last of the ascending `starts` that is at most `number`. */
export function placeIn(starts: Uint32Array, number: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! <= number) low = middle;
    else high = middle;
  }
  return low;
}

/** First, last, count and place of some columns. */
export class TimeGroup {
  readonly first: number;
  readonly count: number;
  readonly firstUs: Float64Array;
  readonly lastUs: Float64Array;
  readonly counts: Uint32Array;
  /** 0: a grid. */
  readonly sizes: Uint32Array;
  readonly offsets: Float64Array;

  constructor(reader: ByteReader, first: number, count: number, dataOffset: number) {
    this.first = first;
    this.count = count;
    this.firstUs = readDoubleColumn(reader, count);
    this.lastUs = readDoubleColumn(reader, count);
    this.counts = readNumbers(reader, new Uint32Array(count), count);
    this.sizes = readNumbers(reader, new Uint32Array(count), count);
    this.offsets = new Float64Array(count);
    let offset = dataOffset;
    for (let i = 0; i < count; i++) {
      this.offsets[i] = offset;
      offset += this.sizes[i]!;
    }
    reader.finish();
  }

  get sizeBytes(): number {
    return this.count * 32 + 200;
  }
}
