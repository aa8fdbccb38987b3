// Label texts of one shard, each once, as UTF-8 in one arena off the JavaScript heap; a symbol is a
// small number that stands for one. Symbol 0 is the empty text. A small direct-mapped cache keeps
// the strings that are read again and again. `sweep` takes back what nobody uses any more: its
// numbers and its bytes are used again.
//
// A text in the arena is its length (varint) and its bytes. Complexity: intern O(bytes) expected.
import type { ByteWriter } from '../codec/varint.ts';
import { assert } from '../stdx/assert.ts';
import { clearedU32, grownI32, grownU32, grownU8, release } from '../stdx/growable.ts';
import { mixText } from './digest.ts';
import type { Digest } from './digest.ts';
import { IdList, mergeIds, mergeSteps } from './growable.ts';
import { captured, checkSections, copied } from './index-sections.ts';
import type { CapturedSection, SectionReader } from './index-sections.ts';
import { KeyOrder } from './key-order.ts';
import { TEXT_CACHE_ENTRIES } from './limits.ts';
import { homeOf, isCrowded, largerTable, mostIn, tableFor } from './open-table.ts';
import { lengthAt, lengthSize, writeLength } from './text-length.ts';

const FIRST_CAPACITY = 256;
/** Bytes compared at once: with their number they fit a double. */
const KEY_BYTES = 6;
/** Bits of a slot for its symbol at first, and how many more where there are too many symbols. */
const SYMBOL_BITS = 16;
const SYMBOL_BITS_MORE = 4;
const SYMBOL_BITS_MAX = 28;
/** Behind the free end of a symbol that is not in use. */
const NO_TEXT = 0;

const encoder = new TextEncoder();

/** Of many texts: where each begins in some memory, and its bytes. */
export interface TextPlaces {
  readonly places: Uint32Array;
  readonly sizes: Uint32Array;
}

export class Symbols {
  readonly #seed: number;
  #arena: Buffer<ArrayBuffer> = Buffer.from(new Uint8Array(4096).buffer);
  #view = new DataView(this.#arena.buffer);
  #arenaEnd = 1;
  /** Where the text of a symbol begins in the arena; NO_TEXT: the symbol is free. */
  #starts = new Uint32Array(FIRST_CAPACITY);
  /** Of the text of each symbol, so that tables grow without reading it; 0: not known (a start). */
  #hashes = new Int32Array(FIRST_CAPACITY);
  /** Symbol + 1 in the low bits, above them low bits of the text's hash; 0 is free. */
  #slots = new Uint32Array(FIRST_CAPACITY);
  #symbolBits = SYMBOL_BITS;
  /** Symbols in use. */
  #used = 0;
  #free = new IdList();
  /** In byte order; those in `#unsorted` and from `#sortedEnd` on are not yet in it. */
  #sorted: Uint32Array = new Uint32Array(0);
  #sortedEnd = 0;
  #unsorted = new IdList();
  #ranks = new Uint32Array(0);
  /** Symbols whose texts are at these places of the other: one each up to the bound. */
  #cachedSymbols = new Uint32Array(1);
  readonly #cachedTexts: string[] = [''];
  /** UTF-8 of the text at hand. */
  #scratch = new Uint8Array(256);
  #scratchView = new DataView(this.#scratch.buffer);
  /** Numbers given so far: every symbol is below. */
  count = 0;
  /** As SeriesRows.isHeld. */
  isHeld = false;

  constructor(seed: number) {
    this.#seed = seed | 0;
    this.intern('');
  }

