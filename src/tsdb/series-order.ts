// Label order of refs: pair by pair, names before values, in byte order; a prefix comes first. Few
// refs are compared by their texts; many are sorted by ranks of the symbols, which costs a pass
// over all symbols that are new since the last time.
import { release } from '../stdx/growable.ts';
import { KeyOrder } from './key-order.ts';
import type { KeyOf, LoadKeys } from './key-order.ts';
import { COLUMN_STEP_PLACES } from './limits.ts';
import type { Pairs } from './pairs.ts';
import { slotOf } from './refs.ts';
import { countIn, pairIn } from './row-words.ts';
import type { SeriesRows } from './series-rows.ts';
import type { Symbols } from './symbols.ts';

/** Ranks are made for so many refs per symbol, or more. */
const RANKED_SHARE = 16;

export class SeriesOrder {
  readonly #rows: SeriesRows;
  readonly #pairs: Pairs;
  readonly #symbols: Symbols;

  constructor(rows: SeriesRows, pairs: Pairs, symbols: Symbols) {
    this.#rows = rows;
    this.#pairs = pairs;
    this.#symbols = symbols;
  }

  readonly compare = (left: number, right: number): number => {
    const rows = this.#rows;
    const a = slotOf(left);
    const b = slotOf(right);
    const count = Math.min(rows.labelCount(a), rows.labelCount(b));
    for (let i = 0; i < count; i++) {
      const order = this.comparePairs(rows.pairAt(a, i), rows.pairAt(b, i));
      if (order !== 0) return order;
    }
    return rows.labelCount(a) - rows.labelCount(b);
  };

  readonly comparePairs = (left: number, right: number): number => {
    if (left === right) return 0;
    const pairs = this.#pairs;
    const order = this.#symbols.compare(pairs.nameOf(left), pairs.nameOf(right));
    if (order !== 0) return order;
    return this.#symbols.compare(pairs.valueOf(left), pairs.valueOf(right));
  };

  /** Sorts in place. */
  sort(refs: Uint32Array): void {
    if (refs.length * RANKED_SHARE < this.#symbols.count) {
      refs.sort(this.compare);
      return;
    }
    const keys = new RankKeys(this.#rows, this.#pairs, this.#symbols.ranks());
    new KeyOrder(keys.keyOf, keys.load).sort(refs);
  }

  /**
   * As `sort`, a millisecond or so of work between two steps; nothing may be retired or swept
   * meanwhile, new series may come.
   */
  *steps(refs: Uint32Array): Generator<void, void, void> {
    const symbols = this.#symbols;
    if (refs.length * RANKED_SHARE < symbols.count) {
      this.sort(refs);
      return;
    }
    yield* symbols.rankSteps();
    // A copy: queries may put new symbols in between.
    const keys = new RankKeys(this.#rows, this.#pairs, symbols.ranks().slice());
    for (const step of new KeyOrder(keys.keyOf, keys.load).steps(refs)) {
      yield step;
      keys.lookAgain();
    }
  }

  /**
   * Sorts pairs of one name by value, a millisecond or so of work between two steps; nothing may be
   * swept meanwhile. O(pairs · log(pairs)), or O(texts) where there are many.
   */
  *valueSteps(list: Uint32Array): Generator<void, void, void> {
    const symbols = this.#symbols;
    const pairs = this.#pairs;
    if (list.length * RANKED_SHARE < symbols.count) {
      const keyOf: KeyOf = (pair, depth) => symbols.keyOf(pairs.valueOf(pair), depth);
      return yield* new KeyOrder(keyOf).steps(list);
    }
    yield* symbols.rankSteps();
    // No two of them have the same value: each has a place of its own among all texts. A copy:
    // queries may put new texts in between.
    const ranks = symbols.ranks().slice();
    const byRank = new Uint32Array(ranks.length);
    for (let i = 0; i < list.length; i++) {
      byRank[ranks[pairs.valueOf(list[i]!)]!] = list[i]! + 1;
      if (i % COLUMN_STEP_PLACES === COLUMN_STEP_PLACES - 1) yield;
    }
    let end = 0;
    for (let rank = 0; rank < byRank.length; rank++) {
      if (byRank[rank] !== 0) list[end++] = byRank[rank]! - 1;
      if (rank % COLUMN_STEP_PLACES === COLUMN_STEP_PLACES - 1) yield;
    }
    release(byRank);
  }
}

/** Keys of refs by the ranks of their symbols. */
class RankKeys {
  readonly #rows: SeriesRows;
  readonly #pairs: Pairs;
  readonly #ranks: Uint32Array;
  #columns: SeriesRows['columns'];

  constructor(rows: SeriesRows, pairs: Pairs, ranks: Uint32Array) {
    this.#rows = rows;
    this.#pairs = pairs;
    this.#ranks = ranks;
    this.#columns = rows.columns;
  }

  /** To be called where series may have come: the columns may have moved. */
  lookAgain(): void {
    this.#columns = this.#rows.columns;
  }

  readonly keyOf = (ref: number, depth: number): number => {
    const { words, starts } = this.#columns;
    const start = starts[slotOf(ref)]!;
    if (depth >= countIn(words, start)) return -1;
    const pair = pairIn(words, start, depth);
    const ranks = this.#ranks;
    return ranks[this.#pairs.nameOf(pair)]! * ranks.length + ranks[this.#pairs.valueOf(pair)]!;
  };

  readonly load: LoadKeys = (refs, keys, { low, high }, depth) => {
    const { words, starts } = this.#columns;
    const pairs = this.#pairs;
    const ranks = this.#ranks;
    const scale = ranks.length;
    let before = -1;
    let key = 0;
    for (let i = low; i < high; i++) {
      const start = starts[slotOf(refs[i]!)]!;
      if (depth >= countIn(words, start)) {
        keys[i] = -1;
        continue;
      }
      const pair = pairIn(words, start, depth);
      // Neighbours share most of their pairs.
      if (pair !== before) {
        before = pair;
        key = ranks[pairs.nameOf(pair)]! * scale + ranks[pairs.valueOf(pair)]!;
      }
      keys[i] = key;
    }
  };
}
