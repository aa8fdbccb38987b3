// Integer streams (docs/formats/block.md, "Integer stream"): src/codec/integer-encode.ts is the
// reference, and writes the same bytes. Columns are whole numbers of 64 bits.
import { packRows } from './bits';
import { chooseOrder } from './encode-order';
import {
  ALL_WIDTHS,
  CENTRE,
  GAPS,
  GROUP,
  GROUP_WIDTHS,
  HIGH,
  JUMPS,
  LOW,
  NARROW,
  OFFSETS,
  RESIDUALS,
  WIDTHS,
  WIDTHS_SIZE,
  int64,
  intoCentre,
  narrowBucket,
  putVarint,
  putZigzag,
  widthOf,
} from './encode-scratch';
import { entropyBits, putEntropy } from './encode-symbols';

const CONST: u8 = 0;
const CONST_DELTA: u8 = 1;
const RUNS: u8 = 2;
const PACKED: i32 = 3;
const ENTROPY: i32 = 4;
const SPARSE: u8 = 5;
const HAS_DIVISOR: i32 = 32;
const IS_ZIGZAG: i32 = 64;
const ONE_WIDTH: u8 = 128;
const JUMP_MAX: i64 = 1 << 49;
const SPREAD_MAX: i64 = 1 << 51;
const NARROW_SPREAD_MAX: i64 = 1 << 29;
const ENTROPY_COUNT_MIN: i32 = 40;
const SPARSE_CHANGES_MIN: i32 = 48;
const CENTRE_COUNT: i32 = 31;
const NEGATIVE: i32 = 54;
const LONG_COLUMN_COUNT: i32 = 2048;
const ENTROPY_RATIO: f64 = 0.88;
const ENTROPY_RATIO_LONG: f64 = 0.96;

/** Of the residuals at hand. */
let least: i64 = 0;
let greatest: i64 = 0;
let centreSize: i32 = 0;
let isNarrow: bool = false;

/** Writes the stream of the first `count` numbers; its end. */
export function putStream(s: usize, out: usize, values: usize, count: i32, maySparse: bool): usize {
  const first = load<i64>(values);
  const delta = count > 1 ? load<i64>(values, 8) - first : 0;
  let changes = 0;
  let isRamp = true;
  let isSteep = false;
  let previous = first;
  for (let i = 1; i < count; i++) {
    const value = int64(values, i);
    const step = value - previous;
    changes += <i32>(step != 0);
    isRamp = isRamp && step == delta;
    isSteep = isSteep || step >= JUMP_MAX || step <= -JUMP_MAX;
    previous = value;
  }
  if (isRamp) {
    store<u8>(out, delta == 0 ? CONST : CONST_DELTA);
    const at = putZigzag(out + 1, first);
    return delta == 0 ? at : putZigzag(at, delta);
  }
  if (maySparse && !isSteep && changes >= SPARSE_CHANGES_MIN && changes * 6 < count)
    return putSparse(s, out, values, count, changes);
  if (changes * 24 < count || changes < 8) return putRuns(out, values, count, changes);
  return putDifferences(s, out, values, count);
}

function putRuns(out: usize, values: usize, count: i32, changes: i32): usize {
  store<u8>(out, RUNS);
  let previous = load<i64>(values);
  let at = putVarint(putZigzag(out + 1, previous), <u64>changes);
  let last = 0;
  for (let i = 1; i < count; i++) {
    const value = int64(values, i);
    if (value == previous) continue;
    at = putZigzag(putVarint(at, <u64>(i - last - 1)), value - previous);
    last = i;
    previous = value;
  }
  return at;
}

function putSparse(s: usize, out: usize, values: usize, count: i32, changes: i32): usize {
  store<u8>(out, SPARSE);
  let previous = load<i64>(values);
  let at = putVarint(putZigzag(out + 1, previous), <u64>changes);
  let last = 0;
  let filled: usize = 0;
  for (let i = 1; i < count; i++) {
    const value = int64(values, i);
    if (value == previous) continue;
    store<i64>(s + GAPS + filled, <i64>(i - last - 1));
    store<i64>(s + JUMPS + filled, value - previous);
    filled += 8;
    last = i;
    previous = value;
  }
  at = putStream(s, at, s + GAPS, changes, false);
  return putStream(s, at, s + JUMPS, changes, false);
}

/** Greatest common divisor of the distances from the first; 0 where all are equal. */
function divisorOf(values: usize, count: i32): i64 {
  const first = load<i64>(values);
  let divisor: i64 = 0;
  for (let i = 1; i < count; i++) {
    const distance = int64(values, i) - first;
    const offset = distance < 0 ? -distance : distance;
    if (divisor != 0) {
      const quotient = <f64>offset / <f64>divisor;
      if (quotient == floor(quotient)) continue;
    }
    let a = divisor;
    let b = offset;
    while (a != 0) {
      const rest = b % a;
      b = a;
      a = rest;
    }
    divisor = b;
    if (divisor == 1) return 1;
  }
  return divisor;
}

