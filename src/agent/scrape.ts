// One target's scrapes through the ordinary ingest path: the page with the target's labels, the
// `up` and `scrape_*` series beside it, and a staleness marker for every series that the page
// before had and this one has not, unless its samples have times of their own. All of one scrape is
// one write, so that a reader sees it whole or not at all. A page with a bad line is refused whole
// and its target is down. Source: Prometheus scrape/scrape.go (report, staleness, append), docs
// "Jobs and instances".
import { expositionScan } from '../formats/exposition.ts';
import type { ExpositionFormat, ExpositionResult, ExpositionScan } from '../formats/exposition.ts';
import { refOfPairs } from '../formats/pairs-key.ts';
import { scanPrometheusText } from '../formats/prometheus-text/exposition.ts';
import type { RowDictionary, RowKey, RowSink, ScanResult } from '../model/rows.ts';
import { ROW_UNKNOWN } from '../model/rows.ts';
import { labelsFromPairs, labelValue, METRIC_NAME } from '../model/labels.ts';
import { REF_REFUSED } from '../model/storage.ts';
import type { Durability } from '../model/storage.ts';
import type { Principal } from '../model/tenant.ts';
import type { Relabelling } from '../relabel/relabelling.ts';
import { must } from '../stdx/assert.ts';

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

/** A series of the page. */
interface Row {
  readonly pairs: readonly string[];
  /** What rules made of them; undefined: no rules. */
  readonly ruled: Ruled | undefined;
  /** Of the last scan. */
  ref: number;
  /** Its samples have times of their own: it never goes stale. */
  isTimed: boolean;
}

/** The labels that rules leave of a series, or why there are none. */
type Ruled =
  | { readonly kind: 'kept'; readonly pairs: readonly string[] }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'refused'; readonly reason: string };

function ruledBy(relabelling: Relabelling, pairs: readonly string[]): Ruled {
  const ruled = relabelling.apply(labelsFromPairs(pairs));
  if (ruled.kind !== 'kept') return ruled;
  const { labels } = ruled;
  if (labelValue(labels, METRIC_NAME) === '')
    return { kind: 'refused', reason: 'relabelling leaves a series without a name' };
  return { kind: 'kept', pairs: labels };
}

/** Passes everything on and remembers the page's series by the bytes that identify them. */
class RowRecorder implements RowDictionary {
  readonly rows = new Map<string, Row>();
  /** Of rows that rules drop; undefined: there was none. */
  droppedRef: number | undefined = undefined;
  readonly #known: ReadonlyMap<string, Row>;
  readonly #inner: RowDictionary;
  readonly #relabelling: Relabelling | undefined;
  #refusal: string | undefined = undefined;

  constructor(
    inner: RowDictionary,
    known: ReadonlyMap<string, Row>,
    relabelling: Relabelling | undefined,
  ) {
    this.#inner = inner;
    this.#known = known;
    this.#relabelling = relabelling;
  }

  find(bytes: Uint8Array, start: number, end: number, start2: number, end2: number): number {
    const key = keyText(bytes, start, end, start2, end2);
    const row = this.rows.get(key) ?? this.#known.get(key);
    // Its labels are wanted, also where the dictionary would know it.
    if (row === undefined) return ROW_UNKNOWN;
    return this.#take(key, row, { bytes, start, end, start2, end2 });
  }

  add(key: RowKey, pairs: readonly string[]): number {
    const { bytes, start, end, start2, end2 } = key;
    const ruled = this.#relabelling && ruledBy(this.#relabelling, pairs);
    return this.#take(keyText(bytes, start, end, start2, end2), { pairs, ruled }, key);
  }

