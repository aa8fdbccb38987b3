// Samples of one series in order of arrival, sorted in place. What comes late mostly comes a little
// late: then each sample is moved to its place past those that are later. Or there are several
// senders, each in order: then each sample joins the first queue whose last one is not later, as in
// patience sorting, and the queues, which are few, are merged. Else a comparison sort takes all.
// Scratch is shared.
import { SCRATCH_SORT_SAMPLES_MAX } from './limits.ts';

/** Queues take over where moves become more than so many for each sample. */
const MOVES_PER_SAMPLE = 1;
const QUEUES_MAX = 16;

const firsts = new Uint32Array(QUEUES_MAX);
const lasts = new Uint32Array(QUEUES_MAX);
/** Of the last sample of a queue while they are filled, of the first that is left afterwards. */
const ends = new Float64Array(QUEUES_MAX);
/** What follows a sample in its queue; 0: nothing, the first sample follows none. */
let next = new Uint32Array(SCRATCH_SORT_SAMPLES_MAX);
let times = new Float64Array(SCRATCH_SORT_SAMPLES_MAX);
let pairs = new Int32Array(2 * SCRATCH_SORT_SAMPLES_MAX);

/**
 * Sorts by time, of equal times the last one stays; how many are left. `words` are pairs. Times are
 * finite. Complexity: O(count · queues), at most O(count · log count) beside it.
 */
export function sortNewest(tUs: Float64Array, words: Int32Array, count: number): number {
  if (sortByMoves(tUs, words, count)) return withoutOlder(tUs, words, count);
  if (next.length < count) makeScratch(count);
  const queues = fillQueues(tUs, count);
  times.set(tUs.subarray(0, count));
  pairs.set(words.subarray(0, 2 * count));
  const columns = { tUs, words, count };
  const kept = queues === 0 ? sortAll(tUs, words, count) : mergeQueues(queues, columns);
  // A series that is long for once leaves nothing behind.
  if (next.length > SCRATCH_SORT_SAMPLES_MAX) makeScratch(SCRATCH_SORT_SAMPLES_MAX);
  return kept;
}

function makeScratch(samples: number): void {
  next = new Uint32Array(samples);
  times = new Float64Array(samples);
  pairs = new Int32Array(2 * samples);
}

/** False where it gave up: equal times are still in their order then. */
function sortByMoves(tUs: Float64Array, words: Int32Array, count: number): boolean {
  let movesLeft = count * MOVES_PER_SAMPLE;
  for (let i = 1; i < count; i++) {
    const time = tUs[i]!;
    if (time >= tUs[i - 1]!) continue;
    const low = words[2 * i]!;
    const high = words[2 * i + 1]!;
    let at = i;
    for (; at > 0 && movesLeft > 0 && tUs[at - 1]! > time; at--, movesLeft--) {
      tUs[at] = tUs[at - 1]!;
      words[2 * at] = words[2 * at - 2]!;
      words[2 * at + 1] = words[2 * at - 1]!;
    }
    tUs[at] = time;
    words[2 * at] = low;
    words[2 * at + 1] = high;
    if (movesLeft === 0) return false;
  }
  return true;
}

/** Of equal times the last one. */
function withoutOlder(tUs: Float64Array, words: Int32Array, count: number): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (i + 1 < count && tUs[i + 1] === tUs[i]) continue;
    if (kept < i) {
      tUs[kept] = tUs[i]!;
      words[2 * kept] = words[2 * i]!;
      words[2 * kept + 1] = words[2 * i + 1]!;
    }
    kept++;
  }
  return kept;
}

/** How many there are; 0: too many. */
function fillQueues(tUs: Float64Array, count: number): number {
  let queues = 0;
  for (let i = 0; i < count; i++) {
    const time = tUs[i]!;
    let k = 0;
    while (k < queues && ends[k]! > time) k++;
    if (k < queues) next[lasts[k]!] = i;
    else {
      if (queues === QUEUES_MAX) return 0;
      firsts[queues++] = i;
    }
    ends[k] = time;
    lasts[k] = i;
    next[i] = 0;
  }
  return queues;
}

interface Columns {
  readonly tUs: Float64Array;
  readonly words: Int32Array;
  readonly count: number;
}

/**
 * Of equal times that of the lower queue came first: a sample joins a higher queue because the
 * lower ones are later already, and they never become earlier.
 */
function mergeQueues(queues: number, { tUs, words, count }: Columns): number {
  for (let k = 0; k < queues; k++) ends[k] = times[firsts[k]!]!;
  let kept = 0;
  for (let merged = 0; merged < count; merged++) {
    let least = 0;
    for (let k = 1; k < queues; k++) if (ends[k]! < ends[least]!) least = k;
    const from = firsts[least]!;
    const time = times[from]!;
    if (kept === 0 || tUs[kept - 1] !== time) kept++;
    tUs[kept - 1] = time;
    words[2 * kept - 2] = pairs[2 * from]!;
    words[2 * kept - 1] = pairs[2 * from + 1]!;
    const following = next[from]!;
    firsts[least] = following;
    ends[least] = following === 0 ? Number.POSITIVE_INFINITY : times[following]!;
  }
  return kept;
}

function sortAll(tUs: Float64Array, words: Int32Array, count: number): number {
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  order.sort((a, b) => times[a]! - times[b]! || a - b);
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const from = order[i]!;
    const time = times[from]!;
    if (kept === 0 || tUs[kept - 1] !== time) kept++;
    tUs[kept - 1] = time;
    words[2 * kept - 2] = pairs[2 * from]!;
    words[2 * kept - 1] = pairs[2 * from + 1]!;
  }
  return kept;
}
