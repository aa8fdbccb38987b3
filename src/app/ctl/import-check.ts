// A body read here, by the scanner that the server has, before it is sent: how many points are in
// it, and which of its rows have no time. Labels are not looked at but by `problems`, which reads a
// body again that was refused.
import { scanCsv } from '../../formats/csv/scan.ts';
import type { CsvOptions } from '../../formats/csv/scan.ts';
import { scanPlaintext } from '../../formats/graphite/plaintext.ts';
import { scanLineProtocol } from '../../formats/influx/line-protocol.ts';
import type { InfluxPrecision } from '../../formats/influx/line-protocol.ts';
import { scanJsonLines } from '../../formats/json-lines/decode.ts';
import { scanPutJson } from '../../formats/opentsdb/put-json.ts';
import { scanPrometheusText } from '../../formats/prometheus-text/exposition.ts';
import { scanGts } from '../../formats/warp10/gts.ts';
import type { Points } from '../../model/columns.ts';
import type { PointRun, RowDictionary, RowSink, ScanResult } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';

export type ImportFormat =
  | 'influx'
  | 'prometheus'
  | 'jsonl'
  | 'csv'
  | 'graphite'
  | 'opentsdb'
  | 'warp10';

export interface CheckOptions {
  readonly format: ImportFormat;
  readonly precision: InfluxPrecision;
  /** Of CSV. */
  readonly csv: Omit<CsvOptions, 'defaultTimeUs'> | undefined;
}

/** No time of a file is this one: rows that have it were given it. */
const NO_TIME_US = -9_007_199_254_740_981;

/** Knows every series, and which ones were asked for: by a hash of the bytes that name them. */
class SeenSeries implements RowDictionary {
  readonly hashes = new Set<number>();
  readonly #seed: number;

  /** `where`: what else decides which series the bytes mean. */
  constructor(where: string) {
    const bytes = new TextEncoder().encode(where);
    this.#seed = hashOf(0x811c9dc5, bytes, 0, bytes.length);
  }

  find(bytes: Uint8Array, start: number, end: number, start2: number, end2: number): number {
    this.hashes.add(hashOf(hashOf(this.#seed, bytes, start, end), bytes, start2, end2));
    return 0;
  }

  add(): number {
    return 0;
  }

  refusal(): string {
    return '';
  }
}

/** FNV-1a, with the length at the end. */
function hashOf(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let hash = seed;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return Math.imul(hash ^ (end - start), 0x01000193);
}

/** Knows none: labels are read. */
const ASKING: RowDictionary = { find: () => ROW_UNKNOWN, add: () => 0, refusal: () => '' };

class CountingSink implements RowSink {
  timelessCount = 0;
  minUs = Number.POSITIVE_INFINITY;
  maxUs = Number.NEGATIVE_INFINITY;

  #count(tUs: number): void {
    if (tUs === NO_TIME_US) this.timelessCount++;
    if (tUs < this.minUs) this.minUs = tUs;
    if (tUs > this.maxUs) this.maxUs = tUs;
  }
  f64(_ref: number, tUs: number): void {
    this.#count(tUs);
  }
  f64Bits(_ref: number, tUs: number): void {
    this.#count(tUs);
  }
  i64(_ref: number, tUs: number): void {
    this.#count(tUs);
  }
  u64(_ref: number, tUs: number): void {
    this.#count(tUs);
  }
  boolean(_ref: number, tUs: number): void {
    this.#count(tUs);
  }
  string(_ref: number, tUs: number): void {
    this.#count(tUs);
  }
  block({ count, tUs }: PointRun): void {
    for (let i = 0; i < count; i++) this.#count(tUs[i]!);
  }
  points({ count, tUs }: Points): void {
    for (let i = 0; i < count; i++) this.#count(tUs[i]!);
  }
  metadata(): void {
    // Nothing to count.
  }
  exemplar(): void {
    // Nothing to count.
  }
  attribute(): void {
    // Nothing to count.
  }
}

function scan(
  body: Uint8Array,
  options: CheckOptions,
  dictionary: RowDictionary,
  sink: RowSink,
): ScanResult {
  const end = body.length;
  const defaultTimeUs = NO_TIME_US;
  switch (options.format) {
    case 'influx': {
      const lines = { precision: options.precision, defaultTimeUs, mapping: [] };
      return scanLineProtocol(body, end, lines, dictionary, sink);
    }
    case 'prometheus': {
      const page = { defaultTimeUs, mode: 'import', extraLabels: [] } as const;
      return scanPrometheusText(body, end, page, dictionary, sink);
    }
    case 'jsonl':
      return scanJsonLines(body, end, dictionary, sink);
    case 'csv':
      return scanCsv(body, end, { ...options.csv!, defaultTimeUs }, dictionary, sink);
    case 'graphite':
      return scanPlaintext(body, end, { defaultTimeUs }, dictionary, sink);
    case 'opentsdb':
      return scanPutJson(body, end, { wantsProblems: false }, dictionary, sink);
    case 'warp10': {
      const times = { timeUnit: 'us', nowUs: NO_TIME_US, nowSubNs: 0 } as const;
      return scanGts(body, end, times, dictionary, sink);
    }
  }
}

/** Which points a body may have. */
export interface BodySpan {
  readonly minUs: number;
  readonly maxUs: number;
  /** Hashes. */
  readonly series: ReadonlySet<number>;
}

export interface BodyCheck {
  readonly pointCount: number;
  readonly timelessCount: number;
  readonly span: BodySpan;
}

/** `where`: the path and parameters it is sent with. */
export function checkBody(body: Uint8Array, options: CheckOptions, where: string): BodyCheck {
  const sink = new CountingSink();
  const seen = new SeenSeries(where);
  const { pointCount } = scan(body, options, seen, sink);
  const { timelessCount, minUs, maxUs } = sink;
  return { pointCount, timelessCount, span: { minUs, maxUs, series: seen.hashes } };
}

/** May two bodies have a point in common? Then the later one must come later. */
export function mayShare(a: BodySpan, b: BodySpan): boolean {
  if (a.minUs > b.maxUs || b.minUs > a.maxUs) return false;
  const [small, large] = a.series.size < b.series.size ? [a, b] : [b, a];
  for (const hash of small.series) if (large.series.has(hash)) return true;
  return false;
}

/** What the scanner refuses in a body. */
export function problems(body: Uint8Array, options: CheckOptions): ScanResult {
  return scan(body, options, ASKING, new CountingSink());
}

/** Index of the first line whose row has no time, from 0; undefined where lines do not tell. */
export function firstTimeless(body: Uint8Array, options: CheckOptions): number | undefined {
  let line = 0;
  for (let at = 0; at < body.length; line++) {
    const next = body.indexOf(10, at);
    const end = next < 0 ? body.length : next + 1;
    const sink = new CountingSink();
    scan(body.slice(at, end), options, ASKING, sink);
    if (sink.timelessCount > 0) return line;
    at = end;
  }
  return undefined;
}
