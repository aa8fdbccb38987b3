// One merge: builds the outputs that a plan asks for, proves each by reading it again, and swaps
// inputs for outputs in one transaction. Every delete below the frontier is applied to what it
// hides, expired points are left out. Works in slices (pacer.ts). Which merge is next: merge-
// plan.ts.
import { BugError } from '../stdx/assert.ts';
import { compareUtf8 } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import { commit, deleteKey, partKey, toJson } from './catalog-rows.ts';
import { coverageProblem } from './coverage.ts';
import type { Delete } from './deletes.ts';
import { isNeeded, removeUnused, uniqueText } from './flush.ts';
import type { MergePlan } from './merge-plan.ts';
import { partName } from './names.ts';
import { buildPart } from './part-build.ts';
import type { PartRow } from './part-format.ts';
import type { Part } from './part-reader.ts';
import {
  partitionsOfDays,
  DAY_US,
  livePartitions,
  partitionAt,
  partitionRange,
} from './partitions.ts';
import type { TimePartition } from './partitions.ts';
import { Digest } from './proof.ts';
import { resolveSources } from './samples.ts';
import type { TimeRange } from './samples.ts';
import { scanSeries } from './select.ts';
import { sortedParts } from './state.ts';
import type { ShardState } from './state.ts';
import type { View } from './view.ts';

const EVER: TimeRange = {
  startUs: Number.NEGATIVE_INFINITY,
  endUs: Number.POSITIVE_INFINITY,
};
const NO_TIME: TimeRange = {
  startUs: Number.POSITIVE_INFINITY,
  endUs: Number.NEGATIVE_INFINITY,
};

/** One part to be made of the inputs. */
interface Output {
  readonly level: number;
  readonly partitionUs: number | undefined;
  readonly range: TimeRange;
  readonly withTimeless: boolean;
}

function outputIn(partition: TimePartition): Output {
  const { level, startUs } = partition;
  const range = partitionRange(partition);
  return { level, partitionUs: startUs, range, withTimeless: false };
}

const TIMELESS: Output = {
  level: 1,
  partitionUs: undefined,
  range: NO_TIME,
  withTimeless: true,
};

/** Where the points of a plan's inputs go. */
async function outputsOf(state: ShardState, plan: MergePlan<Part>): Promise<Output[]> {
  if (plan.kind === 'divide') return divideOutputs(state, plan.inputs);
  if (plan.target !== undefined) return [outputIn(plan.target)];
  const { level, partitionUs } = plan.inputs[0]!.row;
  if (level === 0) return [{ level, partitionUs, range: EVER, withTimeless: true }];
  return [partitionUs === undefined ? TIMELESS : outputIn({ level, startUs: partitionUs })];
}

async function divideOutputs(state: ShardState, inputs: readonly Part[]): Promise<Output[]> {
  const nowMs = state.options.clock.nowMs();
  const days = new Set<number>();
  let hasTimeless = false;
  for (const part of inputs)
    for (const { tenant, sections } of await part.tenants()) {
      hasTimeless ||= sections.metadata.sizeBytes + sections.attributes.sizeBytes > 0;
      const horizonUs = state.retention.horizonUs(tenant, nowMs);
      const add = (tUs: number): void => {
        if (tUs >= horizonUs) days.add(partitionAt(tUs, 1));
      };
      await daysOf(state, part, tenant, add);
      for (const { tUs } of await part.exemplars(tenant)) add(tUs);
    }
  const live = livePartitions(state.view.parts.map(({ row }) => row));
  const outputs = partitionsOfDays(days, live, nowMs * 1000).map(outputIn);
  return hasTimeless ? [...outputs, TIMELESS] : outputs;
}

/** A time column over a long time is read, so that no empty partitions are named. */
async function daysOf(
  state: ShardState,
  part: Part,
  tenant: TenantId,
  add: (tUs: number) => void,
): Promise<void> {
  const index = await part.index(tenant);
  if (index === undefined) return;
  for await (const group of index.timeGroups())
    for (let i = 0; i < group.count; i++) {
      const firstUs = group.firstUs[i]!;
      const lastUs = group.lastUs[i]!;
      add(firstUs);
      add(lastUs);
      if (partitionAt(lastUs, 1) <= partitionAt(firstUs, 1) + DAY_US) continue;
      for (const tUs of await part.times(tenant, index, group.first + i)) add(tUs);
      await state.pacer.pause();
    }
}

/** Executes a plan; where it fails nothing has changed. */
export async function merge(state: ShardState, plan: MergePlan<Part>): Promise<void> {
  const { inputs } = plan;
  const deletesEnd = state.frontier;
  const deletes = state.view.deletes.filter((one) => one.offset < deletesEnd);
  state.progress.begin(plan.kind, inputs);
  const rows: PartRow[] = [];
  try {
    for (const output of await outputsOf(state, plan)) {
      const row = await build(state, inputs, output, { deletesEnd, deletes });
      if (row !== undefined) rows.push(row);
    }
  } catch (error) {
    for (const { name } of rows) await state.options.blobs.remove(name);
    throw error;
  } finally {
    state.progress.end();
  }
  state.probe('merge');
  await swap(state, inputs, rows).catch((error: unknown) => removeUnused(state, rows, error));
  state.progress.merged(plan.kind, rows);
}

