// The thread that owns the SQLite file (docs/formats/catalog.md): its commits wait for the disk,
// and must not make the ingest thread wait. Answers each message in turn; knows nothing of
// transaction functions, only of begin, read, write, commit.
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { APPLICATION_ID, FORMAT_VERSION, rowCrc } from './sqlite-format.ts';
import {
  NOT_OUR_FILE,
  type ReadOp,
  type Reply,
  type Request,
  type Row,
  SQLITE_CORRUPT,
  type WorkerSetup,
  type WriteOp,
} from './sqlite-protocol.ts';

class SetupError extends Error {}

/** What is stored is not what was written. */
class DamageError extends Error {}

function pragma(db: DatabaseSync, name: string): unknown {
  const row = db.prepare(`PRAGMA ${name}`).get();
  return row === undefined ? undefined : Object.values(row)[0];
}

function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  // Before the first access: then the write-ahead log needs no shared memory file.
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  // What was removed is not found in the file any more.
  db.exec('PRAGMA secure_delete = ON');
  db.exec('BEGIN IMMEDIATE');
  const version = pragma(db, 'user_version') as number;
  const application = pragma(db, 'application_id') as number;
  if (version > FORMAT_VERSION) {
    throw new SetupError(
      `'${path}' has catalog format ${version}, written by a newer version of this program: ` +
        `start that version`,
    );
  }
  if (version !== 0 && application !== APPLICATION_ID) {
    throw new SetupError(`'${path}' is another program's database: choose another data folder`);
  }
  if (version !== 0 && version < FORMAT_VERSION) {
    throw new SetupError(
      `'${path}' has catalog format ${version}, this program reads ${FORMAT_VERSION}: choose ` +
        'another data folder',
    );
  }
  if (version === 0) {
    db.exec(`
      CREATE TABLE kv (key BLOB PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL,
        crc INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO meta VALUES ('version', 0);
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${FORMAT_VERSION};
    `);
  }
  db.exec('COMMIT');
  checkPages(db);
  return db;
}

/**
 * SQLite has no checksums of pages. A row that a flipped bit made invisible would make the engine
 * take a part for an orphan and remove it, so the pages' structure is checked before anything is
 * read; the content of rows is checked when they are read. Cost: about 2 ms a megabyte.
 */
function checkPages(db: DatabaseSync): void {
  const found = pragma(db, 'quick_check(1)');
  if (found !== 'ok') throw new DamageError(String(found));
}

class Store {
  readonly #db: DatabaseSync;
  readonly #get: StatementSync;
  readonly #rangeUp: StatementSync;
  readonly #rangeDown: StatementSync;
  readonly #set: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeRange: StatementSync;
  readonly #setVersion: StatementSync;
  #version: number;
  #inTransaction = false;
  #wrote = false;

  constructor(path: string) {
    const db = openDatabase(path);
    this.#db = db;
    this.#get = db.prepare('SELECT key, value, version, crc FROM kv WHERE key = ?');
    const range = 'SELECT key, value, version, crc FROM kv WHERE key >= ? AND key < ? ORDER BY key';
    this.#rangeUp = db.prepare(`${range} LIMIT ?`);
    this.#rangeDown = db.prepare(`${range} DESC LIMIT ?`);
    this.#set = db.prepare('INSERT OR REPLACE INTO kv VALUES (?, ?, ?, ?)');
    this.#remove = db.prepare('DELETE FROM kv WHERE key = ?');
    this.#removeRange = db.prepare('DELETE FROM kv WHERE key >= ? AND key < ?');
    this.#setVersion = db.prepare("UPDATE meta SET value = ? WHERE name = 'version'");
    const row = db.prepare("SELECT value FROM meta WHERE name = 'version'").get();
    this.#version = row?.['value'] as number;
  }

  async answer(request: Request): Promise<Reply> {
    switch (request.kind) {
      case 'read':
        this.#write(request.writes);
        return { kind: 'rows', rows: this.#read(request.read) };
      case 'commit':
        this.#write(request.writes);
        return { kind: 'version', version: this.#commit() };
      case 'rollback':
        this.rollback();
        return { kind: 'done' };
      case 'backup':
        await backup(this.#db, request.path);
        return { kind: 'done' };
      case 'checkpoint':
        this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        return { kind: 'done' };
      case 'close':
        this.rollback();
        this.#db.close();
        return { kind: 'done' };
    }
  }

  rollback(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
    this.#inTransaction = false;
    this.#wrote = false;
  }

  #begin(): void {
    if (this.#inTransaction) return;
    this.#db.exec('BEGIN');
    this.#inTransaction = true;
  }

  #write(writes: readonly WriteOp[]): void {
    this.#begin();
    for (const write of writes) {
      this.#wrote = true;
      if (write.op === 'set') {
        const key = Buffer.from(write.key);
        const version = this.#version + 1;
        this.#set.run(key, write.value, version, rowCrc(key, write.value, version));
      } else if (write.op === 'remove') {
        this.#remove.run(Buffer.from(write.key));
      } else {
        this.#removeRange.run(Buffer.from(write.begin), Buffer.from(write.end));
      }
    }
  }

  #read(read: ReadOp): readonly Row[] {
    if (read.op === 'get') return this.#get.all(Buffer.from(read.key)).map(toRow);
    const statement = read.reverse ? this.#rangeDown : this.#rangeUp;
    return statement.all(Buffer.from(read.begin), Buffer.from(read.end), read.limit).map(toRow);
  }

  #commit(): number {
    const version = this.#wrote ? this.#version + 1 : this.#version;
    if (this.#wrote) this.#setVersion.run(version);
    this.#db.exec('COMMIT');
    this.#inTransaction = false;
    this.#wrote = false;
    this.#version = version;
    return version;
  }
}

function toRow(row: Record<string, unknown>): Row {
  const key = Buffer.from(row['key'] as Uint8Array);
  const value = row['value'] as Uint8Array;
  const version = row['version'] as number;
  if (row['crc'] !== rowCrc(key, value, version))
    throw new DamageError(`the checksum of row '${key.toString()}' is wrong`);
  return { key: key.toString(), value, version };
}

function errorReply(error: unknown): Reply {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DamageError) return { kind: 'error', errorCode: SQLITE_CORRUPT, message };
  if (error instanceof SetupError) return { kind: 'error', errorCode: NOT_OUR_FILE, message };
  const code = (error as { readonly errcode?: number }).errcode ?? 0;
  return { kind: 'error', errorCode: code & 255, message };
}

function main(): void {
  const port = parentPort;
  if (port === null) throw new Error('this module runs in a worker thread');
  const reply = (message: Reply): void => {
    port.postMessage(message);
  };
  let store: Store;
  try {
    store = new Store((workerData as WorkerSetup).path);
  } catch (error) {
    reply(errorReply(error));
    return;
  }
  const serve = async (request: Request): Promise<void> => {
    try {
      reply(await store.answer(request));
    } catch (error) {
      try {
        store.rollback();
      } catch (rollbackError) {
        reply(errorReply(rollbackError));
        return;
      }
      reply(errorReply(error));
    }
    if (request.kind === 'close') port.close();
  };
  port.on('message', (request: Request) => {
    void serve(request);
  });
  reply({ kind: 'done' });
}

main();
