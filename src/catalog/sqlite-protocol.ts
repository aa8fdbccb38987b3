<<<<<<< HEAD
// Messages between the SQLite driver and its worker thread. One request is under way at a time per
// transaction; the writes collected since the last request travel with the next one.
import type { CatalogEntry } from './catalog.ts';
import type { CatalogWrite } from './write-set.ts';

export type CatalogAction =
  | { readonly type: 'get'; readonly key: string }
  | {
      readonly type: 'range';
=======
// Messages between the catalog and its SQLite thread. One request is answered before the next is
// sent, except that the answers of a closing thread may never come.

export type WriteOp =
  | { readonly op: 'set'; readonly key: string; readonly value: Uint8Array }
  | { readonly op: 'remove'; readonly key: string }
  | { readonly op: 'removeRange'; readonly begin: string; readonly end: string };

export type ReadOp =
  | { readonly op: 'get'; readonly key: string }
  | {
      readonly op: 'range';
>>>>>>> planes
      readonly begin: string;
      readonly end: string;
      readonly limit: number;
      readonly reverse: boolean;
<<<<<<< HEAD
    }
  | { readonly type: 'commit' }
  | { readonly type: 'rollback' }
  | { readonly type: 'backup'; readonly path: string }
  | { readonly type: 'checkpoint' }
  | { readonly type: 'close' };

export interface CatalogRequest {
  readonly id: number;
  readonly writes: readonly CatalogWrite[];
  readonly action: CatalogAction;
}

/** `get` and `range` answer entries, `commit` the version, everything else nothing. */
export interface CatalogReply {
  readonly id: number;
  readonly entries?: readonly CatalogEntry[];
  readonly version?: number;
  readonly error?: { readonly message: string; readonly code: string };
}

export interface CatalogWorkerSettings {
  readonly path: string;
}
=======
    };

export type Request =
  /** Begins a transaction where none is open, applies the writes, then reads. */
  | { readonly kind: 'read'; readonly writes: readonly WriteOp[]; readonly read: ReadOp }
  | { readonly kind: 'commit'; readonly writes: readonly WriteOp[] }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'backup'; readonly path: string }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'close' };

export interface Row {
  readonly key: string;
  readonly value: Uint8Array;
  readonly version: number;
}

export type Reply =
  | { readonly kind: 'rows'; readonly rows: readonly Row[] }
  | { readonly kind: 'version'; readonly version: number }
  | { readonly kind: 'done' }
  | {
      readonly kind: 'error';
      /** SQLite's primary result code, 0 where the error is not SQLite's. */
      readonly errorCode: number;
      readonly message: string;
    };

export interface WorkerSetup {
  readonly path: string;
}

export const SQLITE_BUSY = 5;
export const SQLITE_FULL = 13;
/** Our own: the file is another program's or of a newer format. */
export const NOT_OUR_FILE = 1000;
>>>>>>> planes
