// Label sets of one shard as rows of pair numbers (pairs.ts), and the hash table that finds a row:
// typed arrays by slot (refs.ts), nothing is a JavaScript object per series. A row belongs to an
// owner, a tenant's number. Slots of removed rows are given out again, the longest free one first.
import { assert } from '../stdx/assert.ts';
import { grownU16, grownU32, grownU8, lengthenedU32, release } from '../stdx/growable.ts';
import { captured, checkSections, copied } from './index-sections.ts';
import type { CapturedSection, SectionReader } from './index-sections.ts';
import { refOf, SLOT_BITS, slotOf, SLOTS_MAX } from './refs.ts';

const FIRST_CAPACITY = 1024;
/** A slot + 1 fits below the bits of the hash. */
const ENTRY_MASK = 2 ** SLOT_BITS - 1;
const TAG_MASK = ~ENTRY_MASK;
const FREE_OWNER = 0xffffffff;
/** Rows are moved together where more words than this, and half of all, are dead. */
const DEAD_WORDS_MIN = 65_536;
const ROW_LABELS_MAX = 65_535;

/** Sections with a number a slot, and its size in bytes. */
const SLOT_SECTIONS = {
  'row-starts': 4,
  'row-counts': 2,
  'row-owners': 4,
  'row-lives': 1,
  'row-next': 4,
};

export class SeriesRows {
  readonly #seed: number;
  readonly #livesMax: number;
  /** Slots given so far; live ones and free ones. */
  slotEnd = 0;
  liveCount = 0;
  #words = new Uint32Array(FIRST_CAPACITY);
  #wordsEnd = 0;
  #deadWords = 0;
  /** Row of a slot: words [starts, starts + counts). */
  #starts = new Uint32Array(FIRST_CAPACITY);
  #counts = new Uint16Array(FIRST_CAPACITY);
  #owners = new Uint32Array(FIRST_CAPACITY);
  /** How often the slot was given before. */
  #lives = new Uint8Array(FIRST_CAPACITY);
  /** Of a free slot the next free one, + 1. Of others the owner's to use, 0 at first. */
  next = new Uint32Array(FIRST_CAPACITY);
  #firstFree = 0;
  #lastFree = 0;
  /**
   * Slot + 1 and the high bits of its hash: most probes end here, without a look at a row; 0 is
   * free. At most three quarters full.
   */
  #table = new Uint32Array(FIRST_CAPACITY * 2);
  /** The row to find or add. */
  row = new Uint32Array(64);
  /** While a capture is being copied: free slots stay free, a table that is replaced stays. */
  isHeld = false;
  /** A free slot was given out all the same, because there was no other: the capture is no more. */
  isSpoilt = false;

  /** A slot is given out `lives` times. */
  constructor(seed: number, lives: number) {
    this.#seed = seed | 0;
    this.#livesMax = lives;
  }

  get sizeBytes(): number {
    const { byteLength: starts } = this.#starts;
    const bySlot = starts + this.#counts.byteLength + this.#owners.byteLength;
    const tables = this.#words.byteLength + this.#table.byteLength;
    return tables + bySlot + this.#lives.byteLength + this.next.byteLength;
  }

