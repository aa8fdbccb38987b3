// Windows over one series with SIMD: growth per window (rate, increase, delta) and extremes. What
// the windows of a walk have in common stands in memory before: bounds, stretches, segments. Bit for
// bit what src/windows/counters.ts and statistics.ts compute; 0 where the series is not as plain as
// that, and the output is then undefined. Nothing is kept between calls: the caller owns the memory.

// Fields of the control block: addresses.
const LO: usize = 0;
const HI: usize = 4;
const INTERVAL: usize = 8;
const TO_START: usize = 12;
const TO_END: usize = 16;
const RANGE: usize = 20;
const SEGMENTS: usize = 24;
const LO_SEGMENT: usize = 28;
const HI_SEGMENT: usize = 32;
const FOLDED: usize = 36;
const SUFFIXES: usize = 40;

const SIGN: i64 = -0x8000000000000000;

function at(c: usize, field: usize): usize {
  return <usize>load<u32>(c + field);
}

function pair(values: usize, indexes: usize, by: i32): v128 {
  const first = values + ((<usize>(load<i32>(indexes) + by)) << 3);
  const second = values + ((<usize>(load<i32>(indexes, 4) + by)) << 3);
  return v128.load64_lane(second, v128.load64_splat(first), 1);
}

/** Growth stretched to the ends of each window, as if no value were a reset. */
export function growths(
  c: usize,
  values: usize,
  steps: i32,
  isCounter: i32,
  isPerSecond: i32,
  out: usize,
): void {
  const lo = at(c, LO);
  const hi = at(c, HI);
  const intervals = at(c, INTERVAL);
  const toStarts = at(c, TO_START);
  const toEnds = at(c, TO_END);
  const ranges = at(c, RANGE);
  const zero = f64x2.splat(0);
  const one = f64x2.splat(1);
  const counts = isCounter ? i64x2.splat(-1) : i64x2.splat(0);
  // The arrays have room for one step more.
  for (let k = 0; k < steps; k += 2) {
    const place = (<usize>k) << 3;
    const first = pair(values, lo + ((<usize>k) << 2), 0);
    const growth = f64x2.sub(pair(values, hi + ((<usize>k) << 2), -1), first);
    const interval = v128.load(intervals + place);
    let start = v128.load(toStarts + place);
    const isBounded = v128.and(v128.and(f64x2.gt(growth, zero), f64x2.ge(first, zero)), counts);
    const bound = f64x2.min(start, f64x2.mul(interval, f64x2.div(first, growth)));
    start = v128.bitselect(bound, start, isBounded);
    const length = f64x2.add(f64x2.add(interval, start), v128.load(toEnds + place));
    let factor = v128.bitselect(one, f64x2.div(length, interval), f64x2.eq(interval, zero));
    if (isPerSecond) factor = f64x2.div(factor, v128.load(ranges + place));
    v128.store(out + place, f64x2.mul(growth, factor));
  }
}

/** Does no value fall below the one before? */
export function isRising(values: usize, count: i32): i32 {
  let falls = i64x2.splat(0);
  let i = 1;
  for (; i + 1 < count; i += 2) {
    const place = values + ((<usize>i) << 3);
    falls = v128.or(falls, f64x2.lt(v128.load(place), v128.load(place - 8)));
  }
  if (v128.any_true(falls)) return 0;
  if (i < count) {
    const place = values + ((<usize>i) << 3);
    if (load<f64>(place) < load<f64>(place - 8)) return 0;
  }
  return 1;
}

/**
 * The greatest value of each window, or the least. Windows are whole segments of samples: each is
 * folded once. 0 where a value is no number, or a zero with a sign.
 */
export function extremes(
  c: usize,
  values: usize,
  segments: i32,
  steps: i32,
  isMax: i32,
  out: usize,
): i32 {
  const flip = i64x2.splat(isMax ? 0 : SIGN);
  if (!fold(c, values, segments, flip)) return 0;
  const lo = at(c, LO_SEGMENT);
  const hi = at(c, HI_SEGMENT);
  const folded = at(c, FOLDED);
  const suffixes = at(c, SUFFIXES);
  const none = f64x2.splat(-Infinity);
  let turn = 0;
  let end = 0;
  let back = none;
  for (let k = 0; k < steps; k++) {
    const from = load<i32>(lo + ((<usize>k) << 2));
    const to = load<i32>(hi + ((<usize>k) << 2));
    if (from == to) continue;
    if (from >= turn) {
      back = none;
      for (let i = to - 1; i >= from; i--) {
        back = f64x2.pmax(back, v128.load64_splat(folded + ((<usize>i) << 3)));
        v128.store64_lane(suffixes + ((<usize>i) << 3), back, 0);
      }
      back = none;
      turn = end = to;
    }
    for (; end < to; end++)
      back = f64x2.pmax(back, v128.load64_splat(folded + ((<usize>end) << 3)));
    const best = f64x2.pmax(v128.load64_splat(suffixes + ((<usize>from) << 3)), back);
    v128.store64_lane(out + ((<usize>k) << 3), v128.xor(best, flip), 0);
  }
  return 1;
}

