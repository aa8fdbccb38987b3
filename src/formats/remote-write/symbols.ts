// Strings of a remote-write 2.0 message, and the labels that refer to them written out in the form
// of version 1.0: `{ 0a LENGTH 0a SIZE name 12 SIZE value }*`. So both versions mean the same
// series by the same bytes, share what the dictionary knows, and read labels with the same code.
import type { ProtobufReader } from '../../codec/protobuf.ts';
import { ProtobufError } from '../../codec/protobuf.ts';
import { decodeUtf8 } from '../../codec/utf8.ts';
import { MESSAGE_SYMBOLS_MAX, SERIES_LABEL_BYTES_MAX } from '../limits.ts';

const FIRST_BYTES = 0x0a;
const SECOND_BYTES = 0x12;
const FIRST_CAPACITY = 1024;
/** Tables above this are not kept for the next message. */
const KEPT_CAPACITY = 256 * 1024;

/** Positions of strings in a body. One serves all scans, which are synchronous. */
export class SymbolTable {
  count = 0;
  starts = new Int32Array(FIRST_CAPACITY);
  ends = new Int32Array(FIRST_CAPACITY);

  clear(): void {
    this.count = 0;
    if (this.starts.length <= KEPT_CAPACITY) return;
    this.starts = new Int32Array(FIRST_CAPACITY);
    this.ends = new Int32Array(FIRST_CAPACITY);
  }

  /** Throws ProtobufError above the bound. */
  push(start: number, end: number): void {
    const index = this.count++;
    if (index === this.starts.length) this.#grow();
    this.starts[index] = start;
    this.ends[index] = end;
  }

  #grow(): void {
    const length = this.starts.length * 2;
    if (length > MESSAGE_SYMBOLS_MAX)
      throw new ProtobufError(`more than ${MESSAGE_SYMBOLS_MAX} symbols`);
    const longer = (array: Int32Array): Int32Array<ArrayBuffer> => {
      const out = new Int32Array(length);
      out.set(array);
      return out;
    };
    this.starts = longer(this.starts);
    this.ends = longer(this.ends);
  }

  /** undefined where the symbol is not there or not UTF-8. */
  text(body: Uint8Array, index: number): string | undefined {
    if (index >= this.count) return undefined;
    return decodeUtf8(body, this.starts[index]!, this.ends[index]!);
  }
}

/** Numbers of a packed or single field; throws ProtobufError where it is damaged. */
export class NumberList {
  count = 0;
  values = new Uint32Array(64);

  /** Adds the packed numbers in [reader.at, stop). */
  readPacked(reader: ProtobufReader, stop: number): void {
    const outerEnd = reader.end;
    reader.end = stop;
    while (reader.at < stop) this.push(reader.uint32());
    reader.end = outerEnd;
  }

  push(value: number): void {
    if (this.count === this.values.length) {
      const longer = new Uint32Array(this.values.length * 2);
      longer.set(this.values);
      this.values = longer;
    }
    this.values[this.count++] = value;
  }
}

const BUFFER_BYTES = 64 * 1024;
/** Tag, length and two sizes of a label, each at most four bytes long here. */
const LABEL_OVERHEAD_BYTES = 20;

/**
 * Where labels are written out, series after series. What stands there keeps its place while two
 * more series come: who compares neighbours may look back. A new buffer is a new body to
 * dictionaries.
 */
export class LabelScratch {
  bytes = new Uint8Array(BUFFER_BYTES);
  view = new DataView(this.bytes.buffer);
  start = 0;
  end = 0;
  #other = new Uint8Array(BUFFER_BYTES);

  /**
   * Writes the labels out from `start` to `end` of `bytes`, which may be another buffer than
   * before, followed by the byte `terminator`. A reason where a number is no symbol or the labels
   * are too long.
   */
  write(
    body: Uint8Array,
    symbols: SymbolTable,
    refs: NumberList,
    terminator: number,
  ): string | undefined {
    const { count, values } = refs;
    const { starts, ends } = symbols;
    if ((count & 1) === 1) return 'labels with a name but without a value';
    let sizeBytes = 1 + (count >> 1) * LABEL_OVERHEAD_BYTES;
    for (let i = 0; i < count; i++) {
      const ref = values[i]!;
      if (ref >= symbols.count) return `label refers to symbol ${ref} of ${symbols.count}`;
      sizeBytes += ends[ref]! - starts[ref]!;
    }
    if (sizeBytes > SERIES_LABEL_BYTES_MAX)
      return `labels of ${sizeBytes} bytes, the limit is ${SERIES_LABEL_BYTES_MAX}`;
    this.#reserve(sizeBytes);
    const { bytes } = this;
    let at = this.start;
    for (let i = 0; i < count; i += 2) {
      const name = values[i]!;
      const value = values[i + 1]!;
      const nameSize = ends[name]! - starts[name]!;
      const valueSize = ends[value]! - starts[value]!;
      bytes[at++] = FIRST_BYTES;
      const inner = 2 + varintSize(nameSize) + nameSize + varintSize(valueSize) + valueSize;
      at = writeVarint(bytes, at, inner);
      bytes[at++] = FIRST_BYTES;
      at = writeVarint(bytes, at, nameSize);
      at = copy(body, starts[name]!, nameSize, bytes, at);
      bytes[at++] = SECOND_BYTES;
      at = writeVarint(bytes, at, valueSize);
      at = copy(body, starts[value]!, valueSize, bytes, at);
    }
    this.end = at;
    bytes[at] = terminator;
    return undefined;
  }

  /** Lets go of large buffers. */
  reset(): void {
    this.start = 0;
    this.end = 0;
    if (this.bytes.length > BUFFER_BYTES) this.#use(new Uint8Array(BUFFER_BYTES));
    if (this.#other.length > BUFFER_BYTES) this.#other = new Uint8Array(BUFFER_BYTES);
  }

  #reserve(sizeBytes: number): void {
    this.start = this.end + 1;
    if (this.start + sizeBytes <= this.bytes.length) return;
    const next = this.#other;
    this.#other = this.bytes;
    this.#use(
      sizeBytes <= next.length ? next : new Uint8Array(2 ** Math.ceil(Math.log2(sizeBytes))),
    );
    this.start = 0;
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x200000 ? 3 : 4;
}

function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** Names and values are short: a loop beats a call. */
function copy(from: Uint8Array, start: number, size: number, to: Uint8Array, at: number): number {
  if (size > 64) {
    to.set(from.subarray(start, start + size), at);
    return at + size;
  }
  for (let i = 0; i < size; i++) to[at + i] = from[start + i]!;
  return at + size;
}
