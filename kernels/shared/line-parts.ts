// Parts of lines that several protocols share, for kernels/lines.ts: known rows, booleans, times, line breaks.

import {
  UNIT_US,
  MEMO_AT,
  MEMO_LENGTH,
  LINE_US,
  LINE_SUB_NS,
  VALUE,
  VALUE_KIND,
  LENGTH,
  BOOLEAN,
  T_US_MAX,
  SECONDS_BELOW,
  MILLISECONDS_BELOW,
  MICROSECONDS_BELOW,
  LF,
  CR,
  SPACE,
} from './line-memory';
import { isDigit } from './line-columns';
import { expectedEntry, follow, hash, hashedEntry, isRow } from './line-rows';

/** The entry of the row that follows the last one, if it stands at `at`; 0: another one does. */
export function nextEntry(at: usize, end: usize): usize {
  const entry = expectedEntry();
  if (entry == 0) return 0;
  const length = load<u32>(entry, LENGTH);
  if (<usize>length >= end - at || load<u8>(at + length) != SPACE) return 0;
  hash(at, at + length);
  if (!isRow(entry, length)) return 0;
  follow(entry);
  return entry;
}

/** The entry of the row [at, stop), which follows the last one from now on; 0: it is not known. */
export function soughtEntry(at: usize, stop: usize): usize {
  hash(at, stop);
  return hashedEntry(<u32>(stop - at));
}

/** Reads a boolean to VALUE; the position behind it, or 0. */
export function boolean(i: usize): usize {
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

/** Reads the timestamp at `i`, in front of one of two bytes, to LINE_US and LINE_SUB_NS; its end, or 0. */
export function timeUpTo(i: usize, first: u32, second: u32): usize {
  const length = <usize>load<u32>(MEMO_LENGTH);
  if (length >= 8) {
    const memo = <usize>load<u32>(MEMO_AT);
    const after = <u32>load<u8>(i + length);
    if (
      load<u64>(memo) == load<u64>(i) &&
      load<u64>(memo + length - 8) == load<u64>(i + length - 8) &&
      (length <= 16 || load<u64>(memo + 8) == load<u64>(i + 8)) &&
      (after == first || after == second)
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
  if (count == 0 || count > 19 || (byte != first && byte != second)) return 0;
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

/** As `timeUpTo`, in front of a line break. */
export function time(i: usize): usize {
  return timeUpTo(i, LF, CR);
}

/** Behind the line break at `i`, where `end` is one too; 0: there is none. */
export function lineBreak(i: usize, end: usize): usize {
  if (i > end) return 0;
  if (i < end && load<u8>(i) == CR) i++;
  return i >= end || load<u8>(i) == LF ? i + 1 : 0;
}
