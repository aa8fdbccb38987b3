// Bounds of the blob room.

/** Longest blob name, in bytes (names are ASCII): S3 allows 1024 with the bucket's prefix. */
export const BLOB_NAME_MAX_BYTES = 512;

/** Open files kept by the directory driver, because opening costs more than reading a small range. */
export const BLOB_HANDLES_MAX = 64;
