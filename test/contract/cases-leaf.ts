// Leaves: what a storage computes itself equals the plain evaluation, written here as a loop over
// the points of each window.
import assert from 'node:assert/strict';
import { KIND, NUMERIC_KINDS } from '../../src/model/columns.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { LeafPlan, LeafResult, Storage } from '../../src/model/storage.ts';
import { withContext } from './contexts.ts';
import { f64Bits, point, seriesText, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import type { StorageCase } from './storage-case.ts';

const STEP_US = 10_000_000;
const HOSTS = ['a', 'b', 'c'];
const valueAt = (host: number, i: number): number => host * 1000 + i * (host + 1);
const ROWS = HOSTS.flatMap((host, h) =>
  Array.from({ length: 40 }, (_, i) =>
    point({ __name__: 'm', host, dc: h < 2 ? 'x' : 'y' }, i * STEP_US, valueAt(h, i)),
  ),
);

const WIDE = 2n ** 53n;
/** By kind: the value of a series at place i, as it is written. */
const INTEGERS: readonly (readonly [string, (i: number) => Pick<Row, 'kind' | 'value'>])[] = [
  ['i64', (i) => ({ kind: KIND.i64, value: BigInt(i * i) - 700n })],
  ['wide', (i) => ({ kind: KIND.i64, value: (i % 2 ? -1n : 1n) * (WIDE * 3n + BigInt(i)) })],
  ['u64', (i) => ({ kind: KIND.u64, value: 2n ** 64n - 1n - BigInt(i) * 1025n })],
  ['boolean', (i) => ({ kind: KIND.boolean, value: i % 3 === 0 ? 1 : 0 })],
  ['mixed', (i) => (i < 20 ? { kind: KIND.i64, value: BigInt(i) } : doubleRow(i / 2))],
  ['turns', (i) => (i % 2 ? { kind: KIND.i64, value: BigInt(i) } : doubleRow(i / 4))],
];

function doubleRow(value: number): Pick<Row, 'kind' | 'value'> {
  return { kind: KIND.f64, value: f64Bits(value) };
}

function asDouble({ kind, value }: Pick<Row, 'kind' | 'value'>): Pick<Row, 'kind' | 'value'> {
  return kind === KIND.f64 ? { kind, value } : doubleRow(Number(value));
}

/** Each series twice: as what it is under one name, as doubles under another. */
const KINDS_ROWS: readonly Row[] = Array.from({ length: 40 }, (_, i) =>
  INTEGERS.flatMap(([kind, at]) =>
    (['kinds', 'doubles'] as const).map((name) => ({
      series: { __name__: name, kind },
      tUs: i * STEP_US,
      ...(name === 'kinds' ? at(i) : asDouble(at(i))),
    })),
  ),
).flat();

const PLAN: LeafPlan = {
  matchers: [matcher('__name__', '=', 'm')],
  startUs: 5 * STEP_US,
  endUs: 45 * STEP_US,
  stepUs: 3 * STEP_US,
  windowUs: 6 * STEP_US,
  lookbackUs: 5 * STEP_US,
  bounds: 'left-open',
  kernel: 'sum',
  args: [],
  grouping: undefined,
  kinds: NUMERIC_KINDS,
};

/** Values of a host in (t - w, t]. */
function windowOf(host: number, tUs: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < 40; i++)
    if (i * STEP_US > tUs - PLAN.windowUs && i * STEP_US <= tUs) out.push(valueAt(host, i));
  return out;
}

function expected(
  hosts: readonly number[],
  kernel: (window: readonly number[]) => number,
): (number | undefined)[] {
  const steps: (number | undefined)[] = [];
  for (let tUs = PLAN.startUs; tUs <= PLAN.endUs; tUs += PLAN.stepUs) {
    const windows = hosts.map((host) => windowOf(host, tUs)).filter((one) => one.length > 0);
    steps.push(windows.length === 0 ? undefined : windows.map(kernel).reduce((a, b) => a + b));
  }
  return steps;
}

function table(result: LeafResult): Record<string, (number | undefined)[]> {
  return Object.fromEntries(
    result.groups.map(({ labels, present, values }) => [
      seriesText(labels),
      Array.from(values.subarray(0, result.stepCount), (value, k) =>
        present[k] === 1 ? value : undefined,
      ),
    ]),
  );
}

async function checkLeaf(
  s: Storage,
  changes: Partial<LeafPlan>,
  groups: Record<string, (number | undefined)[]>,
): Promise<void> {
  const result = await withContext(s, (c) => s.runLeaf(c, { ...PLAN, ...changes }));
  assert.deepEqual(table(result), groups);
}

const sum = (window: readonly number[]): number => window.reduce((a, b) => a + b);

export const leafCases: readonly StorageCase[] = [
  {
    name: 'windows, grouped and not, equal a plain loop',
    steps: [
      (s) => writeRows(s, ROWS.toReversed().slice(0, 60)),
      (s) => writeRows(s, [...ROWS, point({ __name__: 'other', host: 'a' }, STEP_US, 7)]),
    ],
    check: async (s) => {
      await checkLeaf(
        s,
        {},
        {
          '__name__="m",dc="x",host="a"': expected([0], sum),
          '__name__="m",dc="x",host="b"': expected([1], sum),
          '__name__="m",dc="y",host="c"': expected([2], sum),
        },
      );
      const grouping = { aggregation: 'sum', mode: 'by', labels: ['dc'] } as const;
      await checkLeaf(
        s,
        { kernel: 'count', grouping },
        {
          'dc="x"': expected([0, 1], (window) => window.length),
          'dc="y"': expected([2], (window) => window.length),
        },
      );
      const last = (window: readonly number[]): number => window.at(-1)!;
      const all = { aggregation: 'sum', mode: 'by', labels: [] } as const;
      await checkLeaf(s, { kernel: 'last', grouping: all }, { '': expected([0, 1, 2], last) });
    },
  },
  {
    name: 'integers and booleans are the nearest doubles to every kernel',
    steps: [
      (s) => writeRows(s, KINDS_ROWS.slice(0, 90)),
      (s) => writeRows(s, KINDS_ROWS.slice(90)),
    ],
    check: async (s) => {
      const kernels = ['sum', 'avg', 'max', 'rate', 'last', 'count', 'stddev', 'changes'] as const;
      for (const kernel of kernels)
        for (const stepUs of [STEP_US, PLAN.stepUs, 40 * STEP_US]) {
          const ask = (name: string): Promise<LeafResult> =>
            withContext(s, (c) =>
              s.runLeaf(c, { ...PLAN, stepUs, kernel, matchers: [matcher('__name__', '=', name)] }),
            );
          const [found, wanted] = [await ask('kinds'), await ask('doubles')];
          const values = ({ groups }: LeafResult): unknown =>
            groups.map(({ labels, present, values: all }) => [
              labels.at(-1),
              [...present],
              [...all],
            ]);
          assert.deepEqual(values(found), values(wanted), `${kernel} by ${stepUs}`);
          assert.equal(found.samplesRead, wanted.samplesRead);
        }
    },
  },
];
