// The fast half of the exposition scanner: sample lines that repeat the series which the dictionary
// predicts, one blank, a plain number, and at most a timestamp. Whatever differs (comments, words
// such as NaN, other blanks) is left, untouched, to the general scanner (exposition.ts), which
// gives the same points for what is taken here. Why equal bytes suffice: where a series text ends
// depends only on its own bytes and the blanks and brace behind it.
import { parseDecimal, parseSafeInteger } from '../../codec/decimal.ts';
import { KIND } from '../../model/columns.ts';
import type { PointBlock } from '../../model/point-block.ts';
import { BLOCK_POINTS } from '../../model/point-block.ts';
import type { RowPredictor, RowSink } from '../../model/rows.ts';
import { T_US_MAX } from '../limits.ts';

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

export interface PredictedSamples {
  readonly body: Uint8Array;
  readonly end: number;
  readonly predictor: RowPredictor;
  readonly defaultTimeUs: number;
  readonly block: PointBlock;
  readonly sink: RowSink;
  /** Values below zero are left to the general scanner. */
  stopsAtMinus: boolean;
  /** Samples (each is a line) taken by the last call. */
  pointCount: number;
  /** Start of the last of them. */
  lastStart: number;
}

/**
 * Takes lines from `start` on, all under the TYPE word [typeStart, typeEnd); the position of the
 * first that has to be read by the book.
 */
// oxlint-disable-next-line max-lines-per-function -- one state machine; its state lives in locals
export function takePredictedSamples(
  samples: PredictedSamples,
  start: number,
  typeStart: number,
  typeEnd: number,
): number {
  const { body, end, predictor, defaultTimeUs, block, sink } = samples;
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
    if (i < 0) break;
    const ref = predictor.cellAt(typeStart, typeEnd);
    if (ref < 0) break;
    const valueStart = ++i;
    let byte = i < end ? body[i]! : LF;
    const isNegative = byte === MINUS;
    if (isNegative && samples.stopsAtMinus) break;
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
    let sampleUs = defaultTimeUs;
    if (byte === SPACE) {
      i++;
      let length = 0;
      const memoEnd = i + memoLength <= end ? memoLength : 0;
      while (length < memoEnd && body[memoStart + length] === body[i + length]) length++;
      byte = i + length < end ? body[i + length]! : LF;
      if (length === 0 || length < memoLength || byte > SPACE) {
        length = 0;
        while (i + length < end && body[i + length]! > SPACE) length++;
        memoUs = parseSafeInteger(body, i, i + length) * 1000;
        memoLength = 0;
        if (!(memoUs >= -T_US_MAX && memoUs <= T_US_MAX)) break;
        memoStart = i;
        memoLength = length;
        byte = i + length < end ? body[i + length]! : LF;
      }
      i += length;
      sampleUs = memoUs;
    }
    if (byte === CR) byte = ++i < end ? body[i]! : LF;
    if (byte !== LF) break;
    if (point === BLOCK_POINTS) {
      block.flush(sink);
      point = 0;
    }
    refs[point] = ref;
    kinds[point] = KIND.f64;
    tUs[point] = sampleUs;
    subNs[point] = 0;
    values[point] = value;
    block.count = ++point;
    pointCount++;
    samples.lastStart = at;
    at = i + 1;
  }
  if (at < end) predictor.rewind();
  samples.pointCount = pointCount;
  return at;
}
