// The fast half of the remote-write 2.0 scanner. A sender that repeats its series repeats its table
// of symbols and its references to it, byte for byte: then the refs of the message before are those
// of this one, and no label is looked at. Taken are series in the form that every sender writes,
// with nothing but samples and metadata:
//
//   2a LENGTH  0a SIZE references  { 12 SIZE [09 value] 10 TIME [18 TIME] }  [2a SIZE metadata]
//
// TIME has six bytes: the years 1971 to 2109. Whatever differs is left, untouched, to the general
// scanner (request-v2.ts), which gives the same points for what is taken here.
import { KIND } from '../../model/columns.ts';
import { BLOCK_POINTS } from '../../model/point-block.ts';
import type { PointBlock } from '../../model/point-block.ts';
import type { RowDictionary, RowSink } from '../../model/rows.ts';
import { REMEMBERED_BYTES_MAX, REMEMBERED_MESSAGE_BYTES_MAX } from '../limits.ts';
import { isSixByteVarint, sixByteVarint, TIME_BYTES } from './six-byte-varint.ts';

const SERIES_TAG = 0x2a;
const REFS_TAG = 0x0a;
const SAMPLE_TAG = 0x12;
const METADATA_TAG = 0x2a;
const VALUE_TAG = 0x09;
const TIME_TAG = 0x10;
const START_TAG = 0x18;

/** Series of a message by place: where their references stand, what they came to. */
export class SeriesList {
  count = 0;
  /** Start and end of the references of each. */
  ranges = new Int32Array(512);
  refs = new Uint32Array(256);
  /** Symbol of the metric name, or -1. */
  names = new Int32Array(256);

  push(start: number, end: number, ref: number, name: number): void {
    const index = this.count++;
    if (index === this.refs.length) this.#grow();
    this.ranges[index * 2] = start;
    this.ranges[index * 2 + 1] = end;
    this.refs[index] = ref;
    this.names[index] = name;
  }

  #grow(): void {
    const { ranges, refs, names } = this;
    this.ranges = new Int32Array(ranges.length * 2);
    this.refs = new Uint32Array(refs.length * 2);
    this.names = new Int32Array(names.length * 2);
    this.ranges.set(ranges);
    this.refs.set(refs);
    this.names.set(names);
  }
}

/** A message as remembered; ranges are positions in `references`. */
export interface RememberedMessage {
  /** Bytes of the table of symbols, from the first to the last. */
  readonly table: Uint8Array;
  readonly references: Uint8Array;
  readonly view: DataView;
  readonly series: SeriesList;
}

/** The messages of one dictionary by a hash of their tables. */
type Messages = Map<number, RememberedMessage>;

/** Only a cache: a sender whose messages never repeat costs one copy of each. */
const memories = new WeakMap<RowDictionary, Messages>();
/** What each message is to be removed from, in order of first use. */
const places = new Map<RememberedMessage, readonly [Messages, number]>();
let rememberedBytes = 0;

/** Of the table at [0, end); chooses a place, proves nothing. */
function tableHash(view: DataView, end: number): number {
  let hash = end;
  let at = 0;
  for (; at + 4 <= end; at += 4)
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1) ^ (hash >>> 15);
  for (; at < end; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x9e3779b1);
  return hash ^ (hash >>> 13);
}

/** The last message with the table of symbols at [0, tableEnd) of this body. */
export function recall(
  dictionary: RowDictionary,
  body: DataView,
  tableEnd: number,
): RememberedMessage | undefined {
  const known = memories.get(dictionary)?.get(tableHash(body, tableEnd));
  if (known === undefined || known.table.length !== tableEnd) return undefined;
  const table = new Uint8Array(body.buffer, body.byteOffset, tableEnd);
  return Buffer.compare(known.table, table) === 0 ? known : undefined;
}

/** Refs of this dictionary may be stale. */
export function forget(dictionary: RowDictionary): void {
  for (const message of memories.get(dictionary)?.values() ?? []) drop(message);
}

function drop(message: RememberedMessage): void {
  const place = places.get(message);
  if (place === undefined) return;
  places.delete(message);
  place[0].delete(place[1]);
  rememberedBytes -= sizeOf(message);
}

function sizeOf({ table, references, series }: RememberedMessage): number {
  return table.length + references.length + series.ranges.length * 8;
}

/** Remembers a message all of whose series were taken, unless it is too large for that. */
export function remember(
  dictionary: RowDictionary,
  body: DataView,
  tableEnd: number,
  series: SeriesList,
): void {
  const { count, ranges } = series;
  let sizeBytes = 0;
  for (let i = 0; i < count; i++) sizeBytes += ranges[i * 2 + 1]! - ranges[i * 2]!;
  if (tableEnd + sizeBytes > REMEMBERED_MESSAGE_BYTES_MAX) return;
  const bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  const references = new Uint8Array(sizeBytes);
  const own = new SeriesList();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const start = ranges[i * 2]!;
    const end = ranges[i * 2 + 1]!;
    references.set(bytes.subarray(start, end), at);
    own.push(at, at + end - start, series.refs[i]!, series.names[i]!);
    at += end - start;
  }
  const view = new DataView(references.buffer);
  const table = bytes.slice(0, tableEnd);
  keep(dictionary, tableHash(body, tableEnd), { table, references, view, series: own });
}

