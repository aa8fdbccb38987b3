// The compiled kernel and the TypeScript beside it give the same bits, for series that have times
// of their own and for those that share them, plain and not so plain.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import * as fc from 'fast-check';
import type { LeafAggregation, LeafKernel, ReadContext, WindowBounds } from '../model/storage.ts';
import { KernelRun } from './kernels.ts';
import { GroupSink } from './leaf-sink.ts';
import { NO_SAMPLES } from './samples.ts';
import { StepColumn } from './step-column.ts';
import {
  extremesByKernel,
  growthsByKernel,
  inOrderByKernel,
  leaseStates,
  useWindowKernel,
} from './window-kernel.ts';
import { Windows, windowShape } from './sliding.ts';

const wasm = readFileSync(new URL('../../dist/wasm/windows.wasm', import.meta.url));
const useKernel = (): void => useWindowKernel(() => new WebAssembly.Module(wasm));

afterEach(() => useWindowKernel(undefined));

const KERNELS = [
  ...(['rate', 'increase', 'delta', 'min', 'max', 'sum', 'avg', 'stdvar', 'stddev'] as const),
];
const value = fc.oneof(
  { weight: 20, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
  { weight: 20, arbitrary: fc.integer({ min: -3, max: 9 }).map((n) => n + 0) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, -0, Infinity, -Infinity, 1e308) },
);
const rising = fc
  .array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 120 })
  .map((steps) =>
    steps.map(
      (
        (sum) => (step: number) =>
          (sum += step)
      )(0),
    ),
  );

interface Scene {
  readonly series: readonly (readonly number[])[];
  readonly gaps: readonly number[];
  readonly windowUs: number;
  readonly stepUs: number;
  readonly bounds: WindowBounds;
  readonly steps: number;
  readonly hasFixedTimes: boolean;
}

const scene: fc.Arbitrary<Scene> = fc.record({
  series: fc.array(fc.oneof(fc.array(value, { minLength: 1, maxLength: 120 }), rising), {
    minLength: 1,
    maxLength: 3,
  }),
  gaps: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 9 }),
  windowUs: fc.integer({ min: 1, max: 400 }).map((n) => n * 1e6),
  stepUs: fc.integer({ min: 1, max: 40 }).map((n) => n * 1e6),
  bounds: fc.constantFrom<WindowBounds>('left-open', 'closed', 'right-open'),
  steps: fc.integer({ min: 1, max: 90 }),
  hasFixedTimes: fc.boolean(),
});

function columns(kernel: LeafKernel, one: Scene): string[] {
  const grid = { startUs: 5e6, stepUs: one.stepUs, count: one.steps };
  const { windowUs, bounds, gaps, hasFixedTimes } = one;
  const run = new KernelRun({ kernel, grid, windowUs, lookbackUs: 0, bounds, args: [] });
  const most = Math.max(...one.series.map((values) => values.length));
  const times = new Float64Array(most);
  for (let i = 1; i < most; i++) times[i] = times[i - 1]! + gaps[i % gaps.length]! * 1e6;
  return one.series.map((values) => {
    const count = values.length;
    const tUs = hasFixedTimes ? times : times.slice();
    const out = new StepColumn(one.steps);
    const samples = { ...NO_SAMPLES, count, tUs, values: Float64Array.from(values), hasFixedTimes };
    run.run(samples, out, () => undefined);
    for (let k = 0; k < out.count; k++) {
      if (out.present[k] === 0) out.values[k] = 0;
      // Which of the many it is does not matter.
      if (Number.isNaN(out.values[k])) out.values[k] = Number.NaN;
    }
    return Buffer.concat([out.present, new Uint8Array(out.values.buffer)]).toString('hex');
  });
}

test('the same bits with the kernel and without', () => {
  fc.assert(
    fc.property(scene, (one) => {
      for (const kernel of KERNELS) {
        useKernel();
        const found = columns(kernel, one);
        useWindowKernel(undefined);
        assert.deepEqual(found, columns(kernel, one));
      }
    }),
    { numRuns: 300 },
  );
});

