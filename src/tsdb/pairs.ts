// Label pairs of one shard: (tenant, name symbol, value symbol) → a small number, and for each pair
// its postings: the refs of the series that have it. The first ref stands in the pair itself; from
// the second on there is a list of zigzag varints of differences, in chunks of one shared arena
// that double in size. The pair with the empty value stands for the name: its chain runs through
// all pairs of that name.
import { grownU32, grownU8 } from './growable.ts';
import { POSTING_CHUNK_BYTES_FIRST, POSTING_CHUNK_BYTES_MAX } from './limits.ts';

const FIRST_CAPACITY = 256;
/** Bytes behind a chunk's content: place of the next chunk. */
const LINK_BYTES = 4;

/** Words of a pair: what is compared when it is looked for lies together. */
const PAIR_WORDS = 6;
const TENANT = 0;
const NAME = 1;
const VALUE = 2;
/** Next pair of the same name, + 1; of a pair that stands for a name the first one. */
const CHAIN = 3;
/** First ref of the postings, + 1. */
const FIRST = 4;
/** Number of the list with the refs after the first; 0: there is none. */
const LIST = 5;
/** Words of a list. */
const LIST_WORDS = 6;
/** Refs in it, without the first of the pair. */
const COUNT = 0;
const LAST = 1;
const HEAD = 2;
/** Next free byte of the last chunk, and the end of its content. */
const END = 3;
const LIMIT = 4;
const CHUNKS = 5;

export class Pairs {
  count = 0;
  #pairs = new Uint32Array(FIRST_CAPACITY * PAIR_WORDS);
  /** Pair + 1; 0 is free. At most three quarters full. */
  #slots = new Uint32Array(FIRST_CAPACITY * 2);
  #lists = new Uint32Array(FIRST_CAPACITY * LIST_WORDS);
  /** List 0 is no list. */
  #listCount = 1;
  #arena = new Uint8Array(4096);
  #arenaEnd = 0;

  nameOf(pair: number): number {
    return this.#pairs[pair * PAIR_WORDS + NAME]!;
  }

  valueOf(pair: number): number {
    return this.#pairs[pair * PAIR_WORDS + VALUE]!;
  }

