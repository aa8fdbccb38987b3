// The RAM index as a handful of byte sections, for a snapshot: what the typed arrays hold, without
// their slack. Names are part of the snapshot's format (docs/formats/index-sections.md).
import { CodecError } from '../codec/varint.ts';

export interface IndexSection {
  readonly name: string;
  /** Borrowed until the index changes. */
  readonly bytes: Uint8Array;
}

/** The first `count` elements as bytes, not copied. */
export function bytesOf(
  array: Uint32Array | Uint16Array | Uint8Array,
  count = array.length,
): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, count * array.BYTES_PER_ELEMENT);
}

/** Sections by name, read back into arrays of their own. Throws CodecError. */
export class SectionReader {
  readonly #sections: ReadonlyMap<string, Uint8Array>;

  constructor(sections: readonly IndexSection[]) {
    this.#sections = new Map(sections.map(({ name, bytes }) => [name, bytes]));
  }

  bytes(name: string): Uint8Array {
    const bytes = this.#sections.get(name);
    if (bytes === undefined) throw new CodecError(`the index has no section ${name}`);
    return bytes;
  }

  /** A copy with room for at least `capacity` elements. */
  u32(name: string, capacity = 0): Uint32Array<ArrayBuffer> {
    const count = this.#count(name, 4);
    const out = new Uint32Array(Math.max(count, capacity));
    bytesOf(out).set(this.bytes(name));
    return out;
  }

  u16(name: string, capacity = 0): Uint16Array<ArrayBuffer> {
    const count = this.#count(name, 2);
    const out = new Uint16Array(Math.max(count, capacity));
    bytesOf(out).set(this.bytes(name));
    return out;
  }

  u8(name: string, capacity = 0): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(Math.max(this.#count(name, 1), capacity));
    out.set(this.bytes(name));
    return out;
  }

  /** Exactly `count` numbers. */
  numbers(name: string, count: number): Uint32Array {
    const out = this.u32(name);
    if (out.length !== count)
      throw new CodecError(`section ${name} has ${out.length} numbers, ${count} were expected`);
    return out;
  }

  #count(name: string, sizeBytes: number): number {
    const { length } = this.bytes(name);
    if (length % sizeBytes !== 0) throw new CodecError(`section ${name} has ${length} bytes`);
    return length / sizeBytes;
  }
}

/** Throws CodecError where sections do not fit together. */
export function checkSections(condition: boolean, what: string): void {
  if (!condition) throw new CodecError(`the sections of the index do not fit together: ${what}`);
}
