// Writes and deletes as log records (docs/formats/log-record.md): columns go out as they are, one
// copy each; strings of labels once per record.
import { writeHistogram } from '../codec/column-histogram.ts';
import { combinedCrc32, crc32 } from '../codec/crc32.ts';
import { ByteWriter } from '../codec/varint.ts';
import { isConstant, KIND } from '../model/columns.ts';
import type { Points, SeriesRef, WriteBatch } from '../model/columns.ts';
import {
  COMPANION,
  MATCH_TYPES,
  RECORD_FLAG,
  RECORD_KIND,
  RECORD_VERSION,
  SIZE_OFFSET,
  TIME_MODE,
} from './record-layout.ts';
import type { DeleteRecord, RecordHeader, SeriesEncoding } from './record-layout.ts';
import {
  findRefRuns,
  findTimeRuns,
  refLengths,
  runRefs,
  runTimes,
  timeLengths,
} from './record-runs.ts';
import type { SeriesWriter } from './record-series.ts';
import { packingOf, writePacked } from './record-values.ts';

const writer = new ByteWriter(1 << 16);

/** Below it a checksum costs less than a combination of two. */
const COMBINE_SIZE_MIN = 16_384;

/** The bytes of a record, borrowed until the next one is encoded. */
export interface EncodedRecord {
  readonly bytes: Uint8Array;
  /** crc32 of the bytes where it came with the record's own. */
  readonly crc: number | undefined;
}

/** Which refs a record must define, and how its columns number them. */
export interface SeriesNumbers {
  readonly encoding: SeriesEncoding;
  readonly definitions: readonly SeriesRef[];
  readonly labels: SeriesWriter;
  numberOf(ref: SeriesRef): number;
}

/** Every ref used by points, exemplars and attributes of a batch, in order, with repetitions. */
export function* refsOf(batch: WriteBatch): Iterable<SeriesRef> {
  for (const points of batch.points) for (let i = 0; i < points.count; i++) yield points.refs[i]!;
  for (const row of batch.exemplars) yield row.ref;
  for (const row of batch.attributes) yield row.ref;
}

/** The inline form: a dictionary of the record's own. */
export function inlineNumbers(batch: WriteBatch, labels: SeriesWriter): SeriesNumbers {
  const numbers = new Map<SeriesRef, number>();
  for (const ref of refsOf(batch)) if (!numbers.has(ref)) numbers.set(ref, numbers.size);
  const definitions = [...numbers.keys()];
  return { encoding: 'inline', definitions, labels, numberOf: (ref) => numbers.get(ref)! };
}

export function encodeBatch(
  header: RecordHeader,
  batch: WriteBatch,
  series: SeriesNumbers,
): EncodedRecord {
  let count = 0;
  for (const points of batch.points) count += points.count;
  const flags = series.encoding === 'inline' ? RECORD_FLAG.inline : 0;
  writeHeader(header, RECORD_KIND.batch, flags, count);
  series.labels.write(writer, series.definitions, series.encoding === 'inline');
  writeSides(batch, series);
  writer.varint(batch.points.length);
  for (const points of batch.points) writePoints(points, series);
  return finish();
}

export function encodeDelete(
  header: RecordHeader,
  request: Pick<DeleteRecord, 'matchers' | 'startUs' | 'endUs'>,
): EncodedRecord {
  writeHeader(header, RECORD_KIND.delete, 0, 0);
  writer.varint(request.matchers.length);
  for (const { name, type, value } of request.matchers) {
    writer.u8(MATCH_TYPES.indexOf(type));
    writer.string(name);
    writer.string(value);
  }
  writer.f64(request.startUs);
  writer.f64(request.endUs);
  return finish();
}

function writeHeader(header: RecordHeader, kind: number, flags: number, count: number): void {
  writer.reset();
  writer.u32(0);
  writer.u8(RECORD_VERSION);
  writer.u8(kind);
  writer.u16(flags | (header.isClientBatchId ? RECORD_FLAG.clientBatchId : 0));
  writer.f64(header.offset);
  writer.f64(header.durableOffset);
  writer.f64(header.session);
  writer.f64(header.writtenMs);
  writer.raw(header.batchId);
  writer.u32(count);
  writer.u32(0);
  writer.string(header.tenant);
  writer.string(header.tokenId);
  writer.string(header.protocol);
}

