// Bounds of the blob room.

/** Longest blob name, in bytes (names are ASCII): S3 allows 1024 with the bucket's prefix. */
export const BLOB_NAME_MAX_BYTES = 512;

/**
 * Open files kept by the directory driver, because opening costs more than reading a small range.
 */
export const BLOB_HANDLES_MAX = 64;

/** Ranges up to this size are read without a promise: the page cache answers in microseconds. */
export const BLOB_SYNC_READ_MAX_BYTES = 256 * 1024;

/** Bytes of a file that are synced at once while it is written. */
export const BLOB_SYNC_EVERY_BYTES = 2 * 1024 * 1024;
