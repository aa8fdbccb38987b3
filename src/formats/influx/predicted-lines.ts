// The fast half of the line-protocol scanner: lines that repeat the rows and fields which the
// dictionary predicts, with numbers and booleans only. A key is compared as raw bytes instead of
// being split, so a known line costs one comparison and its digits. Whatever is not plain is left,
// untouched, to the general scanner (line-protocol.ts), which is the definition of the format: a
// line taken here gives the same points there.
//
// Why equal bytes suffice: where a key or a field name ends depends only on its own bytes and the
// byte behind it. The remembered bytes are those of a whole key (name), so in front of the same
// terminator they are a whole key (name) again.
import { parseDecimal, parseInt64 } from '../../codec/decimal.ts';
import { KIND } from '../../model/columns.ts';
import type { PointBlock } from '../../model/point-block.ts';
import { BLOCK_POINTS } from '../../model/point-block.ts';
import type { RowPredictor, RowSink } from '../../model/rows.ts';
import { CELL_BYTES, CELL_NEXT, CELL_REF, CELL_STRIDE, CELL_WORD } from '../../model/rows.ts';
import type { Timestamps } from './timestamps.ts';

/** 10^0 … 10^9. */
const SCALES = Float64Array.from({ length: 10 }, (_, i) => 10 ** i);
/** An int32 holds any integer of this many digits. */
const INT_DIGITS = 9;
/** Points that are free in the block when a line begins; longer lines take the general way. */
const LINE_ROOM = 256;

/** Where parseInt64 leaves its two halves. */
const scratch = new Int32Array(2);

const LF = 10;
const CR = 13;
const SPACE = 32;
const HASH = 35;
const COMMA = 44;
const MINUS = 45;
const DOT = 46;
const EQUALS = 61;
const BACKSLASH = 92;
const LOWER_I = 105;
const ZERO = 48;

export interface PredictedLines {
  readonly body: Uint8Array;
  /** Over the same memory. */
  readonly view: DataView;
  readonly end: number;
  readonly predictor: RowPredictor;
  readonly timestamps: Timestamps;
  readonly defaultUs: number;
  readonly block: PointBlock;
  readonly sink: RowSink;
  /** Lines taken, counted up. */
  rowCount: number;
  /** Points put into the block, counted up. */
  pointCount: number;
}

/** Value of the boolean token at `start`: its length, negative where it is false; 0: none. */
function booleanAt(body: Uint8Array, start: number, end: number): number {
  let stop = start;
  while (stop < end && stop < start + 6 && body[stop]! > COMMA) stop++;
  if (stop - start !== 1) return 0;
  const byte = body[start]!;
  if (byte === 116 || byte === 84) return 1;
  return byte === 102 || byte === 70 ? -1 : 0;
}

/** Where the key of the line at `start` ends, in front of a space; -1: no such line is there. */
function keyEnd(body: Uint8Array, start: number, end: number): number {
  const first = body[start]!;
  if (first <= SPACE || first === HASH) return -1;
  for (let i = start + 1; i < end; i++) {
    const byte = body[i]!;
    if (byte === SPACE && body[i - 1] !== BACKSLASH) return i;
    if (byte === LF) return -1;
  }
  return -1;
}

