// Label sets of one shard as rows of pair numbers (pairs.ts), and the hash table that finds a row:
// typed arrays by slot (refs.ts), nothing is a JavaScript object per series. A row belongs to an
// owner, a tenant's number. Slots of removed rows are given out again, the longest free one first.
import { assert } from '../stdx/assert.ts';
import { clearedU32, grownU16, grownU32, grownU8, release } from '../stdx/growable.ts';
import { captured, checkSections, copied } from './index-sections.ts';
import type { CapturedSection, SectionReader } from './index-sections.ts';
import { homeOf, isCrowded, largerTable } from './open-table.ts';
import { refOf, SLOT_BITS, slotOf, SLOTS_MAX } from './refs.ts';
import {
  countIn,
  headOf,
  isRowAt,
  isWhole,
  mixed,
  mixRow,
  pairIn,
  readRow,
  roomFor,
  ROW_LABELS_MAX,
  sizeIn,
  writeRow,
} from './row-words.ts';

const FIRST_CAPACITY = 1024;
/** A slot + 1 fits below the bits of the hash. */
const ENTRY_MASK = 2 ** SLOT_BITS - 1;
/** Words of an owner + 1; 0 is a free slot. */
const OWNER_BITS = 16;
/** Rows are moved together where more words than this, and half of all, are dead. */
const DEAD_WORDS_MIN = 65_536;

/** Sections with a number a slot, and its size in bytes. */
const SLOT_SECTIONS = {
  'row-starts': 4,
  'row-owners': 2,
  'row-lives': 1,
  'row-next': 4,
};

