// InfluxDB line protocol: bytes → rows. One pass over the body, no string, object or BigInt per
// line or field unless the dictionary misses, a field is a string, or a line is refused.
//
//   line   = key SP+ field *("," field) [SP+ timestamp] (LF / CR LF / end)
//   key    = measurement *("," tag "=" value)            escapes and errors: row-key.ts
//   field  = name "=" (float / int "i" / uint "u" / boolean / DQUOTE string DQUOTE)
//
// Source: InfluxDB 1.x models/points.go and the line protocol reference; deviations in
// docs/protocols/influx.md. A line is all or nothing except for fields whose series is refused by a
// limit. A quoted string may hold line breaks; elsewhere a line break always ends the line
// (line-ends.ts), so that a bad line never takes a good one with it. Nothing at or behind `end` is
// read.
import { parseDecimal, parseInt64, parseUint64 } from '../../codec/decimal.ts';
import { decodeUtf8 } from '../../codec/utf8.ts';
import { KIND } from '../../model/columns.ts';
import type { Labels } from '../../model/labels.ts';
import { labelsFromPairs, METRIC_NAME, NO_LABELS } from '../../model/labels.ts';
import { metricNameOf } from '../../model/name-splits.ts';
import { PointBlock } from '../../model/point-block.ts';
import type { RowDictionary, RowSink, ScanResult } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { LINES_KERNEL_GUESS, openLinesKernel } from '../lines-kernel.ts';
import { LineCounter, ScanErrors, quoteLine } from '../scan-errors.ts';
import { lineEnd } from './line-ends.ts';
import type { PredictedLines } from './predicted-lines.ts';
import { takePredictedLines } from './predicted-lines.ts';
import type { RowTags } from './row-key.ts';
import { parseRowKey, unescapeName } from './row-key.ts';
import type { InfluxPrecision } from './timestamps.ts';
import { Timestamps, UNIT_US } from './timestamps.ts';

export type { InfluxPrecision } from './timestamps.ts';

export interface LineProtocolOptions {
  readonly precision: InfluxPrecision;
  /** Time of lines without a timestamp; cut to the precision, as InfluxDB does. */
  readonly defaultTimeUs: number;
  /** Flat name, value: labels of every row (db, rp). They win over tags of the same name. */
  readonly mapping: readonly string[];
}

export interface LineProtocolResult extends ScanResult {
  /** Fields whose series a limit refused; the other fields of their lines were kept. */
  readonly refusedFieldCount: number;
  /** Lines that do not parse; the other errors are lines with refused fields. */
  readonly malformedCount: number;
}

/** Scans are synchronous and begin with an empty one, so one serves them all. */
const sharedBlock = new PointBlock();

/** 10^0 … 10^9: the scales of the inlined number path. */
const SCALES = Float64Array.from({ length: 10 }, (_, i) => 10 ** i);
const INT_DIGITS = 9;

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const COMMA = 44;
const MINUS = 45;
const DOT = 46;
const EQUALS = 61;
const BACKSLASH = 92;
const LOWER_I = 105;
const LOWER_U = 117;

/** Fields of the line being read; a line goes to the sink only when all of it is understood. */
class LineFields {
  count = 0;
  refs = new Int32Array(64);
  /** Start and end of each name. */
  names = new Int32Array(128);
  kinds = new Uint8Array(64);
  values = new Float64Array(64);
  words = new Int32Array(this.values.buffer);
  strings: string[] = [];

  grow(): void {
    const capacity = this.refs.length * 2;
    const refs = new Int32Array(capacity);
    refs.set(this.refs);
    this.refs = refs;
    const names = new Int32Array(capacity * 2);
    names.set(this.names);
    this.names = names;
    const kinds = new Uint8Array(capacity);
    kinds.set(this.kinds);
    this.kinds = kinds;
    const words = new Int32Array(capacity * 2);
    words.set(this.words);
    this.words = words;
    this.values = new Float64Array(words.buffer);
  }
}

/** A line of more fields leaves its arrays to the collector: others are kept for the next scan. */
const KEPT_FIELDS = 4096;
/** Scans are synchronous, so one serves them all. */
let sharedFields = new LineFields();

/** Position behind the number token that starts at `start`. */
function tokenEnd(body: Uint8Array, start: number, end: number): number {
  let i = start;
  for (; i < end; i++) {
    const byte = body[i]!;
    if (byte === COMMA || byte === SPACE || byte === LF || byte === CR) break;
  }
  return i;
}

/** Position of the closing quote of a string whose first character is at `start`; -1: none. */
function closingQuote(body: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const byte = body[i]!;
    if (byte === QUOTE) return i;
    if (byte === BACKSLASH) i++;
  }
  return -1;
}

