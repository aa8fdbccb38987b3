// What a contract case is, and what it runs on.
import type { Storage } from '../../src/model/storage.ts';

export interface StorageUnderTest {
  readonly storage: Storage;
  /** Closes the storage and opens the same data again; the returned one takes its place. */
  reopen(): Promise<StorageUnderTest>;
}

export type OpenStorage = () => Promise<StorageUnderTest>;

export interface StorageCase {
  readonly name: string;
  readonly steps: readonly ((storage: Storage) => Promise<unknown>)[];
  readonly check: (storage: Storage) => Promise<void>;
}
