// Points of OpenTSDB's JSON, for kernels/lines.ts: those are taken that are written like the layout which was
// learned, byte for byte around their four texts, with metric and tags of a row that was learned and plain
// numbers. src/formats/opentsdb/predicted-points.ts is the reference, put-json.ts behind it reads the rest.
//
// A row is the tags and the metric: its hash is that of the tags crossed with that of the metric, its length
// that of the tags and, in the upper half, that of the metric. Equal bytes suffice: texts that were learned
// are whole, and what stands around them was valid JSON once.

import {
  FIX_COUNT,
  COUNTS,
  LINE_COUNT,
  MEMO_AT,
  MEMO_LENGTH,
  LINE_US,
  HASH,
  VALUE,
  POWERS,
  LAYOUT,
  PIECES,
  LAYOUT_KNOWN,
  TAGS_AT,
  TAGS_LENGTH,
  METRIC_AT,
  METRIC_LENGTH,
  METRIC_MEMO_AT,
  METRIC_MEMO_LENGTH,
  METRIC_HASH,
  LENGTH,
  T_US_MAX,
  TAB,
  LF,
  CR,
  SPACE,
  QUOTE,
  COMMA,
  ZERO,
  MINUS,
  DOT,
  BACKSLASH,
  BRACE_OPEN,
  BRACE_CLOSE,
  K1,
} from './line-memory';
import { addFloat, hasRoom, isDigit, noteFix } from './line-columns';
import {
  equal,
  expectedEntry,
  follow,
  hash,
  hashedEntry,
  isRow,
  learnHashedSeries,
} from './line-rows';

/** The texts of a point, as in src/formats/opentsdb/predicted-points.ts. */
const METRIC: u32 = 0;
const TIMESTAMP: u32 = 1;
const TAGS: u32 = 3;
const TEXT_COUNT: usize = 4;

/** Timestamps below this are seconds. */
const MILLISECONDS_FROM: u64 = 4294967296;
const TIME_DIGITS_MAX: usize = 13;
/** Integers of this many digits are doubles. */
const EXACT_DIGITS: u32 = 15;
const TEXT_BYTES_MAX: u32 = 65535;

/** Behind the piece in front of the text at this place, if it stands at `at`; 0: another one does. */
function pieceEnd(place: usize, at: usize, end: usize): usize {
  const piece = PIECES + (place << 3);
  const length = <usize>load<u32>(piece, 4);
  if (length > end - at || !equal(at, load<u32>(piece), length)) return 0;
  return at + length;
}

/** Behind the metric at `at`, in front of its quote; `length` 0: as long as it is. */
function metricEnd(at: usize, end: usize, length: usize): usize {
  let i = at + length;
  if (length == 0)
    while (i < end) {
      const byte = <u32>load<u8>(i);
      if (byte == QUOTE || byte == BACKSLASH || byte < SPACE) break;
      i++;
    }
  if (i >= end || i == at || load<u8>(i) != QUOTE) return 0;
  store<u32>(METRIC_AT, <u32>at);
  store<u32>(METRIC_LENGTH, <u32>(i - at));
  return i;
}

/** Behind the tags at `at`; `length` 0: up to their first brace, which is the last one of known tags. */
function tagsEnd(at: usize, end: usize, length: usize): usize {
  let i = at + length;
  if (length == 0) {
    let isQuoted = false;
    for (; i < end; i++) {
      const byte = <u32>load<u8>(i);
      if (byte == QUOTE) isQuoted = !isQuoted;
      else if (byte == BACKSLASH) i++;
      else if (byte == BRACE_CLOSE && !isQuoted) break;
    }
    i++;
  }
  if (i >= end) return 0;
  store<u32>(TAGS_AT, <u32>at);
  store<u32>(TAGS_LENGTH, <u32>(i - at));
  return i;
}

/** Reads the timestamp at `i` to LINE_US; the position behind it, or 0. */
function timestampEnd(i: usize): usize {
  const length = <usize>load<u32>(MEMO_LENGTH);
  if (length >= 8) {
    const memo = <usize>load<u32>(MEMO_AT);
    if (
      load<u64>(memo) == load<u64>(i) &&
      load<u64>(memo + length - 8) == load<u64>(i + length - 8) &&
      !isDigit(load<u8>(i + length))
    )
      return i + length;
  }
  let at = i;
  let value: u64 = 0;
  let byte = <u32>load<u8>(at);
  while (isDigit(byte) && at - i <= TIME_DIGITS_MAX) {
    value = value * 10 + (byte - 48);
    byte = load<u8>(++at);
  }
  const count = at - i;
  if (count == 0 || count > TIME_DIGITS_MAX || load<u8>(i) == ZERO) return 0;
  store<f64>(LINE_US, <f64>value * <f64>(value < MILLISECONDS_FROM ? 1000000 : 1000));
  store<u32>(MEMO_AT, <u32>i);
  store<u32>(MEMO_LENGTH, <u32>count);
  return at;
}

/** Reads the value at `i` to VALUE, or notes it for `slot`; the position behind it, 0 where it is not plain. */
function valueEnd(i: usize, slot: u32): usize {
  const start = i;
  let byte = <u32>load<u8>(i);
  const isNegative = byte == MINUS;
  if (isNegative) byte = load<u8>(++i);
  const digitsStart = i;
  let digits: u64 = 0;
  while (isDigit(byte)) {
    digits = digits * 10 + (byte - 48);
    byte = load<u8>(++i);
  }
  let digitCount = <u32>(i - digitsStart);
  if (digitCount == 0 || (digitCount > 1 && load<u8>(digitsStart) == ZERO)) return 0;
  let fraction: u32 = 0;
  if (byte == DOT) {
    const fractionStart = ++i;
    byte = load<u8>(i);
    while (isDigit(byte)) {
      digits = digits * 10 + (byte - 48);
      byte = load<u8>(++i);
    }
    fraction = <u32>(i - fractionStart);
    if (fraction == 0) return 0;
    digitCount += fraction;
  } else if (digitCount > EXACT_DIGITS) return 0;
  if (digitCount <= 19 && digits <= T_US_MAX && fraction <= 22) {
    const value = <f64>digits / load<f64>(POWERS + ((<usize>fraction) << 3));
    store<f64>(VALUE, isNegative ? -value : value);
    return i;
  }
  if (digitCount > 100) return 0;
  noteFix(slot, start, i);
  return i;
}

