// Grouped leaves: the same bits however the chunks of series are shared out, and the plain
// aggregate up to rounding.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import { labelsFromObject } from '../model/labels.ts';
import type { LeafAggregation, LeafPlan, ReadContext, SelectedSeries } from '../model/storage.ts';
import { openPrincipal } from '../model/tenant.ts';
import { addColumn, finishGroup, mergeGroupSlots, newGroupSlots, UNSURE_SUM } from './groups.ts';
import type { GroupSlots } from './groups.ts';
import { runLeafInThread } from './leaf.ts';
import { LEAF_CHUNK_SERIES } from './limits.ts';
import { StepColumn } from './step-column.ts';

const STEPS = 3;

const context: ReadContext = {
  principal: openPrincipal('default'),
  pin: { release: () => undefined },
  signal: new AbortController().signal,
  budget: { take: () => undefined, give: () => undefined },
};

function samplesOf(values: readonly number[]): Samples {
  return {
    kind: KIND.f64,
    count: values.length,
    tUs: Float64Array.from(values.keys(), (i) => i * 1e6),
    values: Float64Array.from(values),
    subNs: undefined,
    startUs: undefined,
    position: undefined,
  };
}

function readerOf(series: readonly (readonly number[])[]): {
  select: () => AsyncIterable<SelectedSeries>;
} {
  async function* select(): AsyncGenerator<SelectedSeries> {
    for (const [i, values] of series.entries()) {
      const labels = labelsFromObject({ __name__: 'm', id: String(1000 + i), g: String(i % 3) });
      yield await Promise.resolve({ labels, chunks: [samplesOf(values)] });
    }
  }
  return { select };
}

function planOf(aggregation: LeafAggregation): LeafPlan {
  return {
    matchers: [],
    startUs: 0,
    endUs: (STEPS - 1) * 1e6,
    stepUs: 1e6,
    windowUs: 0,
    lookbackUs: 1e6,
    bounds: 'left-open',
    kernel: 'last',
    args: [],
    grouping: { aggregation, mode: 'by', labels: ['g'] },
    kinds: 1 << KIND.f64,
  };
}

function note(_level: string, code: string): void {
  assert.equal(code, UNSURE_SUM, 'floats only');
}

/** One group's result from chunks computed apart, in the given order, merged in chunk order. */
function sharedOut(
  aggregation: LeafAggregation,
  series: readonly (readonly number[])[],
  group: number,
  order: (chunks: number[]) => number[],
): StepColumn {
  const chunkCount = Math.ceil(series.length / LEAF_CHUNK_SERIES);
  const partial = new Map<number, GroupSlots>();
  for (const chunk of order(Array.from({ length: chunkCount }, (_, i) => i))) {
    const from = chunk * LEAF_CHUNK_SERIES;
    for (const [i, values] of series.slice(from, from + LEAF_CHUNK_SERIES).entries()) {
      if ((from + i) % 3 !== group) continue;
      const slots = partial.get(chunk) ?? newGroupSlots(aggregation, STEPS);
      partial.set(chunk, slots);
      const column = new StepColumn(STEPS);
      for (const [k, value] of values.entries()) column.setFloat(k, value);
      addColumn(slots, column, note);
    }
  }
  let total: GroupSlots | undefined;
  for (let chunk = 0; chunk < chunkCount; chunk++) {
    const slots = partial.get(chunk);
    if (slots === undefined) continue;
    if (total === undefined) total = slots;
    else mergeGroupSlots(total, slots);
  }
  const out = new StepColumn(STEPS);
  finishGroup(total!, out, note);
  return out;
}

const series = fc.array(
  fc.array(fc.double({ noNaN: true }), { minLength: STEPS, maxLength: STEPS }),
  { minLength: 1, maxLength: 80 },
);

const AGGREGATIONS = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'] as const;

for (const aggregation of AGGREGATIONS)
  test(`${aggregation}: the same bits for any sharing of the chunks`, async () => {
    await fc.assert(
      fc.asyncProperty(series, async (data) => {
        const leaf = await runLeafInThread(readerOf(data), context, planOf(aggregation));
        assert.equal(leaf.seriesRead, data.length);
        for (const [group, given] of leaf.groups.entries())
          for (const order of [(all: number[]) => all, (all: number[]) => all.toReversed()]) {
            const expected = sharedOut(aggregation, data, group, order);
            assert.deepEqual(given.values, expected.values);
            assert.deepEqual(given.present, expected.present);
          }
      }),
      { numRuns: 20 },
    );
  });

test('a sum keeps what plain addition loses', async () => {
  const data = [[1e100], [1], [-1e100]].map(([value]) => [value!, value!, value!]);
  const plan: LeafPlan = {
    ...planOf('sum'),
    grouping: { aggregation: 'sum', mode: 'by', labels: [] },
  };
  const { groups } = await runLeafInThread(readerOf(data), context, plan);
  assert.deepEqual(Array.from(groups[0]!.values), [1, 1, 1]);
});

test('an average that is a double is that double, in any number of chunks', async () => {
  const plan: LeafPlan = {
    ...planOf('avg'),
    grouping: { aggregation: 'avg', mode: 'by', labels: [] },
  };
  for (const mean of [0.1, 0.7, -1e-300, 1e300])
    for (const count of [3, 6, 7, 19, 49, 75]) {
      const data = Array.from({ length: count }, () => [mean, mean, mean]);
      const { groups } = await runLeafInThread(readerOf(data), context, plan);
      assert.deepEqual(Array.from(groups[0]!.values), [mean, mean, mean]);
    }
});
