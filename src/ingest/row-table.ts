// The raw bytes of rows → small numbers, without the bytes: an entry holds 96 bits of a seeded hash
// and the length, 24 bytes with its ref and the row that followed it. Two rows are taken for one
// when hash and length agree (docs/decisions/0010: 2^21 rows, chance below 2^-54). Part of a cache:
// it grows to a bound and is then emptied by its owner.
//
// Hash: four 32-bit words of state; each word of the row goes through a multiplication into one of
// them and from there into two more, and the roles move on by one, so that a difference in one word
// of the row is in all of the state before it could be cancelled. Two such states take the words in
// turns, because one alone would wait for its multiplications. Complexity: O(row length) expected.

import type { HashedRows, RowHasher } from '../model/rows.ts';
import {
  HASHED_ROW_END,
  HASHED_ROW_HASH,
  HASHED_ROW_START,
  HASHED_ROW_STRIDE,
  ROW_UNKNOWN,
} from '../model/rows.ts';
import { assert } from '../stdx/assert.ts';
import { grownI32, lengthenedU32 } from '../stdx/growable.ts';

const INITIAL_ENTRIES = 64;
/** Rows whose slots are looked at ahead. */
const AHEAD_ROWS = 32;

/** Numbers of an entry. */
const ENTRY_WORDS = 6;
const HASH = 0;
const LENGTH = 3;
/** The row that followed last time, or NO_ROW. */
const NEXT = 4;
/** Ref of the row without a second range, or ROW_UNKNOWN. */
const REF = 5;

export const NO_ROW = -1;
/** Rows a table takes: more do not fit a slot beside the bits of the hash. */
export const ROWS_MAX = 2 ** 22 - 1;
const ROW_MASK = ROWS_MAX;
const TAG_MASK = ~ROW_MASK;

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function scrambled(word: number): number {
  let out = word;
  out = Math.imul(out ^ (out >>> 16), 0x85ebca6b);
  out = Math.imul(out ^ (out >>> 13), 0xc2b2ae35);
  return out ^ (out >>> 16);
}

export class RowTable {
  readonly #seed: number;
  count = 0;
  /** Row + 1 and high bits of its hash; 0 is free. At most three quarters full. */
  #slots = new Uint32Array(INITIAL_ENTRIES * 2);
  #entries = new Int32Array(INITIAL_ENTRIES * ENTRY_WORDS);
  // The row that was hashed last: asked for, not found, added.
  #start = -1;
  #end = -1;
  /** Free slot where that row was not found; -1: not looked for. */
  #freeSlot = -1;
  #h0 = 0;
  #h1 = 0;
  #h2 = 0;
  /** Hashes rows up to its bound in place of this table. */
  readonly hasher: RowHasher | undefined;
  /** The last row that `follow` answered. */
  followed = NO_ROW;
  /** Rows of the batch at hand whose slots were looked at. */
  #aheadEnd = 0;
  /** Only keeps loads alive. */
  #touched = 0;

  constructor(seed: number, hasher?: RowHasher) {
    this.#seed = seed | 0;
    this.hasher = hasher;
  }

