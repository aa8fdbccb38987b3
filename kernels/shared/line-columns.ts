// Numbers of lines, and the columns that they go to, for kernels/lines.ts.

import {
  POINT_COUNT,
  FIX_COUNT,
  COUNTS,
  LINE_US,
  LINE_SUB_NS,
  SUB_NS_USED,
  VALUE,
  VALUE_KIND,
  POWERS,
  POINTS,
  COLUMNS,
  ROWS_AT,
  TIMES_AT,
  VALUES_AT,
  SUB_NS_AT,
  KIND_BYTES,
  FIXES,
  FIELDS_MAX,
  REF,
  F64,
  I64,
  T_US_MAX,
  MINUS,
  DOT,
} from './line-memory';

/** Is there a place in all columns for the points of any line? */
export function hasRoom(): bool {
  const limit = <u32>POINTS - FIELDS_MAX;
  return (
    load<u32>(COUNTS) <= limit && load<u32>(COUNTS, 4) <= limit && load<u32>(COUNTS, 8) <= limit
  );
}

/** The double VALUE at LINE_US becomes the point `slot` of the doubles, of the row of this entry. */
export function addFloat(slot: u32, entry: usize): void {
  const points = load<u32>(POINT_COUNT);
  const place = <usize>slot;
  store<u32>(COLUMNS + (place << 2), load<u32>(entry, REF));
  store<u32>(COLUMNS + ROWS_AT + (place << 2), points);
  store<f64>(COLUMNS + TIMES_AT + (place << 3), load<f64>(LINE_US));
  store<u64>(COLUMNS + VALUES_AT + (place << 3), load<u64>(VALUE));
  store<u16>(COLUMNS + SUB_NS_AT + (place << 1), 0);
  store<u32>(COUNTS, slot + 1);
  store<u32>(POINT_COUNT, points + 1);
}

/** VALUE at LINE_US and LINE_SUB_NS becomes the next point of its kind, of this series. */
export function addPoint(ref: u32): void {
  const kind = <usize>load<u32>(VALUE_KIND);
  const slot = <usize>load<u32>(COUNTS + (kind << 2));
  const columns = COLUMNS + kind * KIND_BYTES;
  const points = load<u32>(POINT_COUNT);
  const subNs = load<u32>(LINE_SUB_NS);
  store<u32>(columns + (slot << 2), ref);
  store<u32>(columns + ROWS_AT + (slot << 2), points);
  store<f64>(columns + TIMES_AT + (slot << 3), load<f64>(LINE_US));
  store<u64>(columns + VALUES_AT + (slot << 3), load<u64>(VALUE));
  store<u16>(columns + SUB_NS_AT + (slot << 1), <u16>subNs);
  if (subNs != 0) store<u32>(SUB_NS_USED, 1);
  store<u32>(COUNTS + (kind << 2), <u32>slot + 1);
  store<u32>(POINT_COUNT, points + 1);
}

/** The number [start, end) needs more than one division: the host reads it for `slot` of the doubles. */
export function noteFix(slot: u32, start: usize, end: usize): void {
  const fixes = load<u32>(FIX_COUNT);
  const fix = FIXES + <usize>fixes * 12;
  store<u32>(fix, slot);
  store<u32>(fix, <u32>start, 4);
  store<u32>(fix, <u32>end, 8);
  store<u32>(FIX_COUNT, fixes + 1);
}

export function isDigit(byte: u32): bool {
  return byte - 48 <= 9;
}

/**
 * Reads the number at `i` to VALUE and its kind to VALUE_KIND; the position behind it, 0 where it is not
 * plain. Of a number that needs more than one division the place is noted for `slot` of the doubles.
 */
export function number(i: usize, slot: u32, hasIntegers: bool): usize {
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
  noteFix(slot, start, i);
  return i;
}
