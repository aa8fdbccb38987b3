// A bounded number of sends at a time. After one has failed no further one begins; what failed
// first is thrown.

export class SendPool {
  readonly #max: number;
  readonly #running = new Set<Promise<void>>();
  #failed = false;
  #error: unknown = undefined;

  constructor(max: number) {
    this.#max = max;
  }

  /** Resolves when `send` has begun. Throws what an earlier one threw. */
  async add(send: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#max && !this.#failed) await Promise.race(this.#running);
    this.#throw();
    const running: Promise<void> = send()
      .catch((error: unknown) => {
        if (!this.#failed) this.#error = error;
        this.#failed = true;
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when all are done; throws what one of them threw. */
  async drain(): Promise<void> {
    while (this.#running.size > 0 && !this.#failed) await Promise.race(this.#running);
    this.#throw();
  }

  /** Resolves when none runs any more, whatever became of them. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  #throw(): void {
    if (this.#failed) throw this.#error;
  }
}
