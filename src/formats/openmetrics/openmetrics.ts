// OpenMetrics text 1.0 (and 0.0.1): bytes → rows, exemplars and metadata. One pass.
//
//   page     = *( comment / sample ) "# EOF" [LF]
//   comment  = "# " ( "HELP" / "TYPE" / "UNIT" ) SP name SP text LF
//   sample   = series SP value [SP seconds] [" # {" labels "} " value [SP seconds]] LF
//   series   : prometheus-text/series-text.ts, commas as written there for OpenMetrics
//   value    = decimal / [+-] Inf / NaN / native histogram (native-text.ts)
//
// Source: OpenMetrics 1.0; Prometheus model/textparse for what a scraper accepts. In mode 'import'
// the rules about families hold too (family-rules.ts); a line that breaks one is refused alone, a
// family that does as a whole is told, and so is a page without its end. Nothing at or behind
// `end` is read.
import { parseDecimal } from '../../codec/decimal.ts';
import { decodeUtf8Lenient } from '../../codec/utf8.ts';
import { labelsFromPairs } from '../../model/labels.ts';
import type { RowDictionary, RowSink, ScanResult } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { EXEMPLAR_LENGTH_MAX, T_US_MAX } from '../limits.ts';
import type { ExpositionOptions } from '../prometheus-text/exposition.ts';
import { wordValue } from '../prometheus-text/exposition.ts';
import type { SeriesTextOptions } from '../prometheus-text/series-text.ts';
import { parseSeriesText } from '../prometheus-text/series-text.ts';
import { histogramPoint } from '../remote-write/histogram.ts';
import { LineCounter, ScanErrors } from '../scan-errors.ts';
import { FamilyRules } from './family-rules.ts';
import { OpenMetricsMetadata } from './metadata.ts';
import { parseNativeText } from './native-text.ts';

const LF = 10;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const BACKSLASH = 92;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;

const NORMAL_NAN_LOW = 1;
const NORMAL_NAN_HIGH = 0x7ff80000;

const EOF = '# EOF';

/** One line's parts as positions; values as numbers. */
interface Line {
  readonly start: number;
  readonly stop: number;
  keyEnd: number;
  value: number;
  /** Where a native histogram stands; -1: none. */
  nativeStart: number;
  nativeEnd: number;
  timeSec: number | undefined;
  exemplar: ExemplarText | undefined;
}

interface ExemplarText {
  readonly pairs: readonly string[];
  readonly value: number;
  readonly timeSec: number | undefined;
}

class PageScanner {
  readonly #body: Uint8Array;
  readonly #end: number;
  readonly #options: ExpositionOptions;
  readonly #dictionary: RowDictionary;
  readonly #sink: RowSink;
  readonly #lines: LineCounter;
  readonly #metadata: OpenMetricsMetadata;
  readonly #rules: FamilyRules | undefined;
  readonly errors = new ScanErrors();
  rowCount = 0;
  pointCount = 0;
  /** Start of the line that is being read. */
  #at = 0;

  constructor(
    body: Uint8Array,
    end: number,
    options: ExpositionOptions,
    dictionary: RowDictionary,
    sink: RowSink,
  ) {
    this.#body = body;
    this.#end = end;
    this.#options = options;
    this.#dictionary = dictionary;
    this.#sink = sink;
    this.#lines = new LineCounter(body);
    this.#metadata = new OpenMetricsMetadata(body);
    const isStrict = options.mode === 'import';
    this.#rules = isStrict ? new FamilyRules((reason) => this.#refuse(reason)) : undefined;
  }

  run(): void {
    const { length } = EOF;
    let isEnded = false;
    while (this.#at < this.#end) {
      if (isEnded) {
        this.#refuse('text behind # EOF');
        break;
      }
      const found = this.#body.indexOf(LF, this.#at);
      const stop = found < 0 || found > this.#end ? this.#end : found;
      const isEof = stop - this.#at === length && this.#text(this.#at, stop) === EOF;
      if (isEof) isEnded = true;
      else if (this.#body[this.#at] === HASH) this.#comment(stop);
      else this.#sampleLine(stop);
      this.#at = stop + 1;
    }
    this.#at = Math.min(this.#at, this.#end);
    this.#rules?.finish();
    if (!isEnded) this.#refuse('the page does not end with # EOF: it may be cut off');
    this.#metadata.emit(this.#sink);
  }

  #text(start: number, stop: number): string {
    return decodeUtf8Lenient(this.#body, start, stop);
  }

  #refuse(reason: string): void {
    if (this.errors.wanted) this.errors.add(this.#lines.lineAt(this.#at), 0, reason);
    else this.errors.addUndescribed();
  }

  #comment(stop: number): void {
    const said = this.#metadata.readLine(this.#at, stop);
    if (typeof said === 'string') return this.#refuse(said);
    const reason = this.#rules?.metadata(said.word, said.name, said.text) ?? '';
    if (reason !== '') return this.#refuse(reason);
    this.#metadata.take(said);
  }

