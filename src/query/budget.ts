// The bytes one query holds: a number that is taken from before memory is made and given back
// after.
import { AppError } from '../model/errors.ts';
import type { ByteBudget } from '../model/storage.ts';

export class QueryBudget implements ByteBudget {
  readonly #limitBytes: number;
  #heldBytes = 0;
  #peakBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
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
        `the query needs more than ${this.#limitBytes} bytes of memory, the limit of one query ` +
          '(--query-memory); ask for fewer series, a shorter range or a longer step',
        { retryable: false },
      );
    this.#heldBytes = wanted;
    if (wanted > this.#peakBytes) this.#peakBytes = wanted;
  }

  give(sizeBytes: number): void {
    this.#heldBytes -= sizeBytes;
  }
}