  #take(text: string, { pairs, ruled }: Pick<Row, 'pairs' | 'ruled'>, key: RowKey): number {
    const ref = ruled === undefined ? this.#refOf(key, pairs) : this.#ruledRef(ruled);
    const row = this.rows.get(text);
    if (row === undefined) this.rows.set(text, { pairs, ruled, ref, isTimed: false });
    else row.ref = ref;
    return ref;
  }

  #refOf(key: RowKey, pairs: readonly string[]): number {
    const { bytes, start, end, start2, end2 } = key;
    const ref = this.#inner.find(bytes, start, end, start2, end2);
    return ref === ROW_UNKNOWN ? this.#inner.add(key, pairs, undefined) : ref;
  }

  /** By what it is now: its bytes mean something else where there are no rules. */
  #ruledRef(ruled: Ruled): number {
    this.#refusal = ruled.kind === 'refused' ? ruled.reason : undefined;
    if (ruled.kind === 'refused') return REF_REFUSED;
    if (ruled.kind === 'kept') return refOfPairs(this.#inner, ruled.pairs);
    this.droppedRef ??= must(this.#inner.drop?.(), 'rules come with what can drop');
    return this.droppedRef;
  }

  /** Where it ends, as where it stands. */
  refOfRow({ pairs, ruled }: Row): number {
    return ruled === undefined ? refOfPairs(this.#inner, pairs) : this.#ruledRef(ruled);
  }

  refusal = (): string => this.#refusal ?? this.#inner.refusal();
}

function keyText(
  bytes: Uint8Array,
  start: number,
  end: number,
  start2: number,
  end2: number,
): string {
  const text = (from: number, to: number): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
  return `${text(start2, end2)}\n${text(start, end)}`;
}

/** Which series got a sample, and which of them with a time of its own. */
interface Seen {
  readonly alive: Set<number>;
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
    alive.add(ref);
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
  #rows: ReadonlyMap<string, Row> = new Map();

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
    let rows: ReadonlyMap<string, Row> = new Map();
    const { scan } = await this.#writer.write(this.#principal, {
      protocol: 'scrape',
      profileKey: JSON.stringify([format, this.#labels, this.#target.honorLabels === true]),
      durability: 'sync',
      batchId: undefined,
      sizeBytes: body.length,
      // May run twice: everything it makes is made anew.
      scan: (dictionary, sink) => {
        const scanned = this.#scan(tUs, collected, scanner, { dictionary, sink });
        ({ rows } = scanned);
        return scanned.result;
      },
      refuses: (result) => result.errorCount > 0,
    });
    if (scan.errorCount === 0) this.#rows = rows;
    return scan;
  }

  #scan(
    tUs: number,
    { page, report }: Collected,
    scanner: ExpositionScan,
    { dictionary, sink }: { readonly dictionary: RowDictionary; readonly sink: RowSink },
  ): { readonly result: ExpositionResult; readonly rows: ReadonlyMap<string, Row> } {
    const { typeLabels = false, honorLabels = false } = this.#target;
    const { honorTimestamps = true, customBuckets = false } = this.#target;
    const options = {
      defaultTimeUs: tUs,
      mode: 'scrape',
      extraLabels: this.#labels,
      typeLabels,
    } as const;
    const recorder = new RowRecorder(dictionary, this.#rows, this.#target.relabelling);
    const seen: Seen = { alive: new Set(), timed: new Set(), droppedCount: 0 };
    const recording = recordingSink(sink, recorder, seen, { tUs, honorTimestamps });
    const { body, format } = page;
    const pageOptions = { ...options, honorLabels, customBuckets };
    const scanned = scanner(body, body.length, pageOptions, recorder, recording);
    const keptCount = scanned.pointCount - seen.droppedCount;
    const result = this.#limited(scanned, keptCount);
    const { rows } = recorder;
    for (const row of rows.values()) row.isTimed = seen.timed.has(row.ref);
    const text =
      report === undefined
        ? GONE_REPORT
        : reportPage(report, result, { format, added: this.#added(rows), keptCount });
    const reported = report === undefined ? staleSink(sink) : recording;
    scanPrometheusText(text, text.length, options, dictionary, reported);
    for (const [key, row] of this.#rows) {
      if (rows.has(key) || row.isTimed) continue;
      const ref = recorder.refOfRow(row);
      // It may stand there under another spelling.
      if (ref >= 0 && ref !== recorder.droppedRef && !seen.alive.has(ref))
        sink.f64Bits(ref, tUs, 0, STALE_LOW, STALE_HIGH);
    }
    return { result, rows };
  }

  #limited(result: ExpositionResult, keptCount: number): ExpositionResult {
    const { sampleCountMax = Infinity } = this.#target;
    if (keptCount <= sampleCountMax) return result;
    const corrupt = `sample limit exceeded: ${keptCount} samples, the limit is ${sampleCountMax}`;
    return { ...result, errorCount: result.errorCount + 1, corrupt };
  }

  #added(rows: ReadonlyMap<string, Row>): number {
    let count = 0;
    for (const key of rows.keys()) if (!this.#rows.has(key)) count++;
    return count;
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
