// The GTS input format of Warp 10: bytes → rows.
//
//   line  = [TIME] "/" [LAT ":" LON] "/" [ELEVATION] SP+ CLASS "{" labels "}" ["{" attributes "}"]
//           SP+ value
//         / "=" [TIME] "/" … "/" … SP+ value        the series of the line before
//   TIME  = integer in the time unit / "T" integer, from `now` on / nothing: now
//   value = long / double / "T" / "F" / quoted string, percent-encoded
//
// A line with a time and no braces belongs to the series of the line before, too. Reasons and their
// positions are the real server's (continuum/gts/GTSHelper.java); deviations are in
// docs/protocols/warp10.md. A bad line leaves the others. Nothing at or behind `end` is read.
import { parseDecimal, parseInt64 } from '../../codec/decimal.ts';
import { decodeUtf8 } from '../../codec/utf8.ts';
import { KIND } from '../../model/columns.ts';
import { BLOCK_POINTS, PointBlock } from '../../model/point-block.ts';
import type { RowDictionary, RowPredictor, RowSink, ScanResult } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { Timestamps, UNIT_US } from '../influx/timestamps.ts';
import { GTS_LEFT_LINES_MAX, GTS_LEFT_LINES_STEP, T_US_MAX } from '../limits.ts';
import { openLinesKernel } from '../lines-kernel.ts';
import type { LinesKernel } from '../lines-kernel.ts';
import { LineCounter, quoteLine, ScanErrors } from '../scan-errors.ts';
import { decodePercent } from './percent.ts';
import { PlacedRun } from './placed-run.ts';
import { parseAttributes, parseSeries } from './series-text.ts';

export type TimeUnit = 'us' | 'ms' | 'ns';

export interface GtsOptions {
  readonly timeUnit: TimeUnit;
  /** What lines without a time, and those with a relative one, count from. */
  readonly nowUs: number;
  readonly nowSubNs: number;
}

const LF = 10;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const APOSTROPHE = 39;
const PLUS = 43;
const COLON = 58;
const DOT = 46;
const MINUS = 45;
const SLASH = 47;
const EQUALS = 61;
const UPPER_T = 84;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
/** An int32 holds any integer of this many digits. */
const INT_DIGITS = 9;
const SCALES = Float64Array.from({ length: 10 }, (_, i) => 10 ** i);
/** Elevations are millimetres there and metres here. */
const MILLIMETRES = 1000;

/** Scans are synchronous and begin with empty ones, so one of each serves them all. */
const sharedBlock = new PointBlock();
const sharedRun = new PlacedRun();
const scratch = new Int32Array(2);

/** Position of `byte` in [start, end), or -1. */
function indexIn(body: Uint8Array, byte: number, start: number, end: number): number {
  for (let i = start; i < end; i++) if (body[i] === byte) return i;
  return -1;
}

function skipSpaces(body: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && body[at] === SPACE) at++;
  return at;
}

class GtsScanner {
  rowCount = 0;
  pointCount = 0;
  readonly errors = new ScanErrors();
  readonly #body: Uint8Array;
  readonly #dictionary: RowDictionary;
  readonly #predictor: RowPredictor | undefined;
  readonly #sink: RowSink;
  readonly #options: GtsOptions;
  readonly #times: Timestamps;
  readonly #lines: LineCounter;
  readonly #kernel: LinesKernel | undefined;
  /** Lines in a row that the kernel did not take. */
  #leftCount = 0;
  /** Series of the line before: a ref, REF_REFUSED, or ROW_UNKNOWN where there is none. */
  #series = ROW_UNKNOWN;
  /** Where the text of the line's series stands; its end is 0 where the line has none. */
  #rowStart = 0;
  #rowEnd = 0;
  #tUs = 0;
  #subNs = 0;
  #hasPlace = false;
  readonly #place = { latitude: Number.NaN, longitude: Number.NaN, elevation: Number.NaN };
  /** Where the reason was found. */
  #at = 0;

