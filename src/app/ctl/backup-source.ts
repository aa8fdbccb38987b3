// What a backup is made of: a snapshot of a running server, read over HTTP, or a stopped data
// folder, whose lock is held meanwhile. Both are still while they are read.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { SqliteCatalog } from '../../catalog/sqlite-catalog.ts';
import type { SnapshotFile, SnapshotInfo } from '../../model/snapshots.ts';
import { errorMessage, FatalError } from '../../stdx/assert.ts';
import { listTree, removeTree } from '../../stdx/files.ts';
import type { Files } from '../../stdx/files.ts';
import type { Prng } from '../../stdx/prng.ts';
import { readShards } from '../../tsdb/catalog-shards.ts';
import { HEAD_SNAPSHOTS } from '../../tsdb/names.ts';
import { BLOBS_FOLDER, CATALOG_FILE, RESTORING_FOLDER, SNAPSHOTS_FOLDER } from '../data-folder.ts';
import { EXIT } from '../exit-codes.ts';
import { isShared, readChunks, refuseFile } from './backup-folder.ts';
import type { FileContent, Manifest } from './backup-folder.ts';
import { CommandError } from './command-error.ts';
import type { Headers } from './credentials.ts';

const SNAPSHOTS_URL = '/orrery/v1/admin/snapshot';
/** Silence after which a server counts as gone; a snapshot may wait for a merge. */
const ANSWER_TIMEOUT_MS = 600_000;

export interface BackupSource {
  readonly name: string;
  readonly where: string;
  readonly shards: Manifest['shards'];
  readonly files: readonly SnapshotFile[];
  read(path: string): Promise<FileContent>;
  /** Gives back what was held; the source is not used afterwards. */
  close(): Promise<void>;
}

// ---------------------------------------------------------------- a running server

export interface Server {
  readonly base: string;
  /** Who is asking. */
  readonly headers: Headers;
}

/** Sends one request; resolves with the head of the answer. */
async function ask(
  { base, headers }: Server,
  method: string,
  path: string,
): Promise<http.IncomingMessage> {
  const url = new URL(base.replace(/\/$/, '') + path);
  const client = url.protocol === 'https:' ? https : http;
  try {
    const request = client.request(url, { method, headers, timeout: ANSWER_TIMEOUT_MS });
    request.on('timeout', () => request.destroy(new Error('the server went silent')));
    request.end();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    return response;
  } catch (error) {
    const message = `no answer from ${base}: ${errorMessage(error)}`;
    throw new CommandError(EXIT.failed, message, { cause: error });
  }
}

async function bodyOf(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function askJson(server: Server, method: string, path: string): Promise<unknown> {
  const { base } = server;
  const response = await ask(server, method, path);
  const text = await bodyOf(response);
  const status = response.statusCode ?? 0;
  if (status === 204) return undefined;
  let json: { readonly error?: { readonly message?: string } };
  try {
    json = JSON.parse(text) as typeof json;
  } catch (error) {
    const message = `what answers at ${base} is no orrery server (status ${status})`;
    throw new CommandError(EXIT.failed, message, { cause: error });
  }
  if (status === 200) return json;
  const message = `${base} refused: ${json.error?.message ?? `status ${status}`}`;
  throw new CommandError(status < 500 ? EXIT.refused : EXIT.failed, message);
}

/** `sha-256=:BASE64:` → hexadecimal digits. */
function digestOf(response: http.IncomingMessage): string {
  const match = /^sha-256=:([A-Za-z0-9+/=]+):$/.exec(response.trailers['repr-digest'] ?? '');
  if (match !== null) return Buffer.from(match[1]!, 'base64').toString('hex');
  const what = 'the answer came without the trailer "Repr-Digest", the checksum of the file';
  throw new CommandError(EXIT.failed, `${what}: ask the server itself, not through a proxy`);
}

async function readFileOf(server: Server, path: string): Promise<FileContent> {
  const { base } = server;
  const response = await ask(server, 'GET', path);
  if (response.statusCode !== 200) {
    const text = await bodyOf(response);
    throw new CommandError(EXIT.failed, `${base}${path}: status ${response.statusCode}: ${text}`);
  }
  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const chunk of response) yield chunk as Buffer;
    } catch (error) {
      const message = `${base} stopped in the middle of ${path}: ${errorMessage(error)}`;
      throw new CommandError(EXIT.failed, message, { cause: error });
    }
  }
  return { chunks: chunks(), digest: () => digestOf(response) };
}

