// The embedded driver of the blob plane: one file per object below a folder (docs/formats/blobs.md).
// An object is written under `tmp/`, synced, renamed to its name, and its folder synced: after a crash
// it is there whole or not at all. What a crash left under `tmp/` is removed on open.
import { AppError } from '../model/errors.ts';
import { compareUtf8 } from '../model/labels.ts';
import { FileError, makeDirectoryDurable, parentDirectory } from '../stdx/files.ts';
import type { Files, OpenFile } from '../stdx/files.ts';
import type { BlobInfo, BlobRange, Blobs } from './blobs.ts';
import { BLOB_NAME_LENGTH_MAX, OPEN_BLOBS_MAX, SYNC_READ_MAX_BYTES } from './limits.ts';

const NAME_PATTERN = /^[a-z0-9_-][a-z0-9._-]*(?:\/[a-z0-9_-][a-z0-9._-]*)*$/;
const TEMPORARY = 'tmp';

function checkName(name: string): void {
  const valid = name.length <= BLOB_NAME_LENGTH_MAX && NAME_PATTERN.test(name);
  if (!valid || name.startsWith(`${TEMPORARY}/`))
    throw new AppError('invalid', 'bad-blob-name', `'${name}' is not a valid object name`);
}

function operating(error: unknown, name: string): unknown {
  if (!(error instanceof FileError)) return error;
  if (error.code === 'ENOENT')
    return new AppError('notFound', 'no-blob', `there is no object '${name}'`, { cause: error });
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    return new AppError('unavailable', 'disk-full', `no space left to write '${name}'`, {
      cause: error,
    });
  return error;
}

export class DirectoryBlobs implements Blobs {
  readonly #files: Files;
  readonly #root: string;
  /** Insertion order is use order: the first is the one to close next. */
  readonly #open = new Map<string, OpenFile>();
  #sequence = 0;

  private constructor(files: Files, root: string) {
    this.#files = files;
    this.#root = root;
  }

  static async open(files: Files, root: string): Promise<DirectoryBlobs> {
    const temporary = `${root}/${TEMPORARY}`;
    await makeDirectoryDurable(files, temporary);
    for (const name of await files.list(temporary)) await files.remove(`${temporary}/${name}`);
    return new DirectoryBlobs(files, root);
  }

  async put(
    name: string,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<BlobInfo> {
    checkName(name);
    const temporary = `${this.#root}/${TEMPORARY}/${this.#sequence++}`;
    const target = `${this.#root}/${name}`;
    try {
      const sizeBytes = await this.#writeFile(temporary, chunks);
      await makeDirectoryDurable(this.#files, parentDirectory(target));
      await this.#files.rename(temporary, target);
      await this.#files.syncDirectory(parentDirectory(target));
      await this.#forget(name);
      return { name, sizeBytes };
    } catch (error) {
      throw operating(error, name);
    }
  }

  async #writeFile(
    path: string,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<number> {
    const file = await this.#files.open(path, 'create');
    let sizeBytes = 0;
    try {
      for await (const chunk of chunks) {
        await file.write(chunk, sizeBytes);
        sizeBytes += chunk.length;
      }
      await file.datasync();
      await file.close();
      return sizeBytes;
    } catch (error) {
      await file.close();
      await this.#files.remove(path);
      throw error;
    }
  }

  async get(name: string, range?: BlobRange): Promise<Uint8Array> {
    checkName(name);
    try {
      const file = await this.#openFile(name);
      const offset = range?.offset ?? 0;
      const out = new Uint8Array(range?.length ?? file.sizeBytes());
      const count =
        out.length <= SYNC_READ_MAX_BYTES
          ? file.readSync(out, offset)
          : await this.#readLarge(name, out, offset);
      if (count === out.length) return out;
      const where = `${this.#root}/${name}`;
      const need = offset + out.length;
      throw new AppError(
        'corrupt',
        'short-blob',
        `'${where}' has ${file.sizeBytes()} bytes, ${need} are needed: restore it from a backup`,
      );
    } catch (error) {
      throw operating(error, name);
    }
  }

  /** With a handle of its own, which no eviction can close while the read is under way. */
  async #readLarge(name: string, target: Uint8Array, offset: number): Promise<number> {
    const file = await this.#files.open(`${this.#root}/${name}`, 'read');
    try {
      return await file.read(target, offset);
    } finally {
      await file.close();
    }
  }

  async #openFile(name: string): Promise<OpenFile> {
    const known = this.#open.get(name);
    if (known !== undefined) {
      this.#open.delete(name);
      this.#open.set(name, known);
      return known;
    }
    const file = await this.#files.open(`${this.#root}/${name}`, 'read');
    const raced = this.#open.get(name);
    if (raced !== undefined) {
      await file.close();
      return raced;
    }
    this.#open.set(name, file);
    for (const eldest of this.#open.keys()) {
      if (this.#open.size <= OPEN_BLOBS_MAX) break;
      void this.#forget(eldest);
    }
    return file;
  }

  async #forget(name: string): Promise<void> {
    const file = this.#open.get(name);
    this.#open.delete(name);
    await file?.close();
  }

  async head(name: string): Promise<BlobInfo | undefined> {
    checkName(name);
    const stat = await this.#files.stat(`${this.#root}/${name}`);
    if (stat === undefined || stat.isDirectory) return undefined;
    return { name, sizeBytes: stat.sizeBytes };
  }

  async *list(prefix: string): AsyncIterable<BlobInfo> {
    const names = (await this.#namesBelow('', prefix)).toSorted(compareUtf8);
    for (const name of names) {
      const info = await this.head(name);
      if (info !== undefined) yield info;
    }
  }

  /** Only folders that can hold the prefix are walked. Depth is bounded by the name's length. */
  async #namesBelow(folder: string, prefix: string): Promise<string[]> {
    const out: string[] = [];
    for (const entry of await this.#files.list(`${this.#root}/${folder}`)) {
      const name = folder + entry;
      if (name === TEMPORARY) continue;
      const inside = `${name}/`;
      if (!name.startsWith(prefix) && !prefix.startsWith(inside) && !inside.startsWith(prefix))
        continue;
      const stat = await this.#files.stat(`${this.#root}/${name}`);
      if (stat === undefined) continue;
      if (stat.isDirectory) out.push(...(await this.#namesBelow(inside, prefix)));
      else if (name.startsWith(prefix)) out.push(name);
    }
    return out;
  }

  async remove(name: string): Promise<void> {
    checkName(name);
    await this.#forget(name);
    const path = `${this.#root}/${name}`;
    if ((await this.#files.stat(path)) === undefined) return;
    await this.#files.remove(path);
    await this.#files.syncDirectory(parentDirectory(path));
  }

  async close(): Promise<void> {
    for (const name of this.#open.keys()) await this.#forget(name);
  }
}
