// Log records back into columns (docs/formats/log-record.md). Everything is checked before anything
// is handed out: a record decodes as a whole or throws CodecError. Columns of 64-bit values are
// views of the record's bytes where these are aligned.
import { readHistogram } from '../codec/column-histogram.ts';
import { crc32 } from '../codec/crc32.ts';
import { ByteReader, CodecError } from '../codec/varint.ts';
import { KIND } from '../model/columns.ts';
import type {
  Attribute,
  Companions,
  Exemplar,
  Metadata,
  NameSplit,
  Points,
  ValueColumn,
} from '../model/columns.ts';
import { matcher } from '../model/matcher.ts';
import type { Matcher } from '../model/matcher.ts';
import {
  COMPANION,
  HEADER_SIZE,
  MATCH_TYPES,
  RECORD_FLAG,
  RECORD_KIND,
  RECORD_VERSION,
  TIME_MODE,
} from './record-layout.ts';
import type { BatchRecord, DeleteRecord, RecordHeader } from './record-layout.ts';
import { readSeries, skipSeries } from './record-series.ts';

export interface DecodeOptions {
  readonly skipCrc?: boolean;
  /** Refs of this session are known to the caller: their definitions are stepped over. */
  readonly ownSession?: number;
  /** Room for columns of one time, which are then good until the next call. */
  readonly times?: Float64Array;
}

/** What is left of the room for columns of one time. */
interface TimeRoom {
  readonly times: Float64Array;
  used: number;
}

const NO_TIMES = new Float64Array(0);

/**
 * Decodes a record that the log gave at `offset`; borrows `bytes` for as long as the result lives.
 */
export function decodeRecord(
  bytes: Uint8Array,
  offset: number,
  options: DecodeOptions = {},
): BatchRecord | DeleteRecord {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const reader = new ByteReader(aligned);
  if (reader.left < HEADER_SIZE) throw new CodecError(`a record of ${reader.left} bytes`);
  const crc = reader.u32();
  if (options.skipCrc !== true && crc32(aligned.subarray(4)) !== crc)
    throw new CodecError('the checksum of the record is wrong');
  const version = reader.u8();
  if (version !== RECORD_VERSION)
    throw new CodecError(`record version ${version}, known is ${RECORD_VERSION}`);
  const kind = reader.u8();
  const flags = reader.u16();
  const header = readHeader(reader, (flags & RECORD_FLAG.clientBatchId) !== 0);
  if (header.offset !== offset)
    throw new CodecError(`the record says it is number ${header.offset}, the log says ${offset}`);
  const isInline = (flags & RECORD_FLAG.inline) !== 0;
  const isKnown = !isInline && header.session === options.ownSession && offset >= header.session;
  const room = { times: options.times ?? NO_TIMES, used: 0 };
  const decoded =
    kind === RECORD_KIND.batch
      ? readBatch(reader, header, { isInline, isKnown, room })
      : kind === RECORD_KIND.delete
        ? readDelete(reader, header)
        : undefined;
  if (decoded === undefined) throw new CodecError(`unknown record kind ${kind}`);
  reader.finish();
  return decoded;
}

function readHeader(reader: ByteReader, isClientBatchId: boolean): RecordHeader {
  const offset = reader.f64();
  const durableOffset = reader.f64();
  const session = reader.f64();
  const writtenMs = reader.f64();
  const batchId = reader.raw(16);
  reader.u32();
  const sizeBytes = reader.u32();
  if (sizeBytes !== reader.end)
    throw new CodecError(`the record says ${sizeBytes} bytes, the log says ${reader.end}`);
  const tenant = reader.string();
  const tokenId = reader.string();
  const protocol = reader.string();
  return {
    offset,
    durableOffset,
    session,
    writtenMs,
    tenant,
    tokenId,
    protocol,
    batchId,
    isClientBatchId,
  };
}

function readDelete(reader: ByteReader, header: RecordHeader): DeleteRecord {
  const matchers: Matcher[] = [];
  for (let left = reader.count(3); left > 0; left--) {
    const type = MATCH_TYPES[reader.u8()];
    if (type === undefined) throw new CodecError(`unknown matcher type before ${reader.at}`);
    matchers.push(matcher(reader.string(), type, reader.string()));
  }
  return { kind: 'delete', header, matchers, startUs: reader.f64(), endUs: reader.f64() };
}

