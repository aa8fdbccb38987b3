// How residuals would be packed (docs/formats/vector.md): base, widths, patches and bytes, as
// src/codec/vector-encode.ts plans it. Where that has histograms of widths, numbers beyond a limit
// are counted, limit after limit down, until patches alone cost more than the best width: the same
// widths are compared in the same order.
import { wordsOfAny } from './bits';
import { CENTRE, COLUMN_SIZE, GROUP, PLANS, PLAN_SIZE, RESIDUALS } from './seal-scratch';
import { signedSize, widthOf } from './seal-scratch';

/** Bytes in a plan. */
export const BASE: usize = 0;
export const XS: usize = 8;
export const IS_NARROW: usize = 12;
/** Of the first group and of the second. */
export const WIDTHS: usize = 16;
export const PATCH_SIZE: usize = 24;
export const PATCH_COUNT: usize = 28;
/** Of the vector without its first number and its exceptions. */
export const SIZE_BYTES: usize = 32;
export const RESIDUAL_COUNT: usize = 36;

const HEADER_SIZE: i32 = 6;
const PATCHES_MAX: i32 = 255;
const CENTRE_COUNT: i32 = 31;
const CENTRE_COUNT_SHORT: i32 = 15;
/** No floor is nearer to the greatest residual. */
const FLOOR_DISTANCE: i64 = 6;

/** What `findLimits` found. */
export let least: i64 = 0;
export let greatest: i64 = 0;

/** Leaves the extremes of a column with whole rows. */
export function findLimits<T>(column: usize, size: i32): void {
  let min = v128.load(column);
  let max = min;
  const end = column + <usize>size * sizeof<T>();
  for (let at = column; at < end; at += 16) {
    const x = v128.load(at);
    if (sizeof<T>() == 4) {
      min = v128.min<i32>(min, x);
      max = v128.max<i32>(max, x);
    } else {
      min = v128.bitselect(x, min, v128.lt<i64>(x, min));
      max = v128.bitselect(x, max, v128.gt<i64>(x, max));
    }
  }
  least = leastLane<T>(min);
  greatest = greatestLane<T>(max);
}

function leastLane<T>(x: v128): i64 {
  if (sizeof<T>() == 8) return min(i64x2.extract_lane(x, 0), i64x2.extract_lane(x, 1));
  const folded = i32x4.min_s(x, i32x4.shuffle(x, x, 2, 3, 0, 1));
  return <i64>min(i32x4.extract_lane(folded, 0), i32x4.extract_lane(folded, 1));
}

function greatestLane<T>(x: v128): i64 {
  if (sizeof<T>() == 8) return max(i64x2.extract_lane(x, 0), i64x2.extract_lane(x, 1));
  const folded = i32x4.max_s(x, i32x4.shuffle(x, x, 2, 3, 0, 1));
  return <i64>max(i32x4.extract_lane(folded, 0), i32x4.extract_lane(folded, 1));
}

/** The plan for a column of i32 whose extremes were found; its address. */
export function planNarrow(s: usize, index: i32, column: usize, size: i32, divisor: i32): usize {
  return planBest<i32>(s, index, column, size, divisor);
}

/** The same for i64; the column is narrowed where its numbers allow it. */
export function planWide(s: usize, index: i32, column: usize, size: i32, divisor: i32): usize {
  if (!areNarrow()) return planBest<i64>(s, index, column, size, divisor);
  const end = column + ((<usize>size) << 3);
  let to = column;
  for (let at = column; at < end; at += 32) {
    const low = v128.load(at);
    v128.store(to, i32x4.shuffle(low, v128.load(at, 16), 0, 2, 4, 6));
    to += 16;
  }
  return planBest<i32>(s, index, column, size, divisor);
}

/** Are all of 32 bits, and all distances between them of 31? */
export function areNarrow(): bool {
  return (
    least >= <i64>i32.MIN_VALUE &&
    greatest <= <i64>i32.MAX_VALUE &&
    greatest - least <= <i64>i32.MAX_VALUE
  );
}

/** From the least, or from one that few are below. Plan `index` + 1 is overwritten too. */
function planBest<T>(s: usize, index: i32, column: usize, size: i32, divisor: i32): usize {
  const min = least;
  const max = greatest;
  const plan = planFrom<T>(s, index, column, size, min, max - min, divisor);
  if (load<i64>(plan, WIDTHS) == 0 && load<i32>(plan, PATCH_COUNT) == 0) return plan;
  if (max - min <= FLOOR_DISTANCE) return plan;
  const floor = floorOf<T>(s, column, size);
  if (min >= floor) return plan;
  const base = leastFrom<T>(column, size, floor);
  const reach = max - base > base - min ? max - base : base - min;
  const other = planFrom<T>(s, index + 1, column, size, base, reach, divisor);
  return load<i32>(other, SIZE_BYTES) < load<i32>(plan, SIZE_BYTES) ? other : plan;
}

