// asc: --enable threads --sharedMemory
// Closed pages of a series in a shard's head to one sealed page (src/tsdb/head-sealed.ts), in the
// head's own memory: its times and values as two vectors (docs/formats/vector.md) behind a header.
// That file and src/codec/vector-encode.ts are the reference, and give the same bytes. Nothing is
// kept between calls, and nothing is written but the scratch (shared/seal-scratch.ts).
import {
  BLOCK_BYTES,
  COARSE_TICK_US,
  F64,
  GREATEST,
  KIND_MASK,
  LEAST,
  PAGE_META,
  SAMPLES,
  SEALED,
  SEALED_COUNT,
  TICKS_SIZE,
  TICK_COARSE,
  TICK_MICROSECOND,
  TICK_MILLISECOND,
  TICK_SHIFT,
  VALUES_SIZE,
  VECTORS_AT,
  tickUsOf,
} from './shared/head-page';
import { divisorSize, putGroups, putHeader, putPatches, sizeOfFirst } from './shared/seal-bytes';
import {
  divisor,
  exceptionCount,
  exponent,
  first,
  isNarrow,
  takeDecimals,
  takeIntegers,
  takeOffsets,
  takeSteps,
  takeWords,
} from './shared/seal-numbers';
import {
  RESIDUAL_COUNT,
  SIZE_BYTES,
  areNarrow,
  findLimits,
  greatest,
  least,
  planNarrow,
  planWide,
} from './shared/seal-plan';
import {
  COUNT_MAX,
  EXCEPTIONS,
  IMAGE,
  OFFSETS,
  PAGES,
  STEPS,
  TICKS,
  TIMES,
  WIDE_OFFSETS,
  WORDS,
  pad,
  signedSize,
} from './shared/seal-scratch';

/** Whole numbers below are as exact as their sums with offsets of a page. */
const EXACT_END: f64 = 4503599627370496;
/** Sums of two ticks below have 32 bits. */
const TICKS_END: i32 = 1 << 30;

const FORM_RAW: u8 = 0;
const FORM_CONST: u8 = 1;
const FORM_OFFSETS: i32 = 2;
const FORM_DIFFERENCES: i32 = 3;
const EXCEPTION_SIZE: i32 = 9;

const REFUSED: i32 = 0;
const TOO_FAR_APART: i32 = -1;

/**
 * The sealed page of the first `pages` pages in the scratch, plain ones of one kind, to its image;
 * its size in bytes. The page before it is left 0. 0: refused; −1: the times are too far apart.
 */
export function seal(s: usize, pages: i32): i32 {
  if (pages < 1 || pages > COUNT_MAX) return REFUSED;
  const kind = load<u32>(pageAt(s, 0), PAGE_META) & KIND_MASK;
  const count = readPages(s, pages, kind);
  if (count < 1) return REFUSED;
  pad<i64>(s + WORDS, count);
  let tick = TICK_MILLISECOND;
  if (!areTicks) {
    readTimes(s, pages);
    tick = findTick(s, count);
    if (tick > TICK_COARSE) return TOO_FAR_APART;
  }
  pad<i32>(s + TICKS, count);
  findLimits<i32>(s + TICKS, count);
  const image = s + IMAGE;
  store<f64>(image, firstTimeUs(pageAt(s, 0)));
  store<u32>(image, 0, 8);
  store<u32>(image, SEALED | kind | (tick << TICK_SHIFT), PAGE_META);
  store<i32>(image, <i32>least, LEAST);
  store<i32>(image, <i32>greatest, GREATEST);
  store<i32>(image, count, SEALED_COUNT);
  const vectors = image + VECTORS_AT;
  const values = putTicks(s, vectors, count);
  const end = putValues(s, values, count, kind == F64);
  store<u16>(image, <u16>(values - vectors), TICKS_SIZE);
  store<u16>(image, <u16>(end - values), VALUES_SIZE);
  return <i32>(end - image);
}

// ---------------------------------------------------------------- pages

function pageAt(s: usize, i: i32): usize {
  return (<usize>load<u32>(s + PAGES + ((<usize>i) << 2))) << 3;
}

function firstTimeUs(page: usize): f64 {
  const tickUs = tickUsOf(load<u32>(page, PAGE_META));
  return load<f64>(page) + <f64>load<i32>(page, SAMPLES) * tickUs;
}

function isExact(timeUs: f64): bool {
  return Math.abs(timeUs) < EXACT_END && floor(timeUs) == timeUs;
}

