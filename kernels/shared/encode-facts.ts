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
/** Distances from the first number of a stream stay below. */
const OFFSET_END: f64 = 1125899906842624;
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

/**
 * Looks at all values; false where a value or a sum is not finite, but for staleness markers, or all
 * are such. Leaves what it saw for the functions below.
 */
export function examine(values: usize, count: i32): bool {
  isPlain = survey(values, count);
  return isPlain ? keep(count) : examineOdd(values, count);
}

/** What `survey` saw: all values are finite and none is −0. */
let isPlain: bool = false;
let areWhole: bool = false;
let areSame: bool = false;
let rises: i32 = 0;

/**
 * Two values a step; sums in order, one after the other, as the reference has them. False where a
 * value is not finite or −0.
 */
function survey(values: usize, count: i32): bool {
  const start = load<f64>(values);
  const starts = f64x2.splat(start);
  const minusZero = i64x2.splat(<i64>MINUS_ZERO);
  let odd = v128.or(f64x2.sub(starts, starts), i64x2.eq(starts, minusZero));
  let whole = f64x2.eq(f64x2.floor(starts), starts);
  let same = i64x2.eq(starts, starts);
  let least = starts;
  let greatest = starts;
  let risen = i64x2.splat(0);
  let total = start;
  let grown: f64 = 0;
  const end = values + ((<usize>count) << 3);
  let at = values + 8;
  for (; at + 8 < end; at += 16) {
    const x = v128.load(at);
    const before = v128.load(at - 8);
    odd = v128.or(odd, v128.or(f64x2.sub(x, x), i64x2.eq(x, minusZero)));
    whole = v128.and(whole, f64x2.eq(f64x2.floor(x), x));
    same = v128.and(same, i64x2.eq(x, starts));
    least = f64x2.pmin(least, x);
    greatest = f64x2.pmax(greatest, x);
    const isRise = f64x2.ge(x, before);
    risen = i64x2.sub(risen, isRise);
    const growth = f64x2.sub(x, v128.and(before, isRise));
    total += f64x2.extract_lane(x, 0);
    total += f64x2.extract_lane(x, 1);
    grown += f64x2.extract_lane(growth, 0);
    grown += f64x2.extract_lane(growth, 1);
  }
  rises = <i32>(i64x2.extract_lane(risen, 0) + i64x2.extract_lane(risen, 1));
  if (at < end) {
    const x = v128.load64_splat(at);
    const before = load<f64>(at - 8);
    const value = f64x2.extract_lane(x, 0);
    odd = v128.or(odd, v128.or(f64x2.sub(x, x), i64x2.eq(x, minusZero)));
    whole = v128.and(whole, f64x2.eq(f64x2.floor(x), x));
    same = v128.and(same, i64x2.eq(x, starts));
    least = f64x2.pmin(least, x);
    greatest = f64x2.pmax(greatest, x);
    if (value >= before) rises++;
    total += value;
    grown += value >= before ? value - before : value;
  }
  areWhole = i64x2.all_true(whole);
  areSame = i64x2.all_true(same);
  first = start;
  last = load<f64>(end - 8);
  min = Math.min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1));
  max = Math.max(f64x2.extract_lane(greatest, 0), f64x2.extract_lane(greatest, 1));
  sum = total;
  increase = grown;
  return !v128.any_true(odd);
}

/** Flags of a plain column; false where a sum is not finite. */
function keep(count: i32): bool {
  if (sum - sum != 0 || increase - increase != 0) return false;
  const drops = count - 1 - rises;
  const areIntegers = areWhole && min >= -INTEGER_END && max <= INTEGER_END;
  flags = (areIntegers ? ALL_INTEGER : 0) | (drops == 0 ? NO_RESET : 0);
  isKept = drops * DROPS_RATIO <= count;
  return true;
}

/** Are the values whole, below 2^51 in size and near enough to the first one for a stream? */
export function arePlainIntegers(): bool {
  if (!isPlain || !areWhole || min <= -INTEGER_END || max >= INTEGER_END) return false;
  return max - first < OFFSET_END && first - min < OFFSET_END;
}

/** As survey and keep, one by one. */
function examineOdd(values: usize, count: i32): bool {
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

/** Are all values of a column that was examined one and the same word? */
export function isConstant(values: usize, count: i32): bool {
  return isPlain ? areSame : isConstantWord(values, count);
}

export function isConstantWord(values: usize, count: i32): bool {
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
