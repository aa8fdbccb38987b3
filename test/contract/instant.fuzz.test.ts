// Leaves for one instant, which the engine answers without making columns, and leaves over a range,
// for which it keeps decoded columns, against the reference over `select`: the same bits,
// annotations and series read, whatever is written out of order, rewritten, stale, deleted, pinned,
// in parts and in the head, and whoever asks.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { ALL_KINDS, KIND, NUMERIC_KINDS } from '../../src/model/columns.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { compareUtf8, labelValue } from '../../src/model/labels.ts';
import type { Labels } from '../../src/model/labels.ts';
import { matcher } from '../../src/model/matcher.ts';
import { pagesLabels } from '../../src/model/series-page.ts';
import type { LeafPlan, LeafResult, ReadContext, Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import type { Principal } from '../../src/model/tenant.ts';
import { runLeafInThread } from '../../src/windows/leaf.ts';
import { useWindowKernel } from '../../src/windows/window-kernel.ts';
import { appendOptions, unlimitedBudget } from './contexts.ts';
import { f64Bits, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const RUNS = 100;
const wasm = readFileSync(new URL('../../dist/wasm/windows.wasm', import.meta.url));

before(() => useWindowKernel(() => new WebAssembly.Module(wasm)));
after(() => useWindowKernel(undefined));
const STALE = 0x7ff0000000000002n;
const US = 1_000_000;

function histogramOf(n: number): Histogram {
  return {
    isInteger: true,
    schema: n % 3 === 0 ? 1 : 0,
    zeroThreshold: 0.001,
    zeroCount: n,
    count: n * 3,
    sum: n === 7 ? Number.NaN : n / 3,
    counterResetHint: 0,
    positiveSpans: [{ offset: 0, length: 2 }],
    positiveBuckets: Float64Array.of(n, n),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
  };
}

const double = fc
  .oneof(
    fc.double(),
    fc.integer({ min: -9, max: 9 }),
    fc.constantFrom(0.1, -0, Number.NaN, Number.POSITIVE_INFINITY, 1.7e308),
  )
  .map((value) => ({ kind: KIND.f64, value: f64Bits(value) }));

const value = fc.oneof(
  { weight: 30, arbitrary: double },
  { weight: 4, arbitrary: fc.constant({ kind: KIND.f64, value: STALE }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(KIND.i64, KIND.u64),
      value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 1).map((bit) => ({ kind: KIND.boolean, value: bit })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: KIND.string, value: 'text' }) },
  { weight: 1, arbitrary: fc.nat(8).map((n) => ({ kind: KIND.histogram, value: histogramOf(n) })) },
);

/** Series of two names; some have no group, and some share all but one label. */
function seriesOf(i: number): Record<string, string> {
  const labels: Record<string, string> = { __name__: i % 5 === 4 ? 'other' : 'm', i: String(i) };
  if (i % 4 !== 0) labels['g'] = String(i % 3);
  return labels;
}

const row: fc.Arbitrary<Row> = fc
  .record({
    i: fc.oneof(fc.nat(2), fc.nat(39)),
    tUs: fc.oneof(
      fc.nat(3).map((n) => n * US),
      fc.nat(20).map((n) => n * US),
      fc.nat(20).map((n) => n * US + 1),
    ),
    value,
    subNs: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2) }),
  })
  .map(({ i, tUs, value: v, subNs }) => ({ series: seriesOf(i), tUs, subNs, ...v }));

/** A sample of every series at once, as a scrape brings them. */
const scrape: fc.Arbitrary<readonly Row[]> = fc
  .record({
    t: fc.nat(20),
    from: fc.nat(20),
    values: fc.array(value, { minLength: 3, maxLength: 5 }),
  })
  .map(({ t, from, values }) =>
    Array.from({ length: 20 }, (_, k) => ({
      series: seriesOf(from + k),
      tUs: t * US,
      ...values[k % values.length]!,
    })),
  );

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      rows: fc.oneof(fc.array(row, { maxLength: 30 }), scrape),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      pattern: fc.constantFrom('', '1', '1|2', '.*'),
      startUs: fc.integer({ min: 0, max: 20 }),
      seconds: fc.nat(6),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pin' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const plan: fc.Arbitrary<LeafPlan> = fc
  .record({
    t: fc.integer({ min: 0, max: 24 }),
    lookback: fc.constantFrom(1, 3, 10, 30),
    kernel: fc.constantFrom('last' as const, 'last' as const, 'timestamp' as const),
    grouping: fc.option(
      fc.record({
        aggregation: fc.constantFrom(
          ...(['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'] as const),
        ),
        mode: fc.constantFrom('by' as const, 'without' as const),
        labels: fc.constantFrom([], ['g'], ['i'], ['g', '__name__'], ['i', 'g', 'none']),
      }),
      { nil: undefined, freq: 6 },
    ),
    kinds: fc.constantFrom(
      ALL_KINDS,
      0b000001,
      NUMERIC_KINDS,
      NUMERIC_KINDS | (1 << KIND.histogram),
    ),
    matchers: fc.constantFrom(
      [],
      [matcher('__name__', '=', 'm')],
      [matcher('__name__', '=', 'm'), matcher('i', '=~', '1.*')],
      [matcher('g', '=', '')],
      [matcher('g', '!=', '1'), matcher('none', '=~', '.*')],
      [matcher('none', '=', 'x')],
    ),
  })
  .map(({ t, lookback, ...rest }) => ({
    ...rest,
    startUs: t * US,
    endUs: t * US,
    stepUs: 0,
    windowUs: 0,
    lookbackUs: lookback * US,
    bounds: 'left-open' as const,
    args: [],
  }));

