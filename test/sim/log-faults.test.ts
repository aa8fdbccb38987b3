// The segment log and a disk that lies, fails or is full: damage is named and costs only what it
// hit, a failed sync is fatal, a full disk is not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '../../src/log/log.ts';
import {
  encodeHeaderBlock,
  FRAME_HEADER_BYTES,
  frameSizeBytes,
  HEADER_BLOCK_BYTES,
} from '../../src/log/segment.ts';
import { openSegmentLog } from '../../src/log/segment-log.ts';
import { AppError } from '../../src/model/errors.ts';
import { FatalError } from '../../src/stdx/assert.ts';
import { readAll, recordBytes } from '../contract/log-suite.ts';
import { World } from './world.ts';

const SEGMENT_SIZE_BYTES = 16 * 1024;
const LENGTH = 100;
const FIRST_FILE = '/data/log/segment-0000000001.log';

async function open(world: World): Promise<Log> {
  const { files, prng } = world.boot();
  const segmentSizeBytes = SEGMENT_SIZE_BYTES;
  return world.run(openSegmentLog({ files, directory: '/data/log', prng, segmentSizeBytes }));
}

async function append(world: World, log: Log, count: number, length = LENGTH): Promise<void> {
  for (let i = 0; i < count; i++) {
    await world.run(log.append(recordBytes(log.endOffset, length)).durable);
  }
}

/** Bit number of the first bit of byte `at` of record `offset`'s frame in the first segment. */
function bitOf(offset: number, at: number): number {
  return 8 * (HEADER_BLOCK_BYTES + offset * frameSizeBytes(LENGTH) + at);
}

async function checkLost(flips: readonly number[], lost: readonly number[]): Promise<void> {
  const world = new World({ seed: 1 });
  const log = await open(world);
  await append(world, log, 10);
  world.crash('kill');
  for (const bit of flips) world.disk.flipBit(FIRST_FILE, bit);
  for (let life = 0; life < 2; life++) {
    const reopened = await open(world);
    assert.deepEqual(
      reopened.damage.map(({ firstOffset, endOffset }) => [firstOffset, endOffset]),
      lost.map((offset) => [offset, offset + 1]),
    );
    for (const { file, reason } of reopened.damage) {
      assert.equal(file, FIRST_FILE);
      assert.ok(reason.length > 0);
    }
    const found = await world.run(readAll(reopened));
    const kept = Array.from({ length: 10 + life }, (_, i) => i).filter((i) => !lost.includes(i));
    assert.deepEqual([...found.keys()], kept);
    for (const [offset, bytes] of found) assert.deepEqual(bytes, recordBytes(offset, LENGTH));
    await append(world, reopened, 1);
    world.crash('kill');
  }
}

test('a flipped bit of a payload costs that record', () =>
  checkLost([bitOf(3, FRAME_HEADER_BYTES + 5)], [3]));

test('a flipped bit of a frame header costs that record', () => checkLost([bitOf(3, 5)], [3]));

test('several flipped bits cost their records', () =>
  checkLost([bitOf(0, 0), bitOf(4, 60), bitOf(7, 20)], [0, 4, 7]));

test('either copy of a segment header is enough', async () => {
  await checkLost([20 * 8], []);
  await checkLost([(2048 + 20) * 8], []);
});

test('damage above the mark is a torn tail, below it never', async () => {
  const world = new World({ seed: 1 });
  await append(world, await open(world), 10);
  world.crash('kill');
  // Nothing after record 9 says that it was durable.
  world.disk.flipBit(FIRST_FILE, bitOf(9, 40));
  const torn = await open(world);
  assert.deepEqual(torn.damage, []);
  assert.equal(torn.endOffset, 9);
  await world.run(torn.close());
  // A clean close does say it of record 8.
  world.crash('kill');
  world.disk.flipBit(FIRST_FILE, bitOf(8, 40));
  const damaged = await open(world);
  assert.equal(damaged.endOffset, 9);
  assert.deepEqual(
    damaged.damage.map(({ firstOffset, endOffset }) => [firstOffset, endOffset]),
    [[8, 9]],
  );
});

test('damage found while reading is named too, and trimmed away', async () => {
  const world = new World({ seed: 1 });
  const log = await open(world);
  await append(world, log, 10);
  world.disk.flipBit(FIRST_FILE, bitOf(4, 50));
  for (let round = 0; round < 2; round++) {
    assert.equal((await world.run(readAll(log))).size, 9);
    assert.equal(log.damage.length, 1);
  }
  await world.run(log.trim(10));
  assert.equal(log.damage.length, 0);
});

