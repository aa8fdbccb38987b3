// How a label set stands in the words of SeriesRows, of 16 bits each. Neighbours in order of
// arrival share most of their labels, so most rows say what is unlike a whole row a little before:
//
//   whole   number of pairs, below 2^15 | its pairs, two words each, the low one first
//   other   2^15 + (wide: 2^14) + words back to a whole row | a bit a pair that is unlike its own |
//           those pairs: wide as above, else one word each, 2^15 more than the pair of the whole
//           row is to be raised by
//
// Both rows have as many pairs, at most 16. New values have new numbers, so what is unlike is
// mostly near.

const OTHER = 2 ** 15;
const WIDE = 2 ** 14;
const DISTANCE_MAX = WIDE - 1;
const OTHER_PAIRS_MAX = 16;
const RAISE = 2 ** 15;

/** Most labels of a row. */
export const ROW_LABELS_MAX = OTHER - 1;

/** Heads at hand: a whole row's is its number of pairs; another's has its first word above. */
const HEAD_OTHER = 2 ** 17;
const HEAD_WIDE = 2 ** 16;
const MASK = 2 ** 16 - 1;

/** Words that a row of so many pairs takes at most. */
export function roomFor(count: number): number {
  return 2 + 2 * count;
}

/** Pairs of the row at `start`. */
export function countIn(words: Uint16Array, start: number): number {
  const head = words[start]!;
  return head < OTHER ? head : words[start - (head & DISTANCE_MAX)]!;
}

function wideAt(words: Uint16Array, at: number): number {
  return words[at]! | (words[at + 1]! << 16);
}

/** Small, so that it is compiled into loops over rows. */
export function pairIn(words: Uint16Array, start: number, index: number): number {
  const head = words[start]!;
  let at = start + 1 + 2 * index;
  if (head >= OTHER) {
    if ((words[start + 1]! & (1 << index)) !== 0) return ownPair(words, start, index);
    at -= head & DISTANCE_MAX;
  }
  return words[at]! | (words[at + 1]! << 16);
}

/** The pair of a row that is unlike the whole row's. */
function ownPair(words: Uint16Array, start: number, index: number): number {
  const head = words[start]!;
  const own = bitCount(words[start + 1]! & ((1 << index) - 1));
  if ((head & WIDE) !== 0) return wideAt(words, start + 2 + 2 * own);
  const whole = start - (head & DISTANCE_MAX);
  return wideAt(words, whole + 1 + 2 * index) + words[start + 2 + own]! - RAISE;
}

/**
 * Start of the whole row in which a row's pair stands, itself or the one that it looks back at: one
 * pair for all rows that say the same. -1: the pair is the row's own.
 */
export function wholeOf(words: Uint16Array, start: number, index: number): number {
  const head = words[start]!;
  if (head < OTHER) return start;
  return (words[start + 1]! & (1 << index)) === 0 ? start - (head & DISTANCE_MAX) : -1;
}

/** Words that the row takes, without those of the whole row it looks back at. */
export function sizeIn(words: Uint16Array, start: number): number {
  const head = words[start]!;
  if (head < OTHER) return 1 + 2 * head;
  const own = bitCount(words[start + 1]!);
  return 2 + ((head & WIDE) === 0 ? own : 2 * own);
}

/** All pairs of a row to the start of `out`; their number. */
export function readRow(words: Uint16Array, start: number, out: Uint32Array): number {
  const head = words[start]!;
  const isWholeRow = head < OTHER;
  const whole = isWholeRow ? start : start - (head & DISTANCE_MAX);
  const count = words[whole]!;
  for (let i = 0; i < count; i++) out[i] = wideAt(words, whole + 1 + 2 * i);
  if (isWholeRow) return count;
  let own = start + 2;
  for (let rest = words[start + 1]!; rest !== 0; rest &= rest - 1) {
    const i = 31 - Math.clz32(rest & -rest);
    if ((head & WIDE) === 0) out[i]! += words[own++]! - RAISE;
    else {
      out[i] = wideAt(words, own);
      own += 2;
    }
  }
  return count;
}

