// Label texts of one shard, each once, as UTF-8 in one arena off the JavaScript heap; a symbol is a
// small number that stands for one. Symbols are never removed: they go with the process. Symbol 0
// is the empty text. A small direct-mapped cache keeps the strings that are read again and again.
import { grownU32, grownU8, mergeIds } from './growable.ts';
import { KeyOrder } from './key-order.ts';
import { TEXT_CACHE_ENTRIES } from './limits.ts';

const FIRST_CAPACITY = 256;
/** Bytes compared at once: with their number they fit a double. */
const KEY_BYTES = 6;

/** Copied for each table: to fill an array of this size takes 1.5 ms, to copy it 0.02 ms. */
const NO_TEXTS: readonly string[] = Array.from({ length: TEXT_CACHE_ENTRIES }, () => '');

export class Symbols {
  readonly #seed: number;
  #arena: Buffer<ArrayBuffer> = Buffer.alloc(4096);
  #arenaEnd = 0;
  /** Text of symbol s: arena bytes [starts[s], starts[s + 1]). */
  #starts = new Uint32Array(FIRST_CAPACITY + 1);
  #hashes = new Uint32Array(FIRST_CAPACITY);
  /** Symbol + 1; 0 is free. At most half full. */
  #slots = new Uint32Array(FIRST_CAPACITY * 2);
  #sorted: Uint32Array = new Uint32Array(0);
  #ranks = new Uint32Array(0);
  readonly #cachedSymbols = new Uint32Array(TEXT_CACHE_ENTRIES);
  readonly #cachedTexts: string[] = NO_TEXTS.slice();
  count = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.intern('');
  }

  #hash(text: string): number {
    let hash = this.#seed ^ text.length;
    for (let i = 0; i < text.length; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) >>> 0;
  }

  #isText(symbol: number, text: string): boolean {
    const start = this.#starts[symbol]!;
    const sizeBytes = this.#starts[symbol + 1]! - start;
    if (sizeBytes < text.length) return false;
    const arena = this.#arena;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 128) return this.text(symbol) === text;
      if (unit !== arena[start + i]) return false;
    }
    return sizeBytes === text.length;
  }

  /** The symbol of a text; -1 where there is none. */
  find(text: string): number {
    const hash = this.#hash(text);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const symbol = this.#slots[slot]! - 1;
      if (symbol < 0) return -1;
      if (this.#hashes[symbol] === hash && this.#isText(symbol, text)) return symbol;
    }
  }

  intern(text: string): number {
    const hash = this.#hash(text);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const symbol = this.#slots[slot]! - 1;
      if (this.#hashes[symbol] === hash && this.#isText(symbol, text)) return symbol;
    }
    if (this.count === this.#hashes.length) {
      this.#grow();
      slot = this.#freeSlot(hash);
    }
    const symbol = this.count++;
    this.#slots[slot] = symbol + 1;
    this.#hashes[symbol] = hash;
    this.#write(text);
    this.#starts[symbol + 1] = this.#arenaEnd;
    return symbol;
  }

  #freeSlot(hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    this.#hashes = grownU32(this.#hashes, this.count * 2);
    this.#starts = grownU32(this.#starts, this.#hashes.length + 1);
    this.#slots = new Uint32Array(this.#hashes.length * 2);
    for (let symbol = 0; symbol < this.count; symbol++)
      this.#slots[this.#freeSlot(this.#hashes[symbol]!)] = symbol + 1;
  }

  #write(text: string): void {
    const needed = this.#arenaEnd + text.length * 3;
    if (needed > this.#arena.length) this.#arena = Buffer.from(grownU8(this.#arena, needed).buffer);
    const arena = this.#arena;
    let at = this.#arenaEnd;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 128) {
        this.#arenaEnd += arena.write(text, this.#arenaEnd, 'utf8');
        return;
      }
      arena[at++] = unit;
    }
    this.#arenaEnd = at;
  }

  text(symbol: number): string {
    const place = symbol & (TEXT_CACHE_ENTRIES - 1);
    if (this.#cachedSymbols[place] === symbol) return this.#cachedTexts[place]!;
    const text = this.#arena.toString('utf8', this.#starts[symbol], this.#starts[symbol + 1]);
    this.#cachedSymbols[place] = symbol;
    this.#cachedTexts[place] = text;
    return text;
  }

  /** The text's bytes, borrowed until the next `intern`. */
  bytes(symbol: number): Uint8Array {
    return this.#arena.subarray(this.#starts[symbol], this.#starts[symbol + 1]);
  }

  /** Six bytes of a text as a number, told apart by how many there are; -1 behind its end. */
  readonly #key = (symbol: number, depth: number): number => {
    const end = this.#starts[symbol + 1]!;
    const start = this.#starts[symbol]! + depth * KEY_BYTES;
    if (start >= end) return -1;
    const arena = this.#arena;
    const count = Math.min(KEY_BYTES, end - start);
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
    const old = this.#sorted;
    if (old.length === this.count) return this.#ranks;
    const added = Uint32Array.from({ length: this.count - old.length }, (_, i) => old.length + i);
    const order = new KeyOrder(this.#key);
    order.sort(added);
    this.#sorted = old.length === 0 ? added : mergeIds(old, added, order.compare);
    this.#ranks = grownU32(this.#ranks, this.count);
    for (let rank = 0; rank < this.count; rank++) this.#ranks[this.#sorted[rank]!] = rank;
    return this.#ranks;
  }
}
