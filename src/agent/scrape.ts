// One target's scrapes through the ordinary ingest path: the page with the target's labels, the
// `up` and `scrape_*` series beside it, and a staleness marker for every series that the page
// before had and this one has not, unless its samples have times of their own. All of one scrape is
// one write, so that a reader sees it whole or not at all. A page with a bad line is refused whole
// and its target is down. Source: Prometheus scrape/scrape.go (report, staleness, append), docs
// "Jobs and instances".
import { expositionScan } from '../formats/exposition.ts';
import type { ExpositionFormat, ExpositionResult, ExpositionScan } from '../formats/exposition.ts';
import { KnownComments } from '../formats/prometheus-text/known-comments.ts';
import { scanPrometheusText } from '../formats/prometheus-text/exposition.ts';
import type { RowDictionary, RowSink, ScanResult } from '../model/rows.ts';
import type { Durability } from '../model/storage.ts';
import type { Principal } from '../model/tenant.ts';
import type { Relabelling } from '../relabel/relabelling.ts';
import { PageRows, RowRecorder } from './page-rows.ts';
import type { PageRow } from './page-rows.ts';

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
      readonly scan: (dictionary: RowDictionary, sink: RowSink) => ExpositionResult;
      readonly refuses: (result: ExpositionResult) => boolean;
    },
  ): Promise<{ readonly scan: ExpositionResult }>;
}

export interface ScrapePage {
  readonly body: Uint8Array;
  readonly format: ExpositionFormat;
}

export interface ScrapeTarget {
  readonly job: string;
  readonly instance: string;
  /** Further labels, flat. */
  readonly labels?: readonly string[];
  /** Where the page comes from. */
  readonly url: string;
  /** Labels of the page win over those of the target. */
  readonly honorLabels?: boolean;
  /** Times of the page count; else that of the scrape. Default: they do. */
  readonly honorTimestamps?: boolean;
  /** Classic histograms are kept as native ones with custom buckets. */
  readonly customBuckets?: boolean;
  /** The type of each metric becomes its label `__type__`. */
  readonly typeLabels?: boolean;
  /** For the series of the page, not for those about it. */
  readonly relabelling?: Relabelling | undefined;
  /** Of samples that the rules leave; a page with more makes the target down. Default: no limit. */
  readonly sampleCountMax?: number | undefined;
  /** The page now, text in the simplest case; a rejection makes the target down. */
  collect(): Promise<string | ScrapePage>;
}

/** Bits of the staleness marker, a NaN of its own: Prometheus model/value/value.go. */
const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;

/** Which series got a sample, and which of them with a time of its own. */
interface Seen {
  /** Refs, one for each sample. */
  readonly alive: number[];
  readonly timed: Set<number>;
  /** Samples of dropped rows. */
  droppedCount: number;
}

/** Passes samples on, and remembers. */
function recordingSink(
  sink: RowSink,
  recorder: RowRecorder,
  seen: Seen,
  { tUs: nowUs, honorTimestamps }: { readonly tUs: number; readonly honorTimestamps: boolean },
): RowSink {
  const { alive, timed } = seen;
  const stamp = (ref: number, tUs: number): number => {
    if (ref === recorder.droppedRef) seen.droppedCount++;
    alive.push(ref);
    if (!honorTimestamps || tUs === nowUs) return nowUs;
    timed.add(ref);
    return tUs;
  };
  return {
    f64: (ref, tUs, subNs, value) => sink.f64(ref, stamp(ref, tUs), subNs, value),
    f64Bits: (ref, tUs, subNs, low, high) => sink.f64Bits(ref, stamp(ref, tUs), subNs, low, high),
    i64: (ref, tUs, subNs, low, high) => sink.i64(ref, stamp(ref, tUs), subNs, low, high),
    u64: (ref, tUs, subNs, low, high) => sink.u64(ref, stamp(ref, tUs), subNs, low, high),
    boolean: (ref, tUs, subNs, value) => sink.boolean(ref, stamp(ref, tUs), subNs, value),
    string: (ref, tUs, subNs, value) => sink.string(ref, stamp(ref, tUs), subNs, value),
    points: (points) => {
      const tUs = points.tUs.map((own, i) => stamp(points.refs[i]!, own));
      sink.points({ ...points, tUs });
    },
    metadata: (row) => sink.metadata(row),
    exemplar: (row) => sink.exemplar(row),
    attribute: (row) => sink.attribute(row),
  };
}

