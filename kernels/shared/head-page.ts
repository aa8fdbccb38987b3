// A page of the head in the head's memory, as src/tsdb/head-pages.ts draws it: bytes in a page and
// fields of its meta.

/** The page before it; 0: none. */
export const PREVIOUS: usize = 8;
export const PAGE_META: usize = 12;
export const SAMPLES: usize = 16;
/** Of four samples: their ticks, then their values. */
export const BLOCK_BYTES: usize = 48;

export const KIND_SHIFT: u32 = 16;
export const KIND_MASK: u32 = 7 << 16;
/** A kind. */
export const F64: u32 = 0;
export const COMPANIONS: u32 = 1 << 21;
export const SEALED: u32 = 1 << 22;

/** The orders of a tick, as in the meta. */
export const TICK_SHIFT: u32 = 19;
export const TICK_MICROSECOND: u32 = 0;
export const TICK_MILLISECOND: u32 = 1;
export const TICK_COARSE: u32 = 2;
export const COARSE_TICK_US: f64 = 1000000;

// A sealed one, as src/tsdb/head-sealed.ts draws it.
export const LEAST: usize = 16;
export const GREATEST: usize = 20;
export const SEALED_COUNT: usize = 24;
export const TICKS_SIZE: usize = 28;
export const VALUES_SIZE: usize = 30;
export const VECTORS_AT: usize = 32;

export function tickUsOf(meta: u32): f64 {
  const tick = (meta >> TICK_SHIFT) & 3;
  return tick == TICK_MILLISECOND ? 1000 : tick == TICK_MICROSECOND ? 1 : COARSE_TICK_US;
}
