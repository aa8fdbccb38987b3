// Merges on rows alone: whatever the sizes, plans keep coverage, end, and rewrite each byte a
// logarithmic number of times.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { coverageProblem } from './coverage.ts';
import { planMerge } from './merge-plan.ts';
import type { MergePlan, MergePolicy, PlannedPart } from './merge-plan.ts';
import type { PartRow } from './part-format.ts';
import { partitionsOfDays, DAY_US, livePartitions, partitionAt } from './partitions.ts';

const NOW_US = 20_000 * DAY_US;
const POLICY: MergePolicy = {
  level0PartsMax: 4,
  partitionPartsMax: 4,
  partSizeMaxBytes: 1e6,
  widthMaxUs: Number.POSITIVE_INFINITY,
  all: false,
  nowUs: NOW_US,
  skipAdjacency: false,
};

interface FakePart extends PlannedPart {
  /** Days of its points and their bytes. */
  readonly days: ReadonlyMap<number, number>;
}

let unique = 0;

function fake(
  place: Pick<PartRow, 'level' | 'partitionUs' | 'seqMin' | 'seqMax'>,
  days: ReadonlyMap<number, number>,
): FakePart {
  const sizeBytes = [...days.values()].reduce((sum, one) => sum + one, 0);
  const row = {
    ...place,
    name: `part ${unique++}`,
    deletesEnd: place.seqMax,
    minUs: Math.min(...days.keys()),
    maxUs: Math.max(...days.keys()) + DAY_US - 1,
    seriesCount: 1,
    sampleCount: 1,
    sizeBytes,
  };
  return { row, isDamaged: false, days };
}

/** What execution makes of a plan. */
function outputsOf(plan: MergePlan<FakePart>, live: readonly FakePart[]): FakePart[] {
  const { inputs, target } = plan;
  const days = new Map<number, number>();
  for (const part of inputs)
    for (const [day, bytes] of part.days) days.set(day, (days.get(day) ?? 0) + bytes);
  const seqMin = Math.min(...inputs.map(({ row }) => row.seqMin));
  const seqMax = Math.max(...inputs.map(({ row }) => row.seqMax));
  if (plan.kind !== 'divide') {
    const { level, partitionUs } = inputs[0]!.row;
    const place = target === undefined ? { level, partitionUs } : placeIn(target);
    return [fake({ ...place, seqMin, seqMax }, days)];
  }
  const partitions = partitionsOfDays(
    days.keys(),
    livePartitions(live.map(({ row }) => row)),
    NOW_US,
  );
  return partitions.map((partition) => {
    const inside = [...days].filter(
      ([day]) => partitionAt(day, partition.level) === partition.startUs,
    );
    return fake({ ...placeIn(partition), seqMin, seqMax }, new Map(inside));
  });
}

function placeIn({ level, startUs }: { level: number; startUs: number }): {
  level: number;
  partitionUs: number;
} {
  return { level, partitionUs: startUs };
}

interface Outcome {
  readonly live: readonly FakePart[];
  readonly flushed: number;
  readonly rewritten: number;
}

function run(flushes: readonly ReadonlyMap<number, number>[], policy: MergePolicy): Outcome {
  let live: FakePart[] = [];
  let flushed = 0;
  let rewritten = 0;
  for (const [i, days] of flushes.entries()) {
    live.push(fake({ level: 0, partitionUs: undefined, seqMin: i, seqMax: i + 1 }, days));
    flushed += live.at(-1)!.row.sizeBytes;
    for (let steps = 0; ; steps++) {
      assert.ok(steps < 10_000, 'merging ends');
      const plan = planMerge(live, policy, () => false);
      if (plan === undefined) break;
      const outputs = outputsOf(plan, live);
      for (const { row } of outputs) {
        rewritten += row.sizeBytes;
        if (plan.kind === 'merge' || plan.kind === 'widen')
          assert.ok(row.sizeBytes <= policy.partSizeMaxBytes, 'parts stay bounded');
      }
      live = [...live.filter((part) => !plan.inputs.includes(part)), ...outputs].toSorted(
        (a, b) => a.row.seqMin - b.row.seqMin,
      );
      const rows = live.map(({ row }) => row);
      assert.equal(coverageProblem(rows, i + 1), undefined);
    }
  }
  return { live, flushed, rewritten };
}

const flush = fc
  .array(
    fc.tuple(
      fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 19_990, max: 20_000 }) },
        { weight: 2, arbitrary: fc.integer({ min: 18_000, max: 20_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: -40_000, max: 90_000 }) },
      ),
      fc.integer({ min: 1, max: 10_000 }),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((days) => new Map(days.map(([day, bytes]) => [day * DAY_US, bytes])));

test('random flushes: coverage holds after every merge, in the background and by request', () => {
  fc.assert(
    fc.property(fc.array(flush, { minLength: 1, maxLength: 40 }), fc.boolean(), (flushes, all) => {
      run(flushes, { ...POLICY, all });
    }),
    { numRuns: 150 },
  );
});

test('by request one partition ends as one part where its size allows', () => {
  const flushes = Array.from({ length: 20 }, () => new Map([[NOW_US - DAY_US, 1000]]));
  const { live } = run(flushes, { ...POLICY, all: true });
  assert.equal(live.length, 1);
});

test('write amplification grows with the logarithm of the data', () => {
  const amplification = (count: number): number => {
    const flushes = Array.from({ length: count }, () => new Map([[NOW_US, 100]]));
    const { live, flushed, rewritten } = run(flushes, { ...POLICY, partSizeMaxBytes: 1e12 });
    assert.ok(live.length < 4 * Math.log2(count), `${live.length} parts of ${count} flushes`);
    return rewritten / flushed;
  };
  for (const count of [64, 512, 4096]) {
    const found = amplification(count);
    assert.ok(found <= 1 + 0.6 * Math.log2(count), `${count} flushes: each byte ${found} times`);
  }
});

test('a part at the size bound is left alone', () => {
  const flushes = Array.from({ length: 64 }, () => new Map([[NOW_US, 100]]));
  const { live } = run(flushes, { ...POLICY, partSizeMaxBytes: 1700 });
  for (const { row } of live) assert.ok(row.sizeBytes <= 1700);
  assert.ok(live.length < 20);
});
