// A RowDictionary and RowSink for tests of scanners: plain maps and lists, everything written down
// as text. Also checks the seam: add only after find said unknown, refs only from add.
import { labelsFromPairs } from '../../src/model/labels.ts';
import type { Attribute, Exemplar, Metadata, NameSplit, Points } from '../../src/model/columns.ts';
import { KIND } from '../../src/model/columns.ts';
import type { RowDictionary, RowKey, RowSink } from '../../src/model/rows.ts';
import { ROW_UNKNOWN } from '../../src/model/rows.ts';

export interface RecordedRow {
  /** name=value,… sorted by name. */
  readonly series: string;
  readonly tUs: number;
  readonly subNs: number;
  readonly kind: string;
  readonly value: unknown;
}

const words = new Int32Array(2);
const asFloat = new Float64Array(words.buffer);
const asSigned = new BigInt64Array(words.buffer);
const asUnsigned = new BigUint64Array(words.buffer);

export class RowRecorder implements RowDictionary, RowSink {
  readonly rows: RecordedRow[] = [];
  readonly splits = new Map<string, NameSplit | undefined>();
  readonly metadataRows: Metadata[] = [];
  readonly exemplars: Exemplar[] = [];
  readonly attributes: Attribute[] = [];
  readonly pointSets: Points[] = [];
  addCount = 0;
  /** Series texts to refuse. */
  readonly refused = new Set<string>();
  #refs = new Map<string, number>();
  #series: string[] = [];

  #keyOf(bytes: Uint8Array, start: number, end: number, start2: number, end2: number): string {
    const first = Buffer.from(bytes.subarray(start, end)).toString('latin1');
    return `${first}\u0100${Buffer.from(bytes.subarray(start2, end2)).toString('latin1')}`;
  }

  find(bytes: Uint8Array, start: number, end: number, start2: number, end2: number): number {
    return this.#refs.get(this.#keyOf(bytes, start, end, start2, end2)) ?? ROW_UNKNOWN;
  }

  add(key: RowKey, pairs: readonly string[], split: NameSplit | undefined): number {
    this.addCount++;
    const labels = labelsFromPairs(pairs);
    const parts: string[] = [];
    for (let i = 0; i < labels.length; i += 2) parts.push(`${labels[i]}=${labels[i + 1]}`);
    const series = parts.join(',');
    this.splits.set(series, split);
    const known = this.#series.indexOf(series);
    const ref = this.refused.has(series) ? -1 : known >= 0 ? known : this.#series.push(series) - 1;
    this.#refs.set(this.#keyOf(key.bytes, key.start, key.end, key.start2, key.end2), ref);
    return ref;
  }

  refusal(): string {
    return 'refused by the test';
  }

  seriesOf(ref: number): string {
    const series = this.#series[ref];
    if (series === undefined) throw new Error(`ref ${ref} was never handed out`);
    return series;
  }

  #row(ref: number, tUs: number, subNs: number, kind: string, value: unknown): void {
    this.rows.push({ series: this.seriesOf(ref), tUs, subNs, kind, value });
  }

  f64(ref: number, tUs: number, subNs: number, value: number): void {
    this.#row(ref, tUs, subNs, 'f64', value);
  }

  f64Bits(ref: number, tUs: number, subNs: number, low: number, high: number): void {
    words[0] = low;
    words[1] = high;
    const value = asFloat[0]!;
    const bits = `bits:${asUnsigned[0]!.toString(16)}`;
    this.#row(ref, tUs, subNs, 'f64', Number.isNaN(value) ? bits : value);
  }

  i64(ref: number, tUs: number, subNs: number, low: number, high: number): void {
    words[0] = low;
    words[1] = high;
    this.#row(ref, tUs, subNs, 'i64', asSigned[0]);
  }

  u64(ref: number, tUs: number, subNs: number, low: number, high: number): void {
    words[0] = low;
    words[1] = high;
    this.#row(ref, tUs, subNs, 'u64', asUnsigned[0]);
  }

  boolean(ref: number, tUs: number, subNs: number, value: boolean): void {
    this.#row(ref, tUs, subNs, 'boolean', value);
  }

  string(ref: number, tUs: number, subNs: number, value: string): void {
    this.#row(ref, tUs, subNs, 'string', value);
  }

  points(points: Points): void {
    this.pointSets.push(points);
    for (let i = 0; i < points.count; i++) {
      const kind = points.kind === KIND.histogram ? 'histogram' : `points${points.kind}`;
      const subNs = points.subNs?.[i] ?? 0;
      this.#row(points.refs[i]!, points.tUs[i]!, subNs, kind, points.values[i]);
    }
  }

  metadata(row: Metadata): void {
    this.metadataRows.push(row);
  }

  exemplar(row: Exemplar): void {
    this.exemplars.push(row);
  }

  attribute(row: Attribute): void {
    this.attributes.push(row);
  }

  /** `series value @time` per row, for comparing with one string. */
  text(): string {
    return this.rows
      .map((row) => {
        const time = row.subNs === 0 ? `${row.tUs}` : `${row.tUs}+${row.subNs}ns`;
        const value = typeof row.value === 'string' ? JSON.stringify(row.value) : String(row.value);
        return `${row.series} ${row.kind} ${value} @${time}`;
      })
      .join('\n');
  }
}

const encoder = new TextEncoder();

/** The text as bytes followed by canary bytes that a scanner must not look at. */
export function withCanary(text: string | Uint8Array): { body: Uint8Array; end: number } {
  const bytes = typeof text === 'string' ? encoder.encode(text) : text;
  const body = new Uint8Array(bytes.length + 16).fill(0x37);
  body.set(bytes);
  return { body, end: bytes.length };
}
