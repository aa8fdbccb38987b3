// Log, blobs and catalog in RAM for tests of what stands on them: their content outlives `close`,
// so a storage can be opened again on the same data. Durable at the next turn of the event loop.
// For faults and power cuts see test/sim.
import type { BlobInfo, BlobRange, Blobs } from '../../src/blobs/blobs.ts';
import type { Catalog, CatalogEntry, CatalogTx, Committed } from '../../src/catalog/catalog.ts';
import { compareUtf8 } from '../../src/model/labels.ts';
import { AppError } from '../../src/model/errors.ts';
import type { Appended, Log, LogRecord } from '../../src/log/log.ts';

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class MemoryLog implements Log {
  readonly records: Uint8Array[] = [];
  startOffset = 0;
  durableOffset = 0;
  sizeBytes = 0;
  readonly damage = [];
  #durable: Promise<void> = Promise.resolve();

  get endOffset(): number {
    return this.records.length;
  }

  append(bytes: Uint8Array): Appended {
    const offset = this.records.push(bytes.slice()) - 1;
    this.sizeBytes += bytes.length;
    this.#durable = this.#settle(offset + 1);
    return { offset, durable: this.#durable };
  }

  async #settle(endOffset: number): Promise<void> {
    await nextTurn();
    this.durableOffset = Math.max(this.durableOffset, endOffset);
  }

  sync(): Promise<void> {
    return this.#durable;
  }

  async *read(from: number): AsyncIterable<LogRecord> {
    for (let offset = from; offset < this.records.length; offset++)
      yield { offset, bytes: this.records[offset]!.slice() };
  }

  async trim(offset: number): Promise<void> {
    for (; this.startOffset < offset; this.startOffset++) {
      this.sizeBytes -= this.records[this.startOffset]!.length;
      this.records[this.startOffset] = new Uint8Array(0);
    }
  }

  async shrink(): Promise<void> {
    // No disk, no space to give back.
  }

  async writeEmpty(): Promise<void> {
    throw new AppError('unsupported', 'no-backup', 'this log is in memory');
  }

  close(): Promise<void> {
    return this.#durable;
  }
}

export class MemoryBlobs implements Blobs {
  readonly objects = new Map<string, Uint8Array>();

  get partNames(): string[] {
    return [...this.objects.keys()].filter((name) => name.startsWith('parts/'));
  }

  async put(
    name: string,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<BlobInfo> {
    const pieces: Buffer[] = [];
    for await (const chunk of chunks) pieces.push(Buffer.from(chunk));
    const bytes = new Uint8Array(Buffer.concat(pieces));
    this.objects.set(name, bytes);
    return { name, sizeBytes: bytes.length };
  }

  async get(name: string, range?: BlobRange, into?: Uint8Array): Promise<Uint8Array> {
    const bytes = this.objects.get(name);
    if (bytes === undefined) throw new AppError('notFound', 'no-blob', `no blob ${name}`);
    const { offset, length } = range ?? { offset: 0, length: bytes.length };
    if (offset + length > bytes.length)
      throw new AppError('corrupt', 'short-blob', `${name} ends before ${offset + length}`);
    const out = into ?? new Uint8Array(length);
    out.set(bytes.subarray(offset, offset + length));
    return out;
  }

  async head(name: string): Promise<BlobInfo | undefined> {
    const bytes = this.objects.get(name);
    return bytes && { name, sizeBytes: bytes.length };
  }

  async *list(prefix: string): AsyncIterable<BlobInfo> {
    for (const name of [...this.objects.keys()].toSorted(compareUtf8))
      if (name.startsWith(prefix)) yield { name, sizeBytes: this.objects.get(name)!.length };
  }

  async remove(name: string): Promise<void> {
    this.objects.delete(name);
  }

  async backup(): Promise<void> {
    throw new AppError('unsupported', 'no-backup', 'these blobs are in memory');
  }

  async close(): Promise<void> {
    // The content stays for the next opening.
  }
}

export class MemoryCatalog implements Catalog {
  #entries = new Map<string, CatalogEntry>();
  #version = 0;
  #queue: Promise<unknown> = Promise.resolve();

  transact<T>(body: (tx: CatalogTx) => Promise<T>): Promise<Committed<T>> {
    const next = this.#queue.then(() => this.#run(body));
    this.#queue = next.catch(() => undefined);
    return next;
  }

  async #run<T>(body: (tx: CatalogTx) => Promise<T>): Promise<Committed<T>> {
    const entries = new Map(this.#entries);
    const version = this.#version + 1;
    let wrote = false;
    const inRange = (begin: string, end: string): string[] =>
      [...entries.keys()]
        .filter((key) => compareUtf8(key, begin) >= 0 && compareUtf8(key, end) < 0)
        .toSorted(compareUtf8);
    const tx: CatalogTx = {
      get: async (key) => entries.get(key),
      range: async (begin, end, options = {}) => {
        const keys = inRange(begin, end);
        if (options.reverse === true) keys.reverse();
        return keys.slice(0, options.limit).map((key) => entries.get(key)!);
      },
      set: (key, value) => {
        wrote = true;
        entries.set(key, { key, value: value.slice(), version });
      },
      remove: (key) => {
        wrote = true;
        entries.delete(key);
      },
      removeRange: (begin, end) => {
        wrote = true;
        for (const key of inRange(begin, end)) entries.delete(key);
      },
    };
    const result = await body(tx);
    await nextTurn();
    if (wrote) {
      this.#entries = entries;
      this.#version = version;
    }
    return { result, version: this.#version };
  }

  /** All keys, sorted. */
  keys(): string[] {
    return [...this.#entries.keys()].toSorted(compareUtf8);
  }

  async backup(): Promise<void> {
    throw new AppError('unsupported', 'no-backup', 'this catalog is in memory');
  }

  async checkpoint(): Promise<void> {
    // Nothing to truncate.
  }

  async close(): Promise<void> {
    // The content stays for the next opening.
  }
}
