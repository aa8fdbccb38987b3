// A leaf that asks for one instant: of each series the newest sample, which a storage finds without
// making columns. Adds up to the same bits as runLeafInThread: partial states of chunks of
// LEAF_CHUNK_SERIES series in label order, merged in this order. Groups are numbers here; whoever
// reads the series knows their labels.
import type { Histogram } from '../model/histogram.ts';
import { compareLabels } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { LeafAggregation, LeafGroup, ReadContext } from '../model/storage.ts';
import { ITEMS_PER_LOOK } from '../stdx/limits.ts';
import { sortInTurns } from '../stdx/turns.ts';
import type { Pausing } from '../stdx/turns.ts';
import {
  addFloat,
  addHistogram,
  clearSlot,
  finishGroup,
  longerSlots,
  mergeSlot,
  newGroupSlots,
} from './groups.ts';
import type { GroupSlots } from './groups.ts';
import { GROUP_SLOT_BYTES, LeafNotes, SLOT_BYTES } from './leaf-sink.ts';
import { LEAF_CHUNK_SERIES } from './limits.ts';
import { StepColumn } from './step-column.ts';

/** Does the answer not depend on the order of the series? */
export function isOrderFree(aggregation: LeafAggregation | undefined): boolean {
  return aggregation === 'count' || aggregation === 'group';
}

const GROUPS_INITIAL = 16;

/** States of numbered groups. For each series that was read: `add…` where it has a value, `end`. */
export class InstantGroups {
  readonly notes = new LeafNotes();
  readonly #context: ReadContext;
  readonly #isOrderFree: boolean;
  #total: GroupSlots;
  #chunk: GroupSlots;
  #groupCount = 0;
  /** Groups that the chunk at hand touched. */
  readonly #touched = new Int32Array(LEAF_CHUNK_SERIES);
  #touchedCount = 0;
  #seriesInChunk = 0;

  constructor(aggregation: LeafAggregation, context: ReadContext) {
    this.#context = context;
    this.#isOrderFree = isOrderFree(aggregation);
    this.#total = newGroupSlots(aggregation, GROUPS_INITIAL);
    this.#chunk = newGroupSlots(aggregation, GROUPS_INITIAL);
  }

  addFloat(group: number, value: number): void {
    if (this.#isOrderFree) {
      this.#need(group);
      addFloat(this.#total, group, value);
    } else {
      this.#touch(group);
      addFloat(this.#chunk, group, value);
    }
  }

  addHistogram(group: number, value: Histogram): void {
    this.#touch(group);
    addHistogram(this.#chunk, group, value, this.notes.note);
  }

  /** The series at hand is done. */
  end(): void {
    if (++this.#seriesInChunk === LEAF_CHUNK_SERIES) this.#mergeChunk();
  }

  #need(group: number): void {
    if (group < this.#groupCount) return;
    this.#context.budget.take((group + 1 - this.#groupCount) * GROUP_SLOT_BYTES);
    this.#groupCount = group + 1;
    const { length } = this.#total.floatCounts;
    if (group < length) return;
    const count = Math.max(group + 1, length * 2);
    this.#total = longerSlots(this.#total, count);
    this.#chunk = longerSlots(this.#chunk, count);
  }

  #touch(group: number): void {
    this.#need(group);
    for (let i = this.#touchedCount - 1; i >= 0; i--) if (this.#touched[i] === group) return;
    this.#touched[this.#touchedCount++] = group;
  }

  #mergeChunk(): void {
    for (let i = 0; i < this.#touchedCount; i++) {
      const group = this.#touched[i]!;
      mergeSlot(this.#total, this.#chunk, group);
      clearSlot(this.#chunk, group);
    }
    this.#touchedCount = 0;
    this.#seriesInChunk = 0;
  }

  async finish(on: Pausing, labelsOf: (group: number) => Labels): Promise<LeafGroup[]> {
    this.#mergeChunk();
    this.notes.metric = '';
    const out: LeafGroup[] = [];
    const column = new StepColumn(this.#groupCount);
    finishGroup(this.#total, column, this.notes.note);
    for (let group = 0; group < this.#groupCount; group++) {
      const pause = group % ITEMS_PER_LOOK === 0 ? on.pause() : undefined;
      if (pause !== undefined) await pause;
      if (column.present[group] === 0) continue;
      out.push({
        labels: labelsOf(group),
        present: column.present.slice(group, group + 1),
        values: column.values.slice(group, group + 1),
        histograms: column.present[group] === 2 ? [column.histograms?.[group]] : undefined,
      });
    }
    return await sortInTurns(on, out, (a, b) => compareLabels(a.labels, b.labels));
  }
}

/** Series that are groups of their own, in label order. */
export class InstantSeries {
  readonly groups: LeafGroup[] = [];
  readonly #context: ReadContext;

  constructor(context: ReadContext) {
    this.#context = context;
  }

  add(labels: Labels, value: number, histogram?: Histogram): void {
    this.#context.budget.take(SLOT_BYTES);
    const isFloat = histogram === undefined;
    this.groups.push({
      labels,
      present: Uint8Array.of(isFloat ? 1 : 2),
      values: Float64Array.of(isFloat ? value : 0),
      histograms: isFloat ? undefined : [histogram],
    });
  }
}
