// Lists of ids in typed arrays that grow.
import { grownU32 } from '../stdx/growable.ts';

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

  /** The oldest ones leave. */
  dropFirst(count: number): void {
    const rest = this.#ids.slice(count, this.count);
    this.count = rest.length;
    this.#ids = this.count === 0 ? new Uint32Array(4) : rest;
  }

  clear(): void {
    this.#ids = new Uint32Array(4);
    this.count = 0;
  }
}

/** Between two steps of a merge so many ids of the shorter list are placed. */
const STEP_IDS = 4096;

/**
 * One sorted array out of two; of `old` long stretches are copied at once, found by doubling steps.
 */
export function mergeIds(
  old: Uint32Array,
  added: Uint32Array,
  compare: (a: number, b: number) => number,
): Uint32Array {
  return allSteps(mergeSteps(old, added, compare));
}

/** What work in steps comes to, without a pause. */
function allSteps<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** As mergeIds, a millisecond or so of work between two steps. */
export function* mergeSteps(
  old: Uint32Array,
  added: Uint32Array,
  compare: (a: number, b: number) => number,
): Generator<void, Uint32Array, void> {
  if (old.length === 0) return added;
  const merged = new Uint32Array(old.length + added.length);
  let from = 0;
  for (let i = 0; i < added.length; i++) {
    if (i > 0 && i % STEP_IDS === 0) yield;
    const low = placeOf(old, from, added[i]!, compare);
    merged.set(old.subarray(from, low), from + i);
    merged[low + i] = added[i]!;
    from = low;
  }
  merged.set(old.subarray(from), from + added.length);
  return merged;
}

/** The first place from `from` on whose id does not come before `id`. */
function placeOf(
  old: Uint32Array,
  from: number,
  id: number,
  compare: (a: number, b: number) => number,
): number {
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
  return low;
}
