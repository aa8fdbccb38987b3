// Lines of line protocol, Graphite, Warp 10 and exposition text → columns of points. Only lines of rows that were
// learned are taken, with plain numbers and times: the scanners of src/formats read everything else, are
// the reference for what is taken here, and teach. src/formats/lines-kernel.ts is the host and has the
// same places in memory.
//
// A row is known by 128 bits of a seeded hash and its length, as in src/ingest/row-table.ts with words of 64
// bits; the seed stands for the dictionary that taught it. Nothing is kept between calls but in the memory.
// The window with the text is followed by at least 64 bytes that may be read and end every line.
// Entries of the tables are trusted: only this kernel writes them.

import {
  DEFAULT_US,
  POINT_COUNT,
  FIX_COUNT,
  COUNTS,
  SUB_NS_USED,
  LINE_COUNT,
  LAST_START,
  MEMO_LENGTH,
  LINE_US,
  LINE_SUB_NS,
  VALUE,
  VALUE_KIND,
  STOPS_AT_MINUS,
  NEXT_COUNTS,
  COLUMNS,
  ROWS_AT,
  TIMES_AT,
  VALUES_AT,
  SUB_NS_AT,
  KIND_BYTES,
  LENGTH,
  REF,
  F64,
  I64,
  NORMAL_NAN,
  LF,
  CR,
  SPACE,
  QUOTE,
  HASH_SIGN,
  COMMA,
  MINUS,
  DOT,
  BACKSLASH,
  BRACE_OPEN,
  BRACE_CLOSE,
} from './shared/line-memory';
import { addFloat, hasRoom, isDigit, number } from './shared/line-columns';
import { boolean, lineBreak, nextEntry, soughtEntry, time } from './shared/line-parts';
import { equal } from './shared/line-rows';

export { hash, learnFields, learnSeries } from './shared/line-rows';
export { takeGts } from './shared/gts-lines';
export { learnPoint, takePoints } from './shared/put-points';

/** Where the key of the line of line protocol at `start` ends, in front of a space; 0: there is none. */
function keyEnd(start: usize, end: usize): usize {
  const first = <u32>load<u8>(start);
  if (first <= SPACE || first == HASH_SIGN) return 0;
  for (let i = start + 1; i < end; i++) {
    const byte = <u32>load<u8>(i);
    if (byte == SPACE && load<u8>(i - 1) != BACKSLASH) return i;
    if (byte == LF) return 0;
  }
  return 0;
}

/** Where the path at `start` ends, in front of a space. */
function pathEnd(start: usize, end: usize): usize {
  let i = start;
  while (i < end && <u32>load<u8>(i) > SPACE) i++;
  return i < end && i > start && load<u8>(i) == SPACE ? i : 0;
}

/** Where the series text at `start` ends, in front of a space. */
function seriesEnd(start: usize, end: usize): usize {
  let i = start;
  let byte: u32 = LF;
  for (; i < end; i++) {
    byte = load<u8>(i);
    if (byte == BRACE_OPEN || byte <= SPACE) break;
  }
  if (i >= end || i == start) return 0;
  if (byte != BRACE_OPEN) return byte == SPACE ? i : 0;
  let isQuoted = false;
  for (i++; i < end; i++) {
    byte = load<u8>(i);
    if (byte == LF) return 0;
    if (isQuoted) {
      if (byte == QUOTE) isQuoted = false;
      else if (byte == BACKSLASH && i + 1 < end && load<u8>(i + 1) != LF) i++;
    } else if (byte == QUOTE) isQuoted = true;
    else if (byte == BRACE_CLOSE) return i + 1 < end && load<u8>(i + 1) == SPACE ? i + 1 : 0;
  }
  return 0;
}

/** Fields of the layout at `at` into slots behind the counts; the position behind the last one, or 0. */
function readFields(at: usize, end: usize, layout: usize): usize {
  const shape = <usize>load<u32>(layout);
  const count = <usize>load<u32>(shape);
  let name = shape + 8;
  let i = at;
  let row = load<u32>(POINT_COUNT);
  let floats = load<u32>(COUNTS);
  let integers = load<u32>(COUNTS, 4);
  let booleans = load<u32>(COUNTS, 8);
  for (let field: usize = 0; field < count; field++) {
    const length = <usize>load<u32>(name);
    if (length >= end - i || !equal(i, name + 8, length)) return 0;
    name += 8 + ((length + 7) & ~7);
    i += length;
    const byte = <u32>load<u8>(i);
    const isNumber = isDigit(byte) || byte == MINUS || byte == DOT;
    i = isNumber ? number(i, floats, true) : boolean(i);
    if (i == 0 || i > end) return 0;
    const kind = load<u32>(VALUE_KIND);
    let slot: usize;
    if (kind == F64) slot = floats++;
    else if (kind == I64) slot = integers++;
    else slot = booleans++;
    const columns = COLUMNS + <usize>kind * KIND_BYTES;
    store<u32>(columns + (slot << 2), load<u32>(layout + 8 + field * 4));
    store<u32>(columns + ROWS_AT + (slot << 2), row++);
    store<u64>(columns + VALUES_AT + (slot << 3), load<u64>(VALUE));
    if (field + 1 < count) {
      if (load<u8>(i) != COMMA) return 0;
      i++;
    }
  }
  const after = <u32>load<u8>(i);
  if (i < end && after != SPACE && after != LF && after != CR) return 0;
  store<u32>(NEXT_COUNTS, floats);
  store<u32>(NEXT_COUNTS, integers, 4);
  store<u32>(NEXT_COUNTS, booleans, 8);
  return i;
}