/** The greatest value of each segment, signs flipped before. */
function fold(c: usize, values: usize, segments: i32, flip: v128): bool {
  const starts = at(c, SEGMENTS);
  const folded = at(c, FOLDED);
  const minusZero = i64x2.splat(SIGN);
  let odd = i64x2.splat(0);
  for (let s = 0; s < segments; s++) {
    let place = values + ((<usize>load<u32>(starts + ((<usize>s) << 2))) << 3);
    const end = values + ((<usize>load<u32>(starts + ((<usize>s) << 2), 4)) << 3);
    let best = f64x2.splat(-Infinity);
    for (; place + 8 < end; place += 16) {
      const some = v128.load(place);
      odd = v128.or(odd, v128.or(f64x2.ne(some, some), i64x2.eq(some, minusZero)));
      best = f64x2.pmax(best, v128.xor(some, flip));
    }
    if (place < end) {
      const some = v128.load64_splat(place);
      odd = v128.or(odd, v128.or(f64x2.ne(some, some), i64x2.eq(some, minusZero)));
      best = f64x2.pmax(best, v128.xor(some, flip));
    }
    best = f64x2.pmax(best, i64x2.shuffle(best, best, 1, 0));
    v128.store64_lane(folded + ((<usize>s) << 3), best, 0);
  }
  return !v128.any_true(odd);
}

/** Which of two slots are filled, as a mask; `filled` has a byte each. */
function maskOf(filled: u32): v128 {
  return i64x2(-(<i64>(filled & 1)), -(<i64>((filled >> 8) & 1)));
}

function filledAt(present: usize, k: i32, steps: i32): u32 {
  return k + 1 < steps ? <u32>load<u16>(present + k) : <u32>load<u8>(present + k);
}

/** Adds to the counts of two slots. */
function count(counts: usize, k: i32, filled: u32): void {
  const place = counts + ((<usize>k) << 2);
  store<u64>(place, load<u64>(place) + (<u64>(filled & 1) | ((<u64>((filled >> 8) & 1)) << 32)));
}

/** What is lost when `value` is added to `sum`. */
function lostOf(sum: v128, value: v128, total: v128): v128 {
  const large = f64x2.add(f64x2.sub(sum, total), value);
  const small = f64x2.add(f64x2.sub(value, total), sum);
  return v128.bitselect(large, small, f64x2.ge(f64x2.abs(sum), f64x2.abs(value)));
}

/** A column into compensated sums of a group. What lies behind an odd end stays as it is. */
export function addSums(
  present: usize,
  values: usize,
  steps: i32,
  main: usize,
  extra: usize,
  counts: usize,
): void {
  const infinity = f64x2.splat(Infinity);
  for (let k = 0; k < steps; k += 2) {
    const filled = filledAt(present, k, steps);
    const mask = maskOf(filled);
    const place = (<usize>k) << 3;
    const sum = v128.load(main + place);
    const value = v128.load(values + place);
    const before = v128.load(extra + place);
    const total = f64x2.add(sum, value);
    const lost = f64x2.add(before, lostOf(sum, value, total));
    const error = v128.andnot(lost, f64x2.eq(f64x2.abs(total), infinity));
    v128.store(main + place, v128.bitselect(total, sum, mask));
    // The last pair of sums may reach into the errors.
    const kept = v128.load(extra + place);
    v128.store(extra + place, v128.bitselect(error, kept, mask));
    count(counts, k, filled);
  }
}

/** The sums of a later chunk into those of the earlier ones. */
export function mergeSums(
  main: usize,
  extra: usize,
  counts: usize,
  addedMain: usize,
  addedExtra: usize,
  addedCounts: usize,
  steps: i32,
): void {
  const infinity = f64x2.splat(Infinity);
  for (let k = 0; k < steps; k += 2) {
    const first = load<u32>(addedCounts + ((<usize>k) << 2));
    const second = k + 1 < steps ? load<u32>(addedCounts + ((<usize>k) << 2), 4) : 0;
    const mask = maskOf(<u32>(first != 0) | ((<u32>(second != 0)) << 8));
    const place = (<usize>k) << 3;
    const sum = v128.load(main + place);
    const value = v128.load(addedMain + place);
    const before = v128.load(extra + place);
    const total = f64x2.add(sum, value);
    const lost = f64x2.add(before, lostOf(sum, value, total));
    const both = f64x2.add(lost, v128.load(addedExtra + place));
    const finite = v128.bitselect(both, lost, f64x2.eq(total, total));
    const error = v128.andnot(finite, f64x2.eq(f64x2.abs(total), infinity));
    v128.store(main + place, v128.bitselect(total, sum, mask));
    const kept = v128.load(extra + place);
    v128.store(extra + place, v128.bitselect(error, kept, mask));
    const at = counts + ((<usize>k) << 2);
    store<u64>(at, load<u64>(at) + (<u64>first | ((<u64>second) << 32)));
  }
}

/** A column into the extremes of a group. */
export function addExtremes(
  present: usize,
  values: usize,
  steps: i32,
  main: usize,
  counts: usize,
  isMax: i32,
): void {
  for (let k = 0; k < steps; k += 2) {
    const filled = filledAt(present, k, steps);
    const place = (<usize>k) << 3;
    const best = v128.load(main + place);
    const value = v128.load(values + place);
    const seen = load<u64>(counts + ((<usize>k) << 2));
    const isFirst = i64x2(-(<i64>(<u32>seen == 0)), -(<i64>(seen >> 32 == 0)));
    const isBetter = isMax ? f64x2.gt(value, best) : f64x2.lt(value, best);
    const wins = v128.or(v128.or(isBetter, isFirst), f64x2.ne(best, best));
    const mask = v128.and(wins, maskOf(filled));
    v128.store(main + place, v128.bitselect(value, best, mask));
    count(counts, k, filled);
  }
}
