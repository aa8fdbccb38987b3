// Stands between a scanner of exposition text and the real dictionary and sink, and makes native
// histograms with custom buckets out of the lines of classic ones: in sections of type histogram
// and gaugehistogram, lines `_bucket`, `_sum`, `_count` (`_gsum`, `_gcount`, `_created`) are kept
// aside by their labels without `le`, and come out at the end of the page as one sample a group. A
// group without buckets was no histogram: its lines come out as they stood. Held: what the page
// holds.
import { decodeUtf8Lenient } from '../../codec/utf8.ts';
import type { Labels } from '../../model/labels.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import type { RowDictionary, RowKey, RowSink, ScanResult } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { refOfPairs } from '../pairs-key.ts';
import { histogramPoint } from '../remote-write/histogram.ts';
import { ScanErrors } from '../scan-errors.ts';
import type { ClassicBucket } from './custom-histogram.ts';
import { customHistogram } from './custom-histogram.ts';

/** Above every real ref. */
const OWN_REFS = 2 ** 40;
const LINE_NAME = /^([^]+)_(bucket|sum|count|gsum|gcount|created)$/;

/** What one line of the page says, wherever it is repeated. */
interface ClassicLine {
  readonly name: string;
  /** `bucket`, `sum` … */
  readonly part: string;
  readonly bound: number;
  /** Of the line. */
  readonly pairs: readonly string[];
  /** Of the histogram. */
  readonly groupPairs: readonly string[];
  readonly isGauge: boolean;
}

interface Group {
  readonly line: ClassicLine;
  readonly tUs: number;
  readonly buckets: ClassicBucket[];
  readonly kept: { readonly line: ClassicLine; readonly value: number }[];
  readonly exemplars: { readonly labels: Labels; readonly tUs: number; readonly value: number }[];
  count: number | undefined;
  sum: number;
  startUs: number;
}

function boundOf(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text || 'NaN');
}

class ClassicGroups implements RowDictionary {
  readonly #dictionary: RowDictionary;
  readonly #sink: RowSink;
  readonly #lines: ClassicLine[] = [];
  readonly #refs = new Map<string, number>();
  readonly #groups = new Map<string, Group>();
  readonly #groupOfLine = new Map<ClassicLine, Group>();
  readonly errors = new ScanErrors();
  /** Points more than the scanner counted; mostly fewer. */
  pointCountChange = 0;

  constructor(dictionary: RowDictionary, sink: RowSink) {
    this.#dictionary = dictionary;
    this.#sink = sink;
  }

  find(bytes: Uint8Array, start: number, end: number, start2: number, end2: number): number {
    if (!isHistogramType(bytes, start2, end2))
      return this.#dictionary.find(bytes, start, end, start2, end2);
    const own = this.#refs.get(keyText(bytes, start, end));
    return own ?? this.#dictionary.find(bytes, start, end, start2, end2);
  }

  add(key: RowKey, pairs: readonly string[], split: undefined): number {
    const { bytes, start, end, start2, end2 } = key;
    const line = isHistogramType(bytes, start2, end2)
      ? classicLine(pairs, decodeUtf8Lenient(bytes, start2, end2))
      : undefined;
    if (line === undefined) return this.#dictionary.add(key, pairs, split);
    const ref = OWN_REFS + this.#lines.push(line) - 1;
    this.#refs.set(keyText(bytes, start, end), ref);
    return ref;
  }

  refusal(): string {
    return this.#dictionary.refusal();
  }

  /** What the scanner writes to. */
  get sink(): RowSink {
    const sink = this.#sink;
    const floats = new Float64Array(1);
    const words = new Int32Array(floats.buffer);
    return {
      f64: (ref, tUs, subNs, value) => {
        if (ref < OWN_REFS) sink.f64(ref, tUs, subNs, value);
        else this.#keep(this.#lines[ref - OWN_REFS]!, tUs, value);
      },
      f64Bits: (ref, tUs, subNs, low, high) => {
        if (ref < OWN_REFS) return sink.f64Bits(ref, tUs, subNs, low, high);
        words[0] = low;
        words[1] = high;
        this.#keep(this.#lines[ref - OWN_REFS]!, tUs, floats[0]!);
      },
      exemplar: (row) => {
        if (row.ref < OWN_REFS) sink.exemplar(row);
        else this.#groupOfLine.get(this.#lines[row.ref - OWN_REFS]!)?.exemplars.push(row);
      },
      i64: (ref, tUs, subNs, low, high) => sink.i64(ref, tUs, subNs, low, high),
      u64: (ref, tUs, subNs, low, high) => sink.u64(ref, tUs, subNs, low, high),
      boolean: (ref, tUs, subNs, value) => sink.boolean(ref, tUs, subNs, value),
      string: (ref, tUs, subNs, value) => sink.string(ref, tUs, subNs, value),
      points: (points) => sink.points(points),
      metadata: (row) => sink.metadata(row),
      attribute: (row) => sink.attribute(row),
    };
  }

