// The fast half of the scanner of `/api/put`: points that are written like the one that was read
// last, byte for byte between their four texts, with tags that the dictionary predicts and plain
// numbers. Whatever differs is left, untouched, to the general scanner (put-json.ts), which gives
// the same points for what is taken here. Why equal bytes suffice: what stands between the texts
// was valid JSON once, a metric without quote, backslash and control character is the content of a
// string, numbers are checked, and tags are known as a whole.
import { KIND } from '../../model/columns.ts';
import type { PointBlock } from '../../model/point-block.ts';
import { BLOCK_POINTS } from '../../model/point-block.ts';
import type { RowDictionary, RowPredictor, RowSink } from '../../model/rows.ts';
import type { NumberRead } from './numbers.ts';
import { readValue, timestampUs } from './numbers.ts';

/** 10^0 … 10^9. */
const SCALES = Float64Array.from({ length: 10 }, (_, i) => 10 ** i);
/** An int32 holds any integer of this many digits. */
const INT_DIGITS = 9;
/** More than any timestamp that is taken. */
const TIME_DIGITS_MAX = 13;

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const BACKSLASH = 92;
const BRACE_OPEN = 123;

/** The four texts of a point. */
export const TEXT = { metric: 0, timestamp: 1, value: 2, tags: 3 } as const;
const TEXT_COUNT = 4;

/** Of PointLayout.learn: texts by place, and one place more. */
const sorted = new Uint8Array(TEXT_COUNT + 1);

function isSame(body: Uint8Array, from: number, to: number, at: number, stop: number): boolean {
  if (to - from !== stop - at) return false;
  for (let i = 0; i < to - from; i++) if (body[from + i] !== body[at + i]) return false;
  return true;
}

/** How a point of this body was written. */
export class PointLayout {
  isKnown = false;
  /** TEXT by place. */
  readonly order = new Uint8Array(TEXT_COUNT);
  /** Where the bytes in front of each text stand, and those behind the last one. */
  readonly pieceStarts = new Int32Array(TEXT_COUNT + 1);
  readonly pieceEnds = new Int32Array(TEXT_COUNT + 1);

  /**
   * `ranges`: start and end of each text in the order of TEXT, none missing. True where points were
   * written in another way so far.
   */
  learn(body: Uint8Array, start: number, end: number, ranges: Int32Array): boolean {
    const { order, pieceStarts, pieceEnds } = this;
    let isOther = !this.isKnown;
    for (let place = 0; place < TEXT_COUNT; place++) {
      let at = place;
      for (; at > 0 && ranges[sorted[at - 1]! * 2]! > ranges[place * 2]!; at--)
        sorted[at] = sorted[at - 1]!;
      sorted[at] = place;
    }
    let from = start;
    for (let place = 0; place <= TEXT_COUNT; place++) {
      const text = sorted[place]!;
      const to = place < TEXT_COUNT ? ranges[text * 2]! : end;
      isOther ||= !isSame(body, pieceStarts[place]!, pieceEnds[place]!, from, to);
      if (place < TEXT_COUNT) {
        isOther ||= order[place] !== text;
        order[place] = text;
      }
      pieceStarts[place] = from;
      pieceEnds[place] = to;
      from = ranges[text * 2 + 1]!;
    }
    this.isKnown = true;
    return isOther;
  }
}

export interface PredictedPoints {
  readonly body: Uint8Array;
  /** Over the same memory. */
  readonly view: DataView;
  readonly end: number;
  readonly layout: PointLayout;
  readonly dictionary: RowDictionary;
  readonly predictor: RowPredictor;
  readonly number: NumberRead;
  readonly block: PointBlock;
  readonly sink: RowSink;
  /** Points taken, counted up. */
  pointCount: number;
}

/** Position behind the bytes [from, to) if they stand at `at` too, else -1. */
function pieceEnd({ view, end }: PredictedPoints, from: number, to: number, at: number): number {
  const stop = at + to - from;
  if (stop > end) return -1;
  let left = from;
  let right = at;
  for (; left + 4 <= to; left += 4, right += 4)
    if (view.getInt32(left) !== view.getInt32(right)) return -1;
  for (; left < to; left++, right++) if (view.getUint8(left) !== view.getUint8(right)) return -1;
  return stop;
}

/**
 * Takes points from `start` on, where one should begin; the position behind the last one taken, or
 * `start` where none was.
 */
