// Refs in the order of their labels. Rows are label pairs; what is compared are the ranks of their
// texts. New refs are sorted label by label: a range that agrees in its first labels looks at the
// next one only (multikey quicksort: Bentley, Sedgewick, "Fast Algorithms for Sorting and Searching
// Strings", 1997), so that labels which all series share cost one pass each.
import type { Pairs } from './pairs.ts';

/** Ranges of this length or shorter are sorted by insertion. */
const SMALL_RANGE = 12;

/** Rows of label pairs as the index holds them: of ref r pairs [starts[r], starts[r + 1]). */
export interface Rows {
  readonly starts: Uint32Array;
  readonly pairs: Uint32Array;
}

export class SeriesOrder {
  readonly #rows: Rows;
  readonly #pairs: Pairs;
  readonly #ranks: Uint32Array;
  readonly #symbolCount: number;
  #keys = new Float64Array(0);
  #refs: Uint32Array = new Uint32Array(0);

  /** Valid until the index changes. `ranks` are those of the symbols. */
  constructor(rows: Rows, pairs: Pairs, ranks: Uint32Array, symbolCount: number) {
    this.#rows = rows;
    this.#pairs = pairs;
    this.#ranks = ranks;
    this.#symbolCount = symbolCount;
  }

  /** Order of one label of a series among all pairs; -1 behind its last label. */
  #key(ref: number, depth: number): number {
    const at = this.#rows.starts[ref]! + depth;
    if (at >= this.#rows.starts[ref + 1]!) return -1;
    const pair = this.#rows.pairs[at]!;
    const name = this.#ranks[this.#pairs.nameOf(pair)]!;
    return name * this.#symbolCount + this.#ranks[this.#pairs.valueOf(pair)]!;
  }

  /** As compareLabels. */
  readonly compare = (a: number, b: number): number => this.#compareFrom(a, b, 0);

  #compareFrom(a: number, b: number, depth: number): number {
    for (let at = depth; ; at++) {
      const left = this.#key(a, at);
      const right = this.#key(b, at);
      if (left !== right) return left - right;
      if (left < 0) return 0;
    }
  }

  /** Sorts in place. */
  sort(refs: Uint32Array): void {
    this.#refs = refs;
    this.#keys = new Float64Array(refs.length);
    this.#sortFrom(0, refs.length, 0);
  }

  #load(low: number, high: number, depth: number): void {
    for (let i = low; i < high; i++) this.#keys[i] = this.#key(this.#refs[i]!, depth);
  }

  /** Sorts a range whose labels before `depth` agree. */
  #sortFrom(low: number, high: number, from: number): void {
    for (let depth = from; high - low > 1; depth++) {
      if (high - low <= SMALL_RANGE) return this.#insert(low, high, depth);
      this.#load(low, high, depth);
      let agrees = true;
      for (let i = low + 1; i < high && agrees; i++) agrees = this.#keys[i] === this.#keys[low];
      if (!agrees) return this.#partition(low, high, depth);
      if (this.#keys[low]! < 0) return;
    }
  }

  #insert(low: number, high: number, depth: number): void {
    const refs = this.#refs;
    for (let i = low + 1; i < high; i++) {
      const ref = refs[i]!;
      let at = i;
      for (; at > low && this.#compareFrom(refs[at - 1]!, ref, depth) > 0; at--)
        refs[at] = refs[at - 1]!;
      refs[at] = ref;
    }
  }

  /** Quicksort by loaded keys; of equal keys the next label decides. */
  #partition(from: number, to: number, depth: number): void {
    let low = from;
    let high = to;
    while (high - low > SMALL_RANGE) {
      const [less, greater] = this.#split(low, high);
      this.#sortFrom(less, greater, depth + 1);
      // The longer side is the loop's, so the stack stays as deep as a logarithm.
      if (less - low < high - greater) {
        this.#partition(low, less, depth);
        low = greater;
      } else {
        this.#partition(greater, high, depth);
        high = less;
      }
    }
    this.#insert(low, high, depth);
  }

  /** [low, less) lies below the pivot, [less, greater) is equal to it, [greater, high) above. */
  #split(low: number, high: number): [less: number, greater: number] {
    const keys = this.#keys;
    const pivot = median(keys[low]!, keys[(low + high) >>> 1]!, keys[high - 1]!);
    let less = low;
    let greater = high;
    for (let i = low; i < greater;) {
      const key = keys[i]!;
      if (key < pivot) this.#swap(less++, i++);
      else if (key > pivot) this.#swap(i, --greater);
      else i++;
    }
    return [less, greater];
  }

  #swap(a: number, b: number): void {
    const keys = this.#keys;
    const refs = this.#refs;
    const key = keys[a]!;
    keys[a] = keys[b]!;
    keys[b] = key;
    const ref = refs[a]!;
    refs[a] = refs[b]!;
    refs[b] = ref;
  }
}

function median(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