  get sizeBytes(): number {
    return (
      this.#arena.length +
      4 * (this.#starts.length + this.#hashes.length + this.#slots.length) +
      4 * (this.#sorted.length + this.#ranks.length)
    );
  }

  /** What the texts in use need, and the tables. */
  get heldBytes(): number {
    const lists = 2 * this.#used + this.#slots.length + this.#sorted.length + this.#ranks.length;
    return this.#arenaEnd + 4 * (lists + this.#unsorted.count);
  }

  /** As SeriesIndex.capture. */
  capture(): CapturedSection[] {
    const { count } = this;
    const slots = this.#slots;
    const sorted = this.#sorted;
    return [
      copied('symbol-numbers', Uint32Array.of(count, this.#used, this.#symbolBits)),
      captured('symbol-texts', () => this.#arena, this.#arenaEnd),
      captured('symbol-starts', () => this.#starts, count),
      {
        ...captured('symbol-slots', () => slots),
        table: { entryBytes: 4, mask: (1 << this.#symbolBits) - 1, last: count },
      },
      copied('symbol-free', this.#free.view().slice()),
      captured('symbol-sorted', () => sorted),
    ];
  }

  static fromSections(reader: SectionReader, seed: number): Symbols {
    const symbols = new Symbols(seed);
    const numbers = reader.numbers('symbol-numbers', 3);
    const count = (symbols.count = numbers[0]!);
    const used = (symbols.#used = numbers[1]!);
    symbols.#symbolBits = numbers[2]!;
    symbols.#arenaEnd = reader.bytes('symbol-texts').length;
    const arena = reader.u8('symbol-texts', 4096);
    symbols.#arena = Buffer.from(arena.buffer);
    symbols.#view = new DataView(arena.buffer);
    symbols.#starts = reader.u32('symbol-starts', FIRST_CAPACITY);
    symbols.#slots = reader.u32('symbol-slots');
    symbols.#free = new IdList(reader.u32('symbol-free'));
    symbols.#sorted = reader.u32('symbol-sorted');
    const unsorted = symbols.#withoutRank();
    for (const symbol of unsorted) if (symbol < symbols.#sortedEnd) symbols.#unsorted.push(symbol);
    symbols.#rank();
    checkSections(
      reader.bytes('symbol-starts').length === count * 4 &&
        count < 1 << symbols.#symbolBits &&
        symbols.#symbolBits <= SYMBOL_BITS_MAX &&
        used < symbols.#slots.length &&
        used + symbols.#free.count === count &&
        symbols.#sorted.length + unsorted.length === used &&
        symbols.#sorted.every((symbol) => symbol < count),
      'symbols',
    );
    return symbols;
  }

  /** Symbols in use that are not in `#sorted`; the last of those that are is found on the way. */
  #withoutRank(): readonly number[] {
    const isKnown = new Uint8Array(this.count);
    for (const symbol of this.#sorted) isKnown[symbol] = 1;
    this.#sortedEnd = isKnown.lastIndexOf(1) + 1;
    const list: number[] = [];
    for (let symbol = 0; symbol < this.count; symbol++)
      if (isKnown[symbol] === 0 && this.#starts[symbol] !== NO_TEXT) list.push(symbol);
    return list;
  }

  // -------------------------------------------------------------- texts to symbols

  /** The symbol of a text; -1 where there is none. */
  find(text: string): number {
    const size = this.#encode(text);
    return this.findBytes(this.#scratchView, 0, size);
  }

  /** The same for the UTF-8 in [start, end). */
  findBytes(view: DataView, start: number, end: number): number {
    const slot = this.#seek(view, start, end, this.#hash(view, start, end));
    return this.#symbolIn(this.#slots[slot]!);
  }

  intern(text: string): number {
    const size = this.#encode(text);
    return this.internBytes(this.#scratch, this.#scratchView, 0, size);
  }

  /** The symbol of the UTF-8 in [start, end); `view` covers the memory of `bytes`. */
  internBytes(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    hash = this.#hash(view, start, end),
  ): number {
    const slot = this.#seek(view, start, end, hash);
    const known = this.#slots[slot]!;
    if (known !== 0) return this.#symbolIn(known);
    const symbol = this.#free.count > 0 && !this.isHeld ? this.#free.pop() : this.count++;
    if (this.count > this.#starts.length) this.#starts = grownU32(this.#starts, this.count);
    if (symbol >= this.#hashes.length) this.#hashes = grownI32(this.#hashes, this.count);
    this.#starts[symbol] = this.#write(bytes, start, end);
    this.#hashes[symbol] = hash;
    this.#used++;
    if (symbol < this.#sortedEnd) this.#unsorted.push(symbol);
    const isCrowdedNow = isCrowded(this.#used, this.#slots.length);
    if (isCrowdedNow) this.#rehash(largerTable(this.#slots.length));
    else if (this.count >= 1 << this.#symbolBits) this.#rehash(this.#slots.length);
    else this.#slots[slot] = (symbol + 1) | (hash << this.#symbolBits);
    return symbol;
  }

  /** The symbol of a slot's content; -1: it is free. */
  #symbolIn(entry: number): number {
    return (entry & ((1 << this.#symbolBits) - 1)) - 1;
  }

  /**
   * Hashes of many texts to `out`, for `internBytes`; text i stands in [ranges[3 i + 1],
   * ranges[3 i + 2]). Looks at the slot of each, so that the misses of `internBytes` do not wait
   * for each other; the result only keeps the loads alive.
   */
  hashAll(view: DataView, ranges: Uint32Array, out: Int32Array): number {
    const slots = this.#slots;
    const { length } = slots;
    let sum = 0;
    for (let i = 0; i < out.length; i++) {
      const hash = this.#hash(view, ranges[3 * i + 1]!, ranges[3 * i + 2]!);
      out[i] = hash;
      sum |= slots[homeOf(hash, length)]!;
    }
    return sum;
  }

  /** The UTF-8 of a text to the scratch; its size. */
  #encode(text: string): number {
    if (text.length * 3 > this.#scratch.length) {
      this.#scratch = new Uint8Array(text.length * 3);
      this.#scratchView = new DataView(this.#scratch.buffer);
    }
    const scratch = this.#scratch;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 128) return encoder.encodeInto(text, scratch).written;
      scratch[i] = unit;
    }
    return text.length;
  }

  /**
   * Two lanes over the same words, so that differences which cancel in one do not in the other: the
   * seed keeps outsiders from choosing texts that collide.
   */
  #hash(view: DataView, start: number, end: number): number {
    let a = this.#seed ^ (end - start);
    let b = Math.imul(this.#seed, 0x85ebca6b) | 1;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const word = view.getInt32(at, true);
      a = Math.imul(a ^ word, 0x9e3779b1);
      a ^= a >>> 15;
      b = Math.imul(((b << 13) | (b >>> 19)) + word, 0xc2b2ae35);
    }
    for (; at < end; at++) {
      a = Math.imul(a ^ view.getUint8(at), 0x9e3779b1);
      a ^= a >>> 15;
    }
    a ^= b ^ (b >>> 16);
    a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
    // 31 bits: a larger number would be an object when it is handed on.
    return (a ^ (a >>> 13)) >>> 1;
  }

  /** The slot of a text, or the free one where it belongs. */
  #seek(view: DataView, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    const { length } = slots;
    const bits = this.#symbolBits;
    const tag = hash << bits;
    for (let slot = homeOf(hash, length); ; slot = slot + 1 === length ? 0 : slot + 1) {
      const entry = slots[slot]!;
      if (entry === 0) return slot;
      // Bits of the hash that differ stand above those of the symbol.
      if ((entry ^ tag) >>> bits !== 0) continue;
      if (this.#isText(this.#starts[this.#symbolIn(entry)]!, view, start, end)) return slot;
    }
  }

  #isText(place: number, view: DataView, start: number, end: number): boolean {
    const arena = this.#view;
    const size = end - start;
    if (lengthAt(this.#arena, place) !== size) return false;
    let at = place + lengthSize(size);
    let from = start;
    for (; from + 4 <= end; from += 4, at += 4)
      if (view.getInt32(from, true) !== arena.getInt32(at, true)) return false;
    for (; from < end; from++, at++) if (view.getUint8(from) !== arena.getUint8(at)) return false;
    return true;
  }

  /** The slots of symbols that are in use, anew in a table of `length` places. */
  #rehash(length: number): void {
    // As many as the table is for: it shall not be filled anew before it is crowded.
    const symbolsMax = Math.max(this.count, mostIn(length));
    while (symbolsMax >= 1 << this.#symbolBits && this.#symbolBits < SYMBOL_BITS_MAX)
      this.#symbolBits += SYMBOL_BITS_MORE;
    assert(this.count < 1 << this.#symbolBits, 'the texts of a shard are bounded');
    // What is being copied stays where it is.
    const old = this.isHeld ? new Uint32Array(0) : this.#slots;
    const slots = clearedU32(old, length);
    this.#hashes = grownI32(this.#hashes, this.count);
    const starts = this.#starts;
    const hashes = this.#hashes;
    const bits = this.#symbolBits;
    const { count } = this;
    for (let symbol = 0; symbol < count; symbol++) {
      if (starts[symbol] === NO_TEXT) continue;
      if (hashes[symbol] === 0) this.#hashAnew(symbol);
      const hash = hashes[symbol]!;
      let slot = homeOf(hash, length);
      while (slots[slot] !== 0) slot = slot + 1 === length ? 0 : slot + 1;
      slots[slot] = (symbol + 1) | (hash << bits);
    }
    this.#slots = slots;
  }

  #hashAnew(symbol: number): void {
    const place = this.#starts[symbol]!;
    const size = lengthAt(this.#arena, place);
    const start = place + lengthSize(size);
    this.#hashes[symbol] = this.#hash(this.#view, start, start + size);
  }

  #write(bytes: Uint8Array, start: number, end: number): number {
    const size = end - start;
    const place = this.#arenaEnd;
    const needed = place + lengthSize(size) + size;
    if (needed > this.#arena.length) {
      const { buffer } = grownU8(new Uint8Array(this.#arena.buffer), needed);
      this.#arena = Buffer.from(buffer);
      this.#view = new DataView(buffer);
    }
    const arena = this.#arena;
    let at = writeLength(arena, place, size);
    if (size > 64) arena.set(bytes.subarray(start, end), at);
    else for (let from = start; from < end; from++) arena[at++] = bytes[from]!;
    this.#arenaEnd = needed;
    return place;
  }

  // -------------------------------------------------------------- symbols to texts

  text(symbol: number): string {
    const known = symbol & (this.#cachedTexts.length - 1);
    if (this.#cachedSymbols[known] === symbol) return this.#cachedTexts[known]!;
    const start = this.#starts[symbol]!;
    const size = lengthAt(this.#arena, start);
    const from = start + lengthSize(size);
    const text = this.#arena.toString('utf8', from, from + size);
    this.#cache(symbol, text);
    return text;
  }

  #cache(symbol: number, text: string): void {
    const texts = this.#cachedTexts;
    if (symbol >= texts.length && texts.length < TEXT_CACHE_ENTRIES) {
      let { length } = texts;
      while (length <= symbol && length < TEXT_CACHE_ENTRIES) length *= 2;
      const symbols = new Uint32Array(length);
      symbols.set(this.#cachedSymbols);
      this.#cachedSymbols = symbols;
      while (texts.length < length) texts.push('');
    }
    const place = symbol & (texts.length - 1);
    this.#cachedSymbols[place] = symbol;
    texts[place] = text;
  }

  /** The text's bytes, borrowed until the next `intern`. */
  bytes(symbol: number): Uint8Array {
    const start = this.#starts[symbol]!;
    const size = lengthAt(this.#arena, start);
    // Without the species and class of a Buffer, which take longer than the look.
    return new Uint8Array(this.#arena.buffer, start + lengthSize(size), size);
  }

  /**
   * Where the texts of symbols[from, to) stand in the memory that is returned, borrowed until the
   * next `intern`: of the first in [places[0], places[0] + sizes[0]). In short loops, so that the
   * misses of one text do not wait for another's.
   */
  locate(
    symbols: Uint32Array,
    { from, to }: { readonly from: number; readonly to: number },
    { places, sizes }: TextPlaces,
  ): Uint8Array {
    const arena = this.#arena;
    const starts = this.#starts;
    const count = to - from;
    for (let i = 0; i < count; i++) places[i] = starts[symbols[from + i]!]!;
    for (let i = 0; i < count; i++) sizes[i] = arena[places[i]!]!;
    for (let i = 0; i < count; i++) {
      const size = sizes[i]! < 128 ? sizes[i]! : lengthAt(arena, places[i]!);
      sizes[i] = size;
      places[i]! += lengthSize(size);
    }
    return arena;
  }

  /** Writes length (varint) and bytes of a text. */
  writeTo(out: ByteWriter, symbol: number): void {
    const start = this.#starts[symbol]!;
    const size = lengthAt(this.#arena, start);
    out.range(this.#arena, start, start + lengthSize(size) + size);
  }

  /** Takes a text up into a digest. */
  mixTo(digest: Digest, symbol: number): void {
    const start = this.#starts[symbol]!;
    const size = lengthAt(this.#arena, start);
    const from = start + lengthSize(size);
    mixText(digest, this.#view, from, from + size);
  }

  /** Byte order of two texts. */
  compare(left: number, right: number): number {
    if (left === right) return 0;
    const place = this.#starts[right]!;
    const size = lengthAt(this.#arena, place);
    const start = place + lengthSize(size);
    return this.compareTo(left, this.#arena, start, start + size);
  }

  /** Byte order of a text and the bytes [start, end). */
  compareTo(symbol: number, bytes: Uint8Array, start: number, end: number): number {
    const arena = this.#arena;
    const place = this.#starts[symbol]!;
    const size = lengthAt(arena, place);
    const from = place + lengthSize(size);
    const shared = Math.min(size, end - start);
    for (let i = 0; i < shared; i++) {
      const difference = arena[from + i]! - bytes[start + i]!;
      if (difference !== 0) return difference;
    }
    return size - (end - start);
  }

  startsWith(symbol: number, prefix: Uint8Array): boolean {
    const arena = this.#arena;
    const place = this.#starts[symbol]!;
    const size = lengthAt(arena, place);
    if (size < prefix.length) return false;
    const from = place + lengthSize(size);
    for (let i = 0; i < prefix.length; i++) if (arena[from + i] !== prefix[i]) return false;
    return true;
  }

  /** Six bytes of a text as a number, told apart by how many there are; -1 behind its end. */
  readonly keyOf = (symbol: number, depth: number): number => {
    const place = this.#starts[symbol]!;
    const size = lengthAt(this.#arena, place);
    const left = size - depth * KEY_BYTES;
    if (left <= 0) return -1;
    const start = place + lengthSize(size) + depth * KEY_BYTES;
    const arena = this.#arena;
    const count = Math.min(KEY_BYTES, left);
    let high = 0;
    let low = 0;
    for (let i = 0; i < 3; i++) {
      high = (high << 8) | (i < count ? arena[start + i]! : 0);
      low = (low << 8) | (i + 3 < count ? arena[start + i + 3]! : 0);
    }
    return (high * 0x1000000 + low) * 8 + count;
  };

  /**
   * Place of each symbol in byte order of the texts; borrowed. Complexity: what is new since the
   * last call is sorted, then one pass over all.
   */
  ranks(): Uint32Array {
    const added = this.#listUnsorted();
    if (added.length === 0) return this.#ranks;
    const order = new KeyOrder(this.keyOf);
    order.sort(added);
    this.#sorted = mergeIds(this.#sorted, added, order.compare);
    this.#unsorted.clear();
    this.#rank();
    return this.#ranks;
  }

  /**
   * Makes the ranks of what is here at the call, a millisecond or so of work between two steps;
   * nothing may be swept meanwhile. Where somebody asks for all ranks before it is done, it ends.
   */
  *rankSteps(): Generator<void, void, void> {
    const before = this.#sorted;
    const added = this.#listUnsorted();
    if (added.length === 0) return;
    const order = new KeyOrder(this.keyOf);
    for (const step of order.steps(added)) {
      yield step;
      if (this.#sorted !== before) return;
    }
    const merging = mergeSteps(before, added, order.compare);
    let step = merging.next();
    for (; step.done !== true; step = merging.next()) {
      yield;
      if (this.#sorted !== before) return;
    }
    this.#sorted = step.value;
    this.#unsorted.dropFirst(added.length);
    this.#rank();
  }

  /** Symbols that have no rank, all of them in `#unsorted` from now on; a copy. */
  #listUnsorted(): Uint32Array {
    const { count } = this;
    for (let symbol = this.#sortedEnd; symbol < count; symbol++)
      if (this.#starts[symbol] !== NO_TEXT) this.#unsorted.push(symbol);
    this.#sortedEnd = count;
    return this.#unsorted.view().slice();
  }

  #rank(): void {
    const sorted = this.#sorted;
    if (sorted.length === 0) return;
    if (this.#ranks.length < this.count) this.#ranks = new Uint32Array(this.#starts.length);
    for (let rank = 0; rank < sorted.length; rank++) this.#ranks[sorted[rank]!] = rank;
  }

  // -------------------------------------------------------------- giving back

  /** Takes back the symbols that `isUsed` does not name; symbol 0 stays. O(symbols + bytes). */
  sweep(isUsed: (symbol: number) => boolean): void {
    const old = this.#arena;
    const starts = this.#starts;
    const arena = Buffer.from(new Uint8Array(this.#liveBytes(isUsed)).buffer);
    let end = 1;
    for (let symbol = 0; symbol < this.count; symbol++) {
      if (starts[symbol] === NO_TEXT) continue;
      if (symbol > 0 && !isUsed(symbol)) {
        starts[symbol] = NO_TEXT;
        this.#free.push(symbol);
        this.#used--;
        continue;
      }
      const place = starts[symbol]!;
      const size = lengthAt(old, place);
      const next = end + lengthSize(size) + size;
      old.copy(arena, end, place, place + next - end);
      starts[symbol] = end;
      end = next;
    }
    this.#arena = arena;
    this.#view = new DataView(arena.buffer);
    this.#arenaEnd = end;
    release(old);
    this.#rehash(tableFor(this.#used, FIRST_CAPACITY));
    this.#sorted = this.#sorted.filter((symbol) => starts[symbol] !== NO_TEXT);
    const unsorted = this.#unsorted.view().filter((symbol) => starts[symbol] !== NO_TEXT);
    this.#unsorted.clear();
    for (const symbol of unsorted) this.#unsorted.push(symbol);
    this.#cachedSymbols.fill(0);
    this.#cachedTexts.fill('');
  }

  #liveBytes(isUsed: (symbol: number) => boolean): number {
    let sizeBytes = 4096;
    for (let symbol = 0; symbol < this.count; symbol++) {
      const place = this.#starts[symbol]!;
      if (place === NO_TEXT || !isUsed(symbol)) continue;
      const size = lengthAt(this.#arena, place);
      sizeBytes += lengthSize(size) + size;
    }
    return sizeBytes + (sizeBytes >>> 2);
  }
}
