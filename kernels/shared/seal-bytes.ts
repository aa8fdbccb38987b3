// Planned vectors to bytes (docs/formats/vector.md): header, fields, patches and groups. Numbers
// are written eight bytes at once, what follows is written over what they have too much.
import { packRows } from './bits';
import { BASE, IS_NARROW, PATCH_COUNT, PATCH_SIZE, RESIDUAL_COUNT, WIDTHS, XS } from './seal-plan';
import { GROUP, HIGH, LOW, signedSize } from './seal-scratch';

/** Doubles are below, words may be beyond. */
const NUMBERS_END: i64 = 1 << 52;

/** Of a number beyond, all eight bytes are written. */
export function sizeOfFirst(value: i64): i32 {
  return value >= -NUMBERS_END && value < NUMBERS_END ? signedSize(value) : 8;
}

export function divisorSize(value: i64): i32 {
  return value == 1 ? 0 : value < 256 ? 1 : value < 65536 ? 2 : 4;
}

/** The header, first, base and divisor. */
export function putHeader(
  out: usize,
  plan: usize,
  form: i32,
  start: i64,
  exceptions: i32,
  factor: i64,
): usize {
  const firstSize = sizeOfFirst(start);
  const base = load<i64>(plan, BASE);
  const baseSize = signedSize(base);
  const factorSize = divisorSize(factor);
  // 1, 2 and 4 bytes are 1, 2 and 3.
  const factorCode = 32 - clz(factorSize);
  store<u8>(out, <u8>form);
  store<u8>(out, <u8>((firstSize - 1) | ((baseSize - 1) << 3) | (factorCode << 6)), 1);
  const patchCode = ctz(load<i32>(plan, PATCH_SIZE));
  store<u8>(out, <u8>(load<i32>(plan, WIDTHS) | (patchCode << 6)), 2);
  store<u8>(out, <u8>load<i32>(plan, WIDTHS + 4), 3);
  store<u8>(out, <u8>load<i32>(plan, PATCH_COUNT), 4);
  store<u8>(out, <u8>exceptions, 5);
  let at = out + 6;
  store<i64>(at, start);
  at += <usize>firstSize;
  store<i64>(at, base);
  at += <usize>baseSize;
  if (factorSize > 0) store<i64>(at, factor);
  return at + <usize>factorSize;
}

/** Places and numbers that do not fit their width; zeros take their places among the residuals. */
export function putPatches(out: usize, plan: usize): usize {
  if (load<i32>(plan, PATCH_COUNT) == 0) return out;
  return load<i32>(plan, IS_NARROW) != 0
    ? putPatchesOf<i32>(out, plan)
    : putPatchesOf<i64>(out, plan);
}

function putPatchesOf<T>(out: usize, plan: usize): usize {
  const xs = <usize>load<u32>(plan, XS);
  const patchSize = <usize>load<i32>(plan, PATCH_SIZE);
  const inRow: i32 = 16 / sizeof<T>();
  const zero = v128.splat<T>(0);
  let place = out;
  let at = out + <usize>load<i32>(plan, PATCH_COUNT);
  for (let i = 0; i < load<i32>(plan, RESIDUAL_COUNT); i += inRow) {
    const width = <i64>load<i32>(plan + ((<usize>(i >> 7)) << 2), WIDTHS);
    const end = (<i64>1) << width;
    const row = xs + <usize>i * sizeof<T>();
    const x = v128.load(row);
    const isBeyond = v128.or(v128.gt<T>(x, v128.splat<T>(<T>(end - 1))), v128.lt<T>(x, zero));
    if (!v128.any_true(isBeyond)) continue;
    for (let k = 0; k < inRow; k++) {
      const own = row + <usize>k * sizeof<T>();
      const one = <i64>load<T>(own);
      if (one >= 0 && one < end) continue;
      // A number is written over eight bytes, and the next ones over it.
      store<u8>(place++, <u8>(i + k));
      store<i64>(at, one);
      at += patchSize;
      store<T>(own, 0);
    }
  }
  return at;
}

export function putGroups(s: usize, out: usize, plan: usize): usize {
  const xs = <usize>load<u32>(plan, XS);
  const size = load<i32>(plan, RESIDUAL_COUNT);
  let at = out;
  for (let from = 0; from < size; from += GROUP) {
    const rows = (min(size - from, GROUP) + 3) >> 2;
    const width = load<i32>(plan + ((<usize>(from >> 7)) << 2), WIDTHS);
    if (width == 0) continue;
    let low = xs + ((<usize>from) << 2);
    if (load<i32>(plan, IS_NARROW) == 0) {
      low = s + LOW;
      splitRows(s, xs + ((<usize>from) << 3), rows);
    }
    at = packRows(low, at, rows, min(width, 32));
    if (width > 32) at = packRows(s + HIGH, at, rows, width - 32);
  }
  return at;
}

/** Rows of numbers of 64 bits to LOW and HIGH. */
function splitRows(s: usize, xs: usize, rows: i32): void {
  for (let i: usize = 0; i < (<usize>rows) << 4; i += 16) {
    const one = v128.load(xs + 2 * i);
    const two = v128.load(xs + 2 * i, 16);
    v128.store(s + LOW + i, i32x4.shuffle(one, two, 0, 2, 4, 6));
    v128.store(s + HIGH + i, i32x4.shuffle(one, two, 1, 3, 5, 7));
  }
}