function readBatch(
  reader: ByteReader,
  header: RecordHeader,
  { isInline, isKnown, room }: { isInline: boolean; isKnown: boolean; room: TimeRoom },
): BatchRecord {
  const definitions = isKnown ? skipSeries(reader) : readSeries(reader, isInline);
  const metadata = rows(reader, 4, readMetadata);
  const exemplars = rows(reader, 18, readExemplar);
  const attributes = rows(reader, 3, readAttribute);
  const splits = rows(reader, 3, readSplit);
  const points: Points[] = rows(reader, 4, (one) => readPoints(one, room));
  const batch = { points, metadata, exemplars, attributes, splits };
  return { kind: 'batch', header, encoding: isInline ? 'inline' : 'ref', definitions, batch };
}

function rows<T>(reader: ByteReader, sizeBytesMin: number, read: (reader: ByteReader) => T): T[] {
  const out: T[] = [];
  for (let left = reader.count(sizeBytesMin); left > 0; left--) out.push(read(reader));
  return out;
}

function readMetadata(reader: ByteReader): Metadata {
  return {
    family: reader.string(),
    type: reader.string(),
    unit: reader.string(),
    help: reader.string(),
  };
}

function readExemplar(reader: ByteReader): Exemplar {
  const ref = reader.varint();
  const labels = rows(reader, 1, (r) => r.string());
  return { ref, labels, tUs: reader.f64(), subNs: reader.varint(), value: reader.f64() };
}

function readAttribute(reader: ByteReader): Attribute {
  return { ref: reader.varint(), key: reader.string(), value: reader.string() };
}

function readSplit(reader: ByteReader): NameSplit {
  return { name: reader.string(), measurement: reader.string(), field: reader.string() };
}

// ---------------------------------------------------------------- columns

function doubles(reader: ByteReader, count: number): Float64Array<ArrayBuffer> {
  const { buffer, byteOffset } = reader.raw(count * 8);
  if (byteOffset % 8 !== 0) throw new CodecError(`column at ${reader.at} is not aligned`);
  return new Float64Array(buffer as ArrayBuffer, byteOffset, count);
}

function words(reader: ByteReader, count: number): Uint32Array {
  const { buffer, byteOffset } = reader.raw(count * 4);
  return new Uint32Array(buffer, byteOffset, count);
}

function readTimes(
  reader: ByteReader,
  { mode, count }: { readonly mode: number; readonly count: number },
  room: TimeRoom,
): Float64Array {
  if (mode === TIME_MODE.raw) return doubles(reader, count);
  if (mode !== TIME_MODE.const) throw new CodecError(`unknown time mode ${mode}`);
  const tUs = reader.f64();
  const end = room.used + count;
  if (end > room.times.length) return new Float64Array(count).fill(tUs);
  const times = room.times.subarray(room.used, end).fill(tUs);
  room.used = end;
  return times;
}

function readPoints(reader: ByteReader, room: TimeRoom): Points {
  const kind = reader.u8();
  const companions = reader.u8();
  const timeMode = reader.u8();
  const count = reader.count(1);
  reader.pad(8);
  const tUs = readTimes(reader, { mode: timeMode, count }, room);
  const fixed = kind <= KIND.u64 ? doubles(reader, count) : undefined;
  const startUs = (companions & COMPANION.startUs) === 0 ? undefined : doubles(reader, count);
  const position =
    (companions & COMPANION.position) === 0
      ? undefined
      : {
          latitude: doubles(reader, count),
          longitude: doubles(reader, count),
          elevation: doubles(reader, count),
        };
  const refs = words(reader, count);
  const rowNumbers = (companions & COMPANION.rows) === 0 ? undefined : words(reader, count);
  const subNs =
    (companions & COMPANION.subNs) === 0 ? undefined : new Uint16Array(reader.copy(count * 2));
  const common: Companions = { subNs, startUs, position };
  return {
    ...common,
    ...readValues(reader, kind, count, fixed),
    count,
    tUs,
    refs,
    rows: rowNumbers,
  };
}

function readValues(
  reader: ByteReader,
  kind: number,
  count: number,
  fixed: Float64Array<ArrayBuffer> | undefined,
): ValueColumn {
  if (fixed !== undefined) {
    const { buffer, byteOffset } = fixed;
    if (kind === KIND.f64) return { kind, values: fixed };
    if (kind === KIND.i64) return { kind, values: new BigInt64Array(buffer, byteOffset, count) };
    return { kind: KIND.u64, values: new BigUint64Array(buffer, byteOffset, count) };
  }
  if (kind === KIND.boolean) return { kind, values: reader.raw(count) };
  if (kind === KIND.string)
    return { kind, values: Array.from({ length: count }, () => reader.string()) };
  if (kind === KIND.histogram)
    return { kind, values: Array.from({ length: count }, () => readHistogram(reader)) };
  throw new CodecError(`unknown kind ${kind}`);
}
