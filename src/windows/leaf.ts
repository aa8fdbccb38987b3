// runLeafInThread: the reference of the storage contract's `runLeaf`, in the calling thread.
// Selects, runs the kernel series by series, aggregates by groups. Only one chunk of series
// (limits.ts) is held beside the groups. The result does not depend on how chunks are shared among
// workers.
import {
  compareLabels,
  labelsFromPairs,
  labelsKey,
  labelValue,
  METRIC_NAME,
} from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type {
  LeafAnnotation,
  LeafGroup,
  LeafGrouping,
  LeafPlan,
  LeafResult,
  ReadContext,
  StorageReader,
} from '../model/storage.ts';
import { addColumn, finishGroup, mergeGroupSlots, newGroupSlots } from './groups.ts';
import type { GroupSlots } from './groups.ts';
import { KernelRun } from './kernels.ts';
import { LEAF_CHUNK_SERIES } from './limits.ts';
import { gatherSamples } from './samples.ts';
import { stepGrid } from './sliding.ts';
import { StepColumn } from './step-column.ts';

/** Bytes of one slot of a result column: a double and a presence byte. */
const SLOT_BYTES = 9;
/** Bytes of one slot of a group's state. */
const GROUP_SLOT_BYTES = 32;

/** Evaluates a leaf plan over `reader.select`. Rejects with the signal's reason when aborted. */
export async function runLeafInThread(
  reader: Pick<StorageReader, 'select'>,
  context: ReadContext,
  plan: LeafPlan,
): Promise<LeafResult> {
  const grid = stepGrid(plan.startUs, plan.endUs, plan.stepUs);
  const run = new KernelRun({ ...plan, grid });
  const notes = new LeafNotes();
  const sink =
    plan.grouping === undefined
      ? new SeriesSink(grid.count, context)
      : new GroupSink(plan.grouping, grid.count, context, notes);
  let seriesRead = 0;
  let samplesRead = 0;
  const request = { matchers: plan.matchers, kinds: plan.kinds, ...run.sampleRange };
  let column = new StepColumn(grid.count);
  for await (const series of reader.select(context, request)) {
    context.signal.throwIfAborted();
    const samples = gatherSamples(series.chunks, run.isInstant);
    seriesRead++;
    samplesRead += samples.count + (samples.histograms?.count ?? 0);
    notes.metric = labelValue(series.labels, METRIC_NAME);
    run.run(samples, column, notes.note);
    if (sink.add(series.labels, column)) column = new StepColumn(grid.count);
    else column.reset();
  }
  return {
    stepCount: grid.count,
    groups: sink.finish(),
    annotations: notes.all(),
    seriesRead,
    samplesRead,
  };
}

/** Distinct annotations of one leaf, in order of appearance. */
class LeafNotes {
  /** Metric name of the series at hand. */
  metric = '';
  readonly #seen = new Map<string, LeafAnnotation>();

  readonly note = (level: LeafAnnotation['level'], code: string): void => {
    const key = `${code} ${this.metric}`;
    if (!this.#seen.has(key)) this.#seen.set(key, { level, code, metric: this.metric });
  };

  all(): readonly LeafAnnotation[] {
    return Array.from(this.#seen.values());
  }
}

/** Without grouping: every series is a group. */
class SeriesSink {
  readonly #groups: LeafGroup[] = [];
  readonly #stepCount: number;
  readonly #context: ReadContext;

  constructor(stepCount: number, context: ReadContext) {
    this.#stepCount = stepCount;
    this.#context = context;
  }

  /** True where the column was kept. */
  add(labels: Labels, column: StepColumn): boolean {
    if (column.isEmpty()) return false;
    this.#context.budget.take(this.#stepCount * SLOT_BYTES);
    this.#groups.push(toGroup(labels, column));
    return true;
  }

  finish(): readonly LeafGroup[] {
    return this.#groups;
  }
}

function toGroup(labels: Labels, column: StepColumn): LeafGroup {
  const { present, values, histograms } = column;
  return { labels, present, values, histograms };
}

interface Group {
  readonly labels: Labels;
  /** State of the chunks before the one at hand; undefined before the first. */
  total: GroupSlots | undefined;
  /** State of the chunk at hand; undefined where no series of the chunk belongs to the group. */
  chunk: GroupSlots | undefined;
}

class GroupSink {
  readonly #grouping: LeafGrouping;
  readonly #stepCount: number;
  readonly #context: ReadContext;
  readonly #notes: LeafNotes;
  readonly #groups = new Map<string, Group>();
  #touched: Group[] = [];
  #seriesInChunk = 0;

  constructor(grouping: LeafGrouping, stepCount: number, context: ReadContext, notes: LeafNotes) {
    this.#grouping = grouping;
    this.#stepCount = stepCount;
    this.#context = context;
    this.#notes = notes;
  }

  /** Always false: the column may be used again. */
  add(labels: Labels, column: StepColumn): boolean {
    const group = this.#groupOf(labels);
    if (group.chunk === undefined) {
      group.chunk = newGroupSlots(this.#grouping.aggregation, this.#stepCount);
      this.#touched.push(group);
    }
    addColumn(group.chunk, column, this.#notes.note);
    if (++this.#seriesInChunk === LEAF_CHUNK_SERIES) this.#mergeChunk();
    return false;
  }

  #groupOf(labels: Labels): Group {
    const groupLabels = groupingLabels(labels, this.#grouping);
    const key = labelsKey(groupLabels);
    let group = this.#groups.get(key);
    if (group === undefined) {
      this.#context.budget.take(this.#stepCount * GROUP_SLOT_BYTES);
      group = { labels: groupLabels, total: undefined, chunk: undefined };
      this.#groups.set(key, group);
    }
    return group;
  }

  #mergeChunk(): void {
    for (const group of this.#touched) {
      if (group.total === undefined) group.total = group.chunk;
      else mergeGroupSlots(group.total, group.chunk!);
      group.chunk = undefined;
    }
    this.#touched = [];
    this.#seriesInChunk = 0;
  }

  finish(): readonly LeafGroup[] {
    this.#mergeChunk();
    this.#notes.metric = '';
    const out: LeafGroup[] = [];
    for (const group of this.#groups.values()) {
      const column = new StepColumn(this.#stepCount);
      finishGroup(group.total!, column, this.#notes.note);
      if (!column.isEmpty()) out.push(toGroup(group.labels, column));
    }
    return out.toSorted((a, b) => compareLabels(a.labels, b.labels));
  }
}

/** Labels of the group a series belongs to; `without` drops the metric name too. */
export function groupingLabels(
  labels: Labels,
  grouping: Pick<LeafGrouping, 'mode' | 'labels'>,
): Labels {
  const isBy = grouping.mode === 'by';
  if (isBy && grouping.labels.length === 0) return [];
  const pairs: string[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    const isListed = grouping.labels.includes(name);
    if (isBy ? isListed : !isListed && name !== METRIC_NAME) pairs.push(name, labels[i + 1]!);
  }
  return labelsFromPairs(pairs);
}
