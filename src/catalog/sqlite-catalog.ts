// The embedded catalog: SQLite in a thread of its own (sqlite-worker.ts, docs/formats/catalog.md).
// Transactions run one after the other, so none ever conflicts. Holding the open file is the lock
// on the data folder.
import { Worker } from 'node:worker_threads';
import { AppError } from '../model/errors.ts';
import { assert, FatalError } from '../stdx/assert.ts';
import { NO_PROBE } from '../stdx/probe.ts';
import type { Probe } from '../stdx/probe.ts';
import type { Catalog, CatalogEntry, CatalogTx, Committed, RangeOptions } from './catalog.ts';
import {
  NOT_OUR_FILE,
  type ReadOp,
  type Reply,
  type Request,
  type Row,
  SQLITE_BUSY,
  SQLITE_CORRUPT,
  SQLITE_FULL,
  SQLITE_NOTADB,
  type WorkerSetup,
  type WriteOp,
} from './sqlite-protocol.ts';
import { TransactionRules } from './transaction-rules.ts';

interface Pending {
  readonly request: Request | undefined;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The worker as one request after the other. Keeps the process alive only while it owes an answer.
 */
class SqliteThread {
  readonly #path: string;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #pending: Pending | undefined;
  #failure: FatalError | undefined;
  readonly ready: Promise<void>;

  constructor(path: string, env: Readonly<NodeJS.Dict<string>>) {
    this.#path = path;
    const setup: WorkerSetup = { path };
    const url = new URL('./sqlite-worker.ts', import.meta.url);
    this.#worker = new Worker(url, { name: 'catalog', workerData: setup, env });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#fail('its thread ended');
        resolve();
      });
    });
    this.#worker.on('message', (reply: Reply) => {
      const pending = this.#pending;
      this.#pending = undefined;
      this.#worker.unref();
      pending?.resolve(reply);
    });
    this.#worker.on('error', (error: Error) => {
      this.#fail(error.message);
    });
    this.ready = this.#wait(undefined).then((reply) => {
      this.#done(reply);
      return undefined;
    });
  }

  async done(request: Request): Promise<void> {
    this.#done(await this.#send(request));
  }

  async rows(request: Request): Promise<readonly Row[]> {
    const reply = await this.#send(request);
    if (reply.kind === 'error') throw this.#error(reply);
    assert(reply.kind === 'rows', 'a read is answered with rows');
    return reply.rows;
  }

  async version(request: Request): Promise<number> {
    const reply = await this.#send(request);
    if (reply.kind === 'error') throw this.#error(reply);
    assert(reply.kind === 'version', 'a commit is answered with a version');
    return reply.version;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
    await this.#exited;
  }

  #send(request: Request): Promise<Reply> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const waiting = this.#wait(request);
    this.#worker.ref();
    this.#worker.postMessage(request);
    return waiting;
  }

  #wait(request: Request | undefined): Promise<Reply> {
    assert(this.#pending === undefined, 'one request at a time');
    return new Promise((resolve, reject) => {
      this.#pending = { request, resolve, reject };
    });
  }

  #fail(reason: string): void {
    this.#failure ??= new FatalError(`the catalog '${this.#path}' failed: ${reason}`);
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending === undefined) return;
    if (pending.request?.kind !== 'commit') {
      pending.reject(this.#failure);
      return;
    }
    const message = `the catalog's thread ended while it committed: ${reason}`;
    const cause = this.#failure;
    pending.reject(new AppError('unavailable', 'catalog-commit-unknown', message, { cause }));
  }

  #done(reply: Reply): void {
    if (reply.kind === 'error') throw this.#error(reply);
  }

  #error(reply: Extract<Reply, { readonly kind: 'error' }>): Error {
    const { errorCode, message } = reply;
    if (errorCode === SQLITE_FULL) {
      const text = `no space for the catalog '${this.#path}': free disk space`;
      return new AppError('unavailable', 'disk-full', text, { retryAfterSec: 5 });
    }
    if (errorCode === NOT_OUR_FILE) return new FatalError(message);
    if (errorCode === SQLITE_CORRUPT || errorCode === SQLITE_NOTADB)
      return new FatalError(
        `the catalog '${this.#path}' is damaged (${message}): restore a backup, or see what ` +
          '`orrery check data` says',
      );
    if (errorCode === SQLITE_BUSY) {
      const folder = this.#path.slice(0, Math.max(0, this.#path.lastIndexOf('/'))) || '.';
      return new FatalError(
        `another orrery process uses '${folder}': stop it, or start this one with another --data`,
      );
    }
    return new FatalError(`the catalog '${this.#path}' failed: ${message}`);
  }
}

