// What the thread that runs a merge and the thread that asked for it tell each other meanwhile:
// how far it is, and that it is not wanted any more. One word each, in memory that both have.

const MEMORY_BYTES = 16;

export class MergeControl {
  /** To be given to the other thread, which makes a control of its own over it. */
  readonly memory: SharedArrayBuffer;
  /** [0] is 1 once it is stopped. */
  readonly #words: Int32Array;
  /** [1] counts samples. */
  readonly #numbers: Float64Array;

  constructor(memory = new SharedArrayBuffer(MEMORY_BYTES)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
    this.#numbers = new Float64Array(memory);
  }

  stop(): void {
    Atomics.store(this.#words, 0, 1);
  }

  get isStopped(): boolean {
    return Atomics.load(this.#words, 0) === 1;
  }

  /** Samples read; of the thread that merges alone. */
  advance(count: number): void {
    this.#numbers[1]! += count;
  }

  /** May be behind where the other thread writes it. */
  get doneSamples(): number {
    return this.#numbers[1]!;
  }
}
