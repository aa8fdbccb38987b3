// Bounds of the codec room.

/** Longest regular expression accepted, in UTF-16 units. */
export const REGEX_LENGTH_MAX = 16_384;

/** Longest literal or copy the snappy encoder looks for matches in at once (the format's block). */
export const SNAPPY_BLOCK_BYTES = 65_536;
