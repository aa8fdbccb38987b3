// Bounds of the catalog plane: those of the strictest engine it may stand on, kept by every driver.

export const CATALOG_KEY_MAX_BYTES = 10_000;
export const CATALOG_VALUE_MAX_BYTES = 100_000;
/** Keys and values written by one transaction. */
export const CATALOG_TRANSACTION_MAX_BYTES = 10_000_000;
/** Entries one `range` may return. */
export const CATALOG_RANGE_MAX = 100_000;

/** Runs of a transaction function before the caller gets a conflict. */
export const CATALOG_ATTEMPTS_MAX = 10;