  /** Bytes allocated. */
  get sizeBytes(): number {
    return (this.#slots.length + this.#entries.length) * 4;
  }

  /** Positions mean another body from now on. */
  forgetPosition(): void {
    this.#start = -1;
    this.#end = -1;
    this.#freeSlot = -1;
  }

  lengthOf(row: number): number {
    return this.#entries[row * ENTRY_WORDS + LENGTH]!;
  }

  nextOf(row: number): number {
    return this.#entries[row * ENTRY_WORDS + NEXT]!;
  }

  setNext(row: number, next: number): void {
    this.#entries[row * ENTRY_WORDS + NEXT] = next;
  }

  refOf(row: number): number {
    return this.#entries[row * ENTRY_WORDS + REF]!;
  }

  setRef(row: number, ref: number): void {
    this.#entries[row * ENTRY_WORDS + REF] = ref;
  }

  /** Is this row exactly the bytes [start, end)? */
  matches(row: number, view: DataView, start: number, end: number): boolean {
    const at = row * ENTRY_WORDS;
    const entries = this.#entries;
    if (entries[at + LENGTH] !== end - start) return false;
    this.#hash(view, start, end);
    return (
      entries[at + HASH] === this.#h0 &&
      entries[at + HASH + 1] === this.#h1 &&
      entries[at + HASH + 2] === this.#h2
    );
  }

  /** The row, or NO_ROW. */
  find(view: DataView, start: number, end: number): number {
    this.#hash(view, start, end);
    return this.#freeSlot >= 0 ? NO_ROW : this.#search(end - start);
  }

  /** The row with the hash at hand; else its free slot is known. */
  #search(length: number): number {
    const slots = this.#slots;
    const entries = this.#entries;
    const mask = slots.length - 1;
    const tag = this.#h1 & TAG_MASK;
    let slot = this.#h0 & mask;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const word = slots[slot]!;
      if ((word & TAG_MASK) !== tag) continue;
      const row = (word & ROW_MASK) - 1;
      const at = row * ENTRY_WORDS;
      if (
        entries[at + HASH] === this.#h0 &&
        entries[at + HASH + 1] === this.#h1 &&
        entries[at + HASH + 2] === this.#h2 &&
        entries[at + LENGTH] === length
      )
        return row;
    }
    this.#freeSlot = slot;
    return NO_ROW;
  }

  /**
   * As RowPredictor.followRows, where `last` was before the first one. The row where it stops is
   * the one that was hashed last.
   */
  follow({ words, count, refs }: HashedRows, from: number, last: number): number {
    const entries = this.#entries;
    let before = last;
    let i = from;
    if (from === 0) this.#aheadEnd = 0;
    for (; i < count; i++) {
      const at = i * HASHED_ROW_STRIDE;
      const length = words[at + HASHED_ROW_END]! - words[at + HASHED_ROW_START]!;
      let row = before < 0 ? NO_ROW : entries[before * ENTRY_WORDS + NEXT]!;
      const entry = row * ENTRY_WORDS;
      if (
        row < 0 ||
        entries[entry + LENGTH] !== length ||
        entries[entry + HASH] !== words[at + HASHED_ROW_HASH] ||
        entries[entry + HASH + 1] !== words[at + HASHED_ROW_HASH + 1] ||
        entries[entry + HASH + 2] !== words[at + HASHED_ROW_HASH + 2]
      ) {
        if (i >= this.#aheadEnd) this.#lookAhead(words, i, count);
        this.#recall(words, at);
        row = this.#search(length);
        if (row < 0) break;
        if (before >= 0) entries[before * ENTRY_WORDS + NEXT] = row;
      }
      const ref = entries[row * ENTRY_WORDS + REF]!;
      if (ref < 0) {
        this.#recall(words, at);
        break;
      }
      refs[i] = ref;
      before = row;
    }
    this.followed = before;
    return i;
  }

  /** Looks at the slots of the next rows, so that their misses do not wait for each other. */
  #lookAhead(words: Int32Array, from: number, count: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const end = Math.min(from + AHEAD_ROWS, count);
    let sum = this.#touched;
    for (let i = from; i < end; i++)
      sum |= slots[words[i * HASHED_ROW_STRIDE + HASHED_ROW_HASH]! & mask]!;
    this.#touched = sum;
    this.#aheadEnd = end;
  }

  /** Makes a row with its hash the one that was hashed last. */
  #recall(words: Int32Array, at: number): void {
    this.#start = words[at + HASHED_ROW_START]!;
    this.#end = words[at + HASHED_ROW_END]!;
    this.#h0 = words[at + HASHED_ROW_HASH]!;
    this.#h1 = words[at + HASHED_ROW_HASH + 1]!;
    this.#h2 = words[at + HASHED_ROW_HASH + 2]!;
    this.#freeSlot = -1;
  }

  /** Adds a row that `find` does not know; returns its number (0, 1, 2 …). */
  insert(view: DataView, start: number, end: number): number {
    assert(this.find(view, start, end) === NO_ROW, 'a row is added once');
    const row = this.count++;
    const at = row * ENTRY_WORDS;
    this.#entries = grownI32(this.#entries, at + ENTRY_WORDS);
    this.#entries[at + HASH] = this.#h0;
    this.#entries[at + HASH + 1] = this.#h1;
    this.#entries[at + HASH + 2] = this.#h2;
    this.#entries[at + LENGTH] = end - start;
    this.#entries[at + NEXT] = NO_ROW;
    this.#entries[at + REF] = ROW_UNKNOWN;
    if (this.count * 4 > this.#slots.length * 3) this.#growSlots();
    else this.#slots[this.#freeSlot] = (row + 1) | (this.#h1 & TAG_MASK);
    this.#freeSlot = -1;
    return row;
  }

  #place(row: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#entries[row * ENTRY_WORDS + HASH]! & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = (row + 1) | (this.#entries[row * ENTRY_WORDS + HASH + 1]! & TAG_MASK);
  }

  #growSlots(): void {
    const { length } = this.#slots;
    this.#slots = lengthenedU32(this.#slots, length * 2);
    this.#slots.fill(0, 0, length);
    for (let row = 0; row < this.count; row++) this.#place(row);
  }

  /** For tests: the words that tell rows apart. */
  hashOf(view: DataView, start: number, end: number): readonly number[] {
    this.#hash(view, start, end);
    return [this.#h0, this.#h1, this.#h2];
  }

  /** Hash of [start, end) to h0, h1, h2. */
  #hash(view: DataView, start: number, end: number): void {
    if (start === this.#start && end === this.#end) return;
    this.#start = start;
    this.#end = end;
    this.#freeSlot = -1;
    const { hasher } = this;
    if (hasher === undefined || end - start > hasher.sizeMaxBytes)
      return this.#mix(view, start, end);
    hasher.hash(view, start, end, this.#seed);
    this.#h0 = hasher.words[0]!;
    this.#h1 = hasher.words[1]!;
    this.#h2 = hasher.words[2]!;
  }

  #mix(view: DataView, start: number, end: number): void {
    let a = this.#seed;
    let b = Math.imul(this.#seed, 0x9e3779b1) ^ (end - start);
    let c = ~this.#seed;
    let d = 0x243f6a88;
    let e = Math.imul(this.#seed, 0x85ebca6b);
    let f = 0x13198a2e ^ this.#seed;
    let g = 0x03707344;
    let h = Math.imul(this.#seed, 0xc2b2ae35) | 1;
    let at = start;
    for (; at + 8 <= end; at += 8) {
      let x = Math.imul(a ^ view.getInt32(at, true), 0x9e3779b1);
      x ^= x >>> 15;
      a = b ^ x;
      b = (c + rotated(x, 13)) | 0;
      c = d;
      d = x;
      let y = Math.imul(e ^ view.getInt32(at + 4, true), 0x85ebca6b);
      y ^= y >>> 14;
      e = f ^ y;
      f = (g + rotated(y, 11)) | 0;
      g = h;
      h = y;
    }
    for (; at < end; at++) {
      const x = Math.imul(a ^ view.getUint8(at), 0xc2b2ae35);
      a = b ^ (x ^ (x >>> 15));
      b = (c + rotated(x, 13)) | 0;
      c = d;
      d = x;
    }
    // Each of the three looks at all eight words.
    const ab = scrambled(a + rotated(e, 7)) + b;
    const cd = scrambled(c + rotated(g, 9)) + d;
    const ef = scrambled(f + rotated(b, 5)) + h;
    const gh = scrambled(h + rotated(d, 3)) ^ e;
    this.#h0 = scrambled(ab ^ rotated(cd, 11)) ^ scrambled(ef + rotated(gh, 17));
    this.#h1 = scrambled(cd ^ rotated(ef, 13)) ^ scrambled(gh + rotated(ab, 19));
    this.#h2 = scrambled(ef ^ rotated(ab, 15)) ^ scrambled(cd + rotated(gh, 21) + 1);
  }
}
