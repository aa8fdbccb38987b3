// Groups of packed bits (docs/formats/block.md, "Packed groups"), for every kernel that has some.

export function words(count: i32, width: i32): i32 {
  return 4 * ((((count + 3) >> 2) * width + 31) >> 5);
}

export function wordsOfAny(count: i32, width: i32): i32 {
  return width <= 32 ? words(count, width) : words(count, 32) + words(count, width - 32);
}

/** Reads no row beyond the last one that it needs. */
export function unpackRows(src: usize, dst: usize, rows: i32, width: i32): void {
  if (width == 0) {
    memory.fill(dst, 0, rows << 4);
    return;
  }
  const mask = i32x4.splat(width == 32 ? -1 : (1 << width) - 1);
  let word = v128.load(src);
  let bit = 0;
  for (let row = 0; row < rows; row++) {
    if (bit == 32) {
      src += 16;
      word = v128.load(src);
      bit = 0;
    }
    let value = i32x4.shr_u(word, bit);
    bit += width;
    if (bit > 32) {
      bit -= 32;
      src += 16;
      word = v128.load(src);
      value = v128.or(value, i32x4.shl(word, width - bit));
    }
    v128.store(dst, v128.and(value, mask));
    dst += 16;
  }
}

/** Packs rows of four lanes, whose words take turns; the end of what is written. */
export function packRows(from: usize, out: usize, rows: i32, width: i32): usize {
  if (width == 0) return out;
  let at = out;
  let word = i32x4.splat(0);
  let filled = 0;
  for (let row = 0; row < rows; row++) {
    const value = v128.load(from);
    from += 16;
    word = v128.or(word, i32x4.shl(value, filled));
    filled += width;
    if (filled < 32) continue;
    v128.store(at, word);
    at += 16;
    filled -= 32;
    word = filled == 0 ? i32x4.splat(0) : i32x4.shr_u(value, width - filled);
  }
  if (filled == 0) return at;
  v128.store(at, word);
  return at + 16;
}