function finish(): EncodedRecord {
  writer.u32At(SIZE_OFFSET, writer.size);
  const bytes = writer.bytes();
  const own = crc32(bytes.subarray(4));
  writer.u32At(0, own);
  const { length } = bytes;
  if (length < COMBINE_SIZE_MIN) return { bytes, crc: undefined };
  return { bytes, crc: combinedCrc32(crc32(bytes.subarray(0, 4)), own, length - 4) };
}

function writeSides(batch: WriteBatch, series: SeriesNumbers): void {
  writer.varint(batch.metadata.length);
  for (const { family, type, unit, help } of batch.metadata)
    for (const text of [family, type, unit, help]) writer.string(text);
  writer.varint(batch.exemplars.length);
  for (const row of batch.exemplars) {
    writer.varint(series.numberOf(row.ref));
    writer.varint(row.labels.length);
    for (const text of row.labels) writer.string(text);
    writer.f64(row.tUs);
    writer.varint(row.subNs);
    writer.f64(row.value);
  }
  writer.varint(batch.attributes.length);
  for (const { ref, key, value } of batch.attributes) {
    writer.varint(series.numberOf(ref));
    writer.string(key);
    writer.string(value);
  }
  writer.varint(batch.splits.length);
  for (const { name, measurement, field } of batch.splits)
    for (const text of [name, measurement, field]) writer.string(text);
}

function writePoints(points: Points, series: SeriesNumbers): void {
  const { count, refs, rows, tUs, subNs, startUs, position } = points;
  const oneTime = count > 0 && isConstant(tUs, count);
  const timeRuns = oneTime ? 0 : findTimeRuns(tUs, count);
  const seriesRuns = series.encoding === 'ref' ? findRefRuns(refs, count) : 0;
  const fixed =
    points.kind === KIND.f64 || points.kind === KIND.i64 || points.kind === KIND.u64
      ? points.values
      : undefined;
  const packing = fixed === undefined ? -1 : packingOf(fixed, count);
  writer.u8(points.kind);
  writer.u8(
    (packing < 0 ? 0 : COMPANION.packed) |
      (seriesRuns === 0 ? 0 : COMPANION.seriesRuns) |
      (rows === undefined ? 0 : COMPANION.rows) |
      (subNs === undefined ? 0 : COMPANION.subNs) |
      (startUs === undefined ? 0 : COMPANION.startUs) |
      (position === undefined ? 0 : COMPANION.position),
  );
  writer.u8(oneTime ? TIME_MODE.const : timeRuns > 0 ? TIME_MODE.runs : TIME_MODE.raw);
  writer.varint(count);
  if (timeRuns > 0) writer.varint(timeRuns);
  if (seriesRuns > 0) writer.varint(seriesRuns);
  writer.pad(8);
  if (timeRuns > 0) writer.column(runTimes, timeRuns);
  else writer.column(tUs, oneTime ? 1 : count);
  if (fixed !== undefined && packing < 0) writer.column(fixed, count);
  if (startUs !== undefined) writer.column(startUs, count);
  if (position !== undefined)
    for (const axis of [position.latitude, position.longitude, position.elevation])
      writer.column(axis, count);
  if (timeRuns > 0) writer.column(timeLengths, timeRuns);
  if (seriesRuns > 0) {
    writer.column(runRefs, seriesRuns);
    writer.column(refLengths, seriesRuns);
  } else if (series.encoding === 'ref') writer.column(refs, count);
  else for (let i = 0; i < count; i++) writer.u32(series.numberOf(refs[i]!));
  if (rows !== undefined) writer.column(rows, count);
  if (subNs !== undefined) writer.column(subNs, count);
  if (fixed !== undefined && packing >= 0) writePacked(writer, fixed, count, packing);
  if (points.kind === KIND.boolean) writer.column(points.values, count);
  if (points.kind === KIND.string) for (let i = 0; i < count; i++) writer.string(points.values[i]!);
  if (points.kind === KIND.histogram)
    for (let i = 0; i < count; i++) writeHistogram(writer, points.values[i]!);
}
