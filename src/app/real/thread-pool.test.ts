// Real threads: started when needed, one task each, healed when lost; and a real leaf through them.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { KIND } from '../../model/columns.ts';
import type { Samples } from '../../model/columns.ts';
import { labelsFromObject } from '../../model/labels.ts';
import type { LeafPlan, ReadContext } from '../../model/storage.ts';
import { openPrincipal } from '../../model/tenant.ts';
import { WorkerLostError } from '../../stdx/worker-pool.ts';
import { runLeafInThread } from '../../windows/leaf.ts';
import type { LeafParcel } from '../../windows/leaf-parcel.ts';
import { leafRunner } from '../../windows/leaf-runner.ts';
import type { LeafAnswer } from '../../windows/leaf-thread.ts';
import { realClock } from './clock.ts';
import { realScheduler } from './scheduler.ts';
import { ThreadPool } from './thread-pool.ts';

const ECHO = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads';
    parentPort.on('message', (task) => {
      if (task === 'die') process.exit(3);
      if (task === 'throw') parentPort.postMessage({ error: { name: 'TypeError', message: 'no' } });
      else parentPort.postMessage({ answer: task * 2 });
    });
  `)}`,
);

function poolOf<Task, Answer>(module: URL, threadCount: number): ThreadPool<Task, Answer> {
  const pool = new ThreadPool<Task, Answer>({
    name: 'test',
    module,
    threadCount,
    scheduler: realScheduler,
    env: {},
  });
  after(() => pool.close());
  return pool;
}

test('tasks run on threads that start when they are needed, and wait in line', async () => {
  const pool = poolOf<number, number>(ECHO, 2);
  assert.equal(pool.runningCount, 0);
  assert.equal(await pool.run(1, []), 2);
  assert.equal(await pool.run(2, []), 4);
  assert.equal(pool.runningCount, 1);
  const many = await Promise.all(Array.from({ length: 20 }, (_, i) => pool.run(i, [])));
  assert.deepEqual(
    many,
    Array.from({ length: 20 }, (_, i) => i * 2),
  );
  assert.equal(pool.runningCount, 2);
});

test('a lost thread fails its task alone, and another takes its place', async () => {
  const pool = poolOf<number | string, number>(ECHO, 1);
  const tasks = [pool.run(1, []), pool.run('die', []), pool.run(3, [])];
  const [first, second, third] = await Promise.allSettled(tasks);
  assert.deepEqual(
    [first, third],
    [
      { status: 'fulfilled', value: 2 },
      { status: 'fulfilled', value: 6 },
    ],
  );
  assert.ok(second?.status === 'rejected' && second.reason instanceof WorkerLostError);
});

test('what a task throws is its own, and the thread goes on', async () => {
  const pool = poolOf<number | string, number>(ECHO, 1);
  await assert.rejects(pool.run('throw', []), /TypeError: no/);
  await assert.rejects(pool.run(Symbol.iterator as unknown as string, []), /cannot be sent/);
  assert.equal(await pool.run(4, []), 8);
  assert.equal(pool.runningCount, 1);
});

test('a closed pool refuses', async () => {
  const pool = poolOf<number, number>(ECHO, 1);
  const running = assert.rejects(pool.run(1, []), WorkerLostError);
  await pool.close();
  await running;
  await assert.rejects(pool.run(1, []), WorkerLostError);
});

test('a leaf through real threads has the bits of one thread', async () => {
  const pool = poolOf<LeafParcel, LeafAnswer>(new URL('./leaf-worker.ts', import.meta.url), 2);
  const count = 1981;
  const series = Array.from({ length: 100 }, (_, n) => {
    const samples: Samples = {
      kind: KIND.f64,
      count,
      subNs: undefined,
      startUs: undefined,
      position: undefined,
      tUs: Float64Array.from({ length: count }, (_x, i) => i * 1e6),
      values: Float64Array.from({ length: count }, (_x, i) => Math.sqrt(i * (n + 1))),
    };
    return { labels: labelsFromObject({ __name__: 'm', n: String(n), g: String(n % 7) }), samples };
  });
  async function* read() {
    for (const { labels, samples } of series)
      yield await Promise.resolve({ labels, chunks: [samples] });
  }
  const reader = { select: read, selectBlocks: read };
  const context: ReadContext = {
    principal: openPrincipal('default'),
    pin: { release: () => undefined },
    signal: new AbortController().signal,
    budget: { take: () => undefined, give: () => undefined },
  };
  const plan: LeafPlan = {
    matchers: [],
    startUs: 0,
    endUs: 1980e6,
    stepUs: 30e6,
    windowUs: 300e6,
    lookbackUs: 0,
    bounds: 'left-open',
    kernel: 'rate',
    args: [],
    kinds: 1 << KIND.f64,
    grouping: { aggregation: 'sum', mode: 'by', labels: ['g'] },
  };
  const bounds = { inThreadSamples: 30_000, parcelSamples: 40_000 };
  const runLeaf = leafRunner({ pool, clock: realClock, scheduler: realScheduler, ...bounds });
  const found = await runLeaf(reader, context, plan);
  assert.deepEqual(found, await runLeafInThread(reader, context, plan));
  assert.equal(found.samplesRead, 198_100);
  assert.equal(pool.runningCount, 2);
});
