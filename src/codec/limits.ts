// Bounds of the codec room.

/** Longest regular expression accepted, in UTF-16 units. */
export const REGEX_LENGTH_MAX = 16_384;
