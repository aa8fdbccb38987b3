// The catalog over `Files`: the whole map in memory, written anew by every commit (temporary file,
// datasync, rename, sync of the folder; docs/formats/catalog.md). A commit is atomic: after a crash
// the map is the one before or the one after. For simulators and tests; its maps are small.
import { crc32c } from '../codec/crc32c.ts';
import { AppError } from '../model/errors.ts';
import { compareUtf8 } from '../model/labels.ts';
import { assert, errorMessage, FatalError, must } from '../stdx/assert.ts';
import {
  FileError,
  fileErrorCode,
  type Files,
  makeDirectoryDurable,
  parentDirectory,
} from '../stdx/files.ts';
import { NO_PROBE } from '../stdx/probe.ts';
import type { Probe } from '../stdx/probe.ts';
import type { Catalog, CatalogEntry, CatalogTx, Committed, RangeOptions } from './catalog.ts';
import { CATALOG_ATTEMPTS_MAX } from './limits.ts';
import { TransactionRules } from './transaction-rules.ts';

const MAGIC = new TextEncoder().encode('ORRYCAT\0');
const FORMAT_VERSION = 1;
const HEADER_BYTES = 24;
const ENTRY_HEADER_BYTES = 16;
/** What one read may return; the maps kept this way are far smaller. */
const SNAPSHOT_MAX_BYTES = 1024 * 1024 * 1024;

interface State {
  readonly version: number;
  readonly entries: ReadonlyMap<string, CatalogEntry>;
}

/** For tests. */
export interface FilesCatalogOptions {
  /** True discards what a transaction function did and runs it again, as a conflict would. */
  readonly isConflict?: () => boolean;
  readonly probe?: Probe;
}

