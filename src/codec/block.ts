// One block: header, CRC, aggregates, columns (docs/formats/block.md). The shapes are those of
// model/columns.ts, which this room may not know; a model Samples is a BlockSamples and back.
import { BLOCK_AGGREGATES_COUNT_MIN, BLOCK_COUNT_MAX, BLOCK_SIZE_MAX_BYTES } from './limits.ts';
import {
  isSmallInteger,
  readBigInts,
  readBits,
  readColumn,
  readDoubles,
  readStrings,
  readSubNs,
  readTimes,
  writeBigInts,
  writeBits,
  writeDoubles,
  writeStrings,
  writeSubNs,
  writeTimes,
} from './column.ts';
import type { Column } from './column.ts';
import { readHistograms, writeHistograms } from './column-histogram.ts';
import type { HistogramShape } from './column-histogram.ts';
import { crc32c } from './crc32c.ts';
import { ByteReader, ByteWriter, CodecError } from './varint.ts';

const VERSION = 2;
/** Fixed fields; the span of time and the aggregates follow in as many bytes as they need. */
const HEADER_SIZE_MIN = 22;
const SPAN_END = 2 ** 52;
/** Aggregates up to here go out as varints. */
const AGGREGATE_INTEGER_MAX = 2 ** 51;
const AGGREGATES_ALL_SAME = 64;
const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;

export const BLOCK_FLAG = {
  noReset: 1,
  allInteger: 2,
  hasStale: 4,
  unsorted: 8,
  hasAggregates: 16,
  hasSubNs: 256,
  hasStartUs: 512,
  hasPosition: 1024,
  hasWideSpan: 2048,
  timesElsewhere: 4096,
} as const;
const FLAGS_KNOWN = 0x1f1f;

type BlockValues =
  | { readonly kind: 0; readonly values: Float64Array }
  | { readonly kind: 1; readonly values: BigInt64Array }
  | { readonly kind: 2; readonly values: BigUint64Array }
  | { readonly kind: 3; readonly values: Uint8Array }
  | { readonly kind: 4; readonly values: readonly string[] }
  | { readonly kind: 5; readonly values: readonly HistogramShape[] };

export type BlockSamples = BlockValues & {
  readonly count: number;
  readonly tUs: Float64Array;
  readonly subNs: Uint16Array | undefined;
  readonly startUs: Float64Array | undefined;
  readonly position:
    | {
        readonly latitude: Float64Array;
        readonly longitude: Float64Array;
        readonly elevation: Float64Array;
      }
    | undefined;
};

export interface BlockAggregates {
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly first: number;
  readonly last: number;
  readonly increase: number;
}

export interface BlockHeader {
  readonly kind: BlockSamples['kind'];
  readonly flags: number;
  readonly count: number;
  readonly sizeBytes: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly aggregates: BlockAggregates | undefined;
}

const scratch = new ByteWriter(1 << 16);

/**
 * Appends the block of `samples` (1…BLOCK_COUNT_MAX, ascending in time) to `out`; returns its
 * size. With `timesElsewhere` the block has no times of its own: encodeTimes keeps them once for
 * many series.
 */
