// A bit per slot of a series: a set of which a million members fit the second cache, asked of
// before a table with a number per slot is.

const FIRST_WORDS = 32;
const FULL_WORD = 0xffffffff;
/** Bits of a ref that are looked at: with those of a later life it is beyond any set. */
const FIRST_LIFE = 0x7fffffff;

export class SlotBits {
  #words = new Uint32Array(FIRST_WORDS);
  /** All slots below are in the set; a multiple of 32. */
  #fullEnd = 0;

  get sizeBytes(): number {
    return this.#words.byteLength;
  }

  add(slot: number): void {
    const word = slot >>> 5;
    if (word >= this.#words.length) {
      const longer = new Uint32Array(Math.max(word + 1, this.#words.length * 2));
      longer.set(this.#words);
      this.#words = longer;
    }
    this.#words[word]! |= 1 << (slot & 31);
    if (word === this.#fullEnd >>> 5) this.#extendFull();
  }

  #extendFull(): void {
    let word = this.#fullEnd >>> 5;
    while (word < this.#words.length && this.#words[word] === FULL_WORD) word++;
    this.#fullEnd = word << 5;
  }

  remove(slot: number): void {
    const word = slot >>> 5;
    if (word >= this.#words.length) return;
    this.#words[word]! &= ~(1 << (slot & 31));
    this.#fullEnd = Math.min(this.#fullEnd, word << 5);
  }

  /** Index of the first of `count` refs from `from` on whose slot is not in the set or reborn. */
  firstMissingOrReborn(refs: Uint32Array, from: number, count: number): number {
    return firstUnset(this.#words, this.#fullEnd, refs, from, count);
  }
}

function firstUnset(
  words: Uint32Array,
  fullEnd: number,
  refs: Uint32Array,
  from: number,
  count: number,
): number {
  const { length } = words;
  for (let i = from; i < count; i++) {
    const slot = refs[i]! & FIRST_LIFE;
    // One comparison tells it for nearly all refs, where nearly all slots are in.
    if (slot >>> 0 < fullEnd) continue;
    const word = slot >>> 5;
    if (word >= length || ((words[word]! >>> (slot & 31)) & 1) === 0) return i;
  }
  return count;
}