function putDifferences(s: usize, out: usize, values: usize, count: i32): usize {
  const first = load<i64>(values);
  const divisor = divisorOf(values, count);
  fillOffsets(s, values, count, first, divisor);
  let order = chooseOrder(s, count);
  fillResiduals(s, order, count);
  if (greatest - least >= SPREAD_MAX) fillResiduals(s, (order = 0), count);
  const size = count - order;
  const middle = centreOfResiduals(s, size);
  const min = least;
  isNarrow = greatest - min < NARROW_SPREAD_MAX;
  if (isNarrow)
    for (let i = 0; i < size; i++)
      store<i32>(s + NARROW + ((<usize>i) << 2), <i32>(int64(s + RESIDUALS, i) - min));
  planPacking(s, size);
  const ratio = size >= LONG_COLUMN_COUNT ? ENTROPY_RATIO_LONG : ENTROPY_RATIO;
  const end = size >= ENTROPY_COUNT_MIN ? planBits * ratio : 0;
  const top = isNarrow ? narrowBucket(<u32>(2 * (greatest - min))) : 211;
  const zigzagBits = entropyBits(s, size, middle, min, isNarrow, true, top, end);
  const offsetBits = entropyBits(s, size, min, min, isNarrow, false, top, end);
  const isEntropy = Math.min(zigzagBits, offsetBits) < end;
  const isZigzag = isEntropy && zigzagBits < offsetBits;
  let head = (isEntropy ? ENTROPY : PACKED) | (order << 3);
  if (divisor != 1) head |= HAS_DIVISOR;
  if (isZigzag) head |= IS_ZIGZAG;
  store<u8>(out, <u8>head);
  let at = putZigzag(out + 1, first);
  if (order == 2) at = putZigzag(at, int64(s + OFFSETS, 1));
  if (divisor != 1) at = putVarint(at, <u64>divisor);
  if (isEntropy) return putEntropy(s, at, size, isZigzag ? middle : min, min, isNarrow, isZigzag);
  return putPacked(s, at, size);
}

/** Quotients are whole: of numbers of this size a division of doubles gives them exactly. */
function fillOffsets(s: usize, values: usize, count: i32, first: i64, divisor: i64): void {
  const to = s + OFFSETS;
  if (divisor == 1) {
    const firsts = i64x2.splat(first);
    for (let i: usize = 0; i < (<usize>count) << 3; i += 16)
      v128.store(to + i, i64x2.sub(v128.load(values + i), firsts));
    return;
  }
  for (let i = 0; i < count; i++) {
    const quotient = <f64>(int64(values, i) - first) / <f64>divisor;
    store<i64>(to + ((<usize>i) << 3), <i64>quotient);
  }
}

/** Leaves the extremes in `least` and `greatest`. */
function fillResiduals(s: usize, order: i32, count: i32): void {
  let min = i64.MAX_VALUE;
  let max = i64.MIN_VALUE;
  let before: i64 = order == 0 ? 0 : int64(s + OFFSETS, order - 1);
  let step: i64 = order == 2 ? before - int64(s + OFFSETS, 0) : 0;
  let to = s + RESIDUALS;
  for (let i = order; i < count; i++) {
    const offset = int64(s + OFFSETS, i);
    let residual = offset;
    if (order != 0) {
      residual = offset - before;
      before = offset;
      if (order == 2) {
        const own = residual;
        residual -= step;
        step = own;
      }
    }
    store<i64>(to, residual);
    to += 8;
    min = residual < min ? residual : min;
    max = residual > max ? residual : max;
  }
  least = min;
  greatest = max;
}

function centreOfResiduals(s: usize, size: i32): i64 {
  const step = max(1, size / CENTRE_COUNT);
  let filled = 0;
  for (let i = 0; i < size && filled < CENTRE_COUNT; i += step)
    intoCentre(s, filled++, int64(s + RESIDUALS, i));
  centreSize = filled;
  return int64(s + CENTRE, filled >> 1);
}

// ---------------------------------------------------------------- packed groups

let planBase: i64 = 0;
let planBits: f64 = 0;
let isOneWidth: bool = false;
/** Where the widths of the plan are. */
let planWidths: usize = 0;
let chosenWidth: i32 = 0;

function exceptionBits(width: i32): i32 {
  return 8 + 8 * ((width + 7) / 7);
}

/** The cheaper of two bases: the minimum, or one that few residuals are below. */
function planPacking(s: usize, size: i32): void {
  const quarter = centreSize >> 2;
  const lower = <f64>int64(s + CENTRE, quarter);
  const upper = <f64>int64(s + CENTRE, centreSize - 1 - quarter);
  const floor = <i64>(lower - 6 * (upper - lower + 1));
  plan(s, size, least, s + WIDTHS);
  if (least >= floor) return;
  let base = i64.MAX_VALUE;
  for (let i = 0; i < size; i++) {
    const residual = int64(s + RESIDUALS, i);
    if (residual >= floor && residual < base) base = residual;
  }
  const bits = planBits;
  const isOne = isOneWidth;
  plan(s, size, base, s + WIDTHS + WIDTHS_SIZE);
  if (planBits < bits) return;
  planBase = least;
  planBits = bits;
  isOneWidth = isOne;
  planWidths = s + WIDTHS;
}

