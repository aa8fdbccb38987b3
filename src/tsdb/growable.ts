// Typed arrays that grow by doubling. Memory behind the end is zero and, in large arrays, not yet
// backed by the system, so that slack costs addresses rather than memory. The old memory goes back
// at once, not with the next garbage collection: a view of it that somebody kept is empty.

/** The array, or where it is too short a copy that holds at least `length` elements. */
export function grownU32(
  array: Uint32Array<ArrayBuffer>,
  length: number,
): Uint32Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const longer = new Uint32Array(Math.max(length, array.length * 2));
  longer.set(array);
  release(array);
  return longer;
}

export function grownU16(
  array: Uint16Array<ArrayBuffer>,
  length: number,
): Uint16Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const longer = new Uint16Array(Math.max(length, array.length * 2));
  longer.set(array);
  release(array);
  return longer;
}

export function grownU8(array: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const longer = new Uint8Array(Math.max(length, array.length * 2));
  longer.set(array);
  release(array);
  return longer;
}

/** Gives the memory of an array back; the array is empty from now on. */
export function release(array: { readonly buffer: ArrayBuffer }): void {
  // A buffer that is handed on with no bytes leaves its own behind.
  array.buffer.transfer(0);
}

/** Ids in order of arrival. */
export class IdList {
  #ids: Uint32Array<ArrayBuffer>;
  count: number;

  /** Takes the ids over. */
  constructor(ids?: Uint32Array<ArrayBuffer>) {
    this.count = ids?.length ?? 0;
    this.#ids = this.count === 0 ? new Uint32Array(4) : ids!;
  }

  push(id: number): void {
    if (this.count === this.#ids.length) this.#ids = grownU32(this.#ids, this.count + 1);
    this.#ids[this.count++] = id;
  }

  /** The last one, which is taken out; the list must not be empty. */
  pop(): number {
    return this.#ids[--this.count]!;
  }

  /** Borrowed until the next push. */
  view(): Uint32Array {
    return this.#ids.subarray(0, this.count);
  }

  clear(): void {
    this.#ids = new Uint32Array(4);
    this.count = 0;
  }
}

/**
 * One sorted array out of two; of `old` long stretches are copied at once, found by doubling steps.
 */
export function mergeIds(
  old: Uint32Array,
  added: Uint32Array,
  compare: (a: number, b: number) => number,
): Uint32Array {
  const merged = new Uint32Array(old.length + added.length);
  let from = 0;
  for (let i = 0; i < added.length; i++) {
    const id = added[i]!;
    let low = from;
    let step = 1;
    while (low + step <= old.length && compare(old[low + step - 1]!, id) < 0) {
      low += step;
      step *= 2;
    }
    let high = Math.min(low + step - 1, old.length);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(old[middle]!, id) < 0) low = middle + 1;
      else high = middle;
    }
    merged.set(old.subarray(from, low), from + i);
    merged[low + i] = id;
    from = low;
  }
  merged.set(old.subarray(from), from + added.length);
  return merged;
}