/** Of all targets: they are the same programs. */
const COMMENTS = new KnownComments();

export interface ScrapeOutcome {
  readonly up: boolean;
  /** Why the target is down. */
  readonly reason: string | undefined;
}

const NO_PAGE: ScrapePage = { body: new Uint8Array(0), format: 'prometheus-text' };

export class Scraper {
  readonly #writer: ScrapeWriter;
  readonly #principal: Principal;
  readonly #target: ScrapeTarget;
  readonly #labels: readonly string[];
  readonly #rows = new PageRows();

  constructor(writer: ScrapeWriter, principal: Principal, target: ScrapeTarget) {
    this.#writer = writer;
    this.#principal = principal;
    this.#target = target;
    const { job, instance, labels = [] } = target;
    this.#labels = ['job', job, 'instance', instance, ...labels];
  }

  get target(): ScrapeTarget {
    return this.#target;
  }

  /** Collects and writes; rejects where the write does. `seconds` measures the collection. */
  async scrape(tUs: number, seconds: () => number): Promise<ScrapeOutcome> {
    let page: ScrapePage;
    try {
      const collected = await this.#target.collect();
      page =
        typeof collected === 'string'
          ? { body: Buffer.from(collected), format: 'prometheus-text' }
          : collected;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return await this.#writeDown(tUs, seconds(), reason);
    }
    const durationSec = seconds();
    const scan = await this.#write(tUs, { page, report: { isUp: true, durationSec } });
    if (scan.errorCount === 0) return { up: true, reason: undefined };
    const [first] = scan.errors;
    const where = first === undefined ? '' : `, line ${first.line}: ${first.reason}`;
    const reason = scan.corrupt ?? `the page has ${scan.errorCount} bad lines${where}`;
    return await this.#writeDown(tUs, durationSec, reason);
  }

  /** The target is gone: all its series go stale, those about it too. */
  async end(tUs: number): Promise<void> {
    await this.#write(tUs, { page: NO_PAGE, report: undefined });
  }

