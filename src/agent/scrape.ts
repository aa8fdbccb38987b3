// One target's scrapes through the ordinary ingest path: the page with the target's labels, the
// `up` and `scrape_*` series beside it, and a staleness marker for every series that the page
// before had and this one has not. All of one scrape is one write, so that a reader sees it whole
// or not at all. A page with a bad line is refused whole and its target is down. Source: Prometheus
// scrape/scrape.go (report, staleness, append), docs "Jobs and instances".
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
      readonly refuses: (result: ScanResult) => boolean;
    },
  ): Promise<{ readonly scan: ScanResult }>;
}

export interface ScrapeTarget {
  readonly job: string;
  readonly instance: string;
  /** Where the page comes from. */
  readonly url: string;
  /** The type of each metric becomes its label `__type__`. */
  readonly typeLabels?: boolean;
  /** The page now; a rejection makes the target down. */
  collect(): Promise<string>;
}

/** Bits of the staleness marker, a NaN of its own: Prometheus model/value/value.go. */
const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;

/**
 * The page's rows by what identifies them: the word of the type section they stand in ('' outside),
 * a line break, the raw text of the series.
 */
class RowRecorder implements RowDictionary {
  readonly rows = new Set<string>();
  readonly #inner: RowDictionary;

  constructor(inner: RowDictionary) {
    this.#inner = inner;
  }

  find(bytes: Uint8Array, start: number, end: number, start2: number, end2: number): number {
    const text = (from: number, to: number): string =>
      Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString();
    this.rows.add(`${text(start2, end2)}\n${text(start, end)}`);
    return this.#inner.find(bytes, start, end, start2, end2);
  }

  add: RowDictionary['add'] = (key, pairs, split) => this.#inner.add(key, pairs, split);
  refusal = (): string => this.#inner.refusal();
}

/** Passes everything on and remembers which series got a sample. */
function recordingSink(sink: RowSink, refs: Set<number>): RowSink {
  return {
    f64(ref, tUs, subNs, value) {
      refs.add(ref);
      sink.f64(ref, tUs, subNs, value);
    },
    f64Bits(ref, tUs, subNs, low, high) {
      refs.add(ref);
      sink.f64Bits(ref, tUs, subNs, low, high);
    },
    i64: (ref, tUs, subNs, low, high) => sink.i64(ref, tUs, subNs, low, high),
    u64: (ref, tUs, subNs, low, high) => sink.u64(ref, tUs, subNs, low, high),
    boolean: (ref, tUs, subNs, value) => sink.boolean(ref, tUs, subNs, value),
    string: (ref, tUs, subNs, value) => sink.string(ref, tUs, subNs, value),
    points: (points) => sink.points(points),
    metadata: (row) => sink.metadata(row),
    exemplar: (row) => sink.exemplar(row),
    attribute: (row) => sink.attribute(row),
  };
}

/**
 * Turns every sample into a staleness marker, except of series in `alive`: the same series may
 * have stood there under another spelling.
 */
function staleSink(sink: RowSink, alive: ReadonlySet<number>): RowSink {
  const stale = (ref: number, tUs: number, subNs: number): void => {
    if (!alive.has(ref)) sink.f64Bits(ref, tUs, subNs, STALE_LOW, STALE_HIGH);
  };
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

  get target(): ScrapeTarget {
    return this.#target;
  }

  /** Collects and writes; rejects where the write does. `seconds` measures the collection. */
  async scrape(tUs: number, seconds: () => number): Promise<ScrapeOutcome> {
    let page: string;
    try {
      page = await this.#target.collect();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return await this.#writeDown(tUs, seconds(), reason);
    }
    const durationSec = seconds();
    const scan = await this.#write(tUs, { page, isUp: true, durationSec });
    if (scan.errorCount === 0) return { up: true, reason: undefined };
    const [first] = scan.errors;
    const where = first === undefined ? '' : `, line ${first.line}: ${first.reason}`;
    const reason = `the page has ${scan.errorCount} bad lines${where}`;
    return await this.#writeDown(tUs, durationSec, reason);
  }

  /** The report of a target without a usable page; all its series go stale. */
  async #writeDown(tUs: number, durationSec: number, reason: string): Promise<ScrapeOutcome> {
    await this.#write(tUs, { page: '', isUp: false, durationSec });
    return { up: false, reason };
  }

  /** One write; nothing is stored where a line of the page is bad. */
  async #write(tUs: number, collected: Collected): Promise<ScanResult> {
    const { page, isUp, durationSec } = collected;
    const body = Buffer.from(page);
    const { job, instance } = this.#target;
    const extraLabels = ['job', job, 'instance', instance];
    const typeLabels = this.#target.typeLabels === true;
    const options = { defaultTimeUs: tUs, mode: 'scrape', extraLabels, typeLabels } as const;
    let rows: ReadonlySet<string> = new Set();
    const { scan } = await this.#writer.write(this.#principal, {
      protocol: 'scrape',
      profileKey: JSON.stringify(extraLabels),
      durability: 'sync',
      batchId: undefined,
      sizeBytes: body.length,
      // May run twice: everything it makes is made anew.
      scan: (dictionary, sink) => {
        const recorder = new RowRecorder(dictionary);
        const alive = new Set<number>();
        const recording = recordingSink(sink, alive);
        const result = scanPrometheusText(body, body.length, options, recorder, recording);
        rows = recorder.rows;
        const report = reportPage(isUp, durationSec, result, this.#added(rows));
        scanPrometheusText(report, report.length, options, dictionary, recording);
        const gone = this.#gone(rows);
        scanPrometheusText(gone, gone.length, options, dictionary, staleSink(sink, alive));
        return result;
      },
      refuses: (result) => result.errorCount > 0,
    });
    if (scan.errorCount === 0) this.#rows = rows;
    return scan;
  }

  #added(rows: ReadonlySet<string>): number {
    let count = 0;
    for (const row of rows) if (!this.#rows.has(row)) count++;
    return count;
  }

  /**
   * A page of the series that vanished; the values mean nothing. The type section decides what a
   * row's bytes mean, so each row stands in one of its own kind, those without any first.
   */
  #gone(rows: ReadonlySet<string>): Uint8Array {
    const sections = new Map<string, string[]>([['', []]]);
    for (const row of this.#rows) {
      if (rows.has(row)) continue;
      const cut = row.indexOf('\n');
      const type = row.slice(0, cut);
      let lines = sections.get(type);
      if (lines === undefined) sections.set(type, (lines = [`# TYPE gone ${type}\n`]));
      lines.push(`${row.slice(cut + 1)} 0\n`);
    }
    return Buffer.from([...sections.values()].flat().join(''));
  }
}

interface Collected {
  readonly page: string;
  readonly isUp: boolean;
  readonly durationSec: number;
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
