// What the thread that runs a merge and the thread that asked for it tell each other meanwhile:
// how far it is, whether writes are under way, that it is not wanted any more. A word each, in
// memory that both have.

const MEMORY_BYTES = 16;
const STOP = 0;
const WRITES = 1;
const SAMPLES = 1;

export class MergeControl {
  /** To be given to the other thread, which makes a control of its own over it. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;

  constructor(memory = new SharedArrayBuffer(MEMORY_BYTES)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
    this.#numbers = new Float64Array(memory);
  }

  stop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  get isStopped(): boolean {
    return Atomics.load(this.#words, STOP) === 1;
  }

  /** A write came. */
  noteWrite(): void {
    Atomics.add(this.#words, WRITES, 1);
  }

  /** Writes since it began, modulo 2^32. */
  get writeCount(): number {
    return Atomics.load(this.#words, WRITES);
  }

  /** Samples read; of the thread that merges alone. */
  advance(count: number): void {
    this.#numbers[SAMPLES]! += count;
  }

  /** May be behind where the other thread writes it. */
  get doneSamples(): number {
    return this.#numbers[SAMPLES]!;
  }
}
