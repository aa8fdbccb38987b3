// Bounds of the blob plane.

/** Longest object name, in characters. */
export const BLOB_NAME_LENGTH_MAX = 512;
/** Objects whose file stays open for ranged reads. */
export const OPEN_BLOBS_MAX = 64;
/** Ranges up to this size are read in place of a promise: the page cache answers in microseconds. */
export const SYNC_READ_MAX_BYTES = 256 * 1024;
