// Bit packing in four lanes (docs/formats/block.md, "Packed groups"): value i of a group of 128
// sits in lane i mod 4, row i div 4; each lane is a bit stream of rows, the words of the lanes take
// turns. So one 128-bit register unpacks four values at a time (Lemire, Boytsov: "Decoding billions
// of integers per second through vectorization", 2015). The last group of a column stops after its
// last row.

export const GROUP_COUNT = 128;
const LANES = 4;

/** 32-bit words of a group of `count` values of `width` bits, at most 32. */
export function packedWords(count: number, width: number): number {
  return LANES * ((((count + 3) >> 2) * width + 31) >>> 5);
}

/** Packs `count` values from `from` on, each below 2^width, to `words` at `at`; returns the end. */
export function packGroup(
  values: Uint32Array,
  from: number,
  count: number,
  width: number,
  words: Uint32Array,
  at: number,
): number {
  const end = at + packedWords(count, width);
  if (count < GROUP_COUNT) words.fill(0, at, end);
  if (width === 0) return end;
  const valuesEnd = from + count;
  for (let lane = 0; lane < LANES; lane++) {
    let place = at + lane;
    let word = 0;
    let filled = 0;
    for (let i = from + lane; i < valuesEnd; i += LANES) {
      const value = values[i]!;
      word |= value << filled;
      filled += width;
      if (filled >= 32) {
        words[place] = word;
        place += LANES;
        filled -= 32;
        word = filled === 0 ? 0 : value >>> (width - filled);
      }
    }
    if (filled > 0) words[place] = word;
  }
  return end;
}

/** The reverse of packGroup. `words` must reach one row beyond the group. */
export function unpackGroup(
  words: Uint32Array,
  at: number,
  width: number,
  out: Uint32Array,
  from: number,
  count: number,
): number {
  const end = at + packedWords(count, width);
  const outEnd = from + count;
  if (width === 0) {
    out.fill(0, from, outEnd);
    return end;
  }
  const mask = width === 32 ? -1 : (1 << width) - 1;
  for (let lane = 0; lane < LANES; lane++) {
    let place = at + lane;
    let word = words[place]!;
    let bit = 0;
    for (let i = from + lane; i < outEnd; i += LANES) {
      const next = bit + width;
      if (next < 32) {
        out[i] = (word >>> bit) & mask;
        bit = next;
      } else {
        place += LANES;
        const following = words[place]!;
        // A shift by 32 would be a shift by 0: a value that ends with its word takes nothing more.
        out[i] =
          next === 32 ? (word >>> bit) & mask : ((word >>> bit) | (following << (32 - bit))) & mask;
        word = following;
        bit = next - 32;
      }
    }
  }
  return end;
}
