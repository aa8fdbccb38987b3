<<<<<<< HEAD
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
=======
// The embedded catalog: SQLite in a thread of its own (sqlite-worker.ts, docs/formats/catalog.md).
// Transactions run one after the other, so none ever conflicts. Holding the open file is the lock on
// the data folder.
import { Worker } from 'node:worker_threads';
import { AppError } from '../model/errors.ts';
import { assert, FatalError } from '../stdx/assert.ts';
import type { Catalog, CatalogEntry, CatalogTx, Committed, RangeOptions } from './catalog.ts';
import {
  NOT_OUR_FILE,
  type ReadOp,
  type Reply,
  type Request,
  type Row,
  SQLITE_BUSY,
  SQLITE_FULL,
  type WorkerSetup,
  type WriteOp,
} from './sqlite-protocol.ts';
import { TransactionRules } from './transaction-rules.ts';

/**
 * Opens or creates the file; its folder must exist. Rejects with FatalError where another process
 * holds it, where it is no catalog of ours, or where it cannot be read.
 */
export async function openSqliteCatalog(path: string): Promise<Catalog> {
  const thread = new SqliteThread(path);
  try {
    await thread.ready;
  } catch (error) {
    await thread.end();
    throw error;
  }
  return new SqliteCatalog(thread);
}

interface Pending {
  readonly request: Request | undefined;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** The worker as one request after the other. Keeps the process alive only while it owes an answer. */
class SqliteThread {
  readonly #path: string;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #pending: Pending | undefined;
  #failure: FatalError | undefined;
  readonly ready: Promise<void>;

  constructor(path: string) {
    this.#path = path;
    const setup: WorkerSetup = { path };
    const url = new URL('./sqlite-worker.ts', import.meta.url);
    this.#worker = new Worker(url, { name: 'catalog', workerData: setup });
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
>>>>>>> planes
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
<<<<<<< HEAD
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
=======
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
    if (errorCode === SQLITE_BUSY) {
      const folder = this.#path.slice(0, Math.max(0, this.#path.lastIndexOf('/'))) || '.';
      return new FatalError(
        `another orrery process uses '${folder}': stop it, or start this one with another --data`,
      );
    }
    return new FatalError(`the catalog '${this.#path}' failed: ${message}`);
  }
}

class SqliteCatalog implements Catalog {
  readonly #thread: SqliteThread;
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(thread: SqliteThread) {
    this.#thread = thread;
  }

  transact<T>(body: (tx: CatalogTx) => Promise<T>): Promise<Committed<T>> {
    return this.#exclusive(async () => {
      const tx = new SqliteTx(this.#thread);
>>>>>>> planes
      let result: T;
      try {
        result = await body(tx);
      } catch (error) {
<<<<<<< HEAD
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
=======
        tx.rules.end();
        if (tx.begun) await this.#thread.done({ kind: 'rollback' });
        throw error;
      }
      tx.rules.end();
      const version = await this.#thread.version({ kind: 'commit', writes: tx.takeWrites() });
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

/** Writes are kept here until a read or the commit carries them over: a write-only one is one message. */
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
>>>>>>> planes
  }
}
