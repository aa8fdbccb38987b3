// Groups of series by some of their labels, found by the pairs of their rows: the pairs that count
// are a path in a tree, and a group is the number of its end. Texts are made once a group.
import { METRIC_NAME } from '../model/labels.ts';
import type { LeafGrouping } from '../model/storage.ts';
import { grownU32 } from '../stdx/growable.ts';
import { PathTree } from './instant-lane.ts';
import type { GroupNumbers } from './instant-lane.ts';
import { countIn, pairIn, readRow } from './row-words.ts';
import type { IndexTables } from './tenant-series.ts';

export class SeriesGroups {
  readonly #tables: IndexTables;
  readonly #isBy: boolean;
  /** Name symbols that the grouping lists; those nobody has are not among them. */
  readonly #names: Uint32Array;
  /** Where each listed name was last. */
  readonly #guesses: Uint32Array;
  readonly #numbers: GroupNumbers;
  readonly #tree = new PathTree();
  /** Pairs of the row at hand, for `without`. */
  #own = new Uint32Array(16);
  // The path of the row before.
  #pairs = new Uint32Array(16);
  #nodes = new Uint32Array(16);
  #length = 0;

  constructor(
    tables: IndexTables,
    { mode, labels }: Pick<LeafGrouping, 'mode' | 'labels'>,
    numbers: GroupNumbers,
  ) {
    this.#tables = tables;
    this.#numbers = numbers;
    this.#isBy = mode === 'by';
    const listed = [...new Set(this.#isBy ? labels : [...labels, METRIC_NAME])].toSorted();
    const symbols = listed.map((name) => tables.symbols.find(name)).filter((one) => one >= 0);
    this.#names = Uint32Array.from(symbols);
    this.#guesses = new Uint32Array(symbols.length);
  }

  /** The group of a live row. */
  groupOf(slot: number): number {
    const node = this.#isBy ? this.#nodeBy(slot) : this.#nodeWithout(slot);
    const { values } = this.#tree;
    return (values[node] ??= this.#numberOf(slot));
  }

  #numberOf(slot: number): number {
    const { rows, pairs, symbols } = this.#tables;
    const labels: string[] = [];
    for (let i = 0; i < rows.labelCount(slot); i++) {
      const pair = rows.pairAt(slot, i);
      if (!this.#counts(pair)) continue;
      labels.push(symbols.text(pairs.nameOf(pair)), symbols.text(pairs.valueOf(pair)));
    }
    return this.#numbers.numberOf(labels);
  }

  #counts(pair: number): boolean {
    return this.#names.includes(this.#tables.pairs.nameOf(pair)) === this.#isBy;
  }

  #nodeBy(slot: number): number {
    const { rows, pairs } = this.#tables;
    const { words, starts } = rows.columns;
    const start = starts[slot]!;
    const count = countIn(words, start);
    let node = 0;
    // Listed names need not be in the order of rows: each has its own look.
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i]!;
      const guess = this.#guesses[i]!;
      let found = guess < count && pairs.nameOf(pairIn(words, start, guess)) === name ? guess : -1;
      for (let k = 0; found < 0 && k < count; k++)
        if (pairs.nameOf(pairIn(words, start, k)) === name) found = k;
      if (found < 0) continue;
      this.#guesses[i] = found;
      node = this.#tree.child(node, pairIn(words, start, found));
    }
    return node;
  }

  #nodeWithout(slot: number): number {
    const { words, starts } = this.#tables.rows.columns;
    const start = starts[slot]!;
    const count = countIn(words, start);
    this.#own = grownU32(this.#own, count);
    this.#pairs = grownU32(this.#pairs, count);
    this.#nodes = grownU32(this.#nodes, count);
    const own = this.#own;
    const before = this.#pairs;
    const nodes = this.#nodes;
    readRow(words, start, own);
    let at = 0;
    while (at < count && at < this.#length && before[at] === own[at]) at++;
    let node = at === 0 ? 0 : nodes[at - 1]!;
    for (; at < count; at++) {
      const pair = own[at]!;
      if (this.#counts(pair)) node = this.#tree.child(node, pair);
      before[at] = pair;
      nodes[at] = node;
    }
    this.#length = count;
    return node;
  }
}
