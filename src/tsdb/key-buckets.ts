// Lays ids in place into buckets of equal width between the least of their keys and the greatest: a
// pass that counts, then one that moves each id once, along the cycles of the permutation (American
// flag sort: McIlroy, Bostic, McIlroy, "Engineering Radix Sort", 1993). A bucket is at most a 31st
// of the range's width, so keys below 2^53 are told apart in few turns however they lie.

/** Ranges of this length or longer are worth it. */
export const BUCKET_RANGE_MIN = 256;
const BUCKETS_MAX = 4096;
/** Buckets are made for so many ids each. */
const BUCKET_IDS = 8;

/** Ids [low, high), their keys at the same places. */
export interface KeyedRange {
  readonly keys: Float64Array;
  readonly ids: Uint32Array;
  readonly low: number;
  readonly high: number;
}

/** Which bucket a key belongs to: (key − least) · scale, rounded down. */
export interface Buckets {
  readonly least: number;
  readonly scale: number;
  readonly count: number;
}

/** Buckets for a range; undefined where all its keys are the same. */
export function bucketsFor({ keys, low, high }: KeyedRange): Buckets | undefined {
  let least = keys[low]!;
  let greatest = least;
  for (let i = low + 1; i < high; i++) {
    const key = keys[i]!;
    if (key < least) least = key;
    else if (key > greatest) greatest = key;
  }
  if (least === greatest) return undefined;
  const count = Math.min(BUCKETS_MAX, Math.ceil((high - low) / BUCKET_IDS));
  return { least, scale: (count - 1) / (greatest - least), count };
}

/** Where the bucket ends that begins at `start`, when all are laid. */
export function bucketEnd({ keys, high }: KeyedRange, start: number, buckets: Buckets): number {
  const { least, scale } = buckets;
  const bucket = Math.trunc((keys[start]! - least) * scale);
  let end = start + 1;
  while (end < high && Math.trunc((keys[end]! - least) * scale) === bucket) end++;
  return end;
}

export class BucketLayer {
  /** Of each bucket: where the next id goes. */
  readonly #next = new Uint32Array(BUCKETS_MAX);
  readonly #ends = new Uint32Array(BUCKETS_MAX);

  lay(range: KeyedRange, buckets: Buckets): void {
    this.#ends.fill(0, 0, buckets.count);
    this.#tally(range, buckets);
    this.#place(range.low, buckets.count);
    this.#move(range, buckets, { from: 0, idsMax: Number.POSITIVE_INFINITY });
  }

  /** As `lay`, some `stepIds` between two steps; nothing else is laid meanwhile. */
  *laySteps(range: KeyedRange, buckets: Buckets, stepIds: number): Generator<void, void, void> {
    this.#ends.fill(0, 0, buckets.count);
    for (let low = range.low; low < range.high; low += stepIds) {
      const high = Math.min(low + stepIds, range.high);
      this.#tally({ ...range, low, high }, buckets);
      yield;
    }
    this.#place(range.low, buckets.count);
    for (let from = 0; from < buckets.count;) {
      from = this.#move(range, buckets, { from, idsMax: stepIds });
      yield;
    }
  }

  #tally({ keys, low, high }: KeyedRange, { least, scale }: Buckets): void {
    const ends = this.#ends;
    for (let i = low; i < high; i++) ends[Math.trunc((keys[i]! - least) * scale)]!++;
  }

  #place(low: number, count: number): void {
    let at = low;
    for (let bucket = 0; bucket < count; bucket++) {
      this.#next[bucket] = at;
      at += this.#ends[bucket]!;
      this.#ends[bucket] = at;
    }
  }

  /** Fills buckets until `idsMax` have moved or so; the first that is not filled. */
  #move(
    { keys, ids }: KeyedRange,
    { least, scale, count }: Buckets,
    { from, idsMax }: { readonly from: number; readonly idsMax: number },
  ): number {
    const next = this.#next;
    const ends = this.#ends;
    let moved = 0;
    let bucket = from;
    for (; bucket < count && moved < idsMax; bucket++) {
      for (let at = next[bucket]!; at < ends[bucket]!; at++) {
        let key = keys[at]!;
        let id = ids[at]!;
        let to = Math.trunc((key - least) * scale);
        // Each takes the place of one that belongs elsewhere, until one belongs here.
        while (to !== bucket) {
          const place = next[to]!++;
          const other = keys[place]!;
          const otherId = ids[place]!;
          keys[place] = key;
          ids[place] = id;
          key = other;
          id = otherId;
          to = Math.trunc((key - least) * scale);
          moved++;
        }
        keys[at] = key;
        ids[at] = id;
        moved++;
      }
    }
    return bucket;
  }
}
