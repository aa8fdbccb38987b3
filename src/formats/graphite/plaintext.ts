// Graphite's plaintext protocol: bytes → rows. One pass; no string or object per line unless the
// dictionary misses or a line is refused.
//
//   line      = [SP] path SP+ value [SP+ timestamp] [SP] [CR] LF       SP is a space or a tab
//   path      : path.ts
//   value     = decimal / [+-] (inf / infinity / nan), any case
//   timestamp = decimal, seconds: timestamps.ts
//
// Source: carbon 1.1 lib/carbon/protocols.py; deviations in docs/protocols/graphite.md. A bad line
// is refused alone, a line whose value is NaN is understood and stores nothing. Nothing at or
// behind `end` is read; a missing last line break is fine.
import { parseDecimal } from '../../codec/decimal.ts';
import { decodeUtf8Lenient } from '../../codec/utf8.ts';
import { PointBlock } from '../../model/point-block.ts';
import type { RowDictionary, RowSink, ScanResult } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { openLinesKernel } from '../lines-kernel.ts';
import { LineCounter, quoteLine, ScanErrors } from '../scan-errors.ts';
import { parsePath } from './path.ts';
import type { PredictedLines } from './predicted-lines.ts';
import { takePredictedLines } from './predicted-lines.ts';
import { NOW, readTimestamp, SECOND_US } from './timestamps.ts';

export interface PlaintextOptions {
  /** Time of lines without one and of lines that ask for it by -1. */
  readonly defaultTimeUs: number;
}

export interface PlaintextResult extends ScanResult {
  /** Lines whose value is NaN: no points, no errors. */
  readonly nanCount: number;
}

/** Scans are synchronous and begin with an empty one, so one serves them all. */
const sharedBlock = new PointBlock();

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;

/** `-infinity` */
const WORD_BYTES_MAX = 9;

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

function isWord(body: Uint8Array, start: number, end: number): boolean {
  if (end - start > WORD_BYTES_MAX) return false;
  const text = decodeUtf8Lenient(body, start, end);
  return /^[+-]?(?:nan|inf|infinity)$/i.test(text);
}

