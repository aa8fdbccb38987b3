// Protocol Buffers, written: fields of a message in the order of the calls. Nested messages are
// written by a child and copied, since their length stands in front. Source: protobuf.dev,
// "Encoding".
import { WIRE } from './protobuf.ts';
import { ByteWriter } from './varint.ts';

const TWO_32 = 4_294_967_296;

export class ProtobufWriter {
  readonly #out: ByteWriter;
  #child: ProtobufWriter | undefined = undefined;

  constructor(capacity = 256) {
    this.#out = new ByteWriter(capacity);
  }

  get size(): number {
    return this.#out.size;
  }

  reset(): void {
    this.#out.reset();
  }

  /** Borrowed until the next write. */
  bytes(): Uint8Array {
    return this.#out.bytes();
  }

  #tag(field: number, wireType: number): void {
    this.#out.varint((field << 3) | wireType);
  }

  /** A whole number in [0, 2^53). */
  uint(field: number, value: number): void {
    this.#tag(field, WIRE.varint);
    this.#out.varint(value);
  }

  /** An int64 or int32; below zero it takes ten bytes. */
  int(field: number, value: number): void {
    if (value >= 0) return this.uint(field, value);
    this.#tag(field, WIRE.varint);
    let high = Math.floor(value / TWO_32) >>> 0;
    let low = (value - Math.floor(value / TWO_32) * TWO_32) >>> 0;
    for (let i = 0; i < 9; i++) {
      this.#out.u8((low & 127) | 128);
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#out.u8(low & 127);
  }

  /** A varint of any 64 bits. */
  varintBits(field: number, bits: bigint): void {
    this.#tag(field, WIRE.varint);
    let rest = bits;
    for (; rest >= 128n; rest >>= 7n) this.#out.u8(Number(rest & 127n) | 128);
    this.#out.u8(Number(rest));
  }

  /** A zigzag sint64 or sint32. */
  sint(field: number, value: number): void {
    this.uint(field, value >= 0 ? value * 2 : -value * 2 - 1);
  }

  double(field: number, value: number): void {
    this.#tag(field, WIRE.fixed64);
    this.#out.f64(value);
  }

  /** A double from its two halves, bit by bit. */
  doubleBits(field: number, low: number, high: number): void {
    this.#tag(field, WIRE.fixed64);
    this.#out.u32(low);
    this.#out.u32(high);
  }

  string(field: number, text: string): void {
    this.#tag(field, WIRE.bytes);
    this.#out.string(text);
  }

  raw(field: number, bytes: Uint8Array): void {
    this.#tag(field, WIRE.bytes);
    this.#out.varint(bytes.length);
    this.#out.raw(bytes);
  }

  message(field: number, write: (child: ProtobufWriter) => void): void {
    const child = (this.#child ??= new ProtobufWriter());
    child.reset();
    write(child);
    this.raw(field, child.bytes());
  }

  packedSints(field: number, values: Iterable<number>): void {
    const child = (this.#child ??= new ProtobufWriter());
    child.reset();
    for (const value of values) child.#out.varint(value >= 0 ? value * 2 : -value * 2 - 1);
    if (child.size > 0) this.raw(field, child.bytes());
  }

  packedDoubles(field: number, values: Float64Array): void {
    if (values.length === 0) return;
    this.#tag(field, WIRE.bytes);
    this.#out.varint(values.length * 8);
    for (const value of values) this.#out.f64(value);
  }
}
