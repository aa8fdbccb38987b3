// Runs asynchronous bodies one after another: embedded drivers serialise transactions, which makes
// them serializable without conflicts.

export class Serial {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(body);
    // The next body waits for this one whatever its outcome; the caller gets the outcome itself.
    this.#tail = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }
}
