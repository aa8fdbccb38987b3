// Data points of OTLP that are more than a number, read into one record that is used again.
//
//   all:         2: fixed64 start (ns), 3: fixed64 time (ns), 4: fixed64 count, 5: double sum
//   Histogram:   6: fixed64 bucket_counts*, 7: double explicit_bounds*, 8: Exemplar*,
//                9: KeyValue*, 10: flags
//   Exponential: 1: KeyValue*, 6: sint32 scale, 7: fixed64 zero_count, 8: positive, 9: negative,
//                10: flags, 11: Exemplar*, 14: double zero_threshold
//   Buckets:     1: sint32 offset, 2: uint64 bucket_counts*
//   Summary:     6: {1: double quantile, 2: double value}*, 7: KeyValue*, 8: flags
//
// Source: opentelemetry/proto/metrics/v1/metrics.proto.
import type { ProtobufReader } from '../../codec/protobuf.ts';
import { ProtobufError, WIRE } from '../../codec/protobuf.ts';
import { MESSAGE_ITEMS_MAX } from '../limits.ts';
import { eachField } from './attributes.ts';

const TWO_32 = 4_294_967_296;

/** Field numbers of `Metric.data`. */
export const METRIC_TYPE = {
  gauge: 5,
  sum: 7,
  histogram: 9,
  exponential: 10,
  summary: 11,
} as const;
export type MetricType = (typeof METRIC_TYPE)[keyof typeof METRIC_TYPE];

/** By metric type: the tag of attributes. */
export const ATTRIBUTE_TAG: Readonly<Record<MetricType, number>> = {
  [METRIC_TYPE.gauge]: (7 << 3) | WIRE.bytes,
  [METRIC_TYPE.sum]: (7 << 3) | WIRE.bytes,
  [METRIC_TYPE.histogram]: (9 << 3) | WIRE.bytes,
  [METRIC_TYPE.exponential]: (1 << 3) | WIRE.bytes,
  [METRIC_TYPE.summary]: (7 << 3) | WIRE.bytes,
};

/** By metric type: the tag of exemplars. */
export const EXEMPLAR_TAG: Readonly<Record<MetricType, number>> = {
  [METRIC_TYPE.gauge]: (5 << 3) | WIRE.bytes,
  [METRIC_TYPE.sum]: (5 << 3) | WIRE.bytes,
  [METRIC_TYPE.histogram]: (8 << 3) | WIRE.bytes,
  [METRIC_TYPE.exponential]: (11 << 3) | WIRE.bytes,
  // A summary has none; field 0 is on no wire.
  [METRIC_TYPE.summary]: 0,
};

export const FIXED = {
  start: (2 << 3) | WIRE.fixed64,
  time: (3 << 3) | WIRE.fixed64,
  count: (4 << 3) | WIRE.fixed64,
  sum: (5 << 3) | WIRE.fixed64,
  zeroCount: (7 << 3) | WIRE.fixed64,
  zeroThreshold: (14 << 3) | WIRE.fixed64,
} as const;
const FLAGS_10 = (10 << 3) | WIRE.varint;
export const FLAGS_8 = (8 << 3) | WIRE.varint;
const SCALE = (6 << 3) | WIRE.varint;

/** The data point says that nothing was recorded: the series ended. */
const NO_RECORDED_VALUE = 1;

/** Bytes of a body that hold fields; `isSplit`: others stand between them. */
export class FieldRun {
  start = 0;
  end = 0;
  isSplit = false;

  clear(): void {
    this.start = 0;
    this.end = 0;
    this.isSplit = false;
  }

  add(start: number, end: number): void {
    if (this.end === 0) this.start = start;
    else this.isSplit ||= start !== this.end;
    this.end = end;
  }
}

export interface Buckets {
  offset: number;
  readonly counts: number[];
}

export class PointFields {
  readonly attributes = new FieldRun();
  hasExemplars = false;
  startLow = 0;
  startHigh = 0;
  timeLow = 0;
  timeHigh = 0;
  count = 0;
  sum = 0;
  hasSum = false;
  isStale = false;
  /** Classic histograms. */
  readonly bucketCounts: number[] = [];
  readonly bounds: number[] = [];
  /** Exponential ones. */
  scale = 0;
  zeroCount = 0;
  zeroThreshold = 0;
  readonly positive: Buckets = { offset: 0, counts: [] };
  readonly negative: Buckets = { offset: 0, counts: [] };
  /** Summaries: quantile, value. */
  readonly quantiles: number[] = [];

  clear(): void {
    this.attributes.clear();
    this.hasExemplars = false;
    this.startLow = this.startHigh = this.timeLow = this.timeHigh = 0;
    this.count = this.sum = this.scale = this.zeroCount = this.zeroThreshold = 0;
    this.hasSum = false;
    this.isStale = false;
    this.bucketCounts.length = 0;
    this.bounds.length = 0;
    this.quantiles.length = 0;
    this.positive.offset = this.negative.offset = 0;
    this.positive.counts.length = 0;
    this.negative.counts.length = 0;
  }

