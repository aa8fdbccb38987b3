// OTLP metrics: an uncompressed ExportMetricsServiceRequest in protobuf → rows. JSON becomes such a
// message first (json.ts).
//
//   Request         = 1: ResourceMetrics*
//   ResourceMetrics = 1: Resource, 2: ScopeMetrics*
//   ScopeMetrics    = 1: InstrumentationScope, 2: Metric*, 3: string schema_url
//   Metric          = 1: name, 2: description, 3: unit, 5|7|9|10|11: data, 12: KeyValue* metadata
//   data            = 1: DataPoint*, 2: aggregation_temporality, 3: bool is_monotonic
//
// A data point that is refused leaves the others; a message that is not wire format is `corrupt`:
// the caller stores nothing of it. Nothing at or behind `end` is read. Source:
// opentelemetry/proto/metrics/v1/metrics.proto; mapping in docs/protocols/otlp.md.
import { ProtobufError, ProtobufReader, WIRE } from '../../codec/protobuf.ts';
import type { RowDictionary, RowSink, ScanResult } from '../../model/rows.ts';
import { ScanErrors } from '../scan-errors.ts';
import type { DeltaSums } from './deltas.ts';
import { TEMPORALITY, TEMPORALITY_TAG } from './deltas.ts';
import type { LabelRules } from './labels.ts';
import { METRIC_TYPE, FieldRun } from './point-fields.ts';
import type { MetricType } from './point-fields.ts';
import { PointScanner } from './points.ts';
import type { MetricHead, Range } from './series-finder.ts';
import { SeriesFinder } from './series-finder.ts';

export interface OtlpOptions extends LabelRules {
  /** Classic histograms become native ones with custom buckets. */
  readonly customBuckets: boolean;
}

export interface OtlpResult extends ScanResult {
  /** Why the body is no message; undefined where it is one. */
  readonly corrupt: string | undefined;
  /** Something that was left out although no data point was refused; '' = nothing. */
  readonly warning: string;
}

const FIRST_BYTES = (1 << 3) | WIRE.bytes;
const SECOND_BYTES = (2 << 3) | WIRE.bytes;
const THIRD_BYTES = (3 << 3) | WIRE.bytes;
const MONOTONIC_TAG = (3 << 3) | WIRE.varint;
const METADATA_TAG = (12 << 3) | WIRE.bytes;

const TYPES: ReadonlySet<number> = new Set(Object.values(METRIC_TYPE));

function setRange(range: Range, start: number, end: number): void {
  range.start = start;
  range.end = end;
}

