// Prometheus' protobuf exposition: messages io.prometheus.client.MetricFamily, each with its size
// in front as a varint → rows, exemplars and metadata.
//
//   body         = *( varint size, MetricFamily )
//   MetricFamily = 1: string name, 2: string help, 3: MetricType, 4: Metric*, 5: string unit
//
// Source: client_model metrics.proto; Prometheus model/textparse/protobufparse.go for names of
// series: a summary is `_count`, `_sum` and a series a quantile, a classic histogram `_count`,
// `_sum` and `_bucket` series up to +Inf, a native one is one sample of the family's name, without
// the classic buckets that may stand beside it. A created timestamp is the start time of the
// points. A metric that is refused leaves the others; a body that is not wire format is told as
// `corrupt`: the caller stores nothing of it. Nothing at or behind `end` is read.
import { formatOpenMetricsFloat } from '../../codec/go-float.ts';
import { ProtobufError, ProtobufReader, WIRE } from '../../codec/protobuf.ts';
import { decodeUtf8 } from '../../codec/utf8.ts';
import { KIND } from '../../model/columns.ts';
import type { Histogram } from '../../model/histogram.ts';
import { COUNTER_RESET_HINT } from '../../model/histogram.ts';
import { withStoredResolution } from '../../model/histogram-resolution.ts';
import { labelsFromPairs, METRIC_NAME } from '../../model/labels.ts';
import { BLOCK_POINTS, PointBlock } from '../../model/point-block.ts';
import type { RowDictionary, RowSink, ScanResult } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { T_US_MAX } from '../limits.ts';
import { customHistogram } from '../prometheus-text/custom-histogram.ts';
import type { ExpositionOptions } from '../prometheus-text/exposition.ts';
import { absolute, countsReason, histogramPoint, layoutReason } from '../remote-write/histogram.ts';
import { readLabel } from '../remote-write/labels.ts';
import { ScanErrors } from '../scan-errors.ts';
import { FIELD, readMetric } from './message.ts';
import type { ExemplarMessage, MetricMessage } from './message.ts';

export interface FamiliesResult extends ScanResult {
  /** Why the body is no delimited messages; undefined where it is. */
  readonly corrupt: string | undefined;
}

/** MetricType in the order of its numbers. */
const TYPES = ['counter', 'gauge', 'summary', 'unknown', 'histogram', 'gaugehistogram'] as const;

/** What a sample's series has behind the family's name; numbers go into keys. */
const SUFFIX = { none: 0, count: 1, sum: 2, bucket: 3, quantile: 4 } as const;
const SUFFIX_TEXT = ['', '_count', '_sum', '_bucket', ''];
const BOUND_LABEL = ['', '', '', 'le', 'quantile'];

interface Family {
  readonly name: string;
  readonly type: (typeof TYPES)[number];
  readonly unit: string;
}

const SAMPLE_KEY_BYTES = 9;
/** Keys written before another buffer is taken. */
const KEY_BYTES = 65_536;

/** Scans are synchronous and begin with empty ones, so one of each serves them all. */
const sharedBlock = new PointBlock();
const sharedStarts = new Float64Array(BLOCK_POINTS);
const sharedFloats = new Float64Array(1);
const sharedWords = new Int32Array(sharedFloats.buffer);

class FamiliesScanner {
  readonly #reader: ProtobufReader;
  readonly #options: ExpositionOptions;
  readonly #dictionary: RowDictionary;
  readonly #sink: RowSink;
  readonly errors = new ScanErrors();
  rowCount = 0;
  pointCount = 0;
  /**
   * Keys of metrics, one behind the other, since a dictionary knows a row again by its place: the
   * family, its labels, then 1 + 8 bytes of a sample.
   */
  #key = Buffer.alloc(KEY_BYTES);
  #prefix = Buffer.alloc(0);
  #rowStart = 0;
  #labelsStart = 0;
  #labelsEnd = 0;
  #familyNumber = 0;

  constructor(
    body: Uint8Array,
    end: number,
    options: ExpositionOptions,
    dictionary: RowDictionary,
    sink: RowSink,
  ) {
    this.#reader = new ProtobufReader(body, 0, end);
    this.#options = options;
    this.#dictionary = dictionary;
    this.#sink = sink;
  }