  /** Reads the data point [reader.at, stop) of this metric type. */
  read(reader: ProtobufReader, stop: number, type: MetricType): void {
    this.clear();
    const attributeTag = ATTRIBUTE_TAG[type];
    const exemplarTag = EXEMPLAR_TAG[type];
    const own = OWN_FIELDS[type];
    const outerEnd = reader.end;
    reader.end = stop;
    while (reader.at < stop) {
      const start = reader.at;
      const tag = reader.tag();
      if (tag === attributeTag) {
        reader.at = reader.lengthEnd();
        this.attributes.add(start, reader.at);
      } else if (tag === exemplarTag) {
        reader.skip(tag);
        this.hasExemplars = true;
      } else if (!this.#common(reader, tag) && !own(this, reader, tag)) reader.skip(tag);
    }
    reader.end = outerEnd;
  }

  #common(reader: ProtobufReader, tag: number): boolean {
    if (tag === FIXED.time) {
      reader.fixed64();
      this.timeLow = reader.low;
      this.timeHigh = reader.high;
    } else if (tag === FIXED.start) {
      reader.fixed64();
      this.startLow = reader.low;
      this.startHigh = reader.high;
    } else if (tag === FIXED.count) this.count = unsigned(reader);
    else if (tag === FIXED.sum) {
      this.sum = reader.double();
      this.hasSum = true;
    } else return false;
    return true;
  }
}

type OwnFields = (fields: PointFields, reader: ProtobufReader, tag: number) => boolean;

function noFields(): boolean {
  return false;
}

function histogramFields(fields: PointFields, reader: ProtobufReader, tag: number): boolean {
  if (tag === FLAGS_10) fields.isStale = isStaleFlag(reader);
  else if (tag >>> 3 === 6) return readNumbers(reader, tag, fixedList, fields.bucketCounts);
  else if (tag >>> 3 === 7) return readNumbers(reader, tag, doubleList, fields.bounds);
  else return false;
  return true;
}

function exponentialFields(fields: PointFields, reader: ProtobufReader, tag: number): boolean {
  if (tag === FLAGS_10) fields.isStale = isStaleFlag(reader);
  else if (tag === SCALE) fields.scale = reader.sint64();
  else if (tag === FIXED.zeroCount) fields.zeroCount = unsigned(reader);
  else if (tag === FIXED.zeroThreshold) fields.zeroThreshold = reader.double();
  else if (tag === ((8 << 3) | WIRE.bytes)) readBuckets(reader, fields.positive);
  else if (tag === ((9 << 3) | WIRE.bytes)) readBuckets(reader, fields.negative);
  else return false;
  return true;
}

function summaryFields(fields: PointFields, reader: ProtobufReader, tag: number): boolean {
  if (tag === FLAGS_8) fields.isStale = isStaleFlag(reader);
  else if (tag === ((6 << 3) | WIRE.bytes)) readQuantile(reader, fields.quantiles);
  else return false;
  return true;
}

const OWN_FIELDS: Readonly<Record<MetricType, OwnFields>> = {
  [METRIC_TYPE.gauge]: noFields,
  [METRIC_TYPE.sum]: noFields,
  [METRIC_TYPE.histogram]: histogramFields,
  [METRIC_TYPE.exponential]: exponentialFields,
  [METRIC_TYPE.summary]: summaryFields,
};

export function isStaleFlag(reader: ProtobufReader): boolean {
  reader.varint64();
  return (reader.low & NO_RECORDED_VALUE) !== 0;
}

function unsigned(reader: ProtobufReader): number {
  reader.fixed64();
  return (reader.high >>> 0) * TWO_32 + (reader.low >>> 0);
}

interface NumberList {
  readonly wireType: number;
  readonly read: (reader: ProtobufReader) => number;
}

const fixedList: NumberList = { wireType: WIRE.fixed64, read: unsigned };
const doubleList: NumberList = { wireType: WIRE.fixed64, read: (reader) => reader.double() };
const varintList: NumberList = { wireType: WIRE.varint, read: (reader) => reader.uint64() };

/** A repeated number, packed or one by one; false where the field is none. */
function readNumbers(
  reader: ProtobufReader,
  tag: number,
  { wireType, read }: NumberList,
  into: number[],
): boolean {
  if ((tag & 7) === wireType) into.push(read(reader));
  else if ((tag & 7) !== WIRE.bytes) return false;
  else {
    const outerEnd = reader.end;
    const stop = reader.lengthEnd();
    reader.end = stop;
    while (reader.at < stop && into.length <= MESSAGE_ITEMS_MAX) into.push(read(reader));
    reader.end = outerEnd;
  }
  if (into.length > MESSAGE_ITEMS_MAX)
    throw new ProtobufError(`more than ${MESSAGE_ITEMS_MAX} buckets at byte ${reader.at}`);
  return true;
}

function readBuckets(reader: ProtobufReader, into: Buckets): void {
  eachField(reader, reader.lengthEnd(), (tag) => {
    if (tag === ((1 << 3) | WIRE.varint)) into.offset = reader.sint64();
    else if (tag >>> 3 === 2) return readNumbers(reader, tag, varintList, into.counts);
    else return false;
    return true;
  });
}

function readQuantile(reader: ProtobufReader, into: number[]): void {
  let quantile = 0;
  let value = 0;
  eachField(reader, reader.lengthEnd(), (tag) => {
    if (tag === ((1 << 3) | WIRE.fixed64)) quantile = reader.double();
    else if (tag === ((2 << 3) | WIRE.fixed64)) value = reader.double();
    else return false;
    return true;
  });
  into.push(quantile, value);
  if (into.length > MESSAGE_ITEMS_MAX)
    throw new ProtobufError(`more than ${MESSAGE_ITEMS_MAX / 2} quantiles at byte ${reader.at}`);
}
