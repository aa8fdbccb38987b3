// Labels of one tenant on their way into a part: per label name a column of runs (series that share
// a value and follow each other), because neighbours in label order agree in most labels. When all
// series are known, values get ranks, and runs become postings and columns of row groups.
import { ByteReader, ByteWriter } from '../codec/varint.ts';
import type { SeriesRef } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import { grownU32 } from '../stdx/growable.ts';
import { KeyOrder } from './key-order.ts';
import type { LabelSource } from './label-writer.ts';
import { Symbols } from './symbols.ts';
import type { TextPlaces } from './symbols.ts';

/** Texts or runs that are looked at between two steps. */
const STEP_COUNT = 8192;

/** A pass over all ranks costs as much as sorting a part of them that is as large as this. */
const PASS_SHARE = 16;

export type Texts = LabelSource['symbols'];

/** A series as symbols: name, value, name, value … up to `length`; borrowed. */
export interface SymbolRow {
  readonly texts: Texts;
  readonly symbols: readonly number[];
  readonly length: number;
}

/** Most labels of small tenants have no more, and the heap holds so many. */
const FEW_VALUES = 16;

/** Series of one label, in the order of series. */
export class LabelRuns {
  readonly name: number;
  /** Series that have the label. */
  seriesCount = 0;
  #runs = new ByteWriter(64);
  #symbol = -1;
  #start = 0;
  #end = 0;
  #previousEnd = 0;

  constructor(name: number) {
    this.name = name;
  }

  add(ordinal: number, symbol: number): void {
    this.seriesCount++;
    if (symbol === this.#symbol && ordinal === this.#end) {
      this.#end++;
      return;
    }
    this.#close();
    this.#symbol = symbol;
    this.#start = ordinal;
    this.#end = ordinal + 1;
  }

  #close(): void {
    if (this.#symbol < 0) return;
    this.#runs.varint(this.#start - this.#previousEnd);
    this.#runs.varint(this.#end - this.#start);
    this.#runs.varint(this.#symbol);
    this.#previousEnd = this.#end;
    this.#symbol = -1;
  }

