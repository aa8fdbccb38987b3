// What a block says about its values without being decoded: src/codec/aggregates.ts is the
// reference, and writes the same bytes.
import { POWERS, putVarint, putZigzag, round } from './encode-scratch';

const NO_RESET: i32 = 1;
const ALL_INTEGER: i32 = 2;
const HAS_STALE: i32 = 4;
const STALE: u64 = 0x7ff0000000000002;
const MINUS_ZERO: u64 = 0x8000000000000000;

const WORDS: i32 = 15;
const HAS_SPREAD: i32 = 16;
const HAS_INCREASE: i32 = 32;
const NO_INCREASE: i32 = 64;
const HAS_ULPS: i32 = 128;
const INTEGER_END: f64 = 2251799813685248;
const ULPS_END: i64 = 1 << 20;
const DROPS_RATIO: i32 = 8;

let flags: i32 = 0;
let min: f64 = 0;
let max: f64 = 0;
let first: f64 = 0;
let last: f64 = 0;
let sum: f64 = 0;
let increase: f64 = 0;
let isKept: bool = false;

export function seenFlags(): i32 {
  return flags;
}

/** False where a value or a sum is not finite, but for staleness markers, or all are such. */
export function examine(values: usize, count: i32): bool {
  let least: f64 = 0;
  let greatest: f64 = 0;
  let before: f64 = 0;
  let total: f64 = 0;
  let grown: f64 = 0;
  let seen = 0;
  let drops = 0;
  let areIntegers = true;
  let hasStale = false;
  for (let i: usize = 0; i < (<usize>count) << 3; i += 8) {
    const value = load<f64>(values + i);
    if (value - value != 0) {
      if (load<u64>(values + i) != STALE) return false;
      hasStale = true;
      continue;
    }
    areIntegers = areIntegers && isSmallInteger(value);
    total += value;
    if (seen++ == 0) first = least = greatest = value;
    else {
      if (value >= before) grown += value - before;
      else {
        drops++;
        grown += value;
      }
      // These know the sign of zero.
      least = Math.min(least, value);
      greatest = Math.max(greatest, value);
    }
    before = value;
  }
  if (seen == 0 || total - total != 0 || grown - grown != 0) return false;
  flags = hasStale ? HAS_STALE : areIntegers ? ALL_INTEGER : 0;
  if (drops == 0) flags |= NO_RESET;
  min = least;
  max = greatest;
  last = before;
  sum = total;
  increase = grown;
  isKept = drops * DROPS_RATIO <= seen;
  return true;
}

function isSmallInteger(value: f64): bool {
  return (
    Math.abs(value) <= INTEGER_END && floor(value) == value && reinterpret<u64>(value) != MINUS_ZERO
  );
}

export function isConstant(values: usize, count: i32): bool {
  const word = load<u64>(values);
  for (let i: usize = 8; i < (<usize>count) << 3; i += 8)
    if (load<u64>(values + i) != word) return false;
  return true;
}

function isSame(a: f64, b: f64): bool {
  return reinterpret<u64>(a) == reinterpret<u64>(b);
}

function power(s: usize, e: i32): f64 {
  return load<f64>(s + POWERS + ((<usize>e) << 3));
}

/** e ≤ 14 where value = n / 10^e for a whole n that is written; −1 where there is none. */
function exponentOf(s: usize, value: f64, from: i32): i32 {
  if (reinterpret<u64>(value) == MINUS_ZERO) return -1;
  for (let e = from; e < WORDS; e++) {
    const scale = power(s, e);
    const n = round(value * scale);
    if (Math.abs(n) >= INTEGER_END) return -1;
    if (n / scale == value) return e;
  }
  return -1;
}

/** One value, a decimal where it is one. */
export function constant(s: usize, out: usize, value: f64): usize {
  const e = exponentOf(s, value, 0);
  store<u8>(out, e < 0 ? <u8>WORDS : <u8>e);
  if (e >= 0) return putZigzag(out + 1, <i64>round(value * power(s, e)));
  store<f64>(out, value, 1);
  return out + 9;
}

