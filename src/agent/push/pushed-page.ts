// What one push says, as families of series with one value each: read by the scanners of exposition
// formats, kept as values instead of written. Rules of the real Pushgateway: labels of the group
// win, no sample has a time, no series comes twice. Source: pushgateway storage/diskmetricstore.go,
// handler/push.go.
import type { ExpositionResult, ExpositionScan } from '../../formats/exposition.ts';
import { KIND } from '../../model/columns.ts';
import type { Metadata, Points } from '../../model/columns.ts';
import type { Histogram } from '../../model/histogram.ts';
import { labelsFromPairs, labelsKey, METRIC_NAME } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { RowDictionary, RowKey, RowSink } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';

export interface PushedSeries {
  /** With the metric name and those of the group. */
  readonly labels: Labels;
  readonly value: number | Histogram;
}

export interface PushedFamily extends Metadata {
  /** When it was pushed. */
  readonly timeMs: number;
  readonly series: readonly PushedSeries[];
}

/** Names of the two metrics that each group has beside what is pushed. */
export const PUSH_TIME = 'push_time_seconds';
export const PUSH_FAILURE_TIME = 'push_failure_time_seconds';

/** No format but OpenMetrics can write it, and there nobody would. */
const NO_TIME_US = 1;

const SUFFIX = /_(?:bucket|count|sum|gcount|gsum|total|created|info)$/;

/** Remembers labels and values in the order of the page. */
class PageCollector implements RowDictionary {
  readonly labels: Labels[] = [];
  readonly values = new Map<number, number | Histogram>();
  readonly metadata: Metadata[] = [];
  hasTimes = false;
  /** The labels that came twice. */
  second: Labels | undefined = undefined;
  readonly #refs = new Map<string, number>();
  readonly #byLabels = new Map<string, number>();
  readonly #group: Labels;

  constructor(group: Labels) {
    this.#group = group;
  }

  find(bytes: Uint8Array, start: number, end: number, start2: number, end2: number): number {
    return this.#refs.get(keyText({ bytes, start, end, start2, end2 })) ?? ROW_UNKNOWN;
  }

  add(key: RowKey, pairs: readonly string[]): number {
    const labels = labelsFromPairs([...pairs, ...this.#group]);
    const labelsText = labelsKey(labels);
    const known = this.#byLabels.get(labelsText);
    const ref = known ?? this.labels.push(labels) - 1;
    this.#byLabels.set(labelsText, ref);
    this.#refs.set(keyText(key), ref);
    return ref;
  }

  refusal(): string {
    return '';
  }

  readonly #keep = (ref: number, tUs: number, value: number | Histogram): void => {
    if (tUs !== NO_TIME_US) this.hasTimes = true;
    if (this.values.has(ref)) this.second ??= this.labels[ref];
    this.values.set(ref, value);
  };

  get sink(): RowSink {
    const keep = this.#keep;
    const floats = new Float64Array(1);
    const words = new Int32Array(floats.buffer);
    return {
      f64: (ref, tUs, _subNs, value) => keep(ref, tUs, value),
      f64Bits: (ref, tUs, _subNs, low, high) => {
        words[0] = low;
        words[1] = high;
        keep(ref, tUs, floats[0]!);
      },
      points: (points: Points) => {
        for (let i = 0; i < points.count; i++)
          if (points.kind === KIND.f64 || points.kind === KIND.histogram)
            keep(points.refs[i]!, points.tUs[i]!, points.values[i]!);
      },
      metadata: (row) => this.metadata.push(row),
      exemplar: () => undefined,
      attribute: () => undefined,
      i64: never,
      u64: never,
      boolean: never,
      string: never,
    };
  }
}

function never(): never {
  throw new Error('exposition formats have floats and histograms only');
}

function keyText({ bytes, start, end, start2, end2 }: RowKey): string {
  const text = (from: number, to: number): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
  return `${text(start2, end2)}\n${text(start, end)}`;
}

function nameOf(labels: Labels): string {
  return labels[labels.indexOf(METRIC_NAME) + 1]!;
}

/** The family a series belongs to, among those that the page describes. */
function familyOf(name: string, described: ReadonlyMap<string, Metadata>): Metadata {
  const own = described.get(name) ?? described.get(name.replace(SUFFIX, ''));
  return own ?? { family: name, type: 'unknown', unit: '', help: '' };
}

export interface PushedPage {
  readonly families: readonly PushedFamily[];
  /** '' or why the page as a whole may not be pushed. */
  readonly reason: string;
}

/** The page, or the reason why it cannot be read. `group`: the labels of the group. */
export function readPushedPage(
  body: Uint8Array,
  { scan, group, timeMs }: { scan: ExpositionScan; group: Labels; timeMs: number },
): PushedPage | string {
  const collector = new PageCollector(group);
  const options = { defaultTimeUs: NO_TIME_US, mode: 'import', extraLabels: [] } as const;
  const result = scan(body, body.length, options, collector, collector.sink);
  if (result.errorCount > 0) return scanReason(result);
  const described = new Map(collector.metadata.map((row) => [row.family, row]));
  const families = new Map<string, Metadata & { series: PushedSeries[] }>();
  for (const [ref, labels] of collector.labels.entries()) {
    const about = familyOf(nameOf(labels), described);
    let family = families.get(about.family);
    if (family === undefined) families.set(about.family, (family = { ...about, series: [] }));
    const value = collector.values.get(ref);
    if (value !== undefined) family.series.push({ labels, value });
  }
  // The group's own; what is pushed under these names means nothing.
  families.delete(PUSH_TIME);
  families.delete(PUSH_FAILURE_TIME);
  return {
    families: Array.from(families.values(), (family) => ({ ...family, timeMs })),
    reason: reasonOf(collector),
  };
}

function reasonOf({ hasTimes, second }: PageCollector): string {
  if (hasTimes) return 'pushed metrics must not have timestamps';
  if (second === undefined) return '';
  return `collected metric "${nameOf(second)}" was collected before with the same name and label values`;
}

function scanReason({ corrupt, errors, errorCount }: ExpositionResult): string {
  if (corrupt !== undefined) return corrupt;
  const [first] = errors;
  const more = errorCount > 1 ? `, and ${errorCount - 1} more` : '';
  return first === undefined
    ? `text format parsing error in ${errorCount} lines`
    : `text format parsing error in line ${first.line}: ${first.reason}${more}`;
}