  #sampleLine(stop: number): void {
    this.rowCount++;
    const line: Line = {
      start: this.#at,
      stop,
      keyEnd: this.#at,
      value: 0,
      nativeStart: -1,
      nativeEnd: -1,
      timeSec: undefined,
      exemplar: undefined,
    };
    const reason = this.#readLine(line) || this.#ruleReason(line) || this.#store(line);
    if (reason !== '') this.#refuse(reason);
  }

  #readLine(line: Line): string {
    const { start, stop } = line;
    if (start === stop) return 'a blank line';
    line.keyEnd = this.#seriesEnd(start, stop);
    if (this.#byte(line.keyEnd, stop) !== SPACE) return 'expected one space behind the series';
    const valueStart = line.keyEnd + 1;
    const isNative = this.#byte(valueStart, stop) === BRACE_OPEN;
    let at = isNative ? this.#nativeEnd(line, valueStart) : this.#tokenEnd(valueStart, stop);
    if (!isNative) {
      const value = this.#number(valueStart, at);
      if (value === undefined)
        return `expected a float as value, got '${this.#text(valueStart, Math.min(at, valueStart + 64))}'`;
      line.value = value;
    }
    if (at < stop && this.#byte(at + 1, stop) !== HASH) {
      const timeStart = at + 1;
      at = this.#tokenEnd(timeStart, stop);
      line.timeSec = parseDecimal(this.#body, timeStart, at);
      if (!Number.isFinite(line.timeSec)) return 'expected seconds as timestamp';
    }
    return at < stop ? this.#readExemplar(line, at) : '';
  }

  /** ` # {labels} value [seconds]` from `start` to the end of the line. */
  #readExemplar(line: Line, start: number): string {
    const { stop } = line;
    const isRight =
      this.#byte(start, stop) === SPACE &&
      this.#byte(start + 1, stop) === HASH &&
      this.#byte(start + 2, stop) === SPACE &&
      this.#byte(start + 3, stop) === BRACE_OPEN;
    if (!isRight) return 'unexpected text behind the sample';
    const labelsEnd = this.#bracesEnd(start + 3, stop);
    // A name in front makes it a series.
    const text = `x${this.#text(start + 3, labelsEnd)}`;
    const bytes = Buffer.from(text);
    const pairs = parseSeriesText(bytes, 0, bytes.length, PLAIN);
    if (typeof pairs === 'string') return `exemplar: ${pairs}`;
    const labels = pairs.slice(2);
    if (Array.from(labels.join('')).length > EXEMPLAR_LENGTH_MAX)
      return `the labels of an exemplar have more than ${EXEMPLAR_LENGTH_MAX} characters`;
    if (this.#byte(labelsEnd, stop) !== SPACE) return 'expected a value behind an exemplar';
    const valueEnd = this.#tokenEnd(labelsEnd + 1, stop);
    const value = this.#number(labelsEnd + 1, valueEnd);
    if (value === undefined) return 'expected a float as value of an exemplar';
    let timeSec: number | undefined;
    if (valueEnd < stop) {
      const timeEnd = this.#tokenEnd(valueEnd + 1, stop);
      timeSec = parseDecimal(this.#body, valueEnd + 1, timeEnd);
      if (!Number.isFinite(timeSec) || timeEnd < stop)
        return 'expected seconds as timestamp of an exemplar';
    }
    line.exemplar = { pairs: labels, value, timeSec };
    return '';
  }

  #byte(at: number, stop: number): number {
    return at < stop ? this.#body[at]! : -1;
  }

  #tokenEnd(start: number, stop: number): number {
    let at = start;
    while (at < stop && this.#body[at] !== SPACE) at++;
    return at;
  }

  #number(start: number, stop: number): number | undefined {
    const value = parseDecimal(this.#body, start, stop);
    return value - value === 0 ? value : wordValue(this.#body, start, stop);
  }

  #seriesEnd(start: number, stop: number): number {
    let at = start;
    while (at < stop && this.#body[at] !== SPACE && this.#body[at] !== BRACE_OPEN) at++;
    return this.#byte(at, stop) === BRACE_OPEN ? this.#bracesEnd(at, stop) : at;
  }

  /** Behind the brace that closes the one at `start`; quoted text may hold any. */
  #bracesEnd(start: number, stop: number): number {
    const body = this.#body;
    let isQuoted = false;
    for (let at = start + 1; at < stop; at++) {
      const byte = body[at];
      if (byte === QUOTE) isQuoted = !isQuoted;
      else if (isQuoted && byte === BACKSLASH) at++;
      else if (!isQuoted && byte === BRACE_CLOSE) return at + 1;
    }
    return stop;
  }

  #nativeEnd(line: Line, start: number): number {
    const found = this.#body.indexOf(BRACE_CLOSE, start);
    const at = found < 0 || found >= line.stop ? line.stop : found + 1;
    line.nativeStart = start;
    line.nativeEnd = at;
    return at;
  }

  #ruleReason(line: Line): string {
    const rules = this.#rules;
    if (rules === undefined) return '';
    const pairs = parseSeriesText(this.#body, line.start, line.keyEnd, STRICT);
    if (typeof pairs === 'string') return pairs;
    return rules.sample({
      name: pairs[1]!,
      labels: pairs.slice(2),
      value: line.value,
      timeSec: line.timeSec,
      hasExemplar: line.exemplar !== undefined,
      isNative: line.nativeStart >= 0,
    });
  }

  #resolve({ start, keyEnd: end }: Line): number | string {
    const { mode, extraLabels, typeLabels, honorLabels = false } = this.#options;
    const { type, unit, typeStart, typeEnd } = this.#metadata;
    const hasTypeLabels = typeLabels === true;
    // What stands behind the series in the key decides what its bytes mean.
    const key = hasTypeLabels
      ? scratchKey(this.#body.subarray(start, end), type, unit)
      : { bytes: this.#body, start, end, start2: typeStart, end2: typeEnd };
    const ref = this.#dictionary.find(key.bytes, key.start, key.end, key.start2, key.end2);
    if (ref !== ROW_UNKNOWN) return ref;
    const pairs = parseSeriesText(this.#body, start, end, {
      isStrict: false,
      extraLabels,
      type,
      typeLabels: hasTypeLabels,
      honorLabels,
      unit,
      commas: mode === 'import' ? 'between' : 'behind',
    });
    return typeof pairs === 'string' ? pairs : this.#dictionary.add(key, pairs, undefined);
  }

  #store(line: Line): string {
    const sink = this.#sink;
    let histogram;
    if (line.nativeStart >= 0) {
      const text = this.#text(line.nativeStart, line.nativeEnd);
      histogram = parseNativeText(text, this.#metadata.type === 'gaugehistogram');
      if (typeof histogram === 'string') return histogram;
    }
    const ref = this.#resolve(line);
    if (typeof ref === 'string') return ref;
    if (ref === REF_REFUSED) return this.#dictionary.refusal();
    const { value, timeSec, exemplar } = line;
    const tUs = timeSec === undefined ? this.#options.defaultTimeUs : microseconds(timeSec);
    this.pointCount++;
    if (histogram !== undefined) sink.points(histogramPoint(ref, tUs, Number.NaN, histogram));
    else if (value !== value) sink.f64Bits(ref, tUs, 0, NORMAL_NAN_LOW, NORMAL_NAN_HIGH);
    else sink.f64(ref, tUs, 0, value);
    if (exemplar === undefined) return '';
    const exemplarUs = exemplar.timeSec === undefined ? tUs : microseconds(exemplar.timeSec);
    const labels = labelsFromPairs(exemplar.pairs);
    sink.exemplar({ ref, labels, tUs: exemplarUs, subNs: 0, value: exemplar.value });
    return '';
  }
}

