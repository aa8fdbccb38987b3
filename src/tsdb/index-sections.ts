// The RAM index as a handful of byte sections, for a head snapshot: what the typed arrays hold,
// without their slack. Names are part of its format (docs/formats/index-sections.md). Sections are
// captured at one moment and copied later, a piece at a time, while the index goes on.
import { CodecError } from '../codec/varint.ts';
import { grownU8 } from '../stdx/growable.ts';

/** Where a hash table says which of its entries are older than the capture. */
interface TableEntries {
  readonly entryBytes: 2 | 4;
  /** What of those bits is the entry. */
  readonly mask: number;
  /** Entries above it are younger: they count as free. */
  readonly last: number;
}

/** A section as it was when it was captured. */
export interface CapturedSection {
  readonly name: string;
  readonly sizeBytes: number;
  /**
   * Its bytes where they are now, at least `sizeBytes`: borrowed until the index changes. What of
   * them the capture covers has not changed since, but for `table`.
   */
  readonly view: () => Uint8Array;
  readonly table?: TableEntries;
}

/** A section as it is stored. */
export interface IndexSection {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

type Numbers = Uint32Array | Uint16Array | Uint8Array;

/** The first `count` elements as bytes, not copied. */
function bytesOf(array: Numbers, count = array.length): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, count * array.BYTES_PER_ELEMENT);
}

/** A section whose first `count` elements stay as they are; `view`: the array as it is later. */
export function captured(
  name: string,
  view: () => Numbers,
  count = view().length,
): CapturedSection {
  const sizeBytes = count * view().BYTES_PER_ELEMENT;
  return { name, sizeBytes, view: () => bytesOf(view()) };
}

/** A section that is a copy. */
export function copied(name: string, array: Numbers): CapturedSection {
  return { name, sizeBytes: array.byteLength, view: () => bytesOf(array) };
}

/** Bytes [from, to) of a captured section, whole entries, to the start of `out`. */
export function readCaptured(
  { view, table }: CapturedSection,
  from: number,
  to: number,
  out: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const bytes = out.subarray(0, to - from);
  bytes.set(view().subarray(from, to));
  if (table === undefined) return bytes;
  const { entryBytes, mask, last } = table;
  const entries =
    entryBytes === 2
      ? new Uint16Array(out.buffer, out.byteOffset, bytes.length >>> 1)
      : new Uint32Array(out.buffer, out.byteOffset, bytes.length >>> 2);
  for (let at = 0; at < entries.length; at++)
    if ((entries[at]! & mask) >>> 0 > last) entries[at] = 0;
  return bytes;
}

/** Sections by name, read back into arrays. Throws CodecError. */
export class SectionReader {
  readonly #sections: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  readonly #areOwned: boolean;

  /**
   * `areOwned`: the memory behind the sections is the reader's to give away, from sectionMemory;
   * zeros behind a section's end are room to grow.
   */
  constructor(sections: readonly IndexSection[], areOwned = false) {
    this.#sections = new Map(sections.map(({ name, bytes }) => [name, bytes]));
    this.#areOwned = areOwned;
  }

  has(name: string): boolean {
    return this.#sections.has(name);
  }

  bytes(name: string): Uint8Array {
    return this.#bytes(name);
  }

  #bytes(name: string): Uint8Array<ArrayBuffer> {
    const bytes = this.#sections.get(name);
    if (bytes === undefined) throw new CodecError(`the index has no section ${name}`);
    return bytes;
  }

  /** Exactly the section; with a capacity there is room for at least so many elements. */
  u32(name: string, capacity = 0): Uint32Array<ArrayBuffer> {
    const count = Math.max(this.#count(name, 4), capacity);
    const own = this.#own(name, count * 4);
    if (own === undefined) return copyOf(new Uint32Array(count), this.bytes(name));
    return capacity === 0 ? new Uint32Array(own, 0, count) : new Uint32Array(own);
  }

  u16(name: string, capacity = 0): Uint16Array<ArrayBuffer> {
    const count = Math.max(this.#count(name, 2), capacity);
    const own = this.#own(name, count * 2);
    if (own === undefined) return copyOf(new Uint16Array(count), this.bytes(name));
    return capacity === 0 ? new Uint16Array(own, 0, count) : new Uint16Array(own);
  }

  u8(name: string, capacity = 0): Uint8Array<ArrayBuffer> {
    const count = Math.max(this.#count(name, 1), capacity);
    const own = this.#own(name, count);
    if (own === undefined) return copyOf(new Uint8Array(count), this.bytes(name));
    return capacity === 0 ? new Uint8Array(own, 0, count) : new Uint8Array(own);
  }

  /** Exactly `count` numbers. */
  numbers(name: string, count: number): Uint32Array {
    const out = this.u32(name);
    if (out.length !== count)
      throw new CodecError(`section ${name} has ${out.length} numbers, ${count} were expected`);
    return out;
  }

  /** The section's own memory where it may be given away and is large enough. */
  #own(name: string, sizeBytes: number): ArrayBuffer | undefined {
    const { buffer, byteOffset } = this.#bytes(name);
    const fits = this.#areOwned && byteOffset === 0 && buffer.byteLength >= sizeBytes;
    return fits ? buffer : undefined;
  }

  #count(name: string, sizeBytes: number): number {
    const { length } = this.bytes(name);
    if (length % sizeBytes !== 0) throw new CodecError(`section ${name} has ${length} bytes`);
    return length / sizeBytes;
  }
}

function copyOf<T extends Numbers>(out: T, bytes: Uint8Array): T {
  bytesOf(out).set(bytes);
  return out;
}

/** Memory for a section that its reader may give away: an array in it grows where it is. */
export function sectionMemory(sizeBytes: number): Uint8Array<ArrayBuffer> {
  return grownU8(new Uint8Array(0), Math.ceil(sizeBytes / 8) * 8).subarray(0, sizeBytes);
}

/** Throws CodecError where sections do not fit together. */
export function checkSections(condition: boolean, what: string): void {
  if (!condition) throw new CodecError(`the sections of the index do not fit together: ${what}`);
}
