// Leaves shared among threads against the reference in one thread: the same bits for every kernel,
// grouping and kind, however the parcels are cut and in whatever order the threads are done.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { encodeBody } from '../codec/block.ts';
import { ByteWriter } from '../codec/varint.ts';
import { ALL_KINDS, KIND } from '../model/columns.ts';
import type { KindMask, Samples } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import type { Histogram } from '../model/histogram.ts';
import { labelsFromObject } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type {
  EncodedSamples,
  LeafAggregation,
  LeafKernel,
  LeafPlan,
  LeafResult,
  ReadContext,
  SelectedBlocks,
  SelectedSeries,
  SelectRequest,
} from '../model/storage.ts';
import { openPrincipal } from '../model/tenant.ts';
import { WorkerLostError } from '../stdx/worker-pool.ts';
import type { WorkerPool } from '../stdx/worker-pool.ts';
import { runLeafInThread } from './leaf.ts';
import { leafRunner } from './leaf-runner.ts';
import type { LeafParcel } from './leaf-parcel.ts';
import { LeafThread } from './leaf-thread.ts';
import type { LeafAnswer } from './leaf-thread.ts';

const STALE = new Float64Array(Uint32Array.of(2, 0x7ff00000).buffer)[0]!;
const KERNELS: readonly LeafKernel[] = [
  ...(['last', 'timestamp', 'first', 'rate', 'increase', 'delta', 'irate', 'idelta'] as const),
  ...(['changes', 'resets', 'deriv', 'predict_linear', 'double_exponential_smoothing'] as const),
  ...(['avg', 'min', 'max', 'sum', 'count', 'quantile', 'stddev', 'stdvar', 'present'] as const),
  ...(['mad', 'ts_of_first', 'ts_of_last', 'ts_of_max', 'ts_of_min'] as const),
];
const AGGREGATIONS: readonly LeafAggregation[] = [
  ...(['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'] as const),
];

interface Series {
  readonly labels: Labels;
  readonly chunks: readonly Samples[];
}

// ---------------------------------------------------------------- data

function histogram(n: number): Histogram {
  return {
    isInteger: true,
    schema: n % 3 === 0 ? 1 : 0,
    zeroThreshold: 0.001,
    zeroCount: n,
    count: n * 3,
    sum: n / 3,
    counterResetHint: 0,
    positiveSpans: [{ offset: 0, length: 2 }],
    positiveBuckets: Float64Array.of(n, n),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
  };
}

interface ChunkSeed {
  readonly kind: number;
  readonly numbers: readonly number[];
  readonly hasStart: boolean;
}

function samplesOf({ kind, numbers, hasStart }: ChunkSeed, firstUs: number): Samples {
  const count = numbers.length;
  const common = {
    count,
    tUs: Float64Array.from(numbers, (_, i) => firstUs + i * 1e6),
    subNs: undefined,
    startUs: hasStart ? Float64Array.from(numbers, (n) => (n > 20 ? Number.NaN : n)) : undefined,
    position: undefined,
  };
  switch (kind) {
    case KIND.i64:
      return { ...common, kind, values: BigInt64Array.from(numbers, (n) => BigInt(n - 5)) };
    case KIND.u64:
      return { ...common, kind, values: BigUint64Array.from(numbers, BigInt) };
    case KIND.boolean:
      return { ...common, kind, values: Uint8Array.from(numbers, (n) => n & 1) };
    case KIND.string:
      return { ...common, kind, values: numbers.map(String) };
    case KIND.histogram:
      return { ...common, kind, values: numbers.map(histogram) };
    default: {
      const values = new Float64Array(count);
      // A staleness marker keeps its bits only from array to array.
      for (const [i, n] of numbers.entries())
        values.set([n === 40 ? STALE : n === 39 ? -0 : n / 3], i);
      return { ...common, kind: KIND.f64, values };
    }
  }
}