/** Series and exemplars as they stand: nothing added, nothing normalised. */
const PLAIN: SeriesTextOptions = {
  isStrict: false,
  extraLabels: [],
  type: '',
  typeLabels: false,
  commas: 'behind',
};
const STRICT: SeriesTextOptions = { ...PLAIN, commas: 'between' };

/** Whole microseconds; a time that no point can have is the last one before it. */
function microseconds(timeSec: number): number {
  return Math.min(Math.max(Math.round(timeSec * 1e6), -T_US_MAX), T_US_MAX);
}

function scratchKey(series: Uint8Array, type: string, unit: string) {
  const bytes = Buffer.concat([series, Buffer.from(`${type}\n${unit}`)]);
  const { length: end } = series;
  return { bytes, start: 0, end, start2: end, end2: bytes.length };
}

/** Scans `body` up to `end`. Never throws for what a client sent. O(end). */
export function scanOpenMetrics(
  body: Uint8Array,
  end: number,
  options: ExpositionOptions,
  dictionary: RowDictionary,
  sink: RowSink,
): ScanResult {
  const scanner = new PageScanner(body, end, options, dictionary, sink);
  scanner.run();
  const { rowCount, pointCount, errors } = scanner;
  return { rowCount, pointCount, errorCount: errors.count, errors: errors.list };
}
