// From the identity of data points to series: resource, scope and metric are written out in front
// of the attributes, and the dictionary is asked with those bytes. Only what it does not know is
// decoded, named and added, with the metadata of its metric.
//
//   row  = number of resource and scope, type, name, unit, description, metadata
//   cell = attributes, for gauges and sums
//   row  = the same and attributes; cell = part and bound, for what becomes several series
import type { ProtobufReader } from '../../codec/protobuf.ts';
import { decodeUtf8 } from '../../codec/utf8.ts';
import type { RowDictionary, RowSink } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { MESSAGE_LABEL_BYTES_MAX, SERIES_LABEL_BYTES_MAX } from '../limits.ts';
import { METADATA_TYPES } from '../remote-write/labels.ts';
import { readAttributes } from './attributes.ts';
import { KeyScratch } from './key-scratch.ts';
import type { LabelRules, ResourceLabels } from './labels.ts';
import { resourceLabels, scopePairs, seriesPairs } from './labels.ts';
import { metricName, unitName } from './names.ts';
import type { NamedType, Naming } from './names.ts';
import { ATTRIBUTE_TAG, METRIC_TYPE } from './point-fields.ts';
import type { FieldRun, MetricType } from './point-fields.ts';
import { plainFloat } from './plain-float.ts';
import { scopeNumbers } from './scope-numbers.ts';
import type { ScopeNumbers } from './scope-numbers.ts';
import { readScope } from './scope.ts';

/** Bytes of a body; empty where a field is absent. */
export interface Range {
  start: number;
  end: number;
}

/** What stands in front of a metric's data points. */
export interface MetricHead {
  readonly name: Range;
  readonly unit: Range;
  readonly description: Range;
  readonly metadata: FieldRun;
  type: MetricType;
  isMonotonic: boolean;
}

/** Series that one data point of a histogram or summary becomes. */
export const PART = { native: 0, bucket: 1, sum: 2, count: 3, quantile: 4 } as const;
export type Part = (typeof PART)[keyof typeof PART];

const SUFFIX: Readonly<Record<Part, string>> = {
  [PART.native]: '',
  [PART.bucket]: '_bucket',
  [PART.sum]: '_sum',
  [PART.count]: '_count',
  [PART.quantile]: '',
};

const PART_BYTES = 9;
/** Number of the scope, type and whether it is monotonic, four lengths. */
const HEAD_BYTES = 8 + 2 + 4 * 4;
const RESOURCE_ATTRIBUTE_TAG = 0x0a;
const METADATA_TAG = (12 << 3) | 2;
const TYPE_HINT = 'prometheus.type';

/** Scans are synchronous and begin with an empty one, so one serves them all. */
const sharedScratch = new KeyScratch();

export interface FinderParts {
  readonly reader: ProtobufReader;
  readonly view: DataView;
  readonly dictionary: RowDictionary;
  readonly sink: RowSink;
  readonly rules: LabelRules;
}

export class SeriesFinder {
  /** Why the last series was refused. */
  reason = '';
  readonly #reader: ProtobufReader;
  readonly #body: Uint8Array;
  readonly #view: DataView;
  readonly #dictionary: RowDictionary;
  readonly #sink: RowSink;
  readonly #rules: LabelRules;
  readonly #numbers: ScopeNumbers;
  readonly #scratch = sharedScratch;
  readonly #resourceRange: Range = { start: 0, end: 0 };
  #resource: ResourceLabels | string | undefined = undefined;
  #resourceText = '';
  readonly #scopeRange: Range = { start: 0, end: 0 };
  readonly #schemaRange: Range = { start: 0, end: 0 };
  #scope: readonly string[] | string | undefined = undefined;
  #scopeNumber = 0;
  #metric: MetricHead;
  #naming: Naming | undefined = undefined;
  #isDescribed = false;
  #headBytes = 0;
  #attributes: FieldRun;
  #rowStart = -1;
  #rowEnd = 0;

  constructor({ reader, view, dictionary, sink, rules }: FinderParts, metric: MetricHead) {
    this.#reader = reader;
    this.#body = reader.bytes;
    this.#view = view;
    this.#dictionary = dictionary;
    this.#sink = sink;
    this.#rules = rules;
    this.#numbers = scopeNumbers(dictionary);
    this.#metric = metric;
    this.#attributes = metric.metadata;
    sharedScratch.reset();
  }

