// The symbols of one part section: UTF-8 texts one behind the other, made into strings where they
// are asked for. A small direct-mapped cache keeps those that come again and again.
import type { ByteReader } from '../codec/varint.ts';
import { TEXT_TABLE_CACHE_ENTRIES } from './limits.ts';

export class TextTable {
  readonly count: number;
  readonly #bytes: Buffer;
  /** Text of symbol s: bytes [starts[s], starts[s] + sizes[s]). */
  readonly #starts: Uint32Array;
  readonly #sizes: Uint32Array;
  readonly #cachedSymbols: Int32Array;
  readonly #cachedTexts: string[] = [];

  /** Reads a varint number of symbols, then the symbols; borrows the reader's bytes for ever. */
  constructor(reader: ByteReader) {
    const { buffer, byteOffset, length } = reader.bytes;
    this.#bytes = Buffer.from(buffer, byteOffset, length);
    this.count = reader.count();
    this.#starts = new Uint32Array(this.count);
    this.#sizes = new Uint32Array(this.count);
    for (let symbol = 0; symbol < this.count; symbol++) {
      const sizeBytes = reader.varint();
      this.#starts[symbol] = reader.at;
      this.#sizes[symbol] = sizeBytes;
      reader.skip(sizeBytes);
    }
    let entries = 1;
    while (entries < this.count && entries < TEXT_TABLE_CACHE_ENTRIES) entries *= 2;
    this.#cachedSymbols = new Int32Array(entries).fill(-1);
  }

  text(symbol: number): string {
    const place = symbol & (this.#cachedSymbols.length - 1);
    if (this.#cachedSymbols[place] === symbol) return this.#cachedTexts[place]!;
    const start = this.#starts[symbol]!;
    const text = this.#bytes.toString('utf8', start, start + this.#sizes[symbol]!);
    this.#cachedSymbols[place] = symbol;
    this.#cachedTexts[place] = text;
    return text;
  }

  /** -1 where no symbol has this text. Complexity: a look at each size. */
  find(text: string): number {
    const wanted = Buffer.from(text, 'utf8');
    const { length } = wanted;
    for (let symbol = 0; symbol < this.count; symbol++) {
      if (this.#sizes[symbol] !== length) continue;
      const start = this.#starts[symbol]!;
      let at = 0;
      while (at < length && wanted[at] === this.#bytes[start + at]) at++;
      if (at === length) return symbol;
    }
    return -1;
  }
}
