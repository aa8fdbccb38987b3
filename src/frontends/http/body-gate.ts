// One number for the memory that request bodies hold together. Bytes are taken as they arrive, so a
// client that declares much and sends little holds little; they are given back when the request
// ends. Decompression takes its worst case first, from the same number, and waits in line where it
// must.
import { AppError } from '../../model/errors.ts';
import { assert } from '../../stdx/assert.ts';
import { BodyMemory } from './body-memory.ts';
import { BODY_BYTES_IN_FLIGHT_MAX, RETRY_AFTER_SEC } from './limits.ts';

interface Waiter {
  readonly sizeBytes: number;
  readonly go: () => void;
}

export class BodyGate {
  readonly memory = new BodyMemory();
  readonly #limitBytes: number;
  #heldBytes = 0;
  #inflatingBytes = 0;
  readonly #waiters: Waiter[] = [];

  constructor(limitBytes = BODY_BYTES_IN_FLIGHT_MAX) {
    this.#limitBytes = limitBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Throws AppError unavailable where the bodies in flight would pass the limit. */
  take(sizeBytes: number): void {
    if (this.#heldBytes + sizeBytes > this.#limitBytes)
      throw new AppError(
        'unavailable',
        'bodies-in-flight',
        `request bodies in flight would pass the limit of ${this.#limitBytes} bytes; try again`,
        { retryAfterSec: RETRY_AFTER_SEC },
      );
    this.#heldBytes += sizeBytes;
  }

  give(sizeBytes: number): void {
    this.#heldBytes -= sizeBytes;
    assert(this.#heldBytes >= 0, 'body bytes are given back once');
  }

  /**
   * Runs `inflate` when its worst case fits beside the other running ones. The line is bounded by
   * the bodies in flight, since each waiter holds one.
   */
  async whileInflating<T>(worstCaseBytes: number, inflate: () => Promise<T>): Promise<T> {
    const sizeBytes = Math.min(worstCaseBytes, this.#limitBytes);
    if (this.#waiters.length > 0 || this.#inflatingBytes + sizeBytes > this.#limitBytes)
      await new Promise<void>((go) => this.#waiters.push({ sizeBytes, go }));
    else this.#inflatingBytes += sizeBytes;
    try {
      return await inflate();
    } finally {
      this.#inflatingBytes -= sizeBytes;
      this.#wake();
    }
  }

  #wake(): void {
    while (this.#waiters.length > 0) {
      const next = this.#waiters[0]!;
      if (this.#inflatingBytes + next.sizeBytes > this.#limitBytes) return;
      this.#waiters.shift();
      this.#inflatingBytes += next.sizeBytes;
      next.go();
    }
  }
}