/** Did `readPages` leave the ticks? It does where all pages are whole milliseconds apart. */
let areTicks: bool = false;

/**
 * Fills WORDS, and TICKS where that is a sum of integers; how many there are, 0 where the pages are
 * other ones. Blocks are read whole; what is behind a page's samples is overwritten by the next.
 */
function readPages(s: usize, pages: i32, kind: u32): i32 {
  const baseUs = load<f64>(pageAt(s, 0));
  let isSum = isExact(baseUs) && load<i32>(pageAt(s, 0), SAMPLES) == 0;
  let sizes = i32x4.splat(0);
  let filled = 0;
  for (let i = 0; i < pages; i++) {
    const page = pageAt(s, i);
    const meta = load<u32>(page, PAGE_META);
    const used = <i32>(meta & 255);
    if ((meta & KIND_MASK) != kind || (meta & SEALED) != 0 || filled + used > COUNT_MAX) return 0;
    const distance = (load<f64>(page) - baseUs) / 1000;
    if (((meta >> TICK_SHIFT) & 3) != TICK_MILLISECOND || !isExact(load<f64>(page))) isSum = false;
    if (floor(distance) != distance || Math.abs(distance) >= <f64>TICKS_END) isSum = false;
    const moved = i32x4.splat(isSum ? <i32>distance : 0);
    let from = page + SAMPLES;
    let ticks = s + TICKS + ((<usize>filled) << 2);
    let words = s + WORDS + ((<usize>filled) << 3);
    for (let k = 0; k < used; k += 4) {
      const x = v128.load(from);
      sizes = v128.or(sizes, v128.xor(x, i32x4.shr_s(x, 31)));
      v128.store(ticks, i32x4.add(x, moved));
      v128.store(words, v128.load(from, 16));
      v128.store(words, v128.load(from, 32), 16);
      from += BLOCK_BYTES;
      ticks += 16;
      words += 32;
    }
    filled += used;
  }
  areTicks = isSum && !v128.any_true(i32x4.gt_u(sizes, i32x4.splat(TICKS_END - 1)));
  return filled;
}

/** Fills TIMES. */
function readTimes(s: usize, pages: i32): void {
  let filled = 0;
  for (let i = 0; i < pages; i++) {
    const page = pageAt(s, i);
    const meta = load<u32>(page, PAGE_META);
    const used = <i32>(meta & 255);
    const bases = f64x2.splat(load<f64>(page));
    const units = f64x2.splat(tickUsOf(meta));
    let from = page + SAMPLES;
    let to = s + TIMES + ((<usize>filled) << 3);
    for (let k = 0; k < used; k += 4) {
      const x = v128.load(from);
      const low = f64x2.convert_low_i32x4_s(x);
      const high = f64x2.convert_low_i32x4_s(i32x4.shuffle(x, x, 2, 3, 2, 3));
      v128.store(to, f64x2.add(bases, f64x2.mul(low, units)));
      v128.store(to, f64x2.add(bases, f64x2.mul(high, units)), 16);
      from += BLOCK_BYTES;
      to += 32;
    }
    filled += used;
  }
  pad<f64>(s + TIMES, filled);
}

/** Fills TICKS from TIMES and says in which tick; above TICK_COARSE: in none. In the reference's order. */
function findTick(s: usize, count: i32): u32 {
  if (fillTicks(s, count, 1000)) return TICK_MILLISECOND;
  if (fillTicks(s, count, 1)) return TICK_MICROSECOND;
  return fillTicks(s, count, COARSE_TICK_US) ? TICK_COARSE : TICK_COARSE + 1;
}

/** False where the times are no multiples of the tick, or too far apart. */
function fillTicks(s: usize, count: i32, tickUs: f64): bool {
  // The first of them, whatever the base of its page is.
  const firsts = f64x2.splat(load<f64>(s + TIMES));
  const units = f64x2.splat(tickUs);
  for (let i: usize = 0; i < <usize>count; i += 2) {
    const offset = f64x2.div(f64x2.sub(v128.load(s + TIMES + (i << 3)), firsts), units);
    const tick = i32x4.trunc_sat_f64x2_s_zero(offset);
    if (!i64x2.all_true(f64x2.eq(f64x2.convert_low_i32x4_s(tick), offset))) return false;
    v128.store64_lane(s + TICKS + (i << 2), tick, 0);
  }
  return true;
}

// ---------------------------------------------------------------- vectors

