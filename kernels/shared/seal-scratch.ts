// What the files of the seal kernel share: places in the scratch. SCRATCH_SIZE bytes of the head's
// memory, 16-byte aligned, belong to one call at a time; src/tsdb/seal-kernel.ts has the same size
// and the places of the pages and of the image. Columns have a row of four more than 256 values:
// what stands behind the last value repeats it, so that whole rows may be looked at.

export const GROUP: i32 = 128;
export const COUNT_MAX: i32 = 256;
/** Bytes of a column of 64 bits. */
export const COLUMN_SIZE: usize = 2080;

/** Pages to seal, oldest first. */
export const PAGES: usize = 0;
/** The sealed page; numbers are written eight bytes at once, so there is room behind it. */
export const IMAGE: usize = 1024;
/** Offsets from the first time in ticks, i32. */
export const TICKS: usize = 4224;
/** Times, f64; halves of wide numbers are packed from here when times are done with. */
export const TIMES: usize = 5264;
export const LOW: usize = 5264;
export const HIGH: usize = 6304;
/** Values as they are, of 64 bits. */
export const WORDS: usize = 7344;
/** Whole numbers as doubles; then distances from the first, f64. */
export const DISTANCES: usize = 9424;
/** Distances divided by their divisor, i32 and i64. */
export const OFFSETS: usize = 11504;
export const WIDE_OFFSETS: usize = 12544;
/** From one to the next, i32 or i64. */
export const STEPS: usize = 14624;
/** Plans (seal-plan.ts), and the residuals of each from its base. */
export const PLANS: usize = 16704;
export const PLAN_SIZE: usize = 48;
export const RESIDUALS: usize = 16896;
/** A sample of the residuals, 32 of 64 bits. */
export const CENTRE: usize = 25216;
/** Powers of ten from 10^0 on, f64. */
export const POWERS: usize = 25472;
/** Places of exceptions, a byte each. Bytes of all: 25872. */
export const EXCEPTIONS: usize = 25616;

/** Bits of a number that is not negative. */
export function widthOf(value: i64): i32 {
  return 64 - <i32>clz(value);
}

/** Bytes of a signed number. */
export function signedSize(value: i64): i32 {
  return (widthOf(value ^ (value >> 63)) >> 3) + 1;
}

/** Repeats the last of `size` values in what is left of its row. */
export function pad<T>(column: usize, size: i32): void {
  const end = column + <usize>size * sizeof<T>();
  const last = load<T>(end - sizeof<T>());
  store<T>(end, last);
  store<T>(end + sizeof<T>(), last);
  store<T>(end + 2 * sizeof<T>(), last);
}
