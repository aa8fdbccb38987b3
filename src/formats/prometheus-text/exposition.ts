// Prometheus text exposition format 0.0.4: bytes → rows and metadata. One pass; no string or object
// per line unless the dictionary misses or a line is refused.
//
//   page      = *( [SP] ( series SP+ value [SP+ timestamp] / comment ) [SP] [CR] LF )
//   series    : series-text.ts
//   value     = decimal / [+-] Inf / NaN, any case
//   timestamp = [-] digits, milliseconds
//
// Source: prometheus/docs exposition_formats.md; model/textparse for what a scraper accepts.
// Deviations in docs/protocols/prometheus-text.md. A bad line is refused alone; whether the page is
// then stored is the caller's choice (a scrape refuses it, an import keeps the good lines). Nothing
// at or behind `end` is read; a missing last line break is fine.
import { parseDecimal, parseSafeInteger } from '../../codec/decimal.ts';
import { decodeUtf8Lenient } from '../../codec/utf8.ts';
import { PointBlock } from '../../model/point-block.ts';
import type { RowDictionary, RowSink, ScanResult } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { T_US_MAX } from '../limits.ts';
import { openLinesKernel } from '../lines-kernel.ts';
import { LineCounter, ScanErrors } from '../scan-errors.ts';
import type { KnownComments } from './known-comments.ts';
import { METRIC_TYPES, PageMetadata } from './page-metadata.ts';
import type { PredictedSamples } from './predicted-samples.ts';
import { takePredictedSamples } from './predicted-samples.ts';
import { isNameByte, parseSeriesText } from './series-text.ts';

export interface ExpositionOptions {
  readonly defaultTimeUs: number;
  /**
   * 'import': lines that the format's text forbids are refused (unknown escapes, a second HELP or
   * TYPE). 'scrape': what Prometheus' scraper accepts is accepted.
   */
  readonly mode: 'import' | 'scrape';
  /** Flat name, value: labels of the target (job, instance). */
  readonly extraLabels: readonly string[];
  /** Labels of the page win over those of the target, which then only stand in. */
  readonly honorLabels?: boolean;
  /** The type of a sample's section becomes its label `__type__`. */
  readonly typeLabels?: boolean;
  /**
   * Classic histograms become native ones with custom buckets. Heard by the scanner of protobuf; of
   * text, by who calls it through classic-groups.ts.
   */
  readonly customBuckets?: boolean;
  /** Comments of pages before, for scrapes; heard by the scanner of Prometheus text. */
  readonly knownComments?: KnownComments;
}

const LF = 10;
const CR = 13;
const SPACE = 32;
const TAB = 9;
const QUOTE = 34;
const HASH = 35;
const BACKSLASH = 92;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;

/** The NaN that Prometheus stores for any NaN of a text (its value.NormalNaN). */
const NORMAL_NAN_LOW = 1;
const NORMAL_NAN_HIGH = 0x7ff80000;

/** End of the series text that starts at `start`: behind its brace or name. */
function seriesEnd(body: Uint8Array, start: number, end: number): number {
  let i = start;
  let byte = LF;
  for (; i < end; i++) {
    byte = body[i]!;
    if (byte === BRACE_OPEN || byte === SPACE || byte === TAB || byte === LF) break;
  }
  const nameEnd = i;
  while (i < end && (body[i] === SPACE || body[i] === TAB)) i++;
  if (i >= end || body[i] !== BRACE_OPEN) return nameEnd;
  for (i++; i < end; i++) {
    byte = body[i]!;
    if (byte === QUOTE) {
      // As quotedEnd, without a call per label.
      for (i++; i < end; i++) {
        byte = body[i]!;
        if (byte === QUOTE || byte === LF) break;
        if (byte === BACKSLASH && i + 1 < end && body[i + 1] !== LF) i++;
      }
      if (i >= end) return end;
      if (byte === LF) return i;
    } else if (byte === BRACE_CLOSE) return i + 1;
    else if (byte === LF) return i;
  }
  return end;
}

/** Position behind the token at `start`. */
function tokenEnd(body: Uint8Array, start: number, end: number): number {
  let i = start;
  for (; i < end; i++) {
    const byte = body[i]!;
    if (byte === SPACE || byte === TAB || byte === LF || byte === CR) break;
  }
  return i;
}

function skipBlanks(body: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && (body[i] === SPACE || body[i] === TAB)) i++;
  return i;
}

/** Position of the line break at or behind `start`, or `end`. */
function lineBreak(body: Uint8Array, start: number, end: number): number {
  const at = body.indexOf(LF, start);
  return at < 0 || at > end ? end : at;
}

