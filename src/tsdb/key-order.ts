// Sorts ids by long keys off the heap. A key is a row of numbers, asked for one at a time; a range
// of ids that agrees in its first numbers looks at the next one only (multikey quicksort: Bentley,
// Sedgewick, "Fast Algorithms for Sorting and Searching Strings", 1997), so that what all keys
// share costs one pass, and each number is looked up once.

/** Ranges of this length or shorter are sorted by insertion. */
const SMALL_RANGE = 12;

/** So many numbers are looked up between two steps. */
const STEP_KEYS = 4096;

/** Number `depth` of an id's key; -1 behind the last one. */
export type KeyOf = (id: number, depth: number) => number;

export class KeyOrder {
  readonly #keyOf: KeyOf;
  #keys = new Float64Array(0);
  #ids: Uint32Array = new Uint32Array(0);

  constructor(keyOf: KeyOf) {
    this.#keyOf = keyOf;
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
    if (high - low <= STEP_KEYS) {
      this.#sortFrom(low, high, from);
      return yield;
    }
    for (let depth = from; ; depth++) {
      for (let at = low; at < high; at += STEP_KEYS) {
        this.#load(at, Math.min(at + STEP_KEYS, high), depth);
        yield;
      }
      if (!this.#agrees(low, high)) return yield* this.#partitionSteps(low, high, depth);
      if (this.#keys[low]! < 0) return;
    }
  }

  /** As #partition. */
  *#partitionSteps(from: number, to: number, depth: number): Generator<void, void, void> {
    let low = from;
    let high = to;
    while (high - low > STEP_KEYS) {
      const [less, greater] = this.#split(low, high);
      yield;
      yield* this.#stepsFrom(less, greater, depth + 1);
      if (less - low < high - greater) {
        yield* this.#partitionSteps(low, less, depth);
        low = greater;
      } else {
        yield* this.#partitionSteps(greater, high, depth);
        high = less;
      }
    }
    this.#partition(low, high, depth);
    yield;
  }

  /** Do all loaded keys of a range say the same? */
  #agrees(low: number, high: number): boolean {
    const keys = this.#keys;
    for (let i = low + 1; i < high; i++) if (keys[i] !== keys[low]) return false;
    return true;
  }

  #load(low: number, high: number, depth: number): void {
    for (let i = low; i < high; i++) this.#keys[i] = this.#keyOf(this.#ids[i]!, depth);
  }

  /** Sorts a range whose keys before `depth` agree. */
  #sortFrom(low: number, high: number, from: number): void {
    for (let depth = from; ; depth++) {
      if (high - low <= SMALL_RANGE) return this.#insert(low, high, depth);
      this.#load(low, high, depth);
      if (!this.#agrees(low, high)) return this.#partition(low, high, depth);
      if (this.#keys[low]! < 0) return;
    }
  }

  #insert(low: number, high: number, depth: number): void {
    const ids = this.#ids;
    for (let i = low + 1; i < high; i++) {
      const id = ids[i]!;
      let at = i;
      for (; at > low && this.#compareFrom(ids[at - 1]!, id, depth) > 0; at--)
        ids[at] = ids[at - 1]!;
      ids[at] = id;
    }
  }

  /** Quicksort by loaded keys; of equal keys the next number decides. */
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
    const ids = this.#ids;
    const key = keys[a]!;
    keys[a] = keys[b]!;
    keys[b] = key;
    const id = ids[a]!;
    ids[a] = ids[b]!;
    ids[b] = id;
  }
}

function median(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
