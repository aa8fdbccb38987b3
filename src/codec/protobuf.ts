// Protocol Buffers wire format: a bounds-checked cursor over bytes that are not copied. Only what
// messages of ours need. Source: protobuf.dev, "Encoding".
//   tag = varint(field << 3 | wire type); wire types: 0 varint, 1 eight bytes, 2 length-delimited,
//   5 four bytes; groups (3, 4) are long gone and refused.
// Throws ProtobufError at the first thing that is not wire format; no read leaves [at, end).

export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const TWO_32 = 4_294_967_296;

export class ProtobufReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** Position of the next byte. */
  at: number;
  /** End of the message that is being read; callers narrow it for nested ones. */
  end: number;
  /** Halves of the last `fixed64` and of the last varint read by `varint64`. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.end = end;
  }

  #fail(what: string): never {
    throw new ProtobufError(`${what} at byte ${this.at}`);
  }

  /** The next tag; field and wire type are `tag >>> 3` and `tag & 7`. */
  tag(): number {
    const tag = this.uint32();
    if (tag >>> 3 === 0) this.#fail('field number 0');
    return tag;
  }

  /** A varint below 2^32. */
  uint32(): number {
    const first = this.at < this.end ? this.bytes[this.at]! : 128;
    if (first < 128) {
      this.at++;
      return first;
    }
    this.varint64();
    if (this.high !== 0) this.#fail('number above 32 bits');
    return this.low >>> 0;
  }

  /** Any varint into `low` and `high`. */
  varint64(): void {
    const { bytes, end } = this;
    let low = 0;
    let high = 0;
    let at = this.at;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) this.#fail('truncated varint');
      const byte = bytes[at++]!;
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 128) {
        this.at = at;
        this.low = low;
        this.high = high;
        return;
      }
    }
    this.#fail('varint longer than 10 bytes');
  }

  /** int64 as the nearest double (exact up to 2^53). */
  int64(): number {
    this.varint64();
    return this.high * TWO_32 + (this.low >>> 0);
  }

  /** uint64 as the nearest double. */
  uint64(): number {
    this.varint64();
    return (this.high >>> 0) * TWO_32 + (this.low >>> 0);
  }

  /** sint64 (zigzag) as the nearest double. */
  sint64(): number {
    this.varint64();
    const lower = ((this.low >>> 1) | (this.high << 31)) >>> 0;
    const half = (this.high >>> 1) * TWO_32 + lower;
    return (this.low & 1) === 0 ? half : -half - 1;
  }

  /** Eight bytes into `low` and `high`. */
  fixed64(): void {
    if (this.at + 8 > this.end) this.#fail('truncated number');
    this.low = this.#view.getInt32(this.at, true);
    this.high = this.#view.getInt32(this.at + 4, true);
    this.at += 8;
  }

  double(): number {
    if (this.at + 8 > this.end) this.#fail('truncated number');
    this.at += 8;
    return this.#view.getFloat64(this.at - 8, true);
  }

  /** Reads a length; returns the end of that many bytes, which start at `at`. */
  lengthEnd(): number {
    const length = this.uint32();
    if (length > this.end - this.at) this.#fail(`length ${length} beyond the message`);
    return this.at + length;
  }

  /** Steps over the value behind a tag. */
  skip(tag: number): void {
    const wireType = tag & 7;
    if (wireType === WIRE.varint) this.varint64();
    else if (wireType === WIRE.bytes) this.at = this.lengthEnd();
    else {
      const size = wireType === WIRE.fixed64 ? 8 : wireType === WIRE.fixed32 ? 4 : 0;
      if (size === 0) this.#fail(`wire type ${wireType}`);
      if (this.at + size > this.end) this.#fail('truncated number');
      this.at += size;
    }
  }
}