/** Value of a boolean token: 1, 0, or -1 where it is none. */
function booleanToken(body: Uint8Array, start: number, end: number): number {
  switch (decodeUtf8(body, start, Math.min(end, start + 6))) {
    case 't':
    case 'T':
    case 'true':
    case 'True':
    case 'TRUE':
      return 1;
    case 'f':
    case 'F':
    case 'false':
    case 'False':
    case 'FALSE':
      return 0;
    default:
      return -1;
  }
}

/**
 * Reads the number token [start, end) that the inlined path does not handle into slot `at`.
 * Returns a reason or ''.
 */
function readNumber(
  fields: LineFields,
  at: number,
  body: Uint8Array,
  start: number,
  end: number,
): string {
  const last = body[end - 1]!;
  if (last === LOWER_I || last === LOWER_U) {
    const isSigned = last === LOWER_I;
    const words = new Int32Array(2);
    const parse = isSigned ? parseInt64 : parseUint64;
    if (!parse(body, start, end - 1, words)) return 'invalid number';
    fields.kinds[at] = isSigned ? KIND.i64 : KIND.u64;
    fields.words[at * 2] = words[0]!;
    fields.words[at * 2 + 1] = words[1]!;
    return '';
  }
  const value = parseDecimal(body, start, end);
  if (value !== value) return 'invalid number';
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
    return 'invalid float';
  fields.kinds[at] = KIND.f64;
  fields.values[at] = value;
  return '';
}

