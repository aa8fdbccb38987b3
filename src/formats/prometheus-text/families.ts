// Samples as families of Prometheus' exposition formats: text 0.0.4, or protobuf messages
// io.prometheus.client.MetricFamily with their size in front. Native histograms stand in protobuf
// alone, those with custom buckets as classic ones in both. Source: client_model metrics.proto,
// Prometheus web/federate.go, common/expfmt.
import { formatGoFloat } from '../../codec/go-float.ts';
import { ProtobufWriter } from '../../codec/protobuf-writer.ts';
import { ByteWriter } from '../../codec/varint.ts';
import type { Histogram } from '../../model/histogram.ts';
import { COUNTER_RESET_HINT, CUSTOM_BUCKETS_SCHEMA } from '../../model/histogram.ts';
import { METRIC_NAME, labelValue } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { escapeName, isPlainName } from './escaping.ts';
import type { EscapingScheme } from './escaping.ts';

export interface FamilySample {
  /** With a metric name. */
  readonly labels: Labels;
  readonly timeMs: number;
  readonly value: number | Histogram;
}

type FamilyType = 'untyped' | 'histogram' | 'gaugehistogram';

/** Numbers of MetricType. */
const TYPE_NUMBER = { untyped: 3, histogram: 4, gaugehistogram: 5 } as const;

function typeOf({ value }: FamilySample): FamilyType {
  if (typeof value === 'number') return 'untyped';
  return value.counterResetHint === COUNTER_RESET_HINT.gauge ? 'gaugehistogram' : 'histogram';
}

/** Cumulative counts by upper bound, the highest finite ones only. */
function classicBuckets(histogram: Histogram): [bound: number, count: number][] {
  const byIndex = new Map<number, number>();
  let index = 0;
  let at = 0;
  for (const { offset, length } of histogram.positiveSpans) {
    index += offset;
    for (let i = 0; i < length; i++) byIndex.set(index++, histogram.positiveBuckets[at++]!);
  }
  let sum = 0;
  return Array.from(histogram.customValues, (bound, i) => [bound, (sum += byIndex.get(i) ?? 0)]);
}

const hasClassicForm = ({ value }: FamilySample): boolean =>
  typeof value === 'number' || value.schema === CUSTOM_BUCKETS_SCHEMA;

/** A family: neighbours of one name and type. */
interface Family {
  readonly name: string;
  readonly type: FamilyType;
  readonly samples: FamilySample[];
}

/** Neighbours with one name make one family. */
function* familiesOf(samples: Iterable<FamilySample>): Generator<Family, void, void> {
  let family: Family | undefined;
  for (const sample of samples) {
    const name = labelValue(sample.labels, METRIC_NAME);
    const type = typeOf(sample);
    if (family !== undefined && (family.name !== name || family.type !== type)) {
      yield family;
      family = undefined;
    }
    family ??= { name, type, samples: [] };
    family.samples.push(sample);
  }
  if (family !== undefined) yield family;
}

/** Labels but for the name; `instance` is always there, so that a scraper does not set its own. */
function labelPairs(labels: Labels): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < labels.length; i += 2)
    if (labels[i] !== METRIC_NAME) pairs.push([labels[i]!, labels[i + 1]!]);
  if (!pairs.some(([name]) => name === 'instance')) pairs.push(['instance', '']);
  return pairs;
}

const quoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')}"`;

export function* textFamilies(
  samples: Iterable<FamilySample>,
  scheme: EscapingScheme,
): Generator<string, void, void> {
  for (const family of familiesOf(samples)) {
    const shown = family.samples.filter(hasClassicForm);
    if (shown.length === 0) continue;
    const name = escapeName(family.name, scheme);
    const type = family.type === 'untyped' ? 'untyped' : 'histogram';
    let text = `# TYPE ${isPlainName(name) ? name : quoted(name)} ${type}\n`;
    for (const sample of shown) text += textSample(name, sample, scheme);
    yield text;
  }
}

function textSample(name: string, sample: FamilySample, scheme: EscapingScheme): string {
  const { value, timeMs } = sample;
  const labels = labelPairs(sample.labels).map(([label, text]): [string, string] => [
    escapeName(label, scheme),
    text,
  ]);
  const line = (suffix: string, number: number, extra: readonly [string, string][] = []): string =>
    `${seriesText(name + suffix, [...labels, ...extra])} ${formatGoFloat(number)} ${timeMs}\n`;
  if (typeof value === 'number') return line('', value);
  const buckets = classicBuckets(value).map(([bound, count]) =>
    line('_bucket', count, [['le', formatGoFloat(bound)]]),
  );
  return (
    buckets.join('') +
    line('_bucket', value.count, [['le', '+Inf']]) +
    line('_sum', value.sum) +
    line('_count', value.count)
  );
}

function seriesText(name: string, labels: readonly (readonly [string, string])[]): string {
  const isPlain = isPlainName(name);
  const parts = labels.map(([label, text]) => {
    const plain = isPlainName(label) && !label.includes(':');
    return `${plain ? label : quoted(label)}=${quoted(text)}`;
  });
  if (!isPlain) parts.unshift(quoted(name));
  return `${isPlain ? name : ''}${parts.length === 0 ? '' : `{${parts.join(',')}}`}`;
}

/** One message a family, its size in front. */
export function* protobufFamilies(
  samples: Iterable<FamilySample>,
  scheme: EscapingScheme,
): Generator<Uint8Array, void, void> {
  for (const { name, type, samples: members } of familiesOf(samples)) {
    const message = new ProtobufWriter(1024);
    message.string(1, escapeName(name, scheme));
    message.uint(3, TYPE_NUMBER[type]);
    for (const sample of members)
      message.message(4, (metric) => {
        for (const [label, text] of labelPairs(sample.labels))
          metric.message(1, (pair) => {
            pair.string(1, escapeName(label, scheme));
            pair.string(2, text);
          });
        const { value } = sample;
        if (typeof value === 'number') metric.message(5, (untyped) => untyped.double(1, value));
        metric.int(6, sample.timeMs);
        if (typeof value !== 'number') metric.message(7, (out) => writeHistogram(out, value));
      });
    const body = message.bytes();
    const out = new ByteWriter(body.length + 8);
    out.varint(body.length);
    out.raw(body);
    yield out.bytes();
  }
}

/** With float counts, as all federated histograms have them. */
function writeHistogram(out: ProtobufWriter, h: Histogram): void {
  out.double(2, h.sum);
  if (h.schema === CUSTOM_BUCKETS_SCHEMA) {
    for (const [bound, count] of classicBuckets(h))
      out.message(3, (bucket) => {
        bucket.double(2, bound);
        bucket.double(4, count);
      });
    return out.double(4, h.count);
  }
  out.double(4, h.count);
  out.sint(5, h.schema);
  out.double(6, h.zeroThreshold);
  out.double(8, h.zeroCount);
  const side = (field: number, spans: Histogram['positiveSpans'], counts: Float64Array): void => {
    for (const { offset, length } of spans)
      out.message(field, (span) => {
        span.sint(1, offset);
        span.uint(2, length);
      });
    for (const count of counts) out.double(field + 2, count);
  };
  side(9, h.negativeSpans, h.negativeBuckets);
  side(12, h.positiveSpans, h.positiveBuckets);
}
