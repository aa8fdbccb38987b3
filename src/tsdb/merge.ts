// One merge: has the outputs that a plan asks for built and proved (merge-task.ts), here in slices
// (pacer.ts) or in another thread, and swaps inputs for outputs in one transaction. Which merge is
// next: merge-plan.ts.
import { BugError } from '../stdx/assert.ts';
import type { TenantId } from '../model/tenant.ts';
import { errorOf } from '../model/thrown.ts';
import { commit, deleteJson, deleteKey, partKey, toJson } from './catalog-rows.ts';
import { coverageProblem } from './coverage.ts';
import { isNeeded, removeUnused, uniqueText } from './flush.ts';
import { MergeControl } from './merge-control.ts';
import type { MergePlan } from './merge-plan.ts';
import { runMergeTask } from './merge-task.ts';
import type { MergeTask } from './merge-task.ts';
import type { MergeAnswer, MergeWork } from './merge-thread.ts';
import type { PartRow } from './part-format.ts';
import type { Part } from './part-reader.ts';
import { livePartitions } from './partitions.ts';
import { sortedParts } from './state.ts';
import type { ShardState } from './state.ts';

/** Executes a plan; where it fails nothing has changed. */
export async function merge(state: ShardState, plan: MergePlan<Part>): Promise<void> {
  const { inputs, kind } = plan;
  const task = await taskOf(state, plan);
  const control = new MergeControl();
  state.pacer.check();
  state.progress.begin(kind, inputs, control);
  let rows: readonly PartRow[];
  try {
    rows = await runTask(state, plan, { task, control });
  } finally {
    state.progress.end();
  }
  state.probe('merge');
  await swap(state, inputs, rows).catch((error: unknown) => removeUnused(state, rows, error));
  state.progress.merged(kind, rows);
}

async function taskOf(state: ShardState, plan: MergePlan<Part>): Promise<MergeTask> {
  const { kind, inputs, target } = plan;
  const deletesEnd = state.frontier;
  const nowMs = state.options.clock.nowMs();
  const horizonsUs = new Map<TenantId, number>();
  for (const part of inputs)
    for (const { tenant } of await part.tenants())
      horizonsUs.set(tenant, state.retention.horizonUs(tenant, nowMs));
  return {
    kind,
    shard: state.settings.shard,
    inputs: inputs.map(({ row }) => row),
    target,
    live: livePartitions(state.view.parts.map(({ row }) => row)),
    nowUs: nowMs * 1000,
    horizonsUs,
    deletesEnd,
    deletes: state.view.deletes.filter((one) => one.offset < deletesEnd).map(deleteJson),
    unique: uniqueText(state),
  };
}

function runTask(
  state: ShardState,
  { inputs }: MergePlan<Part>,
  { task, control }: Pick<MergeWork, 'task' | 'control'>,
): Promise<readonly PartRow[]> {
  const { runMerge, blobs } = state.options;
  if (runMerge !== undefined)
    return runElsewhere(state, inputs, runMerge({ task, control, share: state.mergeShare }));
  const parts = new Map(inputs.map((part) => [part.row.name, part]));
  return runMergeTask(task, {
    blobs,
    openPart: (row) => parts.get(row.name) ?? state.openPart(row),
    pause: state.pacer.pause,
    yieldTurn: state.pacer.yieldTurn,
    advance: (count) => control.advance(count),
  });
}

/** What was damaged there is damaged here. */
async function runElsewhere(
  state: ShardState,
  inputs: readonly Part[],
  answer: Promise<MergeAnswer>,
): Promise<readonly PartRow[]> {
  const { rows, damages, thrown } = await answer;
  for (const { row, reason } of damages) {
    const part = inputs.find((one) => one.row.name === row.name);
    (part ?? state.openPart(row)).noteDamage(reason);
  }
  if (thrown !== undefined) throw errorOf(thrown);
  return rows;
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
