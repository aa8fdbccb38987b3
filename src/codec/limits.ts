// Bounds of the codec room.

/** Longest regular expression accepted, in UTF-16 units. */
export const REGEX_LENGTH_MAX = 16_384;

/** Samples in a block. */
export const BLOCK_COUNT_MAX = 8192;
/** Bytes of a block; strings and histograms end a block early. */
export const BLOCK_SIZE_MAX_BYTES = 64 * 1024 * 1024;
/** Blocks with fewer samples carry no aggregates: they would be most of the block. */
export const BLOCK_AGGREGATES_COUNT_MIN = 16;
/** Longest literal or copy the snappy encoder looks for matches in at once (the format's block). */
export const SNAPPY_BLOCK_BYTES = 65_536;

/** Snappy blocks that the kernel takes; larger ones go through the reference. Whole pages. */
export const SNAPPY_KERNEL_INPUT_BYTES = 2_097_152;
export const SNAPPY_KERNEL_OUTPUT_BYTES = 8_388_608;