/** Are the `length` bytes at both places the same? */
function isSame(a: usize, b: usize, length: usize): bool {
  let i: usize = 0;
  for (; i + 8 <= length; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  if (i == length) return true;
  return (load<u64>(a + i) ^ load<u64>(b + i)) << (<u64>(64 - (length - i) * 8)) == 0;
}

/** The hash of the row of the texts at hand, to HASH; what stands for its length. */
function hashTexts(): u32 {
  const metric = <usize>load<u32>(METRIC_AT);
  const metricLength = load<u32>(METRIC_LENGTH);
  if (
    load<u32>(METRIC_MEMO_LENGTH) != metricLength ||
    !isSame(load<u32>(METRIC_MEMO_AT), metric, metricLength)
  ) {
    hash(metric, metric + metricLength);
    // Turned, so that tags and metric do not change places.
    store<u64>(METRIC_HASH, rotl<u64>(load<u64>(HASH) * K1, 29));
    store<u64>(METRIC_HASH, rotl<u64>(load<u64>(HASH, 8) * K1, 31), 8);
    store<u32>(METRIC_MEMO_AT, <u32>metric);
    store<u32>(METRIC_MEMO_LENGTH, metricLength);
  }
  const tags = <usize>load<u32>(TAGS_AT);
  const tagsLength = load<u32>(TAGS_LENGTH);
  hash(tags, tags + tagsLength);
  store<u64>(HASH, load<u64>(HASH) ^ load<u64>(METRIC_HASH));
  store<u64>(HASH, load<u64>(HASH, 8) ^ load<u64>(METRIC_HASH, 8), 8);
  return tagsLength | (metricLength << 16);
}

/**
 * Reads the point at `at`, with texts of such lengths (0: of any); the position behind it, 0 where it is
 * written otherwise.
 */
function pointEnd(at: usize, end: usize, lengths: u32): usize {
  let i = at;
  for (let place: usize = 0; place < TEXT_COUNT; place++) {
    i = pieceEnd(place, i, end);
    if (i == 0) return 0;
    const text = load<u32>(LAYOUT + (place << 2));
    if (text == METRIC) i = metricEnd(i, end, lengths >> 16);
    else if (text == TAGS) i = tagsEnd(i, end, lengths & TEXT_BYTES_MAX);
    else if (text == TIMESTAMP) i = timestampEnd(i);
    else i = valueEnd(i, load<u32>(COUNTS));
    if (i == 0) return 0;
  }
  return pieceEnd(TEXT_COUNT, i, end);
}

/** Behind blanks. */
function blanksEnd(at: usize, end: usize): usize {
  let i = at;
  for (; i < end; i++) {
    const byte = <u32>load<u8>(i);
    if (byte != SPACE && byte != LF && byte != CR && byte != TAB) break;
  }
  return i;
}

/** Where the point behind the comma behind `at` begins; 0: there is none. */
function nextPoint(at: usize, end: usize): usize {
  let i = blanksEnd(at, end);
  if (i >= end || load<u8>(i) != COMMA) return 0;
  i = blanksEnd(i + 1, end);
  return i < end && load<u8>(i) == BRACE_OPEN ? i : 0;
}

/** Takes points of an array from the one at `start` on; behind the last that was taken, or `start`. */
export function takePoints(start: usize, end: usize): usize {
  if (load<u32>(LAYOUT_KNOWN) == 0) return start;
  let taken = start;
  let at = start;
  let count: u32 = 0;
  while (at != 0 && hasRoom()) {
    const fixes = load<u32>(FIX_COUNT);
    let entry = expectedEntry();
    let stop: usize = entry == 0 ? 0 : pointEnd(at, end, load<u32>(entry, LENGTH));
    if (stop != 0 && isRow(entry, hashTexts())) follow(entry);
    else {
      store<u32>(FIX_COUNT, fixes);
      stop = pointEnd(at, end, 0);
      entry =
        stop == 0 || (load<u32>(TAGS_LENGTH) | load<u32>(METRIC_LENGTH)) > TEXT_BYTES_MAX
          ? 0
          : hashedEntry(hashTexts());
      if (entry == 0) {
        store<u32>(FIX_COUNT, fixes);
        break;
      }
    }
    addFloat(load<u32>(COUNTS), entry);
    count++;
    taken = stop;
    at = nextPoint(stop, end);
  }
  store<u32>(LINE_COUNT, load<u32>(LINE_COUNT) + count);
  return taken;
}

/** Teaches that tags and metric at these places are a series. */
export function learnPoint(
  tags: usize,
  tagsLength: u32,
  metric: usize,
  metricLength: u32,
  ref: u32,
): bool {
  if ((tagsLength | metricLength) > TEXT_BYTES_MAX) return true;
  store<u32>(TAGS_AT, <u32>tags);
  store<u32>(TAGS_LENGTH, tagsLength);
  store<u32>(METRIC_AT, <u32>metric);
  store<u32>(METRIC_LENGTH, metricLength);
  return learnHashedSeries(hashTexts(), ref);
}
