// Label pairs of one shard: (tenant, name symbol, value symbol) → a small number, and for each pair
// its postings: the refs of the series that have it. Postings are zigzag varints of differences, in
// chunks of one shared arena that double in size; the first ref stands in the pair itself, so a pair
// of one series has no chunk. The pair with the empty value stands for the name: its chain runs
// through all pairs of that name.
import { grownU32, grownU8 } from './growable.ts';
import { POSTING_CHUNK_BYTES_FIRST, POSTING_CHUNK_BYTES_MAX } from './limits.ts';

const FIRST_CAPACITY = 256;
/** Bytes behind a chunk's content: place of the next chunk. */
const LINK_BYTES = 4;

export class Pairs {
  count = 0;
  #tenants = new Uint32Array(FIRST_CAPACITY);
  #names = new Uint32Array(FIRST_CAPACITY);
  #values = new Uint32Array(FIRST_CAPACITY);
  /** Next pair of the same name, + 1; of a pair that stands for a name the first one. */
  #chains = new Uint32Array(FIRST_CAPACITY);
  /** Pair + 1; 0 is free. At most half full. */
  #slots = new Uint32Array(FIRST_CAPACITY * 2);
  #counts = new Uint32Array(FIRST_CAPACITY);
  #firsts = new Uint32Array(FIRST_CAPACITY);
  #lasts = new Uint32Array(FIRST_CAPACITY);
  /** First chunk, next free byte and end of content of the last one (0: none), number of chunks. */
  #heads = new Uint32Array(FIRST_CAPACITY);
  #ends = new Uint32Array(FIRST_CAPACITY);
  #limits = new Uint32Array(FIRST_CAPACITY);
  #levels = new Uint8Array(FIRST_CAPACITY);
  #arena = new Uint8Array(4096);
  /** Place 0 is no chunk. */
  #arenaEnd = LINK_BYTES;

  get sizeBytes(): number {
    return this.#arenaEnd + this.#names.length * 48;
  }

  nameOf(pair: number): number {
    return this.#names[pair]!;
  }

  valueOf(pair: number): number {
    return this.#values[pair]!;
  }

  /** Series in the postings. */
  seriesCount(pair: number): number {
    return this.#counts[pair]!;
  }

  #slot(tenant: number, name: number, value: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashOf(tenant, name, value) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const pair = this.#slots[slot]! - 1;
      if (pair < 0) return slot;
      if (
        this.#values[pair] === value &&
        this.#names[pair] === name &&
        this.#tenants[pair] === tenant
      )
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
    this.#chains[pair] = this.#chains[head]!;
    this.#chains[head] = pair + 1;
    return pair;
  }

  #add(tenant: number, name: number, value: number): number {
    if (this.count === this.#names.length) this.#grow();
    const pair = this.count++;
    this.#slots[this.#slot(tenant, name, value)] = pair + 1;
    this.#tenants[pair] = tenant;
    this.#names[pair] = name;
    this.#values[pair] = value;
    return pair;
  }

  #grow(): void {
    const length = this.count * 2;
    this.#tenants = grownU32(this.#tenants, length);
    this.#names = grownU32(this.#names, length);
    this.#values = grownU32(this.#values, length);
    this.#chains = grownU32(this.#chains, length);
    this.#counts = grownU32(this.#counts, length);
    this.#firsts = grownU32(this.#firsts, length);
    this.#lasts = grownU32(this.#lasts, length);
    this.#heads = grownU32(this.#heads, length);
    this.#ends = grownU32(this.#ends, length);
    this.#limits = grownU32(this.#limits, length);
    this.#levels = grownU8(this.#levels, length);
    this.#slots = new Uint32Array(length * 2);
    const mask = this.#slots.length - 1;
    for (let pair = 0; pair < this.count; pair++) {
      let slot = hashOf(this.#tenants[pair]!, this.#names[pair]!, this.#values[pair]!) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = pair + 1;
    }
  }

  /** Pairs of a name of a tenant, in no order. */
  *ofName(tenant: number, name: number): Generator<number, void, void> {
    const head = this.find(tenant, name, 0);
    if (head < 0) return;
    for (let next = this.#chains[head]!; next !== 0; next = this.#chains[next - 1]!) yield next - 1;
  }

  // -------------------------------------------------------------- postings

  /** Adds a series, which must not be in the postings. */
  post(pair: number, ref: number): void {
    if (this.#counts[pair]!++ === 0) this.#firsts[pair] = ref;
    else {
      const difference = ref - this.#lasts[pair]!;
      let code = difference < 0 ? -2 * difference - 1 : 2 * difference;
      for (; code >= 128; code = Math.floor(code / 128)) this.#putByte(pair, (code % 128) | 128);
      this.#putByte(pair, code);
    }
    this.#lasts[pair] = ref;
  }

  #putByte(pair: number, byte: number): void {
    if (this.#ends[pair] === this.#limits[pair]) this.#openChunk(pair);
    this.#arena[this.#ends[pair]!++] = byte;
  }

  #openChunk(pair: number): void {
    const start = this.#arenaEnd;
    const size = chunkSize(this.#levels[pair]!++);
    this.#arenaEnd += size + LINK_BYTES;
    if (this.#arenaEnd > this.#arena.length) this.#arena = grownU8(this.#arena, this.#arenaEnd);
    if (this.#heads[pair] === 0) this.#heads[pair] = start;
    else {
      const link = this.#limits[pair]!;
      this.#arena[link] = start;
      this.#arena[link + 1] = start >>> 8;
      this.#arena[link + 2] = start >>> 16;
      this.#arena[link + 3] = start >>> 24;
    }
    this.#ends[pair] = start;
    this.#limits[pair] = start + size;
  }

  /** Writes the postings of a pair to `out` from `at` on; returns where they end. */
  read(pair: number, out: Uint32Array, at: number): number {
    const count = this.#counts[pair]!;
    if (count === 0) return at;
    const arena = this.#arena;
    let ref = this.#firsts[pair]!;
    out[at] = ref;
    let level = 0;
    let place = this.#heads[pair]!;
    let limit = place + chunkSize(0);
    for (let i = 1; i < count; i++) {
      let code = 0;
      let scale = 1;
      for (let byte = 128; byte >= 128; scale *= 128) {
        if (place === limit) {
          place = linkAt(arena, limit);
          limit = place + chunkSize(++level);
        }
        byte = arena[place++]!;
        code += (byte & 127) * scale;
      }
      ref += code % 2 === 0 ? code / 2 : -(code + 1) / 2;
      out[at + i] = ref;
    }
    return at + count;
  }
}

/** Bytes of content of a pair's n-th chunk. */
function chunkSize(level: number): number {
  return Math.min(POSTING_CHUNK_BYTES_FIRST * 2 ** level, POSTING_CHUNK_BYTES_MAX);
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
