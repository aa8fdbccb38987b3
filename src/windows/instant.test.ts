// The instant selector and window bounds: lookback, staleness, kinds, which end belongs to a
// window.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import type { LeafKernel, WindowBounds } from '../model/storage.ts';
import { KernelRun } from './kernels.ts';
import { gatherSamples } from './samples.ts';
import { stepGrid } from './sliding.ts';
import { StepColumn } from './step-column.ts';

const NONE = { subNs: undefined, startUs: undefined, position: undefined };

function floats(values: readonly number[], firstUs = 0): Samples {
  const tUs = Float64Array.from(values.keys(), (i) => firstUs + i * 10);
  return { ...NONE, kind: KIND.f64, count: values.length, tUs, values: Float64Array.from(values) };
}

function withStale(chunk: Samples, at: number): Samples {
  assert.equal(chunk.kind, KIND.f64);
  const words = new Uint32Array(chunk.values.buffer);
  words[at * 2] = 2;
  words[at * 2 + 1] = 0x7ff00000;
  return chunk;
}

function run(
  chunks: readonly Samples[],
  kernel: LeafKernel,
  window: { windowUs: number; bounds?: WindowBounds },
): (number | undefined)[] {
  const grid = stepGrid(0, 60, 10);
  const { windowUs, bounds = 'left-open' } = window;
  const one = new KernelRun({ kernel, grid, windowUs, bounds, lookbackUs: 20, args: [] });
  const out = new StepColumn(grid.count);
  one.run(gatherSamples(chunks, one.isInstant), out, () => undefined);
  return Array.from(out.values, (value, k) => (out.present[k] === 1 ? value : undefined));
}

const _ = undefined;

test('the newest sample counts until the lookback ends', () => {
  assert.deepEqual(run([floats([1, 2, 3])], 'last', { windowUs: 0 }), [1, 2, 3, 3, _, _, _]);
  const times = run([floats([1, 2])], 'timestamp', { windowUs: 0 });
  assert.deepEqual(times, [0, 10e-6, 10e-6, _, _, _, _]);
});

test('a staleness marker ends a series; an ordinary NaN does not', () => {
  const stale = (): Samples => withStale(floats([1, 2, 3, 4, 5, 6]), 2);
  assert.deepEqual(run([stale()], 'last', { windowUs: 0 }), [1, 2, _, 4, 5, 6, 6]);
  assert.deepEqual(run([stale()], 'count', { windowUs: 20 }), [1, 2, 1, 1, 2, 2, 1]);
  assert.deepEqual(run([floats([1, Number.NaN])], 'count', { windowUs: 20 }).slice(0, 2), [1, 2]);
});

test('integers and booleans are doubles, strings are nothing', () => {
  const tUs = Float64Array.of(0);
  const chunks: Samples[] = [
    { ...NONE, kind: KIND.i64, count: 1, tUs, values: BigInt64Array.of(-7n) },
    {
      ...NONE,
      kind: KIND.u64,
      count: 1,
      tUs: Float64Array.of(10),
      values: BigUint64Array.of(2n ** 64n - 1n),
    },
    { ...NONE, kind: KIND.boolean, count: 1, tUs: Float64Array.of(20), values: Uint8Array.of(1) },
    { ...NONE, kind: KIND.string, count: 1, tUs: Float64Array.of(30), values: ['text'] },
  ];
  const found = run(chunks, 'last', { windowUs: 0 });
  assert.deepEqual(found, [-7, 2 ** 64, 1, 1, _, _, _]);
});

test('which ends belong to a window', () => {
  const chunk = floats([1, 1, 1, 1, 1, 1, 1]);
  const count = (bounds: WindowBounds): unknown => run([chunk], 'count', { windowUs: 20, bounds });
  assert.deepEqual(count('left-open'), [1, 2, 2, 2, 2, 2, 2]);
  assert.deepEqual(count('closed'), [1, 2, 3, 3, 3, 3, 3]);
  assert.deepEqual(count('right-open'), [2, 2, 2, 2, 2, 2, 1]);
});
