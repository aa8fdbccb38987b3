// Lines of line protocol, Graphite and exposition text → columns of points. Only lines of rows that were
// learned are taken, with plain numbers and times: the scanners of src/formats read everything else, are
// the reference for what is taken here, and teach. src/formats/lines-kernel.ts is the host and has the
// same places in memory.
//
// A row is known by 128 bits of a seeded hash and its length, as in src/ingest/row-table.ts with words of 64
// bits; the seed stands for the dictionary that taught it. Nothing is kept between calls but in the memory.
// The window with the text is followed by at least 64 bytes that may be read and end every line.
// Entries of the tables are trusted: only this kernel writes them.

/** Places of the control block: the same as in src/formats/lines-memory.ts. */
const CONTROL: usize = 65536;
const SEED: usize = CONTROL;
const UNIT_US: usize = CONTROL + 8;
const DEFAULT_US: usize = CONTROL + 16;
const ROW_COUNT: usize = CONTROL + 24;
const SLOT_MASK: usize = CONTROL + 28;
const ARENA_END: usize = CONTROL + 32;
const LAST_ROW: usize = CONTROL + 36;
const POINT_COUNT: usize = CONTROL + 40;
const FIX_COUNT: usize = CONTROL + 44;
const COUNTS: usize = CONTROL + 48;
const SUB_NS_USED: usize = CONTROL + 60;
const LINE_COUNT: usize = CONTROL + 64;
const LAST_START: usize = CONTROL + 68;
const MEMO_AT: usize = CONTROL + 72;
const MEMO_LENGTH: usize = CONTROL + 76;
/** The kernel's own. */
const LINE_US: usize = CONTROL + 80;
const LINE_SUB_NS: usize = CONTROL + 88;
const LAST_SHAPE: usize = CONTROL + 92;
const HASH: usize = CONTROL + 96;
const VALUE: usize = CONTROL + 112;
const VALUE_KIND: usize = CONTROL + 120;
const STOPS_AT_MINUS: usize = CONTROL + 124;
const POWERS: usize = CONTROL + 128;
/** Counts as they are when the line is whole. */
const NEXT_COUNTS: usize = CONTROL + 320;
const NAMES: usize = CONTROL + 512;

const POINTS: usize = 8192;
/** Columns of one kind: refs, rows, times, values, nanoseconds. */
const COLUMNS: usize = 131072;
const ROWS_AT: usize = POINTS * 4;
const TIMES_AT: usize = POINTS * 8;
const VALUES_AT: usize = POINTS * 16;
const SUB_NS_AT: usize = POINTS * 24;
const KIND_BYTES: usize = POINTS * 26;
const FIXES: usize = 786432;
const SLOTS: usize = 1310720;
const ROWS: usize = 5505024;
const ARENA: usize = 22282240;
const ARENA_LIMIT: usize = 47448064;

const ROWS_MAX: u32 = 524288;
const FIRST_SLOTS: u32 = 1024;
const FIELDS_MAX: u32 = 256;
/** Sets of fields that one row may have. */
const LAYOUTS_MAX: u32 = 4;

/** Of a row: hash (16 bytes), then words. */
const LENGTH: usize = 16;
const NEXT: usize = 20;
/** Ref of a row that is a series; else the first of its layouts. */
const REF: usize = 24;
const LAYOUT_COUNT: usize = 28;
const ROW_LOG2: u32 = 5;

const F64: u32 = 0;
const I64: u32 = 1;
const BOOLEAN: u32 = 2;

const T_US_MAX: u64 = 9007199254740991;
const SECONDS_BELOW: u64 = 5000000;
const MILLISECONDS_BELOW: u64 = 5000000000;
const MICROSECONDS_BELOW: u64 = 5000000000000;
/** The NaN of src/formats/prometheus-text. */
const NORMAL_NAN: u64 = 0x7ff8000000000001;

const LF: u32 = 10;
const CR: u32 = 13;
const SPACE: u32 = 32;
const QUOTE: u32 = 34;
const HASH_SIGN: u32 = 35;
const COMMA: u32 = 44;
const MINUS: u32 = 45;
const DOT: u32 = 46;
const BACKSLASH: u32 = 92;
const BRACE_OPEN: u32 = 123;
const BRACE_CLOSE: u32 = 125;

