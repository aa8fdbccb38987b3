// Which differences of an integer stream cost least: src/codec/integer-order.ts is the reference, and
// gives the same order, sum by sum.
import {
  CENTRE,
  HISTOGRAMS,
  HIT_COSTS,
  OFFSETS,
  bucketOf,
  extraBits,
  int64,
  intoCentre,
  log2Of,
  narrowBucket,
} from './encode-scratch';

const SPREAD_MAX: u64 = 1 << 51;
const SAMPLE_COUNT: i32 = 1024;
const SAMPLE_RUNS: i32 = 4;
const CENTRE_COUNT: i32 = 31;
const SHORT_CENTRE_COUNT: i32 = 11;
const SMALL_END: i64 = 1 << 26;
const HISTOGRAM_SIZE: usize = 1024;
const SECOND_ORDER_PENALTY: f64 = 1.002;

let cost0: f64 = 0;
let cost1: f64 = 0;
let cost2: f64 = 0;

/** The order of differences for the first `count` offsets. */
export function chooseOrder(s: usize, count: i32): i32 {
  if (count < 4) return 1;
  if (count <= SAMPLE_COUNT) {
    tallyShort(s, count);
    cost2 *= SECOND_ORDER_PENALTY;
  } else {
    cost0 = longCost(s, 0, count);
    cost1 = longCost(s, 1, count);
    cost2 = longCost(s, 2, count);
  }
  let best = cost0 < cost1 ? 0 : 1;
  if (cost2 < (best == 0 ? cost0 : cost1)) best = 2;
  return best;
}

function differenceAt(s: usize, order: i32, i: i32): i64 {
  const offset = int64(s + OFFSETS, i);
  if (order == 0) return offset;
  const before = int64(s + OFFSETS, i - 1);
  if (order == 1) return offset - before;
  return offset - 2 * before + int64(s + OFFSETS, i - 2);
}

function middleOf(s: usize, order: i32, count: i32, size: i32): i64 {
  const step = max(1, (count - order) / size);
  let filled = 0;
  for (let i = order; i < count && filled < size; i += step)
    intoCentre(s, filled++, differenceAt(s, order, i));
  return int64(s + CENTRE, filled >> 1);
}

function isSmall(s: usize, count: i32): bool {
  let sizes: i64 = 0;
  for (let i = 1; i < count; i++) {
    const offset = int64(s + OFFSETS, i);
    sizes |= offset ^ (offset >> 63);
    // The one negative number whose bits are small and whose size is not.
    if (offset == -SMALL_END) return false;
  }
  return sizes < SMALL_END;
}

function tallyShort(s: usize, count: i32): void {
  const middle0 = middleOf(s, 0, count, SHORT_CENTRE_COUNT);
  const middle1 = middleOf(s, 1, count, SHORT_CENTRE_COUNT);
  const middle2 = middleOf(s, 2, count, SHORT_CENTRE_COUNT);
  memory.fill(s + HISTOGRAMS, 0, 3 * HISTOGRAM_SIZE);
  cost0 = cost1 = cost2 = <f64>(count - 2) * log2Of(s, count - 2);
  if (isSmall(s, count)) {
    tallySmall(s, count, <i32>middle0, <i32>middle1, <i32>middle2);
    return;
  }
  let before = int64(s + OFFSETS, 1);
  let step = before;
  for (let i = 2; i < count; i++) {
    const offset = int64(s + OFFSETS, i);
    const own = offset - before;
    cost0 = tally(s, 0, cost0, offset - middle0);
    cost1 = tally(s, 1, cost1, own - middle1);
    cost2 = tally(s, 2, cost2, own - step - middle2);
    before = offset;
    step = own;
  }
}

/** The cost of an order with one difference more, a distance from the middle. */
function tally(s: usize, order: i32, cost: f64, x: i64): f64 {
  const code = <u64>((x << 1) ^ (x >> 63));
  if (code >= 2 * SPREAD_MAX) return Infinity;
  const bucket = bucketOf(code);
  return (
    cost + (hit(s + HISTOGRAMS + <usize>order * HISTOGRAM_SIZE, s, bucket) + extraBits(s, bucket))
  );
}

/** Counts a hit; what it costs. */
function hit(histogram: usize, s: usize, bucket: u32): f64 {
  const at = histogram + ((<usize>bucket) << 2);
  const hits = load<u32>(at);
  store<u32>(at, hits + 1);
  return load<f64>(s + HIT_COSTS + ((<usize>hits) << 3));
}

function tallySmall(s: usize, count: i32, middle0: i32, middle1: i32, middle2: i32): void {
  const histogram0 = s + HISTOGRAMS;
  const histogram1 = histogram0 + HISTOGRAM_SIZE;
  const histogram2 = histogram1 + HISTOGRAM_SIZE;
  let sum0: f64 = 0;
  let sum1: f64 = 0;
  let sum2: f64 = 0;
  let before = <i32>int64(s + OFFSETS, 1);
  let step = before;
  for (let i = 2; i < count; i++) {
    const offset = <i32>int64(s + OFFSETS, i);
    const own = offset - before;
    const x0 = offset - middle0;
    const x1 = own - middle1;
    const x2 = own - step - middle2;
    const bucket0 = narrowBucket(<u32>((x0 << 1) ^ (x0 >> 31)));
    const bucket1 = narrowBucket(<u32>((x1 << 1) ^ (x1 >> 31)));
    const bucket2 = narrowBucket(<u32>((x2 << 1) ^ (x2 >> 31)));
    sum0 += hit(histogram0, s, bucket0) + extraBits(s, bucket0);
    sum1 += hit(histogram1, s, bucket1) + extraBits(s, bucket1);
    sum2 += hit(histogram2, s, bucket2) + extraBits(s, bucket2);
    before = offset;
    step = own;
  }
  cost0 += sum0;
  cost1 += sum1;
  cost2 += sum2;
}

/** Bits that the differences of `order` would cost, estimated over a sample. */
function longCost(s: usize, order: i32, count: i32): f64 {
  const middle = middleOf(s, order, count, CENTRE_COUNT);
  const runLength = SAMPLE_COUNT / SAMPLE_RUNS;
  const stride = (count - runLength) / (SAMPLE_RUNS - 1);
  memory.fill(s + HISTOGRAMS, 0, HISTOGRAM_SIZE);
  let seen = 0;
  for (let run = 0; run < SAMPLE_RUNS; run++) {
    const start = run * stride;
    for (let i = max(2, start); i < start + runLength; i++) {
      const x = differenceAt(s, order, i) - middle;
      const code = <u64>((x << 1) ^ (x >> 63));
      if (code >= 2 * SPREAD_MAX) return Infinity;
      const at = s + HISTOGRAMS + ((<usize>bucketOf(code)) << 2);
      store<u32>(at, load<u32>(at) + 1);
      seen++;
    }
  }
  const all = log2Of(s, seen);
  let bits: f64 = 0;
  for (let bucket: u32 = 0; bucket < 212; bucket++) {
    const hits = load<i32>(s + HISTOGRAMS + ((<usize>bucket) << 2));
    if (hits != 0) bits += <f64>hits * (all - log2Of(s, hits) + extraBits(s, bucket)) + 2;
  }
  return order == 2 ? bits * SECOND_ORDER_PENALTY : bits;
}
