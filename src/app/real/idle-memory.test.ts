// When a process gives memory back: after work, when it is quiet, for a bounded share of its time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  collectAfterQueries,
  collectAll,
  watchBoundMemory,
  watchIdleMemory,
} from './idle-memory.ts';

/** Runs the looks by hand, each after so much CPU time. */
function harness({ heapUsedBytes = 1000, pauseMs = 20 } = {}) {
  let usedMs = 0;
  let collections = 0;
  let task: (() => void) | undefined;
  const scheduler = {
    after: (_delayMs: number, next: () => void) => {
      task = next;
      return () => (task = undefined);
    },
    sleep: () => Promise.reject(new Error('not used')),
    yieldTurn: () => Promise.resolve(),
  };
  const collect = (): void => {
    collections++;
    usedMs += pauseMs;
  };
  const stop = watchIdleMemory(scheduler, {
    cpuMs: () => usedMs,
    heapUsedBytes: () => heapUsedBytes,
    collect,
  });
  /** Collections by looks that come after so much work each. */
  function looks(...worksMs: readonly number[]): number[] {
    return worksMs.map((workMs) => {
      const before = collections;
      usedMs += workMs;
      task?.();
      return collections - before;
    });
  }
  return { looks, stop };
}

test('memory is given back once, after work and when it has been quiet for two looks', () => {
  const { looks, stop } = harness();
  assert.deepEqual(looks(900, 900, 10, 10, 10, 10), [0, 0, 0, 1, 0, 0]);
  assert.deepEqual(looks(2000, 10, 300, 10, 10), [0, 0, 0, 0, 1]);
  looks(2000, 10);
  stop();
  assert.deepEqual(looks(10), [0]);
});

test('collecting takes a bounded share of what a process works that is never busy', () => {
  const looks = Array.from({ length: 100 }, () => 90);
  const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
  assert.equal(sum(harness({ pauseMs: 50 }).looks(...looks)), 8);
  assert.equal(sum(harness({ pauseMs: 500 }).looks(...looks)), 2);
  assert.equal(sum(harness({ heapUsedBytes: 2 ** 30 }).looks(...looks)), 0);
});

test('queries that end are followed by a collection where buffers have grown, at most twice a second', () => {
  const tasks: { delayMs: number; task: () => void }[] = [];
  const scheduler = {
    after: (delayMs: number, task: () => void) => {
      tasks.push({ delayMs, task });
      return () => undefined;
    },
    sleep: () => Promise.reject(new Error('not used')),
    yieldTurn: () => Promise.resolve(),
  };
  const collections: string[] = [];
  let heapUsedBytes = 1000;
  let bufferBytes = 50e6;
  const ended = collectAfterQueries(scheduler, {
    heapUsedBytes: () => heapUsedBytes,
    bufferBytes: () => bufferBytes,
    collect: (flavor) => void collections.push(flavor),
  });
  const next = (): number => {
    const { delayMs, task } = tasks.shift()!;
    task();
    return delayMs;
  };
  for (let i = 0; i < 3; i++) ended(false);
  assert.deepEqual([next(), next(), collections], [20, 500, []], 'nothing to give back');
  bufferBytes = 160e6;
  for (let i = 0; i < 3; i++) ended(false);
  assert.deepEqual([next(), collections], [20, ['regular']]);
  // What is there now is held: only a kill asks for it.
  ended(true);
  ended(false);
  assert.deepEqual([next(), collections], [500, ['regular', 'last-resort']]);
  assert.deepEqual([next(), collections.length, tasks.length], [500, 2, 0]);
  bufferBytes = 60e6;
  ended(false);
  assert.deepEqual([next(), next(), collections.length], [20, 500, 2]);
  bufferBytes = 170e6;
  ended(false);
  assert.deepEqual([next(), next(), collections.length], [20, 500, 3], 'grown from the least');
  heapUsedBytes = 2 ** 30;
  bufferBytes = 500e6;
  ended(false);
  assert.deepEqual([next(), collections.length], [20, 3], 'a large heap would stop the thread');
});

test('near its bound memory is collected, more seldom where that does not help', () => {
  const tasks: { delayMs: number; task: () => void }[] = [];
  let isCanceled = false;
  const scheduler = {
    after: (delayMs: number, task: () => void) => {
      tasks.push({ delayMs, task });
      return () => void (isCanceled = true);
    },
    sleep: () => Promise.reject(new Error('not used')),
    yieldTurn: () => Promise.resolve(),
  };
  const collections: string[] = [];
  let residentBytes = 800;
  let heapUsedBytes = 1000;
  const stop = watchBoundMemory(scheduler, 1000, {
    residentBytes: () => residentBytes,
    heapUsedBytes: () => heapUsedBytes,
    collect: (flavor) => void collections.push(flavor),
  });
  const delays: number[] = [];
  for (const bytes of [499, 800, 900, 950, 940, 890, 950, 901, 910]) {
    const { delayMs, task } = tasks.shift()!;
    delays.push(delayMs);
    residentBytes = bytes;
    task();
  }
  delays.push(tasks[0]!.delayMs);
  assert.deepEqual(delays, [100, 500, 100, 100, 400, 2000, 100, 400, 400, 2000]);
  assert.deepEqual(collections, Array(5).fill('regular'));
  // Beyond the bound pages are given back, where that does not stop the thread for long.
  for (const [bytes, heap] of [
    [1001, 1000],
    [1001, 100_000_000],
  ] as const) {
    const { task } = tasks.shift()!;
    [residentBytes, heapUsedBytes] = [bytes, heap];
    task();
  }
  assert.deepEqual(collections.slice(5), ['last-resort', 'regular']);
  stop();
  assert.ok(isCanceled);
});

test('what nobody holds is collected', async () => {
  const garbage = new WeakRef({});
  // A weak reference holds its target to the end of the turn.
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  collectAll();
  assert.equal(garbage.deref(), undefined);
});
