// Lines of Warp 10's input for kernels/lines.ts: a time, no place, a series that is known or that of the line
// before, a plain number or a boolean. src/formats/warp10/gts.ts reads everything else and is the reference.

import {
  COUNTS,
  FIX_COUNT,
  LINE_COUNT,
  CURRENT_REF,
  VALUE,
  VALUE_KIND,
  LENGTH,
  REF,
  I64,
  LF,
  SPACE,
  MINUS,
  DOT,
  SLASH,
  EQUALS,
  BRACE_OPEN,
  BRACE_CLOSE,
} from './line-memory';
import { addPoint, hasRoom, isDigit, number } from './line-columns';
import { boolean, lineBreak, nextEntry, soughtEntry, timeUpTo } from './line-parts';

/** Digits of which every number fits into 64 bits with its sign. */
const INTEGER_DIGITS: usize = 18;

/** Where the labels of the series at `start` end, in front of a space; 0: something else is there. */
function labelsEnd(start: usize, end: usize): usize {
  let i = start;
  let byte: u32 = LF;
  for (; i < end; i++) {
    byte = load<u8>(i);
    if (byte == BRACE_OPEN || byte == LF) break;
  }
  if (i >= end || byte == LF) return 0;
  for (i++; i < end; i++) {
    byte = load<u8>(i);
    if (byte == BRACE_CLOSE || byte == LF) break;
  }
  if (i + 1 >= end || byte == LF) return 0;
  return load<u8>(i + 1) == SPACE ? i + 1 : 0;
}

/** Reads a number or a boolean to VALUE and its kind to VALUE_KIND; the position behind it, or 0. */
function value(start: usize): usize {
  let byte = <u32>load<u8>(start);
  const isNegative = byte == MINUS;
  if (!isNegative && !isDigit(byte))
    return byte == DOT ? number(start, load<u32>(COUNTS), false) : boolean(start);
  let i = isNegative ? start + 1 : start;
  const digitsStart = i;
  let digits: i64 = 0;
  byte = load<u8>(i);
  while (isDigit(byte)) {
    digits = digits * 10 + <i64>(byte - 48);
    byte = load<u8>(++i);
  }
  if (byte == DOT || (byte | 32) == 101) return number(start, load<u32>(COUNTS), false);
  if (i == digitsStart || i - digitsStart > INTEGER_DIGITS) return 0;
  store<i64>(VALUE, isNegative ? -digits : digits);
  store<u32>(VALUE_KIND, I64);
  return i;
}

/** Takes lines in [start, end); where the first begins that it does not take. CURRENT_REF goes on with them. */
export function takeGts(start: usize, end: usize): usize {
  let at = start;
  let lineCount: u32 = 0;
  while (at < end && hasRoom()) {
    const isContinued = load<u8>(at) == EQUALS;
    let ref = load<i32>(CURRENT_REF);
    if (isContinued && ref < 0) break;
    let i = timeUpTo(isContinued ? at + 1 : at, SLASH, SLASH);
    if (i == 0 || i + 3 >= end || load<u8>(i + 1) != SLASH || load<u8>(i + 2) != SPACE) break;
    i += 3;
    if (!isContinued) {
      let entry = nextEntry(i, end);
      if (entry == 0) {
        const stop = labelsEnd(i, end);
        if (stop == 0) break;
        entry = soughtEntry(i, stop);
        if (entry == 0) break;
      }
      i += load<u32>(entry, LENGTH) + 1;
      ref = load<i32>(entry, REF);
    }
    const fixes = load<u32>(FIX_COUNT);
    i = value(i);
    if (i != 0) i = lineBreak(i, end);
    if (i == 0) {
      store<u32>(FIX_COUNT, fixes);
      break;
    }
    store<i32>(CURRENT_REF, ref);
    addPoint(ref);
    lineCount++;
    at = i;
  }
  store<u32>(LINE_COUNT, load<u32>(LINE_COUNT) + lineCount);
  return at;
}
