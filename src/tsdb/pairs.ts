// Label pairs of one shard, shared by its tenants: (name symbol, value symbol) → a number. Nearly
// every value stands under one name only, so a value's first name is kept with the value itself,
// and the pair's number is made from the value's: no table, no second lookup. Pairs of a value that
// has a name already are kept in a table of their own.
//
//   pair = 2 · value          the value under its first name
//   pair = 2 · entry + 1      an entry of the table
//
// Names come early and have small symbols: one of 2^16 or more is no first name.
import { grownU16, grownU32 } from '../stdx/growable.ts';
import { IdList } from './growable.ts';
import { captured, checkSections, copied } from './index-sections.ts';
import type { CapturedSection, SectionReader } from './index-sections.ts';

const FIRST_CAPACITY = 64;
/** First names are below. */
const HOME_NAMES = 2 ** 16;
/** Words of an entry. */
const ENTRY_WORDS = 2;
const NAME = 0;
const VALUE = 1;

export class Pairs {
  /** First name of a value; 0: it has none. */
  #homes = new Uint16Array(FIRST_CAPACITY);
  #entries = new Uint32Array(FIRST_CAPACITY * ENTRY_WORDS);
  #entryCount = 0;
  #used = 0;
  #free = new IdList();
  /** Entry + 1; 0 is free. At most half full. */
  #slots = new Uint32Array(FIRST_CAPACITY * 2);
  /** As SeriesRows.isHeld. */
  isHeld = false;

  /** Every pair is below. */
  get end(): number {
    return 2 * Math.max(this.#homes.length, this.#entryCount);
  }

  get sizeBytes(): number {
    return 2 * this.#homes.length + 4 * (this.#entries.length + this.#slots.length);
  }

  /** What the pairs in use need, and the table. */
  get heldBytes(): number {
    return 2 * this.#homes.length + 4 * (this.#used * ENTRY_WORDS + this.#slots.length);
  }

  /** As SeriesIndex.capture; the symbols that are captured are below `symbolCount`. */
  capture(symbolCount: number): CapturedSection[] {
    const homeCount = Math.min(this.#homes.length, symbolCount);
    return [
      {
        ...captured('pair-homes', () => this.#homes, homeCount),
        table: { entryBytes: 2, mask: HOME_NAMES - 1, last: symbolCount - 1 },
      },
      captured('pair-entries', () => this.#entries, this.#entryCount * ENTRY_WORDS),
      copied('pair-free', this.#free.view().slice()),
    ];
  }

  static fromSections(reader: SectionReader): Pairs {
    const pairs = new Pairs();
    pairs.#homes = reader.u16('pair-homes', FIRST_CAPACITY);
    pairs.#entries = reader.u32('pair-entries', FIRST_CAPACITY * ENTRY_WORDS);
    pairs.#entryCount = reader.bytes('pair-entries').length / 4 / ENTRY_WORDS;
    pairs.#free = new IdList(reader.u32('pair-free'));
    pairs.#used = pairs.#entryCount - pairs.#free.count;
    checkSections(Number.isInteger(pairs.#entryCount) && pairs.#used >= 0, 'pairs');
    let length = FIRST_CAPACITY * 2;
    while (pairs.#used * 2 > length) length *= 2;
    pairs.#rehash(length);
    return pairs;
  }

  nameOf(pair: number): number {
    const place = pair >>> 1;
    return (pair & 1) === 0 ? this.#homes[place]! : this.#entries[place * ENTRY_WORDS + NAME]!;
  }

  valueOf(pair: number): number {
    const place = pair >>> 1;
    return (pair & 1) === 0 ? place : this.#entries[place * ENTRY_WORDS + VALUE]!;
  }

  /** -1 where there is no such pair. */
  find(name: number, value: number): number {
    if (value < this.#homes.length && this.#homes[value] === name) return value * 2;
    const entry = this.#slots[this.#slot(name, value)]! - 1;
    return entry < 0 ? -1 : entry * 2 + 1;
  }

  intern(name: number, value: number): number {
    if (value >= this.#homes.length) this.#homes = grownU16(this.#homes, value + 1);
    const home = this.#homes[value]!;
    if (home === name) return value * 2;
    if (home === 0 && name < HOME_NAMES) {
      // An entry may be older than the free home: a sweep took the first name back.
      const entry = this.#used === 0 ? -1 : this.#slots[this.#slot(name, value)]! - 1;
      if (entry >= 0) return entry * 2 + 1;
      this.#homes[value] = name;
      return value * 2;
    }
    const slot = this.#slot(name, value);
    const known = this.#slots[slot]!;
    return (known > 0 ? known - 1 : this.#add(name, value, slot)) * 2 + 1;
  }

  #slot(name: number, value: number): number {
    const entries = this.#entries;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hashOf(name, value) & mask; ; slot = (slot + 1) & mask) {
      const at = (slots[slot]! - 1) * ENTRY_WORDS;
      if (at < 0 || (entries[at + VALUE] === value && entries[at + NAME] === name)) return slot;
    }
  }

  #add(name: number, value: number, slot: number): number {
    const entry = this.#free.count > 0 && !this.isHeld ? this.#free.pop() : this.#entryCount++;
    this.#entries = grownU32(this.#entries, this.#entryCount * ENTRY_WORDS);
    this.#entries[entry * ENTRY_WORDS + NAME] = name;
    this.#entries[entry * ENTRY_WORDS + VALUE] = value;
    this.#slots[slot] = entry + 1;
    this.#used++;
    if (this.#used * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2);
    return entry;
  }

  #rehash(length: number): void {
    this.#slots = new Uint32Array(length);
    for (let entry = 0; entry < this.#entryCount; entry++) {
      const at = entry * ENTRY_WORDS;
      if (this.#entries[at] === 0) continue;
      this.#slots[this.#slot(this.#entries[at + NAME]!, this.#entries[at + VALUE]!)] = entry + 1;
    }
  }

  /** Takes back the pairs that are not used: their numbers will stand for others. O(pairs). */
  sweep(isUsed: (pair: number) => boolean): void {
    for (let value = 0; value < this.#homes.length; value++)
      if (this.#homes[value] !== 0 && !isUsed(value * 2)) this.#homes[value] = 0;
    for (let entry = 0; entry < this.#entryCount; entry++) {
      const at = entry * ENTRY_WORDS;
      if (this.#entries[at] === 0 || isUsed(entry * 2 + 1)) continue;
      this.#entries.fill(0, at, at + ENTRY_WORDS);
      this.#free.push(entry);
      this.#used--;
    }
    let length = FIRST_CAPACITY * 2;
    while (this.#used * 3 > length) length *= 2;
    this.#rehash(length);
  }
}

function hashOf(name: number, value: number): number {
  let hash = Math.imul(value ^ Math.imul(name, 0x9e3779b1), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f);
  return hash ^ (hash >>> 13);
}
