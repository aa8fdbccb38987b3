// One target's scrapes through the ordinary ingest path: the page with the target's labels, the
// `up` and `scrape_*` series beside it, and a staleness marker for every series that the page
// before had and this one has not. All of one scrape is one write, so that a reader sees it whole
// or not at all. Source: Prometheus scrape/scrape.go (report, staleness), docs "Jobs and
// instances".
import { scanPrometheusText } from '../formats/prometheus-text/exposition.ts';
import type { RowDictionary, RowSink, ScanResult } from '../model/rows.ts';
import type { Durability } from '../model/storage.ts';
import type { Principal } from '../model/tenant.ts';

/** The part of the ingest room that scrapes need. */
export interface ScrapeWriter {
  write(
    principal: Principal,
    request: {
      readonly protocol: string;
      readonly profileKey: string;
      readonly durability: Durability;
      readonly batchId: Uint8Array | undefined;
      readonly sizeBytes: number;
      readonly scan: (dictionary: RowDictionary, sink: RowSink) => ScanResult;
    },
  ): Promise<unknown>;
}

export interface ScrapeTarget {
  readonly job: string;
  readonly instance: string;
  /** The page now; a rejection makes the target down. */
  collect(): Promise<string>;
}

/** Bits of the staleness marker, a NaN of its own: Prometheus model/value/value.go. */
const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;

/** The page's rows by their raw text, without values. */
class RowRecorder implements RowDictionary {
  readonly rows = new Set<string>();
  readonly #inner: RowDictionary;

  constructor(inner: RowDictionary) {
    this.#inner = inner;
  }

  find(bytes: Uint8Array, start: number, end: number, start2: number, end2: number): number {
    this.rows.add(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString());
    return this.#inner.find(bytes, start, end, start2, end2);
  }

  add: RowDictionary['add'] = (key, pairs, split) => this.#inner.add(key, pairs, split);
  refusal = (): string => this.#inner.refusal();
}

/** Turns every sample into a staleness marker. */
function staleSink(sink: RowSink): RowSink {
  const stale = (ref: number, tUs: number, subNs: number): void =>
    sink.f64Bits(ref, tUs, subNs, STALE_LOW, STALE_HIGH);
  return {
    f64: stale,
    f64Bits: stale,
    i64: stale,
    u64: stale,
    boolean: stale,
    string: stale,
    points: () => undefined,
    metadata: () => undefined,
    exemplar: () => undefined,
    attribute: () => undefined,
  };
}

export interface ScrapeOutcome {
  readonly up: boolean;
  /** Why the target is down. */
  readonly reason: string | undefined;
}

export class Scraper {
  readonly #writer: ScrapeWriter;
  readonly #principal: Principal;
  readonly #target: ScrapeTarget;
  #rows: ReadonlySet<string> = new Set();

  constructor(writer: ScrapeWriter, principal: Principal, target: ScrapeTarget) {
    this.#writer = writer;
    this.#principal = principal;
    this.#target = target;
  }

  /** Collects and writes once; rejects where the write does. `seconds` measures the collection. */
  async scrape(tUs: number, seconds: () => number): Promise<ScrapeOutcome> {
    let page = '';
    let reason: string | undefined = undefined;
    try {
      page = await this.#target.collect();
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    const durationSec = seconds();
    const body = Buffer.from(page);
    const { job, instance } = this.#target;
    const extraLabels = ['job', job, 'instance', instance];
    const options = { defaultTimeUs: tUs, mode: 'scrape', extraLabels } as const;
    let rows: ReadonlySet<string> = new Set();
    await this.#writer.write(this.#principal, {
      protocol: 'scrape',
      profileKey: JSON.stringify(extraLabels),
      durability: 'sync',
      batchId: undefined,
      sizeBytes: body.length,
      // May run twice: everything it makes is made anew.
      scan: (dictionary, sink) => {
        const recorder = new RowRecorder(dictionary);
        const result = scanPrometheusText(body, body.length, options, recorder, sink);
        rows = recorder.rows;
        const report = reportPage(reason === undefined, durationSec, result, this.#added(rows));
        scanPrometheusText(report, report.length, options, dictionary, sink);
        const gone = this.#gone(rows);
        scanPrometheusText(gone, gone.length, options, dictionary, staleSink(sink));
        return result;
      },
    });
    this.#rows = rows;
    return { up: reason === undefined, reason };
  }

  #added(rows: ReadonlySet<string>): number {
    let count = 0;
    for (const row of rows) if (!this.#rows.has(row)) count++;
    return count;
  }

  /** A page of the series that vanished; the values mean nothing. */
  #gone(rows: ReadonlySet<string>): Uint8Array {
    const lines: string[] = [];
    for (const row of this.#rows) if (!rows.has(row)) lines.push(`${row} 0\n`);
    return Buffer.from(lines.join(''));
  }
}

function reportPage(
  isUp: boolean,
  durationSec: number,
  { pointCount, rowCount }: ScanResult,
  added: number,
): Uint8Array {
  return Buffer.from(
    `up ${isUp ? 1 : 0}\n` +
      `scrape_duration_seconds ${durationSec}\n` +
      `scrape_samples_scraped ${rowCount}\n` +
      `scrape_samples_post_metric_relabeling ${pointCount}\n` +
      `scrape_series_added ${added}\n`,
  );
}
