// One block: header, CRC, aggregates, columns (docs/formats/block.md). The shapes are those of
// model/columns.ts, which this room may not know; a model Samples is a BlockSamples and back.
import { BLOCK_AGGREGATES_COUNT_MIN, BLOCK_COUNT_MAX, BLOCK_SIZE_MAX_BYTES } from './limits.ts';
import {
  isSmallInteger,
  MODE,
  readBigInts,
  readBits,
  readColumn,
  readDoubles,
  readStrings,
  readSubNs,
  readTimes,
  writeBigInts,
  writeBits,
  writeColumn,
  writeDoubles,
  writeStrings,
  writeSubNs,
  writeTimes,
} from './column.ts';
import type { Column } from './column.ts';
import { readHistogram, writeHistogram } from './column-histogram.ts';
import type { HistogramShape } from './column-histogram.ts';
import { crc32c } from './crc32c.ts';
import { ByteReader, ByteWriter, CodecError } from './varint.ts';

const VERSION = 2;
const HEADER_SIZE = 32;
const AGGREGATES_SIZE = 48;
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
} as const;
const FLAGS_KNOWN = 0x71f;

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

/** Appends the block of `samples` (1…BLOCK_COUNT_MAX, ascending in time) to `out`; returns its size. */
export function encodeBlock(out: ByteWriter, samples: BlockSamples): number {
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
  out.u32(0);
  out.u8(VERSION);
  out.u8(samples.kind);
  out.u16(flags);
  out.u32(count);
  out.u32(0);
  out.f64(tUs[0]!);
  out.f64(tUs[count - 1]!);
  if ((flags & BLOCK_FLAG.hasAggregates) !== 0) {
    const { min, max, sum, first, last, increase } = facts;
    for (const value of [min, max, sum, first, last, increase]) out.f64(value);
  }
  writeTimes(out, scratch, tUs, count);
  if (subNs !== undefined) writeSubNs(out, scratch, subNs, count);
  if (startUs !== undefined) writeDoubles(out, scratch, startUs, count);
  if (position !== undefined)
    for (const axis of [position.latitude, position.longitude, position.elevation])
      writeDoubles(out, scratch, axis, count);
  writeValues(out, samples);
  const sizeBytes = out.size - start;
  if (sizeBytes > BLOCK_SIZE_MAX_BYTES) throw new CodecError(`a block of ${sizeBytes} bytes`);
  out.u32At(start + 12, sizeBytes);
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
      return writeColumn(out, scratch, MODE.histograms, (payload) => {
        for (let i = 0; i < count; i++) writeHistogram(payload, samples.values[i]!);
      });
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
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (words[2 * i] === STALE_LOW && words[2 * i + 1] === STALE_HIGH) {
      flags |= BLOCK_FLAG.hasStale;
      flags &= ~BLOCK_FLAG.allInteger;
      continue;
    }
    if (!isSmallInteger(value)) flags &= ~BLOCK_FLAG.allInteger;
    sum += value;
    if (seen) {
      if (!(value >= last)) flags &= ~BLOCK_FLAG.noReset;
      increase += value < last ? value : value - last;
      min = Math.min(min, value);
      max = Math.max(max, value);
    } else {
      first = min = max = value;
      seen = true;
    }
    last = value;
  }
  return { flags, min, max, sum, first, last, increase };
}

/**
 * Checks and reads the header of the block at `start`. Throws CodecError; `skipCrc` is for tests that
 * prove the check is needed.
 */
export function readBlockHeader(
  bytes: Uint8Array,
  start: number,
  options: { readonly skipCrc?: boolean } = {},
): BlockHeader {
  const reader = new ByteReader(bytes, start);
  const crc = reader.u32();
  const version = reader.u8();
  const kind = reader.u8();
  const flags = reader.u16();
  const count = reader.u32();
  const sizeBytes = reader.u32();
  if (sizeBytes < HEADER_SIZE || sizeBytes > bytes.length - start)
    throw new CodecError(`a block of ${sizeBytes} bytes in ${bytes.length - start}`);
  if (options.skipCrc !== true && crc32c(bytes.subarray(start + 4, start + sizeBytes)) !== crc)
    throw new CodecError('the checksum of the block is wrong');
  if (version !== VERSION) throw new CodecError(`block version ${version}, known is ${VERSION}`);
  if (kind > 5 || (flags & ~FLAGS_KNOWN) !== 0)
    throw new CodecError(`block kind ${kind}, flags ${flags}`);
  if (count < 1 || count > BLOCK_COUNT_MAX) throw new CodecError(`a block of ${count} samples`);
  const firstUs = reader.f64();
  const lastUs = reader.f64();
  const hasAggregates = (flags & BLOCK_FLAG.hasAggregates) !== 0;
  const aggregates = hasAggregates ? readAggregates(reader) : undefined;
  const known = kind as BlockSamples['kind'];
  return { kind: known, flags, count, sizeBytes, firstUs, lastUs, aggregates };
}

function readAggregates(reader: ByteReader): BlockAggregates {
  const [min, max, sum] = [reader.f64(), reader.f64(), reader.f64()];
  return { min, max, sum, first: reader.f64(), last: reader.f64(), increase: reader.f64() };
}

/** Decodes the block at `start` into fresh arrays. Throws CodecError. */
export function decodeBlock(
  bytes: Uint8Array,
  start: number,
  options: { readonly skipCrc?: boolean } = {},
): BlockSamples {
  const header = readBlockHeader(bytes, start, options);
  const { flags, count, sizeBytes } = header;
  const bodyStart = start + HEADER_SIZE + (header.aggregates === undefined ? 0 : AGGREGATES_SIZE);
  const reader = new ByteReader(bytes, bodyStart, start + sizeBytes);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const tUs = readTimes(readColumn(reader), count);
  const subNs = has(BLOCK_FLAG.hasSubNs) ? readSubNs(readColumn(reader), count) : undefined;
  const startUs = has(BLOCK_FLAG.hasStartUs) ? readDoubles(readColumn(reader), count) : undefined;
  const position = has(BLOCK_FLAG.hasPosition)
    ? {
        latitude: readDoubles(readColumn(reader), count),
        longitude: readDoubles(readColumn(reader), count),
        elevation: readDoubles(readColumn(reader), count),
      }
    : undefined;
  const values = readValues(header.kind, readColumn(reader), count);
  reader.finish();
  return { ...values, count, tUs, subNs, startUs, position };
}

function readValues(kind: BlockSamples['kind'], column: Column, count: number): BlockValues {
  switch (kind) {
    case 0:
      return { kind, values: readDoubles(column, count) };
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

function readHistograms({ mode, payload }: Column, count: number): HistogramShape[] {
  if (mode !== MODE.histograms) throw new CodecError(`unknown mode ${mode} of a histogram column`);
  const out: HistogramShape[] = [];
  for (let i = 0; i < count; i++) out.push(readHistogram(payload));
  payload.finish();
  return out;
}
