// How many series of one tenant were written in the last hour, exactly to the second: a count per
// second of last writing, moved along with each write. Series are told apart by nobody here; the
// index says from which second to which one how many of them move.
import { ACTIVE_WINDOW_SEC } from './limits.ts';

export class ActiveSeries {
  readonly #bySecond = new Map<number, number>();
  /** The last count and its second: as long as that lasts, moves keep it right. */
  #countedSec = -1;
  #counted = 0;

  /** So many series that were last written in second `from` (0: never) are written in `to`. */
  move(from: number, to: number, count: number): void {
    this.drop(from, count);
    this.#bySecond.set(to, (this.#bySecond.get(to) ?? 0) + count);
    if (this.#isCounted(to)) this.#counted += count;
  }

  /** So many series that were last written in this second are gone. */
  drop(second: number, count: number): void {
    const known = this.#bySecond.get(second);
    if (known === undefined) return;
    if (this.#isCounted(second)) this.#counted -= count;
    if (known === count) this.#bySecond.delete(second);
    else this.#bySecond.set(second, known - count);
  }

  #isCounted(second: number): boolean {
    return this.#countedSec >= 0 && second > this.#countedSec - ACTIVE_WINDOW_SEC;
  }

  /** Series written in (nowSec - window, nowSec]; one look at each second once a second. */
  count(nowSec: number): number {
    if (nowSec === this.#countedSec) return this.#counted;
    let total = 0;
    for (const [second, count] of this.#bySecond)
      if (second > nowSec - ACTIVE_WINDOW_SEC) total += count;
    this.#countedSec = nowSec;
    this.#counted = total;
    return total;
  }

  /** Forgets seconds that no window reaches any more, up to this one. */
  trim(last: number): void {
    for (const second of this.#bySecond.keys()) if (second <= last) this.#bySecond.delete(second);
  }
}