const chunkSeed: fc.Arbitrary<ChunkSeed> = fc.record({
  kind: fc.oneof(
    { weight: 60, arbitrary: fc.constant(KIND.f64) },
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(KIND.string, KIND.histogram) },
  ),
  numbers: fc.array(fc.nat(40), { minLength: 1, maxLength: 12 }),
  hasStart: fc.boolean(),
});

const dataset: fc.Arbitrary<readonly Series[]> = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 1, max: 30 }),
      chunks: fc.array(chunkSeed, { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 70, size: 'max' },
  )
  .map((list) =>
    list.map(({ gap, chunks }, i) => {
      let atUs = gap * 1e6;
      const columns: Samples[] = [];
      for (const seed of chunks) {
        columns.push(samplesOf(seed, atUs));
        atUs += (seed.numbers.length + gap) * 1e6;
      }
      const name = i % 5 === 0 ? 'other' : 'm';
      const g = String(i % 4);
      return {
        labels: labelsFromObject({ __name__: name, id: String(1000 + i), g }),
        chunks: columns,
      };
    }),
  );

// ---------------------------------------------------------------- readers

function* selected(
  data: readonly Series[],
  { startUs, endUs, kinds }: SelectRequest,
): Generator<SelectedSeries> {
  for (const { labels, chunks } of data) {
    const cut: Samples[] = [];
    for (const chunk of chunks) {
      if ((kinds & (1 << chunk.kind)) === 0) continue;
      const inside = [...chunk.tUs.keys()].filter(
        (i) => chunk.tUs[i]! >= startUs && chunk.tUs[i]! <= endUs,
      );
      if (inside.length === 0) continue;
      const [from, to] = [inside[0]!, inside.at(-1)! + 1];
      cut.push({
        ...chunk,
        count: to - from,
        tUs: chunk.tUs.slice(from, to),
        values: chunk.values.slice(from, to),
        startUs: chunk.startUs?.slice(from, to),
      } as Samples);
    }
    if (cut.length > 0) yield { labels, chunks: cut };
  }
}

function encoded(samples: Samples): EncodedSamples {
  const out = new ByteWriter(64);
  encodeBody(out, samples);
  return { kind: samples.kind, tUs: samples.tUs, block: out.bytes().slice() };
}

/** Every third chunk as columns, the others as blocks; memory is reused as a reader may. */
function* blocks(data: readonly Series[]): Generator<SelectedBlocks> {
  let number = 0;
  for (const { labels, chunks } of data)
    yield { labels, chunks: chunks.map((one) => (number++ % 3 === 0 ? one : encoded(one))) };
}

async function* slowly<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

function readerOf(data: readonly Series[]) {
  return {
    select: (_: ReadContext, request: SelectRequest) => slowly(selected(data, request)),
    selectBlocks: () => slowly(blocks(data)),
  };
}

// ---------------------------------------------------------------- threads

/** Threads that take their tasks through structured clone and are done in an order of their own. */
class FakePool implements WorkerPool<LeafParcel, LeafAnswer> {
  readonly threadCount: number;
  readonly #threads: LeafThread[];
  readonly #turns: () => number;
  taskCount = 0;
  /** Tasks from this one on end so. */
  failure: { readonly from: number; readonly error: Error } | undefined = undefined;

  constructor(threadCount: number, turns: () => number) {
    this.threadCount = threadCount;
    this.#threads = Array.from({ length: threadCount }, () => new LeafThread());
    this.#turns = turns;
  }

