// asc: --enable threads --sharedMemory
// Series out of a shard's head, in the head's own memory: the pages of one series (src/tsdb/head-pages.ts,
// head-sealed.ts), oldest first, to columns of times and of 64-bit values. src/tsdb/head-read.ts is the
// reference, and gives bit for bit the same. Nothing is kept between calls: the caller owns `scratch`
// (40 KiB, 16-byte aligned) and the columns, which have room for 256 more than a block takes.
import {
  BLOCK_BYTES,
  COMPANIONS,
  F64,
  KIND_SHIFT,
  PAGE_META,
  PREVIOUS,
  SAMPLES,
  SEALED,
  SEALED_COUNT,
  TICKS_SIZE,
  VALUES_SIZE,
  VECTORS_AT,
  tickUsOf,
} from './shared/head-page';
import { decodeDoubles, decodeTimes, decodeWords } from './vector';

const COUNT_MAX: i32 = 8192;
/** Places in the scratch: pages of the chain, newest first; what vectors are decoded with. */
const PAGES: usize = 0;
const VECTORS: usize = 32768;

/** Looked at of each page: as many lines of the cache as a usual one has. */
const LINES: usize = 4;
const LINE_BYTES: usize = 64;
const DEPTH_MAX: i32 = 8;

/**
 * The first `count` samples of the chain that ends with `page`, all of one kind and without
 * companions; how many: `count`, or 0 where the chain is another one or damaged.
 */
export function readChain(scratch: usize, page: u32, count: i32, tUs: usize, values: usize): i32 {
  if (count < 1 || count > COUNT_MAX) return 0;
  const kind = kindOf(load<u32>(addressOf(page), PAGE_META));
  let pages = 0;
  for (let at = page; at != 0; at = load<u32>(addressOf(at), PREVIOUS)) {
    const meta = load<u32>(addressOf(at), PAGE_META);
    if (kindOf(meta) != kind || (meta & COMPANIONS) != 0 || pages == COUNT_MAX) return 0;
    store<u32>(scratch + PAGES + ((<usize>pages) << 2), at);
    pages++;
  }
  let filled = 0;
  for (let i = pages - 1; i >= 0 && filled < count; i--) {
    const at = addressOf(load<u32>(scratch + PAGES + ((<usize>i) << 2)));
    const meta = load<u32>(at, PAGE_META);
    const left = count - filled;
    const to = (<usize>filled) << 3;
    if ((meta & SEALED) != 0) {
      if (!readSealed(scratch + VECTORS, at, meta, kind, tUs + to, values + to)) return 0;
      filled += min(load<i32>(at, SEALED_COUNT), left);
    } else {
      // The newest page has what is left of the count.
      const used = i == 0 ? left : min(<i32>(meta & 255), left);
      readPlain(at, used, tickUsOf(meta), tUs + to, values + to);
      filled += used;
    }
  }
  return filled;
}

function addressOf(page: u32): usize {
  return (<usize>page) << 3;
}

function kindOf(meta: u32): u32 {
  return (meta >> KIND_SHIFT) & 7;
}

/** In blocks of four, the last one whole. */
function readPlain(page: usize, count: i32, tickUs: f64, tUs: usize, values: usize): void {
  const bases = f64x2.splat(load<f64>(page));
  const units = f64x2.splat(tickUs);
  let from = page + SAMPLES;
  let to: usize = 0;
  for (let i = 0; i < count; i += 4) {
    const ticks = v128.load(from);
    const low = f64x2.convert_low_i32x4_s(ticks);
    const high = f64x2.convert_low_i32x4_s(i32x4.shuffle(ticks, ticks, 2, 3, 2, 3));
    v128.store(tUs + to, f64x2.add(bases, f64x2.mul(low, units)));
    v128.store(tUs + to, f64x2.add(bases, f64x2.mul(high, units)), 16);
    v128.store(values + to, v128.load(from, 16));
    v128.store(values + to, v128.load(from, 32), 16);
    from += BLOCK_BYTES;
    to += 32;
  }
}

/** All of a sealed page; false where it is damaged. */
function readSealed(
  scratch: usize,
  page: usize,
  meta: u32,
  kind: u32,
  tUs: usize,
  values: usize,
): bool {
  const count = load<i32>(page, SEALED_COUNT);
  const ticks = page + VECTORS_AT;
  const vector = ticks + <usize>load<u16>(page, TICKS_SIZE);
  const end = vector + <usize>load<u16>(page, VALUES_SIZE);
  if (decodeTimes(scratch, ticks, vector, count, load<f64>(page), tickUsOf(meta), tUs) == 0)
    return false;
  if (kind == F64) return decodeDoubles(scratch, vector, end, count, values) != 0;
  return decodeWords(scratch, vector, end, count, values) != 0;
}

/**
 * Looks at the pages of some series, whose newest ones stand at `newest` and are overwritten, so
 * that the misses of one do not wait for another's. The result only keeps the loads alive.
 */
export function lookAhead(newest: usize, count: i32): i32 {
  let sum = 0;
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    let isOver = true;
    for (let k = 0; k < count; k++) {
      const place = newest + ((<usize>k) << 2);
      const page = load<u32>(place);
      if (page == 0) continue;
      isOver = false;
      const at = addressOf(page);
      for (let line: usize = 1; line < LINES; line++) sum |= load<i32>(at + line * LINE_BYTES);
      store<u32>(place, load<u32>(at, PREVIOUS));
    }
    if (isOver) break;
  }
  return sum;
}