  /** Series in the postings. */
  seriesCount(pair: number): number {
    if (this.#pairs[pair * PAIR_WORDS + FIRST] === 0) return 0;
    return 1 + this.#lists[this.#pairs[pair * PAIR_WORDS + LIST]! * LIST_WORDS + COUNT]!;
  }

  #slot(tenant: number, name: number, value: number): number {
    const pairs = this.#pairs;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hashOf(tenant, name, value) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const at = (slots[slot]! - 1) * PAIR_WORDS;
      if (at < 0) return slot;
      if (pairs[at + VALUE] === value && pairs[at + NAME] === name && pairs[at] === tenant)
        return slot;
    }
  }

  /** -1 where the tenant has no such pair. */
  find(tenant: number, name: number, value: number): number {
    return this.#slots[this.#slot(tenant, name, value)]! - 1;
  }

  intern(tenant: number, name: number, value: number): number {
    const known = this.find(tenant, name, value);
    if (known >= 0) return known;
    const ofName = this.find(tenant, name, 0);
    const head = ofName >= 0 ? ofName : this.#add(tenant, name, 0);
    const pair = this.#add(tenant, name, value);
    this.#pairs[pair * PAIR_WORDS + CHAIN] = this.#pairs[head * PAIR_WORDS + CHAIN]!;
    this.#pairs[head * PAIR_WORDS + CHAIN] = pair + 1;
    return pair;
  }

  #add(tenant: number, name: number, value: number): number {
    if ((this.count + 1) * 4 > this.#slots.length * 3) this.#rehash();
    const pair = this.count++;
    const at = pair * PAIR_WORDS;
    this.#pairs = grownU32(this.#pairs, at + PAIR_WORDS);
    this.#slots[this.#slot(tenant, name, value)] = pair + 1;
    this.#pairs[at + TENANT] = tenant;
    this.#pairs[at + NAME] = name;
    this.#pairs[at + VALUE] = value;
    return pair;
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const pairs = this.#pairs;
    const mask = slots.length - 1;
    for (let pair = 0; pair < this.count; pair++) {
      const at = pair * PAIR_WORDS;
      let slot = hashOf(pairs[at + TENANT]!, pairs[at + NAME]!, pairs[at + VALUE]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = pair + 1;
    }
    this.#slots = slots;
  }

  /** Pairs of a name of a tenant, in no order. */
  *ofName(tenant: number, name: number): Generator<number, void, void> {
    const head = this.find(tenant, name, 0);
    if (head < 0) return;
    let next = this.#pairs[head * PAIR_WORDS + CHAIN]!;
    for (; next !== 0; next = this.#pairs[(next - 1) * PAIR_WORDS + CHAIN]!) yield next - 1;
  }

  // -------------------------------------------------------------- postings

  /** Adds a series, which must not be in the postings. */
  post(pair: number, ref: number): void {
    const at = pair * PAIR_WORDS;
    if (this.#pairs[at + FIRST] === 0) {
      this.#pairs[at + FIRST] = ref + 1;
      return;
    }
    if (this.#pairs[at + LIST] === 0) this.#openList(at);
    const list = this.#pairs[at + LIST]! * LIST_WORDS;
    const difference = ref - this.#lists[list + LAST]!;
    let code = difference < 0 ? -2 * difference - 1 : 2 * difference;
    for (; code >= 128; code = Math.floor(code / 128)) this.#putByte(list, (code % 128) | 128);
    this.#putByte(list, code);
    this.#lists[list + COUNT]!++;
    this.#lists[list + LAST] = ref;
  }

  #openList(at: number): void {
    const list = this.#listCount++;
    this.#lists = grownU32(this.#lists, this.#listCount * LIST_WORDS);
    this.#lists[list * LIST_WORDS + LAST] = this.#pairs[at + FIRST]! - 1;
    this.#pairs[at + LIST] = list;
  }

  #putByte(list: number, byte: number): void {
    if (this.#lists[list + END] === this.#lists[list + LIMIT]) this.#openChunk(list);
    this.#arena[this.#lists[list + END]!++] = byte;
  }

  #openChunk(list: number): void {
    const start = this.#arenaEnd;
    const chunks = this.#lists[list + CHUNKS]!++;
    const size = chunkSize(chunks);
    this.#arenaEnd += size + LINK_BYTES;
    this.#arena = grownU8(this.#arena, this.#arenaEnd);
    if (chunks === 0) this.#lists[list + HEAD] = start;
    else {
      const link = this.#lists[list + LIMIT]!;
      this.#arena[link] = start;
      this.#arena[link + 1] = start >>> 8;
      this.#arena[link + 2] = start >>> 16;
      this.#arena[link + 3] = start >>> 24;
    }
    this.#lists[list + END] = start;
    this.#lists[list + LIMIT] = start + size;
  }

  /** Writes the postings of a pair to `out` from `at` on; returns where they end. */
  read(pair: number, out: Uint32Array, at: number): number {
    if (this.#pairs[pair * PAIR_WORDS + FIRST] === 0) return at;
    const arena = this.#arena;
    const list = this.#pairs[pair * PAIR_WORDS + LIST]! * LIST_WORDS;
    const count = this.#lists[list + COUNT]!;
    let ref = this.#pairs[pair * PAIR_WORDS + FIRST]! - 1;
    out[at] = ref;
    let chunks = 0;
    let place = this.#lists[list + HEAD]!;
    let limit = place + chunkSize(0);
    for (let i = 1; i <= count; i++) {
      let code = 0;
      let scale = 1;
      for (let byte = 128; byte >= 128; scale *= 128) {
        if (place === limit) {
          place = linkAt(arena, limit);
          limit = place + chunkSize(++chunks);
        }
        byte = arena[place++]!;
        code += (byte & 127) * scale;
      }
      ref += code % 2 === 0 ? code / 2 : -(code + 1) / 2;
      out[at + i] = ref;
    }
    return at + count + 1;
  }
}

/** Bytes of content of a list's n-th chunk. */
function chunkSize(before: number): number {
  return Math.min(POSTING_CHUNK_BYTES_FIRST * 2 ** before, POSTING_CHUNK_BYTES_MAX);
}

function linkAt(arena: Uint8Array, at: number): number {
  const low = arena[at]! | (arena[at + 1]! << 8) | (arena[at + 2]! << 16);
  return low + arena[at + 3]! * 0x1000000;
}

function hashOf(tenant: number, name: number, value: number): number {
  let hash = Math.imul(
    value ^ Math.imul(name, 0x9e3779b1) ^ Math.imul(tenant, 0x85ebca6b),
    0xc2b2ae35,
  );
  hash = Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f);
  return (hash ^ (hash >>> 13)) >>> 0;
}