  /** Throws ProtobufError where the body is corrupt. */
  run(): void {
    const reader = this.#reader;
    const { end } = reader;
    sharedBlock.count = 0;
    sharedBlock.startUs = undefined;
    while (reader.at < end) {
      const stop = reader.lengthEnd();
      const start = reader.at;
      this.#familyNumber++;
      reader.end = stop;
      const family = this.#familyHead();
      reader.at = start;
      reader.end = stop;
      if (family !== undefined) this.#metrics(family, stop);
      reader.at = stop;
      reader.end = end;
    }
    this.flush();
  }

  /** Hands on the points so far; before anything else goes to the sink. */
  flush(): void {
    sharedBlock.flush(this.#sink);
    sharedBlock.startUs = undefined;
  }

  #refuse(reason: string): void {
    this.errors.add(this.#familyNumber, -1, reason);
  }

  /** Everything but the metrics, which may stand before any of it. */
  #familyHead(): Family | undefined {
    const reader = this.#reader;
    const texts: (string | undefined)[] = ['', '', '', '', '', ''];
    let type = 0;
    while (reader.at < reader.end) {
      const tag = reader.tag();
      const field = tag >>> 3;
      if (field === 3 && (tag & 7) === WIRE.varint) type = reader.uint32();
      else if ((tag & 7) === WIRE.bytes && (field === 1 || field === 2 || field === 5)) {
        const stop = reader.lengthEnd();
        texts[field] = decodeUtf8(reader.bytes, reader.at, stop);
        reader.at = stop;
      } else reader.skip(tag);
    }
    const [, name, help, , , unit] = texts;
    const typeName = TYPES[type];
    if (name === undefined || name === '' || help === undefined || unit === undefined) {
      this.#refuse(name === '' ? 'a family without a name' : 'a family that is not valid UTF-8');
      return undefined;
    }
    if (typeName === undefined) {
      this.#refuse(`family '${name.slice(0, 64)}' has the unknown type ${type}`);
      return undefined;
    }
    this.#sink.metadata({ family: name, type: typeName, unit, help });
    this.#prefix = Buffer.from(`${typeName}\n${unit}\n${name}\n`);
    return { name, type: typeName, unit };
  }