test('the kernel itself takes plain series, and no others', () => {
  useKernel();
  const windows = new Windows({ startUs: 0, stepUs: 10, count: 40 }, windowShape('left-open', 50));
  const count = 100;
  const tUs = Float64Array.from({ length: count }, (_, i) => i * 4);
  windows.walk(tUs, count);
  const seriesOf = (values: Float64Array) => ({ ...NO_SAMPLES, count, tUs, values });
  const out = new StepColumn(40);
  const plain = seriesOf(Float64Array.from(tUs, (t) => t / 3));
  const odd = seriesOf(Float64Array.from(tUs, (t) => (t === 40 ? Number.NaN : t)));
  const falling = seriesOf(Float64Array.from(tUs, (t) => -t));
  const counter = { isCounter: true, isPerSecond: true };
  assert.equal(extremesByKernel(plain, windows, out, true), true);
  assert.equal(extremesByKernel(odd, windows, out, true), false);
  assert.equal(growthsByKernel(plain, windows, out, counter), true);
  assert.equal(growthsByKernel(falling, windows, out, counter), false);
  assert.equal(growthsByKernel(falling, windows, out, { ...counter, isCounter: false }), true);
  const huge = seriesOf(Float64Array.from(tUs, (t) => (t === 396 ? -1e160 : t)));
  for (const wanted of ['sum', 'avg', 'stdvar', 'stddev'] as const) {
    assert.equal(inOrderByKernel(plain, windows, out, wanted), true);
    assert.equal(inOrderByKernel(odd, windows, out, wanted), false);
    assert.equal(inOrderByKernel(huge, windows, out, wanted), false);
  }
});

const AGGREGATIONS = ['sum', 'min', 'max', 'avg', 'count', 'stddev'] as const;

/** Groups of series as a sink adds them up, chunk by chunk; bits by group. */
async function aggregated(
  aggregation: LeafAggregation,
  series: readonly { readonly group: number; readonly slots: readonly (number | undefined)[] }[],
  hasLease: boolean,
): Promise<unknown> {
  const { length } = series[0]!.slots;
  const context = { budget: { take: () => undefined, give: () => undefined } };
  const grouping = { aggregation, mode: 'by' as const, labels: ['g'] };
  const sink = new GroupSink(grouping, length, context as unknown as ReadContext);
  const lease = hasLease ? leaseStates(length) : undefined;
  assert.equal(lease !== undefined, hasLease);
  if (lease !== undefined) sink.use(lease);
  const column = lease?.column(length) ?? new StepColumn(length);
  for (const { group, slots } of series) {
    for (const [k, one] of slots.entries()) if (one !== undefined) column.setFloat(k, one);
    sink.addTo(sink.groupOf(['g', String(group)]), column);
    column.reset();
  }
  const groups = await sink.finish({ pause: () => undefined });
  const found = groups.map(({ labels, present, values }) => ({
    labels,
    slots: Array.from(present, (one, k) => (one === 1 ? shownBits(values[k]!) : undefined)),
  }));
  lease?.end();
  return { found, notes: sink.notes.all() };
}

function shownBits(one: number): string {
  return Number.isNaN(one) ? 'NaN' : Buffer.from(Float64Array.of(one).buffer).toString('hex');
}

test('groups in the memory of the kernel have the same bits', async () => {
  useKernel();
  const slots = fc.integer({ min: 8, max: 21 }).chain((length) =>
    fc.array(
      fc.record({
        group: fc.nat(3),
        slots: fc.array(
          fc.option(fc.oneof(value, fc.constantFrom(1e16, -1e16, 1, 1e-3)), { nil: undefined }),
          { minLength: length, maxLength: length },
        ),
      }),
      { minLength: 1, maxLength: 60 },
    ),
  );
  await fc.assert(
    fc.asyncProperty(slots, fc.constantFrom(...AGGREGATIONS), async (series, aggregation) => {
      const found = await aggregated(aggregation, series, true);
      assert.deepEqual(found, await aggregated(aggregation, series, false));
    }),
    { numRuns: 500 },
  );
});

test('one leaf at a time has the states, and no more than there are', () => {
  useKernel();
  const lease = leaseStates(100)!;
  assert.equal(leaseStates(100), undefined);
  let taken = 0;
  while (lease.take(64 * 1024) !== undefined) taken++;
  assert.equal(taken, 128);
  lease.end();
  const next = leaseStates(100)!;
  assert.ok(
    new Uint8Array(next.take(1024)!.buffer, next.take(1024)!.start, 1024).every((b) => b === 0),
  );
  next.end();
});
