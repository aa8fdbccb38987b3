// The meaning of src/blobs/blobs.ts, run on every driver.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Blobs } from '../../src/blobs/blobs.ts';
import { BLOB_HANDLES_MAX, BLOB_NAME_MAX_BYTES } from '../../src/blobs/limits.ts';
import { AppError } from '../../src/model/errors.ts';
import { BugError } from '../../src/stdx/assert.ts';

export interface BlobsHarness {
  /** Opens the same store again; the former one must be closed. */
  open(): Promise<Blobs>;
  /** A folder that does not exist yet, and a store opened on it. */
  readonly backupDirectory: string;
  openBackup(): Promise<Blobs>;
}

export interface BlobsDriver {
  readonly name: string;
  run(body: (harness: BlobsHarness) => Promise<void>): Promise<void>;
}

function blobBytes(tag: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (tag * 17 + i * 5 + (i >>> 8)) & 255);
}

async function listNames(blobs: Blobs, prefix = ''): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of blobs.list(prefix)) names.push(name);
  return names;
}

function isError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof AppError && error.code === code;
}

const CASES: Readonly<Record<string, (harness: BlobsHarness) => Promise<void>>> = {
  'put, head, get, ranges': async (harness) => {
    const blobs = await harness.open();
    const bytes = blobBytes(1, 1000);
    const info = await blobs.put('part/a', [bytes.subarray(0, 10), bytes.subarray(10)]);
    assert.deepEqual(info, { name: 'part/a', sizeBytes: 1000 });
    assert.deepEqual(await blobs.head('part/a'), info);
    assert.deepEqual(await blobs.get('part/a'), bytes);
    assert.deepEqual(await blobs.get('part/a', { offset: 990, length: 10 }), bytes.subarray(990));
    assert.deepEqual(await blobs.get('part/a', { offset: 5, length: 0 }), new Uint8Array(0));
    const into = new Uint8Array(new SharedArrayBuffer(10));
    assert.equal(await blobs.get('part/a', { offset: 7, length: 10 }, into), into);
    assert.deepEqual(new Uint8Array(into), bytes.subarray(7, 17));
    await blobs.put('empty', []);
    assert.deepEqual(await blobs.get('empty'), new Uint8Array(0));
    await blobs.close();
  },

  'chunks may come one by one and are not kept': async (harness) => {
    const blobs = await harness.open();
    async function* chunks(): AsyncGenerator<Uint8Array> {
      const chunk = new Uint8Array(3);
      for (let i = 0; i < 4; i++) {
        chunk.fill(i);
        await Promise.resolve();
        yield chunk;
      }
    }
    await blobs.put('x', chunks());
    assert.deepEqual([...(await blobs.get('x'))], [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
    await blobs.close();
  },

  'what is missing or too short says so': async (harness) => {
    const blobs = await harness.open();
    await assert.rejects(blobs.get('nothing'), isError('no-blob'));
    assert.equal(await blobs.head('nothing'), undefined);
    await blobs.remove('nothing');
    await blobs.remove('no/folder/either');
    await blobs.put('x', [blobBytes(1, 10)]);
    await assert.rejects(blobs.get('x', { offset: 5, length: 6 }), isError('short-blob'));
    await blobs.close();
  },

  'a put replaces, also while readers use the former object': async (harness) => {
    const blobs = await harness.open();
    for (let round = 0; round < 5; round++) {
      const reads = [blobs.get('x'), blobs.get('x')].map((read) => read.catch(() => undefined));
      await blobs.put('x', [blobBytes(round, 100 + round)]);
      assert.deepEqual(await blobs.get('x'), blobBytes(round, 100 + round));
      for (const read of await Promise.all(reads)) {
        if (read === undefined) assert.equal(round, 0);
        else assert.deepEqual(read, blobBytes(read.length - 100, read.length));
      }
      assert.deepEqual(await blobs.get('x'), blobBytes(round, 100 + round));
    }
    const [read] = await Promise.all([blobs.get('x').catch(() => 'gone'), blobs.remove('x')]);
    assert.ok(read === 'gone' || read.length === 104);
    await assert.rejects(blobs.get('x'), isError('no-blob'));
    await blobs.close();
  },

  'list goes in the order of bytes and by prefix': async (harness) => {
    const blobs = await harness.open();
    const names = ['a-b', 'a/c', 'a/b/d', 'a.x', 'a0', 'b', '_z/1'];
    for (const name of names) await blobs.put(name, [blobBytes(1, 3)]);
    assert.deepEqual(await listNames(blobs), names.toSorted());
    assert.deepEqual(await listNames(blobs, 'a/'), ['a/b/d', 'a/c']);
    assert.deepEqual(await listNames(blobs, 'a/b'), ['a/b/d']);
    assert.deepEqual(await listNames(blobs, 'a'), ['a-b', 'a.x', 'a/b/d', 'a/c', 'a0']);
    assert.deepEqual(await listNames(blobs, 'q'), []);
    await blobs.close();
  },

  'everything is there after a restart, nothing half done is': async (harness) => {
    let blobs = await harness.open();
    await blobs.put('a/b', [blobBytes(1, 10)]);
    await blobs.put('c', [blobBytes(2, 20)]);
    await blobs.remove('c');
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield blobBytes(1, 10);
      await Promise.resolve();
      throw new Error('the source broke');
    }
    await assert.rejects(blobs.put('d', broken()), /the source broke/);
    await blobs.close();
    blobs = await harness.open();
    assert.deepEqual(await listNames(blobs), ['a/b']);
    assert.deepEqual(await blobs.get('a/b'), blobBytes(1, 10));
    await blobs.close();
  },

  'many objects, read in turns': async (harness) => {
    const blobs = await harness.open();
    const count = BLOB_HANDLES_MAX + 9;
    for (let i = 0; i < count; i++) await blobs.put(`n/${i}`, [blobBytes(i, 20)]);
    for (let round = 0; round < 2; round++) {
      const reads = Array.from({ length: count }, (_, i) => blobs.get(`n/${i}`));
      for (const [i, bytes] of (await Promise.all(reads)).entries()) {
        assert.deepEqual(bytes, blobBytes(i, 20));
      }
    }
    await blobs.close();
  },

  'a backup is a store of its own': async (harness) => {
    const blobs = await harness.open();
    for (const name of ['a/b/c', 'a/d', 'e', 'f']) await blobs.put(name, [blobBytes(1, 50)]);
    await blobs.backup(harness.backupDirectory, ['a/b/c', 'e', 'f']);
    await blobs.put('a/b/c', [blobBytes(2, 60)]);
    await blobs.remove('e');
    const missing = blobs.backup(harness.backupDirectory, ['nothing']);
    await assert.rejects(missing, isError('no-blob'));
    const copy = await harness.openBackup();
    assert.deepEqual(await listNames(copy), ['a/b/c', 'e', 'f']);
    assert.deepEqual(await copy.get('a/b/c'), blobBytes(1, 50));
    assert.deepEqual(await copy.get('e'), blobBytes(1, 50));
    await copy.remove('f');
    await copy.put('g', [blobBytes(3, 10)]);
    assert.deepEqual(await blobs.get('f'), blobBytes(1, 50));
    assert.deepEqual(await listNames(blobs), ['a/b/c', 'a/d', 'f']);
    await copy.close();
    await blobs.close();
  },

  'a bad name is a bug': async (harness) => {
    const blobs = await harness.open();
    for (const name of ['', '/a', 'a/', 'a//b', '../a', '.tmp/a', 'A', 'ä', 'a b']) {
      await assert.rejects(blobs.head(name), BugError, name);
    }
    await assert.rejects(blobs.get('x'.repeat(BLOB_NAME_MAX_BYTES + 1)), BugError);
    await blobs.close();
  },
};

export function blobsSuite(driver: BlobsDriver): void {
  describe(`blobs contract on ${driver.name}`, () => {
    for (const [name, body] of Object.entries(CASES)) {
      test(name, () => driver.run(body));
    }
  });
}
