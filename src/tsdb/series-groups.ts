// Groups of series by some of their labels, found by the pairs of their rows: the pairs that count
// are a path in a tree, and a group is the number of its end. Texts are made once a group.
import type { Labels } from '../model/labels.ts';
import { METRIC_NAME } from '../model/labels.ts';
import type { LeafGrouping } from '../model/storage.ts';
import { grownU32 } from '../stdx/growable.ts';
import type { IndexTables } from './tenant-series.ts';

const FIRST_SLOTS = 64;
/** Words of an edge: from, pair, to. */
const EDGE_WORDS = 3;
const NO_GROUP = -1;

export class SeriesGroups {
  readonly #tables: IndexTables;
  readonly #isBy: boolean;
  /** Name symbols that the grouping lists; those nobody has are not among them. */
  readonly #names: Uint32Array;
  /** Where each listed name was last. */
  readonly #guesses: Uint32Array;
  readonly #labels: Labels[] = [];
  // The tree: open addressing over (node, pair), at most half full; 0 in `to` is free.
  #edges = new Uint32Array(FIRST_SLOTS * EDGE_WORDS);
  #edgeCount = 0;
  /** By node: its group. */
  #groups: number[] = [NO_GROUP];
  // The path of the row before, for `without`.
  #pairs = new Uint32Array(16);
  #nodes = new Uint32Array(16);
  #length = 0;

  constructor(tables: IndexTables, { mode, labels }: Pick<LeafGrouping, 'mode' | 'labels'>) {
    this.#tables = tables;
    this.#isBy = mode === 'by';
    const listed = [...new Set(this.#isBy ? labels : [...labels, METRIC_NAME])].toSorted();
    const symbols = listed.map((name) => tables.symbols.find(name)).filter((one) => one >= 0);
    this.#names = Uint32Array.from(symbols);
    this.#guesses = new Uint32Array(symbols.length);
  }

  /** The group of a live row. */
  groupOf(slot: number): number {
    const node = this.#isBy ? this.#nodeBy(slot) : this.#nodeWithout(slot);
    const group = this.#groups[node]!;
    return group === NO_GROUP ? this.#addGroup(node, slot) : group;
  }

  labelsOf(group: number): Labels {
    return this.#labels[group]!;
  }

  #addGroup(node: number, slot: number): number {
    const { rows, pairs, symbols } = this.#tables;
    const labels: string[] = [];
    for (let i = 0; i < rows.labelCount(slot); i++) {
      const pair = rows.pairAt(slot, i);
      if (!this.#counts(pair)) continue;
      labels.push(symbols.text(pairs.nameOf(pair)), symbols.text(pairs.valueOf(pair)));
    }
    const group = this.#labels.push(labels) - 1;
    this.#groups[node] = group;
    return group;
  }

  #counts(pair: number): boolean {
    return this.#names.includes(this.#tables.pairs.nameOf(pair)) === this.#isBy;
  }

  #nodeBy(slot: number): number {
    const { rows, pairs } = this.#tables;
    const { words, starts, counts } = rows.columns;
    const start = starts[slot]!;
    const count = counts[slot]!;
    let node = 0;
    // Listed names need not be in the order of rows: each has its own look.
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i]!;
      const guess = this.#guesses[i]!;
      let found = guess < count && pairs.nameOf(words[start + guess]!) === name ? guess : -1;
      for (let k = 0; found < 0 && k < count; k++)
        if (pairs.nameOf(words[start + k]!) === name) found = k;
      if (found < 0) continue;
      this.#guesses[i] = found;
      node = this.#child(node, words[start + found]!);
    }
    return node;
  }

  #nodeWithout(slot: number): number {
    const { words, starts, counts } = this.#tables.rows.columns;
    const start = starts[slot]!;
    const count = counts[slot]!;
    this.#pairs = grownU32(this.#pairs, count);
    this.#nodes = grownU32(this.#nodes, count);
    const before = this.#pairs;
    const nodes = this.#nodes;
    let at = 0;
    while (at < count && at < this.#length && before[at] === words[start + at]) at++;
    let node = at === 0 ? 0 : nodes[at - 1]!;
    for (; at < count; at++) {
      const pair = words[start + at]!;
      if (this.#counts(pair)) node = this.#child(node, pair);
      before[at] = pair;
      nodes[at] = node;
    }
    this.#length = count;
    return node;
  }

  #child(node: number, pair: number): number {
    const edges = this.#edges;
    const at = placeOf(edges, node, pair);
    const known = edges[at + 2]!;
    if (known !== 0) return known;
    const child = this.#groups.push(NO_GROUP) - 1;
    edges[at] = node;
    edges[at + 1] = pair;
    edges[at + 2] = child;
    if (++this.#edgeCount * 2 * EDGE_WORDS > edges.length) this.#rehash();
    return child;
  }

  #rehash(): void {
    const old = this.#edges;
    const edges = new Uint32Array(old.length * 2);
    for (let from = 0; from < old.length; from += EDGE_WORDS) {
      if (old[from + 2] === 0) continue;
      const at = placeOf(edges, old[from]!, old[from + 1]!);
      edges.set(old.subarray(from, from + EDGE_WORDS), at);
    }
    this.#edges = edges;
  }
}

/** Index of an edge, or of the free place where it belongs. */
function placeOf(edges: Uint32Array, node: number, pair: number): number {
  const mask = edges.length / EDGE_WORDS - 1;
  let hash = Math.imul(pair ^ Math.imul(node, 0x9e3779b1), 0xc2b2ae35);
  hash ^= hash >>> 15;
  for (let place = hash & mask; ; place = (place + 1) & mask) {
    const at = place * EDGE_WORDS;
    if (edges[at + 2] === 0 || (edges[at] === node && edges[at + 1] === pair)) return at;
  }
}
