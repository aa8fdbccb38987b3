// Lanes of one tenant merged in label order: rows of several lanes with the same labels are one
// series. The lanes must have been asked for labels.
import { compareLabels } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { SEEN } from './instant-lane.ts';
import type { InstantLane } from './instant-lane.ts';

/** A row of a lane. */
export interface LaneRow {
  readonly lane: InstantLane;
  readonly row: number;
}

export class LaneMerge {
  /** Rows of the series at hand, in the order of the lanes; borrowed until the next one. */
  readonly rows: LaneHead[] = [];
  readonly #heads: readonly LaneHead[];
  #isStarted = false;

  constructor(lanes: readonly InstantLane[]) {
    this.#heads = lanes.map((lane) => new LaneHead(lane));
  }

  /** Of the series at hand. */
  get labels(): Labels {
    return this.rows[0]!.labels!;
  }

  /** Goes to the next series; false behind the last one. A promise only where lanes read on. */
  next(): boolean | Promise<boolean> {
    const { rows } = this;
    let isLoaded = this.#isStarted;
    this.#isStarted = true;
    for (let i = 0; i < rows.length; i++) if (!rows[i]!.advance()) isLoaded = false;
    rows.length = 0;
    return isLoaded ? this.#choose() : this.#load();
  }

  async #load(): Promise<boolean> {
    for (const head of this.#heads) await head.load();
    return this.#choose();
  }

  #choose(): boolean {
    const { rows } = this;
    for (const head of this.#heads) {
      if (head.labels === undefined) continue;
      const order = rows.length === 0 ? 0 : compareLabels(head.labels, rows[0]!.labels!);
      if (order > 0) continue;
      if (order < 0) rows.length = 0;
      rows.push(head);
    }
    return rows.length > 0;
  }
}

/** The row at hand of a lane: one that has something. */
class LaneHead implements LaneRow {
  readonly lane: InstantLane;
  row = 0;
  /** undefined: behind the batch. */
  labels: Labels | undefined = undefined;
  #isOver = false;

  constructor(lane: InstantLane) {
    this.lane = lane;
  }

  /** False behind the batch. */
  advance(): boolean {
    this.row++;
    return this.#find();
  }

  #find(): boolean {
    const { count, states } = this.lane.batch;
    while (this.row < count && states[this.row] === SEEN.nothing) this.row++;
    this.labels = this.row < count ? this.lane.labels(this.row) : undefined;
    return this.row < count;
  }

  /** Stands at a row again, unless there are none left. */
  async load(): Promise<void> {
    while (this.labels === undefined && !this.#isOver) {
      this.#isOver = !(await this.lane.next());
      this.row = 0;
      if (!this.#isOver) this.#find();
    }
  }
}
