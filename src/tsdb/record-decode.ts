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
  RECORD_VERSION_MIN,
  TIME_MODE,
} from './record-layout.ts';
import type { BatchRecord, DeleteRecord, RecordHeader } from './record-layout.ts';
import { spreadRefs, spreadTimes } from './record-runs.ts';
import { readSeries, skipSeries } from './record-series.ts';
import { readPacked } from './record-values.ts';

export interface DecodeOptions {
  readonly skipCrc?: boolean;
  /** Refs of this session are known to the caller: their definitions are stepped over. */
  readonly ownSession?: number;
  /** Rooms for columns that do not stand in the record, which are then good until the next call. */
  readonly times?: Float64Array;
  readonly values?: Float64Array<ArrayBuffer>;
  readonly refs?: Uint32Array;
}

/** What is left of the rooms. */
class Room {
  readonly #times: Float64Array;
  readonly #values: Float64Array<ArrayBuffer>;
  readonly #refs: Uint32Array;
  #timesUsed = 0;
  #valuesUsed = 0;
  #refsUsed = 0;

  constructor({ times = NO_TIMES, values = NO_VALUES, refs = NO_REFS }: DecodeOptions) {
    this.#times = times;
    this.#values = values;
    this.#refs = refs;
  }

  times(count: number): Float64Array {
    const end = this.#timesUsed + count;
    if (end > this.#times.length) return new Float64Array(count);
    const times = this.#times.subarray(this.#timesUsed, end);
    this.#timesUsed = end;
    return times;
  }

  values(count: number): Float64Array<ArrayBuffer> {
    const end = this.#valuesUsed + count;
    if (end > this.#values.length) return new Float64Array(count);
    const values = this.#values.subarray(this.#valuesUsed, end);
    this.#valuesUsed = end;
    return values;
  }

  refs(count: number): Uint32Array {
    const end = this.#refsUsed + count;
    if (end > this.#refs.length) return new Uint32Array(count);
    const refs = this.#refs.subarray(this.#refsUsed, end);
    this.#refsUsed = end;
    return refs;
  }
}

const NO_TIMES = new Float64Array(0);
const NO_VALUES = new Float64Array(0);
const NO_REFS = new Uint32Array(0);

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
  if (version > RECORD_VERSION || version < RECORD_VERSION_MIN)
    throw new CodecError(`record version ${version}, known is ${RECORD_VERSION}`);
  const kind = reader.u8();
  const flags = reader.u16();
  const header = readHeader(reader, (flags & RECORD_FLAG.clientBatchId) !== 0);
  if (header.offset !== offset)
    throw new CodecError(`the record says it is number ${header.offset}, the log says ${offset}`);
  const isInline = (flags & RECORD_FLAG.inline) !== 0;
  const isKnown = !isInline && header.session === options.ownSession && offset >= header.session;
  const room = new Room(options);
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
  { isInline, isKnown, room }: { isInline: boolean; isKnown: boolean; room: Room },
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

/** Where runs stand, lengths come behind the columns of 64 bits. */
interface TimesHead {
  readonly mode: number;
  readonly count: number;
  readonly times: Float64Array;
}

function readTimesHead(reader: ByteReader, mode: number, count: number, runs: number): TimesHead {
  const stored = mode === TIME_MODE.raw ? count : mode === TIME_MODE.const ? 1 : runs;
  return { mode, count, times: doubles(reader, stored) };
}

function readTimes(
  reader: ByteReader,
  { mode, count, times }: TimesHead,
  room: Room,
): Float64Array {
  if (mode === TIME_MODE.raw) return times;
  const out = room.times(count);
  if (mode === TIME_MODE.const) return out.fill(times[0]!);
  spreadTimes(times, words(reader, times.length), out);
  return out;
}

function readRefs(reader: ByteReader, count: number, runs: number, room: Room): Uint32Array {
  if (runs < 0) return words(reader, count);
  const out = room.refs(count);
  spreadRefs(words(reader, runs), words(reader, runs), out);
  return out;
}

function readPoints(reader: ByteReader, room: Room): Points {
  const kind = reader.u8();
  const companions = reader.u8();
  const timeMode = reader.u8();
  if (timeMode > TIME_MODE.runs) throw new CodecError(`unknown time mode ${timeMode}`);
  const count = reader.count(1);
  const timeRuns = timeMode === TIME_MODE.runs ? reader.count(12) : 0;
  const seriesRuns = (companions & COMPANION.seriesRuns) === 0 ? -1 : reader.count(8);
  reader.pad(8);
  const timesHead = readTimesHead(reader, timeMode, count, timeRuns);
  const isPacked = (companions & COMPANION.packed) !== 0;
  if (isPacked && kind > KIND.u64) throw new CodecError(`kind ${kind} has no packed values`);
  const fixed = kind <= KIND.u64 && !isPacked ? doubles(reader, count) : undefined;
  const startUs = (companions & COMPANION.startUs) === 0 ? undefined : doubles(reader, count);
  const position =
    (companions & COMPANION.position) === 0
      ? undefined
      : {
          latitude: doubles(reader, count),
          longitude: doubles(reader, count),
          elevation: doubles(reader, count),
        };
  const tUs = readTimes(reader, timesHead, room);
  const refs = readRefs(reader, count, seriesRuns, room);
  const rowNumbers = (companions & COMPANION.rows) === 0 ? undefined : words(reader, count);
  const subNs =
    (companions & COMPANION.subNs) === 0 ? undefined : new Uint16Array(reader.copy(count * 2));
  const common: Companions = { subNs, startUs, position };
  const column = isPacked ? readPacked(reader, room.values(count), kind === KIND.f64) : fixed;
  return {
    ...common,
    ...readValues(reader, kind, count, column),
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
