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

/** Knows every series. */
const KNOWING: RowDictionary = { find: () => 0, add: () => 0, refusal: () => '' };
/** Knows none: labels are read. */
const ASKING: RowDictionary = { find: () => ROW_UNKNOWN, add: () => 0, refusal: () => '' };

class CountingSink implements RowSink {
  timelessCount = 0;

  #count(tUs: number): void {
    if (tUs === NO_TIME_US) this.timelessCount++;
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

export interface BodyCheck {
  readonly pointCount: number;
  readonly timelessCount: number;
}

export function checkBody(body: Uint8Array, options: CheckOptions): BodyCheck {
  const sink = new CountingSink();
  const { pointCount } = scan(body, options, KNOWING, sink);
  return { pointCount, timelessCount: sink.timelessCount };
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
    scan(body.slice(at, end), options, KNOWING, sink);
    if (sink.timelessCount > 0) return line;
    at = end;
  }
  return undefined;
}