/** A word that stands for a value: ±Infinity, NaN; undefined where it is none. */
export function wordValue(body: Uint8Array, start: number, end: number): number | undefined {
  if (end - start > 9) return undefined;
  switch (decodeUtf8Lenient(body, start, end).toLowerCase()) {
    case 'nan':
      return Number.NaN;
    case 'inf':
    case '+inf':
    case 'infinity':
    case '+infinity':
      return Number.POSITIVE_INFINITY;
    case '-inf':
    case '-infinity':
      return Number.NEGATIVE_INFINITY;
    default:
      return undefined;
  }
}

/** Scans are synchronous and begin with an empty one, so one serves them all. */
const sharedBlock = new PointBlock();

interface Page {
  readonly body: Uint8Array;
  readonly end: number;
  readonly options: ExpositionOptions;
  readonly dictionary: RowDictionary;
  readonly sink: RowSink;
  readonly errors: ScanErrors;
  readonly lines: LineCounter;
  readonly metadata: PageMetadata;
}

const PLAIN_SERIES = { isStrict: false, extraLabels: [], type: '', typeLabels: false } as const;

/** Builds labels on a dictionary miss; the ref, or a reason. */
function register(page: Page, start: number, end: number): number | string {
  const { body, options, metadata, dictionary } = page;
  const pairs = parseSeriesText(body, start, end, {
    isStrict: options.mode === 'import',
    extraLabels: options.extraLabels,
    type: metadata.type,
    typeLabels: options.typeLabels === true,
    honorLabels: options.honorLabels === true,
  });
  if (typeof pairs === 'string') return pairs;
  const { typeStart: start2, typeEnd: end2 } = metadata;
  return dictionary.add({ bytes: body, start, end, start2, end2 }, pairs, undefined);
}

/** Of a push: why a value below zero may not stand in the section of a histogram; '' if it may. */
function negativeReason(page: Page, start: number, end: number): string {
  const { body, metadata } = page;
  const pairs = parseSeriesText(body, start, end, PLAIN_SERIES);
  const name = typeof pairs === 'string' ? '' : pairs[1]!;
  if (!/_(?:bucket|count)$/.test(name)) return '';
  return `a count of a ${metadata.type} below zero`;
}

function valueReason(body: Uint8Array, start: number, end: number): string {
  if (start === end) return 'expected a value';
  const text = decodeUtf8Lenient(body, start, Math.min(end, start + 64));
  return `expected a float as value, got '${text}'`;
}

/** The metric name at the start of a series text; only for the strict check of TYPE lines. */
function nameAt(body: Uint8Array, start: number, end: number): string {
  if (start < 0) return '';
  let at = start;
  while (at < end && isNameByte(body[at]!, at === start)) at++;
  return decodeUtf8Lenient(body, start, at);
}

function readComment(page: Page, start: number, stop: number, lastSeries: number): void {
  const { body, end, metadata, errors, lines } = page;
  const textEnd = stop > start && body[stop - 1] === CR ? stop - 1 : stop;
  const lastName = metadata.isStrict ? nameAt(body, lastSeries, end) : '';
  const reason = metadata.readLine(start, textEnd, lastName);
  if (reason !== '') errors.add(lines.lineAt(start), 0, reason);
}

/**
 * Scans `body` up to `end`. Never throws for what a client sent. Complexity: O(end).
 */
export function scanPrometheusText(
  body: Uint8Array,
  end: number,
  options: ExpositionOptions,
  dictionary: RowDictionary,
  sink: RowSink,
): ScanResult {
  const errors = new ScanErrors();
  const lines = new LineCounter(body);
  const isStrict = options.mode === 'import';
  const known = isStrict ? undefined : options.knownComments;
  const metadata = new PageMetadata(body, { isStrict, known });
  const page: Page = { body, end, options, dictionary, sink, errors, lines, metadata };
  const { rowCount, pointCount } = scanLines(page);
  metadata.emit(sink);
  return { rowCount, pointCount, errorCount: errors.count, errors: errors.list };
}

/** A small number for the type of a section, under which the kernel keeps what it learns there. */
function typeNumber(type: string): number {
  return 1 + METRIC_TYPES.indexOf(type);
}

/** One line's reason, when it has one, goes to the errors with its place. */
function refuseLine(page: Page, start: number, at: number, reason: string): void {
  const { errors, lines } = page;
  if (errors.wanted) errors.add(lines.lineAt(start), at - start, reason);
  else errors.addUndescribed();
}

function predictedOf(page: Page): PredictedSamples | undefined {
  const { body, end, sink, options, dictionary } = page;
  const { predictor } = dictionary;
  if (predictor === undefined) return undefined;
  predictor.open(body);
  const counts = { pointCount: 0, lastStart: 0, stopsAtMinus: false };
  const { defaultTimeUs } = options;
  return { body, end, predictor, defaultTimeUs, block: sharedBlock, sink, ...counts };
}

