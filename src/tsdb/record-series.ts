// The series section of a log record (docs/formats/log-record.md): which series numbers stand for
// which labels. Texts stand once: names, then pairs of a name and a value, then series as rows of
// pairs, each row as what differs from the one before. Written from the index' numbers and read
// into ranges of the record's bytes; no string is made on either way.
import { ByteReader, CodecError } from '../codec/varint.ts';
import type { ByteWriter } from '../codec/varint.ts';
import { ByteWriter as Writer } from '../codec/varint.ts';
import type { SeriesRef } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import { grownU32 } from '../stdx/growable.ts';
import { PlaceTable } from './place-table.ts';
import { ROW_LABELS_MAX } from './row-words.ts';

/** Where the labels of series are read from, as SeriesIndex has them. */
export interface PairSource {
  /** The pairs of a series, in label order, to the start of `out`; their number. */
  pairsOf(ref: SeriesRef, out: Uint32Array): number;
  labelCount(ref: SeriesRef): number;
  nameOf(pair: number): number;
  valueOf(pair: number): number;
  readonly symbols: {
    /** Length (varint) and UTF-8. */
    writeTo(out: ByteWriter, symbol: number): void;
  };
}

export class SeriesWriter {
  readonly #source: PairSource;
  readonly #names = new PlaceTable();
  readonly #pairs = new PlaceTable();
  readonly #nameTexts = new Writer(1 << 8);
  readonly #pairTexts = new Writer(1 << 12);
  readonly #rows = new Writer(1 << 12);
  // The series before: its pairs and their places.
  #row = new Uint32Array(64);
  #rowBefore = new Uint32Array(64);
  #places = new Uint32Array(64);
  #countBefore = 0;

  constructor(source: PairSource) {
    this.#source = source;
  }

