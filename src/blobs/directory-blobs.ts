// The embedded blob driver: one file an object under a folder, written as docs/formats/blobs.md
// says (temporary file, datasync, rename, sync of the folder). Owns the folder and everything in
// it.
import { AppError } from '../model/errors.ts';
import { assert } from '../stdx/assert.ts';
import {
  FileError,
  fileErrorCode,
  type Files,
  makeDirectoryDurable,
  type OpenFile,
  parentDirectory,
} from '../stdx/files.ts';
import type { BlobInfo, BlobRange, Blobs } from './blobs.ts';
import {
  BLOB_HANDLES_MAX,
  BLOB_NAME_MAX_BYTES,
  BLOB_SYNC_EVERY_BYTES,
  BLOB_SYNC_READ_MAX_BYTES,
} from './limits.ts';

const NAME = /^[a-z0-9_-][a-z0-9._-]*(?:\/[a-z0-9_-][a-z0-9._-]*)*$/;

function storeError(error: unknown, name: string): unknown {
  if (!(error instanceof FileError)) return error;
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
    const message = `no space to store '${name}' (${error.message}): free disk space`;
    return new AppError('unavailable', 'disk-full', message, { retryAfterSec: 5, cause: error });
  }
  const message = `'${name}': ${error.message}; check the disk`;
  return new AppError('unavailable', 'blob-io', message, { cause: error });
}

function checkName(name: string): void {
  const fits = name.length <= BLOB_NAME_MAX_BYTES && NAME.test(name);
  assert(fits, () => `'${name}' is no blob name`);
}

interface Handle {
  readonly file: OpenFile;
  readers: number;
  /** Replaced, removed or pushed out: to be closed by its last reader. */
  stale: boolean;
}

export class DirectoryBlobs implements Blobs {
  readonly #files: Files;
  readonly #directory: string;
  /** Starts the names of temporary files. */
  readonly #temporaryPrefix: string;
  /** Open files by name, least recently used first. */
  readonly #handles = new Map<string, Handle>();
  #temporaryCount = 0;
  /** Renames and removals so far: a file opened across one may be the former object. */
  #changeCount = 0;
  /** Folders whose names are safe, or on the way to it; concurrent puts share the wait. */
  readonly #folders = new Map<string, Promise<void>>();
  #closed = false;

  private constructor(files: Files, directory: string, temporaryPrefix: string) {
    this.#files = files;
    this.#directory = directory;
    this.#temporaryPrefix = temporaryPrefix;
  }

  /** Opens or creates the folder (`DATA/blobs`) and removes what unfinished puts left behind. */
  static async open(files: Files, directory: string): Promise<DirectoryBlobs> {
    const temporary = `${directory}/.tmp`;
    try {
      await makeDirectoryDurable(files, directory);
      await makeDirectoryDurable(files, temporary);
      for (const name of await files.list(temporary)) await files.remove(`${temporary}/${name}`);
    } catch (error) {
      throw storeError(error, directory);
    }
    return new DirectoryBlobs(files, directory, '');
  }

  /**
   * A second way into a folder that is open, for a while: for puts of names that nobody else has,
   * and for gets. `unique` keeps its unfinished puts apart from those of everybody else.
   */
  static beside(files: Files, directory: string, unique: string): DirectoryBlobs {
    assert(unique !== '', 'the owner of the folder has the names without a prefix');
    return new DirectoryBlobs(files, directory, `${unique}-`);
  }