// oxlint-disable-next-line max-lines-per-function -- one state machine; its state lives in locals
export function takePredictedPoints(points: PredictedPoints, start: number): number {
  const { body, end, layout, dictionary, predictor, number, block, sink } = points;
  const { refs, kinds, tUs, subNs, values, words } = block;
  const { order, pieceStarts, pieceEnds } = layout;
  let taken = start;
  let at = start;
  let memoStart = 0;
  let memoLength = 0;
  let memoUs = 0;
  point: for (;;) {
    let i = at;
    let metricStart = 0;
    let metricEnd = 0;
    let tagsStart = 0;
    let tagsEnd = 0;
    let pointUs = 0;
    let value = 0;
    let isWhole = false;
    for (let place = 0; place < TEXT_COUNT; place++) {
      i = pieceEnd(points, pieceStarts[place]!, pieceEnds[place]!, i);
      if (i < 0) break point;
      const text = order[place]!;
      if (text === TEXT.metric) {
        metricStart = i;
        let byte = 0;
        for (; i < end; i++) {
          byte = body[i]!;
          if (byte === QUOTE || byte === BACKSLASH || byte < SPACE) break;
        }
        if (byte !== QUOTE || i === metricStart) break point;
        metricEnd = i;
      } else if (text === TEXT.tags) {
        tagsStart = i;
        i = predictor.nextRow(i, end, body[pieceStarts[place + 1]!]!);
        if (i < 0) break point;
        tagsEnd = i;
      } else if (text === TEXT.timestamp) {
        const timeStart = i;
        let timestamp = 0;
        while (i < end && body[i]! >= ZERO && body[i]! <= 57) i++;
        const length = i - timeStart;
        let same = 0;
        if (length === memoLength)
          while (same < length && body[memoStart + same] === body[timeStart + same]) same++;
        if (length === 0 || same < length) {
          if (length === 0 || length > TIME_DIGITS_MAX || body[timeStart] === ZERO) break point;
          for (let j = timeStart; j < i; j++) timestamp = timestamp * 10 + body[j]! - ZERO;
          memoUs = timestampUs(timestamp);
          memoStart = timeStart;
          memoLength = length;
        }
        pointUs = memoUs;
      } else {
        const valueStart = i;
        let byte = i < end ? body[i]! : 0;
        const isNegative = byte === MINUS;
        if (isNegative) byte = ++i < end ? body[i]! : 0;
        const digitsStart = i;
        let digits = 0;
        while (byte >= ZERO && byte <= 57) {
          digits = (digits * 10 + byte - ZERO) | 0;
          byte = ++i < end ? body[i]! : 0;
        }
        let digitCount = i - digitsStart;
        if (digitCount === 0 || (digitCount > 1 && body[digitsStart] === ZERO)) break point;
        let fraction = 0;
        if (byte === DOT) {
          const fractionStart = ++i;
          byte = i < end ? body[i]! : 0;
          while (byte >= ZERO && byte <= 57) {
            digits = (digits * 10 + byte - ZERO) | 0;
            byte = ++i < end ? body[i]! : 0;
          }
          fraction = i - fractionStart;
          if (fraction === 0) break point;
          digitCount += fraction;
        }
        if (digitCount <= INT_DIGITS) value = digits / SCALES[fraction]!;
        else {
          if (!readValue(body, valueStart, i, number)) break point;
          if (!(number.value - number.value === 0)) break point;
          isWhole = number.kind === KIND.i64;
          value = isNegative ? -number.value : number.value;
        }
        if (isNegative) value = -value;
      }
    }
    i = pieceEnd(points, pieceStarts[TEXT_COUNT]!, pieceEnds[TEXT_COUNT]!, i);
    if (i < 0) break;
    let ref = predictor.cellAt(metricStart, metricEnd);
    if (ref < 0) ref = dictionary.find(body, tagsStart, tagsEnd, metricStart, metricEnd);
    if (ref < 0) break;
    if (block.count === BLOCK_POINTS) block.flush(sink);
    const slot = block.count++;
    refs[slot] = ref;
    tUs[slot] = pointUs;
    subNs[slot] = 0;
    if (isWhole) {
      kinds[slot] = KIND.i64;
      words[slot * 2] = number.words[0]!;
      words[slot * 2 + 1] = number.words[1]!;
    } else {
      kinds[slot] = KIND.f64;
      values[slot] = value;
    }
    points.pointCount++;
    taken = i;
    while (i < end && isBlank(body[i]!)) i++;
    if (i >= end || body[i] !== COMMA) break;
    for (i++; i < end && isBlank(body[i]!);) i++;
    if (i >= end || body[i] !== BRACE_OPEN) break;
    at = i;
  }
  return taken;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === LF || byte === CR || byte === TAB;
}