export class SeriesRows {
  readonly #seed: number;
  readonly #livesMax: number;
  /** Slots given so far; live ones and free ones. */
  slotEnd = 0;
  liveCount = 0;
  #words = new Uint16Array(FIRST_CAPACITY);
  #wordsEnd = 0;
  #deadWords = 0;
  /** Where the row of a slot begins (row-words.ts). */
  #starts = new Uint32Array(FIRST_CAPACITY);
  /** The last whole row, which rows to come look back at; -1: there is none. */
  #whole = -1;
  /** How often `row` was given out: where it is another than before, others have written there. */
  rowSerial = 0;
  /** Pairs of a row that is read. */
  #pairs = new Uint32Array(64);
  /** Owner + 1, its low bits; 0 in both: the slot is free. */
  #owners = new Uint16Array(FIRST_CAPACITY);
  /** Its high bits; empty until an owner has some. */
  #ownersHigh = new Uint16Array(0);
  /** How often the slot was given before. */
  #lives = new Uint8Array(FIRST_CAPACITY);
  /** Of a free slot the next free one, + 1. Of others the owner's to use, 0 at first. */
  next = new Uint32Array(FIRST_CAPACITY);
  #firstFree = 0;
  #lastFree = 0;
  /**
   * By value, for its pair under its first name (pairs.ts): a row that has the pair. A row is here,
   * or in the table where others are at home at all of its pairs. Slot + 1 and above it low bits of
   * the row's hash: most looks end here, without one at the row; 0 is free.
   */
  #homes = new Uint32Array(FIRST_CAPACITY);
  /** Entries as in homes, by hash. */
  #table = new Uint32Array(FIRST_CAPACITY);
  /** Entries in it. */
  #tabled = 0;
  /** Where a row that is not known could be at home; -1: nowhere. */
  #freeHome = -1;
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
    const bySlot = starts + this.#owners.byteLength + this.#ownersHigh.byteLength;
    const tables = this.#words.byteLength + this.#homes.byteLength + this.#table.byteLength;
    return tables + bySlot + this.#lives.byteLength + this.next.byteLength;
  }

  /** What the live rows need, and the tables. */
  get heldBytes(): number {
    const words = (this.#wordsEnd - this.#deadWords) * 2;
    const bySlot = this.#ownersHigh.length === 0 ? 11 : 13;
    return words + this.liveCount * bySlot + this.#homes.byteLength + this.#table.byteLength;
  }

  /** As SeriesIndex.capture; values of its rows are below `valueCount`. */
  capture(valueCount: number): CapturedSection[] {
    const { slotEnd } = this;
    const homeCount = Math.min(this.#homes.length, valueCount);
    const older = { entryBytes: 4, mask: ENTRY_MASK, last: slotEnd } as const;
    const numbers = Uint32Array.of(
      slotEnd,
      this.liveCount,
      this.#wordsEnd,
      this.#deadWords,
      this.#firstFree,
      this.#lastFree,
    );
    const table = this.#table;
    const hasHigh = this.#ownersHigh.length > 0;
    return [
      copied('row-numbers', numbers),
      captured('row-words', () => this.#words, this.#wordsEnd),
      captured('row-starts', () => this.#starts, slotEnd),
      captured('row-owners', () => this.#owners, slotEnd),
      captured('row-owners-high', () => this.#ownersHigh, hasHigh ? slotEnd : 0),
      captured('row-lives', () => this.#lives, slotEnd),
      captured('row-next', () => this.next, slotEnd),
      { ...captured('row-homes', () => this.#homes, homeCount), table: older },
      { ...captured('row-table', () => table), table: older },
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
    rows.#words = reader.u16('row-words', FIRST_CAPACITY);
    rows.#starts = reader.u32('row-starts', FIRST_CAPACITY);
    rows.#owners = reader.u16('row-owners', FIRST_CAPACITY);
    const highBytes = reader.bytes('row-owners-high').length;
    if (highBytes > 0) rows.#ownersHigh = reader.u16('row-owners-high', FIRST_CAPACITY);
    rows.#lives = reader.u8('row-lives', FIRST_CAPACITY);
    rows.next = reader.u32('row-next', FIRST_CAPACITY);
    rows.#homes = reader.u32('row-homes', FIRST_CAPACITY);
    rows.#table = reader.u32('row-table');
    for (const entry of rows.#table) if (entry !== 0) rows.#tabled++;
    checkSections(
      reader.bytes('row-words').length === rows.#wordsEnd * 2 &&
        (highBytes === 0 || highBytes === rows.slotEnd * 2) &&
        Object.entries(SLOT_SECTIONS).every(
          ([name, sizeBytes]) => reader.bytes(name).length === rows.slotEnd * sizeBytes,
        ) &&
        rows.slotEnd <= SLOTS_MAX &&
        rows.#tabled < rows.#table.length,
      'rows',
    );
    return rows;
  }

  /** `row`, whose content is the caller's from now on; see rowSerial. */
  reserveRow(count: number): Uint32Array {
    this.rowSerial++;
    assert(count <= ROW_LABELS_MAX, 'a series has a bounded number of labels');
    this.row = grownU32(this.row, count);
    return this.row;
  }

  // -------------------------------------------------------------- by ref

  isLive(ref: number): boolean {
    const slot = slotOf(ref);
    return slot < this.slotEnd && this.isLiveSlot(slot) && refOf(slot, this.#lives[slot]!) === ref;
  }

  refAt(slot: number): number {
    return refOf(slot, this.#lives[slot]!);
  }

  isLiveSlot(slot: number): boolean {
    return this.ownerOf(slot) >= 0;
  }

  /** Of a live slot; -1: it is free. */
  ownerOf(slot: number): number {
    const high = this.#ownersHigh;
    const low = this.#owners[slot]!;
    return (high.length === 0 ? low : low | (high[slot]! << OWNER_BITS)) - 1;
  }

  /** -1: it is free. */
  #setOwner(slot: number, owner: number): void {
    const word = owner + 1;
    this.#owners[slot] = word;
    if (this.#ownersHigh.length === 0) {
      if (word < 2 ** OWNER_BITS) return;
      this.#ownersHigh = new Uint16Array(this.#owners.length);
    }
    this.#ownersHigh[slot] = word >>> OWNER_BITS;
  }

  labelCount(slot: number): number {
    return countIn(this.#words, this.#starts[slot]!);
  }

  pairAt(slot: number, index: number): number {
    return pairIn(this.#words, this.#starts[slot]!, index);
  }

  /** All pairs of a slot to the start of `out`; their number. */
  read(slot: number, out: Uint32Array): number {
    return readRow(this.#words, this.#starts[slot]!, out);
  }

  /** All rows (row-words.ts) and where they begin, by slot; borrowed until the next add. */
  get columns(): { readonly words: Uint16Array; readonly starts: Uint32Array } {
    return { words: this.#words, starts: this.#starts };
  }

  /** The first of `count` refs that is not a live row of the owner; -1 where all are. */
  foreignRef(owner: number, refs: Uint32Array, count: number): number {
    const lives = this.#lives;
    const end = this.slotEnd;
    for (let i = 0; i < count; i++) {
      const ref = refs[i]!;
      const slot = slotOf(ref);
      if (slot >= end || this.ownerOf(slot) !== owner || refOf(slot, lives[slot]!) !== ref)
        return ref;
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
    const { length } = table;
    let sum = 0;
    for (let i = 0; i < out.length; i++) {
      const end = starts[i + 1]!;
      let hash = this.#seed ^ owner;
      for (let k = starts[i]!; k < end; k++) hash = mixed(hash, words[places[k]!]!);
      const code = finished(hash);
      out[i] = code;
      sum |= table[homeOf(code, length)]!;
    }
    return sum;
  }

  /** Ref of the owner's row that is `row[0, count)`; made where there is none; -1: no room. */
  intern(owner: number, count: number, code = this.#rowCode(owner, count)): number {
    const known = this.#atHome(code, owner, count);
    if (known >= 0) return this.refAt(known);
    const home = this.#freeHome;
    const place = this.#seek(code, owner, count);
    const table = this.#table;
    if (table[place] !== 0) return this.refAt((table[place]! & ENTRY_MASK) - 1);
    if (this.#firstFree === 0 && this.slotEnd === SLOTS_MAX) return -1;
    const slot = this.#add(owner, count);
    const entry = (slot + 1) | (code << SLOT_BITS);
    if (home >= 0) {
      this.#homes = grownU32(this.#homes, home + 1);
      this.#homes[home] = entry;
      return this.refAt(slot);
    }
    table[place] = entry;
    if (isCrowded(++this.#tabled, table.length)) this.#rehash();
    return this.refAt(slot);
  }

  /** As intern; -1 where there is none. */
  find(owner: number, count: number): number {
    const code = this.#rowCode(owner, count);
    const known = this.#atHome(code, owner, count);
    if (known >= 0) return this.refAt(known);
    const entry = this.#table[this.#seek(code, owner, count)]!;
    return entry === 0 ? -1 : this.refAt((entry & ENTRY_MASK) - 1);
  }

  /**
   * Slot of the owner's row where it is at home at one of its pairs; -1: it is not. Then
   * `#freeHome` says where it could be.
   */
  #atHome(code: number, owner: number, count: number): number {
    const { row } = this;
    const homes = this.#homes;
    const { length } = homes;
    const tag = code << SLOT_BITS;
    let free = -1;
    for (let i = 0; i < count; i++) {
      const pair = row[i]!;
      // An entry of the table of pairs is nobody's home.
      if ((pair & 1) !== 0) continue;
      const value = pair >>> 1;
      const entry = value < length ? homes[value]! : 0;
      if (entry === 0) free = value;
      else if ((entry ^ tag) >>> SLOT_BITS === 0) {
        const slot = (entry & ENTRY_MASK) - 1;
        if (this.#isRow(slot, owner, count)) return slot;
      }
    }
    this.#freeHome = free;
    return -1;
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
    const { length } = table;
    const tag = code << SLOT_BITS;
    for (let place = homeOf(code, length); ; place = place + 1 === length ? 0 : place + 1) {
      const entry = table[place]!;
      if (entry === 0) return place;
      if ((entry ^ tag) >>> SLOT_BITS !== 0) continue;
      if (this.#isRow((entry & ENTRY_MASK) - 1, owner, count)) return place;
    }
  }

  #isRow(slot: number, owner: number, count: number): boolean {
    if (this.ownerOf(slot) !== owner) return false;
    return isRowAt(this.#words, this.#starts[slot]!, this.row, count);
  }

  #add(owner: number, count: number): number {
    const slot = this.#takeSlot();
    this.#write(slot, this.row, count);
    this.#setOwner(slot, owner);
    this.next[slot] = 0;
    this.liveCount++;
    return slot;
  }

  /** Puts the row of a slot behind all others. */
  #write(slot: number, row: Uint32Array, count: number): void {
    const start = this.#wordsEnd;
    const end = start + roomFor(count);
    if (end > this.#words.length) this.#words = grownU16(this.#words, end);
    const words = this.#words;
    const head = headOf(words, start, this.#whole, row, count);
    if (isWhole(head)) this.#whole = start;
    this.#starts[slot] = start;
    this.#wordsEnd = writeRow(words, start, head, row, count);
  }

  #takeSlot(): number {
    if (this.#firstFree === 0 || (this.isHeld && this.slotEnd < SLOTS_MAX)) {
      const slot = this.slotEnd++;
      if (slot >= this.#starts.length) this.#starts = grownU32(this.#starts, slot + 1);
      if (slot >= this.#owners.length) this.#owners = grownU16(this.#owners, slot + 1);
      if (this.#ownersHigh.length > 0) this.#ownersHigh = grownU16(this.#ownersHigh, slot + 1);
      if (slot >= this.#lives.length) this.#lives = grownU8(this.#lives, slot + 1);
      if (slot >= this.next.length) this.next = grownU32(this.next, slot + 1);
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
    return finished(mixRow(this.#seed ^ this.ownerOf(slot), this.#words, this.#starts[slot]!));
  }

  #rehash(): void {
    // By slot: rows lie in memory as slots were given.
    const isTabled = new Uint8Array(this.slotEnd);
    for (const entry of this.#table) if (entry !== 0) isTabled[(entry & ENTRY_MASK) - 1] = 1;
    // What is being copied stays where it is.
    const old = this.isHeld ? new Uint32Array(0) : this.#table;
    const table = clearedU32(old, largerTable(this.#table.length));
    const words = this.#words;
    const starts = this.#starts;
    const { length } = table;
    for (let slot = 0; slot < isTabled.length; slot++) {
      if (isTabled[slot] === 0) continue;
      const code = finished(mixRow(this.#seed ^ this.ownerOf(slot), words, starts[slot]!));
      let place = homeOf(code, length);
      while (table[place] !== 0) place = place + 1 === length ? 0 : place + 1;
      table[place] = (slot + 1) | (code << SLOT_BITS);
    }
    this.#table = table;
  }

  // -------------------------------------------------------------- giving back

  /** Takes a live row out; its ref is dead from now on, its slot is free after `recycle`. */
  remove(slot: number): void {
    if (!this.#leaveHome(slot)) this.#unlink(slot);
    this.#deadWords += sizeIn(this.#words, this.#starts[slot]!);
    this.#setOwner(slot, -1);
    this.liveCount--;
  }

  /** False where the row is in the table. */
  #leaveHome(slot: number): boolean {
    const start = this.#starts[slot]!;
    this.#pairs = grownU32(this.#pairs, countIn(this.#words, start));
    const count = readRow(this.#words, start, this.#pairs);
    for (let i = 0; i < count; i++) {
      const pair = this.#pairs[i]!;
      const value = pair >>> 1;
      if ((pair & 1) !== 0 || (this.#homes[value] ?? 0) === 0) continue;
      if ((this.#homes[value]! & ENTRY_MASK) !== slot + 1) continue;
      this.#homes[value] = 0;
      return true;
    }
    return false;
  }

  /** Takes an entry out of the table; entries behind it move up, so there are no tombstones. */
  #unlink(slot: number): void {
    const table = this.#table;
    const { length } = table;
    const after = (place: number): number => (place + 1 === length ? 0 : place + 1);
    /** Steps from one place to another one. */
    const steps = (from: number, to: number): number => (to < from ? to + length : to) - from;
    let hole = homeOf(this.#codeOf(slot), length);
    while ((table[hole]! & ENTRY_MASK) !== slot + 1) {
      assert(table[hole] !== 0, 'a live row is in the table');
      hole = after(hole);
    }
    for (let place = after(hole); table[place] !== 0; place = after(place)) {
      const home = homeOf(this.#codeOf((table[place]! & ENTRY_MASK) - 1), length);
      // Stays where its home lies behind the hole (in the order of probing).
      if (steps(home, place) < steps(hole, place)) continue;
      table[hole] = table[place]!;
      hole = place;
    }
    table[hole] = 0;
    this.#tabled--;
  }

  /** A removed slot may be given out again, unless it has had its lives. */
  recycle(slot: number): void {
    if (this.#lives[slot] === this.#livesMax - 1) return;
    this.next[slot] = 0;
    if (this.#lastFree === 0) this.#firstFree = slot + 1;
    else this.next[this.#lastFree - 1] = slot + 1;
    this.#lastFree = slot + 1;
  }

  /**
   * Writes the live rows anew where half of the words are dead; those that others look back at may
   * be among these. O(slots + words), amortised O(1).
   */
  compact(): void {
    if (this.#deadWords < DEAD_WORDS_MIN || this.#deadWords * 2 < this.#wordsEnd) return;
    const old = this.#words;
    const live = this.#wordsEnd - this.#deadWords;
    this.#words = new Uint16Array(live + (live >>> 2) + FIRST_CAPACITY);
    this.#wordsEnd = 0;
    this.#deadWords = 0;
    this.#whole = -1;
    for (let slot = 0; slot < this.slotEnd; slot++) {
      if (!this.isLiveSlot(slot)) continue;
      const start = this.#starts[slot]!;
      this.#pairs = grownU32(this.#pairs, countIn(old, start));
      this.#write(slot, this.#pairs, readRow(old, start, this.#pairs));
    }
    release(old);
  }
}

function finished(hash: number): number {
  const next = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  // 31 bits, as homeOf takes them.
  return (next ^ (next >>> 13)) >>> 1;
}