const K1: u64 = 0x9e3779b97f4a7c15;
const K2: u64 = 0xc2b2ae3d27d4eb4f;

function scrambled(word: u64): u64 {
  let out = word;
  out = (out ^ (out >> 33)) * 0xff51afd7ed558ccd;
  out = (out ^ (out >> 33)) * 0xc4ceb9fe1a85ec53;
  return out ^ (out >> 33);
}

/** Hash of [start, end) to HASH. */
export function hash(start: usize, end: usize): void {
  const seed = load<u64>(SEED);
  const length = <u64>(end - start);
  let a = seed;
  let b = (seed * K1) ^ length;
  let c = ~seed;
  let d: u64 = 0x243f6a8885a308d3;
  let e = seed * K2;
  let f = 0x13198a2e03707344 ^ seed;
  let g: u64 = 0xa4093822299f31d0;
  let h = (seed * 0x165667b19e3779f9) | 1;
  let at = start;
  let left: usize = end - start;
  while (left > 0) {
    let first = load<u64>(at);
    let second = load<u64>(at, 8);
    if (left < 16) {
      // What stands behind the row is not of it.
      if (left <= 8) {
        second = 0;
        first &= <u64>-1 >> <u64>(64 - left * 8);
      } else second &= <u64>-1 >> <u64>(128 - left * 8);
      left = 16;
    }
    let x = (a ^ first) * K1;
    x ^= x >> 32;
    a = b ^ x;
    b = c + rotl<u64>(x, 27);
    c = d;
    d = x;
    let y = (e ^ second) * K2;
    y ^= y >> 29;
    e = f ^ y;
    f = g + rotl<u64>(y, 23);
    g = h;
    h = y;
    at += 16;
    left -= 16;
  }
  // Both look at all eight words.
  const ab = scrambled(a + rotl<u64>(e, 17)) + b;
  const cd = scrambled(c + rotl<u64>(g, 19)) + d;
  const ef = scrambled(f + rotl<u64>(b, 11)) + h;
  const gh = scrambled(h + rotl<u64>(d, 7)) ^ e;
  store<u64>(HASH, scrambled(ab ^ rotl<u64>(cd, 21)) ^ scrambled(ef + rotl<u64>(gh, 37)));
  store<u64>(HASH + 8, scrambled(cd ^ rotl<u64>(ef, 25)) ^ scrambled(gh + rotl<u64>(ab, 41)));
}

function isRow(entry: usize, length: u32): bool {
  return (
    load<u64>(entry) == load<u64>(HASH) &&
    load<u64>(entry, 8) == load<u64>(HASH + 8) &&
    load<u32>(entry, LENGTH) == length
  );
}

/** The row [start, end), -1: none. */
function findRow(start: usize, end: usize): i32 {
  const mask = load<u32>(SLOT_MASK);
  if (mask == 0) return -1;
  hash(start, end);
  let slot = <u32>load<u64>(HASH) & mask;
  let row = load<u32>(SLOTS + ((<usize>slot) << 2));
  while (row != 0 && !isRow(ROWS + ((<usize>(row - 1)) << ROW_LOG2), <u32>(end - start))) {
    slot = (slot + 1) & mask;
    row = load<u32>(SLOTS + ((<usize>slot) << 2));
  }
  return <i32>row - 1;
}

function place(row: u32, mask: u32): void {
  let slot = load<u32>(ROWS + ((<usize>row) << ROW_LOG2)) & mask;
  while (load<u32>(SLOTS + ((<usize>slot) << 2)) != 0) slot = (slot + 1) & mask;
  store<u32>(SLOTS + ((<usize>slot) << 2), row + 1);
}

