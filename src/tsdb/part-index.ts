// One tenant's index section of a part, decoded into typed arrays: label rows as symbol numbers,
// blocks as offsets and sizes. Series are sorted by labels; an ordinal is a place in that order.
import { ByteReader, CodecError } from '../codec/varint.ts';
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';

export interface BlockPlace {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly kind: number;
  readonly count: number;
  readonly firstUs: number;
  readonly lastUs: number;
}

export class PartIndex {
  readonly seriesCount: number;
  readonly #symbols: string[] = [];
  /** Labels of series i: symbols [labelStart[i], labelStart[i + 1]). */
  readonly #labelStart: Uint32Array;
  readonly #labelSymbols: number[] = [];
  readonly #blockStart: Uint32Array;
  readonly #blocks: BlockPlace[] = [];

  constructor(section: Uint8Array) {
    const reader = new ByteReader(section);
    let offset = reader.varint();
    for (let left = reader.count(); left > 0; left--) this.#symbols.push(reader.string());
    this.seriesCount = reader.count();
    this.#labelStart = new Uint32Array(this.seriesCount + 1);
    this.#blockStart = new Uint32Array(this.seriesCount + 1);
    for (let i = 0; i < this.seriesCount; i++) {
      for (let texts = reader.count(2) * 2; texts > 0; texts--) {
        const symbol = reader.varint();
        if (symbol >= this.#symbols.length) throw new CodecError(`unknown symbol ${symbol}`);
        this.#labelSymbols.push(symbol);
      }
      this.#labelStart[i + 1] = this.#labelSymbols.length;
      for (let blocks = reader.count(19); blocks > 0; blocks--) {
        const kind = reader.u8();
        const sizeBytes = reader.varint();
        const count = reader.varint();
        const firstUs = reader.f64();
        const lastUs = reader.f64();
        this.#blocks.push({ offset, sizeBytes, kind, count, firstUs, lastUs });
        offset += sizeBytes;
      }
      this.#blockStart[i + 1] = this.#blocks.length;
    }
    reader.finish();
  }

  /** An estimate of the memory this index holds. */
  get sizeBytes(): number {
    return this.#symbols.length * 40 + this.#labelSymbols.length * 8 + this.#blocks.length * 80;
  }

  labels(ordinal: number): Labels {
    return this.#labelSymbols
      .slice(this.#labelStart[ordinal], this.#labelStart[ordinal + 1])
      .map((symbol) => this.#symbols[symbol]!);
  }

  /** Blocks of a series that touch the range, in time order. */
  blocks(ordinal: number, startUs: number, endUs: number): BlockPlace[] {
    const out: BlockPlace[] = [];
    for (let i = this.#blockStart[ordinal]!; i < this.#blockStart[ordinal + 1]!; i++) {
      const block = this.#blocks[i]!;
      if (block.firstUs <= endUs && block.lastUs >= startUs) out.push(block);
    }
    return out;
  }

  /** Every block of the tenant. */
  allBlocks(): readonly BlockPlace[] {
    return this.#blocks;
  }

  /**
   * Ordinals that all matchers accept, ascending. Complexity: series × labels, values tested once.
   */
  match(matchers: readonly Matcher[]): Uint32Array {
    let ordinals = Uint32Array.from({ length: this.seriesCount }, (_, i) => i);
    for (const one of matchers) {
      const name = this.#symbols.indexOf(one.name);
      const ifAbsent = one.matches('');
      // Per value symbol: 0 not asked yet, 1 accepted, 2 refused.
      const verdicts = new Uint8Array(this.#symbols.length);
      ordinals = ordinals.filter((ordinal) => {
        const value = name < 0 ? -1 : this.#valueSymbol(ordinal, name);
        if (value < 0) return ifAbsent;
        if (verdicts[value] === 0) verdicts[value] = one.matches(this.#symbols[value]!) ? 1 : 2;
        return verdicts[value] === 1;
      });
    }
    return ordinals;
  }

  #valueSymbol(ordinal: number, name: number): number {
    const end = this.#labelStart[ordinal + 1]!;
    for (let i = this.#labelStart[ordinal]!; i < end; i += 2)
      if (this.#labelSymbols[i] === name) return this.#labelSymbols[i + 1]!;
    return -1;
  }
}
