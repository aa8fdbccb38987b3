// Bounds of the window kernels.

/** Series per chunk of a grouped leaf: partial sums are merged chunk by chunk, in this order. */
export const LEAF_CHUNK_SERIES = 16;

/**
 * A kernel keeps incremental state only where looking at each window anew would touch every sample
 * more often than this; below, the plain loop is faster and rounds as the reference does.
 */
export const REVISITS_MAX = 4;

/**
 * Means, variances and growth over resets are those of each window, sample by sample in the order
 * of their times as the reference adds them up, where a sample is in at most so many windows. By
 * window and step alone: the same step has the same bits in any range. Beyond it, state that
 * slides.
 */
export const IN_ORDER_WINDOWS_MAX = 256;

/** Beyond it, resets of one window that are added up one by one before a sliding sum takes over. */
export const RESETS_PLAIN_MAX = 64;

/** Quantiles of so many samples are counted where they are decimals near to each other … */
export const COUNTED_SAMPLES_MIN = 32;
/** … within so many of their units, … */
export const COUNTED_KEYS_MAX = 65_536;
/** … and not further than so many from zero. */
export const COUNTED_KEY_MAX = 2 ** 30;

/** A leaf runs in the calling thread until it has read so many samples; then other threads help. */
export const LEAF_IN_THREAD_SAMPLES = 512 * 1024;
/** … or has computed for so long: samples of one kernel cost a hundred times those of another. */
export const LEAF_IN_THREAD_MS = 15;
/** … or one series is to be fitted over so many samples of overlapping windows, all together. */
export const FITTED_IN_THREAD_MAX = 2_000_000;
/**
 * The calling thread lets other work proceed after so long. A write needs some five turns of the
 * event loop, and waits for as many slices.
 */
export const LEAF_SLICE_MS = 0.5;
/** A parcel is sent when it holds so many samples, a millisecond of work … */
export const PARCEL_SAMPLES = 128 * 1024;
/** … or so many bytes, or makes so long an answer. It always holds whole chunks. */
export const PARCEL_BYTES = 1024 * 1024;
/** Parcels of one leaf that are under way or wait to be merged, per thread. */
export const PARCELS_PER_THREAD = 2;

/**
 * Samples and steps of a series in the kernel's memory; fewer steps are not worth a call where
 * their windows have fewer samples, all together, than the last of these.
 */
export const KERNEL_SAMPLES_MAX = 65_536;
export const KERNEL_STEPS_MAX = 2048;
export const KERNEL_STEPS_MIN = 8;
export const KERNEL_TOUCHED_MIN = 64;
/** States of groups in the kernel's memory, of one leaf at a time; more are kept elsewhere. */
export const KERNEL_STATES_BYTES = 8 * 1024 * 1024;

/** The largest buffer that columns of steps share; a longer column has one of its own. */
export const COLUMNS_SHARED_BYTES = 64 * 1024;