/** One step of a row's hash. */
export function mixed(hash: number, pair: number): number {
  const next = Math.imul(hash ^ pair, 0x9e3779b1);
  return next ^ (next >>> 15);
}

/** The steps for all pairs of a row. */
export function mixRow(seed: number, words: Uint16Array, start: number): number {
  const head = words[start]!;
  let hash = seed;
  if (head < OTHER) {
    for (let i = 0; i < head; i++) hash = mixed(hash, wideAt(words, start + 1 + 2 * i));
    return hash;
  }
  const whole = start - (head & DISTANCE_MAX);
  const count = words[whole]!;
  const mask = words[start + 1]!;
  const isWide = (head & WIDE) !== 0;
  let own = start + 2;
  for (let i = 0; i < count; i++) {
    let pair = wideAt(words, whole + 1 + 2 * i);
    if ((mask & (1 << i)) !== 0) {
      pair = isWide ? wideAt(words, own) : pair + words[own]! - RAISE;
      own += isWide ? 2 : 1;
    }
    hash = mixed(hash, pair);
  }
  return hash;
}

/** Is the row at `start` the first `count` pairs of `row`? */
export function isRowAt(
  words: Uint16Array,
  start: number,
  row: Uint32Array,
  count: number,
): boolean {
  const head = words[start]!;
  if (head < OTHER) {
    if (head !== count) return false;
    for (let i = 0; i < count; i++) if (wideAt(words, start + 1 + 2 * i) !== row[i]) return false;
    return true;
  }
  const whole = start - (head & DISTANCE_MAX);
  if (words[whole] !== count) return false;
  const mask = words[start + 1]!;
  const isWide = (head & WIDE) !== 0;
  let own = start + 2;
  for (let i = 0; i < count; i++) {
    let pair = wideAt(words, whole + 1 + 2 * i);
    if ((mask & (1 << i)) !== 0) {
      pair = isWide ? wideAt(words, own) : pair + words[own]! - RAISE;
      own += isWide ? 2 : 1;
    }
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
  words: Uint16Array,
  start: number,
  whole: number,
  row: Uint32Array,
  count: number,
): number {
  const distance = start - whole;
  if (whole < 0 || distance > DISTANCE_MAX || count > OTHER_PAIRS_MAX) return count;
  if (words[whole] !== count) return count;
  let mask = 0;
  let isWide = false;
  for (let i = 0; i < count; i++) {
    const raised = row[i]! - wideAt(words, whole + 1 + 2 * i) + RAISE;
    if (raised === RAISE) continue;
    mask |= 1 << i;
    if (raised < 0 || raised >= 2 * RAISE) isWide = true;
  }
  if (bitCount(mask) * 2 > count) return count;
  return distance * HEAD_OTHER + (isWide ? HEAD_WIDE : 0) + mask;
}

export function isWhole(head: number): boolean {
  return head < HEAD_OTHER;
}

/** Writes a row with its head; where it ends. `words` has the room. */
export function writeRow(
  words: Uint16Array,
  start: number,
  head: number,
  row: Uint32Array,
  count: number,
): number {
  let at = start;
  if (isWhole(head)) {
    words[at++] = head;
    for (let i = 0; i < count; i++) {
      words[at++] = row[i]!;
      words[at++] = row[i]! >>> 16;
    }
    return at;
  }
  const distance = head >>> 17;
  const mask = head & MASK;
  const isWide = (head & HEAD_WIDE) !== 0;
  words[at++] = OTHER + (isWide ? WIDE : 0) + distance;
  words[at++] = mask;
  for (let i = 0; i < count; i++) {
    if ((mask & (1 << i)) === 0) continue;
    if (isWide) {
      words[at++] = row[i]!;
      words[at++] = row[i]! >>> 16;
    } else words[at++] = row[i]! - wideAt(words, start - distance + 1 + 2 * i) + RAISE;
  }
  return at;
}

/** Of 16 bits. */
function bitCount(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x5555);
  count = (count & 0x3333) + ((count >>> 2) & 0x3333);
  count = (count + (count >>> 4)) & 0x0f0f;
  return (count + (count >>> 8)) & 31;
}