  /** What the live rows need, and the table. */
  get heldBytes(): number {
    const words = (this.#wordsEnd - this.#deadWords) * 4;
    return words + this.liveCount * 15 + this.#table.byteLength;
  }

  /** As SeriesIndex.capture. */
  capture(): CapturedSection[] {
    const { slotEnd } = this;
    const numbers = Uint32Array.of(
      slotEnd,
      this.liveCount,
      this.#wordsEnd,
      this.#deadWords,
      this.#firstFree,
      this.#lastFree,
    );
    const table = this.#table;
    return [
      copied('row-numbers', numbers),
      captured('row-words', () => this.#words, this.#wordsEnd),
      captured('row-starts', () => this.#starts, slotEnd),
      captured('row-counts', () => this.#counts, slotEnd),
      captured('row-owners', () => this.#owners, slotEnd),
      captured('row-lives', () => this.#lives, slotEnd),
      captured('row-next', () => this.next, slotEnd),
      {
        ...captured('row-table', () => table),
        table: { words: 1, mask: ENTRY_MASK, last: slotEnd },
      },
    ];
  }

  static fromSections(reader: SectionReader, seed: number, lives: number): SeriesRows {
    const rows = new SeriesRows(seed, lives);
    const numbers = reader.numbers('row-numbers', 6);
    rows.slotEnd = numbers[0]!;
    rows.liveCount = numbers[1]!;
    rows.#wordsEnd = numbers[2]!;
    rows.#deadWords = numbers[3]!;
    rows.#firstFree = numbers[4]!;
    rows.#lastFree = numbers[5]!;
    rows.#words = reader.u32('row-words', FIRST_CAPACITY);
    rows.#starts = reader.u32('row-starts', FIRST_CAPACITY);
    rows.#counts = reader.u16('row-counts', FIRST_CAPACITY);
    rows.#owners = reader.u32('row-owners', FIRST_CAPACITY);
    rows.#lives = reader.u8('row-lives', FIRST_CAPACITY);
    rows.next = reader.u32('row-next', FIRST_CAPACITY);
    rows.#table = reader.u32('row-table');
    checkSections(
      reader.bytes('row-words').length === rows.#wordsEnd * 4 &&
        Object.entries(SLOT_SECTIONS).every(
          ([name, sizeBytes]) => reader.bytes(name).length === rows.slotEnd * sizeBytes,
        ) &&
        rows.slotEnd <= SLOTS_MAX &&
        rows.liveCount < rows.#table.length &&
        Number.isInteger(Math.log2(rows.#table.length)),
      'rows',
    );
    return rows;
  }

  reserveRow(count: number): Uint32Array {
    assert(count <= ROW_LABELS_MAX, 'a series has a bounded number of labels');
    this.row = grownU32(this.row, count);
    return this.row;
  }

  // -------------------------------------------------------------- by ref

  isLive(ref: number): boolean {
    const slot = slotOf(ref);
    return (
      slot < this.slotEnd &&
      this.#owners[slot] !== FREE_OWNER &&
      refOf(slot, this.#lives[slot]!) === ref
    );
  }

  refAt(slot: number): number {
    return refOf(slot, this.#lives[slot]!);
  }

  isLiveSlot(slot: number): boolean {
    return this.#owners[slot] !== FREE_OWNER;
  }

  /** Of a live slot. */
  ownerOf(slot: number): number {
    return this.#owners[slot]!;
  }

  labelCount(slot: number): number {
    return this.#counts[slot]!;
  }

  pairAt(slot: number, index: number): number {
    return this.#words[this.#starts[slot]! + index]!;
  }

  /** All rows and where they begin and how long they are, by slot; borrowed until the next add. */
  get columns(): {
    readonly words: Uint32Array;
    readonly starts: Uint32Array;
    readonly counts: Uint16Array;
  } {
    return { words: this.#words, starts: this.#starts, counts: this.#counts };
  }

  /** The first of `count` refs that is not a live row of the owner; -1 where all are. */
  foreignRef(owner: number, refs: Uint32Array, count: number): number {
    const owners = this.#owners;
    const lives = this.#lives;
    const end = this.slotEnd;
    for (let i = 0; i < count; i++) {
      const ref = refs[i]!;
      const slot = slotOf(ref);
      if (slot >= end || owners[slot] !== owner || refOf(slot, lives[slot]!) !== ref) return ref;
    }
    return -1;
  }

  // -------------------------------------------------------------- by content

  /**
   * Codes of many rows of an owner to `out`, for `intern`: the words of row i are
   * `words[places[k]]` for k in [starts[i], starts[i + 1]). Looks at the table's entry of each, so
   * that the misses of `intern` do not wait for each other; the result only keeps the loads alive.
   */
  codeAll(
    owner: number,
    words: Uint32Array,
    { starts, places }: { readonly starts: Uint32Array; readonly places: Uint32Array },
    out: Int32Array,
  ): number {
    const table = this.#table;
    const mask = table.length - 1;
    let sum = 0;
    for (let i = 0; i < out.length; i++) {
      const end = starts[i + 1]!;
      let hash = this.#seed ^ owner;
      for (let k = starts[i]!; k < end; k++) hash = mixed(hash, words[places[k]!]!);
      const code = finished(hash);
      out[i] = code;
      sum |= table[code & mask]!;
    }
    return sum;
  }

  /** Ref of the owner's row that is `row[0, count)`; made where there is none; -1: no room. */
  intern(owner: number, count: number, code = this.#rowCode(owner, count)): number {
    const place = this.#seek(code, owner, count);
    const table = this.#table;
    if (table[place] !== 0) return this.refAt((table[place]! & ENTRY_MASK) - 1);
    if (this.#firstFree === 0 && this.slotEnd === SLOTS_MAX) return -1;
    const slot = this.#add(owner, count);
    table[place] = (slot + 1) | (code & TAG_MASK);
    if (this.liveCount * 4 > table.length * 3) this.#rehash();
    return this.refAt(slot);
  }

  /** As intern; -1 where there is none. */
  find(owner: number, count: number): number {
    const entry = this.#table[this.#seek(this.#rowCode(owner, count), owner, count)]!;
    return entry === 0 ? -1 : this.refAt((entry & ENTRY_MASK) - 1);
  }

  #rowCode(owner: number, count: number): number {
    const { row } = this;
    let hash = this.#seed ^ owner;
    for (let i = 0; i < count; i++) hash = mixed(hash, row[i]!);
    return finished(hash);
  }

  /** Where the owner's row is in the table, or the free place where it belongs. */
  #seek(code: number, owner: number, count: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    for (let place = code & mask; ; place = (place + 1) & mask) {
      const entry = table[place]!;
      if (entry === 0) return place;
      if (((entry ^ code) & TAG_MASK) !== 0) continue;
      if (this.#isRow((entry & ENTRY_MASK) - 1, owner, count)) return place;
    }
  }

  #isRow(slot: number, owner: number, count: number): boolean {
    if (this.#counts[slot] !== count || this.#owners[slot] !== owner) return false;
    const start = this.#starts[slot]!;
    for (let i = 0; i < count; i++) if (this.#words[start + i] !== this.row[i]) return false;
    return true;
  }

  #add(owner: number, count: number): number {
    const slot = this.#takeSlot();
    const start = this.#wordsEnd;
    this.#words = grownU32(this.#words, start + count);
    for (let i = 0; i < count; i++) this.#words[start + i] = this.row[i]!;
    this.#wordsEnd += count;
    this.#starts[slot] = start;
    this.#counts[slot] = count;
    this.#owners[slot] = owner;
    this.next[slot] = 0;
    this.liveCount++;
    return slot;
  }

  #takeSlot(): number {
    if (this.#firstFree === 0 || (this.isHeld && this.slotEnd < SLOTS_MAX)) {
      const slot = this.slotEnd++;
      this.#starts = grownU32(this.#starts, slot + 1);
      this.#counts = grownU16(this.#counts, slot + 1);
      this.#owners = grownU32(this.#owners, slot + 1);
      this.#lives = grownU8(this.#lives, slot + 1);
      this.next = grownU32(this.next, slot + 1);
      return slot;
    }
    if (this.isHeld) this.isSpoilt = true;
    const slot = this.#firstFree - 1;
    this.#firstFree = this.next[slot]!;
    if (this.#firstFree === 0) this.#lastFree = 0;
    this.#lives[slot]!++;
    return slot;
  }

  #codeOf(slot: number): number {
    const start = this.#starts[slot]!;
    const end = start + this.#counts[slot]!;
    let hash = this.#seed ^ this.#owners[slot]!;
    for (let at = start; at < end; at++) hash = mixed(hash, this.#words[at]!);
    return finished(hash);
  }

  #rehash(): void {
    const { length } = this.#table;
    // What is being copied stays where it is.
    const old = this.isHeld ? new Uint32Array(0) : this.#table;
    const table = lengthenedU32(old, length * 2);
    table.fill(0, 0, length);
    const mask = table.length - 1;
    for (let slot = 0; slot < this.slotEnd; slot++) {
      if (this.#owners[slot] === FREE_OWNER) continue;
      const code = this.#codeOf(slot);
      let place = code & mask;
      while (table[place] !== 0) place = (place + 1) & mask;
      table[place] = (slot + 1) | (code & TAG_MASK);
    }
    this.#table = table;
  }

  // -------------------------------------------------------------- giving back

  /** Takes a live row out; its ref is dead from now on, its slot is free after `recycle`. */
  remove(slot: number): void {
    this.#unlink(slot);
    this.#deadWords += this.#counts[slot]!;
    this.#counts[slot] = 0;
    this.#owners[slot] = FREE_OWNER;
    this.liveCount--;
  }

  /** Takes an entry out of the table; entries behind it move up, so there are no tombstones. */
  #unlink(slot: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let hole = this.#codeOf(slot) & mask;
    while ((table[hole]! & ENTRY_MASK) !== slot + 1) {
      assert(table[hole] !== 0, 'a live row is in the table');
      hole = (hole + 1) & mask;
    }
    for (let place = (hole + 1) & mask; table[place] !== 0; place = (place + 1) & mask) {
      const home = this.#codeOf((table[place]! & ENTRY_MASK) - 1) & mask;
      // Stays where its home lies behind the hole (in the order of probing).
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      table[hole] = table[place]!;
      hole = place;
    }
    table[hole] = 0;
  }

  /** A removed slot may be given out again, unless it has had its lives. */
  recycle(slot: number): void {
    if (this.#lives[slot] === this.#livesMax - 1) return;
    this.next[slot] = 0;
    if (this.#lastFree === 0) this.#firstFree = slot + 1;
    else this.next[this.#lastFree - 1] = slot + 1;
    this.#lastFree = slot + 1;
  }

  /** Moves rows together where half of the words are dead. O(slots + words), amortised O(1). */
  compact(): void {
    if (this.#deadWords < DEAD_WORDS_MIN || this.#deadWords * 2 < this.#wordsEnd) return;
    const old = this.#words;
    const live = this.#wordsEnd - this.#deadWords;
    const words = new Uint32Array(live + (live >>> 2) + FIRST_CAPACITY);
    let end = 0;
    for (let slot = 0; slot < this.slotEnd; slot++) {
      const count = this.#counts[slot]!;
      const start = this.#starts[slot]!;
      this.#starts[slot] = end;
      for (let i = 0; i < count; i++) words[end++] = old[start + i]!;
    }
    assert(end === live, 'live words are counted');
    this.#words = words;
    this.#wordsEnd = end;
    this.#deadWords = 0;
    release(old);
  }
}

function mixed(hash: number, pair: number): number {
  const next = Math.imul(hash ^ pair, 0x9e3779b1);
  return next ^ (next >>> 15);
}

function finished(hash: number): number {
  const next = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return next ^ (next >>> 13);
}
