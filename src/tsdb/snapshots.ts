// Snapshots of running shards (docs/formats/snapshot.md): at one cut of each shard, hard links of
// its parts, an empty log that goes on at the cut, and a copy of the catalog, in a folder that
// opens as a data folder of its own. Writes go on meanwhile; flushes and merges wait. A folder
// appears under its name only when all of it is durable, and loses its name before any of it goes.
import type { Blobs } from '../blobs/blobs.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Log } from '../log/log.ts';
import { AppError } from '../model/errors.ts';
import type {
  SnapshotContent,
  SnapshotFile,
  SnapshotInfo,
  SnapshotKeeper,
} from '../model/snapshots.ts';
import type { Storage } from '../model/storage.ts';
import { errorMessage, must } from '../stdx/assert.ts';
import type { Clock } from '../stdx/clock.ts';
import { createFile, FileError, listTree, makeDirectoryDurable } from '../stdx/files.ts';
import { removeTree } from '../stdx/files.ts';
import type { Files, OpenFile, TreeFile } from '../stdx/files.ts';
import type { Prng } from '../stdx/prng.ts';
import { NO_PROBE } from '../stdx/probe.ts';
import type { Probe } from '../stdx/probe.ts';
import { SNAPSHOT_INFO_MAX_BYTES, SNAPSHOT_READ_BYTES, SNAPSHOTS_MAX } from './limits.ts';

const INFO_FILE = 'snapshot.json';
const FORMAT_VERSION = 1;
const NAME = /^\d{8}T\d{9}Z-[0-9a-f]{16}$/;
/** Prefixes of folders on their way in and out; both are removed when the store is opened. */
const UNFINISHED = '.unfinished-';
const REMOVED = '.removed-';

/** Storage that stands still: its catalog rows and blobs stay as they are until released. */
export interface StorageHold {
  /**
   * Puts into parts what was appended before the call, on all shards before the same moment.
   */
  flush(): Promise<void>;
  content(): Promise<HeldContent>;
  release(): void;
}

export interface HeldContent {
  /** Of each shard the frontier: every record below is in the parts. */
  readonly shards: readonly { readonly shard: number; readonly offset: number }[];
  /** Parts and dead letters. */
  readonly blobs: readonly string[];
}

/** A storage whose housekeeping can be held. */
export interface HoldableStorage extends Storage {
  /** Writes and reads go on; flushes and merges wait. */
  hold(): Promise<StorageHold>;
}

export interface SnapshotsOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly prng: Prng;
  /** Where snapshots live: `DATA/snapshots`. */
  readonly directory: string;
  readonly catalog: Catalog;
  readonly blobs: Blobs;
  readonly storage: HoldableStorage;
  /** By shard. */
  readonly logs: ReadonlyMap<number, Log>;
  readonly logFolder: (shard: number) => string;
  /** Names inside a data folder, so that a snapshot is one. */
  readonly catalogFile: string;
  readonly blobsFolder: string;
  readonly probe?: Probe;
}

function snapshotError(error: unknown): unknown {
  if (!(error instanceof FileError)) return error;
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
    const message = `no space for a snapshot (${error.message}): free disk space`;
    return new AppError('unavailable', 'disk-full', message, { retryAfterSec: 5, cause: error });
  }
  const message = `the snapshot failed: ${error.message}`;
  return new AppError('unavailable', 'snapshot-io', message, { cause: error });
}

export class Snapshots implements SnapshotKeeper {
  readonly #options: SnapshotsOptions;
  readonly #probe: Probe;
  /** Creations and removals, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: SnapshotsOptions) {
    this.#options = options;
    this.#probe = options.probe ?? NO_PROBE;
  }

  /** Removes what a crash left half made or half removed. */
  static async open(options: SnapshotsOptions): Promise<Snapshots> {
    const { files, directory } = options;
    if ((await files.stat(directory)) !== undefined)
      for (const name of await files.list(directory))
        if (name.startsWith(UNFINISHED) || name.startsWith(REMOVED))
          await removeTree(files, `${directory}/${name}`);
    return new Snapshots(options);
  }

