// Byte strings → small numbers: an open-addressing hash table over typed arrays, keys copied into
// an arena. Part of a cache: it grows to a bound and is then emptied by its owner, entries are
// never removed one by one. Seeded, so that nobody outside can choose keys that collide. An entry's
// key is (tag, bytes): the tag lets one table hold the fields of many rows.
//
// Hash: 32-bit words mixed by multiplication in two lanes (measured: 4 bytes a step through a
// DataView beats byte-wise FNV three times over). Complexity: find and insert O(key length)
// expected.

import { grownI32, grownU8, lengthenedU32 } from '../stdx/growable.ts';

const INITIAL_ENTRIES = 64;
const INITIAL_BYTES = 4096;

export class ByteTable {
  readonly #seed: number;
  #count = 0;
  /** Index + 1; 0 is free. At most half full. */
  #slots = new Uint32Array(INITIAL_ENTRIES * 2);
  #hashes = new Int32Array(INITIAL_ENTRIES);
  #tags = new Int32Array(INITIAL_ENTRIES);
  #offsets = new Int32Array(INITIAL_ENTRIES);
  #lengths = new Int32Array(INITIAL_ENTRIES);
  #arena = new Uint8Array(INITIAL_BYTES);
  #arenaView = new DataView(this.#arena.buffer);
  /** The same memory; entries begin at whole words and zeros fill their last one. */
  #arenaWords = new Int32Array(this.#arena.buffer);
  #arenaEnd = 0;

  constructor(seed: number) {
    this.#seed = seed | 0;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes allocated, roughly. */
  get sizeBytes(): number {
    return this.#arena.length + this.#slots.length * 4 + this.#hashes.length * 16;
  }

  /** Bytes of all entries as words; replaced when it grows. Zeros fill an entry's last word. */
  get words(): Int32Array {
    return this.#arenaWords;
  }

  /** Where the bytes of entry `index` begin in `words`. */
  wordOf(index: number): number {
    return this.#offsets[index]! >>> 2;
  }

  /** `view` covers the same memory as `bytes`. */
  hash(view: DataView, start: number, end: number, tag: number): number {
    let a = this.#seed ^ tag;
    let b = Math.imul(this.#seed, 0x85ebca6b) ^ (end - start);
    let i = start;
    for (const stop = end - 8; i <= stop; i += 8) {
      a = Math.imul(a ^ view.getInt32(i, true), 0x9e3779b1);
      b = Math.imul(b ^ view.getInt32(i + 4, true), 0xc2b2ae35);
      a ^= a >>> 15;
      b ^= b >>> 13;
    }
    for (; i < end; i++) a = Math.imul(a ^ view.getUint8(i), 0x27d4eb2f) ^ (a >>> 11);
    a ^= (b << 7) | (b >>> 25);
    a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
    a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
    return a ^ (a >>> 16);
  }

  /** Whether entry `index` is exactly these bytes with this tag. */
  matches(index: number, view: DataView, start: number, end: number, tag: number): boolean {
    const length = end - start;
    if (this.#lengths[index] !== length || this.#tags[index] !== tag) return false;
    const arena = this.#arenaView;
    let at = this.#offsets[index]!;
    let i = start;
    for (const stop = end - 4; i <= stop; i += 4, at += 4)
      if (view.getInt32(i, true) !== arena.getInt32(at, true)) return false;
    for (; i < end; i++, at++) if (view.getUint8(i) !== arena.getUint8(at)) return false;
    return true;
  }

  /** End of entry `index` in [start, end), where its bytes stand at `start`; else -1. */
  prefixEnd(index: number, view: DataView, start: number, end: number): number {
    const length = this.#lengths[index]!;
    const stop = start + length;
    if (stop > end) return -1;
    const words = this.#arenaWords;
    let word = this.#offsets[index]! >>> 2;
    let i = start;
    for (const last = stop - 8; i <= last; i += 8, word += 2)
      if (
        ((view.getInt32(i, true) ^ words[word]!) |
          (view.getInt32(i + 4, true) ^ words[word + 1]!)) !==
        0
      )
        return -1;
    let rest = stop - i;
    if (rest >= 4) {
      if (view.getInt32(i, true) !== words[word]!) return -1;
      rest -= 4;
      word++;
    }
    if (rest === 0) return stop;
    // What is left of the entry's last word; behind it the arena holds zeros.
    if (length >= 4)
      return view.getInt32(stop - 4, true) >>> (32 - 8 * rest) === words[word]! ? stop : -1;
    let tail = 0;
    while (rest > 0) tail = (tail << 8) | view.getUint8(start + --rest);
    return tail === words[word]! ? stop : -1;
  }

  /** Index of the entry, or -1. */
  find(view: DataView, start: number, end: number, tag: number, hash: number): number {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const index = slots[slot]! - 1;
      if (index < 0) return -1;
      if (hashes[index] === hash && this.matches(index, view, start, end, tag)) return index;
    }
  }

  /** Adds an entry that `find` does not know; returns its index (0, 1, 2 …). */
  insert(bytes: Uint8Array, start: number, end: number, tag: number, hash: number): number {
    const index = this.#count++;
    this.#growEntries(this.#count);
    const length = end - start;
    const spaceBytes = (length + 3) & ~3;
    if (this.#arenaEnd + spaceBytes > this.#arena.length) this.#growArena(spaceBytes);
    this.#arena.set(bytes.subarray(start, end), this.#arenaEnd);
    this.#hashes[index] = hash;
    this.#tags[index] = tag;
    this.#offsets[index] = this.#arenaEnd;
    this.#lengths[index] = length;
    this.#arenaEnd += spaceBytes;
    this.#place(index, hash);
    return index;
  }

  #place(index: number, hash: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = index + 1;
  }

  #growEntries(count: number): void {
    this.#hashes = grownI32(this.#hashes, count);
    this.#tags = grownI32(this.#tags, count);
    this.#offsets = grownI32(this.#offsets, count);
    this.#lengths = grownI32(this.#lengths, count);
    const { length } = this.#slots;
    if (count * 2 <= length) return;
    this.#slots = lengthenedU32(this.#slots, length * 2);
    this.#slots.fill(0, 0, length);
    for (let i = 0; i < count - 1; i++) this.#place(i, this.#hashes[i]!);
  }

  #growArena(extraBytes: number): void {
    const arena = grownU8(this.#arena, this.#arenaEnd + extraBytes);
    this.#arena = arena;
    this.#arenaView = new DataView(arena.buffer);
    this.#arenaWords = new Int32Array(arena.buffer);
  }
}
