// A token bucket that may be overdrawn: what is asked for before anybody knows how much it is is
// let in while anything is left, and what it takes beyond that is owed before the next one.

export class Bucket {
  #level: number;
  #atMs: number;

  /** Full. */
  constructor(capacity: number, nowMs: number) {
    this.#level = capacity;
    this.#atMs = nowMs;
  }

  /** What is left; below 0: owed. A clock that was set back refills nothing. */
  level(nowMs: number, perMs: number, capacity: number): number {
    if (nowMs > this.#atMs) this.#level += (nowMs - this.#atMs) * perMs;
    this.#atMs = nowMs;
    if (this.#level > capacity) this.#level = capacity;
    return this.#level;
  }

  /** After `level` of the same moment. */
  take(count: number): void {
    this.#level -= count;
  }

  /** How long until one is left, after `level` of the same moment. */
  waitMs(perMs: number): number {
    return this.#level >= 1 ? 0 : Math.ceil((1 - this.#level) / perMs);
  }
}