/** The same over many steps: windows that overlap, that leave gaps, and the lookback. */
const rangePlan: fc.Arbitrary<LeafPlan> = fc
  .record({
    base: plan,
    kernel: fc.constantFrom(
      ...(['last', 'rate', 'increase', 'delta', 'irate', 'max', 'min', 'sum', 'avg'] as const),
      ...(['quantile', 'count', 'changes', 'ts_of_max', 'stddev', 'timestamp'] as const),
    ),
    seconds: fc.constantFrom(1, 2, 7, 30),
    windowSec: fc.constantFrom(1, 4, 9, 25),
    stepUs: fc.constantFrom(US / 4, US, 2 * US, 5 * US),
    bounds: fc.constantFrom('left-open' as const, 'closed' as const, 'right-open' as const),
  })
  .map(({ base, kernel, seconds, windowSec, stepUs, bounds }) => ({
    ...base,
    kernel,
    endUs: base.startUs + seconds * US,
    stepUs,
    windowUs: kernel === 'last' || kernel === 'timestamp' ? 0 : windowSec * US,
    bounds,
    args: [Float64Array.of(0.3)],
  }));

const principal: fc.Arbitrary<Principal> = fc.constantFrom(
  openPrincipal('default'),
  openPrincipal('default'),
  { ...openPrincipal('default'), forcedMatchers: [matcher('g', '=~', '1|2')] },
  { ...openPrincipal('default'), minTUs: 5 * US, maxTUs: 9 * US },
  openPrincipal('nobody'),
);

/** As bits; which of the many NaN a computation gives does not matter. */
function shownFloat(one: number): bigint | string {
  return Number.isNaN(one) ? 'NaN' : f64Bits(one);
}

/** Everything that must agree, doubles as bits. */
function shown({ groups, annotations, seriesRead, stepCount }: LeafResult): unknown {
  return {
    stepCount,
    seriesRead,
    annotations,
    groups: groups.map(({ labels, present, values, histograms }) => ({
      labels,
      slots: Array.from(present, (one, k) =>
        one === 1 ? shownFloat(values[k]!) : histograms?.[k],
      ),
    })),
  };
}

async function apply(storage: Storage, one: Operation): Promise<void> {
  if (one.kind === 'write') await writeRows(storage, one.rows);
  else if (one.kind === 'delete')
    await storage.delete(
      {
        matchers: [matcher('i', '=~', one.pattern)],
        startUs: one.startUs * US,
        endUs: (one.startUs + one.seconds) * US,
        dryRun: false,
      },
      appendOptions(),
    );
  else if (one.kind === 'flush') await storage.flush();
  else if (one.kind === 'compact') await storage.compact();
}

async function checkLeaf(storage: Storage, context: ReadContext, leaf: LeafPlan): Promise<void> {
  const found = await storage.runLeaf(context, leaf);
  const expected = await runLeafInThread(storage, context, leaf);
  assert.deepEqual(shown(found), shown(expected));
}

/** All of the range that the leaf looks at. */
async function checkSeries(storage: Storage, context: ReadContext, leaf: LeafPlan): Promise<void> {
  const { matchers, endUs } = leaf;
  const asked = { matchers, startUs: leaf.startUs - leaf.lookbackUs, endUs, kinds: ALL_KINDS };
  const expected: Labels[] = [];
  for await (const { labels } of storage.select(context, asked)) expected.push(labels);
  for (const limit of [0, 3]) {
    const found = await pagesLabels(storage.seriesPages(context, { ...asked, limit }));
    assert.deepEqual(found, limit === 0 ? expected : expected.slice(0, limit));
  }
  for (const label of ['i', 'g']) {
    const values = valuesOf(expected, label);
    for (const limit of [0, 2]) {
      const found = await storage.labelValues(context, label, { ...asked, limit });
      assert.deepEqual(found, limit === 0 ? values : values.slice(0, limit));
    }
  }
}