export function encodeBlock(
  out: ByteWriter,
  samples: BlockSamples,
  options: { readonly timesElsewhere?: boolean } = {},
): number {
  const { count, tUs, subNs, startUs, position } = samples;
  if (count < 1 || count > BLOCK_COUNT_MAX) throw new CodecError(`a block of ${count} samples`);
  const start = out.size;
  const numbers = numbersOf(samples);
  const facts = numbers === undefined ? NO_FACTS : factsOf(numbers, count);
  let flags = facts.flags;
  if (numbers !== undefined && count >= BLOCK_AGGREGATES_COUNT_MIN)
    flags |= BLOCK_FLAG.hasAggregates;
  if (subNs !== undefined) flags |= BLOCK_FLAG.hasSubNs;
  if (startUs !== undefined) flags |= BLOCK_FLAG.hasStartUs;
  if (position !== undefined) flags |= BLOCK_FLAG.hasPosition;
  if (options.timesElsewhere === true) flags |= BLOCK_FLAG.timesElsewhere;
  const firstUs = tUs[0]!;
  const spanUs = tUs[count - 1]! - firstUs;
  if (Math.abs(spanUs) >= SPAN_END) flags |= BLOCK_FLAG.hasWideSpan;
  out.u32(0);
  out.u8(VERSION);
  out.u8(samples.kind);
  out.u16(flags);
  out.u32(0);
  out.u16(count);
  out.f64(firstUs);
  if ((flags & BLOCK_FLAG.hasWideSpan) === 0) out.zigzag(spanUs);
  else out.f64(tUs[count - 1]!);
  if ((flags & BLOCK_FLAG.hasAggregates) !== 0)
    writeAggregates(out, facts, (flags & BLOCK_FLAG.hasStale) === 0);
  if (options.timesElsewhere !== true) writeTimes(out, scratch, tUs, count);
  if (subNs !== undefined) writeSubNs(out, scratch, subNs, count);
  if (startUs !== undefined) writeDoubles(out, scratch, startUs, count);
  if (position !== undefined)
    for (const axis of [position.latitude, position.longitude, position.elevation])
      writeDoubles(out, scratch, axis, count);
  writeValues(out, samples);
  const sizeBytes = out.size - start;
  if (sizeBytes > BLOCK_SIZE_MAX_BYTES) throw new CodecError(`a block of ${sizeBytes} bytes`);
  out.u32At(start + 8, sizeBytes);
  out.u32At(start, crc32c(out.bytes().subarray(start + 4)));
  return sizeBytes;
}

function writeValues(out: ByteWriter, samples: BlockSamples): void {
  const { count } = samples;
  switch (samples.kind) {
    case 0:
      return writeDoubles(out, scratch, samples.values, count);
    case 1:
    case 2:
      return writeBigInts(out, scratch, samples.values, count);
    case 3:
      return writeBits(out, scratch, samples.values, count);
    case 4:
      return writeStrings(out, scratch, samples.values, count);
    case 5:
      return writeHistograms(out, scratch, samples.values, count);
  }
}

/** Numeric kinds as doubles; undefined for strings and histograms. */
function numbersOf(samples: BlockSamples): Float64Array | undefined {
  switch (samples.kind) {
    case 0:
      return samples.values;
    case 1:
    case 2:
      return Float64Array.from({ length: samples.count }, (_, i) => Number(samples.values[i]));
    case 3:
      return Float64Array.from(samples.values.subarray(0, samples.count));
    case 4:
    case 5:
      return undefined;
  }
}

const NO_FACTS = { flags: 0, min: 0, max: 0, sum: 0, first: 0, last: 0, increase: 0 };

function factsOf(values: Float64Array, count: number): typeof NO_FACTS {
  const words = new Int32Array(values.buffer, values.byteOffset, count * 2);
  let flags: number = BLOCK_FLAG.noReset | BLOCK_FLAG.allInteger;
  let min = Number.NaN;
  let max = Number.NaN;
  let first = Number.NaN;
  let last = Number.NaN;
  let sum = 0;
  let increase = 0;
  let seen = false;
  let areIntegers = true;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (words[2 * i + 1] === STALE_HIGH && words[2 * i] === STALE_LOW) {
      flags |= BLOCK_FLAG.hasStale;
      areIntegers = false;
      continue;
    }
    if (areIntegers) areIntegers = isSmallInteger(value);
    sum += value;
    if (!seen) {
      first = min = max = value;
      seen = true;
    } else {
      if (value >= last) increase += value - last;
      else {
        flags &= ~BLOCK_FLAG.noReset;
        increase += value < last ? value : value - last;
      }
      // Plain comparisons are faster, but know neither NaN nor the sign of zero.
      if (value > min && value < max) {
        last = value;
        continue;
      }
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    last = value;
  }
  if (!areIntegers) flags &= ~BLOCK_FLAG.allInteger;
  return { flags, min, max, sum, first, last, increase };
}

