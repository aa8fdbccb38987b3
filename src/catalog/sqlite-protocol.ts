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
      readonly begin: string;
      readonly end: string;
      readonly limit: number;
      readonly reverse: boolean;
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
export const SQLITE_CORRUPT = 11;
export const SQLITE_FULL = 13;
export const SQLITE_NOTADB = 26;
/** Our own: the file is another program's or of a newer format. */
export const NOT_OUR_FILE = 1000;