export class SqliteCatalog implements Catalog {
  readonly #thread: SqliteThread;
  readonly #probe: Probe;
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(thread: SqliteThread, probe: Probe) {
    this.#thread = thread;
    this.#probe = probe;
  }

  /**
   * Opens or creates the file; its folder must exist. Rejects with FatalError where another process
   * holds it, where it is no catalog of ours, or where it cannot be read. `threadEnv` is the whole
   * environment of its thread.
   */
  static async open(
    path: string,
    threadEnv: Readonly<NodeJS.Dict<string>> = {},
    probe: Probe = NO_PROBE,
  ): Promise<SqliteCatalog> {
    const thread = new SqliteThread(path, threadEnv);
    try {
      await thread.ready;
    } catch (error) {
      await thread.end();
      throw error;
    }
    return new SqliteCatalog(thread, probe);
  }

  transact<T>(body: (tx: CatalogTx) => Promise<T>): Promise<Committed<T>> {
    return this.#exclusive(async () => {
      const tx = new SqliteTx(this.#thread);
      let result: T;
      try {
        result = await body(tx);
      } catch (error) {
        tx.rules.end();
        if (tx.begun) await this.#thread.done({ kind: 'rollback' });
        throw error;
      }
      tx.rules.end();
      const committing = this.#thread.version({ kind: 'commit', writes: tx.takeWrites() });
      this.#probe('commit');
      const version = await committing;
      return { result, version };
    });
  }

  backup(path: string): Promise<void> {
    return this.#exclusive(() => this.#thread.done({ kind: 'backup', path }));
  }

  checkpoint(): Promise<void> {
    return this.#exclusive(() => this.#thread.done({ kind: 'checkpoint' }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#exclusive(async () => {
      try {
        await this.#thread.done({ kind: 'close' });
      } finally {
        await this.#thread.end();
      }
    });
    return this.#closing;
  }

  #exclusive<T>(task: () => Promise<T>): Promise<T> {
    assert(this.#closing === undefined, 'use of a closed catalog');
    const mine = this.#turn.then(task, task);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

/**
 * Writes are kept here until a read or the commit carries them over: a write-only one is one
 * message.
 */
class SqliteTx implements CatalogTx {
  readonly rules = new TransactionRules();
  readonly #thread: SqliteThread;
  #writes: WriteOp[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  /** The thread has an open transaction. */
  begun = false;

  constructor(thread: SqliteThread) {
    this.#thread = thread;
  }

  async get(key: string): Promise<CatalogEntry | undefined> {
    this.rules.checkOpen();
    const rows = await this.#read({ op: 'get', key });
    return rows[0];
  }

  range(begin: string, end: string, options: RangeOptions = {}): Promise<readonly CatalogEntry[]> {
    const limit = this.rules.checkRange(options.limit);
    return this.#read({ op: 'range', begin, end, limit, reverse: options.reverse ?? false });
  }

  set(key: string, value: Uint8Array): void {
    this.rules.checkWrite(key, value);
    // A view would carry its whole buffer to the other thread.
    this.#writes.push({ op: 'set', key, value: value.slice() });
  }

  remove(key: string): void {
    this.rules.checkWrite(key);
    this.#writes.push({ op: 'remove', key });
  }

  removeRange(begin: string, end: string): void {
    this.rules.checkOpen();
    this.#writes.push({ op: 'removeRange', begin, end });
  }

  takeWrites(): readonly WriteOp[] {
    const writes = this.#writes;
    this.#writes = [];
    return writes;
  }

  /** Reads may be asked for side by side; each sees the writes before it. */
  #read(read: ReadOp): Promise<readonly Row[]> {
    const request: Request = { kind: 'read', writes: this.takeWrites(), read };
    const mine = this.#turn.then(() => {
      this.begun = true;
      return this.#thread.rows(request);
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}
