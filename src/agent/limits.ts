// Bounds of the agent: what it reads from the host and how far behind it may fall.

/** One file of /proc; /proc/stat of a large machine has about 100 KB (interrupt counters). */
export const PROC_FILE_BYTES_MAX = 4 * 1024 * 1024;
/** Mounts asked for their size in one scrape. */
export const FILESYSTEMS_MAX = 200;
/** Second scrape after the first, so that rates exist at once. */
export const SECOND_SCRAPE_AFTER_MS = 1_000;