/** Takes lines from `start` on; the position of the first that has to be read by the book. */
// oxlint-disable-next-line max-lines-per-function -- one state machine; its state lives in locals
export function takePredictedLines(lines: PredictedLines, start: number): number {
  const { body, view, end, predictor, timestamps, defaultUs, block, sink } = lines;
  const { refs, kinds, tUs, subNs, values, words: valueWords } = block;
  const { records, words } = predictor.cells;
  let at = start;
  let base = block.count;
  let rowCount = 0;
  let pointCount = 0;
  // Where the last timestamp stands, and what it means.
  let memoStart = 0;
  let memoLength = 0;
  let lineUs = defaultUs;
  let lineSubNs = 0;
  line: while (at < end) {
    if (base > BLOCK_POINTS - LINE_ROOM) {
      block.flush(sink);
      base = 0;
    }
    let i = predictor.nextRow(at, end, SPACE);
    if (i < 0) {
      i = keyEnd(body, at, end);
      if (i < 0 || !predictor.seekRow(at, i)) break;
    }
    // The general scanner skips blanks here, and no name that follows them starts with one.
    if (i + 1 >= end || body[i + 1]! <= SPACE) break;
    let point = base;
    let byte = 0;
    let cell = predictor.firstCell();
    for (;;) {
      if (cell < 0 || point === BLOCK_POINTS) break line;
      const record = cell * CELL_STRIDE;
      const ref = records[record + CELL_REF]!;
      const nameBytes = records[record + CELL_BYTES]!;
      const nameEnd = i + 1 + nameBytes;
      if (ref < 0 || nameEnd >= end || nameBytes < 1 || body[nameEnd] !== EQUALS) break line;
      let word = records[record + CELL_WORD]!;
      const wholeEnd = nameEnd - 4;
      for (i++; i <= wholeEnd; i += 4, word++)
        if (view.getInt32(i, true) !== words[word]!) break line;
      const rest = nameEnd - i;
      if (rest > 0) {
        let tail: number;
        if (nameBytes >= 4) tail = view.getInt32(wholeEnd, true) >>> (32 - 8 * rest);
        else {
          tail = body[i]!;
          if (rest > 1) tail |= body[i + 1]! << 8;
          if (rest > 2) tail |= body[i + 2]! << 16;
        }
        if (tail !== words[word]!) break line;
      }
      cell = records[record + CELL_NEXT]!;
      refs[point] = ref;
      i = nameEnd + 1;
      const valueStart = i;
      let digits = 0;
      byte = i < end ? body[i]! : LF;
      const isNegative = byte === MINUS;
      if (isNegative) byte = ++i < end ? body[i]! : LF;
      const digitsStart = i;
      while (byte >= ZERO && byte <= 57) {
        digits = (digits * 10 + byte - ZERO) | 0;
        byte = ++i < end ? body[i]! : LF;
      }
      let digitCount = i - digitsStart;
      if (byte === LOWER_I) {
        if (digitCount === 0) break line;
        kinds[point] = KIND.i64;
        if (digitCount <= INT_DIGITS) {
          valueWords[point * 2] = isNegative ? -digits : digits;
          valueWords[point * 2 + 1] = isNegative && digits !== 0 ? -1 : 0;
        } else {
          if (!parseInt64(body, valueStart, i, scratch)) break line;
          valueWords[point * 2] = scratch[0]!;
          valueWords[point * 2 + 1] = scratch[1]!;
        }
        byte = ++i < end ? body[i]! : LF;
      } else {
        kinds[point] = KIND.f64;
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
        if (digitCount > 0 && digitCount <= INT_DIGITS && byte <= COMMA) {
          const value = digits / SCALES[fraction]!;
          values[point] = isNegative ? -value : value;
        } else if (digitCount === 0) {
          const length = i === valueStart ? booleanAt(body, i, end) : 0;
          if (length === 0) break line;
          kinds[point] = KIND.boolean;
          values[point] = length > 0 ? 1 : 0;
          byte = ++i < end ? body[i]! : LF;
        } else {
          while (byte > COMMA) byte = ++i < end ? body[i]! : LF;
          const value = parseDecimal(body, valueStart, i);
          if (!(value - value === 0)) break line;
          values[point] = value;
        }
      }
      point++;
      if (byte !== COMMA) break;
    }
    if (byte === SPACE) {
      i++;
      let length = 0;
      const memoEnd = i + memoLength <= end ? memoLength : 0;
      while (length < memoEnd && body[memoStart + length] === body[i + length]) length++;
      byte = i + length < end ? body[i + length]! : LF;
      if (length === 0 || length < memoLength || (byte !== LF && byte !== CR)) {
        length = 0;
        while (i + length < end && body[i + length]! > COMMA) length++;
        if (length === 0 || timestamps.read(i, i + length) !== '') break;
        byte = i + length < end ? body[i + length]! : LF;
        memoStart = i;
        memoLength = length;
        lineUs = timestamps.tUs;
        lineSubNs = timestamps.subNs;
      }
      i += length;
    } else if (memoLength > 0 || lineUs !== defaultUs) {
      memoLength = 0;
      lineUs = defaultUs;
      lineSubNs = 0;
    }
    if (byte === CR) byte = ++i < end ? body[i]! : LF;
    if (byte !== LF) break;
    for (let slot = base; slot < point; slot++) {
      tUs[slot] = lineUs;
      subNs[slot] = lineSubNs;
    }
    rowCount++;
    pointCount += point - base;
    base = point;
    block.count = point;
    at = i + 1;
  }
  if (at < end) predictor.rewind();
  lines.rowCount += rowCount;
  lines.pointCount += pointCount;
  return at;
}