/** Finds or adds the row [start, end), which follows the last one; -1: there is no room. */
function learnRow(start: usize, end: usize): i32 {
  let row = findRow(start, end);
  if (row < 0) {
    const count = load<u32>(ROW_COUNT);
    if (count == ROWS_MAX) return -1;
    let mask = load<u32>(SLOT_MASK);
    hash(start, end);
    row = <i32>count;
    const entry = ROWS + ((<usize>count) << ROW_LOG2);
    store<u64>(entry, load<u64>(HASH));
    store<u64>(entry, load<u64>(HASH + 8), 8);
    store<u32>(entry, <u32>(end - start), LENGTH);
    store<i32>(entry, -1, NEXT);
    store<u32>(entry, 0, REF);
    store<u32>(entry, 0, LAYOUT_COUNT);
    store<u32>(ROW_COUNT, count + 1);
    if ((count + 1) * 2 > mask + 1 || mask == 0) {
      mask = mask == 0 ? FIRST_SLOTS - 1 : mask * 2 + 1;
      memory.fill(SLOTS, 0, (<usize>mask + 1) << 2);
      store<u32>(SLOT_MASK, mask);
      for (let i: u32 = 0; i <= count; i++) place(i, mask);
    } else place(count, mask);
  }
  const last = load<i32>(LAST_ROW);
  if (last >= 0) store<i32>(ROWS + ((<usize>last) << ROW_LOG2), row, NEXT);
  store<i32>(LAST_ROW, row);
  return row;
}

/** Teaches that the row [start, end) is a series. */
export function learnSeries(start: usize, end: usize, ref: u32): bool {
  const row = learnRow(start, end);
  if (row < 0) return false;
  store<u32>(ROWS + ((<usize>row) << ROW_LOG2), ref, REF);
  store<u32>(ROWS + ((<usize>row) << ROW_LOG2), 1, LAYOUT_COUNT);
  return true;
}

/** Are the `length` bytes at `at` those at `known`, which zeros fill to whole words? */
function equal(at: usize, known: usize, length: usize): bool {
  let i: usize = 0;
  for (; i + 8 <= length; i += 8) if (load<u64>(at + i) != load<u64>(known + i)) return false;
  if (i == length) return true;
  const mask = <u64>-1 >> <u64>(64 - (length - i) * 8);
  return (load<u64>(at + i) & mask) == load<u64>(known + i);
}

/** Do the names that NAMES lists, each with its equals sign, make this shape? */
function isShape(shape: usize, count: u32): bool {
  if (load<u32>(shape) != count) return false;
  let name = shape + 8;
  for (let i: usize = 0; i < count; i++) {
    const start = load<u32>(NAMES + i * 12);
    const length = load<u32>(NAMES + i * 12, 4) - start;
    if (load<u32>(name) != length || !equal(start, name + 8, length)) return false;
    name += 8 + ((length + 7) & ~7);
  }
  return true;
}

/** A shape: names and how many bytes each one has; 0: there is no room. */
function addShape(count: u32): usize {
  const shape = <usize>load<u32>(ARENA_END);
  let name = shape + 8;
  for (let i: usize = 0; i < count; i++) {
    const start = load<u32>(NAMES + i * 12);
    const length = load<u32>(NAMES + i * 12, 4) - start;
    const space: usize = 8 + ((length + 7) & ~7);
    if (name + space > ARENA_LIMIT) return 0;
    store<u64>(name, length);
    store<u64>(name + space - 8, 0);
    memory.copy(name + 8, start, length);
    name += space;
  }
  store<u64>(shape, count);
  store<u32>(ARENA_END, <u32>name);
  store<u32>(LAST_SHAPE, <u32>shape);
  return shape;
}