/** Far below the middle half of a sample. In doubles, as the reference has it, it is the same. */
function floorOf<T>(s: usize, column: usize, size: i32): i64 {
  const centre = s + CENTRE;
  const wanted = size < GROUP ? CENTRE_COUNT_SHORT : CENTRE_COUNT;
  const step = max(1, size / wanted);
  const last: T = sizeof<T>() == 4 ? <T>i32.MAX_VALUE : <T>i64.MAX_VALUE;
  let taken = 0;
  let to = centre;
  for (let i = 0; i < size && taken < wanted; i += step) {
    store<T>(to, load<T>(column + <usize>i * sizeof<T>()));
    to += sizeof<T>();
    taken++;
  }
  for (const end = centre + <usize>(wanted + 1) * sizeof<T>(); to < end; to += sizeof<T>())
    store<T>(to, last);
  rank<T>(centre, wanted + 1, taken);
  return lower - 6 * (upper - lower + 1);
}

/** The middle half of a sample is between these. */
let lower: i64 = 0;
let upper: i64 = 0;

/**
 * Of `taken` numbers finds the ones with a quarter before and a quarter behind, were they in order:
 * the greatest of those that have no more before them. No branch depends on the numbers.
 */
function rank<T>(centre: usize, room: i32, taken: i32): void {
  const lowerRanks = v128.splat<T>(<T>-(taken >> 2));
  const upperRanks = v128.splat<T>(<T>((taken >> 2) + 1 - taken));
  const end = centre + <usize>room * sizeof<T>();
  const takenEnd = centre + <usize>taken * sizeof<T>();
  let lowers = v128.splat<T>(sizeof<T>() == 4 ? <T>i32.MIN_VALUE : <T>i64.MIN_VALUE);
  let uppers = lowers;
  for (let at = centre; at < end; at += 64) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    // So many numbers are before each, as negative ones.
    let aBefore = v128.splat<T>(0);
    let bBefore = aBefore;
    let cBefore = aBefore;
    let dBefore = aBefore;
    for (let other = centre; other < takenEnd; other += sizeof<T>()) {
      const x = sizeof<T>() == 4 ? v128.load32_splat(other) : v128.load64_splat(other);
      aBefore = v128.add<T>(aBefore, v128.lt<T>(x, a));
      bBefore = v128.add<T>(bBefore, v128.lt<T>(x, b));
      cBefore = v128.add<T>(cBefore, v128.lt<T>(x, c));
      dBefore = v128.add<T>(dBefore, v128.lt<T>(x, d));
    }
    lowers = greaterWhere<T>(lowers, a, v128.ge<T>(aBefore, lowerRanks));
    lowers = greaterWhere<T>(lowers, b, v128.ge<T>(bBefore, lowerRanks));
    lowers = greaterWhere<T>(lowers, c, v128.ge<T>(cBefore, lowerRanks));
    lowers = greaterWhere<T>(lowers, d, v128.ge<T>(dBefore, lowerRanks));
    uppers = greaterWhere<T>(uppers, a, v128.ge<T>(aBefore, upperRanks));
    uppers = greaterWhere<T>(uppers, b, v128.ge<T>(bBefore, upperRanks));
    uppers = greaterWhere<T>(uppers, c, v128.ge<T>(cBefore, upperRanks));
    uppers = greaterWhere<T>(uppers, d, v128.ge<T>(dBefore, upperRanks));
  }
  lower = greatestLane<T>(lowers);
  upper = greatestLane<T>(uppers);
}

function greaterWhere<T>(best: v128, x: v128, mask: v128): v128 {
  return v128.bitselect(x, best, v128.and(mask, v128.gt<T>(x, best)));
}

/** The least residual that is not below the floor. */
function leastFrom<T>(column: usize, size: i32, floor: i64): i64 {
  const floors = v128.splat<T>(<T>floor);
  let best = v128.splat<T>(sizeof<T>() == 4 ? <T>i32.MAX_VALUE : <T>i64.MAX_VALUE);
  const end = column + <usize>size * sizeof<T>();
  for (let at = column; at < end; at += 16) {
    const x = v128.load(at);
    const isBetter = v128.and(v128.ge<T>(x, floors), v128.lt<T>(x, best));
    best = v128.bitselect(x, best, isBetter);
  }
  return leastLane<T>(best);
}

