// Lanes of one tenant merged in label order: rows of several lanes with the same labels are one
// series. Where both know their places in one part, these are compared, else labels, for which a
// lane may have to read on.
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

  /** Of the series at hand; where the lane of its first row has texts. */
  get labels(): Labels {
    return this.rows[0]!.labels;
  }

  /** Goes to the next series; false behind the last one. A promise only where lanes read on. */
  next(): boolean | Promise<boolean> {
    const { rows } = this;
    let isLoaded = this.#isStarted;
    this.#isStarted = true;
    for (let i = 0; i < rows.length; i++) if (!rows[i]!.advance()) isLoaded = false;
    return isLoaded && this.#choose() ? rows.length > 0 : this.#load();
  }

  async #load(): Promise<boolean> {
    for (const head of this.#heads) await head.load();
    if (!this.#choose()) {
      for (const { lane, isOver } of this.#heads) if (!isOver) await lane.loadTexts();
      this.#choose();
    }
    return this.rows.length > 0;
  }

  /** Finds the rows of the next series; false where texts must be read for it. */
  #choose(): boolean {
    const { rows } = this;
    rows.length = 0;
    for (const head of this.#heads) {
      if (head.isOver) continue;
      if (rows.length === 0) {
        rows.push(head);
        continue;
      }
      const [best] = rows;
      const isPlaced = head.ordinal >= 0 && best!.ordinal >= 0;
      if (!isPlaced && !(head.lane.hasTexts && best!.lane.hasTexts)) return false;
      const order = isPlaced
        ? head.ordinal - best!.ordinal
        : compareLabels(head.labels, best!.labels);
      if (order > 0) continue;
      if (order < 0) rows.length = 0;
      rows.push(head);
    }
    return true;
  }
}

/** The row at hand of a lane: one that has something. */
class LaneHead implements LaneRow {
  readonly lane: InstantLane;
  row = 0;
  ordinal = -1;
  /** There are no rows any more. */
  isOver = false;
  #isLoaded = false;
  #labels: Labels | undefined = undefined;

  constructor(lane: InstantLane) {
    this.lane = lane;
  }

  get labels(): Labels {
    this.#labels ??= this.lane.labels(this.row);
    return this.#labels;
  }

  /** False behind the batch. */
  advance(): boolean {
    this.row++;
    return this.#find();
  }

  #find(): boolean {
    const { lane } = this;
    const { count, states } = lane.batch;
    while (this.row < count && states[this.row] === SEEN.nothing) this.row++;
    this.#labels = undefined;
    this.#isLoaded = this.row < count;
    if (this.#isLoaded) this.ordinal = lane.ordinal(this.row);
    return this.#isLoaded;
  }

  /** Stands at a row again, unless there are none left. */
  async load(): Promise<void> {
    while (!this.#isLoaded && !this.isOver) {
      this.isOver = !(await this.lane.next());
      this.row = 0;
      if (!this.isOver) this.#find();
    }
  }
}