/**
 * Checks and reads the header of the block at `start`. Throws CodecError; `skipCrc` is for tests
 * that prove the check is needed.
 */
export function readBlockHeader(
  bytes: Uint8Array,
  start: number,
  options: { readonly skipCrc?: boolean } = {},
): BlockHeader {
  return openBlock(bytes, start, options).header;
}

/** Header, and a reader that stands at the first column and ends with the block. */
function openBlock(
  bytes: Uint8Array,
  start: number,
  options: { readonly skipCrc?: boolean },
): { readonly header: BlockHeader; readonly reader: ByteReader } {
  const fixed = new ByteReader(bytes, start);
  const crc = fixed.u32();
  const version = fixed.u8();
  const kind = fixed.u8();
  const flags = fixed.u16();
  const sizeBytes = fixed.u32();
  if (sizeBytes < HEADER_SIZE_MIN || sizeBytes > bytes.length - start)
    throw new CodecError(`a block of ${sizeBytes} bytes in ${bytes.length - start}`);
  if (options.skipCrc !== true && crc32c(bytes.subarray(start + 4, start + sizeBytes)) !== crc)
    throw new CodecError('the checksum of the block is wrong');
  if (version !== VERSION) throw new CodecError(`block version ${version}, known is ${VERSION}`);
  if (kind > 5 || (flags & ~FLAGS_KNOWN) !== 0)
    throw new CodecError(`block kind ${kind}, flags ${flags}`);
  const reader = new ByteReader(bytes, fixed.at, start + sizeBytes);
  const count = reader.u16();
  if (count < 1 || count > BLOCK_COUNT_MAX) throw new CodecError(`a block of ${count} samples`);
  const firstUs = reader.f64();
  const isWide = (flags & BLOCK_FLAG.hasWideSpan) !== 0;
  const lastUs = isWide ? reader.f64() : firstUs + reader.zigzag();
  const hasAggregates = (flags & BLOCK_FLAG.hasAggregates) !== 0;
  const aggregates = hasAggregates ? readAggregates(reader, count) : undefined;
  const known = kind as BlockSamples['kind'];
  const header = { kind: known, flags, count, sizeBytes, firstUs, lastUs, aggregates };
  return { header, reader };
}

/**
 * Whole numbers as varints, all but the smallest as distances from it; doubles otherwise.
 * `isWhole`: no sample was left out, so one value says it all where all are the same.
 */
function writeAggregates(out: ByteWriter, facts: BlockAggregates, isWhole: boolean): void {
  const { min, max, sum, first, last, increase } = facts;
  const base = isAggregateInteger(min) ? min : 0;
  if (isWhole && Object.is(min, max) && Number.isFinite(min)) {
    out.u8(AGGREGATES_ALL_SAME | (isAggregateInteger(min) ? 0 : 1));
    if (isAggregateInteger(min)) out.zigzag(min);
    else out.f64(min);
    return;
  }
  const list = [min, max, sum, first, last, increase];
  let doubles = 0;
  for (let i = 0; i < list.length; i++) if (!isAggregateInteger(list[i]!)) doubles |= 1 << i;
  out.u8(doubles);
  for (let i = 0; i < list.length; i++)
    if ((doubles & (1 << i)) !== 0) out.f64(list[i]!);
    else out.zigzag(i === 0 ? list[i]! : list[i]! - base);
}

function isAggregateInteger(value: number): boolean {
  return Math.abs(value) < AGGREGATE_INTEGER_MAX && isSmallInteger(value);
}

function readAggregates(reader: ByteReader, count: number): BlockAggregates {
  const form = reader.u8();
  if ((form & AGGREGATES_ALL_SAME) !== 0) {
    const value = (form & 1) === 0 ? reader.zigzag() : reader.f64();
    return {
      min: value,
      max: value,
      sum: sumOf(value, count),
      first: value,
      last: value,
      increase: 0,
    };
  }
  const list = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < list.length; i++)
    if ((form & (1 << i)) !== 0) list[i] = reader.f64();
    else list[i] = reader.zigzag() + (i > 0 && (form & 1) === 0 ? list[0]! : 0);
  const [min, max, sum, first, last, increase] = list as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { min, max, sum, first, last, increase };
}