/** The value [start, end), undefined where it is none. */
function readValue(body: Uint8Array, start: number, end: number): number | undefined {
  const value = parseDecimal(body, start, end);
  if (value === value) return value;
  if (!isWord(body, start, end)) return undefined;
  const first = body[start]!;
  const letter = (first === 43 || first === 45 ? body[start + 1]! : first) | 32;
  if (letter === 110) return Number.NaN;
  return first === 45 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

interface Lines {
  readonly body: Uint8Array;
  readonly end: number;
  readonly defaultTimeUs: number;
  readonly dictionary: RowDictionary;
  readonly sink: RowSink;
}

/** What the line that was read last says. */
interface LineRead {
  ref: number;
  tUs: number;
  value: number;
  pathEnd: number;
  /** Behind its line break where it was understood, else where the reason was found. */
  at: number;
}

/** The path's ref; a reason where it is refused. */
function resolve({ body, dictionary }: Lines, start: number, end: number): number | string {
  let ref = dictionary.find(body, start, end, 0, 0);
  if (ref === ROW_UNKNOWN) {
    const pairs = parsePath(body, start, end);
    if (typeof pairs === 'string') return pairs;
    ref = dictionary.add({ bytes: body, start, end, start2: 0, end2: 0 }, pairs, undefined);
  }
  return ref === REF_REFUSED ? dictionary.refusal() : ref;
}

/** Reads the line at `start`, where no blank stands, into `read`; a reason or ''. */
function readLine(lines: Lines, start: number, read: LineRead): string {
  const { body, end, defaultTimeUs } = lines;
  const pathEnd = tokenEnd(body, start, end);
  const valueStart = skipBlanks(body, pathEnd, end);
  const valueEnd = tokenEnd(body, valueStart, end);
  read.at = valueStart;
  if (valueEnd === valueStart) return 'expected a path, a value and a time';
  const value = readValue(body, valueStart, valueEnd);
  if (value === undefined) return 'the value is not a number';
  let i = skipBlanks(body, valueEnd, end);
  read.at = i;
  let tUs = NOW;
  if (i < end && body[i] !== LF && body[i] !== CR) {
    const stop = tokenEnd(body, i, end);
    tUs = readTimestamp(body, i, stop);
    if (tUs !== tUs) return 'the time is not seconds within the years 1684 to 2255';
    i = skipBlanks(body, stop, end);
  }
  if (i < end && body[i] === CR) i++;
  read.at = i;
  if (i < end && body[i] !== LF) return 'unexpected text behind path, value and time';
  const ref = resolve(lines, start, pathEnd);
  if (typeof ref === 'string') return ref;
  read.ref = ref;
  read.tUs = tUs === NOW ? defaultTimeUs : tUs;
  read.value = value;
  read.pathEnd = pathEnd;
  read.at = i + 1;
  return '';
}

function predictedOf({ body, end, dictionary, ...rest }: Lines): PredictedLines | undefined {
  const { predictor } = dictionary;
  if (predictor === undefined) return undefined;
  predictor.open(body);
  const { defaultTimeUs, sink } = rest;
  return { body, end, predictor, defaultTimeUs, block: sharedBlock, sink, pointCount: 0 };
}

/**
 * Scans `body` up to `end`. Never throws for what a client sent. Complexity: O(end).
 */
export function scanPlaintext(
  body: Uint8Array,
  end: number,
  options: PlaintextOptions,
  dictionary: RowDictionary,
  sink: RowSink,
): PlaintextResult {
  const { defaultTimeUs } = options;
  const lines: Lines = { body, end, defaultTimeUs, dictionary, sink };
  const errors = new ScanErrors();
  const counter = new LineCounter(body);
  const read: LineRead = { ref: 0, tUs: 0, value: 0, pathEnd: 0, at: 0 };
  const predicted = predictedOf(lines);
  const kernel = openLinesKernel(body, end, {
    predictor: dictionary.predictor,
    sink,
    unitUs: SECOND_US,
    defaultUs: defaultTimeUs,
  });
  sharedBlock.count = 0;
  let rowCount = 0;
  let pointCount = 0;
  let nanCount = 0;
  let at = 0;
  while (at < end) {
    if (kernel !== undefined) at = kernel.takePaths(at);
    if (predicted !== undefined && kernel?.isFull !== false) {
      kernel?.flush();
      at = takePredictedLines(predicted, at);
      if (kernel !== undefined) sharedBlock.flush(sink);
    }
    if (at >= end) break;
    const first = body[at]!;
    if (first === LF || first === SPACE || first === TAB || first === CR) {
      at++;
      continue;
    }
    rowCount++;
    const start = at;
    const reason = readLine(lines, start, read);
    at = read.at;
    if (reason !== '') {
      at = lineBreak(body, at, end) + 1;
      if (errors.wanted) {
        const text = quoteLine(body, start, Math.min(at, end));
        const column = read.at - start;
        errors.add(counter.lineAt(start), column, `unable to parse '${text}': ${reason}`);
      } else errors.addUndescribed();
    } else if (read.value === read.value) {
      kernel?.flush();
      sharedBlock.flush(sink);
      sink.f64(read.ref, read.tUs, 0, read.value);
      kernel?.learnSeries(start, read.pathEnd, read.ref);
      pointCount++;
    } else nanCount++;
  }
  sharedBlock.flush(sink);
  kernel?.close();
  const taken = (predicted?.pointCount ?? 0) + (kernel?.pointCount ?? 0);
  return {
    rowCount: rowCount + taken,
    pointCount: pointCount + taken,
    errorCount: errors.count,
    errors: errors.list,
    nanCount,
  };
}
