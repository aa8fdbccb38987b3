// Where the identity of a data point is written out for the row dictionary: parts of a message that
// stand far apart, one behind the other. What stands there keeps its place until `reserve` says
// that a new buffer was begun, which is a new body to dictionaries.

const BUFFER_BYTES = 64 * 1024;
/** Longer pieces are copied by a call. */
const LOOP_BYTES_MAX = 256;

export class KeyScratch {
  bytes = new Uint8Array(BUFFER_BYTES);
  #view = new DataView(this.bytes.buffer);
  #other = new Uint8Array(BUFFER_BYTES);
  end = 0;
  /** Bytes written since `reset`. */
  writtenBytes = 0;

  /** Makes room. True: what was written before stands in another buffer. */
  reserve(sizeBytes: number): boolean {
    if (this.end + sizeBytes <= this.bytes.length) return false;
    const next = this.#other;
    this.#other = this.bytes;
    this.#use(
      sizeBytes <= next.length ? next : new Uint8Array(2 ** Math.ceil(Math.log2(sizeBytes))),
    );
    return true;
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.end = 0;
  }

  u8(value: number): void {
    this.bytes[this.end++] = value;
    this.writtenBytes++;
  }

  f64(value: number): void {
    this.#view.setFloat64(this.end, value);
    this.end += 8;
    this.writtenBytes += 8;
  }

  /** Bytes [start, end) of a body, over which `view` is. */
  copy(body: Uint8Array, view: DataView, start: number, end: number): void {
    const size = end - start;
    const to = this.end;
    this.end = to + size;
    this.writtenBytes += size;
    if (size > LOOP_BYTES_MAX) {
      this.bytes.set(body.subarray(start, end), to);
      return;
    }
    const own = this.#view;
    let at = 0;
    for (; at + 4 <= size; at += 4) own.setInt32(to + at, view.getInt32(start + at, true), true);
    for (; at < size; at++) this.bytes[to + at] = body[start + at]!;
  }

  /** Bytes [start, end) with their number in front. */
  piece(body: Uint8Array, view: DataView, start: number, end: number): void {
    this.#view.setInt32(this.end, end - start);
    this.end += 4;
    this.copy(body, view, start, end);
  }

  /** After a scan: lets go of large buffers. */
  reset(): void {
    this.end = 0;
    this.writtenBytes = 0;
    if (this.bytes.length > BUFFER_BYTES) this.#use(new Uint8Array(BUFFER_BYTES));
    if (this.#other.length > BUFFER_BYTES) this.#other = new Uint8Array(BUFFER_BYTES);
  }
}
