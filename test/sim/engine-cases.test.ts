// What seeds of the engine once found, each as one short history.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../src/model/batch-builder.ts';
import { AppError } from '../../src/model/errors.ts';
import { labelsFromObject } from '../../src/model/labels.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { engineOpener } from './open-engine.ts';
import type { EngineSettings } from './open-engine.ts';
import { World } from './world.ts';

const POINTS_PER_WRITE = 50;
const WRITES_MAX = 500;
const MINUTE_MS = 60_000;

function settingsOf(tsdb: EngineSettings['tsdb']): EngineSettings {
  const common = {
    pageSamples: [1, 2, 3],
    sealSamples: 5,
    sealHeadBytes: 0,
    level0PartsMax: 3,
    partitionPartsMax: 2,
  } as const;
  return {
    segmentSizeBytes: 16 * 1024,
    tsdb: { headBytesMax: 100_000, flushIntervalMs: 0, ...common, ...tsdb },
    conflictPeriod: 2 ** 32,
    areMergesElsewhere: true,
  };
}

function open(world: World, tsdb: EngineSettings['tsdb'] = {}): Promise<Storage> {
  return engineOpener()(world.boot(), {
    settings: settingsOf(tsdb),
    report: () => undefined,
    probe: () => undefined,
  });
}

let count = 0;

async function write(storage: Storage): Promise<void> {
  const builder = new BatchBuilder();
  const ref = storage.resolve('default', labelsFromObject({ __name__: 'case' }));
  for (let i = 0; i < POINTS_PER_WRITE; i++) builder.f64(ref, count++, 0, count);
  await storage.append(builder.finish(), {
    principal: openPrincipal('default'),
    durability: 'sync',
    protocol: 'sim',
    batchId: undefined,
  });
}

/** Writes until the storage refuses for want of room; false where it never does. */
async function fillHead(world: World, storage: Storage): Promise<boolean> {
  for (let i = 0; i < WRITES_MAX; i++)
    try {
      await world.run(write(storage));
    } catch (error) {
      if (error instanceof AppError && error.kind === 'unavailable') return true;
      throw error;
    }
  return false;
}

function partFiles(world: World): readonly string[] {
  return world.disk.paths().filter((path) => path.endsWith('.part'));
}

test('a head that is full at the start is flushed though every write is refused', async () => {
  const world = new World({ seed: 1 });
  const storage = await world.run(open(world));
  world.fault = (_operation, path) =>
    path.startsWith('/data/blobs') ? { code: 'EIO', isDone: false } : undefined;
  assert.ok(await fillHead(world, storage), 'the head never filled');
  world.crash('kill');
  world.heal();
  // With less memory than before not even one write gets in that would start the flush.
  const again = await world.run(open(world, { headBytesMax: 60_000 }));
  await world.runFor(MINUTE_MS);
  await world.run(write(again));
});

test('a timer that would flush during the replay leaves later flushes alone', async () => {
  const world = new World({ seed: 1 });
  const storage = await world.run(open(world));
  for (let i = 0; i < 30; i++) await world.run(write(storage));
  world.crash('kill');
  world.slowness = 1000;
  const again = await world.run(open(world, { flushIntervalMs: 50 }));
  world.slowness = 1;
  let isDone = false;
  const flushed = again.flush().then(() => (isDone = true));
  // What the slow disk was doing when it became fast again still takes its time.
  await world.runFor(10 * MINUTE_MS);
  assert.ok(isDone, 'the flush never ends');
  await flushed;
});

test('a commit that fails leaves no part behind', async () => {
  const world = new World({ seed: 1 });
  const storage = await world.run(open(world));
  await world.run(write(storage));
  world.fault = (operation, path) =>
    operation === 'datasync' && path.startsWith('/data/catalog')
      ? { code: 'ENOSPC', isDone: false }
      : undefined;
  for (let i = 0; i < 3; i++)
    await assert.rejects(world.run(storage.flush()), { code: 'disk-full' });
  assert.deepEqual(partFiles(world), []);
  world.heal();
  await world.run(storage.flush());
  assert.equal(partFiles(world).length, 1);
});

test('where the second attempt cannot read the catalog the part of the first one stays', async () => {
  const world = new World({ seed: 1 });
  const storage = await world.run(open(world));
  await world.run(write(storage));
  await world.run(storage.flush());
  await world.run(write(storage));
  let isCommitted = false;
  world.fault = (operation, path) => {
    if (operation === 'rename' && path.startsWith('/data/catalog')) {
      isCommitted = true;
      return { code: 'EIO', isDone: true };
    }
    return isCommitted && operation === 'syncDirectory'
      ? { code: 'EIO', isDone: false }
      : undefined;
  };
  await assert.rejects(world.run(storage.flush()), { code: 'catalog-commit-unknown' });
  world.crash('kill');
  world.heal();
  const again = await world.run(open(world));
  assert.equal(again.stats().partCount, 2);
});

test('closing waits for the flush that is due behind its own', async () => {
  for (let delayMs = 0; delayMs < 60; delayMs += 2) {
    const world = new World({ seed: 1 });
    const events: unknown[] = [];
    const storage = await world.run(
      engineOpener()(world.boot(), {
        settings: settingsOf({ flushIntervalMs: 40, headSnapshotLogBytes: 1 }),
        report: (event) => events.push(event),
        probe: () => undefined,
      }),
    );
    for (let i = 0; i < 4; i++) await world.run(write(storage));
    await world.runFor(delayMs);
    await world.run(storage.close());
    await world.runFor(MINUTE_MS);
    assert.deepEqual(events, []);
  }
});

test('a compaction ends though flushes go on beside it', async () => {
  const world = new World({ seed: 1 });
  const storage = await world.run(open(world));
  for (let i = 0; i < 4; i++) {
    await world.run(write(storage));
    await world.run(storage.flush());
  }
  const ROUNDS_MAX = 30;
  const state = { rounds: 0, isDone: false };
  const flushes = async (): Promise<void> => {
    for (; !state.isDone && state.rounds < ROUNDS_MAX; state.rounds++) {
      await write(storage);
      await storage.flush();
    }
  };
  const compaction = storage.compact().then(() => (state.isDone = true));
  await world.run(Promise.all([compaction, flushes()]));
  assert.ok(state.rounds < ROUNDS_MAX, 'the compaction ended no earlier than the writes');
});

test('what a merge wrote is read again before it takes the place of its inputs', async () => {
  const world = new World({ seed: 1 });
  const storage = await world.run(open(world, { level0PartsMax: 100 }));
  for (let i = 0; i < 3; i++) {
    await world.run(write(storage));
    await world.run(storage.flush());
  }
  const inputs = partFiles(world);
  assert.equal(inputs.length, 3);
  world.fault = (operation, path) =>
    operation === 'read' && path.includes('-l1-') ? { code: 'EIO', isDone: false } : undefined;
  for (let i = 0; i < 2; i++) await assert.rejects(world.run(storage.compact()));
  assert.deepEqual(partFiles(world), inputs);
  world.heal();
  await world.run(storage.compact());
  assert.ok(partFiles(world).every((path) => path.includes('-l1-')));
});