interface AppliedDeletes {
  readonly deletesEnd: number;
  readonly deletes: readonly Delete[];
}

async function build(
  state: ShardState,
  inputs: readonly Part[],
  output: Output,
  { deletesEnd, deletes }: AppliedDeletes,
): Promise<PartRow | undefined> {
  const { blobs, clock } = state.options;
  const seqMin = inputs[0]!.row.seqMin;
  const seqMax = Math.max(...inputs.map(({ row }) => row.seqMax));
  const nowMs = clock.nowMs();
  const expected = new Digest();
  const row = await buildPart(blobs, {
    name: partName(state.names, { level: output.level, seqMin, seqMax }, uniqueText(state)),
    ...output,
    seqMin,
    seqMax,
    deletesEnd,
    horizonUs: (tenant) => state.retention.horizonUs(tenant, nowMs),
    view: { parts: inputs, generations: [], deletes },
    moment: 0,
    tenants: await tenantsOf(inputs),
    index: state.index,
    pause: state.pacer.pause,
    witness: (tenant, labels, sources) => {
      expected.addSources(tenant, labels, sources);
      for (const { samples } of sources) state.progress.advance(samples.count);
    },
  });
  if (row !== undefined) await prove(state, row, expected);
  else if (expected.count > 0) throw new BugError(`BUG: a merge lost ${expected.toString()}`);
  return row;
}

async function tenantsOf(inputs: readonly Part[]): Promise<TenantId[]> {
  const tenants = new Set<TenantId>();
  for (const part of inputs) for (const { tenant } of await part.tenants()) tenants.add(tenant);
  return [...tenants].toSorted(compareUtf8);
}

/** Merges are not cancelled. */
function never(): void {
  // Nothing to check.
}

/** Reads the written part again and compares digests; throws BugError, the blob is gone. */
async function prove(state: ShardState, row: PartRow, expected: Digest): Promise<void> {
  const part = state.openPart(row);
  const view: View = { parts: [part], generations: [], deletes: [] };
  const actual = new Digest();
  const { index, pacer } = state;
  for (const { tenant } of await part.tenants()) {
    const where = { tenant, matchers: [], range: EVER, view, moment: 0 };
    const scan = { ...where, index, check: never, yieldTurn: pacer.yieldTurn, isOnce: true };
    for await (const series of scanSeries(scan)) {
      for (const samples of resolveSources(await series.sources())) {
        actual.addSamples(tenant, series.labels, samples);
        state.progress.advance(samples.count);
      }
      await pacer.pause();
    }
  }
  part.drop();
  if (actual.equals(expected)) return;
  await state.options.blobs.remove(row.name);
  throw new BugError(
    `BUG: merge into ${row.name} holds ${actual.toString()}, expected ${expected.toString()}`,
  );
}

/** Replaces parts by parts, in catalog and view; deletes with nothing left to hide go. */
export function swap(
  state: ShardState,
  inputs: readonly Part[],
  outputs: readonly PartRow[],
): Promise<void> {
  return state.turns.run(() => swapInTurn(state, inputs, outputs));
}

async function swapInTurn(
  state: ShardState,
  inputs: readonly Part[],
  outputs: readonly PartRow[],
): Promise<void> {
  const { names } = state;
  const gone = new Set(inputs);
  const opened = outputs.map((row) => state.openPart(row));
  const live = sortedParts([...state.view.parts.filter((part) => !gone.has(part)), ...opened]);
  const problem = coverageProblem(
    live.map(({ row }) => row),
    state.frontier,
  );
  if (problem !== undefined && state.mutations.skipAdjacency !== true)
    throw new BugError(`BUG: a merge would break coverage: ${problem}`);
  const done = state.view.deletes.filter(
    (one) => one.offset < state.frontier && !isNeeded(one, live),
  );
  await commit(
    state.options.catalog,
    async (tx) => {
      for (const { row } of inputs) {
        if ((await tx.get(partKey(names, row))) === undefined)
          throw new BugError(`BUG: part ${row.name} is not in the catalog any more`);
        tx.remove(partKey(names, row));
      }
      for (const row of outputs) tx.set(partKey(names, row), toJson(row));
      for (const { offset } of done) tx.remove(deleteKey(names, offset));
    },
    async (tx) => (await tx.get(partKey(names, inputs[0]!.row))) === undefined,
  );
  const { view } = state;
  const isDone = new Set(done);
  state.view = {
    parts: live,
    generations: view.generations,
    deletes: view.deletes.filter((one) => !isDone.has(one)),
  };
  // A row that only says that more deletes are applied keeps its blob.
  const kept = new Set(outputs.map(({ name }) => name));
  state.pins.retire(inputs.filter(({ row }) => !kept.has(row.name)));
}
