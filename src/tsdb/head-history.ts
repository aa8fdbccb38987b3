// Counts of series at moments that somebody holds on to, where the one count in the series' record
// is not enough. Grows with series × (deletes of this generation + pins that overlap), never with
// samples.
import { grownU32 } from '../stdx/growable.ts';

/** What a Map entry costs beside its row, estimated. */
const ENTRY_BYTES = 48;

export class CountHistory {
  /** Newest row of a ref. */
  readonly #newest = new Map<number, number>();
  /** (moment, count before it, row before this one + 1) each. */
  #rows = new Uint32Array(0);
  #rowCount = 0;
  /** Moments of deletes, ascending; held for as long as the generation lives. */
  readonly #marks: number[] = [];

  get sizeBytes(): number {
    return this.#rows.byteLength + this.#newest.size * ENTRY_BYTES + this.#marks.length * 8;
  }

  mark(moment: number): void {
    if (this.#marks.at(-1) !== moment) this.#marks.push(moment);
  }

  /** The first delete's moment; Infinity: there is none. */
  get firstMark(): number {
    return this.#marks[0] ?? Number.POSITIVE_INFINITY;
  }

  /** Is a delete's moment in [from, to)? */
  isMarkedIn(from: number, to: number): boolean {
    const marks = this.#marks;
    for (let i = marks.length - 1; i >= 0 && marks[i]! >= from; i--)
      if (marks[i]! < to) return true;
    return false;
  }

  /** Moment of the newest row of a ref; 0 where there is none. */
  lastMoment(ref: number): number {
    const row = this.#newest.get(ref);
    return row === undefined ? 0 : this.#rows[3 * row]!;
  }

  /** The series had `count` samples before its first append in `moment`. */
  push(ref: number, moment: number, count: number): void {
    const row = this.#rowCount++;
    this.#rows = grownU32(this.#rows, 3 * this.#rowCount);
    this.#rows[3 * row] = moment;
    this.#rows[3 * row + 1] = count;
    this.#rows[3 * row + 2] = (this.#newest.get(ref) ?? -1) + 1;
    this.#newest.set(ref, row);
  }

  /** The count up to `moment`; undefined where the series' record tells. */
  countAt(ref: number, moment: number): number | undefined {
    let count: number | undefined;
    for (let next = (this.#newest.get(ref) ?? -1) + 1; next > 0;) {
      const row = next - 1;
      if (this.#rows[3 * row]! <= moment) break;
      count = this.#rows[3 * row + 1]!;
      next = this.#rows[3 * row + 2]!;
    }
    return count;
  }

  // -------------------------------------------------------------- head snapshots

  get rowCount(): number {
    return this.#rowCount;
  }

  get marks(): readonly number[] {
    return this.#marks;
  }

  /** The first rows, three numbers each; borrowed. They never change. */
  rows(count: number): Uint32Array<ArrayBuffer> {
    return this.#rows.subarray(0, 3 * count);
  }

  /** Each ref with its newest row below `rowCount`. */
  *newestBelow(rowCount: number): Generator<readonly [number, number], void, undefined> {
    for (const [ref, newest] of this.#newest) {
      let row = newest;
      while (row >= rowCount) row = this.#rows[3 * row + 2]! - 1;
      if (row >= 0) yield [ref, row];
    }
  }

  /** The newest row of a ref up to a moment; of nobody: moment and count 0. */
  rowUpTo(ref: number, moment: number): { readonly moment: number; readonly count: number } {
    for (let next = (this.#newest.get(ref) ?? -1) + 1; next > 0;) {
      const row = next - 1;
      const own = this.#rows[3 * row]!;
      if (own <= moment) return { moment: own, count: this.#rows[3 * row + 1]! };
      next = this.#rows[3 * row + 2]!;
    }
    return { moment: 0, count: 0 };
  }

  restore(rows: Uint32Array<ArrayBuffer>, newest: Uint32Array, marks: Iterable<number>): void {
    this.#rows = rows;
    this.#rowCount = rows.length / 3;
    for (let i = 0; i < newest.length; i += 2) this.#newest.set(newest[i]!, newest[i + 1]!);
    this.#marks.push(...marks);
  }
}
