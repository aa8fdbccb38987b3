// Series of one tenant that were written within the window and are not in the index: they left it
// because memory was short, or it is one of a new process. By digest the second of the last write;
// 16 bytes an entry, open addressing. Entries stay where they are, so that a capture can be copied
// later.
import { assert } from '../stdx/assert.ts';
import type { Digest } from './digest.ts';
import { SEEN_TABLE_FIRST } from './limits.ts';
import { homeOf, isCrowded } from './open-table.ts';

/** Words of an entry: second (0: free, or no longer remembered), digest. */
export const SEEN_WORDS = 4;

export class SeenTable {
  #words: Uint32Array;
  /** Places that are not free. */
  #used = 0;
  /** Series. */
  liveCount = 0;

  constructor(words = new Uint32Array(0)) {
    this.#words = words;
    for (let place = 0; place < this.places; place++) {
      if (!this.#isFree(place)) this.#used++;
      if (words[place * SEEN_WORDS] !== 0) this.liveCount++;
    }
  }

  get places(): number {
    return this.#words.length / SEEN_WORDS;
  }

  get sizeBytes(): number {
    return this.#words.byteLength;
  }

  /** Is there a free place, so that a search ends? Of words from outside. */
  get isProbeable(): boolean {
    return this.#used < this.places;
  }

  /** Borrowed; what was taken is changed in it. */
  get words(): Uint32Array {
    return this.#words;
  }

  #isFree(place: number): boolean {
    const words = this.#words;
    const at = place * SEEN_WORDS;
    return (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) === 0;
  }

  /** Index of the entry of a digest or, where there is none, of a free one. */
  #seek(words: Uint32Array, a: number, b: number, c: number): number {
    const places = words.length / SEEN_WORDS;
    for (let place = homeOf(a >>> 1, places); ; place = place + 1 === places ? 0 : place + 1) {
      const at = place * SEEN_WORDS;
      const [x, y, z] = [words[at + 1]!, words[at + 2]!, words[at + 3]!];
      if (x === a && y === b && z === c) return at;
      if ((words[at]! | x | y | z) === 0) return at;
    }
  }

  /** The second in which it was written last; 0: it is not here. */
  secondOf(digest: Digest): number {
    if (this.liveCount === 0) return 0;
    const [a, b, c] = wordsOf(digest);
    return this.#words[this.#seek(this.#words, a, b, c)]!;
  }

  /** As secondOf; it is not remembered from now on. */
  take(digest: Digest): number {
    if (this.liveCount === 0) return 0;
    const [a, b, c] = wordsOf(digest);
    const at = this.#seek(this.#words, a, b, c);
    const second = this.#words[at]!;
    if (second === 0) return 0;
    this.#words[at] = 0;
    this.liveCount--;
    return second;
  }

  /** Room for so many more. */
  reserve(count: number): void {
    const used = this.liveCount + count;
    if (!isCrowded(this.#used + count, this.places)) return;
    this.#rebuild(Math.max(SEEN_TABLE_FIRST, Math.ceil((used * 4) / 3) + 1), 0);
  }

  /** The second in which it was written before, 0: it was not here. The later one is kept. */
  put(digest: Digest, second: number): number {
    assert(second > 0, 'what is remembered was written');
    if (isCrowded(this.#used + 1, this.places)) this.reserve(Math.max(1, this.liveCount));
    const [a, b, c] = wordsOf(digest);
    const words = this.#words;
    const at = this.#seek(words, a, b, c);
    const before = words[at]!;
    if ((before | words[at + 1]! | words[at + 2]! | words[at + 3]!) === 0) this.#used++;
    if (before === 0) this.liveCount++;
    words[at] = Math.max(before, second);
    words[at + 1] = a;
    words[at + 2] = b;
    words[at + 3] = c;
    return before;
  }

  /**
   * Looks at where a digest that begins with this word belongs, so that the misses of many `put` do
   * not wait for each other.
   */
  touch(first: number): number {
    return this.#words[homeOf(first >>> 1, this.places) * SEEN_WORDS]!;
  }

  /** Forgets those that were written in this second or earlier. O(places). */
  trim(last: number): void {
    const words = this.#words;
    let kept = 0;
    for (let at = 0; at < words.length; at += SEEN_WORDS) {
      if (words[at]! > last) kept++;
      else words[at] = 0;
    }
    this.liveCount = kept;
    if (kept * 4 < this.places) this.#rebuild(kept === 0 ? 0 : Math.ceil(kept * 2) + 1, last);
  }

  #rebuild(places: number, last: number): void {
    const old = this.#words;
    const words = new Uint32Array(places * SEEN_WORDS);
    let used = 0;
    for (let from = 0; from < old.length; from += SEEN_WORDS) {
      if (old[from]! <= last) continue;
      const at = this.#seek(words, old[from + 1]!, old[from + 2]!, old[from + 3]!);
      for (let i = 0; i < SEEN_WORDS; i++) words[at + i] = old[from + i]!;
      used++;
    }
    this.#words = words;
    this.#used = this.liveCount = used;
  }
}

/** Never all zero, which is free. */
function wordsOf(digest: Digest): readonly [number, number, number] {
  const [a, b, c] = [digest[0]! >>> 0, digest[1]! >>> 0, digest[2]! >>> 0];
  return [(a | b | c) === 0 ? 1 : a, b, c];
}
