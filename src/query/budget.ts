// The bytes queries hold: numbers that are taken from before memory is made and given back after.
// Each query has a limit of its own, and all that run share one.
import { AppError, factsOfLimit, limitDocs } from '../model/errors.ts';
import type { ByteBudget } from '../model/storage.ts';
import { QUERY_RETRY_AFTER_SEC } from './limits.ts';

/** What all running queries share. */
export class QueryMemory {
  readonly bytesMax: number;
  #heldBytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Throws AppError unavailable where it is too much; `own` is what the query has already. */
  take(sizeBytes: number, own: number): void {
    const wanted = this.#heldBytes + sizeBytes;
    if (wanted > this.bytesMax)
      throw new AppError(
        'unavailable',
        'queries-memory',
        `running queries would hold ${wanted} bytes of memory, ${own + sizeBytes} of them this ` +
          `one; the limit of all together is ${this.bytesMax} (a share of --memory); try again`,
        { retryAfterSec: QUERY_RETRY_AFTER_SEC },
      );
    this.#heldBytes = wanted;
  }

  give(sizeBytes: number): void {
    this.#heldBytes -= sizeBytes;
  }
}

export class QueryBudget implements ByteBudget {
  readonly #memory: QueryMemory;
  readonly #limitBytes: number;
  #heldBytes = 0;
  #peakBytes = 0;
  #isEnded = false;

  /** A limit beyond what all queries share is that. */
  constructor(memory: QueryMemory, limitBytes: number) {
    this.#memory = memory;
    this.#limitBytes = Math.min(limitBytes, memory.bytesMax);
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get peakBytes(): number {
    return this.#peakBytes;
  }

  take(sizeBytes: number): void {
    const wanted = this.#heldBytes + sizeBytes;
    if (wanted > this.#limitBytes)
      throw new AppError(
        'limited',
        'query-memory',
        `the query needs ${wanted} bytes of memory, the limit of one query is ` +
          `${this.#limitBytes} (query-memory, at most a share of --memory; see ` +
          `${limitDocs('query-memory')}); ask for fewer series, a shorter range or a longer step`,
        {
          retryable: false,
          limit: factsOfLimit('query-memory', { limit: this.#limitBytes, value: wanted }),
        },
      );
    this.#memory.take(sizeBytes, this.#heldBytes);
    this.#heldBytes = wanted;
    if (wanted > this.#peakBytes) this.#peakBytes = wanted;
  }

  give(sizeBytes: number): void {
    if (this.#isEnded) return;
    this.#heldBytes -= sizeBytes;
    this.#memory.give(sizeBytes);
  }

  /** The query is over: what it did not give back has gone with it. */
  end(): void {
    this.give(this.#heldBytes);
    this.#isEnded = true;
  }
}
