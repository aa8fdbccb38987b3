// Bounds of the log room.
import { assert } from '../stdx/assert.ts';

/** Nominal size of a segment file; one that must hold a larger record grows. */
export const SEGMENT_SIZE_BYTES = 8 * 1024 * 1024;

/** Free segment files kept for reuse, the prepared spare included. */
export const SEGMENT_POOL_MAX = 2;

/** A spare is prepared when the current segment is fuller than this share of its nominal size. */
export const SPARE_AT_RATIO = 0.25;

/** Largest record that `append` takes. */
export const RECORD_SIZE_MAX_BYTES = 64 * 1024 * 1024;

/** Read-ahead of a reader and of the scan at start. */
export const READ_CHUNK_BYTES = 512 * 1024;

/** Frames up to this size are copied and written by one system call, larger ones by two. */
export const FRAME_COPY_MAX_BYTES = 64 * 1024;

/**
 * One write of zeros while a segment is prepared. The file cache keeps what one write brought as
 * one piece, and whoever later writes or syncs a part of a piece walks all of it.
 */
export const ZERO_CHUNK_BYTES = 256 * 1024;

assert(READ_CHUNK_BYTES >= FRAME_COPY_MAX_BYTES, 'a small frame fits the read-ahead');
