// Windows over one series with SIMD: growth per window (rate, increase, delta), extremes, and sums,
// means and variances in the order of the samples, four windows side by side. What
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

// ------------------------------------------------------------- sums in order

/** Beyond it, squares of differences of all samples could overflow. */
const TAME: f64 = 1e150;

/** Are all values numbers of which sums and squares are finite? */
function areTame(values: usize, samples: i32): bool {
  const most = f64x2.splat(TAME);
  let odd = i64x2.splat(0);
  let i = 0;
  for (; i + 1 < samples; i += 2) {
    const some = v128.load(values + ((<usize>i) << 3));
    odd = v128.or(odd, v128.not(f64x2.le(f64x2.abs(some), most)));
  }
  if (v128.any_true(odd)) return false;
  return i == samples || abs(load<f64>(values + ((<usize>i) << 3))) <= TAME;
}

/** What rounding takes from `a + b`, which is `sum` (Knuth: whichever of the two is larger). */
function lostPair(a: v128, b: v128, sum: v128): v128 {
  const part = f64x2.sub(sum, a);
  return f64x2.add(f64x2.sub(a, f64x2.sub(sum, part)), f64x2.sub(b, part));
}

function lostOne(a: f64, b: f64, sum: f64): f64 {
  const part = sum - a;
  return a - (sum - part) + (b - part);
}

/** The least length of four windows. */
function commonOf(lo: usize, hi: usize): i32 {
  const lengths = i32x4.sub(v128.load(hi), v128.load(lo));
  const halves = i32x4.min_s(lengths, i32x4.shuffle(lengths, lengths, 2, 3, 0, 1));
  return min(i32x4.extract_lane(halves, 0), i32x4.extract_lane(halves, 1));
}

/** The sum or mean of a window of which `sum` and `error` have what is before `from`. */
function sumFrom(
  values: usize,
  from: i32,
  to: i32,
  size: i32,
  isMean: i32,
  sum: f64,
  error: f64,
): f64 {
  for (let i = from; i < to; i++) {
    const value = load<f64>(values + ((<usize>i) << 3));
    const total = sum + value;
    error += lostOne(sum, value, total);
    sum = total;
  }
  return isMean ? sum / <f64>size + error / <f64>size : sum + error;
}

/** Compensated sums or means of all windows, sample by sample; 0 where a value is not tame. */
export function sums(
  c: usize,
  values: usize,
  samples: i32,
  steps: i32,
  isMean: i32,
  out: usize,
): i32 {
  if (!areTame(values, samples)) return 0;
  const los = at(c, LO);
  const his = at(c, HI);
  for (let k = 0; k < steps; k += 4) {
    const lo = los + ((<usize>k) << 2);
    const hi = his + ((<usize>k) << 2);
    const common = k + 4 <= steps ? commonOf(lo, hi) : 0;
    let sum = f64x2.splat(0);
    let error = sum;
    let nextSum = sum;
    let nextError = sum;
    for (let i = 0; i < common; i++) {
      const value = pair(values, lo, i);
      const total = f64x2.add(sum, value);
      error = f64x2.add(error, lostPair(sum, value, total));
      sum = total;
      const nextValue = pair(values, lo + 8, i);
      const nextTotal = f64x2.add(nextSum, nextValue);
      nextError = f64x2.add(nextError, lostPair(nextSum, nextValue, nextTotal));
      nextSum = nextTotal;
    }
    const windows = min(4, steps - k);
    for (let w = 0; w < windows; w++) {
      const from = load<i32>(lo + ((<usize>w) << 2));
      const to = load<i32>(hi + ((<usize>w) << 2));
      const first = from + common;
      const result = sumFrom(
        values,
        first,
        to,
        to - from,
        isMean,
        f64x2.extract_lane(sum, 0),
        f64x2.extract_lane(error, 0),
      );
      store<f64>(out + ((<usize>(k + w)) << 3), result);
      sum = w == 1 ? nextSum : i64x2.shuffle(sum, sum, 1, 0);
      error = w == 1 ? nextError : i64x2.shuffle(error, error, 1, 0);
    }
  }
  return 1;
}

