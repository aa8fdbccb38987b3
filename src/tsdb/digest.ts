// 96 bits of texts, a word a lane. Not for keeping secrets: a seed keeps outsiders from choosing
// texts that meet. The arithmetic is part of the format of seen lists (docs/formats/seen-list.md).

/** Words of a digest. */
export const DIGEST_WORDS = 3;

export type Digest = Int32Array;

/** Begins a digest. */
export function beginDigest(digest: Digest, seed: number): void {
  digest[0] = seed;
  digest[1] = Math.imul(seed, 0x85ebca6b) ^ 0x2545f491;
  digest[2] = Math.imul(seed, 0xc2b2ae35) ^ 0x68e31da4;
}

/**
 * Takes a text up, its size first, so that no two lists of texts are one. Each lane is one to one
 * in each word, and feeds the next one.
 */
export function mixText(digest: Digest, view: DataView, start: number, end: number): void {
  let a = digest[0]!;
  let b = digest[1]!;
  let c = digest[2]!;
  let word = end - start;
  for (let at = start; ; at += 4) {
    const one = Math.imul(word, 0x239b961b);
    const two = Math.imul((one << 15) | (one >>> 17), 0xab0e9789);
    a ^= two;
    a = (Math.imul((a << 19) | (a >>> 13), 5) + b) | 0;
    b ^= Math.imul(two, 0x38b34ae5);
    b = (Math.imul((b << 17) | (b >>> 15), 9) + c) | 0;
    c ^= one;
    c = (Math.imul((c << 13) | (c >>> 19), 0xa1e38b93) + a) | 0;
    if (at >= end) break;
    word = at + 4 <= end ? view.getInt32(at, true) : lastWord(view, at, end);
  }
  digest[0] = a;
  digest[1] = b;
  digest[2] = c;
}

function lastWord(view: DataView, start: number, end: number): number {
  let word = 0;
  for (let at = start; at < end; at++) word = (word << 8) | view.getUint8(at);
  return word;
}

/** Takes the digest of a pair up, which is as random as it gets: a word a lane. */
export function mixPair(digest: Digest, pair: Int32Array, at: number): void {
  const one = digest[0]! ^ pair[at]!;
  const a = (Math.imul((one << 19) | (one >>> 13), 0x239b961b) + digest[1]!) | 0;
  const two = digest[1]! ^ pair[at + 1]!;
  const b = (Math.imul((two << 17) | (two >>> 15), 0x38b34ae5) + digest[2]!) | 0;
  const three = digest[2]! ^ pair[at + 2]!;
  digest[2] = (Math.imul((three << 13) | (three >>> 19), 0xa1e38b93) + a) | 0;
  digest[0] = a;
  digest[1] = b;
}

function finished(lane: number): number {
  let hash = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Ends a digest. */
export function endDigest(digest: Digest): void {
  const a = finished((digest[0]! + digest[1]! + digest[2]!) | 0);
  const b = finished((digest[1]! + a) | 0);
  digest[2] = finished((digest[2]! + a + b) | 0);
  digest[0] = (a + digest[2]) | 0;
  digest[1] = (b + digest[0]) | 0;
}
