<<<<<<< HEAD
// Bounds of the blob plane.

/** Longest object name, in characters. */
export const BLOB_NAME_LENGTH_MAX = 512;
/** Objects whose file stays open for ranged reads. */
export const OPEN_BLOBS_MAX = 64;
/** Ranges up to this size are read in place of a promise: the page cache answers in microseconds. */
export const SYNC_READ_MAX_BYTES = 256 * 1024;
=======
// Bounds of the blob room.

/** Longest blob name, in bytes (names are ASCII): S3 allows 1024 with the bucket's prefix. */
export const BLOB_NAME_MAX_BYTES = 512;

/** Open files kept by the directory driver, because opening costs more than reading a small range. */
export const BLOB_HANDLES_MAX = 64;
>>>>>>> planes
