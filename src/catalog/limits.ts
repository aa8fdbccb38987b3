// Bounds of the catalog room: the strictest driver's, so that what one takes all take.

/** Longest key in UTF-8 bytes: a PostgreSQL index row must stay below a third of a page (2704). */
export const CATALOG_KEY_MAX_BYTES = 1024;

/** Largest value: one row must not stall the others in its worker or on its connection. */
export const CATALOG_VALUE_MAX_BYTES = 1024 * 1024;

/** Keys and values written by one transaction. */
export const CATALOG_TRANSACTION_MAX_BYTES = 16 * 1024 * 1024;

/** Most entries of one range read. */
export const CATALOG_RANGE_MAX = 65_536;

/** Runs of a transaction function before the caller gets a conflict. */
export const CATALOG_ATTEMPTS_MAX = 10;
