// Bounds of the agent: what it reads from the host and from targets, how far behind it may fall.

/** One file of /proc; /proc/stat of a large machine has about 100 KB (interrupt counters). */
export const PROC_FILE_BYTES_MAX = 4 * 1024 * 1024;
/** Mounts asked for their size in one scrape. */
export const FILESYSTEMS_MAX = 200;
/** Second scrape after the first, so that rates exist at once. */
export const SECOND_SCRAPE_AFTER_MS = 1_000;

/** A page of a target, as sent and decompressed. */
export const SCRAPE_BODY_BYTES_MAX = 32 * 1024 * 1024;
export const SCRAPE_REDIRECTS_MAX = 10;
/** Targets of one server, from flags and files together. */
export const TARGETS_MAX = 10_000;
/** A configuration of scrapes, and its targets that stand in it. */
export const SCRAPE_CONFIG_BYTES_MAX = 1024 * 1024;
export const CONFIG_TARGETS_MAX = 10_000;
/** As Prometheus: a target has ten seconds, or its interval where that is less. */
export const SCRAPE_TIMEOUT_MS = 10_000;
/** A file of targets, and how many of one folder are read. */
export const TARGET_FILE_BYTES_MAX = 4 * 1024 * 1024;
export const TARGET_FILES_MAX = 1_000;
/** How often the folder of such files is looked at. */
export const TARGET_FILES_EVERY_MS = 5_000;

/** A file with a password, a token or certificates. */
export const ACCESS_FILE_BYTES_MAX = 256 * 1024;

/**
 * Groups of the Pushgateway API of all tenants, one of them as JSON, and all together; a tenant has
 * half of what the others leave.
 */
export const PUSH_GROUPS_MAX = 10_000;
export const PUSH_GROUP_BYTES_MAX = 4 * 1024 * 1024;
export const PUSH_BYTES_MAX = 64 * 1024 * 1024;
/** Of a group in one row of the catalog. */
export const PUSH_ROW_BYTES = 90_000;