  constructor(
    [body, end]: readonly [Uint8Array, number],
    options: GtsOptions,
    dictionary: RowDictionary,
    sink: RowSink,
  ) {
    this.#body = body;
    this.#options = options;
    this.#dictionary = dictionary;
    this.#predictor = dictionary.predictor;
    this.#sink = sink;
    this.#times = new Timestamps(body, options.timeUnit);
    this.#lines = new LineCounter(body);
    sharedBlock.count = 0;
    sharedRun.clear();
    this.#predictor?.open(body);
    this.#kernel = openLinesKernel(body, end, {
      predictor: this.#predictor,
      sink,
      unitUs: UNIT_US[options.timeUnit],
      defaultUs: options.nowUs,
    });
  }

  run(end: number): void {
    const body = this.#body;
    let next = 0;
    for (let at = 0; at < end; at = next) {
      at = this.#takeKnown(at);
      if (at >= end) break;
      let stop = indexIn(body, LF, at, end);
      if (stop < 0) stop = end;
      next = stop + 1;
      // As Java's trim: everything up to a space.
      while (at < stop && body[at]! <= SPACE) at++;
      while (stop > at && body[stop - 1]! <= SPACE) stop--;
      if (at === stop || body[at] === HASH) continue;
      this.rowCount++;
      const reason = this.#line(at, stop);
      if (reason !== '') this.#refuse(reason, at, stop);
    }
    this.#flush();
    const kernel = this.#kernel;
    if (kernel === undefined) return;
    kernel.close();
    this.rowCount += kernel.lineCount;
    this.pointCount += kernel.pointCount;
  }

  /** Lines of series that the kernel knows, with plain values; where the first other one begins. */
  #takeKnown(start: number): number {
    const kernel = this.#kernel;
    if (kernel === undefined) return start;
    // Tracks and texts would be shown to it in vain, line by line.
    if (this.#leftCount++ >= GTS_LEFT_LINES_MAX && this.#leftCount % GTS_LEFT_LINES_STEP > 0)
      return start;
    this.#flush();
    const at = kernel.takeGts(start, this.#series);
    if (at === start) return start;
    this.#leftCount = 0;
    this.#series = kernel.currentRef;
    kernel.flush();
    return at;
  }

  #refuse(reason: string, start: number, stop: number): void {
    if (!this.errors.wanted) return this.errors.addUndescribed();
    const quoted = quoteLine(this.#body, start, stop);
    const index = this.#at - start;
    const text = `Parse error at index ${index} in '${quoted}' (${reason})`;
    this.errors.add(this.#lines.lineAt(start), index, text);
  }

  #fail(reason: string, at: number): string {
    this.#at = at;
    return reason;
  }

  /** Reads the line [start, stop), which is trimmed; a reason or ''. */
  #line(start: number, stop: number): string {
    const body = this.#body;
    this.#rowEnd = 0;
    const isContinued = body[start] === EQUALS;
    const timeStart = isContinued ? start + 1 : start;
    if (isContinued && this.#series === ROW_UNKNOWN)
      return this.#fail('Invalid continuation.', start);
    const slash = indexIn(body, SLASH, timeStart, stop);
    if (slash < 0) return this.#fail('Missing timestamp separator.', timeStart);
    if (!this.#readTime(timeStart, slash)) return this.#fail('Invalid timestamp.', timeStart);
    const second = indexIn(body, SLASH, slash + 1, stop);
    if (second < 0) return this.#fail('Missing location/elevation separator.', slash + 1);
    const space = indexIn(body, SPACE, second + 1, stop);
    if (space < 0) {
      const what = isContinued ? 'Missing value.' : 'Missing GTS name, labels and value.';
      return this.#fail(what, second + 1);
    }
    const reason = this.#readPlace(slash + 1, second, space);
    if (reason !== '') return reason;
    const at = skipSpaces(body, space + 1, stop);
    return this.#rest(at, stop, isContinued);
  }

  /** Series, attributes and value. */
  #rest(start: number, stop: number, isContinued: boolean): string {
    let at = start;
    if (!isContinued) {
      const labelsEnd = this.#readSeries(at, stop);
      if (labelsEnd < 0) return this.#seriesReason;
      if (labelsEnd > at) {
        at = labelsEnd;
        if (at < stop && this.#body[at] === OPEN_BRACE) {
          at = this.#readAttributes(at + 1, stop);
          if (at < 0) return this.#seriesReason;
        }
        at = skipSpaces(this.#body, at, stop);
      }
    }
    if (at >= stop) return this.#fail('Missing value.', stop - 1);
    if (this.#series < 0) return this.#fail(this.#dictionary.refusal(), start);
    const reason = this.#readValue(at, stop);
    return reason === '' ? '' : this.#fail(reason, at);
  }

  #seriesReason = '';

  #readTime(start: number, stop: number): boolean {
    const { nowUs, nowSubNs } = this.#options;
    const body = this.#body;
    if (start === stop) {
      this.#tUs = nowUs;
      this.#subNs = nowSubNs;
      return true;
    }
    const isRelative = body[start] === UPPER_T;
    let from = isRelative ? start + 1 : start;
    if (from < stop && body[from] === PLUS && body[from + 1] !== MINUS) from++;
    if (this.#times.read(from, stop) !== '') return false;
    this.#tUs = this.#times.tUs;
    this.#subNs = this.#times.subNs;
    if (!isRelative) return true;
    const subNs = this.#subNs + nowSubNs;
    this.#tUs += nowUs + (subNs >= 1000 ? 1 : 0);
    this.#subNs = subNs % 1000;
    return Math.abs(this.#tUs) <= T_US_MAX;
  }

  /** `LAT:LON` in [start, second), the elevation behind the second slash; a reason or ''. */
  #readPlace(start: number, second: number, space: number): string {
    const place = this.#place;
    this.#hasPlace = start < second || second + 1 < space;
    if (!this.#hasPlace) return '';
    place.latitude = place.longitude = place.elevation = Number.NaN;
    const body = this.#body;
    if (start < second) {
      const colon = indexIn(body, COLON, start, second);
      place.latitude = colon < 0 ? Number.NaN : this.#coordinate(start, colon, 90);
      place.longitude = colon < 0 ? Number.NaN : this.#coordinate(colon + 1, second, 180);
      if (Number.isNaN(place.latitude + place.longitude))
        return this.#fail(`Invalid location: '${decodeUtf8(body, start, second) ?? '?'}'.`, start);
    }
    if (second + 1 < space) {
      const isSigned = body[second + 1] === PLUS;
      if (!parseInt64(body, isSigned ? second + 2 : second + 1, space, scratch))
        return this.#fail(
          `Invalid elevation: '${decodeUtf8(body, second + 1, space) ?? '?'}'.`,
          second + 1,
        );
      place.elevation = (scratch[1]! * 4_294_967_296 + (scratch[0]! >>> 0)) / MILLIMETRES;
    }
    return '';
  }

  #coordinate(start: number, stop: number, most: number): number {
    const degrees = parseDecimal(this.#body, start, stop);
    return Math.abs(degrees) <= most ? degrees : Number.NaN;
  }

  /**
   * The series of a line: where its labels end; `start` where the line has none and goes on with
   * that of the line before; -1: see #seriesReason.
   */
  #readSeries(start: number, stop: number): number {
    const body = this.#body;
    const predictor = this.#predictor;
    if (predictor !== undefined) {
      const end = predictor.nextRow(start, stop, SPACE);
      const ref = end < 0 ? ROW_UNKNOWN : predictor.cellAt(end, end);
      if (ref >= 0) return this.#known(start, end, ref);
    }
    const open = indexIn(body, OPEN_BRACE, start, stop);
    if (open < 0) {
      if (this.#series !== ROW_UNKNOWN) return start;
      return this.#noSeries('Missing or invalid GTS name and labels.', start);
    }
    const close = indexIn(body, CLOSE_BRACE, open + 1, stop);
    if (close < 0) return this.#noSeries("Missing end of labels '}'.", stop - 1);
    const end = close + 1;
    const found = this.#dictionary.find(body, start, end, end, end);
    if (found !== ROW_UNKNOWN) return this.#known(start, end, found);
    const pairs = parseSeries(body, start, end);
    if (typeof pairs === 'string') return this.#noSeries(pairs, start);
    const key = { bytes: body, start, end, start2: end, end2: end };
    return this.#known(start, end, this.#dictionary.add(key, pairs, undefined));
  }

  #known(start: number, end: number, ref: number): number {
    this.#series = ref;
    this.#rowStart = start;
    this.#rowEnd = end;
    return end;
  }

  /** Lines that go on with the one that is read have no series either. */
  #noSeries(reason: string, at: number): number {
    this.#series = ROW_UNKNOWN;
    this.#seriesReason = this.#fail(reason, at);
    return -1;
  }

  /** Attributes behind labels; where they end, or -1: see #seriesReason. */
  #readAttributes(start: number, stop: number): number {
    const close = indexIn(this.#body, CLOSE_BRACE, start, stop);
    if (close < 0) {
      this.#seriesReason = this.#fail("Missing end of attributes '}'.", stop - 1);
      return -1;
    }
    const pairs = parseAttributes(this.#body, start, close);
    if (typeof pairs === 'string') {
      this.#seriesReason = this.#fail(pairs, start);
      return -1;
    }
    const ref = this.#series;
    if (ref >= 0)
      for (let i = 0; i < pairs.length; i += 2)
        this.#sink.attribute({ ref, key: pairs[i]!, value: pairs[i + 1]! });
    return close + 1;
  }

  #readValue(start: number, stop: number): string {
    const body = this.#body;
    const first = body[start]!;
    if ((first >= 48 && first <= 57) || first === MINUS || first === PLUS || first === DOT)
      return this.#readNumber(start, stop);
    const last = body[stop - 1];
    if ((first === APOSTROPHE || first === QUOTE) && last === first) {
      // A quote alone opens and closes nothing.
      const text = stop - start < 2 ? undefined : decodePercent(body, start + 1, stop - 1);
      if (text === undefined) return 'Cannot parse value.';
      this.#putString(text);
      return '';
    }
    return this.#readWord(start, stop);
  }

  #readNumber(start: number, stop: number): string {
    const body = this.#body;
    const isSigned = body[start] === MINUS || body[start] === PLUS;
    const isNegative = body[start] === MINUS;
    let digits = 0;
    let pointAt = -1;
    let at = isSigned ? start + 1 : start;
    const digitsStart = at;
    for (; at < stop; at++) {
      const byte = body[at]!;
      if (byte >= 48 && byte <= 57) digits = (digits * 10 + byte - 48) | 0;
      else if (byte === DOT && pointAt < 0) pointAt = at;
      else break;
    }
    const digitCount = at - digitsStart - (pointAt < 0 ? 0 : 1);
    if (at === stop && digitCount > 0 && digitCount <= INT_DIGITS) {
      if (pointAt < 0) {
        const value = isNegative ? -digits | 0 : digits;
        this.#put(KIND.i64, value, value < 0 ? -1 : 0);
        return '';
      }
      const value = digits / SCALES[stop - pointAt - 1]!;
      this.#putFloat(isNegative ? -value : value);
      return '';
    }
    if (at === stop && pointAt < 0 && digitCount > 0) {
      const from = body[start] === PLUS ? start + 1 : start;
      if (!parseInt64(body, from, stop, scratch)) return 'Cannot parse value.';
      this.#put(KIND.i64, scratch[0]!, scratch[1]!);
      return '';
    }
    if (digitCount === 0) return this.#readWord(start, stop);
    const value = parseDecimal(body, start, stop);
    if (Number.isNaN(value)) return 'Cannot parse value.';
    this.#putFloat(value);
    return '';
  }

  #readWord(start: number, stop: number): string {
    const text = stop - start <= 9 ? (decodeUtf8(this.#body, start, stop) ?? '') : '';
    if (/^(?:t|true)$/i.test(text)) this.#putBoolean(1);
    else if (/^(?:f|false)$/i.test(text)) this.#putBoolean(0);
    else if (/^[+-]?NaN$/.test(text)) this.#putFloat(Number.NaN);
    else if (/^\+?Infinity$/.test(text)) this.#putFloat(Infinity);
    else if (text === '-Infinity') this.#putFloat(-Infinity);
    else if (
      /^(?:\[|b64:|hex:|:|HH:|Q:)/.test(
        decodeUtf8(this.#body, start, Math.min(stop, start + 4)) ?? '',
      )
    )
      return 'Values that are lists, bytes, places or encoded are not stored.';
    else return 'Cannot parse value.';
    return '';
  }

  #point() {
    return { ref: this.#series, tUs: this.#tUs, subNs: this.#subNs };
  }

  #putFloat(value: number): void {
    floatScratch[0] = value;
    this.#put(KIND.f64, floatWords[0]!, floatWords[1]!);
  }

  #putBoolean(value: 0 | 1): void {
    floatScratch[0] = value;
    this.#put(KIND.boolean, floatWords[0]!, floatWords[1]!);
  }

  #put(kind: typeof KIND.f64 | typeof KIND.i64 | typeof KIND.boolean, low: number, high: number) {
    this.pointCount++;
    if (this.#hasPlace) {
      sharedBlock.flush(this.#sink);
      const slot = sharedRun.add(this.#sink, kind, this.#point(), this.#place);
      sharedRun.words[slot * 2] = low;
      sharedRun.words[slot * 2 + 1] = high;
      return;
    }
    if (this.#rowEnd > 0) this.#kernel?.learnSeries(this.#rowStart, this.#rowEnd, this.#series);
    const block = sharedBlock;
    sharedRun.flush(this.#sink);
    if (block.count === BLOCK_POINTS) block.flush(this.#sink);
    const slot = block.count++;
    block.refs[slot] = this.#series;
    block.kinds[slot] = kind;
    block.tUs[slot] = this.#tUs;
    block.subNs[slot] = this.#subNs;
    block.words[slot * 2] = low;
    block.words[slot * 2 + 1] = high;
  }

  #putString(text: string): void {
    this.pointCount++;
    sharedBlock.flush(this.#sink);
    if (this.#hasPlace) {
      sharedRun.add(this.#sink, KIND.string, this.#point(), this.#place);
      return sharedRun.setString(text);
    }
    sharedRun.flush(this.#sink);
    this.#sink.string(this.#series, this.#tUs, this.#subNs, text);
  }

  #flush(): void {
    sharedBlock.flush(this.#sink);
    sharedRun.flush(this.#sink);
  }
}

const floatScratch = new Float64Array(1);
const floatWords = new Int32Array(floatScratch.buffer);

/** Scans `body` up to `end`. Never throws for what a client sent. Complexity: O(end). */
export function scanGts(
  body: Uint8Array,
  end: number,
  options: GtsOptions,
  dictionary: RowDictionary,
  sink: RowSink,
): ScanResult {
  const scanner = new GtsScanner([body, end], options, dictionary, sink);
  scanner.run(end);
  const { rowCount, pointCount, errors } = scanner;
  return { rowCount, pointCount, errorCount: errors.count, errors: errors.list };
}

/** Lines `CLASS{labels}{attributes}` → attribute rows; `pointCount` stays 0. */
export function scanMeta(
  body: Uint8Array,
  end: number,
  dictionary: RowDictionary,
  sink: RowSink,
): ScanResult {
  const errors = new ScanErrors();
  const lines = new LineCounter(body);
  let rowCount = 0;
  let next = 0;
  for (let at = 0; at < end; at = next) {
    let stop = indexIn(body, LF, at, end);
    if (stop < 0) stop = end;
    next = stop + 1;
    while (at < stop && body[at]! <= SPACE) at++;
    while (stop > at && body[stop - 1]! <= SPACE) stop--;
    if (at === stop || body[at] === HASH) continue;
    rowCount++;
    const reason = metaLine(body, at, stop, dictionary, sink);
    if (reason === '') continue;
    if (!errors.wanted) errors.addUndescribed();
    else
      errors.add(
        lines.lineAt(at),
        0,
        `Invalid metadata '${quoteLine(body, at, stop)}' (${reason})`,
      );
  }
  return { rowCount, pointCount: 0, errorCount: errors.count, errors: errors.list };
}

function metaLine(
  body: Uint8Array,
  start: number,
  stop: number,
  dictionary: RowDictionary,
  sink: RowSink,
): string {
  const open = indexIn(body, OPEN_BRACE, start, stop);
  const close = open < 0 ? -1 : indexIn(body, CLOSE_BRACE, open, stop);
  const end = close + 1;
  if (close < 0 || body[end] !== OPEN_BRACE || end >= stop || body[stop - 1] !== CLOSE_BRACE)
    return 'expected class{labels}{attributes}';
  if (indexIn(body, CLOSE_BRACE, end, stop) !== stop - 1)
    return 'expected class{labels}{attributes}';
  const attributes = parseAttributes(body, end + 1, stop - 1);
  if (typeof attributes === 'string') return attributes;
  let ref = dictionary.find(body, start, end, end, end);
  if (ref === ROW_UNKNOWN) {
    const pairs = parseSeries(body, start, end);
    if (typeof pairs === 'string') return pairs;
    ref = dictionary.add({ bytes: body, start, end, start2: end, end2: end }, pairs, undefined);
  }
  if (ref === REF_REFUSED) return dictionary.refusal();
  for (let i = 0; i < attributes.length; i += 2)
    sink.attribute({ ref, key: attributes[i]!, value: attributes[i + 1]! });
  return '';
}
