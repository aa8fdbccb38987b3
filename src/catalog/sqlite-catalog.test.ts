// What only the SQLite driver has: the lock, foreign and newer files, a thread that must not
// outlive its owner. The contract is in test/contract/catalog-suite.ts.
import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { BugError, FatalError } from '../stdx/assert.ts';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import { prefixEnd } from './catalog.ts';
import { SqliteCatalog } from './sqlite-catalog.ts';

async function inTemporaryFolder(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await fs.mkdtemp(`${tmpdir()}/orrery-catalog-`);
  try {
    await body(directory);
  } finally {
    await fs.rm(directory, { recursive: true });
  }
}

async function contents(catalog: SqliteCatalog): Promise<unknown> {
  return (await catalog.transact((tx) => tx.range('', prefixEnd('')))).result;
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

test('any flipped bit of the file is refused as damage or changes nothing', () =>
  inTemporaryFolder(async (directory) => {
    const path = `${directory}/catalog.sqlite`;
    const catalog = await SqliteCatalog.open(path);
    const prng = seededPrng(5);
    for (let i = 0; i < 60; i++)
      await catalog.transact(async (tx) => {
        tx.set(`shard/0/part/${i}`, prng.bytes(randomInt(prng, 400)));
        if (i % 4 === 0) tx.remove(`shard/0/part/${i - 3}`);
      });
    const whole = await contents(catalog);
    await catalog.close();
    const sound = await fs.readFile(path);
    let refused = 0;
    for (let i = 0; i < 60; i++) {
      const bit = randomInt(prng, sound.length * 8);
      const flipped = Buffer.from(sound);
      flipped[bit >>> 3]! ^= 1 << (bit & 7);
      await fs.writeFile(path, flipped);
      try {
        const opened = await SqliteCatalog.open(path);
        try {
          assert.deepEqual(await contents(opened), whole, `bit ${bit}`);
        } finally {
          await opened.close();
        }
      } catch (error) {
        assert.ok(error instanceof FatalError, `bit ${bit}: ${String(error)}`);
        assert.ok(error.message.includes(path), error.message);
        refused++;
      }
    }
    assert.ok(refused > 10, `${refused} of 60 were noticed`);
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