/** Lets the first ones go until all fit. */
function keep(dictionary: RowDictionary, hash: number, message: RememberedMessage): void {
  const messages: Messages = memories.get(dictionary) ?? new Map();
  memories.set(dictionary, messages);
  const before = messages.get(hash);
  if (before !== undefined) drop(before);
  messages.set(hash, message);
  places.set(message, [messages, hash]);
  rememberedBytes += sizeOf(message);
  for (const oldest of places.keys()) {
    if (rememberedBytes <= REMEMBERED_BYTES_MAX) return;
    drop(oldest);
  }
}

export interface PredictedV2 {
  readonly body: Uint8Array;
  /** Over the same memory as `body`. */
  readonly view: DataView;
  readonly end: number;
  readonly memory: RememberedMessage;
  readonly block: PointBlock;
  /** Start times of the points of the block. */
  readonly starts: Float64Array;
  readonly sink: RowSink;
  /** Of this message, in the order of its series. */
  readonly series: SeriesList;
  /** Reads metadata in [start, end) of a series with this symbol as its name. */
  readonly describe: (start: number, end: number, name: number) => void;
  /** Samples taken so far. */
  sampleCount: number;
}

/** The number in the six bytes of a varint; NaN where they are none. */
function timeAt(view: DataView, at: number): number {
  const low = view.getInt32(at, true);
  const high = view.getUint16(at + 4, true);
  return isSixByteVarint(low, high) ? sixByteVarint(low, high) : Number.NaN;
}

/** Do `size` bytes at two places agree? Both may be read four bytes beyond. */
function isEqual(a: DataView, i: number, b: DataView, k: number, size: number): boolean {
  let at = 0;
  for (; at + 4 <= size; at += 4)
    if (a.getInt32(i + at, true) !== b.getInt32(k + at, true)) return false;
  for (; at < size; at++) if (a.getUint8(i + at) !== b.getUint8(k + at)) return false;
  return true;
}

/** Takes series from `start` on; the position of the first field to be read by the book. */
// oxlint-disable-next-line max-lines-per-function -- one state machine; its state lives in locals
export function takePredictedV2(predicted: PredictedV2, start: number): number {
  const { body, view, end, memory, block, starts, sink, series } = predicted;
  const { refs, kinds, tUs, subNs, words } = block;
  const known = memory.series;
  let at = start;
  message: while (at + 4 < end && body[at] === SERIES_TAG) {
    const index = series.count;
    if (index >= known.count) break;
    let i = at + 1;
    let length = body[i++]!;
    if (length >= 128) {
      const more = body[i++]!;
      if (more >= 128) break;
      length = (length & 127) | (more << 7);
    }
    const stop = i + length;
    if (stop > end || body[i] !== REFS_TAG) break;
    const size = body[i + 1]!;
    const refsStart = i + 2;
    const from = known.ranges[index * 2]!;
    if (size >= 128 || size !== known.ranges[index * 2 + 1]! - from) break;
    if (refsStart + size > stop || !isEqual(view, refsStart, memory.view, from, size)) break;
    i = refsStart + size;
    const ref = known.refs[index]!;
    const base = block.count;
    let point = base;
    let isStarted = false;
    while (i < stop && body[i] === SAMPLE_TAG) {
      if (i + 3 + TIME_BYTES > stop || point === BLOCK_POINTS) break message;
      const sampleEnd = i + 2 + body[i + 1]!;
      if (sampleEnd > stop) break message;
      let low = 0;
      let high = 0;
      i += 2;
      // A value of zero is not written.
      if (body[i] === VALUE_TAG) {
        if (i + 10 + TIME_BYTES > stop) break message;
        low = view.getInt32(i + 1, true);
        high = view.getInt32(i + 5, true);
        i += 9;
      }
      if (body[i] !== TIME_TAG || i + 1 + TIME_BYTES > sampleEnd) break message;
      const timeMs = timeAt(view, i + 1);
      i += 1 + TIME_BYTES;
      let startMs = Number.NaN;
      if (i < sampleEnd) {
        if (body[i] !== START_TAG || i + 1 + TIME_BYTES !== sampleEnd) break message;
        startMs = timeAt(view, i + 1);
        if (startMs !== startMs) break message;
        isStarted = true;
      }
      if (timeMs !== timeMs) break message;
      refs[point] = ref;
      kinds[point] = KIND.f64;
      tUs[point] = timeMs * 1000;
      subNs[point] = 0;
      words[point * 2] = low;
      words[point * 2 + 1] = high;
      starts[point] = startMs * 1000;
      point++;
      i = sampleEnd;
    }
    if (point === base) break;
    if (i < stop) {
      if (body[i] !== METADATA_TAG || i + 2 + body[i + 1]! !== stop) break;
      predicted.describe(i + 2, stop, known.names[index]!);
    }
    series.push(refsStart, refsStart + size, ref, known.names[index]!);
    predicted.sampleCount += point - base;
    block.count = point;
    if (isStarted) block.startUs = starts;
    at = stop;
    // Room for the samples that a series usually has.
    if (point > BLOCK_POINTS - 8) {
      block.flush(sink);
      block.startUs = undefined;
    }
  }
  return at;
}