/** Teaches that the row [start, end) may have the fields that NAMES lists: start, end (behind the equals sign), ref. */
export function learnFields(start: usize, end: usize, count: u32): bool {
  if (count > FIELDS_MAX) return true;
  const row = learnRow(start, end);
  if (row < 0) return false;
  const entry = ROWS + ((<usize>row) << ROW_LOG2);
  let layout = <usize>load<u32>(entry, REF);
  while (layout != 0 && !isShape(load<u32>(layout), count)) layout = load<u32>(layout, 4);
  if (layout == 0) {
    const layoutCount = load<u32>(entry, LAYOUT_COUNT);
    if (layoutCount == LAYOUTS_MAX) return true;
    let shape = <usize>load<u32>(LAST_SHAPE);
    if (shape == 0 || !isShape(shape, count)) shape = addShape(count);
    if (shape == 0) return false;
    layout = load<u32>(ARENA_END);
    const space: usize = 8 + ((<usize>count * 4 + 7) & ~7);
    if (layout + space > ARENA_LIMIT) return false;
    store<u32>(layout, <u32>shape);
    store<u32>(layout, load<u32>(entry, REF), 4);
    store<u32>(ARENA_END, <u32>(layout + space));
    store<u32>(entry, <u32>layout, REF);
    store<u32>(entry, layoutCount + 1, LAYOUT_COUNT);
  }
  for (let i: usize = 0; i < count; i++)
    store<u32>(layout + 8 + i * 4, load<u32>(NAMES + i * 12, 8));
  return true;
}

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

/** The entry of the row that follows the last one, if it stands at `at`; 0: another one does. */
function nextEntry(at: usize, end: usize): usize {
  const last = load<i32>(LAST_ROW);
  if (last < 0) return 0;
  const row = load<i32>(ROWS + ((<usize>last) << ROW_LOG2), NEXT);
  if (row < 0) return 0;
  const entry = ROWS + ((<usize>row) << ROW_LOG2);
  const length = load<u32>(entry, LENGTH);
  if (<usize>length >= end - at || load<u8>(at + length) != SPACE) return 0;
  hash(at, at + length);
  if (!isRow(entry, length)) return 0;
  store<i32>(LAST_ROW, row);
  return entry;
}

/** The entry of the row [at, stop), which follows the last one from now on; 0: it is not known. */
function soughtEntry(at: usize, stop: usize): usize {
  const row = findRow(at, stop);
  if (row < 0) return 0;
  const last = load<i32>(LAST_ROW);
  if (last >= 0) store<i32>(ROWS + ((<usize>last) << ROW_LOG2), row, NEXT);
  store<i32>(LAST_ROW, row);
  return ROWS + ((<usize>row) << ROW_LOG2);
}

function isDigit(byte: u32): bool {
  return byte - 48 <= 9;
}

/**
 * Reads the number at `i` to VALUE and its kind to VALUE_KIND; the position behind it, 0 where it is not
 * plain. Of a number that needs more than one division the place is noted for `slot` of the doubles.
 */
function number(i: usize, slot: u32, hasIntegers: bool): usize {
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
  if (hasIntegers && byte == 105) {
    if (digitCount == 0 || digitCount > 18) return 0;
    store<i64>(VALUE, isNegative ? -(<i64>digits) : <i64>digits);
    store<u32>(VALUE_KIND, I64);
    return i + 1;
  }
  let fraction: u32 = 0;
  if (byte == DOT) {
    const fractionStart = ++i;
    byte = load<u8>(i);
    while (isDigit(byte)) {
      digits = digits * 10 + (byte - 48);
      byte = load<u8>(++i);
    }
    fraction = <u32>(i - fractionStart);
    digitCount += fraction;
  }
  if (digitCount == 0) return 0;
  store<u32>(VALUE_KIND, F64);
  if ((byte | 32) != 101 && digitCount <= 19 && digits <= T_US_MAX && fraction <= 22) {
    let value = <f64>digits / load<f64>(POWERS + ((<usize>fraction) << 3));
    if (isNegative) value = -value;
    store<f64>(VALUE, value);
    return i;
  }
  if (digitCount > 100) return 0;
  if ((byte | 32) == 101) {
    byte = load<u8>(++i);
    if (byte == MINUS || byte == 43) byte = load<u8>(++i);
    const exponentStart = i;
    while (isDigit(byte)) byte = load<u8>(++i);
    if (i == exponentStart || i > exponentStart + 2) return 0;
  }
  const fixes = load<u32>(FIX_COUNT);
  const fix = FIXES + <usize>fixes * 12;
  store<u32>(fix, slot);
  store<u32>(fix, <u32>start, 4);
  store<u32>(fix, <u32>i, 8);
  store<u32>(FIX_COUNT, fixes + 1);
  return i;
}