  async run(task: LeafParcel, transfer: readonly ArrayBuffer[]): Promise<LeafAnswer> {
    const number = this.taskCount++;
    const parcel = structuredClone(task, { transfer: [...transfer] });
    for (let turn = this.#turns(); turn > 0; turn--)
      await new Promise((resolve) => setImmediate(resolve));
    if (this.failure !== undefined && number >= this.failure.from) throw this.failure.error;
    const answer = this.#threads[number % this.threadCount]!.answer(parcel);
    return structuredClone(answer, { transfer: [answer.data, answer.spent] });
  }
}

const clock = { nowMs: () => 0, monotonicMs: () => performance.now() };
const scheduler = {
  after: () => () => undefined,
  sleep: () => Promise.resolve(),
  yieldTurn: () => new Promise<void>((resolve) => setImmediate(resolve)),
};

class CountingBudget {
  heldBytes = 0;
  peakBytes = 0;
  take(sizeBytes: number): void {
    this.heldBytes += sizeBytes;
    this.peakBytes = Math.max(this.peakBytes, this.heldBytes);
  }
  give(sizeBytes: number): void {
    this.heldBytes -= sizeBytes;
  }
}

function contextOf(
  budget = new CountingBudget(),
  signal = new AbortController().signal,
): ReadContext {
  return { principal: openPrincipal('default'), pin: { release: () => undefined }, signal, budget };
}

/** Everything of a result, doubles as bits. */
function shown(result: LeafResult): unknown {
  const bits = (values: Float64Array, k: number): string =>
    Buffer.from(values.slice(k, k + 1).buffer).toString('hex');
  return {
    ...result,
    groups: result.groups.map(({ labels, present, values, histograms }) => ({
      labels,
      slots: Array.from(present, (one, k) =>
        one === 1 ? bits(values, k) : one === 2 ? histograms![k] : undefined,
      ),
    })),
  };
}

function planOf(kernel: LeafKernel, grouping: LeafPlan['grouping'], kinds: KindMask): LeafPlan {
  return {
    matchers: [],
    startUs: 2e6,
    endUs: 70e6,
    stepUs: 3e6,
    windowUs: kernel === 'last' || kernel === 'timestamp' ? 0 : 9e6,
    lookbackUs: 6e6,
    bounds: 'left-open',
    kernel,
    args: [Float64Array.of(0.4), Float64Array.of(0.5)],
    grouping,
    kinds,
  };
}

const grouping: fc.Arbitrary<LeafPlan['grouping']> = fc.option(
  fc.record({
    aggregation: fc.constantFrom(...AGGREGATIONS),
    mode: fc.constantFrom('by' as const, 'without' as const),
    labels: fc.constantFrom([], ['g'], ['id']),
  }),
  { nil: undefined },
);

// ---------------------------------------------------------------- tests

test('any number of threads, the same bits as in one', async () => {
  let parcels = 0;
  await fc.assert(
    fc.asyncProperty(
      dataset,
      fc.constantFrom(...KERNELS),
      grouping,
      fc.constantFrom<KindMask>(ALL_KINDS, 0b001111, 0b101111),
      fc.record({ threads: fc.integer({ min: 1, max: 3 }), after: fc.constantFrom(0, 60, 600) }),
      fc.array(fc.nat(4), { minLength: 1, maxLength: 7 }),
      async (data, kernel, by, kinds, { threads, after }, delays) => {
        const plan = planOf(kernel, by, kinds);
        let next = 0;
        const pool = new FakePool(threads, () => delays[next++ % delays.length]!);
        const bounds = { inThreadSamples: after, parcelSamples: 1 };
        const runLeaf = leafRunner({ pool, clock, scheduler, ...bounds });
        const budget = new CountingBudget();
        const reference = new CountingBudget();
        const expected = await runLeafInThread(readerOf(data), contextOf(reference), plan);
        const found = await runLeaf(readerOf(data), contextOf(budget), plan);
        assert.deepEqual(shown(found), shown(expected));
        assert.equal(budget.heldBytes, reference.heldBytes, 'what parcels took was given back');
        parcels += pool.taskCount;
      },
    ),
    { numRuns: 200 },
  );
  assert.ok(parcels > 120, `${parcels} parcels`);
});

/** Enough for many parcels: samples are 2 MB. */
function large(): Series[] {
  const numbers = Array.from({ length: 4000 }, (_, i) => i % 38);
  return Array.from({ length: 64 }, (_, i) => ({
    labels: labelsFromObject({ __name__: 'm', id: String(1000 + i) }),
    chunks: [samplesOf({ kind: KIND.f64, numbers, hasStart: false }, 0)],
  }));
}
const LARGE_PLAN = planOf('sum', { aggregation: 'sum', mode: 'by', labels: [] }, ALL_KINDS);
const WIDE_PLAN = { ...LARGE_PLAN, endUs: 4000e6, stepUs: 100e6 };

test('parcels under way are bounded, and what they hold is in the budget', async () => {
  const pool = new FakePool(1, () => 3);
  const budget = new CountingBudget();
  const runLeaf = leafRunner({ pool, clock, scheduler, inThreadSamples: 0 });
  await runLeaf(readerOf(large()), contextOf(budget), WIDE_PLAN);
  assert.equal(pool.taskCount, 2);
  assert.ok(budget.peakBytes > 500_000, `${budget.peakBytes} bytes`);
});

test('a lost thread is an error of its leaf', async () => {
  const pool = new FakePool(2, () => 1);
  pool.failure = { from: 1, error: new WorkerLostError('gone') };
  const runLeaf = leafRunner({ pool, clock, scheduler, inThreadSamples: 0 });
  const budget = new CountingBudget();
  await assert.rejects(
    runLeaf(readerOf(large()), contextOf(budget), WIDE_PLAN),
    (error) => error instanceof AppError && error.code === 'query-thread-lost',
  );
});

test('what a thread throws is said by the reader of the calling thread', async () => {
  const pool = new FakePool(2, () => 1);
  pool.failure = { from: 1, error: new Error('CodecError: the checksum of the block is wrong') };
  const runLeaf = leafRunner({ pool, clock, scheduler, inThreadSamples: 0 });
  const named = new AppError('corrupt', 'corrupt-block', 'parts/0/x.part: block at 16');
  const reader = {
    ...readerOf(large()),
    select: () => {
      throw named;
    },
  };
  await assert.rejects(runLeaf(reader, contextOf(), WIDE_PLAN), named);
});

test('what this thread cannot decode is said by its reader too', async () => {
  const runLeaf = leafRunner({ pool: new FakePool(1, () => 1), clock, scheduler });
  const named = new AppError('corrupt', 'corrupt-block', 'parts/0/x.part: block at 16');
  const tUs = Float64Array.of(10e6, 11e6);
  const block = new Uint8Array(16);
  const reader = {
    async *selectBlocks() {
      yield { labels: ['__name__', 'm'], chunks: [{ kind: KIND.f64, tUs, block }] };
    },
    select: () => {
      throw named;
    },
  };
  const budget = new CountingBudget();
  await assert.rejects(runLeaf(reader, contextOf(budget), WIDE_PLAN), named);
  assert.equal(budget.heldBytes, 0);
});

test('an aborted leaf ends with the reason, stops its tasks and gives everything back', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const pool = new FakePool(1, () => {
    controller.abort(reason);
    return 2;
  });
  const budget = new CountingBudget();
  const runLeaf = leafRunner({ pool, clock, scheduler, inThreadSamples: 0 });
  const plan = { ...WIDE_PLAN, grouping: undefined };
  await assert.rejects(
    runLeaf(readerOf(large()), contextOf(budget, controller.signal), plan),
    reason,
  );
  assert.equal(budget.heldBytes, 0);
});

