// Which differences of an integer stream cost least (docs/formats/block.md, "Integer stream"): of
// order 0, 1 or 2, by the entropy of their buckets about the middle of them. An estimate: a stream
// is right whatever is chosen. Most columns that a flush writes have a few dozen numbers, so all
// three orders of a short column go in one pass, in words where the numbers are small. Scratch is
// shared: one stream is looked at at a time.
import { BUCKET_COUNT, BUCKET_EXTRA_BITS, bucketOf, narrowBucket } from './buckets.ts';
import { BLOCK_COUNT_MAX } from './limits.ts';

const ORDERS = 3;
/** Differences that spread more than this are not tried. */
const SPREAD_MAX = 2 ** 51;
/** Longer columns are sampled, so many numbers in so many runs. */
const SAMPLE_COUNT = 1024;
const SAMPLE_RUNS = 4;
/** Numbers whose middle stands for that of all; a rough one does for a short column. */
const CENTRE_COUNT = 31;
const SHORT_CENTRE_COUNT = 11;
/** Codes of second differences of smaller numbers stay below 2^31. */
const SMALL_END = 2 ** 26;
const BUCKETS = 256;
/** A higher order must earn its less predictable size. */
const SECOND_ORDER_PENALTY = 1.002;

const centre = new Float64Array(CENTRE_COUNT);
const histogram = new Int32Array(BUCKETS);
/** One after the other for each order. */
const histograms = new Int32Array(ORDERS * BUCKETS);
const costs = new Float64Array(ORDERS);
/** Of 0 … BLOCK_COUNT_MAX. */
export const LOG2 = Float64Array.from({ length: BLOCK_COUNT_MAX + 1 }, (_, i) => Math.log2(i));
/** What another hit of a bucket adds: to −hits · log2(hits), and by the first one to a table. */
export const HIT_COST = Float64Array.from({ length: SAMPLE_COUNT }, (_, hits) =>
  hits === 0 ? 2 : hits * LOG2[hits]! - (hits + 1) * LOG2[hits + 1]!,
);

/** The order of differences for the first `count` whole numbers, which begin with 0. */
export function chooseOrder(offsets: Float64Array, count: number): number {
  if (count < 4) return 1;
  if (count <= SAMPLE_COUNT) {
    tallyShort(offsets, count);
    costs[2]! *= SECOND_ORDER_PENALTY;
  } else
    for (let order = 0; order < ORDERS; order++) costs[order] = longCost(offsets, order, count);
  let best = costs[0]! < costs[1]! ? 0 : 1;
  if (costs[2]! < costs[best]!) best = 2;
  return best;
}

function differenceAt(offsets: Float64Array, order: number, i: number): number {
  if (order === 0) return offsets[i]!;
  if (order === 1) return offsets[i]! - offsets[i - 1]!;
  return offsets[i]! - 2 * offsets[i - 1]! + offsets[i - 2]!;
}

/** The middle of at most `size` differences that are spread over the column. */
function middleOf(offsets: Float64Array, order: number, count: number, size: number): number {
  const step = Math.max(1, Math.floor((count - order) / size));
  let filled = 0;
  for (let i = order; i < count && filled < size; i += step) {
    const value = differenceAt(offsets, order, i);
    let at = filled++;
    for (; at > 0 && centre[at - 1]! > value; at--) centre[at] = centre[at - 1]!;
    centre[at] = value;
  }
  return centre[filled >> 1]!;
}

function isSmall(offsets: Float64Array, count: number): boolean {
  for (let i = 1; i < count; i++) {
    const offset = offsets[i]!;
    if (offset >= SMALL_END || offset <= -SMALL_END) return false;
  }
  return true;
}

/** Leaves what each order costs in `costs`. */
function tallyShort(offsets: Float64Array, count: number): void {
  const middle0 = middleOf(offsets, 0, count, SHORT_CENTRE_COUNT);
  const middle1 = middleOf(offsets, 1, count, SHORT_CENTRE_COUNT);
  const middle2 = middleOf(offsets, 2, count, SHORT_CENTRE_COUNT);
  histograms.fill(0);
  costs.fill((count - 2) * LOG2[count - 2]!);
  if (isSmall(offsets, count)) return tallySmall(offsets, count, middle0, middle1, middle2);
  let before = offsets[1]!;
  let step = before - offsets[0]!;
  for (let i = 2; i < count; i++) {
    const offset = offsets[i]!;
    const own = offset - before;
    tally(0, offset - middle0);
    tally(1, own - middle1);
    tally(2, own - step - middle2);
    before = offset;
    step = own;
  }
}

/** Adds to the cost of an order what one difference, a distance from the middle, adds. */
function tally(order: number, x: number): void {
  const code = x < 0 ? -2 * x - 1 : 2 * x;
  if (code >= 2 * SPREAD_MAX) {
    costs[order] = Number.POSITIVE_INFINITY;
    return;
  }
  const bucket = bucketOf(code);
  const hits = histograms[order * BUCKETS + bucket]!++;
  costs[order]! += HIT_COST[hits]! + BUCKET_EXTRA_BITS[bucket]!;
}

function tallySmall(
  offsets: Float64Array,
  count: number,
  middle0: number,
  middle1: number,
  middle2: number,
): void {
  let cost0 = 0;
  let cost1 = 0;
  let cost2 = 0;
  let before = offsets[1]! | 0;
  let step = before;
  for (let i = 2; i < count; i++) {
    const offset = offsets[i]! | 0;
    const own = (offset - before) | 0;
    const x0 = (offset - middle0) | 0;
    const x1 = (own - middle1) | 0;
    const x2 = (own - step - middle2) | 0;
    const bucket0 = narrowBucket((x0 << 1) ^ (x0 >> 31));
    const bucket1 = narrowBucket((x1 << 1) ^ (x1 >> 31));
    const bucket2 = narrowBucket((x2 << 1) ^ (x2 >> 31));
    cost0 += HIT_COST[histograms[bucket0]!++]! + BUCKET_EXTRA_BITS[bucket0]!;
    cost1 += HIT_COST[histograms[BUCKETS + bucket1]!++]! + BUCKET_EXTRA_BITS[bucket1]!;
    cost2 += HIT_COST[histograms[2 * BUCKETS + bucket2]!++]! + BUCKET_EXTRA_BITS[bucket2]!;
    before = offset;
    step = own;
  }
  costs[0]! += cost0;
  costs[1]! += cost1;
  costs[2]! += cost2;
}

/** Bits that the differences of `order` would cost, estimated over a sample. */
function longCost(offsets: Float64Array, order: number, count: number): number {
  const middle = middleOf(offsets, order, count, CENTRE_COUNT);
  const runLength = SAMPLE_COUNT / SAMPLE_RUNS;
  const stride = Math.floor((count - runLength) / (SAMPLE_RUNS - 1));
  histogram.fill(0);
  let seen = 0;
  for (let run = 0; run < SAMPLE_RUNS; run++) {
    const start = run * stride;
    for (let i = Math.max(2, start); i < start + runLength; i++) {
      const x = differenceAt(offsets, order, i) - middle;
      const code = x < 0 ? -2 * x - 1 : 2 * x;
      if (code >= 2 * SPREAD_MAX) return Number.POSITIVE_INFINITY;
      histogram[bucketOf(code)]!++;
      seen++;
    }
  }
  let bits = 0;
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
    const hits = histogram[bucket]!;
    if (hits !== 0) bits += hits * (LOG2[seen]! - LOG2[hits]! + BUCKET_EXTRA_BITS[bucket]!) + 2;
  }
  return bits * (order === 2 ? SECOND_ORDER_PENALTY : 1);
}
