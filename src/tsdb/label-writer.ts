// Label sets as rows of symbol numbers plus a table of the symbols in order of appearance: the form
// that sections of parts and log records share. Series of an index are written from its symbols,
// without a string; label sets from elsewhere (merges, exemplars) are interned off the heap.
import type { ByteWriter } from '../codec/varint.ts';
import type { SeriesRef } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import { grownU32 } from './growable.ts';
import { Symbols } from './symbols.ts';

/** Where the labels of series are read from: symbols by number, as SeriesIndex has them. */
export interface LabelSource {
  /** The symbols of a series, name, value, name, value …, to the start of `out`; their number. */
  symbolsOf(ref: SeriesRef, out: number[]): number;
  readonly symbols: {
    readonly count: number;
    /** UTF-8, borrowed. */
    bytes(symbol: number): Uint8Array;
  };
}

export interface LabelWriter<Series> {
  /** Varint number of labels, then the symbols. */
  write(out: ByteWriter, series: Series): void;
  /** Varint number of symbols, then their texts. */
  writeTable(out: ByteWriter): void;
}

export class RefWriter implements LabelWriter<SeriesRef> {
  readonly #source: LabelSource;
  /** Symbol of the source → number here, + 1. */
  #places = new Uint32Array(0);
  #used = new Uint32Array(64);
  #count = 0;
  readonly #row: number[] = [];

  constructor(source: LabelSource) {
    this.#source = source;
  }

  write(out: ByteWriter, ref: SeriesRef): void {
    const length = this.#source.symbolsOf(ref, this.#row);
    this.#places = grownU32(this.#places, this.#source.symbols.count);
    const places = this.#places;
    out.varint(length / 2);
    for (let i = 0; i < length; i++) {
      const symbol = this.#row[i]!;
      if (places[symbol] === 0) {
        this.#used = grownU32(this.#used, this.#count + 1);
        this.#used[this.#count++] = symbol;
        places[symbol] = this.#count;
      }
      out.varint(places[symbol]! - 1);
    }
  }

  writeTable(out: ByteWriter): void {
    out.varint(this.#count);
    for (let i = 0; i < this.#count; i++) writeText(out, this.#source.symbols, this.#used[i]!);
  }

  /** Forgets the numbers, for the next table. */
  reset(): void {
    for (let i = 0; i < this.#count; i++) this.#places[this.#used[i]!] = 0;
    this.#count = 0;
  }
}

export class TextWriter implements LabelWriter<Labels> {
  /** Symbol 0, the empty text, is no label's and not in the table. */
  readonly #symbols = new Symbols(0);

  write(out: ByteWriter, labels: Labels): void {
    out.varint(labels.length / 2);
    for (const text of labels) out.varint(this.#symbols.intern(text) - 1);
  }

  writeTable(out: ByteWriter): void {
    out.varint(this.#symbols.count - 1);
    for (let symbol = 1; symbol < this.#symbols.count; symbol++)
      writeText(out, this.#symbols, symbol);
  }
}

function writeText(out: ByteWriter, symbols: LabelSource['symbols'], symbol: number): void {
  const bytes = symbols.bytes(symbol);
  out.varint(bytes.length);
  out.raw(bytes);
}
