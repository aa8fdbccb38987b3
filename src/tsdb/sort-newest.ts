// Samples of one series in order of arrival, sorted in place. What comes late mostly comes a little
// late: several senders, or one that sends again. So each sample is moved to its place past those
// that are later; where that becomes too much the rest is sorted at once.

/** A column of samples is sorted by moves while they are at most so many for each sample. */
const MOVES_PER_SAMPLE = 16;

/**
 * Sorts by time, of equal times the last one stays; how many are left. `words` are pairs. Times are
 * no NaN. Complexity: O(count · log count).
 */
export function sortNewest(tUs: Float64Array, words: Int32Array, count: number): number {
  if (!sortByMoves(tUs, words, count)) sortAll(tUs, words, count);
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

/** False where it gave up: equal times are still in their order then. */
function sortByMoves(tUs: Float64Array, words: Int32Array, count: number): boolean {
  let movesLeft = count * MOVES_PER_SAMPLE;
  for (let i = 1; i < count; i++) {
    const time = tUs[i]!;
    if (time >= tUs[i - 1]!) continue;
    const low = words[2 * i]!;
    const high = words[2 * i + 1]!;
    let at = i;
    for (; at > 0 && tUs[at - 1]! > time; at--) {
      tUs[at] = tUs[at - 1]!;
      words[2 * at] = words[2 * at - 2]!;
      words[2 * at + 1] = words[2 * at - 1]!;
    }
    tUs[at] = time;
    words[2 * at] = low;
    words[2 * at + 1] = high;
    movesLeft -= i - at;
    if (movesLeft < 0) return false;
  }
  return true;
}

function sortAll(tUs: Float64Array, words: Int32Array, count: number): void {
  const times = tUs.slice(0, count);
  const values = words.slice(0, 2 * count);
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  order.sort((a, b) => times[a]! - times[b]! || a - b);
  for (let i = 0; i < count; i++) {
    const from = order[i]!;
    tUs[i] = times[from]!;
    words[2 * i] = values[2 * from]!;
    words[2 * i + 1] = values[2 * from + 1]!;
  }
}