/** Reads a boolean to VALUE; the position behind it, or 0. */
function boolean(i: usize): usize {
  const byte = <u32>load<u8>(i);
  const word = load<u32>(i);
  store<u32>(VALUE_KIND, BOOLEAN);
  if (word == 0x65757274) {
    store<f64>(VALUE, 1);
    return i + 4;
  }
  if (word == 0x736c6166 && load<u8>(i + 4) == 101) {
    store<f64>(VALUE, 0);
    return i + 5;
  }
  const lower = byte | 32;
  if (lower != 116 && lower != 102) return 0;
  store<f64>(VALUE, lower == 116 ? 1 : 0);
  return i + 1;
}

/** As in src/formats/influx/timestamps.ts; of thousands. */
function guessedUnitUs(thousands: u64): f64 {
  if (thousands < SECONDS_BELOW) return 1e6;
  return thousands < MILLISECONDS_BELOW ? 1e3 : 1;
}

/** Reads the timestamp at `i`, in front of a line break, to LINE_US and LINE_SUB_NS; its end, or 0. */
function time(i: usize): usize {
  const length = <usize>load<u32>(MEMO_LENGTH);
  if (length >= 8) {
    const memo = <usize>load<u32>(MEMO_AT);
    const after = <u32>load<u8>(i + length);
    if (
      load<u64>(memo) == load<u64>(i) &&
      load<u64>(memo + length - 8) == load<u64>(i + length - 8) &&
      (length <= 16 || load<u64>(memo + 8) == load<u64>(i + 8)) &&
      (after == LF || after == CR)
    )
      return i + length;
  }
  let at = i;
  let value: u64 = 0;
  let byte = <u32>load<u8>(at);
  while (isDigit(byte)) {
    value = value * 10 + (byte - 48);
    byte = load<u8>(++at);
  }
  const count = at - i;
  if (count == 0 || count > 19 || (byte != LF && byte != CR)) return 0;
  const unitUs = load<f64>(UNIT_US);
  let subNs: u32 = 0;
  let us: f64;
  if (unitUs <= 0) {
    const whole = value / 1000;
    if (whole > T_US_MAX) return 0;
    if (unitUs < 0 && whole < MICROSECONDS_BELOW) {
      us = <f64>value * guessedUnitUs(whole);
      if (us > <f64>T_US_MAX) return 0;
    } else {
      us = <f64>whole;
      subNs = <u32>(value - whole * 1000);
    }
  } else {
    if (value > T_US_MAX) return 0;
    us = <f64>value * unitUs;
    if (us > <f64>T_US_MAX) return 0;
  }
  store<f64>(LINE_US, us);
  store<u32>(LINE_SUB_NS, subNs);
  store<u32>(MEMO_AT, <u32>i);
  store<u32>(MEMO_LENGTH, <u32>count);
  return at;
}

/** Behind the line break at `i`, where `end` is one too; 0: there is none. */
function lineBreak(i: usize, end: usize): usize {
  if (i > end) return 0;
  if (i < end && load<u8>(i) == CR) i++;
  return i >= end || load<u8>(i) == LF ? i + 1 : 0;
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

function hasRoom(): bool {
  const limit = <u32>POINTS - FIELDS_MAX;
  return (
    load<u32>(COUNTS) <= limit && load<u32>(COUNTS, 4) <= limit && load<u32>(COUNTS, 8) <= limit
  );
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
    const points = load<u32>(POINT_COUNT);
    const place = <usize>slot;
    store<u32>(COLUMNS + (place << 2), load<u32>(entry, REF));
    store<u32>(COLUMNS + ROWS_AT + (place << 2), points);
    store<f64>(COLUMNS + TIMES_AT + (place << 3), load<f64>(LINE_US));
    store<u64>(COLUMNS + VALUES_AT + (place << 3), load<u64>(VALUE));
    store<u16>(COLUMNS + SUB_NS_AT + (place << 1), 0);
    store<u32>(COUNTS, slot + 1);
    store<u32>(POINT_COUNT, points + 1);
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