/** A 64-bit word that is no double. */
export function constantWord(out: usize, value: i64): usize {
  if (value > -(<i64>INTEGER_END) && value < <i64>INTEGER_END) {
    store<u8>(out, 0);
    return putZigzag(out + 1, value);
  }
  store<u8>(out, <u8>WORDS);
  store<i64>(out, value, 1);
  return out + 9;
}

export function aggregates(s: usize, out: usize, count: i32): usize {
  let form = 0;
  if (!isSame(min, first) || !isSame(max, last)) form |= HAS_SPREAD;
  if (!isKept) form |= NO_INCREASE;
  else if (!isSame(increase, last - first)) form |= HAS_INCREASE;
  let at = decimals(s, out, count, form);
  if (at != 0) return at;
  store<u8>(out, <u8>(form | WORDS));
  store<f64>(out, first, 1);
  store<f64>(out, last, 9);
  at = out + 17;
  if (form & HAS_SPREAD) {
    store<f64>(at, min);
    store<f64>(at, max, 8);
    at += 16;
  }
  store<f64>(at, sum);
  at += 8;
  if ((form & HAS_INCREASE) == 0) return at;
  store<f64>(at, increase);
  return at + 8;
}

/** What nearDecimal found. */
let nearWhole: i64 = 0;
let nearUlps: i64 = 0;

/** `value` as n / scale plus some units in the last place; false where that does not do. */
function nearDecimal(value: f64, scale: f64): bool {
  const n = round(value * scale);
  if (!(Math.abs(n) < INTEGER_END)) return false;
  const base = n / scale;
  nearWhole = <i64>n;
  nearUlps = reinterpret<i64>(value) - reinterpret<i64>(base);
  if (nearUlps == 0) return true;
  if (base > 0 != value > 0 || base < 0 != value < 0) return false;
  return nearUlps < ULPS_END && nearUlps > -ULPS_END;
}

/** The whole number of an aggregate; false where it is none, or not given back. */
let whole: i64 = 0;

function takeWhole(value: f64, scale: f64): bool {
  const n = round(value * scale);
  if (!(Math.abs(n) < INTEGER_END) || n / scale != value) return false;
  whole = <i64>n;
  return true;
}

function exponentOfAll(s: usize): i32 {
  let e = exponentOf(s, first, 0);
  if (e >= 0) e = exponentOf(s, last, e);
  if (e >= 0) e = exponentOf(s, min, e);
  return e < 0 ? e : exponentOf(s, max, e);
}

function decimals(s: usize, out: usize, count: i32, form: i32): usize {
  const e = exponentOfAll(s);
  if (e < 0) return 0;
  const scale = power(s, e);
  if (!takeWhole(first, scale)) return 0;
  const firstWhole = whole;
  if (!takeWhole(last, scale)) return 0;
  const lastWhole = whole;
  if (!takeWhole(min, scale)) return 0;
  const minWhole = whole;
  if (!takeWhole(max, scale)) return 0;
  const maxWhole = whole;
  let grownWhole: i64 = 0;
  let grownUlps: i64 = 0;
  if (form & HAS_INCREASE) {
    if (!nearDecimal(increase, scale)) return 0;
    grownWhole = nearWhole;
    grownUlps = nearUlps;
  }
  if (!nearDecimal(sum, scale)) return 0;
  if (Math.abs(<f64>firstWhole * <f64>count) >= INTEGER_END) return 0;
  const base = firstWhole * <i64>count;
  const hasUlps = nearUlps != 0 || grownUlps != 0;
  store<u8>(out, <u8>(form | e | (hasUlps ? HAS_ULPS : 0)));
  let at = putZigzag(out + 1, firstWhole);
  at = putZigzag(at, lastWhole - firstWhole);
  if (form & HAS_SPREAD) {
    at = putVarint(at, <u64>(firstWhole - minWhole));
    at = putVarint(at, <u64>(maxWhole - minWhole));
  }
  at = putZigzag(at, nearWhole - base);
  if (hasUlps) at = putZigzag(at, nearUlps);
  if ((form & HAS_INCREASE) == 0) return at;
  at = putZigzag(at, grownWhole);
  return hasUlps ? putZigzag(at, grownUlps) : at;
}
