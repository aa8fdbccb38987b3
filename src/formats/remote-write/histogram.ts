// Histogram of remote write 1.0 and 2.0 → model Histogram. Integer histograms carry differences
// between buckets, float ones absolute counts; here both become absolute. Buckets finer than schema
// 8 are merged. Validation as Prometheus' histogram.Validate: spans describe exactly the buckets
// given, nothing is negative, integers add up.
// Source: prompb/types.proto; Prometheus native histogram specification.
import type { ProtobufReader } from '../../codec/protobuf.ts';
import { ProtobufError, WIRE } from '../../codec/protobuf.ts';
import { KIND } from '../../model/columns.ts';
import type { Points, SeriesRef } from '../../model/columns.ts';
import type { BucketSpan, CounterResetHint, Histogram } from '../../model/histogram.ts';
import { CUSTOM_BUCKETS_SCHEMA } from '../../model/histogram.ts';
import { isKnownSchema, withStoredResolution } from '../../model/histogram-resolution.ts';
import { MESSAGE_ITEMS_MAX } from '../limits.ts';

export interface HistogramSample {
  readonly histogram: Histogram;
  readonly timestampMs: number;
  /** 0: none. Version 1.0 of the message has no such field. */
  readonly startMs: number;
}

interface Raw {
  isInteger: boolean;
  count: number;
  sum: number;
  schema: number;
  zeroThreshold: number;
  zeroCount: number;
  resetHint: number;
  timestampMs: number;
  startMs: number;
  readonly negativeSpans: BucketSpan[];
  readonly negativeDeltas: number[];
  readonly negativeCounts: number[];
  readonly positiveSpans: BucketSpan[];
  readonly positiveDeltas: number[];
  readonly positiveCounts: number[];
  readonly customValues: number[];
}

function emptyRaw(): Raw {
  return {
    isInteger: true,
    count: 0,
    sum: 0,
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    resetHint: 0,
    timestampMs: 0,
    startMs: 0,
    negativeSpans: [],
    negativeDeltas: [],
    negativeCounts: [],
    positiveSpans: [],
    positiveDeltas: [],
    positiveCounts: [],
    customValues: [],
  };
}

/** A repeated number, packed or one by one. */
export function readNumbers(
  reader: ProtobufReader,
  wireType: number,
  read: () => number,
  into: number[],
): void {
  if (wireType !== WIRE.bytes) into.push(read());
  else {
    const outerEnd = reader.end;
    const stop = reader.lengthEnd();
    reader.end = stop;
    while (reader.at < stop && into.length < MESSAGE_ITEMS_MAX) into.push(read());
    reader.end = outerEnd;
  }
  if (into.length >= MESSAGE_ITEMS_MAX)
    throw new ProtobufError(`more than ${MESSAGE_ITEMS_MAX} buckets at byte ${reader.at}`);
}

export function readSpan(reader: ProtobufReader, into: BucketSpan[]): void {
  const outerEnd = reader.end;
  const stop = reader.lengthEnd();
  reader.end = stop;
  let offset = 0;
  let length = 0;
  while (reader.at < stop) {
    const tag = reader.tag();
    if (tag === ((1 << 3) | WIRE.varint)) offset = reader.sint64();
    else if (tag === ((2 << 3) | WIRE.varint)) length = reader.uint32();
    else reader.skip(tag);
  }
  reader.end = outerEnd;
  if (into.length >= MESSAGE_ITEMS_MAX)
    throw new ProtobufError(`more than ${MESSAGE_ITEMS_MAX} spans at byte ${reader.at}`);
  into.push({ offset, length });
}

