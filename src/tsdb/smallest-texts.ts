// The smallest texts of many that come in no order, without holding the others, and which were met.
import { compareUtf8 } from '../model/labels.ts';
import { ITEMS_PER_LOOK } from '../stdx/limits.ts';
import { sortInTurns } from '../stdx/turns.ts';
import type { Pausing } from '../stdx/turns.ts';
import { textHeldBytes } from './held-bytes.ts';
import { SMALLEST_TEXTS_KEPT_MIN } from './limits.ts';

const WORD_BITS = 32;

/** Small numbers, a bit each up to the largest. */
export class MetNumbers {
  #words = new Uint32Array(WORD_BITS);

  has(number: number): boolean {
    return ((this.#words[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0;
  }

  add(number: number): void {
    const word = number >>> 5;
    if (word >= this.#words.length) {
      const longer = new Uint32Array(Math.max(word + 1, this.#words.length * 2));
      longer.set(this.#words);
      this.#words = longer;
    }
    this.#words[word]! |= 1 << (number & 31);
  }

  /** Ascending. */
  *[Symbol.iterator](): Generator<number, void, void> {
    for (let word = 0; word < this.#words.length; word++)
      for (let bits = this.#words[word]!; bits !== 0; bits &= bits - 1)
        yield word * WORD_BITS + (31 - Math.clz32(bits & -bits));
  }
}

export interface Wanted {
  /** 0: all. */
  readonly limit: number;
  /** Told what the texts that are kept take; throws where that is too much. */
  readonly hold: (sizeBytes: number) => void;
}

/**
 * Texts of some numbers, each another one, in byte order: the smallest `limit`. At most twice as
 * many are held meanwhile.
 */
export async function smallestTexts(
  on: Pausing,
  numbers: Iterable<number>,
  textOf: (number: number) => string,
  { limit, hold }: Wanted,
): Promise<string[]> {
  const keptMax = limit === 0 ? Infinity : Math.max(limit * 2, SMALLEST_TEXTS_KEPT_MIN);
  let kept: string[] = [];
  /** Of the smallest `limit` so far, where more were met: what is not below it is not wanted. */
  let largest: string | undefined;
  let keptBytes = 0;
  let heldBytes = 0;
  let left = ITEMS_PER_LOOK;
  for (const number of numbers) {
    const text = textOf(number);
    if (largest === undefined || compareUtf8(text, largest) < 0) {
      kept.push(text);
      keptBytes += textHeldBytes(text);
      if (keptBytes > heldBytes) {
        hold(keptBytes - heldBytes);
        heldBytes = keptBytes;
      }
    }
    if (kept.length === keptMax) {
      kept = (await sortInTurns(on, kept, compareUtf8)).slice(0, limit);
      largest = kept.at(-1);
      keptBytes = kept.reduce((sum, one) => sum + textHeldBytes(one), 0);
    }
    if (--left > 0) continue;
    left = ITEMS_PER_LOOK;
    const pause = on.pause();
    if (pause !== undefined) await pause;
  }
  const sorted = await sortInTurns(on, kept, compareUtf8);
  return limit === 0 ? sorted : sorted.slice(0, limit);
}
