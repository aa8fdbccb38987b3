// Label sets as the JSON objects of the Prometheus HTTP API, from pages of numbered pairs straight
// to bytes: what a series shares with the one before is copied from there, a text is looked at once
// for what JSON escapes. Equal to JSON.stringify of the texts.
import type { SeriesPage } from '../model/series-page.ts';
import { JSON_PIECE_BYTES } from './limits.ts';

const FIRST_BYTES = 4096;
/** For the series that fills a piece. */
const ROOM_BYTES = 16_384;
/** A byte of a text at most: `\u001f`. */
const ESCAPED_BYTES_MAX = 6;
/** Copied by a loop: a call costs more than so many bytes. */
const LOOP_BYTES_MAX = 24;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const FIRST_PLAIN = 0x20;

export class SeriesJson {
  #bytes: Uint8Array<ArrayBuffer> = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #size = 0;
  /** Series so far, over all pages. */
  #count = 0;
  /** `"name":"` of the names so far. */
  readonly #names = new Map<string, Uint8Array>();
  /** Where the pairs of the series before begin and end, without commas. */
  #from: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  #to: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  #fromNow: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  #toNow: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  /** Where the bytes of the series before are. */
  #before: Uint8Array = this.#bytes;

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= JSON_PIECE_BYTES;
  }

  /** Bytes of a text as they are. */
  raw(text: string): void {
    const bytes = Buffer.from(text);
    this.#need(bytes.length);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  /** What was gathered; the caller's from now on. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#size);
    this.#bytes = Buffer.allocUnsafeSlow(this.#bytes.length);
    this.#size = 0;
    return taken;
  }

  /** One series of a page; series of a page come in order. */
  add(page: SeriesPage, row: number): void {
    const { pairs, starts } = page;
    const start = starts[row]!;
    const count = starts[row + 1]! - start;
    const before = row === 0 ? start : starts[row - 1]!;
    const countBefore = start - before;
    if (count > this.#fromNow.length) this.#widen(count);
    const from = this.#fromNow;
    const to = this.#toNow;
    this.#need(2);
    if (this.#count++ > 0) this.#bytes[this.#size++] = COMMA;
    this.#bytes[this.#size++] = 0x7b;
    let place = 0;
    while (place < count && place < countBefore && pairs[start + place] === pairs[before + place])
      place++;
    if (place > 0) this.#copyPairs(place);
    for (; place < count; place++) {
      if (place > 0) {
        this.#need(1);
        this.#bytes[this.#size++] = COMMA;
      }
      from[place] = this.#size;
      const pair = pairs[start + place]!;
      if (place < countBefore && pair === pairs[before + place])
        this.#copy(this.#from[place]!, this.#to[place]!);
      else this.#pair(page, pair);
      to[place] = this.#size;
    }
    this.#need(1);
    this.#bytes[this.#size++] = 0x7d;
    this.#before = this.#bytes;
    [this.#from, this.#to, this.#fromNow, this.#toNow] = [from, to, this.#from, this.#to];
  }

  /** The first pairs of the series before, with the commas between them. */
  #copyPairs(count: number): void {
    const first = this.#from[0]!;
    const shift = this.#size - first;
    for (let place = 0; place < count; place++) {
      this.#fromNow[place] = this.#from[place]! + shift;
      this.#toNow[place] = this.#to[place]! + shift;
    }
    this.#copy(first, this.#to[count - 1]!);
  }

  #copy(from: number, to: number): void {
    this.#need(to - from);
    const before = this.#before;
    const bytes = this.#bytes;
    let at = this.#size;
    if (to - from > LOOP_BYTES_MAX && before === bytes) bytes.copyWithin(at, from, to);
    else for (let i = from; i < to; i++) bytes[at++] = before[i]!;
    this.#size += to - from;
  }

  #pair(page: SeriesPage, pair: number): void {
    const name = this.#name(page.names[pair]!);
    const text = page.texts[pair]!;
    const from = page.from[pair]!;
    const to = page.to[pair]!;
    this.#need(name.length + (to - from) * ESCAPED_BYTES_MAX + 1);
    const bytes = this.#bytes;
    let at = this.#size;
    for (let i = 0; i < name.length; i++) bytes[at++] = name[i]!;
    for (let i = from; i < to; i++) {
      const byte = text[i]!;
      if (byte < FIRST_PLAIN || byte === QUOTE || byte === BACKSLASH) at = escape(byte, bytes, at);
      else bytes[at++] = byte;
    }
    bytes[at++] = QUOTE;
    this.#size = at;
  }

  #name(name: string): Uint8Array {
    let bytes = this.#names.get(name);
    if (bytes === undefined)
      this.#names.set(name, (bytes = new Uint8Array(Buffer.from(`${JSON.stringify(name)}:"`))));
    return bytes;
  }

  #need(sizeBytes: number): void {
    const wanted = this.#size + sizeBytes;
    if (wanted <= this.#bytes.length) return;
    const longer = Buffer.allocUnsafeSlow(
      Math.max(wanted, Math.min(this.#bytes.length * 2, JSON_PIECE_BYTES + ROOM_BYTES)),
    );
    longer.set(this.#bytes.subarray(0, this.#size));
    if (this.#before === this.#bytes) this.#before = longer;
    this.#bytes = longer;
  }

  #widen(count: number): void {
    const [from, to] = [this.#from, this.#to];
    this.#from = new Uint32Array(count * 2);
    this.#to = new Uint32Array(count * 2);
    this.#from.set(from);
    this.#to.set(to);
    this.#fromNow = new Uint32Array(count * 2);
    this.#toNow = new Uint32Array(count * 2);
  }
}

const SHORT: ReadonlyMap<number, string> = new Map([
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [QUOTE, '"'],
  [BACKSLASH, '\\'],
]);

/** Returns the end of what it wrote. */
function escape(byte: number, out: Uint8Array, start: number): number {
  let at = start;
  out[at++] = BACKSLASH;
  const text = SHORT.get(byte) ?? `u${byte.toString(16).padStart(4, '0')}`;
  for (let i = 0; i < text.length; i++) out[at++] = text.charCodeAt(i);
  return at;
}