function plan(s: usize, size: i32, base: i64, widths: usize): void {
  const widest = widthOf(greatest - base);
  const belowBits = exceptionBits(widest + 2);
  const shift = <i32>(base - least);
  memory.fill(s + ALL_WIDTHS, 0, 256);
  let costBits: f64 = 0;
  let group = 0;
  for (let from = 0; from < size; from += GROUP, group++) {
    const to = min(from + GROUP, size);
    memory.fill(s + GROUP_WIDTHS, 0, 256);
    for (let i = from; i < to; i++) {
      let width = NEGATIVE;
      if (isNarrow) {
        const x = load<i32>(s + NARROW + ((<usize>i) << 2)) - shift;
        if (x >= 0) width = 32 - clz(x);
      } else {
        const x = int64(s + RESIDUALS, i) - base;
        if (x >= 0) width = widthOf(x);
      }
      const at = s + GROUP_WIDTHS + ((<usize>width) << 2);
      store<i32>(at, load<i32>(at) + 1);
    }
    costBits += 8 + bestWidth(s + GROUP_WIDTHS, widest, belowBits, to - from, to - from);
    store<u8>(widths + group, <u8>chosenWidth);
    for (let at: usize = 0; at < 224; at += 16) {
      const place = s + ALL_WIDTHS + at;
      v128.store(place, i32x4.add(v128.load(place), v128.load(s + GROUP_WIDTHS + at)));
    }
  }
  const oneWidthBits = 8 + bestWidth(s + ALL_WIDTHS, widest, belowBits, GROUP, size);
  planBase = base;
  planWidths = widths;
  isOneWidth = oneWidthBits <= costBits;
  planBits = Math.min(oneWidthBits, costBits);
  if (isOneWidth) memory.fill(widths, <u8>chosenWidth, group);
}

/** Cost of the best width for values with this histogram of widths; leaves it in `chosenWidth`. */
function bestWidth(widths: usize, widest: i32, belowBits: i32, groupCount: i32, size: i32): f64 {
  let exceptions = <f64>(load<i32>(widths + ((<usize>NEGATIVE) << 2)) * belowBits);
  let best = Infinity;
  for (let width = widest; width >= 0; width--) {
    const packed = <f64>packedBits(groupCount, width) * <f64>size;
    const bits = exceptions + packed / <f64>groupCount;
    if (bits < best) {
      best = bits;
      chosenWidth = width;
    }
    exceptions += <f64>(load<i32>(widths + ((<usize>width) << 2)) * exceptionBits(width));
  }
  return best;
}

function words(count: i32, width: i32): i32 {
  return 4 * ((((count + 3) >> 2) * width + 31) >> 5);
}

function packedBits(count: i32, width: i32): i32 {
  if (width <= 32) return 32 * words(count, width);
  return 32 * (words(count, 32) + words(count, width - 32));
}

function putPacked(s: usize, out: usize, size: i32): usize {
  let at = putExceptions(s, putZigzag(out, planBase), size);
  const groups = (size + GROUP - 1) / GROUP;
  if (isOneWidth) store<u8>(at++, load<u8>(planWidths) | ONE_WIDTH);
  else {
    memory.copy(at, planWidths, groups);
    at += groups;
  }
  for (let group = 0; group < groups; group++) {
    const from = group * GROUP;
    const rows = (min(GROUP, size - from) + 3) >> 2;
    const width = <i32>load<u8>(planWidths + group);
    at = packRows(s + LOW + ((<usize>from) << 2), at, rows, min(32, width));
    if (width > 32) at = packRows(s + HIGH + ((<usize>from) << 2), at, rows, width - 32);
  }
  return at;
}

/** Splits residuals into LOW and HIGH, zeros where one does not fit, and lists those. */
function putExceptions(s: usize, out: usize, size: i32): usize {
  let exceptions = 0;
  for (let from = 0; from < size; from += GROUP) {
    const to = min(from + GROUP, size);
    const end = (<i64>1) << (<i64>load<u8>(planWidths + (from >> 7)));
    for (let i = from; i < to; i++) {
      const x = int64(s + RESIDUALS, i) - planBase;
      const isFit = x >= 0 && x < end;
      const kept = isFit ? x : 0;
      store<u32>(s + LOW + ((<usize>i) << 2), <u32>kept);
      store<u32>(s + HIGH + ((<usize>i) << 2), <u32>(kept >> 32));
      exceptions += <i32>!isFit;
    }
  }
  // What the last row does not use.
  for (let i = size; (i & 3) != 0; i++) {
    store<u32>(s + LOW + ((<usize>i) << 2), 0);
    store<u32>(s + HIGH + ((<usize>i) << 2), 0);
  }
  let at = putVarint(out, <u64>exceptions);
  if (exceptions == 0) return at;
  let last = -1;
  for (let i = 0; i < size; i++) {
    const x = int64(s + RESIDUALS, i) - planBase;
    if (x >= 0 && x < (<i64>1) << (<i64>load<u8>(planWidths + (i >> 7)))) continue;
    at = putZigzag(putVarint(at, <u64>(i - last - 1)), x);
    last = i;
  }
  return at;
}
