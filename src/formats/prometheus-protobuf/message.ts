// Messages of io.prometheus.client as plain fields: what one Metric says, whatever its type.
// Source: client_model metrics.proto.
//
//   Metric    = 1: LabelPair*, 2: Gauge, 3: Counter, 4: Summary, 5: Untyped, 6: int64 timestamp_ms,
//               7: Histogram
//   Counter   = 1: double, 2: Exemplar, 3: Timestamp created;  Gauge, Untyped = 1: double
//   Summary   = 1: uint64 count, 2: double sum, 3: Quantile*, 4: Timestamp created
//   Histogram = 1: uint64 count, 4: double count, 2: double sum, 3: Bucket*, 5: sint32 schema,
//               6: double zero_threshold, 7: uint64, 8: double zero_count, 9: negative spans,
//               10: sint64 negative deltas, 11: double negative counts, 12–14: positive ones,
//               15: Timestamp created, 16: Exemplar*
//   Bucket    = 1: uint64, 4: double cumulative count, 2: double upper_bound, 3: Exemplar
//   Exemplar  = 1: LabelPair*, 2: double value, 3: Timestamp
//
// Unknown fields are skipped. Throws ProtobufError where bytes are not wire format.
import type { ProtobufReader } from '../../codec/protobuf.ts';
import { ProtobufError, WIRE } from '../../codec/protobuf.ts';
import type { BucketSpan } from '../../model/histogram.ts';
import { MESSAGE_ITEMS_MAX } from '../limits.ts';
import { readNumbers, readSpan } from '../remote-write/histogram.ts';
import { readLabel } from '../remote-write/labels.ts';

export interface ExemplarMessage {
  readonly pairs: readonly string[];
  /** '' or why the labels are none. */
  readonly reason: string;
  readonly value: number;
  /** NaN: none. */
  readonly tUs: number;
}

/** A bucket or a quantile. */
export interface BoundMessage {
  readonly bound: number;
  readonly value: number;
  readonly isFloat: boolean;
  readonly exemplar: ExemplarMessage | undefined;
}

export interface MetricMessage {
  /** Number of the field that held the value; 0: none. */
  field: number;
  /** 64 bits of the value of a counter, gauge or untyped metric. */
  low: number;
  high: number;
  count: number;
  isFloat: boolean;
  sum: number;
  /** NaN: none. */
  createdUs: number;
  timestampMs: number;
  schema: number;
  zeroThreshold: number;
  zeroCount: number;
  readonly bounds: BoundMessage[];
  readonly exemplars: ExemplarMessage[];
  readonly negativeSpans: BucketSpan[];
  readonly negativeDeltas: number[];
  readonly negativeCounts: number[];
  readonly positiveSpans: BucketSpan[];
  readonly positiveDeltas: number[];
  readonly positiveCounts: number[];
}

export const FIELD = { gauge: 2, counter: 3, summary: 4, untyped: 5, histogram: 7 } as const;

function emptyMetric(): MetricMessage {
  return {
    field: 0,
    low: 0,
    high: 0,
    count: 0,
    isFloat: false,
    sum: 0,
    createdUs: Number.NaN,
    timestampMs: 0,
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    bounds: [],
    exemplars: [],
    negativeSpans: [],
    negativeDeltas: [],
    negativeCounts: [],
    positiveSpans: [],
    positiveDeltas: [],
    positiveCounts: [],
  };
}

/** Reads the message whose length stands at `reader.at`; `field` takes each field or says no. */
function readMessage(
  reader: ProtobufReader,
  take: (field: number, wireType: number) => boolean,
): void {
  const outerEnd = reader.end;
  const stop = reader.lengthEnd();
  reader.end = stop;
  while (reader.at < stop) {
    const tag = reader.tag();
    if (!take(tag >>> 3, tag & 7)) reader.skip(tag);
  }
  reader.end = outerEnd;
}

function pushBounded<T>(into: T[], item: T): void {
  if (into.length >= MESSAGE_ITEMS_MAX)
    throw new ProtobufError(`more than ${MESSAGE_ITEMS_MAX} items of a metric`);
  into.push(item);
}

/** google.protobuf.Timestamp in microseconds. */
function readTimestamp(reader: ProtobufReader): number {
  let seconds = 0;
  let nanos = 0;
  readMessage(reader, (field, wireType) => {
    if (wireType !== WIRE.varint || field > 2) return false;
    if (field === 1) seconds = reader.int64();
    else nanos = reader.int64();
    return true;
  });
  return seconds * 1e6 + Math.floor(nanos / 1000);
}

function readExemplar(reader: ProtobufReader): ExemplarMessage {
  const pairs: string[] = [];
  let reason = '';
  let value = 0;
  let tUs = Number.NaN;
  readMessage(reader, (field, wireType) => {
    if (field === 1 && wireType === WIRE.bytes) reason = readLabel(reader, pairs) || reason;
    else if (field === 2 && wireType === WIRE.fixed64) value = reader.double();
    else if (field === 3 && wireType === WIRE.bytes) tUs = readTimestamp(reader);
    else return false;
    return true;
  });
  return { pairs, reason, value, tUs };
}

/** Field 1 of a Gauge, Counter or Untyped; what else a Counter has. */
function readSimple(reader: ProtobufReader, metric: MetricMessage): void {
  readMessage(reader, (field, wireType) => {
    if (field === 1 && wireType === WIRE.fixed64) {
      reader.fixed64();
      metric.low = reader.low;
      metric.high = reader.high;
    } else if (field === 2 && wireType === WIRE.bytes)
      pushBounded(metric.exemplars, readExemplar(reader));
    else if (field === 3 && wireType === WIRE.bytes) metric.createdUs = readTimestamp(reader);
    else return false;
    return true;
  });
}

