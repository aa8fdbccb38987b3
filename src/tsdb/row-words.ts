// How a label set stands in the words of SeriesRows. Neighbours in order of arrival share most of
// their labels, so most rows say what is unlike a whole row a little before them:
//
//   whole   number of pairs, below 2^16 | its pairs
//   other   words back to a whole row · 2^16 + a bit a pair that is unlike its own | those pairs
//
// Both rows have as many pairs, at most 16.

const DISTANCE = 2 ** 16;
/** A head is below 2^31: larger numbers are slow in unoptimised code. */
const DISTANCE_MAX = 2 ** 15 - 1;
const OTHER_PAIRS_MAX = 16;

/** Pairs of the row at `start`. */
export function countIn(words: Uint32Array, start: number): number {
  const head = words[start]!;
  return head < DISTANCE ? head : words[start - (head >>> 16)]!;
}

export function pairIn(words: Uint32Array, start: number, index: number): number {
  const head = words[start]!;
  if (head < DISTANCE) return words[start + 1 + index]!;
  const bit = 1 << index;
  if ((head & bit) === 0) return words[start - (head >>> 16) + 1 + index]!;
  return words[start + 1 + bitCount(head & (bit - 1))]!;
}

/** Words that the row takes, without those of the whole row it looks back at. */
export function sizeIn(words: Uint32Array, start: number): number {
  const head = words[start]!;
  return 1 + (head < DISTANCE ? head : bitCount(head & (DISTANCE - 1)));
}

/** All pairs of a row to the start of `out`; their number. */
export function readRow(words: Uint32Array, start: number, out: Uint32Array): number {
  const head = words[start]!;
  if (head < DISTANCE) {
    for (let i = 0; i < head; i++) out[i] = words[start + 1 + i]!;
    return head;
  }
  const whole = start - (head >>> 16);
  const count = words[whole]!;
  let own = start + 1;
  for (let i = 0; i < count; i++)
    out[i] = (head & (1 << i)) === 0 ? words[whole + 1 + i]! : words[own++]!;
  return count;
}

/** One step of a row's hash. */
export function mixed(hash: number, pair: number): number {
  const next = Math.imul(hash ^ pair, 0x9e3779b1);
  return next ^ (next >>> 15);
}

/** The steps for all pairs of a row. */
export function mixRow(seed: number, words: Uint32Array, start: number): number {
  const head = words[start]!;
  let hash = seed;
  if (head < DISTANCE) {
    for (let at = start + 1; at <= start + head; at++) hash = mixed(hash, words[at]!);
    return hash;
  }
  const whole = start - (head >>> 16);
  const count = words[whole]!;
  let own = start + 1;
  for (let i = 0; i < count; i++)
    hash = mixed(hash, (head & (1 << i)) === 0 ? words[whole + 1 + i]! : words[own++]!);
  return hash;
}

/** Is the row at `start` the first `count` pairs of `row`? */
export function isRowAt(
  words: Uint32Array,
  start: number,
  row: Uint32Array,
  count: number,
): boolean {
  const head = words[start]!;
  if (head < DISTANCE) {
    if (head !== count) return false;
    for (let i = 0; i < count; i++) if (words[start + 1 + i] !== row[i]) return false;
    return true;
  }
  const whole = start - (head >>> 16);
  if (words[whole] !== count) return false;
  let own = start + 1;
  for (let i = 0; i < count; i++) {
    const pair = (head & (1 << i)) === 0 ? words[whole + 1 + i]! : words[own++]!;
    if (pair !== row[i]) return false;
  }
  return true;
}

/**
 * Head of the row `row[0, count)` where it would stand at `start` with the whole row at `whole`
 * (-1: there is none): it looks back where that takes less than half of its pairs away, or all of
 * them.
 */
export function headOf(
  words: Uint32Array,
  start: number,
  whole: number,
  row: Uint32Array,
  count: number,
): number {
  const distance = start - whole;
  if (whole < 0 || distance > DISTANCE_MAX || count > OTHER_PAIRS_MAX) return count;
  if (words[whole] !== count) return count;
  let mask = 0;
  for (let i = 0; i < count; i++) if (words[whole + 1 + i] !== row[i]) mask |= 1 << i;
  return bitCount(mask) * 2 > count ? count : distance * DISTANCE + mask;
}

export function isWhole(head: number): boolean {
  return head < DISTANCE;
}

/** Writes a row with its head; where it ends. `words` has the room. */
export function writeRow(
  words: Uint32Array,
  start: number,
  head: number,
  row: Uint32Array,
  count: number,
): number {
  let at = start;
  words[at++] = head;
  for (let i = 0; i < count; i++)
    if (isWhole(head) || (head & (1 << i)) !== 0) words[at++] = row[i]!;
  return at;
}

/** Of 16 bits. */
function bitCount(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x5555);
  count = (count & 0x3333) + ((count >>> 2) & 0x3333);
  count = (count + (count >>> 4)) & 0x0f0f;
  return (count + (count >>> 8)) & 31;
}
