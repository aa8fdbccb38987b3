// A backup folder (docs/formats/backup.md): shared parts, a manifest for each backup. Knows the
// layout and keeps its promises: a file under its final name is whole, a manifest is written when
// everything it names is durable, and a shared file goes only when no manifest names it.
import { Sha256 } from '../../codec/sha256.ts';
import { errorMessage } from '../../stdx/assert.ts';
import { createFile, fileErrorCode, makeDirectoryDurable } from '../../stdx/files.ts';
import { listTree, parentDirectory, removeTree } from '../../stdx/files.ts';
import type { Files } from '../../stdx/files.ts';
import { BLOBS_FOLDER } from '../data-folder.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandError } from './command-error.ts';

const FORMAT = 'orrery-backup';
const VERSION = 1;
const MARKER = 'orrery-backup.json';
const MANIFEST = 'manifest.json';
const PROGRESS = '.progress';
const TEMPORARY = '.tmp';
const SHARED = `${BLOBS_FOLDER}/parts/`;
const NAME = /^\d{8}T\d{9}Z-[0-9a-f]{16}$/;
/** Of a manifest or the progress list: some millions of files. */
const TEXT_MAX_BYTES = 1024 * 1024 * 1024;
const COPY_CHUNK_BYTES = 1024 * 1024;

export interface BackupFile {
  /** Relative to a data folder. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export interface Manifest {
  readonly name: string;
  readonly createdMs: number;
  /** Version of the product that wrote it. */
  readonly product: string;
  /** Where it was taken. */
  readonly source: string;
  readonly shards: readonly { readonly shard: number; readonly offset: number }[];
  readonly files: readonly BackupFile[];
}

export function manifestSizeBytes({ files }: Manifest): number {
  return files.reduce((sum, file) => sum + file.sizeBytes, 0);
}

function isBackupName(text: string): boolean {
  return NAME.test(text);
}

export function isShared(path: string): boolean {
  return path.startsWith(SHARED);
}

/** What a manifest or a sender names must stay below the folder it is put into. */
function isSafePath(path: string): boolean {
  const segments = path.split('/');
  return segments.every((one) => one !== '' && one !== '.' && one !== '..' && !one.includes('\\'));
}

export async function refuseFile(files: Files, path: string): Promise<void> {
  if ((await files.stat(path))?.isDirectory === false)
    throw new CommandError(EXIT.refused, `'${path}' is a file, where a folder is needed`);
}

export class BackupFolder {
  readonly path: string;
  readonly #files: Files;
  /** What an earlier, unfinished backup and this one have copied. */
  readonly #copied = new Map<string, BackupFile>();
  #made = new Set<string>();

  private constructor(files: Files, path: string) {
    this.#files = files;
    this.path = path;
  }

  /** Refuses what is neither empty nor a backup folder of a known version. */
  static async create(files: Files, path: string): Promise<BackupFolder> {
    const folder = new BackupFolder(files, path);
    await refuseFile(files, path);
    await makeDirectoryDurable(files, path);
    if ((await files.stat(`${path}/${MARKER}`)) !== undefined) {
      await folder.#checkMarker();
      return folder;
    }
    if ((await files.list(path)).some((name) => name !== `${MARKER}${TEMPORARY}`))
      throw new CommandError(
        EXIT.refused,
        `'${path}' is neither empty nor a backup folder: choose another one`,
      );
    const text = `${JSON.stringify({ format: FORMAT, version: VERSION })}\n`;
    await folder.#write(MARKER, Buffer.from(text));
    return folder;
  }

  static async open(files: Files, path: string): Promise<BackupFolder> {
    const folder = new BackupFolder(files, path);
    await refuseFile(files, path);
    if ((await files.stat(`${path}/${MARKER}`)) === undefined)
      throw new CommandError(
        EXIT.refused,
        `'${path}' is not a backup folder (it has no ${MARKER})`,
      );
    await folder.#checkMarker();
    return folder;
  }

  async #checkMarker(): Promise<void> {
    const path = `${this.path}/${MARKER}`;
    const text = Buffer.from(await this.#files.readWhole(path, TEXT_MAX_BYTES)).toString();
    checkFormat(parse(text, path), path);
  }

  /** Where a backup's file is. */
  fileOf(name: string, path: string): string {
    return isShared(path) ? `${this.path}/${path}` : `${this.path}/backups/${name}/${path}`;
  }

