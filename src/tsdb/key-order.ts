// Sorts ids by long keys off the heap. A key is a row of numbers, asked for one at a time; a range
// of ids that agrees in its first numbers looks at the next one only (multikey quicksort: Bentley,
// Sedgewick, "Fast Algorithms for Sorting and Searching Strings", 1997), so that what all keys
// share costs one pass, and each number is looked up once. Long ranges go to buckets first.
import { BUCKET_RANGE_MIN, bucketEnd, BucketLayer, bucketsFor } from './key-buckets.ts';

/** Ranges of this length or shorter are sorted by insertion. */
const SMALL_RANGE = 12;

/** So many numbers are looked up, or ids sorted, between two steps. */
const STEP_IDS = 8192;

/** Number `depth` of an id's key; -1 behind the last one. */
export type KeyOf = (id: number, depth: number) => number;

/** The same for ids[low, high), to the same places of `keys`: what is asked most. */
export type LoadKeys = (
  ids: Uint32Array,
  keys: Float64Array,
  range: { readonly low: number; readonly high: number },
  depth: number,
) => void;

export class KeyOrder {
  readonly #keyOf: KeyOf;
  readonly #loadKeys: LoadKeys;
  #keys = new Float64Array(0);
  #ids: Uint32Array = new Uint32Array(0);
  /** Made for the first long range. */
  #layer: BucketLayer | undefined = undefined;

  constructor(keyOf: KeyOf, loadKeys: LoadKeys = loadEach(keyOf)) {
    this.#keyOf = keyOf;
    this.#loadKeys = loadKeys;
  }

  /** Number by number; a prefix comes first. */
  readonly compare = (a: number, b: number): number => this.#compareFrom(a, b, 0);