function unescapeString(text: string): string {
  return text.includes('\\') ? text.replace(/\\(["\\])/g, '$1') : text;
}

/** Builds labels on a dictionary miss; remembers the key of the line it parsed last. */
class RowRegistrar {
  readonly #body: Uint8Array;
  readonly #mapping: readonly string[];
  readonly #dictionary: RowDictionary;
  #keyStart = -1;
  #row: RowTags | string = '';
  #labels: Labels = NO_LABELS;
  reason = '';

  constructor(body: Uint8Array, mapping: readonly string[], dictionary: RowDictionary) {
    this.#body = body;
    this.#mapping = mapping;
    this.#dictionary = dictionary;
  }

  /** Ref or REF_REFUSED; ROW_UNKNOWN where the row is malformed: see `reason`. */
  register(keyStart: number, keyEnd: number, nameStart: number, nameEnd: number): number {
    const body = this.#body;
    if (this.#keyStart !== keyStart) {
      const parsed = parseRowKey(body, keyStart, keyEnd);
      this.#row = parsed;
      this.#keyStart = keyStart;
      // In order once for all fields of the row.
      if (typeof parsed !== 'string')
        this.#labels = labelsFromPairs([...parsed.tags, ...this.#mapping]);
    }
    const row = this.#row;
    if (typeof row === 'string') {
      this.reason = row;
      return ROW_UNKNOWN;
    }
    const field = unescapeName(body, nameStart, nameEnd);
    if (field === undefined) {
      this.reason = 'invalid UTF-8 in a field key';
      return ROW_UNKNOWN;
    }
    const split = metricNameOf(row.measurement, field);
    const pairs = [METRIC_NAME, split.name, ...this.#labels];
    const key = { bytes: body, start: keyStart, end: keyEnd, start2: nameStart, end2: nameEnd };
    return this.#dictionary.add(key, pairs, split);
  }
}

/** Has the line what a kernel may learn: refs, numbers and booleans? */
function isPlain({ count, refs, kinds }: LineFields): boolean {
  for (let i = 0; i < count; i++)
    if (refs[i]! < 0 || kinds[i] === KIND.string || kinds[i] === KIND.u64) return false;
  return count > 0;
}

/** Emits the fields of an understood line; returns how many points that were. */
function emitLine(fields: LineFields, tUs: number, subNs: number, sink: RowSink): number {
  const { count, refs, kinds, values, words } = fields;
  let stringAt = 0;
  let pointCount = 0;
  for (let i = 0; i < count; i++) {
    const ref = refs[i]!;
    const kind = kinds[i]!;
    const text = kind === KIND.string ? fields.strings[stringAt++]! : '';
    if (ref < 0) continue;
    pointCount++;
    if (kind === KIND.f64) sink.f64(ref, tUs, subNs, values[i]!);
    else if (kind === KIND.i64) sink.i64(ref, tUs, subNs, words[i * 2]!, words[i * 2 + 1]!);
    else if (kind === KIND.u64) sink.u64(ref, tUs, subNs, words[i * 2]!, words[i * 2 + 1]!);
    else if (kind === KIND.boolean) sink.boolean(ref, tUs, subNs, values[i] !== 0);
    else sink.string(ref, tUs, subNs, text);
  }
  return pointCount;
}

/**
 * Scans `body` up to `end`. Never throws for what a client sent. Reasons have the owner's form
 * (`unable to parse 'LINE': REASON`). Complexity: O(end).
 */
// oxlint-disable-next-line max-lines-per-function -- one state machine; its state lives in locals
export function scanLineProtocol(
  body: Uint8Array,
  end: number,
  options: LineProtocolOptions,
  dictionary: RowDictionary,
  sink: RowSink,
): LineProtocolResult {
  const fields = sharedFields;
  const registrar = new RowRegistrar(body, options.mapping, dictionary);
  const timestamps = new Timestamps(body, options.precision);
  const errors = new ScanErrors();
  const lines = new LineCounter(body);
  const unitUs = UNIT_US[options.precision] || 1;
  const defaultUs = Math.floor(options.defaultTimeUs / unitUs) * unitUs;
  sharedBlock.count = 0;
  let rowCount = 0;
  let pointCount = 0;
  let refusedFieldCount = 0;
  let malformedCount = 0;
  let at = 0;
  const { predictor } = dictionary;
  const predicted: PredictedLines | undefined =
    predictor === undefined
      ? undefined
      : {
          body,
          view: new DataView(body.buffer, body.byteOffset, body.byteLength),
          end,
          predictor,
          timestamps,
          defaultUs,
          block: sharedBlock,
          sink,
          rowCount: 0,
          pointCount: 0,
        };
  predictor?.open(body);
  const kernel = openLinesKernel(body, end, {
    predictor,
    sink,
    unitUs: options.precision === 'auto' ? LINES_KERNEL_GUESS : UNIT_US[options.precision],
    defaultUs,
  });
  while (at < end) {
    if (kernel !== undefined) at = kernel.takeFields(at);
    if (predicted !== undefined && kernel?.isFull !== false) {
      kernel?.flush();
      at = takePredictedLines(predicted, at);
      if (kernel !== undefined) sharedBlock.flush(sink);
    }
    if (at >= end) break;
    const first = body[at]!;
    if (first === LF || first === SPACE || first === TAB || first === CR || first === 0) {
      at++;
      continue;
    }
    const lineStart = at;
    if (first === HASH) {
      const next = body.indexOf(LF, at);
      at = next < 0 || next >= end ? end : next + 1;
      continue;
    }
    rowCount++;
    let reason = '';
    let refusal = '';
    let tUs = defaultUs;
    let subNs = 0;
    let i = lineStart;
    for (; i < end; i++) {
      const byte = body[i]!;
      if (byte === LF || (byte === SPACE && (i === lineStart || body[i - 1] !== BACKSLASH))) break;
    }
    const keyEnd = i;
    fields.count = 0;
    if (fields.strings.length > 0) fields.strings = [];
    while (i < end && (body[i] === SPACE || body[i] === TAB)) i++;
    if (i >= end || body[i] === LF || (body[i] === CR && (i + 1 >= end || body[i + 1] === LF))) {
      reason = wrongKey(body, lineStart, keyEnd) ?? 'missing fields';
    }
    while (reason === '') {
      const nameStart = i;
      let byte = 0;
      for (; i < end; i++) {
        byte = body[i]!;
        if (byte === EQUALS || byte === LF || byte === SPACE || byte === COMMA) break;
        if (byte === BACKSLASH && i + 1 < end && body[i + 1] !== LF) i++;
      }
      if (i >= end || byte !== EQUALS) {
        reason = 'invalid field format';
        break;
      }
      const nameEnd = i++;
      if (nameEnd === nameStart) {
        reason = 'missing field key';
        break;
      }
      byte = i < end ? body[i]! : LF;
      if (byte === COMMA || byte === SPACE || byte === LF || byte === CR) {
        reason = 'missing field value';
        break;
      }
      let ref = dictionary.find(body, lineStart, keyEnd, nameStart, nameEnd);
      if (ref === ROW_UNKNOWN) {
        ref = registrar.register(lineStart, keyEnd, nameStart, nameEnd);
        if (ref === ROW_UNKNOWN) {
          reason = registrar.reason;
          break;
        }
      }
      if (ref === REF_REFUSED) {
        refusedFieldCount++;
        if (refusal === '') refusal = dictionary.refusal();
      }
      const slot = fields.count++;
      if (slot === fields.refs.length) fields.grow();
      fields.refs[slot] = ref;
      fields.names[slot * 2] = nameStart;
      fields.names[slot * 2 + 1] = nameEnd;
      if ((byte >= 48 && byte <= 57) || byte === MINUS || byte === DOT) {
        const valueStart = i;
        const isNegative = byte === MINUS;
        if (isNegative) i++;
        // Up to nine digits stay in an int32; anything longer or stranger goes the general way.
        let digits = 0;
        let digitCount = 0;
        let pointAt = -1;
        for (byte = LF; i < end; i++) {
          byte = body[i]!;
          const digit = byte - 48;
          if (digit >= 0 && digit <= 9) {
            digits = (digits * 10 + digit) | 0;
            if (++digitCount > INT_DIGITS) break;
          } else if (byte === DOT && pointAt < 0) pointAt = digitCount;
          else break;
          byte = LF;
        }
        if (byte === LOWER_I && digitCount > 0 && pointAt < 0 && digitCount <= INT_DIGITS) {
          fields.kinds[slot] = KIND.i64;
          fields.words[slot * 2] = isNegative ? -digits : digits;
          fields.words[slot * 2 + 1] = isNegative && digits !== 0 ? -1 : 0;
          i++;
        } else if (
          digitCount > 0 &&
          digitCount <= INT_DIGITS &&
          (byte === COMMA || byte === SPACE || byte === LF || byte === CR)
        ) {
          const scale = pointAt < 0 ? 0 : digitCount - pointAt;
          const value = digits / SCALES[scale]!;
          fields.kinds[slot] = KIND.f64;
          fields.values[slot] = isNegative ? -value : value;
        } else {
          i = tokenEnd(body, valueStart, end);
          reason = readNumber(fields, slot, body, valueStart, i);
          if (reason !== '') break;
        }
      } else if (byte === QUOTE) {
        const close = closingQuote(body, i + 1, end);
        if (close < 0) {
          reason = 'unbalanced quotes';
          break;
        }
        const text = decodeUtf8(body, i + 1, close);
        if (text === undefined) {
          reason = 'invalid UTF-8 in a string field';
          break;
        }
        fields.kinds[slot] = KIND.string;
        fields.strings.push(unescapeString(text));
        i = close + 1;
      } else {
        const wordEnd = tokenEnd(body, i, end);
        const value = booleanToken(body, i, wordEnd);
        if (value < 0) {
          reason = byte === 78 || byte === 110 ? 'invalid number' : 'invalid boolean';
          break;
        }
        fields.kinds[slot] = KIND.boolean;
        fields.values[slot] = value;
        i = wordEnd;
      }
      byte = i < end ? body[i]! : LF;
      if (byte === COMMA) {
        i++;
        continue;
      }
      if (byte === SPACE) {
        while (i < end && (body[i] === SPACE || body[i] === TAB)) i++;
        byte = i < end ? body[i]! : LF;
        if (byte !== LF && byte !== CR) {
          const stop = tokenEnd(body, i, end);
          reason = timestamps.read(i, stop);
          tUs = timestamps.tUs;
          subNs = timestamps.subNs;
          i = stop;
          while (i < end && body[i] === SPACE) i++;
          byte = i < end ? body[i]! : LF;
          if (reason === '' && byte !== LF && byte !== CR) reason = 'point is invalid';
        }
      }
      if (byte === CR && reason === '') {
        i++;
        if (i < end && body[i] !== LF) reason = 'point is invalid';
      } else if (byte !== LF && reason === '') reason = 'invalid field format';
      break;
    }
    if (reason === '') {
      kernel?.flush();
      sharedBlock.flush(sink);
      pointCount += emitLine(fields, tUs, subNs, sink);
      if (kernel !== undefined && isPlain(fields)) kernel.learnFields(lineStart, keyEnd, fields);
      at = i + 1;
      if (refusal !== '') errors.add(lines.lineAt(lineStart), -1, refusal);
      continue;
    }
    malformedCount++;
    at = lineEnd(body, lineStart, end);
    if (errors.wanted) {
      const text = quoteLine(body, lineStart, at);
      const why = wrongKey(body, lineStart, keyEnd) ?? reason;
      errors.add(lines.lineAt(lineStart), i - lineStart, `unable to parse '${text}': ${why}`);
    } else errors.addUndescribed();
  }
  sharedBlock.flush(sink);
  kernel?.close();
  fields.strings = [];
  if (fields.refs.length > KEPT_FIELDS) sharedFields = new LineFields();
  return {
    rowCount: rowCount + (predicted?.rowCount ?? 0) + (kernel?.lineCount ?? 0),
    pointCount: pointCount + (predicted?.pointCount ?? 0) + (kernel?.pointCount ?? 0),
    errorCount: errors.count,
    errors: errors.list,
    refusedFieldCount,
    malformedCount,
  };
}

/** What the owner says of a key that is none: of two things that are wrong it says this one. */
function wrongKey(body: Uint8Array, start: number, end: number): string | undefined {
  const stop = end > start && body[end - 1] === CR ? end - 1 : end;
  const row = parseRowKey(body, start, stop);
  return typeof row === 'string' ? row : undefined;
}