// oxlint-disable-next-line max-lines-per-function -- one state machine; its state lives in locals
function scanLines(page: Page): { rowCount: number; pointCount: number } {
  const { body, end, options, dictionary, sink, metadata } = page;
  const { defaultTimeUs } = options;
  let rowCount = 0;
  let pointCount = 0;
  let lastSeries = -1;
  let at = 0;
  const predicted = predictedOf(page);
  sharedBlock.count = 0;
  const kernel = openLinesKernel(body, end, {
    predictor: dictionary.predictor,
    sink,
    unitUs: 1000,
    defaultUs: defaultTimeUs,
  });
  while (at < end) {
    const first = body[at]!;
    if (first === LF || first === SPACE || first === TAB || first === CR) {
      at++;
      continue;
    }
    if (first === HASH) {
      const stop = lineBreak(body, at, end);
      readComment(page, at, stop, lastSeries);
      at = stop + 1;
      continue;
    }
    const stopsAtMinus = options.mode === 'import' && metadata.type === 'histogram';
    if (kernel !== undefined) {
      kernel.under(typeNumber(metadata.type), stopsAtMinus);
      const next = kernel.takePage(at);
      if (next > at) {
        lastSeries = kernel.lastStart;
        at = next;
        continue;
      }
    }
    if (predicted !== undefined && kernel?.isFull !== false) {
      kernel?.flush();
      predicted.stopsAtMinus = stopsAtMinus;
      const next = takePredictedSamples(predicted, at, metadata.typeStart, metadata.typeEnd);
      if (kernel !== undefined) sharedBlock.flush(sink);
      if (next > at) {
        rowCount += predicted.pointCount;
        pointCount += predicted.pointCount;
        lastSeries = predicted.lastStart;
        at = next;
        continue;
      }
    }
    rowCount++;
    const keyStart = at;
    const keyEnd = seriesEnd(body, keyStart, end);
    lastSeries = keyStart;
    let ref = dictionary.find(body, keyStart, keyEnd, metadata.typeStart, metadata.typeEnd);
    if (ref === ROW_UNKNOWN) {
      const registered = register(page, keyStart, keyEnd);
      if (typeof registered === 'string') {
        refuseLine(page, keyStart, keyStart, registered);
        at = lineBreak(body, keyStart, end) + 1;
        continue;
      }
      ref = registered;
    }
    const valueStart = skipBlanks(body, keyEnd, end);
    const valueEnd = tokenEnd(body, valueStart, end);
    let value = parseDecimal(body, valueStart, valueEnd);
    let isWord = false;
    if (!(value - value === 0)) {
      // NaN or infinite: a word, no number at all, or a number beyond the doubles.
      const word = wordValue(body, valueStart, valueEnd);
      if (word === undefined) {
        refuseLine(page, keyStart, valueStart, valueReason(body, valueStart, valueEnd));
        at = lineBreak(body, valueStart, end) + 1;
        continue;
      }
      value = word;
      isWord = true;
    }
    let tUs = defaultTimeUs;
    let reason = '';
    let i = skipBlanks(body, valueEnd, end);
    if (i < end && body[i] !== LF && body[i] !== CR) {
      const stop = tokenEnd(body, i, end);
      tUs = parseSafeInteger(body, i, stop) * 1000;
      if (!(tUs >= -T_US_MAX && tUs <= T_US_MAX))
        reason = 'expected an integer as timestamp, milliseconds';
      else i = skipBlanks(body, stop, end);
    }
    if (reason === '' && i < end && body[i] === CR) i++;
    if (reason === '' && i < end && body[i] !== LF) reason = 'unexpected text behind the sample';
    if (reason === '' && ref === REF_REFUSED) reason = dictionary.refusal();
    if (reason === '' && value < 0 && options.mode === 'import' && metadata.type === 'histogram')
      reason = negativeReason(page, keyStart, keyEnd);
    if (reason !== '') {
      refuseLine(page, keyStart, i, reason);
      at = lineBreak(body, i, end) + 1;
      continue;
    }
    pointCount++;
    kernel?.flush();
    sharedBlock.flush(sink);
    kernel?.learnSeries(keyStart, keyEnd, ref);
    if (isWord && value !== value) sink.f64Bits(ref, tUs, 0, NORMAL_NAN_LOW, NORMAL_NAN_HIGH);
    else sink.f64(ref, tUs, 0, value);
    at = i + 1;
  }
  sharedBlock.flush(sink);
  kernel?.close();
  const taken = kernel?.pointCount ?? 0;
  return { rowCount: rowCount + taken, pointCount: pointCount + taken };
}