  #compareFrom(a: number, b: number, depth: number): number {
    for (let at = depth; ; at++) {
      const left = this.#keyOf(a, at);
      const right = this.#keyOf(b, at);
      if (left !== right) return left - right;
      if (left < 0) return 0;
    }
  }

  /** Sorts in place. */
  sort(ids: Uint32Array): void {
    this.#ids = ids;
    this.#keys = new Float64Array(ids.length);
    this.#sortFrom(0, ids.length, 0);
  }

  /**
   * As `sort`, a millisecond or so of work between two steps, of a list of its own. What keys are
   * made of may move between steps, but an id's key stays as it is.
   */
  *steps(ids: Uint32Array): Generator<void, void, void> {
    this.#ids = ids;
    this.#keys = new Float64Array(ids.length);
    yield* this.#stepsFrom(0, ids.length, 0);
  }

  *#stepsFrom(low: number, high: number, from: number): Generator<void, void, void> {
    if (high - low <= STEP_IDS) {
      this.#sortFrom(low, high, from);
      return yield;
    }
    for (let depth = from; ; depth++) {
      for (let at = low; at < high; at += STEP_IDS) {
        this.#load(at, Math.min(at + STEP_IDS, high), depth);
        yield;
      }
      if (!this.#agrees(low, high)) return yield* this.#distributeSteps(low, high, depth);
      if (this.#keys[low]! < 0) return;
    }
  }

  /** As #distribute. */
  *#distributeSteps(low: number, high: number, depth: number): Generator<void, void, void> {
    const range = { keys: this.#keys, ids: this.#ids, low, high };
    const buckets = bucketsFor(range);
    if (buckets === undefined) return yield* this.#stepsFrom(low, high, depth + 1);
    yield* (this.#layer ??= new BucketLayer()).laySteps(range, buckets, STEP_IDS);
    let sorted = 0;
    for (let start = low; start < high;) {
      const end = bucketEnd(range, start, buckets);
      if (end - start > STEP_IDS) yield* this.#distributeSteps(start, end, depth);
      else this.#partition(start, end, depth);
      sorted += end - start;
      if (sorted >= STEP_IDS) {
        yield;
        sorted = 0;
      }
      start = end;
    }
    yield;
  }

  /** Do all loaded keys of a range say the same? */
  #agrees(low: number, high: number): boolean {
    const keys = this.#keys;
    for (let i = low + 1; i < high; i++) if (keys[i] !== keys[low]) return false;
    return true;
  }

  #load(low: number, high: number, depth: number): void {
    this.#loadKeys(this.#ids, this.#keys, { low, high }, depth);
  }

  /** Sorts a range whose keys before `from` agree. */
  #sortFrom(low: number, high: number, from: number): void {
    if (high - low < 2) return;
    if (high - low === 2) return this.#sortTwo(low, from);
    for (let depth = from; ; depth++) {
      this.#load(low, high, depth);
      if (!this.#agrees(low, high)) return this.#partition(low, high, depth);
      if (this.#keys[low]! < 0) return;
    }
  }

  #sortTwo(low: number, depth: number): void {
    const ids = this.#ids;
    const first = ids[low]!;
    if (this.#compareFrom(first, ids[low + 1]!, depth) <= 0) return;
    ids[low] = ids[low + 1]!;
    ids[low + 1] = first;
  }

  /** By loaded keys; of equal keys the next number decides. */
  #insert(low: number, high: number, depth: number): void {
    const ids = this.#ids;
    const keys = this.#keys;
    let isTied = false;
    for (let i = low + 1; i < high; i++) {
      const id = ids[i]!;
      const key = keys[i]!;
      let at = i;
      for (; at > low && keys[at - 1]! > key; at--) {
        ids[at] = ids[at - 1]!;
        keys[at] = keys[at - 1]!;
      }
      ids[at] = id;
      keys[at] = key;
      isTied ||= at > low && keys[at - 1] === key;
    }
    if (isTied) this.#sortTies(low, high, depth);
  }

  #sortTies(low: number, high: number, depth: number): void {
    const keys = this.#keys;
    for (let start = low; start < high;) {
      const key = keys[start]!;
      let end = start + 1;
      while (end < high && keys[end] === key) end++;
      if (key >= 0) this.#sortFrom(start, end, depth + 1);
      start = end;
    }
  }

  /** Sorts by loaded keys; of equal keys the next number decides. */
  #partition(from: number, to: number, depth: number): void {
    let low = from;
    let high = to;
    while (high - low > SMALL_RANGE) {
      if (high - low >= BUCKET_RANGE_MIN) return this.#distribute(low, high, depth);
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

  /** Sorts a long range bucket by bucket. */
  #distribute(low: number, high: number, depth: number): void {
    const range = { keys: this.#keys, ids: this.#ids, low, high };
    const buckets = bucketsFor(range);
    if (buckets === undefined) return this.#sortFrom(low, high, depth + 1);
    (this.#layer ??= new BucketLayer()).lay(range, buckets);
    for (let start = low; start < high;) {
      const end = bucketEnd(range, start, buckets);
      this.#partition(start, end, depth);
      start = end;
    }
  }

  /** [low, less) lies below the pivot, [less, greater) is equal to it, [greater, high) above. */
  #split(low: number, high: number): [less: number, greater: number] {
    const keys = this.#keys;
    const ids = this.#ids;
    const pivot = median(keys[low]!, keys[(low + high) >>> 1]!, keys[high - 1]!);
    let less = low;
    let greater = high;
    for (let i = low; i < greater;) {
      const key = keys[i]!;
      if (key === pivot) {
        i++;
        continue;
      }
      const id = ids[i]!;
      const to = key < pivot ? less++ : --greater;
      keys[i] = keys[to]!;
      ids[i] = ids[to]!;
      keys[to] = key;
      ids[to] = id;
      if (key < pivot) i++;
    }
    return [less, greater];
  }
}

function loadEach(keyOf: KeyOf): LoadKeys {
  return (ids, keys, { low, high }, depth) => {
    for (let i = low; i < high; i++) keys[i] = keyOf(ids[i]!, depth);
  };
}

function median(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