/** Takes a snapshot of the server; `onTaken` hears its name at once. */
export async function serverSource(
  server: Server,
  onTaken: (name: string) => Promise<void>,
): Promise<BackupSource> {
  const info = (await askJson(server, 'POST', SNAPSHOTS_URL)) as SnapshotInfo;
  const { name, shards } = info;
  await onTaken(name);
  const path = `${SNAPSHOTS_URL}/${encodeURIComponent(name)}`;
  const close = async (): Promise<void> => {
    await askJson(server, 'DELETE', path);
  };
  try {
    const { files } = (await askJson(server, 'GET', `${path}/files`)) as {
      readonly files: readonly SnapshotFile[];
    };
    const read = (file: string): Promise<FileContent> =>
      readFileOf(server, `${path}/files/${encodeURIComponent(file)}`);
    return { name, where: server.base, shards, files, read, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Removes a snapshot that an earlier run could not remove; one that is gone is no error. */
export async function removeSnapshot(server: Server, name: string): Promise<void> {
  try {
    await askJson(server, 'DELETE', `${SNAPSHOTS_URL}/${encodeURIComponent(name)}`);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.exitCode !== EXIT.refused) throw error;
  }
}

// ---------------------------------------------------------------- a stopped folder

export interface FolderSourceOptions {
  readonly files: Files;
  readonly prng: Prng;
  readonly data: string;
  readonly nowMs: number;
  /** A folder for the catalog's copy, which is removed by `close`. */
  readonly scratch: string;
}

/** Opens a data folder as it is; holds its lock, so that no server starts on it meanwhile. */
export async function folderSource(options: FolderSourceOptions): Promise<BackupSource> {
  const { files, data, scratch } = options;
  await needDataFolder(files, data);
  const catalog = await lockedCatalog(data);
  const close = async (): Promise<void> => {
    await catalog.close();
    await removeTree(files, scratch);
  };
  try {
    await removeTree(files, scratch);
    await files.makeDirectory(scratch);
    const catalogCopy = `${scratch}/${CATALOG_FILE}`;
    await catalog.backup(catalogCopy);
    const shards = await readShards(catalog);
    const live = new Set(shards.flatMap(({ parts }) => parts.map((row) => row.name)));
    const found: SnapshotFile[] = [];
    const sizeBytes = (await files.stat(catalogCopy))?.sizeBytes ?? 0;
    found.push({ path: CATALOG_FILE, sizeBytes });
    for await (const file of dataFiles(files, data))
      if (isNeverNeeded(file.path)) continue;
      else if (!isShared(file.path) || live.has(file.path.slice(BLOBS_FOLDER.length + 1)))
        found.push(file);
    const read = async (path: string): Promise<FileContent> => {
      const from = path === CATALOG_FILE ? catalogCopy : `${data}/${path}`;
      return { chunks: readChunks(files, from), digest: () => undefined };
    };
    return {
      name: backupName(options),
      where: data,
      shards: shards.map(({ shard, frontier }) => ({ shard, offset: frontier })),
      files: found,
      read,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A head snapshot only saves time, and may hold what was deleted since. */
function isNeverNeeded(path: string): boolean {
  return path.startsWith(`${BLOBS_FOLDER}/${HEAD_SNAPSHOTS}`);
}

function backupName({ nowMs, prng }: FolderSourceOptions): string {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:.]/g, '');
  return `${time}-${prng.bytes(8).toHex()}`;
}

export async function needDataFolder(files: Files, data: string): Promise<void> {
  await refuseFile(files, data);
  if ((await files.stat(`${data}/${RESTORING_FOLDER}`)) !== undefined)
    throw new CommandError(
      EXIT.refused,
      `'${data}' holds a restore that did not end: run the same \`orrery restore\` again`,
    );
  if ((await files.stat(`${data}/${CATALOG_FILE}`)) !== undefined) return;
  const hasBlobs = (await files.stat(`${data}/${BLOBS_FOLDER}`)) !== undefined;
  const then = hasBlobs ? ', which its parts need: put that file back, or restore a backup' : '';
  throw new CommandError(EXIT.refused, `'${data}' is not a data folder: no ${CATALOG_FILE}${then}`);
}

async function lockedCatalog(data: string): Promise<SqliteCatalog> {
  try {
    return await SqliteCatalog.open(`${data}/${CATALOG_FILE}`);
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    throw new CommandError(EXIT.failed, error.message, { cause: error });
  }
}

/** Everything in a data folder but the catalog, snapshots and what is on its way. */
async function* dataFiles(files: Files, data: string): AsyncGenerator<SnapshotFile> {
  for (const name of await files.list(data)) {
    if (name.startsWith('.') || name === SNAPSHOTS_FOLDER) continue;
    const stat = await files.stat(`${data}/${name}`);
    // Files beside the folders: the catalog, its write-ahead log, a snapshot's description.
    if (stat?.isDirectory !== true) continue;
    for await (const { path, sizeBytes } of listTree(files, `${data}/${name}`))
      if (!path.startsWith('.')) yield { path: `${name}/${path}`, sizeBytes };
  }
}