/** The variance of a window of which the first `done` samples are in the sums. */
function varianceFrom(
  values: usize,
  from: i32,
  to: i32,
  done: i32,
  mean: f64,
  meanError: f64,
  squares: f64,
  squaresError: f64,
): f64 {
  for (let i = from + done; i < to; i++) {
    const value = load<f64>(values + ((<usize>i) << 3));
    const delta = value - (mean + meanError);
    const part = delta / <f64>(i - from + 1);
    const nextMean = mean + part;
    meanError += lostOne(mean, part, nextMean);
    mean = nextMean;
    const square = delta * (value - (mean + meanError));
    const nextSquares = squares + square;
    squaresError += lostOne(squares, square, nextSquares);
    squares = nextSquares;
  }
  return (squares + squaresError) / <f64>(to - from);
}

/** The same for variances after Welford, or their roots. */
export function variances(
  c: usize,
  values: usize,
  samples: i32,
  steps: i32,
  isRoot: i32,
  out: usize,
): i32 {
  if (!areTame(values, samples)) return 0;
  const los = at(c, LO);
  const his = at(c, HI);
  for (let k = 0; k < steps; k += 4) {
    const lo = los + ((<usize>k) << 2);
    const hi = his + ((<usize>k) << 2);
    const common = k + 4 <= steps ? commonOf(lo, hi) : 0;
    let mean = f64x2.splat(0);
    let meanError = mean;
    let squares = mean;
    let squaresError = mean;
    let nextMean = mean;
    let nextMeanError = mean;
    let nextSquares = mean;
    let nextSquaresError = mean;
    for (let i = 0; i < common; i++) {
      const seen = f64x2.splat(<f64>(i + 1));
      const value = pair(values, lo, i);
      const delta = f64x2.sub(value, f64x2.add(mean, meanError));
      const part = f64x2.div(delta, seen);
      const moved = f64x2.add(mean, part);
      meanError = f64x2.add(meanError, lostPair(mean, part, moved));
      mean = moved;
      const square = f64x2.mul(delta, f64x2.sub(value, f64x2.add(mean, meanError)));
      const total = f64x2.add(squares, square);
      squaresError = f64x2.add(squaresError, lostPair(squares, square, total));
      squares = total;
      const nextValue = pair(values, lo + 8, i);
      const nextDelta = f64x2.sub(nextValue, f64x2.add(nextMean, nextMeanError));
      const nextPart = f64x2.div(nextDelta, seen);
      const nextMoved = f64x2.add(nextMean, nextPart);
      nextMeanError = f64x2.add(nextMeanError, lostPair(nextMean, nextPart, nextMoved));
      nextMean = nextMoved;
      const nextOff = f64x2.sub(nextValue, f64x2.add(nextMean, nextMeanError));
      const nextSquare = f64x2.mul(nextDelta, nextOff);
      const nextTotal = f64x2.add(nextSquares, nextSquare);
      nextSquaresError = f64x2.add(nextSquaresError, lostPair(nextSquares, nextSquare, nextTotal));
      nextSquares = nextTotal;
    }
    const windows = min(4, steps - k);
    for (let w = 0; w < windows; w++) {
      const from = load<i32>(lo + ((<usize>w) << 2));
      const to = load<i32>(hi + ((<usize>w) << 2));
      const variance = varianceFrom(
        values,
        from,
        to,
        common,
        f64x2.extract_lane(mean, 0),
        f64x2.extract_lane(meanError, 0),
        f64x2.extract_lane(squares, 0),
        f64x2.extract_lane(squaresError, 0),
      );
      store<f64>(out + ((<usize>(k + w)) << 3), isRoot ? sqrt(variance) : variance);
      mean = w == 1 ? nextMean : i64x2.shuffle(mean, mean, 1, 0);
      meanError = w == 1 ? nextMeanError : i64x2.shuffle(meanError, meanError, 1, 0);
      squares = w == 1 ? nextSquares : i64x2.shuffle(squares, squares, 1, 0);
      squaresError = w == 1 ? nextSquaresError : i64x2.shuffle(squaresError, squaresError, 1, 0);
    }
  }
  return 1;
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