  /** The whole section; `isInline`: series are numbered by their place. */
  write(out: ByteWriter, refs: readonly SeriesRef[], isInline: boolean): void {
    this.#names.clear();
    this.#pairs.clear();
    this.#nameTexts.reset();
    this.#pairTexts.reset();
    this.#rows.reset();
    this.#countBefore = 0;
    let next = 0;
    for (const ref of refs) {
      if (!isInline) this.#rows.zigzag(ref - next);
      next = ref + 1;
      this.#writeRow(ref);
    }
    const sizeAt = out.size;
    out.u32(0);
    out.varint(this.#names.count);
    out.raw(this.#nameTexts.bytes());
    out.varint(this.#pairs.count);
    out.raw(this.#pairTexts.bytes());
    out.varint(refs.length);
    out.raw(this.#rows.bytes());
    out.u32At(sizeAt, out.size - sizeAt - 4);
  }

  #writeRow(ref: SeriesRef): void {
    const labelCount = this.#source.labelCount(ref);
    this.#row = grownU32(this.#row, labelCount);
    this.#rowBefore = grownU32(this.#rowBefore, labelCount);
    this.#places = grownU32(this.#places, labelCount);
    const row = this.#row;
    const before = this.#rowBefore;
    const places = this.#places;
    const out = this.#rows;
    this.#source.pairsOf(ref, row);
    out.varint(labelCount);
    for (let from = 0; from < labelCount; from += 8) {
      let mask = 0;
      const end = Math.min(from + 8, labelCount);
      for (let i = from; i < end; i++)
        if (i >= this.#countBefore || row[i] !== before[i]) mask |= 1 << (i - from);
      out.u8(mask);
      for (let i = from; mask !== 0; i++, mask >>>= 1) {
        if ((mask & 1) === 0) continue;
        places[i] = this.#placeOf(row[i]!);
        out.varint(places[i]!);
      }
    }
    this.#row = before;
    this.#rowBefore = row;
    this.#countBefore = labelCount;
  }

  #placeOf(pair: number): number {
    const known = this.#pairs.find(pair);
    if (known >= 0) return known;
    const source = this.#source;
    const name = source.nameOf(pair);
    let nameAt = this.#names.find(name);
    if (nameAt < 0) {
      nameAt = this.#names.add(name);
      source.symbols.writeTo(this.#nameTexts, name);
    }
    this.#pairTexts.varint(nameAt);
    source.symbols.writeTo(this.#pairTexts, source.valueOf(pair));
    return this.#pairs.add(pair);
  }
}

/** A series section as ranges of the record's bytes, all of it checked. */
export interface SeriesDefinitions {
  readonly count: number;
  /** What the record's columns call each series: a ref of the session, or its place. */
  readonly numbers: Uint32Array;
  readonly bytes: Uint8Array;
  /** Start and end of each name. */
  readonly names: Uint32Array;
  /** Place of the name, start and end of the value, of each pair. */
  readonly pairs: Uint32Array;
  /** Pairs of series i: [starts[i], starts[i + 1]) of `places`. */
  readonly starts: Uint32Array;
  readonly places: Uint32Array;
}

const NO_NUMBERS = new Uint32Array(0);
const NO_DEFINITIONS: SeriesDefinitions = {
  count: 0,
  numbers: NO_NUMBERS,
  bytes: new Uint8Array(0),
  names: NO_NUMBERS,
  pairs: NO_NUMBERS,
  starts: new Uint32Array(1),
  places: NO_NUMBERS,
};

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Steps over a section whose content is known. */
export function skipSeries(reader: ByteReader): SeriesDefinitions {
  reader.skip(reader.u32());
  return NO_DEFINITIONS;
}

/** Throws CodecError where anything is wrong with it. */
export function readSeries(outer: ByteReader, isInline: boolean): SeriesDefinitions {
  const sizeBytes = outer.u32();
  const start = outer.at;
  outer.skip(sizeBytes);
  const reader = new ByteReader(outer.bytes, start, outer.at);
  const names = new Uint32Array(2 * reader.count());
  for (let at = 0; at < names.length; at += 2) readText(reader, names, at);
  const pairs = new Uint32Array(3 * reader.count(2));
  for (let at = 0; at < pairs.length; at += 3) {
    pairs[at] = below(reader, names.length / 2, 'name');
    readText(reader, pairs, at + 1);
  }
  const count = reader.count(2);
  const numbers = new Uint32Array(count);
  const starts = new Uint32Array(count + 1);
  let places = new Uint32Array(count * 8);
  let next = 0;
  for (let i = 0; i < count; i++) {
    numbers[i] = isInline ? i : next + reader.zigzag();
    next = numbers[i]! + 1;
    const from = starts[i]!;
    const labelCount = reader.varint();
    if (labelCount > ROW_LABELS_MAX) throw new CodecError(`a series of ${labelCount} labels`);
    places = grownU32(places, from + labelCount);
    const before = i === 0 ? 0 : starts[i - 1]!;
    readRow(reader, { places, from, labelCount, before, pairCount: pairs.length / 3 });
    starts[i + 1] = from + labelCount;
  }
  reader.finish();
  return { count, numbers, bytes: outer.bytes, names, pairs, starts, places };
}

interface RowPlace {
  readonly places: Uint32Array;
  readonly from: number;
  readonly labelCount: number;
  /** Where the series before begins; it ends at `from`. */
  readonly before: number;
  readonly pairCount: number;
}

function readRow(reader: ByteReader, row: RowPlace): void {
  const { places, from, labelCount, before, pairCount } = row;
  const shared = from - before;
  let mask = 0;
  for (let i = 0; i < labelCount; i++) {
    mask = i % 8 === 0 ? reader.u8() : mask >>> 1;
    if ((mask & 1) !== 0) places[from + i] = below(reader, pairCount, 'pair');
    else if (i < shared) places[from + i] = places[before + i]!;
    else throw new CodecError(`no label to repeat before ${reader.at}`);
  }
}

function below(reader: ByteReader, end: number, what: string): number {
  const place = reader.varint();
  if (place >= end) throw new CodecError(`unknown ${what} before ${reader.at}`);
  return place;
}

/** Start and end of a text, which must be UTF-8, to `out` at `at`. */
function readText(reader: ByteReader, out: Uint32Array, at: number): void {
  const sizeBytes = reader.varint();
  const start = reader.at;
  reader.skip(sizeBytes);
  out[at] = start;
  out[at + 1] = reader.at;
  const { bytes } = reader;
  for (let i = start; i < reader.at; i++) {
    if (bytes[i]! < 128) continue;
    textOf(bytes, start, reader.at);
    return;
  }
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  try {
    return strict.decode(bytes.subarray(start, end));
  } catch (error) {
    throw new CodecError(`bad UTF-8 before ${end}`, { cause: error });
  }
}

/** For tools and tests. */
export function definedLabels(series: SeriesDefinitions, index: number): Labels {
  const { bytes, names, pairs, starts, places } = series;
  const labels: string[] = [];
  for (let at = starts[index]!; at < starts[index + 1]!; at++) {
    const pair = 3 * places[at]!;
    const name = 2 * pairs[pair]!;
    labels.push(textOf(bytes, names[name]!, names[name + 1]!));
    labels.push(textOf(bytes, pairs[pair + 1]!, pairs[pair + 2]!));
  }
  return labels;
}