  async put(
    name: string,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<BlobInfo> {
    checkName(name);
    assert(!this.#closed, 'put on closed blobs');
    const number = String(this.#temporaryCount++).padStart(10, '0');
    const temporary = `${this.#directory}/.tmp/${this.#temporaryPrefix}${number}`;
    const path = `${this.#directory}/${name}`;
    try {
      const sizeBytes = await this.#writeTemporary(temporary, chunks);
      await this.#ensureFolders(name);
      await this.#files.rename(temporary, path);
      this.#changeCount++;
      await this.#forget(name);
      await this.#files.syncDirectory(parentDirectory(path));
      return { name, sizeBytes };
    } catch (error) {
      await this.#removeQuietly(temporary);
      throw storeError(error, name);
    }
  }

  async get(name: string, range?: BlobRange, into?: Uint8Array): Promise<Uint8Array> {
    checkName(name);
    let handle: Handle;
    try {
      handle = await this.#open(name);
    } catch (error) {
      if (fileErrorCode(error) === 'ENOENT') {
        throw new AppError('notFound', 'no-blob', `there is no blob '${name}'`);
      }
      throw storeError(error, name);
    }
    try {
      const offset = range?.offset ?? 0;
      const length = range?.length ?? handle.file.sizeBytes();
      if (offset + length > handle.file.sizeBytes()) throw short(name, offset + length, handle);
      const bytes = into ?? new Uint8Array(length);
      assert(bytes.length === length, 'what is read fits the memory it is read into');
      const small = length <= BLOB_SYNC_READ_MAX_BYTES;
      const got = small
        ? handle.file.readSync(bytes, offset)
        : await handle.file.read(bytes, offset);
      if (got < length) throw short(name, offset + length, handle);
      return bytes;
    } catch (error) {
      throw storeError(error, name);
    } finally {
      await this.#release(handle);
    }
  }

  async head(name: string): Promise<BlobInfo | undefined> {
    checkName(name);
    try {
      const found = await this.#files.stat(`${this.#directory}/${name}`);
      if (found === undefined || found.isDirectory) return undefined;
      return { name, sizeBytes: found.sizeBytes };
    } catch (error) {
      throw storeError(error, name);
    }
  }

  async *list(prefix: string): AsyncGenerator<BlobInfo, void, undefined> {
    try {
      yield* this.#listFolder('', prefix);
    } catch (error) {
      throw storeError(error, prefix);
    }
  }

  async remove(name: string): Promise<void> {
    checkName(name);
    const path = `${this.#directory}/${name}`;
    try {
      await this.#removeIfThere(path);
      this.#changeCount++;
      await this.#forget(name);
      // Also where nothing was there: an earlier removal may have failed after the name was gone.
      await this.#files.syncDirectory(parentDirectory(path));
    } catch (error) {
      if (fileErrorCode(error) !== 'ENOENT') throw storeError(error, name);
    }
  }

  /** Hard links: an object's file is never written again, so both names may share it. */
  async backup(directory: string, names: Iterable<string>): Promise<void> {
    const folders = new Set<string>();
    try {
      await makeDirectoryDurable(this.#files, directory);
      for (const name of names) {
        checkName(name);
        const path = `${directory}/${name}`;
        const folder = parentDirectory(path);
        if (!folders.has(folder)) await makeDirectoryDurable(this.#files, folder);
        folders.add(folder);
        await this.#link(name, path);
      }
      for (const folder of folders) await this.#files.syncDirectory(folder);
    } catch (error) {
      throw storeError(error, directory);
    }
  }

  async #link(name: string, path: string): Promise<void> {
    try {
      await this.#files.link(`${this.#directory}/${name}`, path);
    } catch (error) {
      if (fileErrorCode(error) !== 'ENOENT') throw error;
      throw new AppError('notFound', 'no-blob', `there is no blob '${name}'`);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const name of this.#handles.keys()) await this.#forget(name);
  }

  /** Every folder of the name, once a life: one left by a crash may exist without being safe. */
  async #ensureFolders(name: string): Promise<void> {
    for (let at = name.indexOf('/'); at >= 0; at = name.indexOf('/', at + 1)) {
      const folder = name.slice(0, at);
      let made = this.#folders.get(folder);
      if (made === undefined) {
        made = makeDirectoryDurable(this.#files, `${this.#directory}/${folder}`);
        this.#folders.set(folder, made);
      }
      try {
        await made;
      } catch (error) {
        this.#folders.delete(folder);
        throw error;
      }
    }
  }

  async #writeTemporary(
    path: string,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<number> {
    const file = await this.#files.open(path, 'create');
    try {
      let sizeBytes = 0;
      let syncedBytes = 0;
      for await (const chunk of chunks) {
        await file.write(chunk, sizeBytes);
        sizeBytes += chunk.length;
        // Whoever syncs a log on the same disk waits behind what is synced at once.
        if (sizeBytes - syncedBytes < BLOB_SYNC_EVERY_BYTES) continue;
        await file.datasync();
        syncedBytes = sizeBytes;
      }
      await file.datasync();
      return sizeBytes;
    } finally {
      await file.close();
    }
  }

  async #removeIfThere(path: string): Promise<void> {
    try {
      await this.#files.remove(path);
    } catch (error) {
      if (fileErrorCode(error) !== 'ENOENT') throw error;
    }
  }

  /** The put has failed with an error worth more than this one; the next start tidies up. */
  async #removeQuietly(path: string): Promise<void> {
    try {
      await this.#files.remove(path);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
  }

  async #open(name: string): Promise<Handle> {
    const cached = this.#handles.get(name);
    if (cached !== undefined) {
      cached.readers++;
      this.#handles.delete(name);
      this.#handles.set(name, cached);
      return cached;
    }
    const before = this.#changeCount;
    const file = await this.#files.open(`${this.#directory}/${name}`, 'read');
    const unchanged = before === this.#changeCount && !this.#handles.has(name);
    const kept = unchanged && !this.#closed;
    const handle = { file, readers: 1, stale: !kept };
    if (!kept) return handle;
    this.#handles.set(name, handle);
    if (this.#handles.size > BLOB_HANDLES_MAX) {
      const oldest = this.#handles.keys().next().value;
      if (oldest !== undefined) await this.#forget(oldest);
    }
    return handle;
  }

  async #release(handle: Handle): Promise<void> {
    handle.readers--;
    if (handle.stale && handle.readers === 0) await handle.file.close();
  }

  async #forget(name: string): Promise<void> {
    const handle = this.#handles.get(name);
    if (handle === undefined) return;
    this.#handles.delete(name);
    handle.stale = true;
    if (handle.readers === 0) await handle.file.close();
  }

  async *#listFolder(folder: string, prefix: string): AsyncGenerator<BlobInfo, void, undefined> {
    const entries: { readonly name: string; readonly sizeBytes: number | undefined }[] = [];
    for (const child of await this.#files.list(`${this.#directory}/${folder}`)) {
      if (child.startsWith('.')) continue;
      const name = `${folder}${child}`;
      const stat = await this.#files.stat(`${this.#directory}/${name}`);
      if (stat === undefined) continue;
      if (stat.isDirectory) entries.push({ name: `${name}/`, sizeBytes: undefined });
      else entries.push({ name, sizeBytes: stat.sizeBytes });
    }
    // Folders sort with their slash: that makes the walk's order the order of whole names.
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { name, sizeBytes } of entries) {
      if (sizeBytes !== undefined) {
        if (name.startsWith(prefix)) yield { name, sizeBytes };
      } else if (name.startsWith(prefix) || prefix.startsWith(name)) {
        yield* this.#listFolder(name, prefix);
      }
    }
  }
}

function short(name: string, endOffset: number, handle: Handle): AppError {
  const message =
    `blob '${name}' ends at ${handle.file.sizeBytes()} bytes, before the ${endOffset} asked for: ` +
    `'${handle.file.path}' is damaged`;
  return new AppError('corrupt', 'short-blob', message);
}
