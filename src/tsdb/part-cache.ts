// The two caches that all parts of a shard share, both bounded in bytes: extents, the bytes of
// blobs as they are on disk; and sections, what was decoded of indexes. Of extents the least
// recently used goes first. They are not in memory that threads share: the runtime does not count
// that, and a scan of a few hundred megabytes would leave them all lying around.
import type { BlobInfo, BlobRange, Blobs } from '../blobs/blobs.ts';
import { assert } from '../stdx/assert.ts';
import { EXTENT_BYTES, LARGEST_PART } from './limits.ts';

/** What was decoded, and an estimate of the memory it holds. */
export interface Decoded<T> {
  readonly value: T;
  readonly sizeBytes: number;
  /** Called when the cache lets go of it. */
  readonly onForgotten?: () => void;
}

interface Section {
  readonly part: string;
  readonly key: string;
  value: Promise<unknown>;
  /** 0 while it is loaded. */
  sizeBytes: number;
  /** Asked for since the hand passed it last. */
  isUsed: boolean;
  onForgotten: (() => void) | undefined;
  /** Its place in the ring; -1 once it is forgotten. */
  at: number;
}

/**
 * Where an asker remembers its section: to find it again takes neither a text nor a look into maps.
 * What the cache has forgotten is not held here either.
 */
export class SectionSlot<T> {
  section: Section | undefined = undefined;

  /** What the cache still has; it was asked for. */
  get held(): Promise<T> | undefined {
    const { section } = this;
    if (section === undefined || section.at < 0) return undefined;
    section.isUsed = true;
    return section.value as Promise<T>;
  }
}

/**
 * Decoded things of parts by name; promises, so that two readers share one read. A hand goes round
 * the entries and drops those that nobody asked for since its last round (second chance, "CLOCK").
 * A hit leaves the maps as they are: a Map that sees the same key deleted and set again for each
 * hit walks all the places which that leaves behind, tens of microseconds a hit. The part's long
 * name is not in the key of its sections: a text made for each look is hashed each time.
 */
export class SectionCache {
  readonly #parts = new Map<string, Map<string, Section>>();
  readonly #ring: Section[] = [];
  readonly #limitBytes: number;
  #hand = 0;
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** So much of it that the rest still serves others. */
  get largestBytes(): number {
    return this.#limitBytes / LARGEST_PART;
  }

  get<T>(
    part: string,
    key: string,
    load: () => Promise<Decoded<T>>,
    slot?: SectionSlot<T>,
  ): Promise<T> {
    const found = this.#parts.get(part)?.get(key);
    if (found !== undefined) {
      found.isUsed = true;
      if (slot !== undefined) slot.section = found;
      return found.value as Promise<T>;
    }
    const entry: Section = {
      part,
      key,
      value: NOTHING,
      sizeBytes: 0,
      isUsed: false,
      onForgotten: undefined,
      at: -1,
    };
    const value = this.#load(entry, load);
    entry.value = value;
    let ofPart = this.#parts.get(part);
    if (ofPart === undefined) this.#parts.set(part, (ofPart = new Map()));
    ofPart.set(key, entry);
    // Only now: a load may ask for others before its first pause.
    entry.at = this.#ring.push(entry) - 1;
    if (slot !== undefined) slot.section = entry;
    return value;
  }

  async #load<T>(entry: Section, load: () => Promise<Decoded<T>>): Promise<T> {
    try {
      const { value, sizeBytes, onForgotten } = await load();
      if (entry.at >= 0) {
        entry.sizeBytes = sizeBytes;
        entry.onForgotten = onForgotten;
        this.#sizeBytes += sizeBytes;
        this.#evict(entry);
      } else onForgotten?.();
      return value;
    } catch (error) {
      this.#forget(entry);
      throw error;
    }
  }

  /** The rest of one round, one round that takes all marks away, one that drops. */
  #evict(keep: Section): void {
    let steps = this.#ring.length * 3;
    for (; this.#sizeBytes > this.#limitBytes && steps > 0; steps--) {
      if (this.#hand >= this.#ring.length) this.#hand = 0;
      const entry = this.#ring[this.#hand]!;
      // Also after one that went: what takes its place came last and has a round before it.
      this.#hand++;
      if (entry === keep || entry.sizeBytes === 0) continue;
      if (entry.isUsed) entry.isUsed = false;
      else this.#forget(entry);
    }
  }

  /** The last of the ring takes its place. */
  #forget(entry: Section): void {
    if (entry.at < 0) return;
    const last = this.#ring.pop()!;
    if (last !== entry) {
      this.#ring[entry.at] = last;
      last.at = entry.at;
    }
    entry.at = -1;
    // A slot may keep the entry, but not what it held, of which `onForgotten` knows too.
    const { onForgotten } = entry;
    entry.value = NOTHING;
    entry.onForgotten = undefined;
    this.#sizeBytes -= entry.sizeBytes;
    const ofPart = this.#parts.get(entry.part)!;
    ofPart.delete(entry.key);
    if (ofPart.size === 0) this.#parts.delete(entry.part);
    onForgotten?.();
  }

  /** Forgets a section of a part, or all of them. */
  drop(part: string, key?: string): void {
    const ofPart = this.#parts.get(part);
    if (ofPart === undefined) return;
    if (key === undefined) for (const entry of ofPart.values()) this.#forget(entry);
    else if (ofPart.has(key)) this.#forget(ofPart.get(key)!);
  }
}