  cursor(): RunCursor {
    this.#close();
    return new RunCursor(this.#runs.bytes());
  }

  /**
   * Values become their ranks; returns the ordinals of all series by value, those of rank r from
   * starts[r] on.
   */
  *rank(ranks: Uint32Array, starts: Uint32Array): Generator<void, Uint32Array, void> {
    const out = new ByteWriter(this.#runs.size + 16);
    const next = starts.slice();
    const ordinals = new Uint32Array(this.seriesCount);
    let end = 0;
    const run = this.cursor();
    for (let count = 1; run.next(); count++) {
      const rank = ranks[run.value]!;
      out.varint(run.start - end);
      out.varint(run.end - run.start);
      out.varint(rank);
      end = run.end;
      let at = next[rank]!;
      for (let ordinal = run.start; ordinal < end; ordinal++) ordinals[at++] = ordinal;
      next[rank] = at;
      if (count % STEP_COUNT === 0) yield;
    }
    this.#runs = out;
    return ordinals;
  }
}

export class RunCursor {
  start = 0;
  /** Exclusive. */
  end = 0;
  value = 0;
  /** Behind the last run. */
  isOver = false;
  readonly #reader: ByteReader;

  constructor(runs: Uint8Array) {
    this.#reader = new ByteReader(runs);
  }

  /** False behind the last run, which stays. */
  next(): boolean {
    if (this.#reader.left === 0) {
      this.isOver = true;
      return false;
    }
    this.start = this.end + this.#reader.varint();
    this.end = this.start + this.#reader.varint();
    this.value = this.#reader.varint();
    return true;
  }
}

/** One label with its values in order. */
export interface RankedLabel {
  readonly name: Uint8Array;
  readonly seriesCount: number;
  readonly valueCount: number;
  /** UTF-8 of the value of a rank, borrowed. */
  text(rank: number): Uint8Array;
  /** As Symbols.locate, of the values of the ranks [from, to). */
  locate(ranks: { readonly from: number; readonly to: number }, places: TextPlaces): Uint8Array;
  /** Ordinals of rank r: ordinals[starts[r], starts[r + 1]). */
  readonly starts: Uint32Array;
  readonly ordinals: Uint32Array;
}

export class LabelColumns {
  readonly #source: LabelSource;
  #texts: Texts;
  /** Of label sets that come as texts. */
  #own: Symbols | undefined = undefined;
  readonly #byName = new Map<number, LabelRuns>();
  #row: number[] = [];
  /** Of the series before. */
  #names: number[] = [];
  #columns: LabelRuns[] = [];
  #labels: Labels = [];
  #length = 0;
  /** By symbol: series that have it in the label at hand, then its rank there; else 0. */
  #ranks = new Uint32Array(0);
  /** By symbol: its place in byte order; made when all series are known. */
  #order: Uint32Array | undefined = undefined;
  seriesCount = 0;

  constructor(source: LabelSource) {
    this.#source = source;
    this.#texts = source.symbols;
  }

  /** The next series; all of one part come in the same form. */
  add(series: Labels | SeriesRef): void {
    const ordinal = this.seriesCount++;
    const length =
      typeof series === 'number' ? this.#source.symbolsOf(series, this.#row) : this.#intern(series);
    this.#length = length;
    for (let i = 0; i < length; i += 2) {
      const name = this.#row[i]!;
      if (this.#names[i >> 1] !== name) {
        this.#names[i >> 1] = name;
        this.#columns[i >> 1] = this.#columnOf(name);
      }
      this.#columns[i >> 1]!.add(ordinal, this.#row[i + 1]!);
    }
  }

  get lastRow(): SymbolRow {
    return { texts: this.#texts, symbols: this.#row, length: this.#length };
  }

  #columnOf(name: number): LabelRuns {
    let column = this.#byName.get(name);
    if (column === undefined) this.#byName.set(name, (column = new LabelRuns(name)));
    return column;
  }

  #intern(labels: Labels): number {
    const own = (this.#own ??= new Symbols(0));
    this.#texts = own;
    // What the series before has in the same place, as the same string, has the same symbol.
    for (let i = 0; i < labels.length; i++)
      if (labels[i] !== this.#labels[i]) this.#row[i] = own.intern(labels[i]!);
    this.#labels = labels;
    return labels.length;
  }

  /** In byte order of their names. */
  *columns(): Generator<void, LabelRuns[], void> {
    const names = Uint32Array.from(this.#byName.keys());
    const inOrder = yield* this.#inOrder(names);
    return Array.from(inOrder, (name) => this.#byName.get(name)!);
  }

  /**
   * The label with its values in order, good until the next is asked for, a millisecond or so of
   * work between two steps; from then on the column's runs have ranks.
   */
  *ranked(column: LabelRuns): Generator<void, RankedLabel, void> {
    this.#ranks = grownU32(this.#ranks, this.#texts.count);
    const ranks = this.#ranks;
    let symbols = new Uint32Array(FEW_VALUES);
    let count = 0;
    const run = column.cursor();
    for (let runCount = 1; run.next(); runCount++) {
      if (runCount % STEP_COUNT === 0) yield;
      // Series of the value so far, until all are known.
      const before = ranks[run.value]!;
      ranks[run.value] = before + run.end - run.start;
      if (before !== 0) continue;
      symbols = grownU32(symbols, count + 1);
      symbols[count++] = run.value;
    }
    const inOrder = yield* this.#inOrder(symbols.subarray(0, count));
    const starts = new Uint32Array(count + 1);
    for (let rank = 0; rank < count; rank++) {
      const symbol = inOrder[rank]!;
      starts[rank + 1] = starts[rank]! + ranks[symbol]!;
      ranks[symbol] = rank;
    }
    const ordinals = yield* column.rank(ranks, starts);
    for (let i = 0; i < count; i++) ranks[inOrder[i]!] = 0;
    return {
      // A copy: the texts of an index move when series come between two steps.
      name: this.#texts.bytes(column.name).slice(),
      seriesCount: column.seriesCount,
      valueCount: count,
      text: (rank) => this.#texts.bytes(inOrder[rank]!),
      locate: (range, places) => this.#texts.locate(inOrder, range, places),
      starts,
      ordinals,
    };
  }

  /** Symbols in byte order of their texts. */
  *#inOrder(symbols: Uint32Array): Generator<void, Uint32Array, void> {
    if (this.#order === undefined) {
      yield* this.#texts.rankSteps();
      // A copy: of an index that goes on the ranks do, too.
      this.#order = this.#texts.ranks().slice();
    }
    const order = this.#order;
    const sorted = symbols.slice();
    if (symbols.length * PASS_SHARE < order.length) {
      yield* new KeyOrder((symbol, depth) => (depth === 0 ? order[symbol]! : -1)).steps(sorted);
      return sorted;
    }
    const byRank = new Uint32Array(order.length);
    for (const symbol of symbols) byRank[order[symbol]!] = symbol + 1;
    yield;
    let count = 0;
    for (const entry of byRank) if (entry > 0) sorted[count++] = entry - 1;
    return sorted;
  }
}
