// The body of OpenTSDB's `/api/put`: one object or an array of them → rows. One pass over the
// bytes; no string or object per point unless the dictionary misses or a point is refused.
//
//   body  = point / "[" [ point *( "," point ) ] "]"
//   point = "{" "metric": string, "timestamp": number, "value": number / string,
//               "tags": { string: string, … } "}"     in any order; other fields are passed over
//
// Source: OpenTSDB 2.4 tsd/HttpJsonSerializer.java, core/IncomingDataPoint.java and Jackson's rules
// for turning one scalar into another. Text that is no such JSON makes the whole body malformed
// (`malformed` says why, and what was put into the sink has to be thrown away); a point that
// is not right is refused alone, in OpenTSDB's words. Deviations in docs/protocols/opentsdb.md.
// Nothing at or behind `end` is read.
import { parseDecimal, parseSafeInteger } from '../../codec/decimal.ts';
import { decodeUtf8, decodeUtf8Lenient } from '../../codec/utf8.ts';
import { KIND } from '../../model/columns.ts';
import { BLOCK_POINTS, PointBlock } from '../../model/point-block.ts';
import type { RowDictionary, RowSink, ScanResult } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { PUT_PROBLEMS_MAX, SERIES_LABELS_MAX } from '../limits.ts';
import { openLinesKernel } from '../lines-kernel.ts';
import type { LinesKernel } from '../lines-kernel.ts';
import { ScanErrors } from '../scan-errors.ts';
import { closingQuote, scalarEnd, skipSpace, valueEnd } from './json-tokens.ts';
import type { NumberRead } from './numbers.ts';
import { numberRead, readValue, timestampUs } from './numbers.ts';
import type { PredictedPoints } from './predicted-points.ts';
import { PointLayout, takePredictedPoints, TEXT } from './predicted-points.ts';
import { seriesPairs, tooManyTags } from './series-names.ts';

/** A point that was refused, as OpenTSDB shows it. */
export interface PutProblem {
  readonly error: string;
  readonly datapoint: DataPointJson | null;
}

export interface DataPointJson {
  readonly metric?: string;
  readonly timestamp: number;
  readonly value?: string;
  readonly tags?: Readonly<Record<string, string | null>>;
}

export interface PutResult extends ScanResult {
  /** Why the body as a whole is none; '' where it is one. */
  readonly malformed: string;
  /** The first PUT_PROBLEMS_MAX refused points, where they were asked for. */
  readonly problems: readonly PutProblem[];
}

export interface PutOptions {
  readonly wantsProblems: boolean;
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const BACKSLASH = 92;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;

/** Scans are synchronous and begin with an empty one, so one serves them all. */
const sharedBlock = new PointBlock();

/**
 * Where the fields of a point stand: the text of a scalar (without quotes), -1 = absent or null.
 */
interface PointRanges {
  start: number;
  end: number;
  metricStart: number;
  metricEnd: number;
  timeStart: number;
  timeEnd: number;
  isTimeText: boolean;
  valueStart: number;
  valueEnd: number;
  /** With the braces. */
  tagsStart: number;
  tagsEnd: number;
}

const FIELD = { other: 0, metric: 1, timestamp: 2, value: 3, tags: 4 } as const;
type Field = (typeof FIELD)[keyof typeof FIELD];

const NAMES: readonly (readonly [string, Field])[] = [
  ['metric', FIELD.metric],
  ['timestamp', FIELD.timestamp],
  ['value', FIELD.value],
  ['tags', FIELD.tags],
];
const FIELD_BYTES = NAMES.map(([name, field]) => ({
  bytes: new TextEncoder().encode(name),
  field,
}));

function hasBackslash(body: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (body[i] === BACKSLASH) return true;
  return false;
}

/** The text of a string whose content is [start, end); undefined where it is none. */
function textOf(body: Uint8Array, start: number, end: number): string | undefined {
  const raw = decodeUtf8(body, start, end);
  if (raw === undefined || !raw.includes('\\')) return raw;
  return jsonOf(`"${raw}"`) as string | undefined;
}

/** Numbers come as the text that they are, like OpenTSDB takes them. */
function numbersAsText(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? context?.source : value;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text, numbersAsText) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Members of the object [start, end), whose brackets and texts are closed. O(end - start). */
function memberCount(body: Uint8Array, start: number, end: number): number {
  let count = 1;
  let depth = 0;
  for (let i = start; i < end; i++) {
    const byte = body[i]!;
    if (byte === QUOTE) {
      for (i++; i < end && body[i] !== QUOTE; i++) if (body[i] === BACKSLASH) i++;
    } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) depth++;
    else if (byte === BRACE_CLOSE || byte === BRACKET_CLOSE) depth--;
    else if (byte === COMMA && depth === 1) count++;
  }
  return count;
}