function readScalar(reader: ProtobufReader, field: number, raw: Raw): boolean {
  switch (field) {
    case 1:
      raw.count = reader.uint64();
      return true;
    case 2:
      raw.count = reader.double();
      raw.isInteger = false;
      return true;
    case 3:
      raw.sum = reader.double();
      return true;
    case 4:
      raw.schema = reader.sint64();
      return true;
    case 5:
      raw.zeroThreshold = reader.double();
      return true;
    case 6:
      raw.zeroCount = reader.uint64();
      return true;
    case 7:
      raw.zeroCount = reader.double();
      return true;
    case 14:
      raw.resetHint = reader.uint32();
      return true;
    case 15:
      raw.timestampMs = reader.int64();
      return true;
    case 17:
      raw.startMs = reader.int64();
      return true;
    default:
      return false;
  }
}

/** Wire type of each scalar field; others of the same number are skipped as unknown. */
const SCALAR_WIRE: Readonly<Record<number, number>> = {
  1: WIRE.varint,
  2: WIRE.fixed64,
  3: WIRE.fixed64,
  4: WIRE.varint,
  5: WIRE.fixed64,
  6: WIRE.varint,
  7: WIRE.fixed64,
  14: WIRE.varint,
  15: WIRE.varint,
  17: WIRE.varint,
};

function readRepeated(reader: ProtobufReader, field: number, wireType: number, raw: Raw): boolean {
  const signed = (): number => reader.sint64();
  const float = (): number => reader.double();
  const isList = wireType === WIRE.bytes;
  if (field === 8 && isList) readSpan(reader, raw.negativeSpans);
  else if (field === 11 && isList) readSpan(reader, raw.positiveSpans);
  else if (field === 9 && (isList || wireType === WIRE.varint))
    readNumbers(reader, wireType, signed, raw.negativeDeltas);
  else if (field === 12 && (isList || wireType === WIRE.varint))
    readNumbers(reader, wireType, signed, raw.positiveDeltas);
  else if (field === 10 && (isList || wireType === WIRE.fixed64))
    readNumbers(reader, wireType, float, raw.negativeCounts);
  else if (field === 13 && (isList || wireType === WIRE.fixed64))
    readNumbers(reader, wireType, float, raw.positiveCounts);
  else if (field === 16 && (isList || wireType === WIRE.fixed64))
    readNumbers(reader, wireType, float, raw.customValues);
  else return false;
  return true;
}

function readRaw(reader: ProtobufReader): Raw {
  const raw = emptyRaw();
  while (reader.at < reader.end) {
    const tag = reader.tag();
    const field = tag >>> 3;
    const wireType = tag & 7;
    if (SCALAR_WIRE[field] === wireType && readScalar(reader, field, raw)) continue;
    if (!readRepeated(reader, field, wireType, raw)) reader.skip(tag);
  }
  return raw;
}

export function absolute(deltas: readonly number[]): Float64Array {
  const counts = new Float64Array(deltas.length);
  let count = 0;
  for (let i = 0; i < deltas.length; i++) counts[i] = count += deltas[i]!;
  return counts;
}

function spansReason(
  side: string,
  spans: readonly BucketSpan[],
  buckets: Float64Array,
): string | undefined {
  let expected = 0;
  for (const [i, span] of spans.entries()) {
    if (i > 0 && span.offset < 0) return `${side} span with a negative offset`;
    expected += span.length;
  }
  return expected === buckets.length
    ? undefined
    : `${side} spans describe ${expected} buckets, ${buckets.length} given`;
}

/** What is wrong with the layout, before buckets are merged. */
export function layoutReason(h: Histogram): string | undefined {
  if (!isKnownSchema(h.schema)) return `histogram schema ${h.schema} is not supported`;
  if (h.schema === CUSTOM_BUCKETS_SCHEMA) return customReason(h);
  if (h.customValues.length > 0) return 'custom bounds in an exponential histogram';
  return (
    spansReason('positive', h.positiveSpans, h.positiveBuckets) ??
    spansReason('negative', h.negativeSpans, h.negativeBuckets)
  );
}

