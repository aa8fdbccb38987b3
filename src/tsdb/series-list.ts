// New series on their way to the thread of the shards: a program of lengths and the bytes of names
// and values, so that thousands of series cross as two arrays. Layout: SentSeries in crossing.ts.
import type { LabelBytes } from '../model/label-bytes.ts';
import { RANGE_STRIDE } from '../model/label-bytes.ts';
import type { Labels } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import type { SentSeries } from './crossing.ts';
import { grownU32, grownU8 } from '../stdx/growable.ts';

const encoder = new TextEncoder();
/** UTF-8 bytes of a UTF-16 unit at most. */
const BYTES_PER_UNIT_MAX = 3;

export class SeriesList {
  readonly shard: number;
  readonly tenant: TenantId;
  readonly #first: number;
  #program = new Uint32Array(64);
  #words = 0;
  #bytes = new Uint8Array(1024);
  #size = 0;
  /** Where the last series begins. */
  #lastWord = 0;
  #lastByte = 0;

  constructor(shard: number, tenant: TenantId, first: number) {
    this.shard = shard;
    this.tenant = tenant;
    this.#first = first;
  }

  get isEmpty(): boolean {
    return this.#words === 0;
  }

  /** Bytes of the names and values so far. */
  get sizeBytes(): number {
    return this.#size;
  }

  addLabels(labels: Labels): void {
    this.#begin(labels.length / 2);
    for (const text of labels) {
      this.#bytes = grownU8(this.#bytes, this.#size + text.length * BYTES_PER_UNIT_MAX);
      const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#size));
      this.#program[this.#words++] = written;
      this.#size += written;
    }
  }

  addBytes({ bytes, ranges, count }: LabelBytes): void {
    this.#begin(count);
    for (let at = 0; at < count * RANGE_STRIDE; at += 2) {
      const start = ranges[at]!;
      const length = ranges[at + 1]! - start;
      this.#bytes = grownU8(this.#bytes, this.#size + length);
      for (let i = 0; i < length; i++) this.#bytes[this.#size + i] = bytes[start + i]!;
      this.#program[this.#words++] = length;
      this.#size += length;
    }
  }

  #begin(count: number): void {
    this.#lastWord = this.#words;
    this.#lastByte = this.#size;
    this.#program = grownU32(this.#program, this.#words + 1 + count * 2);
    this.#program[this.#words++] = count;
  }

  /** Once after each `add`. */
  removeLast(): void {
    this.#words = this.#lastWord;
    this.#size = this.#lastByte;
  }

  lastKey(): string {
    const program = this.#program.subarray(this.#lastWord, this.#words);
    return seriesKey(this.tenant, program, this.#bytes.subarray(this.#lastByte, this.#size));
  }

  sent(): SentSeries {
    return {
      shard: this.shard,
      tenant: this.tenant,
      first: this.#first,
      program: this.#program.slice(0, this.#words),
      bytes: this.#bytes.slice(0, this.#size),
    };
  }
}

/** Equal series have equal keys and different ones different keys. */
function seriesKey(tenant: TenantId, program: Uint32Array, bytes: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = bytes;
  const text = Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
  return `${tenant} ${program.join(' ')} ${text}`;
}

/** Goes through the series that were sent; `labels` has to be that of nobody else. */
export class SeriesReader {
  readonly #sent: SentSeries;
  readonly #labels: LabelBytes;
  #word = 0;
  #byte = 0;
  #lastWord = 0;
  #lastByte = 0;

  constructor(sent: SentSeries, labels: LabelBytes) {
    this.#sent = sent;
    this.#labels = labels;
    const { buffer, byteOffset, byteLength } = sent.bytes;
    labels.open(sent.bytes, new DataView(buffer, byteOffset, byteLength));
  }

  /** Reads one series into the labels; false: there is none left. */
  next(): boolean {
    const { program } = this.#sent;
    if (this.#word === program.length) {
      this.#labels.close();
      return false;
    }
    this.#lastWord = this.#word;
    this.#lastByte = this.#byte;
    this.#labels.next();
    const end = this.#word + 1 + program[this.#word]! * 2;
    for (this.#word++; this.#word < end; this.#word += 2) {
      const name = this.#byte;
      const value = name + program[this.#word]!;
      this.#byte = value + program[this.#word + 1]!;
      this.#labels.push(name, value, value, this.#byte);
    }
    return true;
  }

  /** Of the series that was read last, as `SeriesList.lastKey`. */
  lastKey(): string {
    const { tenant, program, bytes } = this.#sent;
    return seriesKey(
      tenant,
      program.subarray(this.#lastWord, this.#word),
      bytes.subarray(this.#lastByte, this.#byte),
    );
  }
}