function fieldOf(body: Uint8Array, start: number, end: number): Field {
  search: for (const { bytes, field } of FIELD_BYTES) {
    if (bytes.length !== end - start) continue;
    for (let i = 0; i < bytes.length; i++) if (body[start + i] !== bytes[i]) continue search;
    return field;
  }
  if (!hasBackslash(body, start, end)) return FIELD.other;
  const name = textOf(body, start, end);
  return NAMES.find(([known]) => known === name)?.[1] ?? FIELD.other;
}

class PutScanner {
  readonly #body: Uint8Array;
  readonly #end: number;
  readonly #dictionary: RowDictionary;
  readonly #sink: RowSink;
  readonly #wantsProblems: boolean;
  readonly #errors = new ScanErrors();
  readonly #problems: PutProblem[] = [];
  readonly #number: NumberRead = numberRead();
  readonly #layout = new PointLayout();
  /** As PointLayout.learn takes them. */
  readonly #ranges = new Int32Array(8);
  readonly #predicted: PredictedPoints | undefined;
  readonly #kernel: LinesKernel | undefined;
  readonly #point: PointRanges = {
    start: 0,
    end: 0,
    metricStart: -1,
    metricEnd: -1,
    timeStart: -1,
    timeEnd: -1,
    isTimeText: false,
    valueStart: -1,
    valueEnd: -1,
    tagsStart: -1,
    tagsEnd: -1,
  };
  #rowCount = 0;
  #pointCount = 0;
  /** Of the point that was stored last. */
  #ref = REF_REFUSED;
  #malformed = '';

  constructor(
    body: Uint8Array,
    end: number,
    options: PutOptions,
    dictionary: RowDictionary,
    sink: RowSink,
  ) {
    this.#body = body;
    this.#end = end;
    this.#dictionary = dictionary;
    this.#sink = sink;
    this.#wantsProblems = options.wantsProblems;
    const { predictor } = dictionary;
    predictor?.open(body);
    this.#kernel = openLinesKernel(body, end, { predictor, sink, unitUs: 0, defaultUs: 0 });
    this.#predicted =
      predictor === undefined
        ? undefined
        : {
            body,
            view: new DataView(body.buffer, body.byteOffset, body.byteLength),
            end,
            layout: this.#layout,
            dictionary,
            predictor,
            number: this.#number,
            block: sharedBlock,
            sink,
            pointCount: 0,
          };
  }

  run(): PutResult {
    sharedBlock.count = 0;
    const start = skipSpace(this.#body, 0, this.#end);
    const first = start < this.#end ? this.#body[start]! : 0;
    let at = -1;
    if (first === BRACE_OPEN) at = this.#readElement(start);
    else if (first === BRACKET_OPEN) at = this.#readArray(start);
    else this.#malformed = 'The JSON must start as an object or an array';
    if (at >= 0 && skipSpace(this.#body, at, this.#end) !== this.#end)
      this.#fail(at, 'text behind the end');
    sharedBlock.flush(this.#sink);
    this.#kernel?.close();
    const taken = (this.#predicted?.pointCount ?? 0) + (this.#kernel?.pointCount ?? 0);
    return {
      rowCount: this.#rowCount + taken,
      pointCount: this.#pointCount + taken,
      errorCount: this.#errors.count,
      errors: this.#errors.list,
      malformed: this.#malformed,
      problems: this.#problems,
    };
  }

  #fail(at: number, reason: string): -1 {
    if (this.#malformed === '') this.#malformed = `${reason} (byte ${at})`;
    return -1;
  }

  #readArray(start: number): number {
    const body = this.#body;
    const end = this.#end;
    let at = skipSpace(body, start + 1, end);
    if (at < end && body[at] === BRACKET_CLOSE) return at + 1;
    for (;;) {
      const next = this.#takeKnown(at);
      at = next > at ? next : this.#readElement(at);
      if (at < 0) return -1;
      at = skipSpace(body, at, end);
      const byte = at < end ? body[at]! : 0;
      if (byte === BRACKET_CLOSE) return at + 1;
      if (byte !== COMMA) return this.#fail(at, 'expected a comma or a closing bracket');
      at = skipSpace(body, at + 1, end);
    }
  }

  /** Takes points that are written like the last one; behind them, or `start`. */
  #takeKnown(start: number): number {
    const predicted = this.#predicted;
    if (predicted === undefined || !this.#layout.isKnown) return start;
    const kernel = this.#kernel;
    if (kernel !== undefined) {
      sharedBlock.flush(this.#sink);
      const next = kernel.takePoints(start);
      if (next > start || !kernel.isFull) return next;
      kernel.flush();
    }
    return takePredictedPoints(predicted, start);
  }

  /** A point or null; the position behind it, or -1. */
  #readElement(start: number): number {
    const body = this.#body;
    const end = this.#end;
    if (start >= end || body[start] !== BRACE_OPEN) {
      const stop = scalarEnd(body, start, end);
      if (stop < 0 || decodeUtf8Lenient(body, start, stop) !== 'null')
        return this.#fail(start, 'expected an object');
      this.#rowCount++;
      this.#refuse('Unexpected null datapoint encountered in set.', true);
      return stop;
    }
    const at = this.#readFields(start);
    if (at < 0) return -1;
    this.#point.start = start;
    this.#point.end = at;
    this.#rowCount++;
    const reason = this.#store();
    if (this.#malformed !== '') return -1;
    if (reason === '') {
      this.#learn();
      return at;
    }
    // Tags that are no texts make the body malformed, whatever else is wrong with their point.
    this.#tags();
    if (this.#malformed !== '') return -1;
    this.#refuse(reason, false);
    return at;
  }

  /** What follows is likely to be written like this point. */
  #learn(): void {
    const point = this.#point;
    // A point without tags says nothing of where they would be.
    if (point.tagsStart < 0) return;
    const ranges = this.#ranges;
    ranges[TEXT.metric * 2] = point.metricStart;
    ranges[TEXT.metric * 2 + 1] = point.metricEnd;
    ranges[TEXT.timestamp * 2] = point.timeStart;
    ranges[TEXT.timestamp * 2 + 1] = point.timeEnd;
    ranges[TEXT.value * 2] = point.valueStart;
    ranges[TEXT.value * 2 + 1] = point.valueEnd;
    ranges[TEXT.tags * 2] = point.tagsStart;
    ranges[TEXT.tags * 2 + 1] = point.tagsEnd;
    const layout = this.#layout;
    const isOther = layout.learn(this.#body, point.start, point.end, ranges);
    const kernel = this.#kernel;
    if (kernel === undefined) return;
    if (isOther) kernel.learnLayout(layout);
    const { tagsStart, tagsEnd, metricStart, metricEnd } = point;
    kernel.learnPoint([tagsStart, tagsEnd], [metricStart, metricEnd], this.#ref);
  }

  #readFields(start: number): number {
    const body = this.#body;
    const end = this.#end;
    const point = this.#point;
    point.metricStart = point.timeStart = point.valueStart = point.tagsStart = -1;
    let at = skipSpace(body, start + 1, end);
    if (at < end && body[at] === BRACE_CLOSE) return at + 1;
    for (;;) {
      if (at >= end || body[at] !== QUOTE) return this.#fail(at, 'expected a field');
      const nameEnd = closingQuote(body, at + 1, end);
      if (nameEnd < 0) return this.#fail(at, 'a name without an end');
      const field = fieldOf(body, at + 1, nameEnd);
      at = skipSpace(body, nameEnd + 1, end);
      if (at >= end || body[at] !== COLON) return this.#fail(at, 'expected a colon');
      at = skipSpace(body, at + 1, end);
      at = this.#readField(field, at);
      if (at < 0) return -1;
      at = skipSpace(body, at, end);
      const byte = at < end ? body[at]! : 0;
      if (byte === BRACE_CLOSE) return at + 1;
      if (byte !== COMMA) return this.#fail(at, 'expected a comma or a closing brace');
      at = skipSpace(body, at + 1, end);
    }
  }

  /** The field's value at `start`; the position behind it, or -1. */
  #readField(field: Field, start: number): number {
    const body = this.#body;
    const end = this.#end;
    const point = this.#point;
    const first = start < end ? body[start]! : 0;
    const isContainer = first === BRACE_OPEN || first === BRACKET_OPEN;
    const stop = isContainer ? valueEnd(body, start, end) : scalarEnd(body, start, end);
    if (stop < 0) return this.#fail(start, 'a value that is none');
    if (field === FIELD.other) return stop;
    const isNull = first === 110;
    if (field === FIELD.tags) {
      if (first !== BRACE_OPEN && !isNull) return this.#fail(start, 'tags must be an object');
      point.tagsStart = isNull ? -1 : start;
      point.tagsEnd = stop;
      return stop;
    }
    if (isContainer) return this.#fail(start, 'a number or a text cannot be made of this');
    const isText = first === QUOTE;
    const from = isNull ? -1 : isText ? start + 1 : start;
    const to = isText ? stop - 1 : stop;
    if (field === FIELD.metric) {
      point.metricStart = from;
      point.metricEnd = to;
    } else if (field === FIELD.value) {
      point.valueStart = from;
      point.valueEnd = to;
    } else {
      point.timeStart = from;
      point.timeEnd = to;
      point.isTimeText = isText;
    }
    return stop;
  }

  /** Checks the point in OpenTSDB's order and stores it; a reason or ''. */
  #store(): string {
    const point = this.#point;
    const timestamp = this.#timestamp();
    if (timestamp !== timestamp) {
      this.#fail(point.timeStart, 'the timestamp is no whole number');
      return '';
    }
    if (point.metricStart < 0 || point.metricStart === point.metricEnd)
      return 'Metric name was empty';
    if (timestamp <= 0) return 'Invalid timestamp';
    if (point.valueStart < 0 || point.valueStart === point.valueEnd) return 'Empty value';
    const number = this.#number;
    if (!this.#readNumber()) return 'Unable to parse value to a number';
    if (!(number.value - number.value === 0)) return `value is NaN or Infinite: ${number.value}`;
    const tUs = timestampUs(timestamp);
    if (tUs !== tUs) return `bad timestamp=${timestamp}`;
    const ref = this.#resolve();
    if (typeof ref === 'string') return ref;
    this.#ref = ref;
    this.#kernel?.flush();
    if (sharedBlock.count === BLOCK_POINTS) sharedBlock.flush(this.#sink);
    const slot = sharedBlock.count++;
    sharedBlock.refs[slot] = ref;
    sharedBlock.kinds[slot] = number.kind;
    sharedBlock.tUs[slot] = tUs;
    sharedBlock.subNs[slot] = 0;
    if (number.kind === KIND.f64) sharedBlock.values[slot] = number.value;
    else {
      sharedBlock.words[slot * 2] = number.words[0]!;
      sharedBlock.words[slot * 2 + 1] = number.words[1]!;
    }
    this.#pointCount++;
    return '';
  }

  /** 0 where there is none, NaN where it is no number. */
  #timestamp(): number {
    const { timeStart, timeEnd, isTimeText } = this.#point;
    if (timeStart < 0) return 0;
    const whole = parseSafeInteger(this.#body, timeStart, timeEnd);
    if (whole === whole) return whole;
    const text = decodeUtf8Lenient(this.#body, timeStart, timeEnd).trim();
    // As Jackson: an empty text is 0, a text has to be whole, a number is cut.
    if (isTimeText) return /^[+-]?\d+$/.test(text) || text === '' ? Number(text) : Number.NaN;
    return Math.trunc(parseDecimal(this.#body, timeStart, timeEnd));
  }

  #readNumber(): boolean {
    const { valueStart, valueEnd: stop } = this.#point;
    const body = this.#body;
    if (readValue(body, valueStart, stop, this.#number)) return true;
    if (!hasBackslash(body, valueStart, stop)) return false;
    const text = new TextEncoder().encode(textOf(body, valueStart, stop) ?? '');
    return readValue(text, 0, text.length, this.#number);
  }

  /** The ref, or a reason. Tags come first: they are what follows each other in the same order. */
  #resolve(): number | string {
    const body = this.#body;
    const { metricStart, metricEnd, tagsStart, tagsEnd } = this.#point;
    const start = tagsStart < 0 ? metricStart : tagsStart;
    const end = tagsStart < 0 ? metricStart : tagsEnd;
    let ref = this.#dictionary.find(body, start, end, metricStart, metricEnd);
    if (ref === ROW_UNKNOWN) {
      const pairs = this.#pairs();
      if (typeof pairs === 'string') return pairs;
      const key = { bytes: body, start, end, start2: metricStart, end2: metricEnd };
      ref = this.#dictionary.add(key, pairs, undefined);
    }
    return ref === REF_REFUSED ? this.#dictionary.refusal() : ref;
  }

  #pairs(): readonly string[] | string {
    const { metricStart, metricEnd } = this.#point;
    const metric = textOf(this.#body, metricStart, metricEnd);
    const tags = this.#tags();
    if (metric === undefined || tags === undefined) return 'Names must be valid UTF-8';
    return typeof tags === 'string' ? tags : seriesPairs(metric, tags);
  }

  /**
   * A reason where they are too many to be looked at. Undefined where they are malformed, which
   * makes the body so where it is not a matter of UTF-8.
   */
  #tags(): (readonly [string, string | null])[] | string | undefined {
    const { tagsStart, tagsEnd } = this.#point;
    if (tagsStart < 0) return [];
    const tagCount = memberCount(this.#body, tagsStart, tagsEnd);
    if (tagCount > SERIES_LABELS_MAX) return tooManyTags(tagCount);
    const text = decodeUtf8(this.#body, tagsStart, tagsEnd);
    if (text === undefined) return undefined;
    const tags: (readonly [string, string | null])[] = [];
    for (const [name, value] of Object.entries(jsonOf(text) ?? {})) {
      if (typeof value === 'object' && value !== null) {
        this.#fail(tagsStart, 'the value of a tag must be a text');
        return undefined;
      }
      tags.push([name, value === null ? null : String(value)]);
    }
    return tags;
  }

  #refuse(reason: string, isNull: boolean): void {
    const taken = (this.#predicted?.pointCount ?? 0) + (this.#kernel?.lineCount ?? 0);
    const row = this.#rowCount + taken;
    this.#errors.add(row, -1, reason);
    if (!this.#wantsProblems || this.#problems.length >= PUT_PROBLEMS_MAX) return;
    this.#problems.push({ error: reason, datapoint: isNull ? null : this.#shown() });
  }

  /** The point as OpenTSDB understood it. */
  #shown(): DataPointJson {
    const { metricStart, metricEnd, valueStart, valueEnd: valueStop, tagsStart } = this.#point;
    const shown: { -readonly [K in keyof DataPointJson]: DataPointJson[K] } = { timestamp: 0 };
    const body = this.#body;
    if (metricStart >= 0) shown.metric = textOf(body, metricStart, metricEnd) ?? '';
    shown.timestamp = this.#timestamp();
    if (valueStart >= 0) shown.value = textOf(body, valueStart, valueStop) ?? '';
    const tags = tagsStart < 0 ? undefined : (this.#tags() ?? []);
    if (typeof tags === 'object') shown.tags = Object.fromEntries(tags);
    return shown;
  }
}

/**
 * Scans `body` up to `end`. Never throws for what a client sent. Row errors name the point, counted
 * from 1. Complexity: O(end).
 */
export function scanPutJson(
  body: Uint8Array,
  end: number,
  options: PutOptions,
  dictionary: RowDictionary,
  sink: RowSink,
): PutResult {
  return new PutScanner(body, end, options, dictionary, sink).run();
}
