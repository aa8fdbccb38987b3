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
/**
 * Entropy coding decodes slower than packed groups: it is taken where its size is below this part
 * of theirs. Long columns come from compaction, are read less often and are most of what is
 * stored.
 */
export const ENTROPY_CODED_RATIO_MAX = 0.88;
export const ENTROPY_CODED_RATIO_LONG_MAX = 0.96;
export const LONG_COLUMN_COUNT = 2048;
/** A column is stored as differences to its sibling's where that takes at most this part. */
export const SIBLING_RATIO_MAX = 0.9;
/** Numbers of all histograms of a block that is stored by columns: 32 MiB once decoded. */
export const HISTOGRAM_NUMBERS_MAX = 2 ** 22;

/** Snappy blocks that the kernel takes; larger ones go through the reference. Whole pages. */
export const SNAPPY_KERNEL_INPUT_BYTES = 2_097_152;
export const SNAPPY_KERNEL_OUTPUT_BYTES = 8_388_608;

/** Values in a vector of the head. */
export const VECTOR_COUNT_MAX = 256;
/** Bytes of a vector: never more than its raw form. */
export const VECTOR_SIZE_MAX_BYTES = 1 + VECTOR_COUNT_MAX * 8;
