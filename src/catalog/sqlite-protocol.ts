// Messages between the SQLite driver and its worker thread. One request is under way at a time per
// transaction; the writes collected since the last request travel with the next one.
import type { CatalogEntry } from './catalog.ts';
import type { CatalogWrite } from './write-set.ts';

export type CatalogAction =
  | { readonly type: 'get'; readonly key: string }
  | {
      readonly type: 'range';
      readonly begin: string;
      readonly end: string;
      readonly limit: number;
      readonly reverse: boolean;
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