test('a principal sees nothing outside its time, whatever the blocks hold', async () => {
  const principal = { ...openPrincipal('default'), minTUs: 10e6, maxTUs: 12e6 };
  const pool = new FakePool(1, () => 0);
  const runLeaf = leafRunner({ pool, clock, scheduler, inThreadSamples: 0 });
  const plan = { ...LARGE_PLAN, kernel: 'count' as const, startUs: 15e6, endUs: 15e6 };
  const { groups } = await runLeaf(readerOf(large()), { ...contextOf(), principal }, plan);
  assert.deepEqual([...groups[0]!.values], [64 * 3]);
});

test('a series that is long to fit goes to a thread at once, others do not', async () => {
  const [one] = large();
  const tasksOf = async (kernel: LeafKernel): Promise<number> => {
    const pool = new FakePool(1, () => 0);
    const runLeaf = leafRunner({ pool, clock, scheduler });
    const times = { startUs: 0, endUs: 4000e6, stepUs: 1e6, windowUs: 2000e6 };
    const plan = { ...planOf(kernel, undefined, ALL_KINDS), ...times, args: [] };
    const { groups } = await runLeaf(readerOf([one!]), contextOf(), plan);
    assert.equal(groups.length, 1);
    return pool.taskCount;
  };
  assert.equal(await tasksOf('deriv'), 1);
  assert.equal(await tasksOf('max'), 0);
});

