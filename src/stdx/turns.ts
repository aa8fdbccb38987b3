// Work over many items in pieces, so that others have their turn in between: the thread that
// answers long questions takes writes and answers short ones too.
import { ITEMS_PER_LOOK, SORTED_AT_ONCE } from './limits.ts';

/** Whoever knows when a slice of the thread is used up. */
export interface Pausing {
  /**
   * To be called between columns, or steps over all of them: a promise to wait for where the slice
   * is used up. Throws the signal's reason.
   */
  pause(): Promise<void> | undefined;
}

/** Calls `use` for each item in order. Rejects with what `use` or `pause` throws. */
export async function eachInTurns<T>(
  on: Pausing,
  items: Iterable<T>,
  use: (item: T) => void,
): Promise<void> {
  let left = ITEMS_PER_LOOK;
  for (const item of items) {
    use(item);
    if (--left > 0) continue;
    left = ITEMS_PER_LOOK;
    const pause = on.pause();
    if (pause !== undefined) await pause;
  }
}

/** As `items.map(of)`, but for what is undefined, which is left out. */
export async function mapInTurns<T, R>(
  on: Pausing,
  items: Iterable<T>,
  of: (item: T) => R | undefined,
): Promise<R[]> {
  const out: R[] = [];
  await eachInTurns(on, items, (item) => {
    const made = of(item);
    if (made !== undefined) out.push(made);
  });
  return out;
}

/** As `items.toSorted(compare)`: stable. Items that are in order already are gone through once. */
export async function sortInTurns<T>(
  on: Pausing,
  items: readonly T[],
  compare: (a: T, b: T) => number,
): Promise<T[]> {
  let before: T | undefined;
  let isSorted = true;
  await eachInTurns(on, items, (item) => {
    isSorted &&= before === undefined || compare(before, item) <= 0;
    before = item;
  });
  if (isSorted) return items.slice();
  const { length } = items;
  let sorted: T[] = [];
  for (let start = 0; start < length; start += SORTED_AT_ONCE) {
    for (const item of items.slice(start, start + SORTED_AT_ONCE).toSorted(compare))
      sorted.push(item);
    const pause = on.pause();
    if (pause !== undefined) await pause;
  }
  for (let width = SORTED_AT_ONCE; width < length; width *= 2) {
    const merged: T[] = [];
    for (let start = 0; start < length; start += 2 * width)
      await merge(
        on,
        sorted,
        { start, middle: start + width, end: start + 2 * width },
        compare,
        merged,
      );
    sorted = merged;
  }
  return sorted;
}

interface Halves {
  readonly start: number;
  readonly middle: number;
  /** May lie behind the last item, as `middle` may. */
  readonly end: number;
}

async function merge<T>(
  on: Pausing,
  from: readonly T[],
  { start, middle, end }: Halves,
  compare: (a: T, b: T) => number,
  to: T[],
): Promise<void> {
  const leftEnd = Math.min(middle, from.length);
  const rightEnd = Math.min(end, from.length);
  let left = start;
  let right = leftEnd;
  while (left < leftEnd || right < rightEnd) {
    const isLeft = right >= rightEnd || (left < leftEnd && compare(from[left]!, from[right]!) <= 0);
    to.push(isLeft ? from[left++]! : from[right++]!);
    if (to.length % ITEMS_PER_LOOK !== 0) continue;
    const pause = on.pause();
    if (pause !== undefined) await pause;
  }
}