export class FilesCatalog implements Catalog {
  readonly #files: Files;
  readonly #path: string;
  readonly #isConflict: () => boolean;
  readonly #probe: Probe;
  #state: State = { version: 0, entries: new Map() };
  /** A commit failed after its rename was asked for: memory may be behind the disk. */
  #stale = false;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(files: Files, path: string, options: FilesCatalogOptions) {
    this.#files = files;
    this.#path = path;
    this.#isConflict = options.isConflict ?? (() => false);
    this.#probe = options.probe ?? NO_PROBE;
  }

  /** Opens or creates the file and its folder; FatalError where it is damaged or newer. */
  static async open(
    files: Files,
    path: string,
    options: FilesCatalogOptions = {},
  ): Promise<FilesCatalog> {
    try {
      await makeDirectoryDurable(files, parentDirectory(path));
      const catalog = new FilesCatalog(files, path, options);
      await catalog.#load();
      return catalog;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new FatalError(`the catalog cannot be opened: ${error.message}`, { cause: error });
    }
  }

  transact<T>(body: (tx: CatalogTx) => Promise<T>): Promise<Committed<T>> {
    return this.#exclusive(async () => {
      if (this.#stale) await this.#reload();
      for (let attempt = 0; attempt < CATALOG_ATTEMPTS_MAX; attempt++) {
        const tx = new MemoryTx(this.#state);
        let result: T;
        try {
          result = await body(tx);
        } finally {
          tx.rules.end();
        }
        if (this.#isConflict()) continue;
        const { changed } = tx;
        if (changed === undefined) return { result, version: this.#state.version };
        const state = { version: this.#state.version + 1, entries: changed };
        await this.#store(state);
        this.#state = state;
        return { result, version: state.version };
      }
      const message = `a catalog transaction was in conflict ${CATALOG_ATTEMPTS_MAX} times: try again`;
      throw new AppError('conflict', 'catalog-conflict', message, { retryable: true });
    });
  }

  backup(path: string): Promise<void> {
    return this.#exclusive(() => this.#writeFile(path, encodeSnapshot(this.#state)));
  }

  /** Nothing to truncate: every commit writes a whole snapshot. */
  checkpoint(): Promise<void> {
    return this.#exclusive(() => Promise.resolve());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#turn;
  }

  #exclusive<T>(task: () => Promise<T>): Promise<T> {
    assert(!this.#closed, 'use of a closed catalog');
    const mine = this.#turn.then(task, task);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Nothing was written where this fails: the next transaction tries again. */
  async #reload(): Promise<void> {
    try {
      await this.#load();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const message = `the catalog could not be read: ${error.message}`;
      throw new AppError('unavailable', 'catalog-io', message, { retryAfterSec: 5, cause: error });
    }
  }

  async #load(): Promise<void> {
    await this.#files.syncDirectory(parentDirectory(this.#path));
    if ((await this.#files.stat(this.#path)) !== undefined) {
      const bytes = await this.#files.readWhole(this.#path, SNAPSHOT_MAX_BYTES);
      this.#state = decodeSnapshot(bytes, this.#path);
    }
    this.#stale = false;
  }

  async #store(state: State): Promise<void> {
    const files = this.#files;
    const temporary = `${this.#path}.tmp`;
    try {
      await this.#writeFile(temporary, encodeSnapshot(state));
    } catch (error) {
      const full = fileErrorCode(error) === 'ENOSPC';
      const message = `the catalog could not be written: ${errorMessage(error)}`;
      const code = full ? 'disk-full' : 'catalog-io';
      throw new AppError('unavailable', code, message, { retryAfterSec: 5, cause: error });
    }
    this.#stale = true;
    try {
      await files.rename(temporary, this.#path);
      this.#probe('commit');
      await files.syncDirectory(parentDirectory(this.#path));
    } catch (error) {
      const message = `it is unknown whether a catalog commit happened: ${errorMessage(error)}`;
      throw new AppError('unavailable', 'catalog-commit-unknown', message, { cause: error });
    }
    this.#stale = false;
  }

  async #writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const files = this.#files;
    if ((await files.stat(path)) !== undefined) await files.remove(path);
    const file = await files.open(path, 'create');
    try {
      await file.write(bytes, 0);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

class MemoryTx implements CatalogTx {
  readonly rules = new TransactionRules();
  readonly #version: number;
  #entries: ReadonlyMap<string, CatalogEntry>;
  /** The map as written to, undefined while nothing was. */
  changed: Map<string, CatalogEntry> | undefined;

  constructor(state: State) {
    this.#version = state.version + 1;
    this.#entries = state.entries;
  }

  async get(key: string): Promise<CatalogEntry | undefined> {
    this.rules.checkOpen();
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : { ...entry, value: entry.value.slice() };
  }

  async range(
    begin: string,
    end: string,
    options: RangeOptions = {},
  ): Promise<readonly CatalogEntry[]> {
    const limit = this.rules.checkRange(options.limit);
    const found = [...this.#entries.values()].filter(
      ({ key }) => compareUtf8(begin, key) <= 0 && compareUtf8(key, end) < 0,
    );
    const sign = options.reverse === true ? -1 : 1;
    found.sort((a, b) => sign * compareUtf8(a.key, b.key));
    return found.slice(0, limit).map((entry) => ({ ...entry, value: entry.value.slice() }));
  }

  set(key: string, value: Uint8Array): void {
    this.rules.checkWrite(key, value);
    this.#writable().set(key, { key, value: value.slice(), version: this.#version });
  }

  remove(key: string): void {
    this.rules.checkWrite(key);
    this.#writable().delete(key);
  }

  removeRange(begin: string, end: string): void {
    this.rules.checkOpen();
    const entries = this.#writable();
    for (const key of entries.keys()) {
      if (compareUtf8(begin, key) <= 0 && compareUtf8(key, end) < 0) entries.delete(key);
    }
  }

  #writable(): Map<string, CatalogEntry> {
    this.changed ??= new Map(this.#entries);
    this.#entries = this.changed;
    return this.changed;
  }
}

function encodeSnapshot(state: State): Uint8Array {
  const entries = [...state.entries.values()].toSorted((a, b) => compareUtf8(a.key, b.key));
  const keys = entries.map(({ key }) => Buffer.from(key));
  let sizeBytes = HEADER_BYTES + 4;
  for (const [i, { value }] of entries.entries()) {
    sizeBytes += ENTRY_HEADER_BYTES + must(keys[i], 'a key an entry').length + value.length;
  }
  const bytes = new Uint8Array(sizeBytes);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, entries.length, true);
  view.setBigUint64(16, BigInt(state.version), true);
  let at = HEADER_BYTES;
  for (const [i, { value, version }] of entries.entries()) {
    const key = must(keys[i], 'a key an entry');
    view.setUint32(at, key.length, true);
    view.setUint32(at + 4, value.length, true);
    view.setBigUint64(at + 8, BigInt(version), true);
    bytes.set(key, at + ENTRY_HEADER_BYTES);
    bytes.set(value, at + ENTRY_HEADER_BYTES + key.length);
    at += ENTRY_HEADER_BYTES + key.length + value.length;
  }
  view.setUint32(at, crc32c(bytes.subarray(0, at)), true);
  return bytes;
}

function decodeSnapshot(bytes: Uint8Array, path: string): State {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - 4;
  const intact =
    end >= HEADER_BYTES &&
    MAGIC.every((byte, i) => bytes[i] === byte) &&
    view.getUint32(end, true) === crc32c(bytes.subarray(0, end));
  if (!intact) throw new FatalError(`'${path}' is damaged: restore it from a snapshot`);
  const format = view.getUint32(8, true);
  if (format > FORMAT_VERSION) {
    throw new FatalError(
      `'${path}' has catalog format ${format}, written by a newer version of this program: ` +
        `start that version`,
    );
  }
  const entries = new Map<string, CatalogEntry>();
  let at = HEADER_BYTES;
  for (let count = view.getUint32(12, true); count > 0; count--) {
    const keyEnd = at + ENTRY_HEADER_BYTES + view.getUint32(at, true);
    const valueEnd = keyEnd + view.getUint32(at + 4, true);
    assert(valueEnd <= end, 'an intact snapshot holds its entries');
    const key = Buffer.from(bytes.subarray(at + ENTRY_HEADER_BYTES, keyEnd)).toString();
    const version = Number(view.getBigUint64(at + 8, true));
    entries.set(key, { key, value: bytes.slice(keyEnd, valueEnd), version });
    at = valueEnd;
  }
  return { version: Number(view.getBigUint64(16, true)), entries };
}
