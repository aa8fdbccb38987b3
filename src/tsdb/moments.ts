// Moments: what lets a pin or a delete say "everything applied before me" without a number on each
// sample. Appends belong to the current moment; whoever holds on to a moment sees what was applied
// up to it, and the next append opens a new one. A series notes its count when it is first appended
// to in a moment (head.ts), so the common case costs one comparison a sample.

export class Moments {
  #current = 1;
  /** Something was applied in the current moment. */
  #isUsed = false;
  /** Held moments and how many hold each. */
  readonly #held = new Map<number, number>();

  /** The moment that appends belong to now; whoever asks in order to append says so by `touch`. */
  get current(): number {
    return this.#current;
  }

  touch(): void {
    this.#isUsed = true;
  }

  /** Closes the current moment: what was applied so far is at or below the result. */
  mark(): number {
    if (!this.#isUsed) return this.#current - 1;
    this.#isUsed = false;
    return this.#current++;
  }

  /** A moment that counts must be kept for until `release`. */
  hold(): number {
    const moment = this.mark();
    this.#held.set(moment, (this.#held.get(moment) ?? 0) + 1);
    return moment;
  }

  release(moment: number): void {
    const count = this.#held.get(moment)!;
    if (count > 1) this.#held.set(moment, count - 1);
    else this.#held.delete(moment);
  }

  /** Does anybody hold a moment in [from, to)? */
  isHeldIn(from: number, to: number): boolean {
    for (const moment of this.#held.keys()) if (moment >= from && moment < to) return true;
    return false;
  }

  /** The earliest held moment from `from` on; Infinity: none is held. */
  earliestHeld(from: number): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const moment of this.#held.keys())
      if (moment >= from && moment < earliest) earliest = moment;
    return earliest;
  }

  /** Goes on behind the moments of a head snapshot. */
  restore(current: number): void {
    this.#current = current;
  }
}