/** `short` series of a few samples, then one with a sample a second. */
function denseLast(short: number): Series[] {
  const seriesOf = (number: number, count: number): Series => {
    const numbers = Array.from({ length: count }, (_, i) => (i * 7919) % 37);
    return {
      labels: labelsFromObject({ __name__: 'm', id: String(1000 + number) }),
      chunks: [samplesOf({ kind: KIND.f64, numbers, hasStart: false }, 0)],
    };
  };
  return [...Array.from({ length: short }, (_, i) => seriesOf(i, 4)), seriesOf(short, 4000)];
}

test('a chunk goes to a thread by what all its series are, not by the first', async () => {
  const times = { startUs: 0, endUs: 4000e6, stepUs: 1e6, windowUs: 2000e6 };
  for (const sums of [undefined, { mode: 'by', labels: [], aggregation: 'sum' }] as const)
    for (const short of [0, 3, 20]) {
      const data = denseLast(short);
      const plan = { ...planOf('deriv', sums, ALL_KINDS), ...times, args: [] };
      const pool = new FakePool(1, () => 0);
      const runLeaf = leafRunner({ pool, clock: { ...clock, monotonicMs: () => 0 }, scheduler });
      const answer = await runLeaf(readerOf(data), contextOf(), plan);
      const reference = await runLeafInThread(readerOf(data), contextOf(), plan);
      assert.deepEqual(shown(answer), shown(reference));
      assert.equal(pool.taskCount, 1, String(short));
    }
  const few = denseLast(20).slice(0, 20);
  const pool = new FakePool(1, () => 0);
  const runLeaf = leafRunner({ pool, clock: { ...clock, monotonicMs: () => 0 }, scheduler });
  await runLeaf(readerOf(few), contextOf(), {
    ...planOf('deriv', undefined, ALL_KINDS),
    ...times,
    args: [],
  });
  assert.equal(pool.taskCount, 0);
});

test('a thread looks whether its task is stopped between stretches of steps', async () => {
  const parcels: LeafParcel[] = [];
  const looking: WorkerPool<LeafParcel, LeafAnswer> = {
    threadCount: 1,
    run: (parcel) => {
      parcels.push(parcel);
      return Promise.reject(new WorkerLostError());
    },
  };
  const plan = {
    ...planOf('predict_linear', undefined, ALL_KINDS),
    startUs: 0,
    endUs: 4000e6,
    stepUs: 1e6,
    windowUs: 2000e6,
    args: [Float64Array.of(5), Float64Array.of(0)],
  };
  const runLeaf = leafRunner({ pool: looking, clock, scheduler });
  await assert.rejects(runLeaf(readerOf(denseLast(0)), contextOf(), plan));
  const [parcel] = parcels;
  /** Stopped by the clock of its looks: before the third of them. */
  let looks = 0;
  const stop = new Int32Array(1);
  const { load } = Atomics;
  try {
    Atomics.load = ((array: Int32Array, at: number) => {
      if (array === stop && ++looks === 3) stop[0] = 1;
      return load(array, at);
    }) as typeof load;
    new LeafThread().answer({ ...parcel!, stop });
  } finally {
    Atomics.load = load;
  }
  assert.equal(looks, 3);
});
