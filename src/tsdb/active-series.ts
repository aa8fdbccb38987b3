// How many series of one tenant were written in the last hour, exactly to the second: a count per
// second of last writing, moved along with each write. Series are told apart by nobody here; the
// index says from which second to which one how many of them move.
import { ACTIVE_WINDOW_SEC } from './limits.ts';

export class ActiveSeries {
  readonly #bySecond = new Map<number, number>();

  /** So many series that were last written in second `from` (0: never) are written in `to`. */
  move(from: number, to: number, count: number): void {
    this.drop(from, count);
    this.#bySecond.set(to, (this.#bySecond.get(to) ?? 0) + count);
  }

  /** So many series that were last written in this second are gone. */
  drop(second: number, count: number): void {
    const known = this.#bySecond.get(second);
    if (known === undefined) return;
    if (known === count) this.#bySecond.delete(second);
    else this.#bySecond.set(second, known - count);
  }

  /** Series written in (nowSec - window, nowSec]; at most one map entry a second is looked at. */
  count(nowSec: number): number {
    let total = 0;
    for (const [second, count] of this.#bySecond)
      if (second > nowSec - ACTIVE_WINDOW_SEC) total += count;
    return total;
  }

  /** Forgets seconds that no window reaches any more, so that the map stays as long as one. */
  trim(nowSec: number): void {
    for (const second of this.#bySecond.keys())
      if (second <= nowSec - ACTIVE_WINDOW_SEC) this.#bySecond.delete(second);
  }
}
