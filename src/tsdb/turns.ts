// A queue of work of which one piece runs at a time.

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` after all earlier work, whatever became of it. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => undefined);
    return next;
  }

  /** Resolves when everything that was queued before the call is over. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
