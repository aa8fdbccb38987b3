// Where the series of a leaf go in label order: to a group's state, chunk by chunk, or to a column
// of their own. A series comes as a column computed here, or a whole chunk as the states that
// another thread computed: both add up to the same bits.
import {
  compareLabels,
  labelsFromPairs,
  labelsKey,
  labelValue,
  METRIC_NAME,
  compareUtf8,
} from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type {
  LeafAggregation,
  LeafAnnotation,
  LeafGroup,
  LeafGrouping,
  LeafPlan,
  ReadContext,
} from '../model/storage.ts';
import { mapInTurns, sortInTurns } from '../stdx/turns.ts';
import type { Pausing } from '../stdx/turns.ts';
import {
  addColumn,
  clearGroupSlots,
  finishGroup,
  groupSlotsBytes,
  groupSlotsIn,
  mergeGroupSlots,
  newGroupSlots,
} from './groups.ts';
import type { GroupSlots } from './groups.ts';
import { LEAF_CHUNK_SERIES } from './limits.ts';
import { StepColumns } from './step-column.ts';
import type { StepColumn } from './step-column.ts';
import type { StateLease } from './window-kernel.ts';

/** Bytes of one slot of a result column: a double and a presence byte. */
export const SLOT_BYTES = 9;
/** Bytes of one slot of a group's state. */
export const GROUP_SLOT_BYTES = 32;

/**
 * Distinct annotations of one leaf, by code and metric: who comes to one first depends on how
 * series are batched and on how many work.
 */
export class LeafNotes {
  /** Metric name of the series at hand. */
  metric = '';
  readonly #seen = new Map<string, LeafAnnotation>();

  readonly note = (level: LeafAnnotation['level'], code: string): void => {
    const key = `${code} ${this.metric}`;
    if (!this.#seen.has(key)) this.#seen.set(key, { level, code, metric: this.metric });
  };

  all(): readonly LeafAnnotation[] {
    const keys = [...this.#seen.keys()].toSorted(compareUtf8);
    return keys.map((key) => this.#seen.get(key)!);
  }
}

/** What a leaf took from its query's budget and holds until it is given out, or given back. */
class Held {
  readonly #context: ReadContext;
  #sizeBytes = 0;

  constructor(context: ReadContext) {
    this.#context = context;
  }

  take(sizeBytes: number): void {
    this.#context.budget.take(sizeBytes);
    this.#sizeBytes += sizeBytes;
  }

  giveAll(): void {
    this.#context.budget.give(this.#sizeBytes);
    this.#sizeBytes = 0;
  }
}

/** Without grouping: every series is a group. */
export class SeriesSink {
  readonly notes = new LeafNotes();
  readonly #groups: LeafGroup[] = [];
  readonly #stepCount: number;
  readonly #held: Held;

  constructor(stepCount: number, context: ReadContext) {
    this.#stepCount = stepCount;
    this.#held = new Held(context);
  }

  /** True where the column was kept. */
  add(labels: Labels, column: StepColumn): boolean {
    if (column.isEmpty()) return false;
    this.#held.take(this.#stepCount * SLOT_BYTES);
    const { present, values, histograms } = column;
    this.#groups.push({ labels, present, values, histograms });
    return true;
  }

  finish(): Promise<readonly LeafGroup[]> {
    return Promise.resolve(this.#groups);
  }

  /** Gives back what it took: nothing of it will be used. */
  drop(): void {
    this.#held.giveAll();
  }
}

export interface Group {
  readonly labels: Labels;
  /** State of the chunks before the one at hand; undefined before the first. */
  total: GroupSlots | undefined;
  /** State of the chunk at hand; undefined where no series of the chunk belongs to the group. */
  chunk: GroupSlots | undefined;
}

export class GroupSink {
  readonly notes = new LeafNotes();
  readonly aggregation: LeafAggregation;
  readonly #grouping: LeafGrouping;
  readonly #stepCount: number;
  readonly #held: Held;
  readonly #groups = new Map<string, Group>();
  #touched: Group[] = [];
  /** Empty states of chunks to come. */
  readonly #spare: GroupSlots[] = [];
  #lease: StateLease | undefined = undefined;
  #seriesInChunk = 0;

  constructor(grouping: LeafGrouping, stepCount: number, context: ReadContext) {
    this.aggregation = grouping.aggregation;
    this.#grouping = grouping;
    this.#stepCount = stepCount;
    this.#held = new Held(context);
  }

  /** Always false: the column may be used again. */
  add(labels: Labels, column: StepColumn): boolean {
    this.addTo(this.groupOf(labels), column);
    return false;
  }

  /** Series by series in label order, where the group is known. */
  addTo(group: Group, column: StepColumn): void {
    if (group.chunk === undefined) {
      group.chunk = this.#spare.pop() ?? this.#newState();
      this.#touched.push(group);
    }
    addColumn(group.chunk, column, this.notes.note);
    if (++this.#seriesInChunk === LEAF_CHUNK_SERIES) this.#mergeChunk();
  }

  #newState(): GroupSlots {
    const leased = this.#lease?.take(groupSlotsBytes(this.aggregation, this.#stepCount));
    if (leased === undefined) return newGroupSlots(this.aggregation, this.#stepCount);
    return groupSlotsIn(leased.buffer, leased.start, this.aggregation, this.#stepCount);
  }

  /** Keeps states in the lease as long as it has room; they are gone when it ends. */
  use(lease: StateLease): void {
    this.#lease = lease;
  }

  /** The group of a series, made where it is the first one. */
  groupOf(labels: Labels): Group {
    const groupLabels = groupingLabels(labels, this.#grouping);
    const key = labelsKey(groupLabels);
    let group = this.#groups.get(key);
    if (group === undefined) {
      this.#held.take(this.#stepCount * GROUP_SLOT_BYTES);
      group = { labels: groupLabels, total: undefined, chunk: undefined };
      this.#groups.set(key, group);
    }
    return group;
  }

  #mergeChunk(): void {
    for (const group of this.#touched) {
      const chunk = group.chunk!;
      mergeState(group, chunk);
      group.chunk = undefined;
      if (group.total !== chunk && clearGroupSlots(chunk)) this.#spare.push(chunk);
    }
    this.#touched = [];
    this.#seriesInChunk = 0;
  }

  async finish(on: Pausing): Promise<readonly LeafGroup[]> {
    this.#mergeChunk();
    this.notes.metric = '';
    const columns = new StepColumns(this.#stepCount);
    const groups = await mapInTurns(on, this.#groups.values(), ({ labels, total }) => {
      const column = columns.next();
      finishGroup(total!, column, this.notes.note);
      const { present, values, histograms } = column;
      return column.isEmpty() ? undefined : { labels, present, values, histograms };
    });
    return await sortInTurns(on, groups, (a, b) => compareLabels(a.labels, b.labels));
  }

  /** Gives back what it took: nothing of it will be used. */
  drop(): void {
    this.#held.giveAll();
  }
}

/** Adds the state of the next whole chunk, which the group keeps where it is its first. */
export function mergeState(group: Group, chunk: GroupSlots): void {
  if (group.total === undefined) group.total = chunk;
  else mergeGroupSlots(group.total, chunk);
}

export type LeafSink = SeriesSink | GroupSink;

export function newLeafSink(
  { grouping }: Pick<LeafPlan, 'grouping'>,
  stepCount: number,
  context: ReadContext,
): LeafSink {
  return grouping === undefined
    ? new SeriesSink(stepCount, context)
    : new GroupSink(grouping, stepCount, context);
}

export function metricOf(labels: Labels): string {
  return labelValue(labels, METRIC_NAME);
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
