// Bounds of the ingest room.

/** Bytes of raw rows that one dictionary remembers before it forgets all of them. */
export const DICTIONARY_BYTES_MAX = 134_217_728;

/** Series that one dictionary remembers before it forgets all of them. */
export const DICTIONARY_CELLS_MAX = 2_097_152;

/** Bytes of all dictionaries together; the one used least recently goes first. */
export const DICTIONARIES_BYTES_MAX = 536_870_912;

/** Dictionaries kept at once. */
export const DICTIONARY_COUNT_MAX = 4096;

/** Reasons of label-limit refusals that one dictionary remembers. */
export const REFUSALS_MAX = 1024;

/** Bytes of bodies that are being written at one time; beyond it writers are told to come back. */
export const IN_FLIGHT_BYTES_MAX = 268_435_456;

/** How often a write is scanned and appended where its refs are refused each time. */
export const APPEND_TRIES_MAX = 4;

/** In how many of them the scan may take several turns. */
export const TRIES_IN_TURNS_MAX = 2;

/** What `Retry-After` says when too much is in flight. */
export const BUSY_RETRY_SEC = 1;

/** Batch builders kept for reuse, and the size above which one is not kept. */
export const POOLED_BUILDERS_MAX = 8;
export const POOLED_BUILDER_POINTS_MAX = 131_072;

/** Metric families per tenant whose metadata is remembered so that it is not logged again. */
export const METADATA_FAMILIES_MAX = 16_384;

/** Tenants whose metadata is remembered. */
export const METADATA_TENANTS_MAX = 1024;

/** Refused lines that a tenant can look at. */
export const REFUSED_LINES_MAX = 128;

/** Tenants whose refused lines are kept. */
export const REFUSED_TENANTS_MAX = 1024;
/** Series whose differences are summed up; beyond it the sum used least recently starts anew. */
export const DELTA_SERIES_MAX = 262_144;

/** Tenants with relabelling rules of their own. */
export const RELABEL_TENANTS_MAX = 1000;

/** Rows of the catalog that are read at once at the start: 64 KiB each at most. */
export const RELABEL_PAGE_ROWS = 64;

/** Points and series that a dry run shows. */
export const DRY_POINTS_MAX = 16;

/** Bytes of bodies that are scanned in one turn of the event loop: some two milliseconds. */
export const WRITE_SLICE_BYTES = 256 * 1024;

/** Processor time that the new rows of one body have in one turn, at least. */
export const NEW_ROWS_TURN_MS = 16;

/** How many times longer that is than the scan took to come to the first of them. */
export const REREAD_TURN_FACTOR = 2;

/** New rows between two looks at the clock. */
export const NEW_ROWS_PER_LOOK = 32;

/** Scans that one body has at most; the last one goes to its end. */
export const SCANS_MAX = 1024;

/** Smaller bodies are scanned in one turn, whatever is in them. */
export const MANY_TURNS_BYTES_MIN = 64 * 1024;

/** What one tenant has of them before it is another's turn, where several wait. */
export const WRITE_TURN_BYTES = 64 * 1024;