  #latin1(start: number, end: number): string {
    const { buffer, byteOffset } = this.#body;
    return Buffer.from(buffer, byteOffset + start, end - start).toString('latin1');
  }

  /** The Resource message of what follows. */
  openResource(start: number, end: number): void {
    this.#resourceRange.start = start;
    this.#resourceRange.end = end;
    this.#resource = undefined;
    this.#resourceText = this.#latin1(start, end);
  }

  /** The InstrumentationScope message of what follows, and its schema URL. */
  openScope(scope: Range, schema: Range): void {
    Object.assign(this.#scopeRange, scope);
    Object.assign(this.#schemaRange, schema);
    this.#scope = undefined;
    let text = `${this.#resourceText.length} ${this.#resourceText}`;
    if (this.#rules.scopeLabels) {
      const scopeText = this.#latin1(scope.start, scope.end);
      text += `${scopeText.length} ${scopeText}${this.#latin1(schema.start, schema.end)}`;
    }
    this.#scopeNumber = this.#numbers.numberOf(text);
  }

  /** The head given to the constructor is that of another metric now. */
  openMetric(): void {
    const { name, unit, description, metadata } = this.#metric;
    this.#naming = undefined;
    this.#isDescribed = false;
    this.#rowStart = -1;
    this.#headBytes = HEAD_BYTES;
    for (const { start, end } of [name, unit, description, metadata])
      this.#headBytes += end - start;
  }

  #writeHead(): void {
    const scratch = this.#scratch;
    const { name, unit, description, metadata, type, isMonotonic } = this.#metric;
    this.#rowStart = scratch.end;
    scratch.f64(this.#scopeNumber);
    scratch.u8(type);
    scratch.u8(isMonotonic ? 1 : 0);
    scratch.piece(this.#body, this.#view, name.start, name.end);
    scratch.piece(this.#body, this.#view, unit.start, unit.end);
    scratch.piece(this.#body, this.#view, description.start, description.end);
    scratch.piece(this.#body, this.#view, metadata.start, metadata.end);
    this.#rowEnd = scratch.end;
  }

  #refuse(reason: string): number {
    this.reason = reason;
    return REF_REFUSED;
  }

  #hasRoom(sizeBytes: number): boolean {
    if (sizeBytes > SERIES_LABEL_BYTES_MAX)
      this.reason = `name and attributes take more than ${SERIES_LABEL_BYTES_MAX} bytes`;
    else if (this.#scratch.writtenBytes > MESSAGE_LABEL_BYTES_MAX)
      this.reason =
        `names and attributes of all data points take more than ${MESSAGE_LABEL_BYTES_MAX} ` +
        'bytes: send fewer at once';
    else return true;
    return false;
  }

  /** The series of a number with these attributes; negative: refused, see `reason`. */
  single(attributes: FieldRun): number {
    const scratch = this.#scratch;
    const sizeBytes = attributes.end - attributes.start;
    if (!this.#hasRoom(this.#headBytes + sizeBytes)) return REF_REFUSED;
    if (this.#rowStart < 0 || scratch.reserve(sizeBytes)) {
      scratch.reserve(this.#headBytes + sizeBytes);
      this.#writeHead();
    }
    const start = scratch.end;
    this.#copy(attributes);
    this.#attributes = attributes;
    return this.#find(start, scratch.end, PART.native, Number.NaN);
  }

  /** What follows are `partCount` parts, at most, of one data point. False: see `reason`. */
  openParts(attributes: FieldRun, partCount: number): boolean {
    const scratch = this.#scratch;
    const sizeBytes = this.#headBytes + attributes.end - attributes.start;
    if (!this.#hasRoom(sizeBytes)) return false;
    scratch.reserve(sizeBytes + partCount * PART_BYTES);
    this.#writeHead();
    this.#copy(attributes);
    this.#rowEnd = scratch.end;
    this.#attributes = attributes;
    return true;
  }

  /** The series of a part; `bound` of buckets and quantiles. Negative: refused, see `reason`. */
  part(part: Part, bound: number): number {
    const scratch = this.#scratch;
    const start = scratch.end;
    scratch.u8(part);
    scratch.f64(bound);
    return this.#find(start, scratch.end, part, bound);
  }

  #copy(run: FieldRun): void {
    const { start, end, isSplit } = run;
    if (!isSplit) return this.#scratch.copy(this.#body, this.#view, start, end);
    const reader = this.#reader;
    const { at, end: outerEnd } = reader;
    const tag = ATTRIBUTE_TAG[this.#metric.type];
    reader.at = start;
    reader.end = end;
    while (reader.at < end) {
      const from = reader.at;
      const found = reader.tag();
      reader.skip(found);
      if (found === tag) this.#scratch.copy(this.#body, this.#view, from, reader.at);
    }
    reader.at = at;
    reader.end = outerEnd;
  }

  #find(start: number, end: number, part: Part, bound: number): number {
    const { bytes } = this.#scratch;
    const ref = this.#dictionary.find(bytes, this.#rowStart, this.#rowEnd, start, end);
    if (ref === ROW_UNKNOWN) return this.#add(start, end, part, bound);
    return ref === REF_REFUSED ? this.#refuse(this.#dictionary.refusal()) : ref;
  }

  #add(start2: number, end2: number, part: Part, bound: number): number {
    const pairs = this.#pairs(part, bound);
    if (typeof pairs === 'string') return this.#refuse(pairs);
    const { bytes } = this.#scratch;
    const key = { bytes, start: this.#rowStart, end: this.#rowEnd, start2, end2 };
    const ref = this.#dictionary.add(key, pairs, undefined);
    if (ref === REF_REFUSED) return this.#refuse(this.#dictionary.refusal());
    this.#describe();
    return ref;
  }

  /** Labels of a series, or why it can have none. */
  #pairs(part: Part, bound: number): string[] | string {
    const resource = this.#resourceLabels();
    if (typeof resource === 'string') return resource;
    const scope = this.#scopePairs();
    if (typeof scope === 'string') return scope;
    const naming = this.#name();
    if ('reason' in naming) return naming.reason;
    const { start, end } = this.#attributes;
    const tag = ATTRIBUTE_TAG[this.#metric.type];
    const attributes = readAttributes(this.#reader, start, end, tag);
    if (typeof attributes === 'string') return attributes;
    const extra =
      part === PART.bucket
        ? ['le', plainFloat(bound)]
        : part === PART.quantile
          ? ['quantile', plainFloat(bound)]
          : [];
    const parts = { resource, scope, attributes, metricName: naming.name + SUFFIX[part], extra };
    return seriesPairs(parts, this.#rules);
  }

  #resourceLabels(): ResourceLabels | string {
    if (this.#resource !== undefined) return this.#resource;
    const { start, end } = this.#resourceRange;
    const attributes = readAttributes(this.#reader, start, end, RESOURCE_ATTRIBUTE_TAG);
    return (this.#resource =
      typeof attributes === 'string' ? attributes : resourceLabels(attributes, this.#rules));
  }

  #scopePairs(): readonly string[] | string {
    if (this.#scope !== undefined) return this.#scope;
    const scope = readScope(this.#reader, this.#scopeRange, this.#schemaRange);
    return (this.#scope = typeof scope === 'string' ? scope : scopePairs(scope, this.#rules));
  }

  #text({ start, end }: Range): string | undefined {
    return decodeUtf8(this.#body, start, end);
  }

  #name(): Naming {
    if (this.#naming !== undefined) return this.#naming;
    const name = this.#text(this.#metric.name);
    const unit = this.#text(this.#metric.unit);
    const isText = name !== undefined && unit !== undefined;
    return (this.#naming = isText
      ? metricName({ name, unit, type: this.#namedType() }, this.#rules.names)
      : { reason: 'name or unit of a metric is not valid UTF-8' });
  }

  #namedType(): NamedType {
    const { type, isMonotonic } = this.#metric;
    if (type === METRIC_TYPE.gauge) return 'gauge';
    return type === METRIC_TYPE.sum && isMonotonic ? 'counter' : 'other';
  }

  /** Metadata of the metric goes with its first new series. */
  #describe(): void {
    if (this.#isDescribed) return;
    this.#isDescribed = true;
    const naming = this.#name();
    if ('reason' in naming) return;
    const { unit, description } = this.#metric;
    const rules = { ...this.#rules.names, escapes: true };
    this.#sink.metadata({
      family: naming.name,
      type: this.#metadataType(),
      unit: unitName(this.#text(unit) ?? '', rules),
      help: this.#text(description) ?? '',
    });
  }

  #metadataType(): string {
    const { type, isMonotonic, metadata } = this.#metric;
    if (type === METRIC_TYPE.summary) return 'summary';
    if (type === METRIC_TYPE.histogram || type === METRIC_TYPE.exponential) return 'histogram';
    if (type === METRIC_TYPE.sum && isMonotonic) return 'counter';
    const hints = readAttributes(this.#reader, metadata.start, metadata.end, METADATA_TAG);
    if (typeof hints === 'string') return 'gauge';
    const hint = hints.find(({ key }) => key === TYPE_HINT)?.text ?? '';
    return METADATA_TYPES.includes(hint) ? hint : 'gauge';
  }

  /** target_info of the resource; negative where it has none. */
  targetInfo(): number {
    const scratch = this.#scratch;
    scratch.reserve(8);
    const start = scratch.end;
    scratch.f64(this.#numbers.numberOf(`target ${this.#resourceText}`));
    const { bytes, end } = scratch;
    const ref = this.#dictionary.find(bytes, start, end, end, end);
    if (ref !== ROW_UNKNOWN) return ref;
    const resource = this.#resourceLabels();
    if (typeof resource === 'string' || resource.info === undefined) return REF_REFUSED;
    const key = { bytes, start, end, start2: end, end2: end };
    const added = this.#dictionary.add(key, resource.info, undefined);
    if (added === REF_REFUSED) return this.#refuse(this.#dictionary.refusal());
    const help = 'Attributes of the resource.';
    const family = resource.info.at(-1)!;
    this.#sink.metadata({ family, type: 'info', unit: '', help });
    return added;
  }

  /** After a scan: lets go of large buffers. */
  close(): void {
    this.#scratch.reset();
  }

  /** Name of the metric as the client wrote it, for messages. */
  get shownName(): string {
    const { start, end } = this.#metric.name;
    return decodeUtf8(this.#body, start, Math.min(end, start + SHOWN_BYTES_MAX)) ?? '?';
  }
}

const SHOWN_BYTES_MAX = 100;