/** Fills a plan for numbers no further than `reach` from `base`. */
function planFrom<T>(
  s: usize,
  index: i32,
  column: usize,
  size: i32,
  base: i64,
  reach: i64,
  divisor: i32,
): usize {
  const plan = s + PLANS + <usize>index * PLAN_SIZE;
  const xs = s + RESIDUALS + <usize>index * COLUMN_SIZE;
  const widest = widthOf(reach);
  const patchSize = widest < 8 ? 1 : widest < 16 ? 2 : widest < 32 ? 4 : 8;
  store<i64>(plan, base, BASE);
  store<u32>(plan, <u32>xs, XS);
  store<i32>(plan, sizeof<T>() == 4 ? 1 : 0, IS_NARROW);
  store<i64>(plan, 0, WIDTHS);
  store<i32>(plan, patchSize, PATCH_SIZE);
  store<i32>(plan, size, RESIDUAL_COUNT);
  let bytes = HEADER_SIZE + signedSize(base) + divisor;
  let patches = 0;
  // All that are alike are the base.
  if (reach != 0) {
    subtract<T>(xs, column, size, base);
    bytes += planGroup<T>(xs, min(size, GROUP), 1 + patchSize);
    store<i32>(plan, bestWidth, WIDTHS);
    patches = bestPatches;
    if (size > GROUP) {
      bytes += planGroup<T>(xs + GROUP * sizeof<T>(), size - GROUP, 1 + patchSize);
      store<i32>(plan, bestWidth, WIDTHS + 4);
      patches += bestPatches;
    }
  }
  store<i32>(plan, patches, PATCH_COUNT);
  store<i32>(plan, patches > PATCHES_MAX ? i32.MAX_VALUE : bytes, SIZE_BYTES);
  return plan;
}

/** Distances from the base, zeros behind the last one. */
function subtract<T>(xs: usize, column: usize, size: i32, base: i64): void {
  const bases = v128.splat<T>(<T>base);
  const length = <usize>size * sizeof<T>();
  for (let at: usize = 0; at < length; at += 16)
    v128.store(xs + at, v128.sub<T>(v128.load(column + at), bases));
  const end = xs + length;
  store<T>(end, 0);
  store<T>(end + sizeof<T>(), 0);
  store<T>(end + 2 * sizeof<T>(), 0);
}

/** What `planGroup` chose. */
let bestWidth: i32 = 0;
let bestPatches: i32 = 0;

/** Least bytes of words and patches of a group. */
function planGroup<T>(xs: usize, count: i32, patchBytes: i32): i32 {
  let best = i32.MAX_VALUE;
  let width = 0;
  let limit: i64 = sizeof<T>() == 4 ? <i64>i32.MAX_VALUE : i64.MAX_VALUE;
  do {
    countBeyond<T>(xs, count, <T>limit);
    const patchesBytes = beyondCount * patchBytes;
    if (patchesBytes >= best) break;
    width = widthOf(withinBits);
    const cost = (wordsOfAny(count, width) << 2) + patchesBytes;
    if (cost < best) {
      best = cost;
      bestWidth = width;
      bestPatches = beyondCount;
    }
    limit = (((<i64>1) << width) >> 1) - 1;
  } while (width > 0);
  return best;
}

/** What `countBeyond` found: how many, and all bits of the others. */
let beyondCount: i32 = 0;
let withinBits: i64 = 0;

/** Numbers below 0 or above the limit. */
function countBeyond<T>(xs: usize, count: i32, limit: T): void {
  const limits = v128.splat<T>(limit);
  const zero = v128.splat<T>(0);
  let beyond = zero;
  let bits = zero;
  const end = xs + <usize>count * sizeof<T>();
  for (let at = xs; at < end; at += 16) {
    const x = v128.load(at);
    const isBeyond = v128.or(v128.gt<T>(x, limits), v128.lt<T>(x, zero));
    beyond = v128.sub<T>(beyond, isBeyond);
    bits = v128.or(bits, v128.andnot(x, isBeyond));
  }
  if (sizeof<T>() == 4) {
    beyond = i32x4.add(beyond, i32x4.shuffle(beyond, beyond, 2, 3, 0, 1));
    bits = v128.or(bits, i32x4.shuffle(bits, bits, 2, 3, 0, 1));
    beyondCount = i32x4.extract_lane(beyond, 0) + i32x4.extract_lane(beyond, 1);
    withinBits = <i64>(i32x4.extract_lane(bits, 0) | i32x4.extract_lane(bits, 1));
  } else {
    beyondCount = <i32>(i64x2.extract_lane(beyond, 0) + i64x2.extract_lane(beyond, 1));
    withinBits = i64x2.extract_lane(bits, 0) | i64x2.extract_lane(bits, 1);
  }
}