function valuesOf(series: readonly Labels[], label: string): readonly string[] {
  const values = new Set(series.map((labels) => labelValue(labels, label)));
  values.delete('');
  return [...values].toSorted(compareUtf8);
}

for (const [what, leaf, shardCount] of [
  ['an instant', plan, 1],
  ['an instant', plan, 3],
  ['a range', rangePlan, 1],
  ['a range', rangePlan, 3],
] as const)
  test(`${shardCount} shards: ${what} has the bits of the reference`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 1, maxLength: 12 }),
        fc.array(fc.tuple(leaf, principal), { minLength: 1, maxLength: 8 }),
        async (operations, leaves) => {
          const { storage } = await new TsdbUnderTest({}, shardCount).open();
          const { signal } = new AbortController();
          let pin = storage.pin();
          for (const one of operations) {
            if (one.kind === 'pin') {
              pin.release();
              pin = storage.pin();
            } else await apply(storage, one);
          }
          for (const [one, who] of leaves)
            for (const at of [pin, storage.pin()]) {
              const context = { principal: who, pin: at, signal, budget: unlimitedBudget };
              await checkLeaf(storage, context, one);
              await checkSeries(storage, context, one);
              if (at !== pin) at.release();
            }
          pin.release();
          await storage.close();
        },
      ),
      { numRuns: RUNS },
    );
  });

const timesOf = (t: number): Pick<LeafPlan, 'startUs' | 'endUs'> => ({
  startUs: t * US,
  endUs: t * US,
});

const AT: LeafPlan = {
  matchers: [],
  ...timesOf(5),
  stepUs: 0,
  windowUs: 0,
  lookbackUs: 10 * US,
  bounds: 'left-open',
  kernel: 'last',
  args: [],
  grouping: undefined,
  kinds: NUMERIC_KINDS,
};

test('of samples of one microsecond the nanoseconds decide, wherever they lie', async () => {
  const leaf = { ...AT, grouping: { aggregation: 'sum', mode: 'by', labels: [] } } as const;
  for (let rewrites = 0; rewrites < 9; rewrites++) {
    const { storage } = await new TsdbUnderTest().open();
    const at = { series: { __name__: 'm' }, tUs: 5 * US, kind: KIND.f64 };
    await writeRows(storage, [{ ...at, subNs: 1, value: f64Bits(1) }]);
    for (let i = 0; i < rewrites; i++) await writeRows(storage, [{ ...at, value: f64Bits(2) }]);
    const context = { principal: openPrincipal('default'), budget: unlimitedBudget };
    const { signal } = new AbortController();
    await checkLeaf(storage, { ...context, pin: storage.pin(), signal }, leaf);
  }
});

test('many series, in batches, in a part, in the head and in both, old and new', async () => {
  const { storage } = await new TsdbUnderTest().open();
  const write = (from: number, to: number, tUs: number): Promise<unknown> =>
    writeRows(
      storage,
      Array.from({ length: to - from }, (_, k) => {
        const n = (from + k) * 0.1;
        const isStale = (from + k) % 7 === 0 && tUs > 3 * US;
        const bits = isStale ? STALE : f64Bits(n);
        return { series: seriesOf(from + k), tUs, kind: KIND.f64, value: bits };
      }),
    );
  const check = async (): Promise<void> => {
    const context = { principal: openPrincipal('default'), budget: unlimitedBudget };
    const pin = storage.pin();
    for (const aggregation of ['count', 'sum', undefined] as const)
      for (const t of aggregation === undefined ? [9] : [5, 9]) {
        const grouping = aggregation && { aggregation, mode: 'by' as const, labels: ['g'] };
        const { signal } = new AbortController();
        await checkLeaf(storage, { ...context, pin, signal }, { ...AT, ...timesOf(t), grouping });
      }
    pin.release();
  };
  await write(0, 400, 2 * US);
  await check();
  await storage.flush();
  await check();
  await write(100, 300, 5 * US);
  await check();
  // Few that are new to the part, then so many that it is looked through again.
  await write(380, 420, 6 * US);
  await check();
  await write(390, 700, 6 * US);
  await check();
  await storage.flush();
  await check();
  await write(0, 700, 8 * US);
  await check();
  await storage.compact();
  await check();
  await storage.close();
});
