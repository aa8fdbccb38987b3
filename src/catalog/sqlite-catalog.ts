// The embedded driver of the catalog plane: SQLite in a worker thread, so that a commit's fsync never
// stops the thread that serves. Transactions run one after another. The database is locked
// exclusively for as long as it is open, which is what keeps a second process out of a data folder.
import { Worker } from 'node:worker_threads';
import { AppError } from '../model/errors.ts';
import { assert, errorMessage, FatalError } from '../stdx/assert.ts';
import type { Catalog, CatalogEntry, CatalogTx, Committed, RangeOptions } from './catalog.ts';
import { CATALOG_RANGE_MAX } from './limits.ts';
import { Serial } from './serial.ts';
import type {
  CatalogAction,
  CatalogReply,
  CatalogRequest,
  CatalogWorkerSettings,
} from './sqlite-protocol.ts';
import { WriteSet } from './write-set.ts';

interface Waiter {
  resolve(reply: CatalogReply): void;
  reject(error: Error): void;
}

/** Requests to the worker and their answers. */
class WorkerLink {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiter>();
  #nextId = 1;
  #broken: Error | undefined = undefined;

  constructor(settings: CatalogWorkerSettings) {
    this.#worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
      workerData: settings,
    });
    this.#worker.on('message', (reply: CatalogReply) => {
      const waiter = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.error === undefined) waiter?.resolve(reply);
      else waiter?.reject(catalogError(reply.error, settings.path));
    });
    this.#worker.on('error', (error) => this.#break(new Error(errorMessage(error))));
    this.#worker.on('exit', () => this.#break(new Error('the catalog thread has ended')));
  }

  #break(error: Error): void {
    this.#broken ??= new FatalError(`the catalog failed: ${error.message}`, { cause: error });
    for (const waiter of this.#waiting.values()) waiter.reject(this.#broken);
    this.#waiting.clear();
  }

  /** Answered by the worker when the database is open. */
  ready(): Promise<CatalogReply> {
    return this.#wait(0);
  }

  #wait(id: number): Promise<CatalogReply> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  send(writes: WriteSet | undefined, action: CatalogAction): Promise<CatalogReply> {
    const id = this.#nextId++;
    const answer = this.#wait(id);
    if (this.#broken === undefined) {
      const request: CatalogRequest = { id, writes: writes?.drain() ?? [], action };
      this.#worker.postMessage(request);
    }
    return answer;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

function catalogError(error: { message: string; code: string }, path: string): Error {
  if (error.code === 'locked')
    return new FatalError(
      `another orrery process uses the data folder (its catalog '${path}' is locked): ` +
        'stop it or choose another folder with --data',
    );
  if (/disk is full|ENOSPC/i.test(error.message))
    return new AppError('unavailable', 'disk-full', `no space left for the catalog '${path}'`);
  return new FatalError(`the catalog '${path}' failed: ${error.message}`);
}

class SqliteTx implements CatalogTx {
  readonly #link: WorkerLink;
  readonly #writes: WriteSet;
  isOver = false;

  constructor(link: WorkerLink, writes: WriteSet) {
    this.#link = link;
    this.#writes = writes;
  }

  async get(key: string): Promise<CatalogEntry | undefined> {
    assert(!this.isOver, 'read in a finished transaction');
    const reply = await this.#link.send(this.#writes, { type: 'get', key });
    return reply.entries?.[0];
  }

  async range(
    begin: string,
    end: string,
    options: RangeOptions = {},
  ): Promise<readonly CatalogEntry[]> {
    assert(!this.isOver, 'read in a finished transaction');
    const limit = Math.min(options.limit ?? CATALOG_RANGE_MAX, CATALOG_RANGE_MAX);
    const reverse = options.reverse ?? false;
    const reply = await this.#link.send(this.#writes, {
      type: 'range',
      begin,
      end,
      limit,
      reverse,
    });
    return reply.entries ?? [];
  }

  set(key: string, value: Uint8Array): void {
    assert(!this.isOver, 'write in a finished transaction');
    this.#writes.add({ type: 'set', key, value });
  }

  remove(key: string): void {
    assert(!this.isOver, 'write in a finished transaction');
    this.#writes.add({ type: 'remove', key });
  }

  removeRange(begin: string, end: string): void {
    assert(!this.isOver, 'write in a finished transaction');
    this.#writes.add({ type: 'removeRange', begin, end });
  }
}

export class SqliteCatalog implements Catalog {
  readonly #link: WorkerLink;
  readonly #serial = new Serial();
  #closed: Promise<void> | undefined = undefined;

  private constructor(link: WorkerLink) {
    this.#link = link;
  }

  /** Throws FatalError where the file is in use, newer than this program, or not to be opened. */
  static async open(path: string): Promise<SqliteCatalog> {
    const link = new WorkerLink({ path });
    try {
      await link.ready();
    } catch (error) {
      await link.end();
      throw error;
    }
    return new SqliteCatalog(link);
  }

  transact<T>(body: (tx: CatalogTx) => Promise<T>): Promise<Committed<T>> {
    return this.#serial.run(async () => {
      const writes = new WriteSet();
      const tx = new SqliteTx(this.#link, writes);
      let result: T;
      try {
        result = await body(tx);
      } catch (error) {
        tx.isOver = true;
        writes.drain();
        await this.#link.send(undefined, { type: 'rollback' });
        throw error;
      }
      tx.isOver = true;
      try {
        const reply = await this.#link.send(writes, { type: 'commit' });
        return { result, version: reply.version ?? 0 };
      } catch (error) {
        await this.#rollbackAfter(error);
        throw error;
      }
    });
  }

  /** A refused commit leaves a transaction open; a broken thread leaves nothing to roll back. */
  async #rollbackAfter(error: unknown): Promise<void> {
    try {
      await this.#link.send(undefined, { type: 'rollback' });
    } catch (second) {
      throw new FatalError(
        `the catalog failed: ${errorMessage(error)}, and so did the rollback: ${errorMessage(second)}`,
        { cause: error },
      );
    }
  }

  async backup(path: string): Promise<void> {
    await this.#serial.run(() => this.#link.send(undefined, { type: 'backup', path }));
  }

  async checkpoint(): Promise<void> {
    await this.#serial.run(() => this.#link.send(undefined, { type: 'checkpoint' }));
  }

  close(): Promise<void> {
    this.#closed ??= this.#serial.run(async () => {
      await this.#link.send(undefined, { type: 'close' });
      await this.#link.end();
    });
    return this.#closed;
  }
}
