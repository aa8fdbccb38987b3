// The catalog over `Files`, for the simulator, which cannot look inside SQLite: the whole map in
// memory, written to a new file and renamed over the old one at each commit, so that a crash leaves
// the state before or after it. Commits cost the size of the catalog: not for production data.
//
// File: u32 CRC-32C of the rest, then JSON {format, version, entries: [[key, version, base64], …]}.
import { crc32c } from '../codec/crc32c.ts';
import { compareUtf8 } from '../model/labels.ts';
import { assert, FatalError } from '../stdx/assert.ts';
import { makeDirectoryDurable, parentDirectory } from '../stdx/files.ts';
import type { Files } from '../stdx/files.ts';
import type { Catalog, CatalogEntry, CatalogTx, Committed, RangeOptions } from './catalog.ts';
import { CATALOG_RANGE_MAX } from './limits.ts';
import { Serial } from './serial.ts';
import type { CatalogWrite } from './write-set.ts';
import { WriteSet } from './write-set.ts';

const FORMAT_VERSION = 1;
const CHECKSUM_BYTES = 4;

interface Stored {
  readonly format: number;
  readonly version: number;
  readonly entries: readonly (readonly [string, number, string])[];
}

type EntryMap = Map<string, CatalogEntry>;

function encode(version: number, entries: EntryMap): Uint8Array {
  const rows = [...entries.values()].map(
    (e) => [e.key, e.version, Buffer.from(e.value).toString('base64')] as const,
  );
  const stored: Stored = { format: FORMAT_VERSION, version, entries: rows };
  const text = Buffer.from(JSON.stringify(stored));
  const out = new Uint8Array(CHECKSUM_BYTES + text.length);
  out.set(text, CHECKSUM_BYTES);
  new DataView(out.buffer).setUint32(0, crc32c(out.subarray(CHECKSUM_BYTES)), true);
  return out;
}

function decode(path: string, bytes: Uint8Array): { version: number; entries: EntryMap } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sound =
    bytes.length > CHECKSUM_BYTES &&
    view.getUint32(0, true) === crc32c(bytes.subarray(CHECKSUM_BYTES));
  if (!sound) throw new FatalError(`the catalog '${path}' is damaged: restore it from a backup`);
  const stored = JSON.parse(Buffer.from(bytes.subarray(CHECKSUM_BYTES)).toString()) as Stored;
  const entries: EntryMap = new Map();
  for (const [key, version, value] of stored.entries)
    entries.set(key, { key, version, value: new Uint8Array(Buffer.from(value, 'base64')) });
  return { version: stored.version, entries };
}

function apply(entries: EntryMap, writes: readonly CatalogWrite[], version: number): void {
  for (const write of writes) {
    if (write.type === 'set')
      entries.set(write.key, { key: write.key, value: write.value.slice(), version });
    else if (write.type === 'remove') entries.delete(write.key);
    else
      for (const key of entries.keys())
        if (compareUtf8(key, write.begin) >= 0 && compareUtf8(key, write.end) < 0)
          entries.delete(key);
  }
}

class FilesTx implements CatalogTx {
  readonly entries: EntryMap;
  readonly writes = new WriteSet();
  readonly #version: number;
  isOver = false;

  constructor(entries: EntryMap, version: number) {
    this.entries = entries;
    this.#version = version;
  }

  #write(write: CatalogWrite): void {
    assert(!this.isOver, 'write in a finished transaction');
    this.writes.add(write);
    apply(this.entries, this.writes.drain(), this.#version);
  }

  get(key: string): Promise<CatalogEntry | undefined> {
    assert(!this.isOver, 'read in a finished transaction');
    return Promise.resolve(this.entries.get(key));
  }

  range(begin: string, end: string, options: RangeOptions = {}): Promise<readonly CatalogEntry[]> {
    assert(!this.isOver, 'read in a finished transaction');
    const found = [...this.entries.values()]
      .filter((e) => compareUtf8(e.key, begin) >= 0 && compareUtf8(e.key, end) < 0)
      .toSorted((a, b) => compareUtf8(a.key, b.key));
    const ordered = (options.reverse ?? false) ? found.toReversed() : found;
    return Promise.resolve(
      ordered.slice(0, Math.min(options.limit ?? CATALOG_RANGE_MAX, CATALOG_RANGE_MAX)),
    );
  }

  set(key: string, value: Uint8Array): void {
    this.#write({ type: 'set', key, value });
  }

  remove(key: string): void {
    this.#write({ type: 'remove', key });
  }

  removeRange(begin: string, end: string): void {
    this.#write({ type: 'removeRange', begin, end });
  }
}

export class FilesCatalog implements Catalog {
  readonly #files: Files;
  readonly #path: string;
  readonly #serial = new Serial();
  #entries: EntryMap;
  #version: number;

  private constructor(files: Files, path: string, entries: EntryMap, version: number) {
    this.#files = files;
    this.#path = path;
    this.#entries = entries;
    this.#version = version;
  }

  static async open(files: Files, path: string): Promise<FilesCatalog> {
    await makeDirectoryDurable(files, parentDirectory(path));
    if ((await files.stat(path)) === undefined) return new FilesCatalog(files, path, new Map(), 0);
    const file = await files.open(path, 'read');
    const bytes = new Uint8Array(file.sizeBytes());
    await file.read(bytes, 0);
    await file.close();
    const { version, entries } = decode(path, bytes);
    return new FilesCatalog(files, path, entries, version);
  }

  transact<T>(body: (tx: CatalogTx) => Promise<T>): Promise<Committed<T>> {
    return this.#serial.run(async () => {
      const tx = new FilesTx(new Map(this.#entries), this.#version + 1);
      try {
        const result = await body(tx);
        if (!tx.writes.isEmpty) {
          await this.#write(this.#path, encode(this.#version + 1, tx.entries));
          this.#version++;
          this.#entries = tx.entries;
        }
        return { result, version: this.#version };
      } finally {
        tx.isOver = true;
      }
    });
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${path}.tmp`;
    if ((await this.#files.stat(temporary)) !== undefined) await this.#files.remove(temporary);
    const file = await this.#files.open(temporary, 'create');
    await file.write(bytes, 0);
    await file.datasync();
    await file.close();
    await this.#files.rename(temporary, path);
    await this.#files.syncDirectory(parentDirectory(path));
  }

  async backup(path: string): Promise<void> {
    await this.#serial.run(() => this.#write(path, encode(this.#version, this.#entries)));
  }

  async checkpoint(): Promise<void> {
    // There is no log of its own to truncate.
  }

  async close(): Promise<void> {
    await this.#serial.run(() => Promise.resolve());
  }
}