class MetricsScanner {
  readonly #reader: ProtobufReader;
  readonly #head: MetricHead = {
    name: { start: 0, end: 0 },
    unit: { start: 0, end: 0 },
    description: { start: 0, end: 0 },
    metadata: new FieldRun(),
    type: METRIC_TYPE.gauge,
    isMonotonic: false,
  };
  readonly #finder: SeriesFinder;
  readonly points: PointScanner;
  readonly #data: Range = { start: 0, end: 0 };
  readonly #scope: Range = { start: 0, end: 0 };
  readonly #schema: Range = { start: 0, end: 0 };
  readonly errors = new ScanErrors();
  warning = '';

  constructor(
    reader: ProtobufReader,
    options: OtlpOptions,
    to: { readonly dictionary: RowDictionary; readonly sink: RowSink },
    deltas: DeltaSums | undefined,
  ) {
    const view = new DataView(
      reader.bytes.buffer,
      reader.bytes.byteOffset,
      reader.bytes.byteLength,
    );
    this.#reader = reader;
    this.#finder = new SeriesFinder({ ...to, reader, view, rules: options }, this.#head);
    const { errors } = this;
    const { customBuckets } = options;
    const parts = { reader, view, finder: this.#finder, head: this.#head, errors, deltas };
    this.points = new PointScanner({ ...parts, sink: to.sink, customBuckets });
  }

  /** Throws ProtobufError where the message is corrupt. */
  run(): void {
    const reader = this.#reader;
    const { end } = reader;
    while (reader.at < end) {
      const tag = reader.tag();
      if (tag === FIRST_BYTES) this.#resourceMetrics(reader.lengthEnd());
      else reader.skip(tag);
      reader.end = end;
    }
  }

  /** Calls `each` with the end of every field of this tag; the reader stands at its content. */
  #every(start: number, stop: number, wanted: number, each: (stop: number) => void): void {
    const reader = this.#reader;
    reader.at = start;
    reader.end = stop;
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag !== wanted) {
        reader.skip(tag);
        continue;
      }
      const inner = reader.lengthEnd();
      each(inner);
      reader.at = inner;
      reader.end = stop;
    }
  }

  #resourceMetrics(stop: number): void {
    const { at } = this.#reader;
    const resource: Range = { start: 0, end: 0 };
    this.#every(at, stop, FIRST_BYTES, (end) => setRange(resource, this.#reader.at, end));
    this.#finder.openResource(resource.start, resource.end);
    this.points.openResource();
    this.#every(at, stop, SECOND_BYTES, (end) => this.#scopeMetrics(end));
    if (!this.points.targetInfo() && this.warning === '')
      this.warning = `target_info: ${this.#finder.reason}`;
  }

  #scopeMetrics(stop: number): void {
    const reader = this.#reader;
    const { at } = reader;
    const [scope, schema] = [this.#scope, this.#schema];
    setRange(scope, 0, 0);
    setRange(schema, 0, 0);
    this.#every(at, stop, FIRST_BYTES, (end) => setRange(scope, reader.at, end));
    this.#every(at, stop, THIRD_BYTES, (end) => setRange(schema, reader.at, end));
    this.#finder.openScope(scope, schema);
    this.#every(at, stop, SECOND_BYTES, (end) => this.#metric(end));
  }

  #metric(stop: number): void {
    if (!this.#readHead(stop)) return;
    const reader = this.#reader;
    const { start, end } = this.#data;
    const head = this.#head;
    head.isMonotonic = false;
    let temporality: number = TEMPORALITY.unspecified;
    reader.at = start;
    reader.end = end;
    while (reader.at < end) {
      const tag = reader.tag();
      if (tag === TEMPORALITY_TAG) temporality = reader.uint64();
      else if (tag === MONOTONIC_TAG) head.isMonotonic = reader.uint64() !== 0;
      else reader.skip(tag);
    }
    this.#finder.openMetric();
    this.points.openMetric(temporality);
    this.#every(start, end, FIRST_BYTES, (inner) => this.points.read(inner));
  }

  /** Where the parts of a metric stand; false where it has no data. */
  #readHead(stop: number): boolean {
    const reader = this.#reader;
    const { name, unit, description, metadata } = this.#head;
    for (const range of [name, unit, description]) setRange(range, 0, 0);
    metadata.clear();
    let type = 0;
    reader.end = stop;
    while (reader.at < stop) {
      const start = reader.at;
      const tag = reader.tag();
      if ((tag & 7) !== WIRE.bytes) {
        reader.skip(tag);
        continue;
      }
      const end = reader.lengthEnd();
      if (tag === FIRST_BYTES) setRange(name, reader.at, end);
      else if (tag === SECOND_BYTES) setRange(description, reader.at, end);
      else if (tag === THIRD_BYTES) setRange(unit, reader.at, end);
      else if (tag === METADATA_TAG) metadata.add(start, end);
      else if (TYPES.has(tag >>> 3)) {
        type = tag >>> 3;
        setRange(this.#data, reader.at, end);
      }
      reader.at = end;
    }
    if (type === 0) return false;
    this.#head.type = type as MetricType;
    return true;
  }

  close(): void {
    this.points.flush();
    this.#finder.close();
  }
}

/**
 * Scans `body` up to `end`. Never throws for what a client sent. `deltas` undefined: metrics of
 * delta temporality are refused. Complexity: O(end), and what stands in front of the data points of
 * a histogram once for each of them.
 */
export function scanMetrics(
  body: Uint8Array,
  end: number,
  options: OtlpOptions,
  to: { readonly dictionary: RowDictionary; readonly sink: RowSink },
  deltas?: DeltaSums,
): OtlpResult {
  const scanner = new MetricsScanner(new ProtobufReader(body, 0, end), options, to, deltas);
  let corrupt: string | undefined = undefined;
  try {
    scanner.run();
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    corrupt = `not an OTLP metrics message: ${error.message}`;
  } finally {
    scanner.close();
  }
  const { errors, points, warning } = scanner;
  return {
    rowCount: points.rowCount,
    pointCount: points.pointCount,
    errorCount: errors.count + (corrupt === undefined ? 0 : 1),
    errors: corrupt === undefined ? errors.list : [{ line: 0, column: -1, reason: corrupt }],
    corrupt,
    warning,
  };
}
