// Blocks (docs/formats/block.md): a body holds flags, aggregates and columns; kind, count and times
// come from outside, or from the front of a whole block. The shapes are those of model/columns.ts,
// which this room may not know; a model Samples is a BlockSamples and back.
import {
  constantAggregates,
  factsOf,
  readAggregates,
  readConstant,
  VALUE_FLAG,
  writeAggregates,
  writeConstant,
  writeConstantWord,
} from './aggregates.ts';
import type { BlockAggregates } from './aggregates.ts';
import {
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
import { nearestDoubles } from '../stdx/nearest-double.ts';
import { readHistograms, writeHistograms } from './column-histogram.ts';
import { hasSibling, readSiblingDoubles, writeSiblingDoubles } from './column-sibling.ts';
import type { HistogramShape } from './column-histogram.ts';
import { crc32c } from './crc32c.ts';
import { bodyByKernel } from './encode-kernel.ts';
import { BLOCK_AGGREGATES_COUNT_MIN, BLOCK_COUNT_MAX, BLOCK_SIZE_MAX_BYTES } from './limits.ts';
import { ByteReader, ByteWriter, CodecError } from './varint.ts';

const VERSION = 3;
/** CRC, flags, and at least one byte of values. */
const BODY_SIZE_MIN = 6;
const FLAGS_OFFSET = 4;

export const BLOCK_FLAG = {
  ...VALUE_FLAG,
  unsorted: 8,
  hasAggregates: 16,
  constant: 32,
  hasCompanions: 64,
  hasSibling: 128,
} as const;
const COMPANION = { subNs: 1, startUs: 2, position: 4 } as const;
const COMPANIONS_KNOWN = 7;

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

export interface BlockHeader {
  readonly flags: number;
  /** undefined where the block is short or its kind has none. */
  readonly aggregates: BlockAggregates | undefined;
}

/** Where a body lies and what it does not say itself. */
export interface BodyPlace {
  readonly start: number;
  readonly sizeBytes: number;
  readonly kind: number;
  readonly count: number;
}

const scratch = new ByteWriter(1 << 16);
const shape = new Uint8Array(3);

function bodyCrc(body: Uint8Array, kind: number, count: number): number {
  shape[0] = kind;
  shape[1] = count & 255;
  shape[2] = count >> 8;
  return crc32c(shape, crc32c(body.subarray(4)));
}

/**
 * Appends the body of `samples` (1…BLOCK_COUNT_MAX, ascending in time); returns its size. With a
 * `sibling`, as many doubles, the values may be written beside it: `needsSibling` tells.
 */
export function encodeBody(out: ByteWriter, samples: BlockSamples, sibling?: Float64Array): number {
  const { count, kind, subNs, startUs, position } = samples;
  if (count < 1 || count > BLOCK_COUNT_MAX) throw new CodecError(`a block of ${count} samples`);
  const start = out.size;
  if (sibling === undefined && isByKernel(out, samples)) return out.size - start;
  const numbers = numbersOf(samples);
  const facts = numbers === undefined ? undefined : factsOf(numbers, count);
  const isConstant = numbers !== undefined && isOneValue(samples);
  let flags = facts?.flags ?? 0;
  if (isConstant) flags |= BLOCK_FLAG.constant;
  else if (facts !== undefined && count >= BLOCK_AGGREGATES_COUNT_MIN)
    flags |= BLOCK_FLAG.hasAggregates;
  let companions = 0;
  if (subNs !== undefined) companions |= COMPANION.subNs;
  if (startUs !== undefined) companions |= COMPANION.startUs;
  if (position !== undefined) companions |= COMPANION.position;
  if (companions !== 0) flags |= BLOCK_FLAG.hasCompanions;
  out.u32(0);
  out.u8(flags);
  if (companions !== 0) out.u8(companions);
  if (isConstant) writeOneValue(out, samples);
  else if ((flags & BLOCK_FLAG.hasAggregates) !== 0) writeAggregates(out, facts!, count);
  if (subNs !== undefined) writeSubNs(out, scratch, subNs, count);
  if (startUs !== undefined) writeDoubles(out, scratch, startUs, count);
  if (position !== undefined)
    for (const axis of [position.latitude, position.longitude, position.elevation])
      writeDoubles(out, scratch, axis, count);
  if (!isConstant) {
    const at = out.size;
    if (sibling === undefined || kind !== 0) writeValues(out, samples);
    else if (writeSiblingDoubles(out, scratch, samples.values, { sibling, count }))
      out.bytes()[start + FLAGS_OFFSET]! |= BLOCK_FLAG.hasSibling;
    out.dropVarint(at + 1);
  }
  const sizeBytes = out.size - start;
  if (sizeBytes > BLOCK_SIZE_MAX_BYTES) throw new CodecError(`a block of ${sizeBytes} bytes`);
  out.u32At(start, bodyCrc(out.bytes().subarray(start), kind, count));
  return sizeBytes;
}

/** Appends the body where the kernel takes it. */
function isByKernel(out: ByteWriter, samples: BlockSamples): boolean {
  const { subNs, startUs, position } = samples;
  if (subNs !== undefined || startUs !== undefined || position !== undefined) return false;
  const isNumeric = samples.kind === 0 || samples.kind === 1 || samples.kind === 2;
  return isNumeric && bodyByKernel(out, samples);
}

/** Can the body that starts there be read only with the values of its sibling? */
export function needsSibling(bytes: Uint8Array, start: number): boolean {
  return (bytes[start + FLAGS_OFFSET]! & BLOCK_FLAG.hasSibling) !== 0;
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

function isOneValue(samples: BlockSamples): boolean {
  const { count } = samples;
  if (samples.kind >= 4) return false;
  if (count === 1) return true;
  if (samples.kind === 3) {
    for (let i = 1; i < count; i++) if (samples.values[i] !== samples.values[0]) return false;
    return true;
  }
  if (samples.kind === 0) {
    // Two numbers that differ, as they do in most columns: nothing needs to look at the bits.
    const [first, second] = [samples.values[0]!, samples.values[1]!];
    if (first < second || first > second) return false;
  }
  const { buffer, byteOffset } = samples.values as Float64Array;
  const words = new Int32Array(buffer, byteOffset, count * 2);
  for (let i = 2; i < words.length; i++) if (words[i] !== words[i & 1]) return false;
  return true;
}

function writeOneValue(out: ByteWriter, samples: BlockSamples): void {
  if (samples.kind === 1) writeConstantWord(out, samples.values[0]!);
  else if (samples.kind === 2) writeConstantWord(out, BigInt.asIntN(64, samples.values[0]!));
  else writeConstant(out, samples.values[0] as number);
}

/** Numeric kinds as doubles; undefined for strings and histograms. */
function numbersOf(samples: BlockSamples): Float64Array | undefined {
  switch (samples.kind) {
    case 0:
      return samples.values;
    case 1:
    case 2:
      return nearestDoubles(samples.values, samples.count);
    case 3:
      return Float64Array.from(samples.values.subarray(0, samples.count));
    case 4:
    case 5:
      return undefined;
  }
}

/** `skipCrc` is for tests that prove the check is needed. */
interface CheckOptions {
  readonly skipCrc?: boolean;
}

/** Flags and aggregates of a body, its columns unread. Throws CodecError. */
export function readBodyHeader(
  bytes: Uint8Array,
  place: BodyPlace,
  options: CheckOptions = {},
): BlockHeader {
  const { flags, aggregates } = openBody(bytes, place, options);
  return { flags, aggregates: aggregates() };
}

interface OpenBody {
  readonly flags: number;
  readonly companions: number;
  /** Every sample has this word; undefined where there is a column. */
  readonly constant: { readonly value: number; readonly bits: bigint } | undefined;
  readonly aggregates: () => BlockAggregates | undefined;
  /** Stands at the first column, ends with the body. */
  readonly reader: ByteReader;
}

function openBody(bytes: Uint8Array, place: BodyPlace, options: CheckOptions): OpenBody {
  const { start, sizeBytes, kind, count } = place;
  if (sizeBytes < BODY_SIZE_MIN || sizeBytes > bytes.length - start)
    throw new CodecError(`a block of ${sizeBytes} bytes in ${bytes.length - start}`);
  const reader = new ByteReader(bytes, start, start + sizeBytes);
  const crc = reader.u32();
  if (
    options.skipCrc !== true &&
    bodyCrc(bytes.subarray(start, start + sizeBytes), kind, count) !== crc
  )
    throw new CodecError('the checksum of the block is wrong');
  const flags = reader.u8();
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const companions = has(BLOCK_FLAG.hasCompanions) ? reader.u8() : 0;
  if (kind > 5 || companions > COMPANIONS_KNOWN)
    throw new CodecError(`block kind ${kind}, flags ${flags} ${companions}`);
  if (count < 1 || count > BLOCK_COUNT_MAX) throw new CodecError(`a block of ${count} samples`);
  const isConstant = has(BLOCK_FLAG.constant);
  if (kind > 3 && (isConstant || has(BLOCK_FLAG.hasAggregates)))
    throw new CodecError(`flags ${flags} of kind ${kind}`);
  if (has(BLOCK_FLAG.hasSibling) && (kind !== 0 || isConstant))
    throw new CodecError(`flags ${flags} of kind ${kind}`);
  if (!isConstant) {
    const read = has(BLOCK_FLAG.hasAggregates) ? readAggregates(reader, count) : undefined;
    return { flags, companions, constant: undefined, aggregates: () => read, reader };
  }
  const constant = readConstant(reader, kind === 1 || kind === 2);
  const value = kind === 2 ? Number(BigInt.asUintN(64, constant.bits)) : constant.value;
  const aggregates = (): BlockAggregates =>
    constantAggregates(value, count, has(BLOCK_FLAG.hasStale));
  return { flags, companions, constant, aggregates, reader };
}

/** Buffers of BLOCK_COUNT_MAX elements that a decoder may fill instead of making arrays. */
export interface DecodeTarget {
  /** For whole blocks. */
  readonly tUs?: Float64Array;
  readonly values: Float64Array;
}

interface DecodeOptions extends CheckOptions {
  readonly target?: DecodeTarget;
  /** Values of the sibling, for bodies that need it; not in the target. */
  readonly sibling?: Float64Array | undefined;
}

/**
 * Decodes a body into fresh arrays; with a `target`, the values of doubles are a view of it, good
 * until its next use. `tUs` (as many as the place says) is borrowed by the result. Throws
 * CodecError.
 */
export function decodeBody(
  bytes: Uint8Array,
  place: BodyPlace,
  tUs: Float64Array,
  options: DecodeOptions = {},
): BlockSamples {
  const { count } = place;
  const { flags, companions, constant, reader } = openBody(bytes, place, options);
  if (tUs.length !== count) throw new CodecError(`${tUs.length} times of ${count} samples`);
  const has = (flag: number): boolean => (companions & flag) !== 0;
  const subNs = has(COMPANION.subNs) ? readSubNs(readColumn(reader), count) : undefined;
  const startUs = has(COMPANION.startUs) ? readDoubles(readColumn(reader), count) : undefined;
  const position = has(COMPANION.position)
    ? {
        latitude: readDoubles(readColumn(reader), count),
        longitude: readDoubles(readColumn(reader), count),
        elevation: readDoubles(readColumn(reader), count),
      }
    : undefined;
  const kind = place.kind as BlockSamples['kind'];
  const rest = { count, tUs, subNs, startUs, position };
  const { target } = options;
  if (constant !== undefined) {
    reader.finish();
    return { ...repeated(kind, constant, count, target), ...rest };
  }
  const column = lastColumn(reader);
  if ((flags & BLOCK_FLAG.hasSibling) === 0)
    return { ...readValues(kind, column, count, target), ...rest };
  return { kind: 0, values: readBeside(column, count, options), ...rest };
}

function readBeside(column: Column, count: number, options: DecodeOptions): Float64Array {
  const { sibling, target } = options;
  if (!hasSibling(column) || sibling?.length !== count)
    throw new CodecError('a block beside a sibling that is not there');
  return readSiblingDoubles(column, sibling, count, target?.values.subarray(0, count));
}

/** The column that takes what is left. */
function lastColumn(reader: ByteReader): Column {
  const mode = reader.u8();
  return { mode, payload: new ByteReader(reader.bytes, reader.at, reader.end) };
}

function repeated(
  kind: BlockSamples['kind'],
  { value, bits }: { readonly value: number; readonly bits: bigint },
  count: number,
  target: DecodeTarget | undefined,
): BlockValues {
  if (kind === 1) return { kind, values: new BigInt64Array(count).fill(bits) };
  if (kind === 2) return { kind, values: new BigUint64Array(count).fill(BigInt.asUintN(64, bits)) };
  if (kind === 3) {
    if (value !== 0 && value !== 1) throw new CodecError(`a boolean ${value}`);
    return { kind, values: new Uint8Array(count).fill(value) };
  }
  const values = target?.values.subarray(0, count) ?? new Float64Array(count);
  if (Number.isNaN(value))
    // By words: a fill with a double need not keep the payload of a NaN.
    new BigInt64Array(values.buffer, values.byteOffset, count).fill(bits);
  else values.fill(value);
  return { kind: 0, values };
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

// ---------------------------------------------------------------- whole blocks

const wholeBody = new ByteWriter(1 << 12);

/** Appends a block that can be read alone. */
export function encodeBlock(out: ByteWriter, samples: BlockSamples): void {
  wholeBody.reset();
  encodeBody(wholeBody, samples);
  wrapBody(out, samples, wholeBody.bytes());
}

/** Appends the block of a body that is encoded already. */
export function wrapBody(
  out: ByteWriter,
  block: { readonly kind: number; readonly count: number; readonly tUs: Float64Array },
  body: Uint8Array,
): void {
  const start = out.size;
  out.u32(0);
  out.u8(VERSION);
  out.u8(block.kind);
  out.u16(block.count);
  out.f64(block.tUs[0]!);
  writeTimes(out, scratch, block.tUs, block.count);
  out.varint(body.length);
  out.u32At(start, crc32c(out.bytes().subarray(start + 4)));
  out.raw(body);
}

/** The whole block at `start`; with a `target` its times are views of it. Throws CodecError. */
export function decodeBlock(
  bytes: Uint8Array,
  start: number,
  options: DecodeOptions = {},
): BlockSamples {
  const reader = new ByteReader(bytes, start);
  const crc = reader.u32();
  const version = reader.u8();
  if (version !== VERSION) throw new CodecError(`block version ${version}, known is ${VERSION}`);
  const kind = reader.u8();
  const count = reader.u16();
  if (count < 1 || count > BLOCK_COUNT_MAX) throw new CodecError(`a block of ${count} samples`);
  const firstUs = reader.f64();
  const column = readColumn(reader);
  const sizeBytes = reader.varint();
  if (options.skipCrc !== true && crc32c(bytes.subarray(start + 4, reader.at)) !== crc)
    throw new CodecError('the checksum of the block is wrong');
  const out = options.target?.tUs?.subarray(0, count) ?? new Float64Array(count);
  const tUs = readTimes(column, { count, firstUs }, out);
  return decodeBody(bytes, { start: reader.at, sizeBytes, kind, count }, tUs, options);
}