  /** Names of all backups, oldest first. */
  async names(): Promise<readonly string[]> {
    const names: string[] = [];
    for (const name of await this.#backupFolders())
      if ((await this.#files.stat(`${this.path}/backups/${name}/${MANIFEST}`)) !== undefined)
        names.push(name);
    return names;
  }

  async #backupFolders(): Promise<readonly string[]> {
    if ((await this.#files.stat(`${this.path}/backups`)) === undefined) return [];
    return (await this.#files.list(`${this.path}/backups`)).filter(isBackupName);
  }

  /** Throws CommandError where it is damaged or newer. */
  async manifest(name: string): Promise<Manifest> {
    const path = `${this.path}/backups/${name}/${MANIFEST}`;
    const bytes = await this.#files.readWhole(path, TEXT_MAX_BYTES);
    const end = bytes.indexOf(10);
    const digest = new Sha256();
    digest.update(bytes.subarray(0, Math.max(0, end)));
    const expected = `{"sha256":"${digest.finish().toHex()}"}\n`;
    if (end < 0 || Buffer.from(bytes.subarray(end + 1)).toString() !== expected)
      throw new CommandError(
        EXIT.damaged,
        `'${path}' is damaged (its checksum is wrong): this backup cannot be used, others can`,
      );
    const manifest = parse(Buffer.from(bytes.subarray(0, end)).toString(), path);
    checkFormat(manifest, path);
    const { files } = manifest as unknown as Manifest;
    for (const file of files)
      if (!isSafePath(file.path))
        throw new CommandError(EXIT.damaged, `'${path}' names the file '${file.path}'`);
    return manifest as unknown as Manifest;
  }

  // -------------------------------------------------------------- writing

  /** Removes what backups that did not end left behind, and learns what they copied. */
  async begin(): Promise<void> {
    const files = this.#files;
    const complete = new Set(await this.names());
    for (const name of await this.#backupFolders())
      if (!complete.has(name)) await removeTree(files, `${this.path}/backups/${name}`);
    for (const name of complete)
      for (const file of (await this.#manifestIfSound(name))?.files ?? [])
        if (isShared(file.path)) this.#copied.set(file.path, file);
    const progress = `${this.path}/${PROGRESS}`;
    if ((await files.stat(progress)) === undefined) return;
    const text = Buffer.from(await files.readWhole(progress, TEXT_MAX_BYTES)).toString();
    for (const line of text.split('\n').slice(0, -1)) {
      const file = parseIfJson(line) as BackupFile | undefined;
      if (file !== undefined && isShared(file.path)) this.#copied.set(file.path, file);
    }
  }

  async #manifestIfSound(name: string): Promise<Manifest | undefined> {
    try {
      return await this.manifest(name);
    } catch (error) {
      // Only its files are copied once more; listing, verifying and pruning say what is wrong.
      if (error instanceof CommandError) return undefined;
      throw error;
    }
  }

  /** The shared file as it is here already; undefined where it must be copied. */
  async present(path: string, sizeBytes: number): Promise<BackupFile | undefined> {
    const known = this.#copied.get(path);
    if (known === undefined || known.sizeBytes !== sizeBytes) return undefined;
    const stat = await this.#files.stat(`${this.path}/${path}`);
    return stat?.sizeBytes === sizeBytes ? known : undefined;
  }

  /** Copies one file; `chunks` must give `sizeBytes` and the digest that `expected` asks for. */
  async copy(
    name: string,
    file: { readonly path: string; readonly sizeBytes: number },
    content: FileContent,
    onBytes: (sizeBytes: number) => void,
  ): Promise<BackupFile> {
    const target = this.fileOf(name, file.path);
    await this.#makeFolder(parentDirectory(target));
    const sha256 = await copyFile(this.#files, { target, ...file, content, onBytes });
    const copied = { path: file.path, sizeBytes: file.sizeBytes, sha256 };
    if (isShared(file.path)) await this.#note(copied);
    return copied;
  }

  async #makeFolder(path: string): Promise<void> {
    if (!this.#made.has(path)) await makeDirectoryDurable(this.#files, path);
    this.#made.add(path);
  }

  async #note(file: BackupFile): Promise<void> {
    const path = `${this.path}/${PROGRESS}`;
    const isThere = (await this.#files.stat(path)) !== undefined;
    const handle = await this.#files.open(path, isThere ? 'write' : 'create');
    try {
      // A torn line of a killed run ends here and stays a line of its own.
      const start = handle.sizeBytes() === 0 ? '' : '\n';
      await handle.write(Buffer.from(`${start}${JSON.stringify(file)}\n`), handle.sizeBytes());
    } finally {
      await handle.close();
    }
  }

  /** Makes the backup exist; every file it names has been copied or was present. */
  async finish(manifest: Manifest): Promise<void> {
    for (const folder of this.#made) await this.#files.syncDirectory(folder);
    const line = JSON.stringify({ format: FORMAT, version: VERSION, ...manifest });
    const digest = new Sha256();
    digest.update(Buffer.from(line));
    const text = `${line}\n{"sha256":"${digest.finish().toHex()}"}\n`;
    await this.#write(`backups/${manifest.name}/${MANIFEST}`, Buffer.from(text));
    await this.#removeIfThere(`${this.path}/${PROGRESS}`);
  }

  /**
   * Removes all but the newest `count` backups and what they alone needed; returns their names.
   * `fresh` is the newest whatever its name says: clocks go back.
   */
  async prune(count: number, fresh: string): Promise<readonly string[]> {
    const names = [...(await this.names()).filter((name) => name !== fresh), fresh];
    // Every manifest is read before anything goes: one that cannot be read may need anything.
    const manifests = [];
    for (const name of names) manifests.push(await this.manifest(name));
    const removed = names.slice(0, Math.max(0, names.length - count));
    const needed = new Set(
      manifests.slice(removed.length).flatMap(({ files }) => files.map((file) => file.path)),
    );
    for (const name of removed) {
      const folder = `${this.path}/backups/${name}`;
      await this.#files.remove(`${folder}/${MANIFEST}`);
      await this.#files.syncDirectory(folder);
      await removeTree(this.#files, folder);
    }
    if ((await this.#files.stat(`${this.path}/${BLOBS_FOLDER}`)) === undefined) return removed;
    for await (const { path } of listTree(this.#files, `${this.path}/${BLOBS_FOLDER}`))
      if (!needed.has(`${BLOBS_FOLDER}/${path}`))
        await this.#files.remove(`${this.path}/${BLOBS_FOLDER}/${path}`);
    return removed;
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const target = `${this.path}/${path}`;
    await this.#makeFolder(parentDirectory(target));
    await this.#removeIfThere(target + TEMPORARY);
    await createFile(this.#files, target + TEMPORARY, bytes);
    await this.#files.rename(target + TEMPORARY, target);
    await this.#files.syncDirectory(parentDirectory(target));
  }

  async #removeIfThere(path: string): Promise<void> {
    try {
      await this.#files.remove(path);
    } catch (error) {
      if (fileErrorCode(error) !== 'ENOENT') throw error;
    }
  }
}

export interface FileContent {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** What the sender says, known when all chunks were taken; undefined where it says nothing. */
  digest(): string | undefined;
}

/** Writes `target` by way of a temporary name, and syncs its bytes; resolves to its SHA-256. */
export async function copyFile(
  files: Files,
  copy: {
    readonly target: string;
    readonly sizeBytes: number;
    readonly content: FileContent;
    readonly onBytes: (sizeBytes: number) => void;
  },
): Promise<string> {
  const { target, sizeBytes, content, onBytes } = copy;
  const temporary = target + TEMPORARY;
  if ((await files.stat(temporary)) !== undefined) await files.remove(temporary);
  const handle = await files.open(temporary, 'create');
  const digest = new Sha256();
  let at = 0;
  try {
    for await (const chunk of content.chunks) {
      await handle.write(chunk, at);
      digest.update(chunk);
      at += chunk.length;
      onBytes(chunk.length);
    }
    if (at !== sizeBytes)
      throw new CommandError(
        EXIT.failed,
        `'${target}' came with ${at} bytes instead of ${sizeBytes}: try again`,
      );
    await handle.datasync();
  } finally {
    await handle.close();
  }
  const sha256 = digest.finish().toHex();
  const expected = content.digest();
  if (expected !== undefined && expected !== sha256) {
    await files.remove(temporary);
    throw new CommandError(
      EXIT.damaged,
      `'${target}' has another checksum than it should: what was read is damaged`,
    );
  }
  await files.rename(temporary, target);
  return sha256;
}

/** A file on this machine, piece by piece. */
export async function* readChunks(
  files: Files,
  path: string,
): AsyncGenerator<Uint8Array, void, void> {
  const file = await files.open(path, 'read');
  try {
    const buffer = new Uint8Array(COPY_CHUNK_BYTES);
    for (let at = 0; ;) {
      const got = await file.read(buffer, at);
      if (got === 0) return;
      yield buffer.subarray(0, got);
      at += got;
    }
  } finally {
    await file.close();
  }
}

function parse(text: string, path: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    const message = `'${path}' is not readable: ${errorMessage(error)}`;
    throw new CommandError(EXIT.damaged, message, { cause: error });
  }
}

function parseIfJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    // A torn line: its file is copied again.
    return undefined;
  }
}

function checkFormat({ format, version }: Record<string, unknown>, path: string): void {
  if (format !== FORMAT)
    throw new CommandError(EXIT.refused, `'${path}' is not of a backup folder`);
  if (typeof version === 'number' && version > VERSION)
    throw new CommandError(
      EXIT.refused,
      `'${path}' has backup format ${version}, written by a newer version of this program: ` +
        'use that version',
    );
}