const NOTHING = Promise.resolve();

type Readable = Pick<Blobs, 'get'>;

/** Aligned extents of blobs. A dropped extent lives on where somebody still reads it. */
export class ExtentCache {
  readonly #limitBytes: number;
  /** By blob, then by number of the extent. */
  readonly #blobs = new Map<string, Map<number, Uint8Array>>();
  /** Oldest first. */
  readonly #order = new Map<string, { readonly name: string; readonly number: number }>();
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * The range of a blob: a view where it lies in one extent or was just read in one piece, else a
   * copy. Missing extents that follow each other are read at once.
   */
  async read(blobs: Readable, blob: BlobInfo, { offset, length }: BlobRange): Promise<Uint8Array> {
    const first = Math.floor(offset / EXTENT_BYTES);
    const end = Math.floor((offset + length - 1) / EXTENT_BYTES) + 1;
    if (length === 0 || offset + length > blob.sizeBytes)
      return blobs.get(blob.name, { offset, length });
    const pieces: Uint8Array[] = [];
    for (let number = first; number < end;) {
      const found = this.#find(blob.name, number);
      if (found !== undefined) {
        pieces.push(found);
        number++;
        continue;
      }
      let missingEnd = number + 1;
      while (missingEnd < end && this.#find(blob.name, missingEnd) === undefined) missingEnd++;
      pieces.push(await this.#load(blobs, blob, number, missingEnd));
      number = missingEnd;
    }
    const start = offset - first * EXTENT_BYTES;
    return pieces.length === 1
      ? pieces[0]!.subarray(start, start + length)
      : joined(pieces, start, length);
  }

  #find(name: string, number: number): Uint8Array | undefined {
    const found = this.#blobs.get(name)?.get(number);
    if (found === undefined) return undefined;
    const key = `${number} ${name}`;
    const place = this.#order.get(key)!;
    this.#order.delete(key);
    this.#order.set(key, place);
    return found;
  }

  async #load(blobs: Readable, blob: BlobInfo, from: number, to: number): Promise<Uint8Array> {
    const { name, sizeBytes } = blob;
    const offset = from * EXTENT_BYTES;
    const length = Math.min(to * EXTENT_BYTES, sizeBytes) - offset;
    const into = new Uint8Array(length);
    const got = await blobs.get(name, { offset, length }, into);
    assert(got === into, 'blobs are read into the memory they are given');
    for (let number = from; number < to; number++) {
      const start = (number - from) * EXTENT_BYTES;
      this.#keep(name, number, into.subarray(start, start + EXTENT_BYTES));
    }
    return into;
  }

  #keep(name: string, number: number, bytes: Uint8Array): void {
    const key = `${number} ${name}`;
    if (this.#order.has(key)) return;
    let ofBlob = this.#blobs.get(name);
    if (ofBlob === undefined) this.#blobs.set(name, (ofBlob = new Map()));
    ofBlob.set(number, bytes);
    this.#order.set(key, { name, number });
    this.#sizeBytes += bytes.length;
    for (const [oldest, place] of this.#order) {
      if (this.#sizeBytes <= this.#limitBytes) return;
      this.#forget(oldest, place.name, place.number);
    }
  }

  #forget(key: string, name: string, number: number): void {
    const ofBlob = this.#blobs.get(name)!;
    this.#sizeBytes -= ofBlob.get(number)!.length;
    ofBlob.delete(number);
    if (ofBlob.size === 0) this.#blobs.delete(name);
    this.#order.delete(key);
  }

  /** Forgets a blob. */
  drop(name: string): void {
    for (const number of this.#blobs.get(name)?.keys() ?? [])
      this.#forget(`${number} ${name}`, name, number);
  }
}

function joined(pieces: readonly Uint8Array[], start: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let at = 0;
  let skip = start;
  for (const piece of pieces) {
    const end = Math.min(piece.length, skip + length - at);
    out.set(piece.subarray(skip, end), at);
    at += end - skip;
    skip = 0;
  }
  return out;
}