function readSummary(reader: ProtobufReader, metric: MetricMessage): void {
  readMessage(reader, (field, wireType) => {
    if (field === 1 && wireType === WIRE.varint) metric.count = reader.uint64();
    else if (field === 2 && wireType === WIRE.fixed64) metric.sum = reader.double();
    else if (field === 3 && wireType === WIRE.bytes)
      pushBounded(metric.bounds, readQuantile(reader));
    else if (field === 4 && wireType === WIRE.bytes) metric.createdUs = readTimestamp(reader);
    else return false;
    return true;
  });
}

function readQuantile(reader: ProtobufReader): BoundMessage {
  let bound = 0;
  let value = 0;
  readMessage(reader, (field, wireType) => {
    if (wireType !== WIRE.fixed64 || field > 2) return false;
    if (field === 1) bound = reader.double();
    else value = reader.double();
    return true;
  });
  return { bound, value, isFloat: true, exemplar: undefined };
}

function readBucket(reader: ProtobufReader): BoundMessage {
  let bound = 0;
  let count = 0;
  let floatCount = 0;
  let exemplar: ExemplarMessage | undefined;
  readMessage(reader, (field, wireType) => {
    if (field === 1 && wireType === WIRE.varint) count = reader.uint64();
    else if (field === 2 && wireType === WIRE.fixed64) bound = reader.double();
    else if (field === 3 && wireType === WIRE.bytes) exemplar = readExemplar(reader);
    else if (field === 4 && wireType === WIRE.fixed64) floatCount = reader.double();
    else return false;
    return true;
  });
  // The float one counts where it is not 0, as in Prometheus.
  const isFloat = floatCount > 0;
  return { bound, value: isFloat ? floatCount : count, isFloat, exemplar };
}

function readHistogram(reader: ProtobufReader, metric: MetricMessage): void {
  let intCount = 0;
  let floatCount = 0;
  let intZero = 0;
  let floatZero = 0;
  readMessage(reader, (field, wireType) => {
    if (field === 1 && wireType === WIRE.varint) intCount = reader.uint64();
    else if (field === 4 && wireType === WIRE.fixed64) floatCount = reader.double();
    else if (field === 7 && wireType === WIRE.varint) intZero = reader.uint64();
    else if (field === 8 && wireType === WIRE.fixed64) floatZero = reader.double();
    else return readHistogramField(reader, field, wireType, metric);
    return true;
  });
  metric.isFloat = floatCount > 0;
  metric.count = metric.isFloat ? floatCount : intCount;
  metric.zeroCount = metric.isFloat ? floatZero : intZero;
}

function readHistogramField(
  reader: ProtobufReader,
  field: number,
  wireType: number,
  metric: MetricMessage,
): boolean {
  const isBytes = wireType === WIRE.bytes;
  const isList = isBytes || wireType === (field % 3 === 1 ? WIRE.varint : WIRE.fixed64);
  const signed = (): number => reader.sint64();
  const float = (): number => reader.double();
  if (field === 2 && wireType === WIRE.fixed64) metric.sum = reader.double();
  else if (field === 3 && isBytes) pushBounded(metric.bounds, readBucket(reader));
  else if (field === 5 && wireType === WIRE.varint) metric.schema = reader.sint64();
  else if (field === 6 && wireType === WIRE.fixed64) metric.zeroThreshold = reader.double();
  else if (field === 9 && isBytes) readSpan(reader, metric.negativeSpans);
  else if (field === 10 && isList) readNumbers(reader, wireType, signed, metric.negativeDeltas);
  else if (field === 11 && isList) readNumbers(reader, wireType, float, metric.negativeCounts);
  else if (field === 12 && isBytes) readSpan(reader, metric.positiveSpans);
  else if (field === 13 && isList) readNumbers(reader, wireType, signed, metric.positiveDeltas);
  else if (field === 14 && isList) readNumbers(reader, wireType, float, metric.positiveCounts);
  else if (field === 15 && isBytes) metric.createdUs = readTimestamp(reader);
  else if (field === 16 && isBytes) pushBounded(metric.exemplars, readExemplar(reader));
  else return false;
  return true;
}

/**
 * Reads the Metric in [reader.at, reader.end); its labels go to `onLabel` as the bytes of their
 * fields, [start, end).
 */
export function readMetric(
  reader: ProtobufReader,
  onLabel: (start: number, end: number) => void,
): MetricMessage {
  const metric = emptyMetric();
  while (reader.at < reader.end) {
    const start = reader.at;
    const tag = reader.tag();
    const field = tag >>> 3;
    const isBytes = (tag & 7) === WIRE.bytes;
    if (field === 1 && isBytes) {
      reader.skip(tag);
      onLabel(start, reader.at);
    } else if (field === 6 && (tag & 7) === WIRE.varint) metric.timestampMs = reader.int64();
    else if (!isBytes) reader.skip(tag);
    else if (field === FIELD.gauge || field === FIELD.counter || field === FIELD.untyped) {
      metric.field = field;
      readSimple(reader, metric);
    } else if (field === FIELD.summary) {
      metric.field = field;
      readSummary(reader, metric);
    } else if (field === FIELD.histogram) {
      metric.field = field;
      readHistogram(reader, metric);
    } else reader.skip(tag);
  }
  return metric;
}
