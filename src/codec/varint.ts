// Bytes out and in: little-endian words, LEB128 varints of numbers below 2^53, zigzag, strings. The
// reader checks every bound and throws CodecError; nothing it is fed can make it read outside its
// range.

/** Bytes that are no valid encoding; the message says what was expected where. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
}

const NUMBER_END = 2 ** 53;
const VARINT_SIZE_MAX = 8;
const LOW_MAX = 2 ** 28;
/** A view a reader would cost more than eight bytes. */
const one = new Float64Array(1);
const oneBytes = new Uint8Array(one.buffer);
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const textEncoder = new TextEncoder();

/** 2v for v >= 0, -2v - 1 below; exact for |v| < 2^52. */
export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

export function unzigzag(code: number): number {
  return code % 2 === 0 ? code / 2 : -(code + 1) / 2;
}

/** Growable output. `bytes()` borrows, `take()` hands over. */
export class ByteWriter {
  #bytes: Uint8Array;
  /** Made for the first number that needs it: it moves a small array out of the heap. */
  #lazyView: DataView | undefined = undefined;
  /** Bytes written so far. */
  size = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  get #view(): DataView {
    return (this.#lazyView ??= new DataView(this.#bytes.buffer));
  }

  /** Makes room for `more` bytes. */
  reserve(more: number): void {
    const needed = this.size + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.size));
    this.#bytes = grown;
    this.#lazyView = undefined;
  }

  reset(): void {
    this.size = 0;
  }

  /** Written bytes, borrowed until the next write. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  /** A copy of the written bytes; the writer starts anew. */
  take(): Uint8Array {
    const out = this.#bytes.slice(0, this.size);
    this.size = 0;
    return out;
  }

  u8(value: number): void {
    this.reserve(1);
    this.#bytes[this.size++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.#view.setUint16(this.size, value, true);
    this.size += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.size, value, true);
    this.size += 4;
  }

  /** Overwrites four bytes written before. */
  u32At(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** Takes out the varint that starts at `at`; what follows moves up. */
  dropVarint(at: number): void {
    let end = at;
    while (this.#bytes[end]! >= 128) end++;
    this.#bytes.copyWithin(at, end + 1, this.size);
    this.size -= end + 1 - at;
  }

  f64(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.size, value, true);
    this.size += 8;
  }

  /** A whole number in [0, 2^53). */
  varint(value: number): void {
    this.reserve(VARINT_SIZE_MAX);
    const bytes = this.#bytes;
    let at = this.size;
    let rest = value;
    while (rest >= LOW_MAX) {
      bytes[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.size = at;
  }

  zigzag(value: number): void {
    this.varint(zigzag(value));
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.#bytes.set(bytes, this.size);
    this.size += bytes.length;
  }

  /** Bytes [start, end) of `bytes`, which are few: no view of them is made. */
  range(bytes: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    const out = this.#bytes;
    let at = this.size;
    for (let from = start; from < end; from++) out[at++] = bytes[from]!;
    this.size = at;
  }

  /** The memory of `column`, first `count` elements. */
  column(
    column: Float64Array | BigInt64Array | BigUint64Array | Uint32Array | Uint16Array | Uint8Array,
    count: number,
  ): void {
    const sizeBytes = count * column.BYTES_PER_ELEMENT;
    this.raw(new Uint8Array(column.buffer, column.byteOffset, sizeBytes));
  }

  /** Zeros up to the next multiple of `alignment`. */
  pad(alignment: number): void {
    while (this.size % alignment !== 0) this.u8(0);
  }

  string(text: string): void {
    if (text.length < 64 && this.#ascii(text)) return;
    const encoded = textEncoder.encode(text);
    this.varint(encoded.length);
    this.raw(encoded);
  }

  /** Short ASCII strings (most label text) without a call into the encoder. */
  #ascii(text: string): boolean {
    this.reserve(text.length + 1);
    const bytes = this.#bytes;
    const start = this.size;
    let at = start + 1;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 128) return false;
      bytes[at++] = unit;
    }
    bytes[start] = text.length;
    this.size = at;
    return true;
  }
}

/** Reads [start, end) of `bytes`; `at` is a position in `bytes`. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    if (start < 0 || end < start || end > bytes.length)
      throw new CodecError(`range ${start}-${end} is outside of ${bytes.length} bytes`);
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  #advance(sizeBytes: number): number {
    if (sizeBytes > this.end - this.at)
      throw new CodecError(`${sizeBytes} bytes wanted at ${this.at}, ${this.left} left`);
    const at = this.at;
    this.at = at + sizeBytes;
    return at;
  }

  u8(): number {
    return this.bytes[this.#advance(1)]!;
  }

  u16(): number {
    const at = this.#advance(2);
    return this.bytes[at]! | (this.bytes[at + 1]! << 8);
  }

  u32(): number {
    const at = this.#advance(4);
    const { bytes } = this;
    const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    return (low | (bytes[at + 3]! << 24)) >>> 0;
  }

  f64(): number {
    const at = this.#advance(8);
    for (let i = 0; i < 8; i++) oneBytes[i] = this.bytes[at + i]!;
    return one[0]!;
  }

  varint(): number {
    const first = this.u8();
    return first < 128 ? first : this.#longVarint(first & 127);
  }

  #longVarint(low: number): number {
    let value = low;
    let scale = 128;
    for (let i = 1; i < VARINT_SIZE_MAX; i++) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value >= NUMBER_END) break;
        return value;
      }
      scale *= 128;
    }
    throw new CodecError(`bad varint before ${this.at}`);
  }

  zigzag(): number {
    return unzigzag(this.varint());
  }

  /**
   * A number of things that take at least `sizeBytesMin` each: cannot be larger than what is left.
   */
  count(sizeBytesMin = 1): number {
    const count = this.varint();
    if (count * sizeBytesMin > this.left)
      throw new CodecError(`count ${count} at ${this.at} is more than ${this.left} bytes can hold`);
    return count;
  }

  /** A borrowed view of the next bytes. */
  raw(sizeBytes: number): Uint8Array {
    const at = this.#advance(sizeBytes);
    return this.bytes.subarray(at, at + sizeBytes);
  }

  skip(sizeBytes: number): void {
    this.#advance(sizeBytes);
  }

  /** A fresh, aligned copy of the next bytes. */
  copy(sizeBytes: number): ArrayBuffer {
    const out = new Uint8Array(sizeBytes);
    out.set(this.raw(sizeBytes));
    return out.buffer;
  }

  pad(alignment: number, base = 0): void {
    while ((this.at - base) % alignment !== 0) this.u8();
  }

  string(): string {
    const sizeBytes = this.varint();
    const bytes = this.raw(sizeBytes);
    if (sizeBytes < 32) {
      const text = shortAscii(bytes);
      if (text !== undefined) return text;
    }
    try {
      return textDecoder.decode(bytes);
    } catch (error) {
      throw new CodecError(`bad UTF-8 before ${this.at}`, { cause: error });
    }
  }

  /** Nothing may be left. */
  finish(): void {
    if (this.at !== this.end) throw new CodecError(`${this.left} bytes too many at ${this.at}`);
  }
}

function shortAscii(bytes: Uint8Array): string | undefined {
  let text = '';
  for (const byte of bytes) {
    if (byte >= 128) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}
