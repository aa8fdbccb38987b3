// A bounded number of sends at a time, of which those that touch the same thing keep their order.
// After one has failed no further one begins; what failed first is thrown.

export class SendPool<What> {
  readonly #max: number;
  readonly #touches: (running: What, next: What) => boolean;
  readonly #running = new Map<Promise<void>, What>();
  #failed = false;
  #error: unknown = undefined;

  /** Does `next` have to wait for `running`? */
  constructor(max: number, touches: (running: What, next: What) => boolean) {
    this.#max = max;
    this.#touches = touches;
  }

  /** Resolves when `send` has begun. Throws what an earlier one threw. */
  async add(what: What, send: () => Promise<void>): Promise<void> {
    for (;;) {
      this.#throw();
      const before = this.#before(what);
      if (before.length === 0) break;
      await Promise.race(before);
    }
    const running: Promise<void> = send()
      .catch((error: unknown) => {
        if (!this.#failed) this.#error = error;
        this.#failed = true;
      })
      .finally(() => this.#running.delete(running));
    this.#running.set(running, what);
  }

  /** What is to be waited for, one at a time. */
  #before(what: What): Promise<void>[] {
    if (this.#running.size >= this.#max) return [...this.#running.keys()];
    const touching = [...this.#running].filter(([, other]) => this.#touches(other, what));
    return touching.map(([running]) => running);
  }

  /** Resolves when all are done; throws what one of them threw. */
  async drain(): Promise<void> {
    while (this.#running.size > 0 && !this.#failed) await Promise.race(this.#running.keys());
    this.#throw();
  }

  /** Resolves when none runs any more, whatever became of them. */
  async settle(): Promise<void> {
    await Promise.all(this.#running.keys());
  }

  #throw(): void {
    if (this.#failed) throw this.#error;
  }
}
