// Kernels over random series and grids against the plain definition: every window cut out and
// computed anew. Windows overlap heavily, so that the incremental paths are taken.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { LeafKernel, WindowBounds } from '../model/storage.ts';
import { KernelRun } from './kernels.ts';
import { IN_ORDER_WINDOWS_MAX } from './limits.ts';
import { NO_SAMPLES } from './samples.ts';
import type { SeriesSamples } from './samples.ts';
import { StepColumn } from './step-column.ts';

interface Scene {
  readonly values: readonly number[];
  readonly gaps: readonly number[];
  readonly windowUs: number;
  readonly stepUs: number;
  readonly bounds: WindowBounds;
  readonly arg: number;
}

const ordinary = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const counterLike = fc.integer({ min: 0, max: 50 });
const special = fc.constantFrom(Number.NaN, Infinity, -Infinity, 1e308, -1e308, 0, -0);

function scene(value: fc.Arbitrary<number>): fc.Arbitrary<Scene> {
  return fc
    .tuple(
      fc.array(fc.tuple(value, fc.integer({ min: 1, max: 20 })), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom<WindowBounds>('left-open', 'closed', 'right-open'),
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([samples, windowUs, stepUs, bounds, arg]) => ({
      values: samples.map(([sample]) => sample),
      gaps: samples.map(([, gap]) => gap),
      windowUs: windowUs * 1e6,
      stepUs: stepUs * 1e6,
      bounds,
      arg,
    }));
}

function samplesOf({ values, gaps }: Scene): SeriesSamples {
  let tUs = 0;
  const times = gaps.map((gap) => (tUs += gap * 1e6));
  const count = values.length;
  return {
    ...NO_SAMPLES,
    count,
    tUs: Float64Array.from(times),
    values: Float64Array.from(values),
  };
}

type Plain = (values: readonly number[], times: readonly number[]) => number | undefined;

function run(kernel: LeafKernel, one: Scene, samples: SeriesSamples): StepColumn {
  const endUs = samples.tUs.at(-1)! + one.windowUs;
  const count = Math.floor(endUs / one.stepUs) + 1;
  const grid = { startUs: 0, stepUs: one.stepUs, count };
  const out = new StepColumn(count);
  const { windowUs, bounds } = one;
  const args = [Float64Array.of(one.arg)];
  new KernelRun({ kernel, grid, windowUs, lookbackUs: 3e8, bounds, args }).run(
    samples,
    out,
    () => undefined,
  );
  return out;
}

function inWindow(one: Scene, tUs: number, stepUs: number): boolean {
  if (one.bounds === 'right-open') return tUs >= stepUs && tUs < stepUs + one.windowUs;
  const fromUs = stepUs - one.windowUs;
  return tUs <= stepUs && (tUs > fromUs || (one.bounds === 'closed' && tUs === fromUs));
}

function checkKernel(kernel: LeafKernel, one: Scene, plain: Plain, isExact = false): void {
  const samples = samplesOf(one);
  const out = run(kernel, one, samples);
  const scale = Math.max(1, ...one.values.filter(Number.isFinite).map(Math.abs));
  for (let k = 0; k < out.count; k++) {
    const stepUs = k * one.stepUs;
    const picked = Array.from(samples.tUs.keys()).filter((i) =>
      inWindow(one, samples.tUs[i]!, stepUs),
    );
    const expected =
      picked.length === 0
        ? undefined
        : plain(
            picked.map((i) => samples.values[i]!),
            picked.map((i) => samples.tUs[i]!),
          );
    const given = out.present[k] === 0 ? undefined : out.values[k]!;
    const isClose =
      Object.is(given, expected) ||
      (!isExact &&
        given !== undefined &&
        expected !== undefined &&
        Math.abs(given - expected) <= 1e-9 * scale * Math.max(1, Math.abs(expected)));
    assert.ok(isClose, `${kernel} at step ${k}: ${given}, plainly ${expected}`);
  }
}

function add(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function pick(values: readonly number[], isBetter: (a: number, b: number) => boolean): number {
  return values.reduce((best, value) =>
    Number.isNaN(best) || isBetter(value, best) ? value : best,
  );
}

function nanFirst(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  return Number.isNaN(b) ? 1 : a < b ? -1 : a > b ? 1 : 0;
}

function quantile(q: number, values: readonly number[]): number {
  const sorted = values.toSorted(nanFirst);
  const rank = q * (sorted.length - 1);
  const low = Math.floor(rank);
  const high = Math.min(sorted.length - 1, low + 1);
  const weight = rank - low;
  return sorted[low]! * (1 - weight) + sorted[high]! * weight;
}

function variance(values: readonly number[]): number {
  const mean = add(values) / values.length;
  return add(values.map((value) => (value - mean) ** 2)) / values.length;
}

function events(values: readonly number[], isEvent: (a: number, b: number) => boolean): number {
  return values.filter((value, i) => i > 0 && isEvent(value, values[i - 1]!)).length;
}

const differs = (a: number, b: number): boolean => a !== b && !(Number.isNaN(a) && Number.isNaN(b));

/** Kernels that say the same over any doubles, NaN and infinities included. */
const ANY: readonly (readonly [LeafKernel, Plain])[] = [
  ['min', (values) => pick(values, (a, b) => a < b)],
  ['max', (values) => pick(values, (a, b) => a > b)],
  ['count', (values) => values.length],
  ['present', () => 1],
  ['first', (values) => values[0]],
  ['last', (values) => values.at(-1)],
  ['ts_of_first', (_, times) => times[0]! / 1e6],
  ['ts_of_last', (_, times) => times.at(-1)! / 1e6],
  [
    'ts_of_max',
    (values, times) => times[values.lastIndexOf(pick(values, (a, b) => a >= b))]! / 1e6,
  ],
  ['changes', (values) => events(values, differs)],
  ['resets', (values) => events(values, (a, b) => a < b)],
];

const FINITE: readonly (readonly [LeafKernel, Plain])[] = [
  ['sum', add],
  ['avg', (values) => add(values) / values.length],
  ['stdvar', variance],
  ['stddev', (values) => Math.sqrt(variance(values))],
];

/** A number and what its additions lost, after Kahan and Neumaier. */
type Pair = readonly [sum: number, lost: number];

function plus([sum, lost]: Pair, value: number): Pair {
  const total = sum + value;
  const more = Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum;
  return [total, lost + more];
}

function inOrderSum(values: readonly number[]): Pair {
  return values.reduce<Pair>(plus, [0, 0]);
}

/** As Prometheus' varianceOverTime goes. */
function inOrderVariance(values: readonly number[]): number {
  let mean: Pair = [0, 0];
  let squares: Pair = [0, 0];
  for (const [i, value] of values.entries()) {
    const delta = value - (mean[0] + mean[1]);
    mean = plus(mean, delta / (i + 1));
    squares = plus(squares, delta * (value - (mean[0] + mean[1])));
  }
  return (squares[0] + squares[1]) / values.length;
}

const IN_ORDER: readonly (readonly [LeafKernel, Plain])[] = [
  ['sum', (values) => inOrderSum(values).reduce((sum, lost) => sum + lost)],
  [
    'avg',
    (values) =>
      inOrderSum(values)
        .map((part) => part / values.length)
        .reduce((sum, lost) => sum + lost),
  ],
  ['stdvar', inOrderVariance],
  ['stddev', (values) => Math.sqrt(inOrderVariance(values))],
];

const RUNS = { numRuns: 60 };

describe('kernels against plain windows', () => {
  for (const [kernel, plain] of ANY) {
    const value = kernel === 'ts_of_max' ? ordinary : fc.oneof(ordinary, special);
    test(kernel, () => {
      fc.assert(
        fc.property(scene(value), (one) => checkKernel(kernel, one, plain, true)),
        RUNS,
      );
    });
  }
  for (const [kernel, plain] of FINITE)
    test(kernel, () => {
      fc.assert(
        fc.property(scene(ordinary), (one) => checkKernel(kernel, one, plain)),
        RUNS,
      );
    });
  test('quantile', () => {
    const value = fc.oneof(ordinary, fc.constant(Number.NaN));
    fc.assert(
      fc.property(scene(value), (one) =>
        checkKernel('quantile', one, (values) => quantile(one.arg, values)),
      ),
      RUNS,
    );
  });
  test('mad', () => {
    const value = fc.oneof(ordinary, fc.constantFrom(Number.NaN, Infinity, -Infinity, 1, 2, 2));
    const plain = (values: readonly number[]): number => {
      if (values.some((one) => Number.isNaN(one))) return Number.NaN;
      const median = quantile(0.5, values);
      return quantile(
        0.5,
        values.map((one) => Math.abs(one - median)),
      );
    };
    fc.assert(
      fc.property(scene(value), (one) => checkKernel('mad', one, plain, true)),
      RUNS,
    );
  });
  test('sums of what is not finite', () => {
    const value = fc.constantFrom(1, Number.NaN, Infinity, -Infinity);
    fc.assert(
      fc.property(scene(value), (one) => checkKernel('sum', one, add)),
      RUNS,
    );
  });
  test('windows of some overlap are added up in order, to the bit', () => {
    fc.assert(
      fc.property(scene(fc.oneof(ordinary, counterLike)), (one) => {
        const wide = { ...one, stepUs: Math.max(one.stepUs, one.windowUs / IN_ORDER_WINDOWS_MAX) };
        for (const [kernel, inOrder] of IN_ORDER) checkKernel(kernel, wide, inOrder, true);
      }),
      RUNS,
    );
  });
  test('an average whose sum overflows', () => {
    const values = Array.from({ length: 100 }, (_, i) => (i % 10 === 0 ? 1e308 : 1.7e308));
    const gaps = values.map(() => 1);
    const common = { values, gaps, windowUs: 30e6, stepUs: 1e6, arg: 0 };
    const one: Scene = { ...common, bounds: 'left-open' };
    const out = run('avg', one, samplesOf(one));
    assert.ok(out.values.subarray(1, 100).every((value) => value > 0.9e308 && value < Infinity));
  });
});

/** Growth of a counter over samples, resets counted. */
function growth(values: readonly number[]): number {
  let total = 0;
  for (let i = 1; i < values.length; i++)
    total += values[i]! < values[i - 1]! ? values[i]! : values[i]! - values[i - 1]!;
  return total;
}

test('rate extrapolates the growth of every window', () => {
  fc.assert(
    fc.property(scene(counterLike), (one) => {
      const leftOpen: Scene = { ...one, bounds: 'left-open' };
      const samples = samplesOf(leftOpen);
      const increase = run('increase', leftOpen, samples);
      const rate = run('rate', leftOpen, samples);
      for (let k = 0; k < increase.count; k++) {
        const stepUs = k * one.stepUs;
        const values = Array.from(samples.values).filter((_, i) =>
          inWindow(leftOpen, samples.tUs[i]!, stepUs),
        );
        assert.equal(increase.present[k], values.length >= 2 ? 1 : 0);
        if (increase.present[k] === 0) continue;
        const plain = growth(values);
        const given = increase.values[k]!;
        assert.ok(given >= plain * (1 - 1e-12), `increase ${given} of at least ${plain}`);
        assert.equal(given === 0, plain === 0);
        const seconds = one.windowUs / 1e6;
        assert.ok(Math.abs(rate.values[k]! * seconds - given) <= 1e-9 * (1 + given));
      }
    }),
    RUNS,
  );
});