/** Times of the line's points of one kind. */
function commit(kind: usize): void {
  const columns = COLUMNS + kind * KIND_BYTES;
  const from = load<u32>(COUNTS + (kind << 2));
  const to = load<u32>(NEXT_COUNTS + (kind << 2));
  const us = load<f64>(LINE_US);
  const subNs = <u16>load<u32>(LINE_SUB_NS);
  for (let slot = <usize>from; slot < to; slot++) {
    store<f64>(columns + TIMES_AT + (slot << 3), us);
    store<u16>(columns + SUB_NS_AT + (slot << 1), subNs);
  }
  store<u32>(COUNTS + (kind << 2), to);
}

/** Where the values of the line end, whose fields begin at `at`; 0: no layout of the row fits. */
function readLayouts(at: usize, end: usize, entry: usize): usize {
  const fixes = load<u32>(FIX_COUNT);
  let layout = <usize>load<u32>(entry, REF);
  while (layout != 0) {
    const stop = readFields(at, end, layout);
    if (stop != 0) return stop;
    store<u32>(FIX_COUNT, fixes);
    layout = load<u32>(layout, 4);
  }
  return 0;
}

/** Takes lines of line protocol in [start, end); where the first begins that it does not take. */
export function takeFields(start: usize, end: usize): usize {
  let at = start;
  let lineCount: u32 = 0;
  while (at < end && hasRoom()) {
    let entry = nextEntry(at, end);
    let i = entry == 0 ? keyEnd(at, end) : at + load<u32>(entry, LENGTH);
    if (i == 0) break;
    if (entry == 0) entry = soughtEntry(at, i);
    if (entry == 0 || i + 1 >= end || <u32>load<u8>(i + 1) <= SPACE) break;
    const fixes = load<u32>(FIX_COUNT);
    i = readLayouts(i + 1, end, entry);
    if (i == 0) break;
    if (i < end && load<u8>(i) == SPACE) i = time(i + 1);
    else {
      store<f64>(LINE_US, load<f64>(DEFAULT_US));
      store<u32>(LINE_SUB_NS, 0);
      store<u32>(MEMO_LENGTH, 0);
    }
    if (i != 0) i = lineBreak(i, end);
    if (i == 0) {
      store<u32>(FIX_COUNT, fixes);
      break;
    }
    let pointCount = load<u32>(POINT_COUNT);
    for (let kind: usize = 0; kind < 3; kind++)
      pointCount += load<u32>(NEXT_COUNTS + (kind << 2)) - load<u32>(COUNTS + (kind << 2));
    store<u32>(POINT_COUNT, pointCount);
    if (load<u32>(LINE_SUB_NS) != 0) store<u32>(SUB_NS_USED, 1);
    commit(0);
    commit(1);
    commit(2);
    lineCount++;
    at = i;
  }
  store<u32>(LINE_COUNT, load<u32>(LINE_COUNT) + lineCount);
  return at;
}

/** Reads a word of exposition text to VALUE; the position behind it, or 0. */
function word(i: usize): usize {
  const first = load<u32>(i);
  if ((first & 0xffffff) == 0x4e614e) {
    store<u64>(VALUE, NORMAL_NAN);
    return i + 3;
  }
  if (first == 0x666e492b) {
    store<f64>(VALUE, Infinity);
    return i + 4;
  }
  return 0;
}

/** Takes lines of a series, a value and at most a time, each; the start of the first that it does not take. */
function takeSamples(start: usize, end: usize, isPage: bool): usize {
  let at = start;
  let lineCount: u32 = 0;
  let last = start;
  while (at < end && hasRoom()) {
    if (isPage && load<u8>(at) == HASH_SIGN) break;
    let entry = nextEntry(at, end);
    let i = at;
    if (entry == 0) {
      i = isPage ? seriesEnd(at, end) : pathEnd(at, end);
      if (i == 0) break;
      entry = soughtEntry(at, i);
      if (entry == 0) break;
    } else i += load<u32>(entry, LENGTH);
    i++;
    const fixes = load<u32>(FIX_COUNT);
    const slot = load<u32>(COUNTS);
    const byte = <u32>load<u8>(i);
    if (byte == MINUS && load<u32>(STOPS_AT_MINUS) != 0) i = 0;
    else if (isDigit(byte) || byte == MINUS || byte == DOT) i = number(i, slot, false);
    else i = isPage ? word(i) : 0;
    if (i != 0 && i <= end) {
      const after = <u32>load<u8>(i);
      if (i < end && after == SPACE) i = time(i + 1);
      else {
        store<f64>(LINE_US, load<f64>(DEFAULT_US));
        store<u32>(LINE_SUB_NS, 0);
        store<u32>(MEMO_LENGTH, 0);
      }
      if (i != 0) i = lineBreak(i, end);
    } else i = 0;
    if (i == 0) {
      store<u32>(FIX_COUNT, fixes);
      break;
    }
    addFloat(slot, entry);
    lineCount++;
    last = at;
    at = i;
  }
  store<u32>(LINE_COUNT, load<u32>(LINE_COUNT) + lineCount);
  if (lineCount > 0) store<u32>(LAST_START, <u32>last);
  return at;
}

/** Lines of Graphite's plaintext. */
export function takePaths(start: usize, end: usize): usize {
  return takeSamples(start, end, false);
}

/** Samples of exposition text. */
export function takePage(start: usize, end: usize): usize {
  return takeSamples(start, end, true);
}
