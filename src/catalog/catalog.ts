// The catalog plane: a small ordered map with serializable transactions, on SQLite, later PostgreSQL.
// It holds what must change together: part rows, the frontier, deletes, batch ids, tenants, tokens.
// Keys are strings compared by their UTF-8 bytes; values are bytes. The strictest engine's limits
// hold for all drivers (limits.ts).
//
// A transaction function may run twice: it must have no effect but through `tx`. Every committed
// transaction that wrote something raises `version` by one; each key carries the version that wrote it.

export interface CatalogEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Catalog version of the transaction that wrote it last. */
  readonly version: number;
}

export interface RangeOptions {
  /** At most so many entries; default CATALOG_RANGE_MAX. */
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** Reads see the transaction's own writes. Not usable after the function returned. */
export interface CatalogTx {
  get(key: string): Promise<CatalogEntry | undefined>;
  /** Keys in [begin, end), in byte order. */
  range(begin: string, end: string, options?: RangeOptions): Promise<readonly CatalogEntry[]>;
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
   * threw (nothing written), AppError conflict/catalog-conflict where a driver gave up repeating it,
   * or AppError unavailable/catalog-commit-unknown where the commit was sent and no answer came: then
   * the caller must read before it acts.
   */
  transact<T>(body: (tx: CatalogTx) => Promise<T>): Promise<Committed<T>>;
  /** A consistent copy into the file `path` (for snapshots); the catalog stays usable. */
  backup(path: string): Promise<void>;
  /** Truncates the driver's own log. */
  checkpoint(): Promise<void>;
  close(): Promise<void>;
}

/** The smallest key greater than every key with this prefix; for `range(prefix, prefixEnd(prefix))`. */
export function prefixEnd(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}