/** The vector of TICKS, whose extremes were found; its end. */
function putTicks(s: usize, out: usize, count: i32): usize {
  const start = load<i32>(s + TICKS);
  if (least == greatest) {
    store<u8>(out, FORM_CONST);
    store<i32>(out, start, 1);
    return out + 5;
  }
  takeSteps<i32>(s + TICKS, s + STEPS, count);
  findLimits<i32>(s + STEPS, count - 1);
  let plan: usize;
  if (areNarrow()) plan = planNarrow(s, 0, s + STEPS, count - 1, 0);
  else {
    for (let i: usize = 0; i < <usize>count; i++)
      store<i64>(s + WIDE_OFFSETS + (i << 3), <i64>load<i32>(s + STEPS + (i << 2)));
    pad<i64>(s + WIDE_OFFSETS, count - 1);
    plan = planWide(s, 0, s + WIDE_OFFSETS, count - 1, 0);
  }
  const firstSize = signedSize(<i64>start);
  if (load<i32>(plan, SIZE_BYTES) > (count << 2) - firstSize) {
    store<u8>(out, FORM_RAW);
    memory.copy(out + 1, s + TICKS, count << 2);
    return out + 1 + ((<usize>count) << 2);
  }
  const at = putHeader(out, plan, FORM_DIFFERENCES, <i64>start, 0, 1);
  return putGroups(s, putPatches(at, plan), plan);
}

/** The vector of WORDS; its end. */
function putValues(s: usize, out: usize, count: i32, areDoubles: bool): usize {
  if (areSame(s + WORDS, count)) {
    store<u8>(out, FORM_CONST);
    store<i64>(out, load<i64>(s + WORDS), 1);
    return out + 9;
  }
  const isTaken = areDoubles
    ? takeIntegers(s, count) || takeDecimals(s, count)
    : takeWords(s, count);
  if (!isTaken) return putRaw(s, out, count);
  takeOffsets(s, count);
  let form = FORM_DIFFERENCES;
  const plan = planValues(s, count);
  if (load<i32>(plan, RESIDUAL_COUNT) == count) form = FORM_OFFSETS;
  const firstSize = sizeOfFirst(first);
  const more = firstSize + exceptionCount * EXCEPTION_SIZE;
  if (load<i32>(plan, SIZE_BYTES) > (count << 3) - more) return putRaw(s, out, count);
  let at = putHeader(out, plan, form | (exponent << 3), first, exceptionCount, divisor);
  at = putPatches(at, plan);
  for (let i = 0; i < exceptionCount; i++)
    store<u8>(at + <usize>i, load<u8>(s + EXCEPTIONS + <usize>i));
  at += <usize>exceptionCount;
  for (let i = 0; i < exceptionCount; i++) {
    const place = <usize>load<u8>(s + EXCEPTIONS + <usize>i);
    store<i64>(at, load<i64>(s + WORDS + (place << 3)));
    at += 8;
  }
  return putGroups(s, at, plan);
}

/** The plan of the shorter form; differences where both are as long. */
function planValues(s: usize, count: i32): usize {
  const divisorBytes = divisorSize(divisor);
  let steps: usize;
  let offsets: usize;
  if (isNarrow) {
    findLimits<i32>(s + STEPS, count - 1);
    steps = planNarrow(s, 0, s + STEPS, count - 1, divisorBytes);
    pad<i32>(s + OFFSETS, count);
    findLimits<i32>(s + OFFSETS, count);
    offsets = planNarrow(s, 2, s + OFFSETS, count, divisorBytes);
  } else {
    findLimits<i64>(s + STEPS, count - 1);
    steps = planWide(s, 0, s + STEPS, count - 1, divisorBytes);
    findLimits<i64>(s + WIDE_OFFSETS, count);
    offsets = planWide(s, 2, s + WIDE_OFFSETS, count, divisorBytes);
  }
  return load<i32>(steps, SIZE_BYTES) <= load<i32>(offsets, SIZE_BYTES) ? steps : offsets;
}

function areSame(words: usize, count: i32): bool {
  const firsts = v128.load64_splat(words);
  const end = words + ((<usize>count) << 3);
  for (let at = words; at < end; at += 16)
    if (!i64x2.all_true(i64x2.eq(v128.load(at), firsts))) return false;
  return true;
}

function putRaw(s: usize, out: usize, count: i32): usize {
  store<u8>(out, FORM_RAW);
  memory.copy(out + 1, s + WORDS, count << 3);
  return out + 1 + ((<usize>count) << 3);
}
