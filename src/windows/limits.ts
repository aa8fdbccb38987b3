// Bounds of the window kernels.

/** Series per chunk of a grouped leaf: partial sums are merged chunk by chunk, in this order. */
export const LEAF_CHUNK_SERIES = 16;

/**
 * A kernel keeps incremental state only where looking at each window anew would touch every sample
 * more often than this; below, the plain loop is faster and rounds as the reference does.
 */
export const REVISITS_MAX = 4;

/** Counter resets of one window that are added up one by one before a sliding sum takes over. */
export const RESETS_PLAIN_MAX = 64;