function customReason(h: Histogram): string | undefined {
  const { customValues, positiveSpans } = h;
  for (let i = 0; i < customValues.length; i++)
    if (!(customValues[i]! < Infinity) || (i > 0 && !(customValues[i]! > customValues[i - 1]!)))
      return 'custom bounds are not ascending and finite';
  if (h.zeroCount !== 0 || h.zeroThreshold !== 0) return 'custom buckets with a zero bucket';
  if (h.negativeSpans.length > 0 || h.negativeBuckets.length > 0)
    return 'custom buckets with a negative side';
  if ((positiveSpans[0]?.offset ?? 0) < 0) return 'positive span with a negative offset';
  const reason = spansReason('positive', positiveSpans, h.positiveBuckets);
  if (reason !== undefined) return reason;
  const end = positiveSpans.reduce((sum, { offset, length }) => sum + offset + length, 0);
  return end > customValues.length + 1
    ? `custom buckets up to ${end}, but ${customValues.length} bounds`
    : undefined;
}

/**
 * What is wrong with the counts. Integers add up to the count, but for observations of NaN, which
 * are in no bucket and make the sum NaN. NaN counts of float histograms pass, as in Prometheus:
 * `FloatHistogram.Validate` refuses what is below zero.
 */
export function countsReason(h: Histogram): string | undefined {
  const { isInteger, count, zeroCount } = h;
  const countMax = isInteger ? Number.MAX_SAFE_INTEGER : Infinity;
  if (count > countMax) return 'histogram count above 2^53';
  if (count < 0 || zeroCount < 0 || !(h.zeroThreshold >= 0)) return 'negative count or zero bucket';
  let total = zeroCount;
  for (const [side, buckets] of [
    ['positive', h.positiveBuckets],
    ['negative', h.negativeBuckets],
  ] as const)
    for (const bucket of buckets) {
      if (bucket < 0 || bucket > countMax)
        return `${side} bucket with a count that is negative or too large`;
      total += bucket;
    }
  const isRight = Number.isNaN(h.sum) ? total <= count : total === count;
  return !isInteger || isRight
    ? undefined
    : `${total} observations in the buckets, but a count of ${count}`;
}

/**
 * Reads the message [reader.at, reader.end). A reason where it is well-formed but no histogram that
 * can be stored. Staleness markers (sum with the marker's bits) pass through like any other.
 */
export function readHistogram(reader: ProtobufReader): HistogramSample | string {
  const raw = readRaw(reader);
  const { isInteger } = raw;
  const histogram: Histogram = {
    isInteger,
    schema: raw.schema,
    zeroThreshold: raw.zeroThreshold,
    zeroCount: raw.zeroCount,
    count: raw.count,
    sum: raw.sum,
    counterResetHint: (raw.resetHint <= 3 ? raw.resetHint : 0) as CounterResetHint,
    positiveSpans: raw.positiveSpans,
    positiveBuckets: isInteger
      ? absolute(raw.positiveDeltas)
      : Float64Array.from(raw.positiveCounts),
    negativeSpans: raw.negativeSpans,
    negativeBuckets: isInteger
      ? absolute(raw.negativeDeltas)
      : Float64Array.from(raw.negativeCounts),
    customValues: Float64Array.from(raw.customValues),
  };
  const { timestampMs, startMs } = raw;
  const reason = layoutReason(histogram);
  if (reason !== undefined) return reason;
  const stored = withStoredResolution(histogram);
  return countsReason(stored) ?? { histogram: stored, timestampMs, startMs };
}

/** A histogram as columns of one point; startUs NaN: it has none. */
export function histogramPoint(
  ref: SeriesRef,
  tUs: number,
  startUs: number,
  histogram: Histogram,
): Points {
  return {
    kind: KIND.histogram,
    count: 1,
    refs: Uint32Array.of(ref),
    rows: undefined,
    tUs: Float64Array.of(tUs),
    subNs: undefined,
    startUs: Number.isNaN(startUs) ? undefined : Float64Array.of(startUs),
    position: undefined,
    values: [histogram],
  };
}