  /** Begins the key of the next metric. */
  #beginRow(): void {
    this.#rowStart = this.#labelsEnd === 0 ? 0 : this.#labelsEnd + SAMPLE_KEY_BYTES;
    this.#labelsEnd = this.#rowStart;
    this.#append(this.#prefix);
    this.#labelsStart = this.#labelsEnd;
  }

  /** Adds to the key of the current metric and leaves room for that of a sample. */
  #append(bytes: Uint8Array): void {
    const sizeBytes = this.#labelsEnd - this.#rowStart + bytes.length + SAMPLE_KEY_BYTES;
    if (this.#rowStart + sizeBytes > this.#key.length) {
      const larger = Buffer.alloc(Math.max(KEY_BYTES, sizeBytes * 2));
      larger.set(this.#key.subarray(this.#rowStart, this.#labelsEnd));
      this.#labelsStart -= this.#rowStart;
      this.#labelsEnd -= this.#rowStart;
      this.#rowStart = 0;
      this.#key = larger;
    }
    this.#key.set(bytes, this.#labelsEnd);
    this.#labelsEnd += bytes.length;
  }

  #metrics(family: Family, stop: number): void {
    const reader = this.#reader;
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag !== ((4 << 3) | WIRE.bytes)) {
        reader.skip(tag);
        continue;
      }
      const metricEnd = reader.lengthEnd();
      reader.end = metricEnd;
      this.#beginRow();
      const metric = readMetric(reader, (start, end) =>
        this.#append(reader.bytes.subarray(start, end)),
      );
      this.#metric(family, metric);
      reader.at = metricEnd;
      reader.end = stop;
    }
  }

  #metric(family: Family, metric: MetricMessage): void {
    const { timestampMs } = metric;
    const tUs = timestampMs === 0 ? this.#options.defaultTimeUs : timestampMs * 1000;
    this.rowCount++;
    if (!(tUs >= -T_US_MAX && tUs <= T_US_MAX))
      return this.#refuse(`timestamp ${timestampMs} ms is out of range`);
    const { type } = family;
    const isHistogram = type === 'histogram' || type === 'gaugehistogram';
    const wanted = isHistogram ? FIELD.histogram : FIELD[type === 'unknown' ? 'untyped' : type];
    if (metric.field !== wanted)
      return this.#refuse(`a metric of family '${family.name.slice(0, 64)}' is no ${type}`);
    if (isHistogram) return this.#histogram(family, metric, tUs);
    if (type === 'summary') return this.#summary(family, metric, tUs);
    const ref = this.#resolve(family, SUFFIX.none, 0);
    if (ref < 0) return;
    this.#point(ref, tUs, metric.createdUs, metric.low, metric.high);
    for (const exemplar of metric.exemplars) this.#exemplar(ref, exemplar, tUs);
  }

  #summary(family: Family, metric: MetricMessage, tUs: number): void {
    this.#float(family, SUFFIX.count, 0, metric.count, tUs, metric);
    this.#float(family, SUFFIX.sum, 0, metric.sum, tUs, metric);
    for (const { bound, value } of metric.bounds)
      this.#float(family, SUFFIX.quantile, bound, value, tUs, metric);
  }

  #histogram(family: Family, metric: MetricMessage, tUs: number): void {
    const isNative =
      metric.positiveSpans.length > 0 ||
      metric.negativeSpans.length > 0 ||
      metric.zeroThreshold > 0 ||
      metric.zeroCount > 0;
    const isGauge = family.type === 'gaugehistogram';
    if (isNative) return this.#native(family, metric, tUs, nativeHistogram(metric, isGauge));
    if (this.#options.customBuckets === true) {
      const { count, sum } = metric;
      return this.#native(
        family,
        metric,
        tUs,
        customHistogram(metric.bounds, { count, sum, isGauge }),
      );
    }
    this.#float(family, SUFFIX.count, 0, metric.count, tUs, metric);
    this.#float(family, SUFFIX.sum, 0, metric.sum, tUs, metric);
    let hasInfinity = false;
    for (const { bound, value, exemplar } of metric.bounds) {
      hasInfinity ||= bound === Infinity;
      const ref = this.#float(family, SUFFIX.bucket, bound, value, tUs, metric);
      if (ref >= 0 && exemplar !== undefined) this.#exemplar(ref, exemplar, tUs);
    }
    if (!hasInfinity) this.#float(family, SUFFIX.bucket, Infinity, metric.count, tUs, metric);
  }

  #native(family: Family, metric: MetricMessage, tUs: number, histogram: Histogram | string): void {
    if (typeof histogram === 'string')
      return this.#refuse(`histogram '${family.name.slice(0, 64)}': ${histogram}`);
    const ref = this.#resolve(family, SUFFIX.none, 0);
    if (ref < 0) return;
    this.flush();
    this.pointCount++;
    this.#sink.points(histogramPoint(ref, tUs, startOf(metric), histogram));
    const own = metric.exemplars;
    const inBuckets = metric.bounds.flatMap(({ exemplar }) => exemplar ?? []);
    for (const exemplar of own.length > 0 ? own : inBuckets) this.#exemplar(ref, exemplar, tUs);
  }

  #float(
    family: Family,
    suffix: number,
    bound: number,
    value: number,
    tUs: number,
    metric: MetricMessage,
  ): number {
    const ref = this.#resolve(family, suffix, bound);
    if (ref < 0) return ref;
    sharedFloats[0] = value;
    this.#point(ref, tUs, startOf(metric), sharedWords[0]!, sharedWords[1]!);
    return ref;
  }

  #point(ref: number, tUs: number, startUs: number, low: number, high: number): void {
    if (sharedBlock.count === BLOCK_POINTS) this.flush();
    const slot = sharedBlock.count++;
    sharedBlock.refs[slot] = ref;
    sharedBlock.kinds[slot] = KIND.f64;
    sharedBlock.tUs[slot] = tUs;
    sharedBlock.subNs[slot] = 0;
    sharedBlock.words[slot * 2] = low;
    sharedBlock.words[slot * 2 + 1] = high;
    sharedStarts[slot] = startUs;
    if (startUs === startUs) sharedBlock.startUs = sharedStarts;
    this.pointCount++;
  }

  #exemplar(ref: number, { pairs, reason, value, tUs }: ExemplarMessage, sampleUs: number): void {
    if (reason !== '') return this.#refuse(`exemplar: ${reason}`);
    const labels = labelsFromPairs(pairs);
    this.#sink.exemplar({ ref, labels, tUs: tUs === tUs ? tUs : sampleUs, subNs: 0, value });
  }

  /** Ref, or a negative number where the series was refused (and noted). */
  #resolve(family: Family, suffix: number, bound: number): number {
    const start2 = this.#labelsEnd;
    const end2 = start2 + SAMPLE_KEY_BYTES;
    const bytes = this.#key;
    const start = this.#rowStart;
    bytes[start2] = suffix;
    bytes.writeDoubleLE(bound, start2 + 1);
    let ref: number = this.#dictionary.find(bytes, start, start2, start2, end2);
    if (ref === ROW_UNKNOWN) {
      const pairs = this.#pairs(family, suffix, bound);
      if (typeof pairs === 'string') {
        this.#refuse(pairs);
        return REF_REFUSED;
      }
      ref = this.#dictionary.add({ bytes, start, end: start2, start2, end2 }, pairs, undefined);
    }
    if (ref === REF_REFUSED) this.#refuse(this.#dictionary.refusal());
    return ref;
  }

  /** Label pairs of a series, or the reason why they are none. */
  #pairs(family: Family, suffix: number, bound: number): string[] | string {
    const own: string[] = [];
    const reader = new ProtobufReader(this.#key, this.#labelsStart, this.#labelsEnd);
    while (reader.at < reader.end) {
      reader.tag();
      const reason = readLabel(reader, own);
      if (reason !== '') return reason;
    }
    const label = BOUND_LABEL[suffix]!;
    if (label !== '') own.push(label, formatOpenMetricsFloat(bound));
    const { extraLabels, typeLabels, honorLabels = false } = this.#options;
    const pairs = [METRIC_NAME, family.name + SUFFIX_TEXT[suffix]!];
    if (honorLabels) pairs.push(...extraLabels);
    const names = new Set([METRIC_NAME]);
    const described = typeLabels === true ? typeAndUnit(family) : [];
    for (let i = 0; i < own.length; i += 2) {
      const name = own[i]!;
      if (names.has(name)) return `label name '${name}' is not unique`;
      names.add(name);
      const isTargets =
        !honorLabels &&
        own[i + 1] !== '' &&
        extraLabels.some((text, j) => j % 2 === 0 && text === name);
      if (!described.includes(name)) pairs.push(isTargets ? `exported_${name}` : name, own[i + 1]!);
    }
    return [...pairs, ...described, ...(honorLabels ? [] : extraLabels)];
  }
}

