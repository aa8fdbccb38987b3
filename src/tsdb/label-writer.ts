// Label sets as rows of symbol numbers plus a table of the symbols in order of appearance: the form
// of a part's rows that are no series (exemplars, attributes). Texts are interned off the heap.
import type { ByteWriter } from '../codec/varint.ts';
import type { SeriesRef } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import { Symbols } from './symbols.ts';

/** Where the labels of series are read from: symbols by number, as SeriesIndex has them. */
export interface LabelSource {
  /** The symbols of a series, name, value, name, value …, to the start of `out`; their number. */
  symbolsOf(ref: SeriesRef, out: number[]): number;
  readonly symbols: {
    readonly count: number;
    /** UTF-8, borrowed. */
    bytes(symbol: number): Uint8Array;
    locate: Symbols['locate'];
    /** Places in byte order, and how they are made in steps; see Symbols. */
    ranks(): Uint32Array;
    rankSteps(): Generator<void, void, void>;
  };
}

export class TextWriter {
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