  /** The report of a target without a usable page; all its series go stale. */
  async #writeDown(tUs: number, durationSec: number, reason: string): Promise<ScrapeOutcome> {
    await this.#write(tUs, { page: NO_PAGE, report: { isUp: false, durationSec } });
    return { up: false, reason };
  }

  /** One write; nothing is stored where a line of the page is bad. */
  async #write(tUs: number, collected: Collected): Promise<ExpositionResult> {
    const { body, format } = collected.page;
    const scanner = await expositionScan(format);
    let scanned: Scanned | undefined;
    const { scan } = await this.#writer.write(this.#principal, {
      protocol: 'scrape',
      profileKey: JSON.stringify([format, this.#labels, this.#target.honorLabels === true]),
      durability: 'sync',
      batchId: undefined,
      sizeBytes: body.length,
      // May run twice: everything it makes is made anew.
      scan: (dictionary, sink) => {
        scanned = this.#scan(tUs, collected, scanner, { dictionary, sink });
        return scanned.result;
      },
      refuses: (result) => result.errorCount > 0,
    });
    if (scan.errorCount === 0) this.#rows.take(scanned?.order ?? [], scanned?.timed ?? new Set());
    return scan;
  }

  #scan(
    tUs: number,
    { page, report }: Collected,
    scanner: ExpositionScan,
    { dictionary, sink }: { readonly dictionary: RowDictionary; readonly sink: RowSink },
  ): Scanned {
    const { typeLabels = false, honorLabels = false } = this.#target;
    const { honorTimestamps = true, customBuckets = false } = this.#target;
    const options = {
      defaultTimeUs: tUs,
      mode: 'scrape',
      extraLabels: this.#labels,
      typeLabels,
    } as const;
    const recorder = new RowRecorder(dictionary, this.#rows, this.#target.relabelling);
    const seen: Seen = { alive: [], timed: new Set(), droppedCount: 0 };
    const recording = recordingSink(sink, recorder, seen, { tUs, honorTimestamps });
    const { body, format } = page;
    const pageOptions = { ...options, honorLabels, customBuckets, knownComments: COMMENTS };
    const scanned = scanner(body, body.length, pageOptions, recorder, recording);
    const keptCount = scanned.pointCount - seen.droppedCount;
    const result = this.#limited(scanned, keptCount);
    const text =
      report === undefined
        ? GONE_REPORT
        : reportPage(report, result, { format, added: recorder.freshCount, keptCount });
    const reported = report === undefined ? staleSink(sink) : recording;
    scanPrometheusText(text, text.length, options, dictionary, reported);
    markGone(recorder, seen, (ref) => sink.f64Bits(ref, tUs, 0, STALE_LOW, STALE_HIGH));
    return { result, order: recorder.order, timed: seen.timed };
  }

  #limited(result: ExpositionResult, keptCount: number): ExpositionResult {
    const { sampleCountMax = Infinity } = this.#target;
    if (keptCount <= sampleCountMax) return result;
    const corrupt = `sample limit exceeded: ${keptCount} samples, the limit is ${sampleCountMax}`;
    return { ...result, errorCount: result.errorCount + 1, corrupt };
  }
}

interface Scanned {
  readonly result: ExpositionResult;
  readonly order: readonly PageRow[];
  /** Refs whose samples have times of their own. */
  readonly timed: ReadonlySet<number>;
}

/** Ends the series that the page before had and this one has not. */
function markGone(
  recorder: RowRecorder,
  { alive }: Pick<Seen, 'alive'>,
  end: (ref: number) => void,
): void {
  const gone = recorder.gone().filter(({ isTimed }) => !isTimed);
  if (gone.length === 0) return;
  const seen = new Set(alive);
  for (const row of gone) {
    const ref = recorder.refOfRow(row);
    // It may stand there under another spelling.
    if (ref >= 0 && ref !== recorder.droppedRef && !seen.has(ref)) end(ref);
  }
}

interface Report {
  readonly isUp: boolean;
  readonly durationSec: number;
}

interface Collected {
  readonly page: ScrapePage;
  /** undefined: the target is gone. */
  readonly report: Report | undefined;
}

function nothing(): void {
  // Only samples go stale.
}

/** Every sample becomes a staleness marker. */
function staleSink(sink: RowSink): RowSink {
  const stale = (ref: number, tUs: number): void =>
    sink.f64Bits(ref, tUs, 0, STALE_LOW, STALE_HIGH);
  return {
    f64: stale,
    f64Bits: stale,
    i64: stale,
    u64: stale,
    boolean: stale,
    string: stale,
    points: nothing,
    metadata: nothing,
    exemplar: nothing,
    attribute: nothing,
  };
}

const REPORT_NAMES = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
] as const;

const GONE_REPORT = Buffer.from(REPORT_NAMES.map((name) => `${name} 0\n`).join(''));

function reportPage(
  { isUp, durationSec }: Report,
  { pointCount, rowCount }: ScanResult,
  {
    format,
    added,
    keptCount,
  }: { readonly format: ExpositionFormat; readonly added: number; readonly keptCount: number },
): Uint8Array {
  // A row of protobuf is a metric, which may be many samples.
  const scraped = format === 'prometheus-protobuf' ? pointCount : rowCount;
  const values = [isUp ? 1 : 0, durationSec, scraped, keptCount, added];
  return Buffer.from(REPORT_NAMES.map((name, i) => `${name} ${values[i]}\n`).join(''));
}