test('a failed sync is fatal for what waits and for what comes', async () => {
  const world = new World({ seed: 1 });
  const log = await open(world);
  await append(world, log, 3);
  world.fault = (operation) =>
    operation === 'datasync' ? { code: 'EIO', isDone: false } : undefined;
  const waiting = [log.append(recordBytes(3, 10)), log.append(recordBytes(4, 10))];
  for (const { durable } of waiting) await assert.rejects(world.run(durable), FatalError);
  world.fault = undefined;
  assert.throws(() => log.append(recordBytes(5, 10)), FatalError);
  await assert.rejects(world.run(log.sync()), FatalError);
  await assert.rejects(world.run(log.trim(1)), FatalError);
  assert.equal(log.durableOffset, 3);
  await assert.rejects(world.run(log.close()), FatalError);
});

test('a disk that fails while the log is read is named with what to do', async () => {
  const world = new World({ seed: 1 });
  const log = await open(world);
  await append(world, log, 3);
  world.fault = (operation) => (operation === 'read' ? { code: 'EIO', isDone: false } : undefined);
  await assert.rejects(
    world.run(readAll(log)),
    (error) =>
      error instanceof FatalError && /EIO.*check the disk, then start again/.test(error.message),
  );
  world.fault = undefined;
  assert.equal((await world.run(readAll(log))).size, 3);
});

test('a full disk refuses appends, keeps reading, and recovers by itself', async () => {
  const world = new World({ seed: 1 });
  const log = await open(world);
  await append(world, log, 1);
  world.disk.capacityBytes = world.disk.usedBytes();
  let refused: unknown;
  for (let i = 0; i < 300 && refused === undefined; i++) {
    try {
      await append(world, log, 1);
    } catch (error) {
      refused = error;
    }
  }
  assert.ok(refused instanceof AppError && refused.code === 'disk-full' && refused.retryable);
  const end = log.endOffset;
  assert.equal((await world.run(readAll(log))).size, end);
  // Still full at a restart: it opens and reads.
  world.crash('kill');
  const reopened = await open(world);
  assert.equal((await world.run(readAll(reopened))).size, end);
  world.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  for (let attempt = 0; reopened.endOffset < end + 200; attempt++) {
    assert.ok(attempt < 5, 'appends go on when there is space again');
    try {
      await append(world, reopened, 200);
    } catch (error) {
      assert.ok(error instanceof AppError);
      await world.runFor(100);
    }
  }
  await world.run(reopened.close());
});

test('at most the pool of free segments is kept, and a folder of leftovers opens', async () => {
  const world = new World({ seed: 1 });
  const log = await open(world);
  await append(world, log, 1500);
  await world.run(log.trim(log.endOffset));
  const count = (): number => world.disk.paths().filter((path) => path.endsWith('.log')).length;
  assert.ok(count() <= 4, `${count()} segment files`);
  await world.run(log.shrink());
  assert.equal(count(), 1);
  await world.run(log.close());
  world.crash('kill');
  const { files } = world.boot();
  await world.run(files.open('/data/log/segment-0000000077.log', 'create'));
  await world.run(files.open('/data/log/notes.txt', 'create'));
  const reopened = await open(world);
  assert.equal(reopened.startOffset, 1500);
  assert.equal(reopened.append(recordBytes(0, 5)).offset, 1500);
  await world.run(reopened.close());
});

for (const version of [1, 3])
  test(`a segment of version ${version} stops the start with a sentence`, async () => {
    const world = new World({ seed: 1 });
    const log = await open(world);
    await world.run(log.close());
    const file = await world.run(world.boot().files.open(FIRST_FILE, 'write'));
    const header = { salt: 1, sequence: 1, firstOffset: 0, durableOffset: 0 };
    file.writeSync(encodeHeaderBlock(header, version), 0);
    await assert.rejects(open(world), /start the one that wrote it/);
  });

test('an append while a rotation syncs its two segments is acknowledged without another', async () => {
  for (let steps = 0; steps < 3; steps++) {
    const world = new World({ seed: 1 });
    const log = await open(world);
    // Two records a segment: the second of these ends one, the third begins the next.
    const length = Math.floor((SEGMENT_SIZE_BYTES - HEADER_BLOCK_BYTES) / 2.5);
    await append(world, log, 1, length);
    await world.runFor(1000);
    for (let i = 0; i < 2; i++) log.append(recordBytes(log.endOffset, length));
    await world.runSteps(steps);
    await world.run(log.append(recordBytes(log.endOffset, LENGTH)).durable);
  }
});
