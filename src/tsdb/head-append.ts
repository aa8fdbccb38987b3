// The record of a series in a generation: all that an append must know of its newest page, so that
// an append touches two places in memory.

/** 32 bytes a series, by slot: base of its newest page (f64), then words. */
export const RECORD_WORDS = 8;
export const RECORD = {
  /** Newest page; 0: the series has no samples. */
  page: 2,
  /** Of that page, with the samples used. */
  meta: 3,
  /** Samples of the series; bit 31: their times do not ascend. */
  count: 4,
  /** Moment of the last first append (moments.ts), from the generation's own first one. */
  moment: 5,
  /** Count before that append. */
  saved: 6,
  /** Offset of the newest sample. */
  offset: 7,
} as const;
export const UNSORTED = 0x8000_0000 | 0;
export const COUNT_MASK = 0x7fff_ffff;