function typeAndUnit({ type, unit }: Family): string[] {
  const out = type === 'unknown' ? [] : ['__type__', type];
  return unit === '' ? out : [...out, '__unit__', unit];
}

/** NaN: none; one that no point can have is none. */
function startOf({ createdUs }: MetricMessage): number {
  return createdUs >= -T_US_MAX && createdUs <= T_US_MAX ? createdUs : Number.NaN;
}

function nativeHistogram(metric: MetricMessage, isGauge: boolean): Histogram | string {
  const isInteger = !metric.isFloat;
  const side = (deltas: readonly number[], counts: readonly number[]): Float64Array =>
    isInteger ? absolute(deltas) : Float64Array.from(counts);
  const histogram: Histogram = {
    isInteger,
    schema: metric.schema,
    zeroThreshold: metric.zeroThreshold,
    zeroCount: metric.zeroCount,
    count: metric.count,
    sum: metric.sum,
    counterResetHint: isGauge ? COUNTER_RESET_HINT.gauge : COUNTER_RESET_HINT.unknown,
    positiveSpans: metric.positiveSpans,
    positiveBuckets: side(metric.positiveDeltas, metric.positiveCounts),
    negativeSpans: metric.negativeSpans,
    negativeBuckets: side(metric.negativeDeltas, metric.negativeCounts),
    customValues: new Float64Array(0),
  };
  const reason = layoutReason(histogram);
  if (reason !== undefined) return reason;
  const stored = withStoredResolution(histogram);
  return countsReason(stored) ?? stored;
}

/** Scans `body` up to `end`. Never throws for what a client sent. O(end). */
export function scanMetricFamilies(
  body: Uint8Array,
  end: number,
  options: ExpositionOptions,
  dictionary: RowDictionary,
  sink: RowSink,
): FamiliesResult {
  const scanner = new FamiliesScanner(body, end, options, dictionary, sink);
  let corrupt: string | undefined;
  try {
    scanner.run();
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    corrupt = `not delimited MetricFamily messages: ${error.message}`;
    scanner.flush();
  }
  const { rowCount, pointCount, errors } = scanner;
  if (corrupt === undefined)
    return { rowCount, pointCount, errorCount: errors.count, errors: errors.list, corrupt };
  const list = [{ line: 0, column: -1, reason: corrupt }];
  return { rowCount, pointCount, errorCount: errors.count + 1, errors: list, corrupt };
}