  #keep(line: ClassicLine, tUs: number, value: number): void {
    this.pointCountChange--;
    const key = `${tUs}\n${JSON.stringify(line.groupPairs)}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      const empty = { buckets: [], kept: [], exemplars: [], count: undefined, sum: 0 };
      group = { line, tUs, ...empty, startUs: Number.NaN };
      this.#groups.set(key, group);
    }
    this.#groupOfLine.set(line, group);
    group.kept.push({ line, value });
    if (line.part === 'bucket') group.buckets.push({ bound: line.bound, value });
    else if (line.part.endsWith('count')) group.count = value;
    else if (line.part.endsWith('sum')) group.sum = value;
    else group.startUs = Math.round(value * 1e6);
  }

  /** Gives out what was kept; after the scan. */
  flush(): void {
    for (const group of this.#groups.values())
      if (group.buckets.length === 0) this.#emitPlain(group);
      else this.#emitHistogram(group);
  }

  #emitPlain({ kept, tUs }: Group): void {
    for (const { line, value } of kept) {
      const ref = this.#resolve(line.pairs);
      if (ref === REF_REFUSED) continue;
      this.pointCountChange++;
      this.#sink.f64(ref, tUs, 0, value);
    }
  }

  #emitHistogram({ line, tUs, buckets, count, sum, startUs, exemplars }: Group): void {
    const histogram = customHistogram(buckets, { count, sum, isGauge: line.isGauge });
    if (typeof histogram === 'string')
      return this.errors.add(0, -1, `histogram '${line.name}': ${histogram}`);
    const ref = this.#resolve(line.groupPairs);
    if (ref === REF_REFUSED) return;
    this.pointCountChange++;
    this.#sink.points(histogramPoint(ref, tUs, startUs, histogram));
    for (const { labels, value, tUs: exemplarUs } of exemplars)
      this.#sink.exemplar({ ref, labels, tUs: exemplarUs, subNs: 0, value });
  }

  #resolve(pairs: readonly string[]): number {
    const ref = refOfPairs(this.#dictionary, pairs);
    if (ref === REF_REFUSED) this.errors.add(0, -1, this.#dictionary.refusal());
    return ref;
  }
}

function keyText(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

/** `histogram`, `gaugehistogram`, `gauge_histogram`, also with a unit behind it. */
function isHistogramType(bytes: Uint8Array, start: number, end: number): boolean {
  return /^(?:gauge_?)?histogram(?:\n|$)/.test(decodeUtf8Lenient(bytes, start, end));
}

/** undefined: no line of a classic histogram. */
function classicLine(pairs: readonly string[], type: string): ClassicLine | undefined {
  const match = LINE_NAME.exec(pairs[1]!);
  if (match === null) return undefined;
  const [, name, part] = match as unknown as [string, string, string];
  const groupPairs = [METRIC_NAME, name];
  let bound = Number.NaN;
  for (let i = 2; i < pairs.length; i += 2)
    if (part === 'bucket' && pairs[i] === 'le') bound = boundOf(pairs[i + 1]!);
    else groupPairs.push(pairs[i]!, pairs[i + 1]!);
  return { name, part, bound, pairs, groupPairs, isGauge: type.startsWith('gauge') };
}

/** Runs `scan` with classic histograms turned into native ones. */
export function withCustomBuckets(
  dictionary: RowDictionary,
  sink: RowSink,
  scan: (dictionary: RowDictionary, sink: RowSink) => ScanResult,
): ScanResult {
  const groups = new ClassicGroups(dictionary, sink);
  const { rowCount, pointCount, errorCount, errors } = scan(groups, groups.sink);
  groups.flush();
  return {
    rowCount,
    pointCount: pointCount + groups.pointCountChange,
    errorCount: errorCount + groups.errors.count,
    errors: [...errors, ...groups.errors.list],
  };
}
