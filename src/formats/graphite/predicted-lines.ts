// The fast half of the Graphite scanner: lines whose path the dictionary knows, with one blank
// between their parts, a plain number, and a time that is plain seconds or missing. Whatever
// differs (blank lines, words such as nan, other blanks) is left, untouched, to the general scanner
// (plaintext.ts), which gives the same points for what is taken here.
import { parseDecimal } from '../../codec/decimal.ts';
import { KIND } from '../../model/columns.ts';
import type { PointBlock } from '../../model/point-block.ts';
import { BLOCK_POINTS } from '../../model/point-block.ts';
import type { RowPredictor, RowSink } from '../../model/rows.ts';
import { NOW, readTimestamp } from './timestamps.ts';

/** 10^0 … 10^9. */
const SCALES = Float64Array.from({ length: 10 }, (_, i) => 10 ** i);
/** An int32 holds any integer of this many digits. */
const INT_DIGITS = 9;

const LF = 10;
const CR = 13;
const SPACE = 32;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;

export interface PredictedLines {
  readonly body: Uint8Array;
  readonly end: number;
  readonly predictor: RowPredictor;
  readonly defaultTimeUs: number;
  readonly block: PointBlock;
  readonly sink: RowSink;
  /** Points (each is a line) taken, counted up. */
  pointCount: number;
}

/** Where the path of the line at `start` ends, in front of a space; -1: no such line is there. */
function pathEnd(body: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++)
    if (body[i]! <= SPACE) return body[i] === SPACE && i > start ? i : -1;
  return -1;
}

/** Takes lines from `start` on; the position of the first that has to be read by the book. */
// oxlint-disable-next-line max-lines-per-function -- one state machine; its state lives in locals
export function takePredictedLines(lines: PredictedLines, start: number): number {
  const { body, end, predictor, defaultTimeUs, block, sink } = lines;
  const { refs, kinds, tUs, subNs, values } = block;
  let at = start;
  let point = block.count;
  let pointCount = 0;
  // Where the last timestamp stands, and what it means.
  let memoStart = 0;
  let memoLength = 0;
  let memoUs = 0;
  while (at < end) {
    let i = predictor.nextRow(at, end, SPACE);
    if (i < 0) {
      i = pathEnd(body, at, end);
      if (i < 0 || !predictor.seekRow(at, i)) break;
    }
    const ref = predictor.cellAt(at, at);
    if (ref < 0) break;
    const valueStart = ++i;
    let byte = i < end ? body[i]! : LF;
    const isNegative = byte === MINUS;
    if (isNegative) byte = ++i < end ? body[i]! : LF;
    const digitsStart = i;
    let digits = 0;
    while (byte >= ZERO && byte <= 57) {
      digits = (digits * 10 + byte - ZERO) | 0;
      byte = ++i < end ? body[i]! : LF;
    }
    let digitCount = i - digitsStart;
    let fraction = 0;
    if (byte === DOT) {
      const fractionStart = ++i;
      byte = i < end ? body[i]! : LF;
      while (byte >= ZERO && byte <= 57) {
        digits = (digits * 10 + byte - ZERO) | 0;
        byte = ++i < end ? body[i]! : LF;
      }
      fraction = i - fractionStart;
      digitCount += fraction;
    }
    if (digitCount === 0) break;
    let value = 0;
    if (digitCount <= INT_DIGITS && byte <= SPACE) {
      value = digits / SCALES[fraction]!;
      if (isNegative) value = -value;
    } else {
      while (byte > SPACE) byte = ++i < end ? body[i]! : LF;
      value = parseDecimal(body, valueStart, i);
      if (!(value - value === 0)) break;
    }
    let lineUs = defaultTimeUs;
    if (byte === SPACE) {
      i++;
      let length = 0;
      const memoEnd = i + memoLength <= end ? memoLength : 0;
      while (length < memoEnd && body[memoStart + length] === body[i + length]) length++;
      byte = i + length < end ? body[i + length]! : LF;
      if (length === 0 || length < memoLength || byte > SPACE) {
        length = 0;
        while (i + length < end && body[i + length]! > SPACE) length++;
        memoLength = 0;
        if (length === 0) break;
        memoUs = readTimestamp(body, i, i + length);
        if (memoUs !== memoUs) break;
        if (memoUs === NOW) memoUs = defaultTimeUs;
        memoStart = i;
        memoLength = length;
        byte = i + length < end ? body[i + length]! : LF;
      }
      i += length;
      lineUs = memoUs;
    }
    if (byte === CR) byte = ++i < end ? body[i]! : LF;
    if (byte !== LF) break;
    refs[point] = ref;
    kinds[point] = KIND.f64;
    tUs[point] = lineUs;
    subNs[point] = 0;
    values[point] = value;
    pointCount++;
    at = i + 1;
    if (++point === BLOCK_POINTS) {
      block.count = point;
      block.flush(sink);
      point = 0;
    }
  }
  block.count = point;
  lines.pointCount += pointCount;
  return at;
}