  create(how: { readonly withHead: boolean }): Promise<SnapshotInfo> {
    return this.#exclusive(async () => {
      const count = (await this.#names()).length;
      if (count >= SNAPSHOTS_MAX)
        throw new AppError(
          'limited',
          'too-many-snapshots',
          `there are ${count} snapshots, the limit is ${SNAPSHOTS_MAX}: remove one`,
          { retryable: false },
        );
      const { files, directory } = this.#options;
      const name = this.#newName();
      const path = `${directory}/${UNFINISHED}${name}`;
      try {
        await makeDirectoryDurable(files, path);
        const info = await this.#fill(name, path, how);
        await files.rename(path, `${directory}/${name}`);
        await files.syncDirectory(directory);
        return info;
      } catch (error) {
        await this.#discard(path, `${directory}/${name}`);
        throw error;
      }
    });
  }

  /** `20260101T120000000Z-` and 16 hexadecimal digits: names sort by age. */
  #newName(): string {
    const { clock, prng } = this.#options;
    const time = new Date(clock.nowMs()).toISOString().replaceAll(/[-:.]/g, '');
    return `${time}-${prng.bytes(8).toHex()}`;
  }

  async #fill(
    name: string,
    path: string,
    how: { readonly withHead: boolean },
  ): Promise<SnapshotInfo> {
    const { files, catalog, blobs, clock, catalogFile, blobsFolder } = this.#options;
    const { storage, logs, logFolder } = this.#options;
    const hold = await storage.hold();
    let content: HeldContent;
    try {
      if (how.withHead) await hold.flush();
      content = await hold.content();
      await blobs.backup(`${path}/${blobsFolder}`, new Set(content.blobs));
      await catalog.backup(`${path}/${catalogFile}`);
    } finally {
      hold.release();
    }
    this.#probe('snapshot');
    const { shards } = content;
    for (const { shard, offset } of shards)
      await must(logs.get(shard), 'a shard has a log').writeEmpty(
        `${path}/${logFolder(shard)}`,
        offset,
      );
    let sizeBytes = 0;
    let fileCount = 0;
    for await (const file of listTree(files, path)) {
      sizeBytes += file.sizeBytes;
      fileCount++;
    }
    const info = { name, createdMs: clock.nowMs(), shards, sizeBytes, fileCount };
    const text = JSON.stringify({ version: FORMAT_VERSION, ...info });
    await createFile(files, `${path}/${INFO_FILE}`, new TextEncoder().encode(`${text}\n`));
    await files.syncDirectory(path);
    return info;
  }

  /** The creation failed with an error worth more than one of these; the next start tidies up. */
  async #discard(unfinished: string, final: string): Promise<void> {
    const { files } = this.#options;
    try {
      // Where the last sync failed it has its final name already.
      if ((await files.stat(final)) !== undefined) await files.rename(final, unfinished);
      await removeTree(files, unfinished);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
  }

  async list(): Promise<readonly SnapshotInfo[]> {
    const infos: SnapshotInfo[] = [];
    for (const name of await this.#names()) infos.push(await this.#read(name));
    return infos;
  }

  async get(name: string): Promise<SnapshotInfo> {
    await this.#need(name);
    return await this.#read(name);
  }

  async files(name: string): Promise<readonly SnapshotFile[]> {
    const path = await this.#need(name);
    const found: TreeFile[] = [];
    for await (const file of listTree(this.#options.files, path)) found.push(file);
    return found;
  }

  async read(name: string, path: string): Promise<SnapshotContent> {
    const known = (await this.files(name)).find((file) => file.path === path);
    if (known === undefined)
      throw new AppError('notFound', 'no-snapshot', `snapshot ${name} has no file '${path}'`);
    const { files, directory } = this.#options;
    const file = await files.open(`${directory}/${name}/${path}`, 'read');
    this.#probe('backup');
    return { sizeBytes: known.sizeBytes, chunks: readChunks(file) };
  }

  remove(name: string): Promise<void> {
    return this.#exclusive(async () => {
      const path = await this.#need(name);
      const { files, directory } = this.#options;
      const removed = `${directory}/${REMOVED}${name}`;
      await files.rename(path, removed);
      await files.syncDirectory(directory);
      await removeTree(files, removed);
    });
  }

  async #names(): Promise<readonly string[]> {
    const { files, directory } = this.#options;
    if ((await files.stat(directory)) === undefined) return [];
    return (await files.list(directory)).filter((name) => NAME.test(name));
  }

  /** The snapshot's folder. No other text than a name of ours reaches the disk. */
  async #need(name: string): Promise<string> {
    const { files, directory } = this.#options;
    const path = `${directory}/${name}`;
    if (!NAME.test(name) || (await files.stat(path)) === undefined)
      throw new AppError('notFound', 'no-snapshot', 'there is no snapshot of that name');
    return path;
  }

  async #read(name: string): Promise<SnapshotInfo> {
    const { files, directory } = this.#options;
    const path = `${directory}/${name}/${INFO_FILE}`;
    try {
      const bytes = await files.readWhole(path, SNAPSHOT_INFO_MAX_BYTES);
      const info = JSON.parse(new TextDecoder().decode(bytes)) as SnapshotInfo;
      const { createdMs, shards, sizeBytes, fileCount } = info;
      if (info.name !== name) throw new Error(`it is about '${info.name}'`);
      return { name, createdMs, shards, sizeBytes, fileCount };
    } catch (error) {
      // The snapshot is a data folder all the same.
      const problem = `'${path}' is not readable: ${errorMessage(error)}`;
      return { name, createdMs: 0, shards: [], sizeBytes: 0, fileCount: 0, problem };
    }
  }

  #exclusive<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(task, task).catch((error: unknown) => {
      throw snapshotError(error);
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

async function* readChunks(file: OpenFile): AsyncGenerator<Uint8Array, void, void> {
  try {
    const sizeBytes = file.sizeBytes();
    for (let at = 0; at < sizeBytes;) {
      // Fresh memory each time: a socket may keep a chunk after the next one is asked for.
      const chunk = new Uint8Array(Math.min(SNAPSHOT_READ_BYTES, sizeBytes - at));
      const got = await file.read(chunk, at);
      if (got < chunk.length) throw new FileError('EIO', file.path, 'read');
      at += got;
      yield chunk;
    }
  } finally {
    await file.close();
  }
}
