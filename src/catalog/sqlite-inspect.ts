// A catalog's SQLite file looked at from outside (`orrery check data`): is a server using it, are
// its pages and rows as they were written. Opens a copy, because opening writes.
import { DatabaseSync } from 'node:sqlite';
import { errorMessage } from '../stdx/assert.ts';
import type { CatalogEntry } from './catalog.ts';
import { APPLICATION_ID, FORMAT_VERSION, rowCrc } from './sqlite-format.ts';
import { SQLITE_BUSY } from './sqlite-protocol.ts';

/** Messages of `PRAGMA integrity_check` that are kept. */
const PROBLEMS_MAX = 20;

/**
 * Does another process hold the file? Asks for its lock and writes nothing: an exclusive lock is
 * never granted to a reader, so where nobody holds one the answer is another error.
 */
export function isSqliteInUse(path: string): boolean {
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    try {
      db.exec('PRAGMA locking_mode = EXCLUSIVE');
      db.prepare('SELECT count(*) FROM sqlite_schema').get();
    } finally {
      db.close();
    }
    return false;
  } catch (error) {
    const code = (error as { readonly errcode?: number }).errcode ?? 0;
    return (code & 255) === SQLITE_BUSY;
  }
}

export interface SqliteInspection {
  /** Of the file as a whole, in words. */
  readonly problems: readonly string[];
  readonly isNewer: boolean;
  /** Rows in order; a key alone where the checksum of the row is wrong. Throws at damaged pages. */
  rows(): Generator<CatalogEntry | { readonly damagedKey: string }, void, void>;
  close(): void;
}

/** `path` is a copy of the file, with a copy of its write-ahead log beside it. */
export function inspectSqlite(path: string): SqliteInspection {
  let db: DatabaseSync;
  const problems: string[] = [];
  const nothing = { isNewer: false, *rows() {}, close: () => undefined };
  try {
    db = new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    return { problems: [errorMessage(error)], ...nothing };
  }
  let version = 0;
  try {
    const value = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0];
    version = value('user_version') as number;
    if (value('application_id') !== APPLICATION_ID) problems.push('it is not a catalog of ours');
    for (const row of db.prepare(`PRAGMA integrity_check(${PROBLEMS_MAX})`).all()) {
      const text = String(Object.values(row)[0]);
      if (text !== 'ok') problems.push(text);
    }
  } catch (error) {
    problems.push(errorMessage(error));
  }
  const isNewer = version > FORMAT_VERSION;
  if (isNewer) problems.push(`it has format ${version}`);
  return { problems, isNewer, rows: () => rowsOf(db), close: () => db.close() };
}

function* rowsOf(
  db: DatabaseSync,
): Generator<CatalogEntry | { readonly damagedKey: string }, void, void> {
  for (const row of db.prepare('SELECT key, value, version, crc FROM kv ORDER BY key').iterate()) {
    const key = Buffer.from(row['key'] as Uint8Array);
    const value = row['value'] as Uint8Array;
    const version = row['version'] as number;
    if (row['crc'] === rowCrc(key, value, version)) yield { key: key.toString(), value, version };
    else yield { damagedKey: key.toString() };
  }
}
