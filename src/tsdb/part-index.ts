// One tenant's index section of a part, decoded into typed arrays: label rows as symbol numbers,
// blocks as sums of sizes. Series are sorted by labels; an ordinal is a place in that order. The
// section's bytes stay, for the texts of symbols.
import { ByteReader, CodecError } from '../codec/varint.ts';
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import { grownU32, grownU8 } from './growable.ts';
import { TextTable } from './text-table.ts';

export interface BlockPlace {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly kind: number;
  readonly count: number;
  readonly firstUs: number;
  readonly lastUs: number;
}

/** Columns of the blocks of one section, growing while it is read. */
class BlockColumns {
  count = 0;
  offsets = new Float64Array(8);
  firstUs = new Float64Array(8);
  lastUs = new Float64Array(8);
  sizes = new Uint32Array(8);
  counts = new Uint32Array(8);
  kinds = new Uint8Array(8);

  /** Reads one block's entry; returns its size. */
  read(reader: ByteReader, offset: number): number {
    if (this.count === this.kinds.length) this.#grow();
    const at = this.count++;
    this.offsets[at] = offset;
    this.kinds[at] = reader.u8();
    const sizeBytes = reader.varint();
    this.sizes[at] = sizeBytes;
    this.counts[at] = reader.varint();
    this.firstUs[at] = reader.f64();
    this.lastUs[at] = reader.f64();
    return sizeBytes;
  }

  #grow(): void {
    const length = this.count * 2;
    const doubles = (from: Float64Array): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(length);
      to.set(from);
      return to;
    };
    this.offsets = doubles(this.offsets);
    this.firstUs = doubles(this.firstUs);
    this.lastUs = doubles(this.lastUs);
    this.sizes = grownU32(this.sizes, length);
    this.counts = grownU32(this.counts, length);
    this.kinds = grownU8(this.kinds, length);
  }

  place(at: number): BlockPlace {
    return {
      offset: this.offsets[at]!,
      sizeBytes: this.sizes[at]!,
      kind: this.kinds[at]!,
      count: this.counts[at]!,
      firstUs: this.firstUs[at]!,
      lastUs: this.lastUs[at]!,
    };
  }
}

export class PartIndex {
  readonly seriesCount: number;
  readonly #texts: TextTable;
  readonly #sectionBytes: number;
  /** Labels of series i: symbols [labelStart[i], labelStart[i + 1]). */
  readonly #labelStart: Uint32Array;
  #labelSymbols = new Uint32Array(64);
  readonly #blockStart: Uint32Array;
  readonly #blocks = new BlockColumns();

  constructor(section: Uint8Array) {
    const reader = new ByteReader(section);
    this.#sectionBytes = section.length;
    let offset = reader.varint();
    this.#texts = new TextTable(reader);
    this.seriesCount = reader.count();
    this.#labelStart = new Uint32Array(this.seriesCount + 1);
    this.#blockStart = new Uint32Array(this.seriesCount + 1);
    let end = 0;
    for (let i = 0; i < this.seriesCount; i++) {
      const texts = reader.count(2) * 2;
      this.#labelSymbols = grownU32(this.#labelSymbols, end + texts);
      for (let left = texts; left > 0; left--) {
        const symbol = reader.varint();
        if (symbol >= this.#texts.count) throw new CodecError(`unknown symbol ${symbol}`);
        this.#labelSymbols[end++] = symbol;
      }
      this.#labelStart[i + 1] = end;
      for (let blocks = reader.count(19); blocks > 0; blocks--)
        offset += this.#blocks.read(reader, offset);
      this.#blockStart[i + 1] = this.#blocks.count;
    }
    reader.finish();
  }

  /** An estimate of the memory this index holds. */
  get sizeBytes(): number {
    const rows = this.#labelSymbols.length * 4 + this.seriesCount * 8;
    return this.#sectionBytes + this.#texts.count * 8 + rows + this.#blocks.kinds.length * 33;
  }

  labels(ordinal: number): Labels {
    const labels: string[] = [];
    const end = this.#labelStart[ordinal + 1]!;
    for (let at = this.#labelStart[ordinal]!; at < end; at++)
      labels.push(this.#texts.text(this.#labelSymbols[at]!));
    return labels;
  }

  /** Blocks of a series that touch the range, in time order. */
  blocks(ordinal: number, startUs: number, endUs: number): BlockPlace[] {
    const out: BlockPlace[] = [];
    const { firstUs, lastUs } = this.#blocks;
    const end = this.#blockStart[ordinal + 1]!;
    for (let at = this.#blockStart[ordinal]!; at < end; at++)
      if (firstUs[at]! <= endUs && lastUs[at]! >= startUs) out.push(this.#blocks.place(at));
    return out;
  }

  /** Every block of the tenant. */
  *allBlocks(): Generator<BlockPlace, void, void> {
    for (let at = 0; at < this.#blocks.count; at++) yield this.#blocks.place(at);
  }

  /**
   * Ordinals that all matchers accept, ascending. Complexity: series × labels, values tested once.
   */
  match(matchers: readonly Matcher[]): Uint32Array {
    let ordinals = new Uint32Array(this.seriesCount);
    for (let i = 0; i < ordinals.length; i++) ordinals[i] = i;
    for (const one of matchers) {
      const name = this.#texts.find(one.name);
      const ifAbsent = one.matches('');
      const accepts = this.#valueTest(one);
      ordinals = ordinals.filter((ordinal) => {
        const value = name < 0 ? -1 : this.#valueSymbol(ordinal, name);
        return value < 0 ? ifAbsent : accepts(value);
      });
    }
    return ordinals;
  }

  /** Does the matcher accept the text of a symbol? Each is asked once. */
  #valueTest(one: Matcher): (symbol: number) => boolean {
    if (one.type === '=' || one.type === '!=') {
      const wanted = this.#texts.find(one.value);
      return (symbol) => (symbol === wanted) === (one.type === '=');
    }
    // Per symbol: 0 not asked yet, 1 accepted, 2 refused.
    const verdicts = new Uint8Array(this.#texts.count);
    return (symbol) => {
      if (verdicts[symbol] === 0) verdicts[symbol] = one.matches(this.#texts.text(symbol)) ? 1 : 2;
      return verdicts[symbol] === 1;
    };
  }

  #valueSymbol(ordinal: number, name: number): number {
    const end = this.#labelStart[ordinal + 1]!;
    for (let i = this.#labelStart[ordinal]!; i < end; i += 2)
      if (this.#labelSymbols[i] === name) return this.#labelSymbols[i + 1]!;
    return -1;
  }
}
