// The real seams where they differ from what node gives: error classes, whole reads of files
// without a size, aborts. Reading and writing are covered by test/contract/planes.test.ts.
import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { createFile, FileError, listTree, removeTree } from '../../stdx/files.ts';
import { realFiles } from './files.ts';
import { realPrng } from './prng.ts';
import { realScheduler } from './scheduler.ts';

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof FileError && error.code === code;
}

test('files: errors carry the code and the path', async () => {
  const directory = await fs.mkdtemp(`${tmpdir()}/orrery-files-`);
  try {
    const path = `${directory}/a`;
    await assert.rejects(realFiles.open(path, 'read'), hasCode('ENOENT'));
    assert.equal(await realFiles.stat(path), undefined);
    const file = await realFiles.open(path, 'create');
    await assert.rejects(realFiles.open(path, 'create'), hasCode('EEXIST'));
    await file.write(new Uint8Array([1, 2, 3]), 5);
    assert.equal(file.sizeBytes(), 8);
    await file.truncate(6);
    await file.datasync();
    const bytes = new Uint8Array(10);
    assert.equal(file.readSync(bytes, 4), 2);
    assert.deepEqual([...bytes.subarray(0, 3)], [0, 1, 0]);
    await file.close();
    await assert.rejects(realFiles.open(directory, 'read'), hasCode('EISDIR'));
    await realFiles.link(path, `${directory}/b`);
    await realFiles.rename(`${directory}/b`, `${directory}/c`);
    await realFiles.syncDirectory(directory);
    assert.deepEqual(await realFiles.list(directory), ['a', 'c']);
    assert.deepEqual(await realFiles.stat(`${directory}/c`), { sizeBytes: 6, isDirectory: false });
    await realFiles.remove(path);
    await assert.rejects(realFiles.remove(path), hasCode('ENOENT'));
    await realFiles.makeDirectory(`${directory}/d/e`);
    await realFiles.makeDirectory(`${directory}/d/e`);
    await assert.rejects(realFiles.makeDirectory(`${directory}/c/d`), hasCode('ENOTDIR'));
    await assert.rejects(realFiles.makeDirectory(`${directory}/c`), hasCode('EEXIST'));
    await assert.rejects(realFiles.makeDirectory('/dev/null/d'), hasCode('ENOTDIR'));
    await assert.rejects(realFiles.removeDirectory(`${directory}/d`), hasCode('ENOTEMPTY'));
    await createFile(realFiles, `${directory}/d/e/f`, new Uint8Array(7));
    await realFiles.rename(`${directory}/d`, `${directory}/g`);
    const tree = await Array.fromAsync(listTree(realFiles, directory));
    assert.deepEqual(tree, [
      { path: 'c', sizeBytes: 6 },
      { path: 'g/e/f', sizeBytes: 7 },
    ]);
    await removeTree(realFiles, `${directory}/g`);
    assert.deepEqual(await realFiles.list(directory), ['c']);
    const { freeBytes, totalBytes } = await realFiles.space(directory);
    assert.ok(freeBytes > 0 && totalBytes >= freeBytes);
  } finally {
    await fs.rm(directory, { recursive: true });
  }
});

test('files: a whole read stops at its limit, also where no size is known', async () => {
  const directory = await fs.mkdtemp(`${tmpdir()}/orrery-files-`);
  try {
    const path = `${directory}/a`;
    await fs.writeFile(path, 'x'.repeat(9000));
    assert.equal((await realFiles.readWhole(path, 9000)).length, 9000);
    await assert.rejects(realFiles.readWhole(path, 8999), hasCode('EFBIG'));
    await fs.writeFile(path, '');
    assert.equal((await realFiles.readWhole(path, 0)).length, 0);
  } finally {
    await fs.rm(directory, { recursive: true });
  }
});

test('scheduler: sleep ends with the reason of its signal', async () => {
  const controller = new AbortController();
  const sleeping = realScheduler.sleep(60_000, controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(sleeping, /enough/);
  await assert.rejects(realScheduler.sleep(1, controller.signal), /enough/);
  const cancel = realScheduler.after(60_000, () => assert.fail('was cancelled'));
  cancel();
  cancel();
  await realScheduler.yieldTurn();
});

test('scheduler: of those that yield one goes on in each turn of the event loop', async () => {
  let turn = 0;
  let isDone = false;
  const count = (): void => {
    turn++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const turns: number[] = [];
  const work = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      await realScheduler.yieldTurn();
      turns.push(turn);
    }
  };
  await Promise.all([work(), work(), work()]);
  isDone = true;
  assert.equal(turns.length, 9);
  assert.equal(new Set(turns).size, 9);
});

test('prng: numbers and bytes vary', () => {
  const numbers = new Set(Array.from({ length: 600 }, () => realPrng.u32()));
  assert.ok(numbers.size > 590);
  for (const number of numbers) assert.ok(Number.isInteger(number) && number < 4294967296);
  assert.equal(realPrng.bytes(16).length, 16);
  assert.notDeepEqual(realPrng.bytes(16), realPrng.bytes(16));
});