/** What adding `value` that often gives, rounding included. */
function sumOf(value: number, count: number): number {
  if (value === 0) return 0;
  if (Math.abs(value) < SPAN_END / BLOCK_COUNT_MAX && Number.isInteger(value)) return value * count;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += value;
  return sum;
}

/** Buffers of BLOCK_COUNT_MAX elements that decodeBlock may fill instead of making arrays. */
export interface DecodeTarget {
  readonly tUs: Float64Array;
  readonly values: Float64Array;
}

interface DecodeOptions {
  readonly skipCrc?: boolean;
  readonly target?: DecodeTarget;
  readonly tUs?: Float64Array;
}

/**
 * Decodes the block at `start` into fresh arrays; with a `target`, times and the values of doubles
 * are views of it, good until its next use. A block whose times are elsewhere gets `tUs`, which it
 * borrows. Throws CodecError.
 */
export function decodeBlock(
  bytes: Uint8Array,
  start: number,
  options: DecodeOptions = {},
): BlockSamples {
  const { header, reader } = openBlock(bytes, start, options);
  const { flags, count } = header;
  const { target } = options;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const tUs = has(BLOCK_FLAG.timesElsewhere)
    ? givenTimes(header, options.tUs)
    : readTimes(
        readColumn(reader),
        header,
        target?.tUs.subarray(0, count) ?? new Float64Array(count),
      );
  const subNs = has(BLOCK_FLAG.hasSubNs) ? readSubNs(readColumn(reader), count) : undefined;
  const startUs = has(BLOCK_FLAG.hasStartUs) ? readDoubles(readColumn(reader), count) : undefined;
  const position = has(BLOCK_FLAG.hasPosition)
    ? {
        latitude: readDoubles(readColumn(reader), count),
        longitude: readDoubles(readColumn(reader), count),
        elevation: readDoubles(readColumn(reader), count),
      }
    : undefined;
  const values = readValues(header.kind, readColumn(reader), count, target);
  reader.finish();
  return { ...values, count, tUs, subNs, startUs, position };
}

function givenTimes(header: BlockHeader, tUs: Float64Array | undefined): Float64Array {
  const { count, firstUs, lastUs } = header;
  if (tUs?.length !== count || tUs[0] !== firstUs || tUs[count - 1] !== lastUs)
    throw new CodecError(`the times of the block, ${firstUs} to ${lastUs}, are others`);
  return tUs;
}

/** Appends the times of blocks that have none; the same times are always the same bytes. */
export function encodeTimes(out: ByteWriter, tUs: Float64Array, count: number): void {
  out.u16(count);
  out.f64(tUs[0]!);
  writeTimes(out, scratch, tUs, count);
}

/** What encodeTimes wrote; its checksum is the caller's. Throws CodecError. */
export function decodeTimes(reader: ByteReader): Float64Array {
  const count = reader.u16();
  if (count < 1 || count > BLOCK_COUNT_MAX) throw new CodecError(`${count} times`);
  const firstUs = reader.f64();
  return readTimes(readColumn(reader), { count, firstUs }, new Float64Array(count));
}

function readValues(
  kind: BlockSamples['kind'],
  column: Column,
  count: number,
  target: DecodeTarget | undefined,
): BlockValues {
  switch (kind) {
    case 0:
      return { kind, values: readDoubles(column, count, target?.values.subarray(0, count)) };
    case 1:
      return { kind, values: new BigInt64Array(readBigInts(column, count)) };
    case 2:
      return { kind, values: new BigUint64Array(readBigInts(column, count)) };
    case 3:
      return { kind, values: readBits(column, count) };
    case 4:
      return { kind, values: readStrings(column, count) };
    case 5:
      return { kind, values: readHistograms(column, count) };
  }
}
