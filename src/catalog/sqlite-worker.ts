// The thread that owns the SQLite connection (docs/formats/catalog.md). Exclusive locking makes the
// file the lock on the data folder: a second process fails to open it. WAL with synchronous=FULL: a
// commit is durable when it returns.
import { backup, DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { must } from '../stdx/assert.ts';
import type { CatalogEntry } from './catalog.ts';
import type {
  CatalogAction,
  CatalogReply,
  CatalogRequest,
  CatalogWorkerSettings,
} from './sqlite-protocol.ts';
import type { CatalogWrite } from './write-set.ts';

/** 'ORRY' in ASCII: tells our file from any other SQLite database. */
const APPLICATION_ID = 0x4f525259;
const FORMAT_VERSION = 1;

interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly version: number;
}

function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE;');
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as {
    user_version: number;
  };
  if (version > FORMAT_VERSION)
    throw Object.assign(
      new Error(
        `${path} has catalog format ${version}, this program knows up to ${FORMAT_VERSION}: ` +
          'start a newer version of Orrery',
      ),
      { code: 'newer-format' },
    );
  db.exec(`BEGIN IMMEDIATE;
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${FORMAT_VERSION};
    CREATE TABLE IF NOT EXISTS entry (
      key BLOB PRIMARY KEY, version INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS state (
      id INTEGER PRIMARY KEY CHECK (id = 0), version INTEGER NOT NULL);
    INSERT OR IGNORE INTO state VALUES (0, 0);
    COMMIT;`);
  return db;
}

class Connection {
  readonly #db: DatabaseSync;
  #version: number;
  #inTransaction = false;
  #wrote = false;
  readonly #get;
  readonly #set;
  readonly #remove;
  readonly #removeRange;
  readonly #ascending;
  readonly #descending;
  readonly #setVersion;

  constructor(db: DatabaseSync) {
    this.#db = db;
    const state = db.prepare('SELECT version FROM state').get() as { version: number };
    this.#version = state.version;
    this.#get = db.prepare('SELECT key, value, version FROM entry WHERE key = ?');
    this.#set = db.prepare('INSERT OR REPLACE INTO entry (key, version, value) VALUES (?, ?, ?)');
    this.#remove = db.prepare('DELETE FROM entry WHERE key = ?');
    this.#removeRange = db.prepare('DELETE FROM entry WHERE key >= ? AND key < ?');
    const range = 'SELECT key, value, version FROM entry WHERE key >= ? AND key < ? ORDER BY key';
    this.#ascending = db.prepare(`${range} LIMIT ?`);
    this.#descending = db.prepare(`${range} DESC LIMIT ?`);
    this.#setVersion = db.prepare('UPDATE state SET version = ?');
  }

  async handle(
    writes: readonly CatalogWrite[],
    action: CatalogAction,
  ): Promise<Partial<CatalogReply>> {
    switch (action.type) {
      case 'get':
      case 'range':
        this.#begin();
        this.#apply(writes);
        return { entries: this.#read(action) };
      case 'commit':
        if (writes.length > 0) this.#begin();
        this.#apply(writes);
        this.#commit();
        return { version: this.#version };
      case 'rollback':
        if (this.#inTransaction) this.#db.exec('ROLLBACK');
        this.#inTransaction = false;
        this.#wrote = false;
        return {};
      case 'backup':
        await backup(this.#db, action.path);
        return {};
      case 'checkpoint':
        this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        return {};
      case 'close':
        this.#db.close();
        return {};
    }
  }

  #begin(): void {
    if (this.#inTransaction) return;
    this.#db.exec('BEGIN IMMEDIATE');
    this.#inTransaction = true;
  }

  #apply(writes: readonly CatalogWrite[]): void {
    for (const write of writes) {
      this.#wrote = true;
      if (write.type === 'set')
        this.#set.run(Buffer.from(write.key), this.#version + 1, write.value);
      else if (write.type === 'remove') this.#remove.run(Buffer.from(write.key));
      else this.#removeRange.run(Buffer.from(write.begin), Buffer.from(write.end));
    }
  }

  #read(action: CatalogAction): readonly CatalogEntry[] {
    let rows: readonly Row[] = [];
    if (action.type === 'get')
      rows = this.#get.all(Buffer.from(action.key)) as unknown as readonly Row[];
    else if (action.type === 'range') {
      const statement = action.reverse ? this.#descending : this.#ascending;
      rows = statement.all(
        Buffer.from(action.begin),
        Buffer.from(action.end),
        action.limit,
      ) as unknown as readonly Row[];
    }
    return rows.map((row) => ({
      key: Buffer.from(row.key).toString(),
      value: row.value,
      version: row.version,
    }));
  }

  #commit(): void {
    if (!this.#inTransaction) return;
    if (this.#wrote) this.#setVersion.run(this.#version + 1);
    this.#db.exec('COMMIT');
    if (this.#wrote) this.#version++;
    this.#inTransaction = false;
    this.#wrote = false;
  }
}

const port = must(parentPort, 'the catalog worker runs in a thread');

function failure(error: unknown): { message: string; code: string } {
  const { message, errstr, code } = error as { message: string; errstr?: string; code?: string };
  const busy = /database is locked|busy/i.test(`${message} ${errstr ?? ''}`);
  return { message, code: busy ? 'locked' : (code ?? 'sqlite') };
}

async function answer(connection: Connection, request: CatalogRequest): Promise<void> {
  try {
    const reply = await connection.handle(request.writes, request.action);
    port.postMessage({ id: request.id, ...reply } satisfies CatalogReply);
  } catch (error) {
    port.postMessage({ id: request.id, error: failure(error) } satisfies CatalogReply);
  }
  if (request.action.type === 'close') port.close();
}

try {
  const settings = workerData as CatalogWorkerSettings;
  const connection = new Connection(openDatabase(settings.path));
  port.postMessage({ id: 0 } satisfies CatalogReply);
  port.on('message', (request: CatalogRequest) => void answer(connection, request));
} catch (error) {
  port.postMessage({ id: 0, error: failure(error) } satisfies CatalogReply);
  port.close();
}
