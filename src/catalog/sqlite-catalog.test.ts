// What only the SQLite driver has: the lock, foreign and newer files, a thread that must not
// outlive its owner. The contract is in test/contract/catalog-suite.ts.
import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { BugError, FatalError } from '../stdx/assert.ts';
import { SqliteCatalog } from './sqlite-catalog.ts';

async function inTemporaryFolder(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await fs.mkdtemp(`${tmpdir()}/orrery-catalog-`);
  try {
    await body(directory);
  } finally {
    await fs.rm(directory, { recursive: true });
  }
}

function isFatal(pattern: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof FatalError && pattern.test(error.message);
}

test('the open file is the lock on the data folder', () =>
  inTemporaryFolder(async (directory) => {
    const path = `${directory}/catalog.sqlite`;
    const first = await SqliteCatalog.open(path);
    await assert.rejects(SqliteCatalog.open(path), isFatal(/another orrery process uses/));
    await first.transact(async (tx) => {
      tx.set('a', new Uint8Array(1));
    });
    await first.close();
    await first.close();
    assert.throws(() => first.checkpoint(), BugError);
    const second = await SqliteCatalog.open(path);
    assert.equal((await second.transact((tx) => tx.get('a'))).result?.version, 1);
    await second.close();
  }));

test('a missing folder, a foreign, a newer and a damaged file are refused in words', () =>
  inTemporaryFolder(async (directory) => {
    await assert.rejects(SqliteCatalog.open(`${directory}/no/such`), isFatal(/no\/such/));
    const foreign = new DatabaseSync(`${directory}/foreign`);
    foreign.exec('CREATE TABLE t (a); PRAGMA user_version = 1');
    foreign.close();
    await assert.rejects(SqliteCatalog.open(`${directory}/foreign`), isFatal(/another program/));
    const newer = new DatabaseSync(`${directory}/newer`);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    await assert.rejects(SqliteCatalog.open(`${directory}/newer`), isFatal(/newer version/));
    await fs.writeFile(`${directory}/damaged`, 'x'.repeat(5000));
    await assert.rejects(SqliteCatalog.open(`${directory}/damaged`), isFatal(/damaged/));
  }));

test('checkpoint empties the write-ahead log', () =>
  inTemporaryFolder(async (directory) => {
    const catalog = await SqliteCatalog.open(`${directory}/catalog.sqlite`);
    await catalog.transact(async (tx) => {
      tx.set('a', new Uint8Array(50_000));
    });
    assert.ok((await fs.stat(`${directory}/catalog.sqlite-wal`)).size > 50_000);
    await catalog.checkpoint();
    assert.equal((await fs.stat(`${directory}/catalog.sqlite-wal`)).size, 0);
    await catalog.close();
  }));
