// OpenTSDB's telnet `put`: bytes → rows. One pass; no string or object per line unless the
// dictionary misses or a line is refused.
//
//   line = "put" SP metric SP+ timestamp SP+ value *( SP+ name "=" value ) [SP] [CR] LF
//
// Source: OpenTSDB 2.4 tsd/PutDataPointRpc.java (importDataPoint), core/Tags.java (parse). A
// timestamp with a point has its point taken out: seconds with three decimals are milliseconds. A
// bad line is refused alone, in OpenTSDB's words. Deviations in docs/protocols/opentsdb.md.
// Nothing at or behind `end` is read.
import { parseSafeInteger } from '../../codec/decimal.ts';
import { decodeUtf8, decodeUtf8Lenient } from '../../codec/utf8.ts';
import { KIND } from '../../model/columns.ts';
import type { RowDictionary, RowSink, ScanResult } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { LineCounter, ScanErrors } from '../scan-errors.ts';
import type { NumberRead } from './numbers.ts';
import { numberRead, readValue, timestampUs } from './numbers.ts';
import { seriesPairs } from './series-names.ts';

const LF = 10;
const CR = 13;
const SPACE = 32;
const DOT = 46;
const EQUALS = '=';

const PUT = new TextEncoder().encode('put ');

/** Does a `put` stand at `start`? OpenTSDB takes its commands in any case. */
export function isPutAt(body: Uint8Array, start: number, end: number): boolean {
  if (start + PUT.length > end) return false;
  for (let i = 0; i < PUT.length; i++)
    if ((i < 3 ? body[start + i]! | 32 : body[start + i]) !== PUT[i]) return false;
  return true;
}

function wordEnd(body: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && body[i] !== SPACE) i++;
  return i;
}

function skipSpaces(body: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && body[i] === SPACE) i++;
  return i;
}

/** Milliseconds or seconds as OpenTSDB counts them, NaN where it is no number. */
function timestampOf(body: Uint8Array, start: number, end: number): number {
  const whole = parseSafeInteger(body, start, end);
  if (whole === whole) return whole;
  let dot = start;
  while (dot < end && body[dot] !== DOT) dot++;
  if (dot === end) return Number.NaN;
  const text = decodeUtf8Lenient(body, start, end).replaceAll('.', '');
  return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}

function tagsOf(text: string): (readonly [string, string])[] | string {
  const tags = new Map<string, string>();
  for (const word of text.split(' ')) {
    if (word === '') continue;
    const [name = '', value = '', ...more] = word.split(EQUALS);
    if (name === '' || value === '' || more.length > 0) return `invalid tag: ${word}`;
    const known = tags.get(name);
    if (known !== undefined && known !== value) return `duplicate tag: ${word}`;
    tags.set(name, value);
  }
  return [...tags];
}

interface Puts {
  readonly body: Uint8Array;
  readonly dictionary: RowDictionary;
  readonly number: NumberRead;
}

/** A line that was read. */
interface PutRead {
  ref: number;
  tUs: number;
}

function invalid(body: Uint8Array, start: number, end: number): string {
  return `put: invalid value: not a number: ${decodeUtf8Lenient(body, start, end)}`;
}

function illegal(reason: string): string {
  return `put: illegal argument: ${reason}`;
}

function resolve(
  { body, dictionary }: Puts,
  [start, end]: readonly [number, number],
  [metricStart, metricEnd]: readonly [number, number],
): number | string {
  let ref = dictionary.find(body, start, end, metricStart, metricEnd);
  if (ref === ROW_UNKNOWN) {
    const metric = decodeUtf8(body, metricStart, metricEnd);
    const text = decodeUtf8(body, start, end);
    if (metric === undefined || text === undefined) return 'names must be valid UTF-8';
    const tags = tagsOf(text);
    const pairs = typeof tags === 'string' ? tags : seriesPairs(metric, tags);
    if (typeof pairs === 'string') return pairs;
    const key = { bytes: body, start, end, start2: metricStart, end2: metricEnd };
    ref = dictionary.add(key, pairs, undefined);
  }
  return ref === REF_REFUSED ? dictionary.refusal() : ref;
}

/** Reads the words [start, end) behind `put` into `read`; a reason or ''. */
function readPut(puts: Puts, start: number, end: number, read: PutRead): string {
  const { body, number } = puts;
  const metricEnd = wordEnd(body, start, end);
  if (metricEnd === start) return illegal('empty metric name');
  const timeStart = skipSpaces(body, metricEnd, end);
  const timeEnd = wordEnd(body, timeStart, end);
  const valueStart = skipSpaces(body, timeEnd, end);
  const stop = wordEnd(body, valueStart, end);
  if (stop === valueStart) {
    const count = timeEnd === timeStart ? 1 : 2;
    return illegal(`not enough arguments (need least 4, got ${count})`);
  }
  const timestamp = timestampOf(body, timeStart, timeEnd);
  if (timestamp !== timestamp) return invalid(body, timeStart, timeEnd);
  if (timestamp <= 0) return illegal(`invalid timestamp: ${timestamp}`);
  if (!readValue(body, valueStart, stop, number)) return invalid(body, valueStart, stop);
  if (!(number.value - number.value === 0))
    return illegal(`value is NaN or Infinite: ${number.value}`);
  const tUs = timestampUs(timestamp);
  if (tUs !== tUs) return illegal(`bad timestamp=${timestamp}`);
  const tagsStart = skipSpaces(body, stop, end);
  const ref = resolve(puts, [tagsStart, end], [start, metricEnd]);
  if (typeof ref === 'string') return illegal(ref);
  read.ref = ref;
  read.tUs = tUs;
  return '';
}

/**
 * Scans the lines [start, end) of `body`, each of which begins with a `put` (isPutAt) and ends
 * with a line break. Reasons are OpenTSDB's answers without their line break. Complexity: O(end -
 * start).
 */
export function scanPutLines(
  body: Uint8Array,
  [from, end]: readonly [number, number],
  dictionary: RowDictionary,
  sink: RowSink,
): ScanResult {
  const errors = new ScanErrors();
  const counter = new LineCounter(body);
  const puts: Puts = { body, dictionary, number: numberRead() };
  const { number } = puts;
  const read: PutRead = { ref: 0, tUs: 0 };
  let rowCount = 0;
  let pointCount = 0;
  let at = from;
  while (at < end) {
    const start = at;
    const found = body.indexOf(LF, at);
    const lineBreak = found < 0 || found > end ? end : found;
    at = lineBreak + 1;
    let stop = lineBreak > start && body[lineBreak - 1] === CR ? lineBreak - 1 : lineBreak;
    while (stop > start && body[stop - 1] === SPACE) stop--;
    rowCount++;
    const wordsStart = Math.min(start + PUT.length, stop);
    const reason = readPut(puts, wordsStart, stop, read);
    if (reason !== '') {
      if (errors.wanted) errors.add(counter.lineAt(start), -1, reason);
      else errors.addUndescribed();
      continue;
    }
    pointCount++;
    if (number.kind === KIND.f64) sink.f64(read.ref, read.tUs, 0, number.value);
    else sink.i64(read.ref, read.tUs, 0, number.words[0]!, number.words[1]!);
  }
  return { rowCount, pointCount, errorCount: errors.count, errors: errors.list };
}
