// The catalog plane: a small ordered map with serializable transactions, on SQLite, later
// PostgreSQL. It holds what must change together: part rows, the frontier, deletes, batch ids,
// tenants, tokens. Keys are strings compared by their UTF-8 bytes; values are bytes. The strictest
// engine's limits hold for all drivers (limits.ts).
//
// A transaction function may run twice: it must have no effect but through `tx`, and must not wait
// for another transaction. Every committed transaction that called a writing method raises
// `version` by one, whether or not it changed anything; each key carries the version that wrote it.
// Keys are not empty. Above the limits a method throws AppError tooLarge/catalog-limit.

export interface CatalogEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Catalog version of the transaction that wrote it last. */
  readonly version: number;
}

export interface RangeOptions {
  /** At most so many entries; default and maximum CATALOG_RANGE_MAX. */
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** Reads see the transaction's own writes. Not usable after the function returned. */
export interface CatalogTx {
  get(key: string): Promise<CatalogEntry | undefined>;
  /** Keys in [begin, end), in byte order. */
  range(begin: string, end: string, options?: RangeOptions): Promise<readonly CatalogEntry[]>;
  /** Copies `value`. */
  set(key: string, value: Uint8Array): void;
  remove(key: string): void;
  removeRange(begin: string, end: string): void;
}

export interface Committed<T> {
  readonly result: T;
  /** Catalog version after the commit (unchanged where nothing was written). */
  readonly version: number;
}

export interface Catalog {
  /**
   * Runs `body` in a serializable transaction. Durable when it resolves. Rejects with what `body`
   * threw (nothing written), AppError conflict/catalog-conflict where a driver gave up repeating
   * it, or AppError unavailable/catalog-commit-unknown where the commit was sent and no answer
   * came: then the caller must read before it acts. AppError unavailable/disk-full: nothing was
   * written. FatalError where the catalog's own file failed.
   */
  transact<T>(body: (tx: CatalogTx) => Promise<T>): Promise<Committed<T>>;
  /** A consistent copy into the file `path` (for snapshots); the catalog stays usable. */
  backup(path: string): Promise<void>;
  /** Truncates the driver's own log. */
  checkpoint(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The smallest key greater than every key with this prefix; for `range(prefix, prefixEnd(prefix))`.
 */
export function prefixEnd(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}
