// One number for the memory that request bodies hold together. Bytes are taken as they arrive, so a
// client that declares much and sends little holds little; they are given back when the request
// ends. Decompression takes its worst case first, from the same number, and waits in line where it
// must.
import { AppError } from '../../model/errors.ts';
import type { TenantId } from '../../model/tenant.ts';
import { boundOfAll, FairBytes } from '../../tenancy/fair-bytes.ts';
import { TurnLine } from '../../tenancy/turn-line.ts';
import { BodyMemory } from './body-memory.ts';
import {
  BODY_BYTES_IN_FLIGHT_MAX,
  HOUSE_BODY_BYTES_MAX,
  INFLATE_TURN_BYTES,
  RETRY_AFTER_SEC,
} from './limits.ts';

interface Waiter {
  readonly sizeBytes: number;
  readonly go: () => void;
}

/**
 * Who holds a body: a tenant, or the house itself, for requests that administer it: those have
 * room of their own, however much tenants send.
 */
export type Holder = TenantId | undefined;

const HOUSE = '';

export class BodyGate {
  readonly memory = new BodyMemory();
  readonly #ofTenants: FairBytes;
  readonly #ofHouse = new FairBytes(HOUSE_BODY_BYTES_MAX);
  /** Of decompressors that run at one time. */
  readonly #limitBytes: number;
  #inflatingBytes = 0;
  readonly #line = new TurnLine<Waiter>(INFLATE_TURN_BYTES);

  /** `limitBytes`: what one tenant alone may hold. */
  constructor(limitBytes = BODY_BYTES_IN_FLIGHT_MAX) {
    this.#limitBytes = limitBytes;
    this.#ofTenants = new FairBytes(boundOfAll(limitBytes));
  }

  get heldBytes(): number {
    return this.#ofTenants.heldBytes + this.#ofHouse.heldBytes;
  }

  #bytesOf(holder: Holder): FairBytes {
    return holder === undefined ? this.#ofHouse : this.#ofTenants;
  }

  /** Throws AppError unavailable where others' bodies in flight leave no room for it. */
  take(holder: Holder, sizeBytes: number): void {
    const bytes = this.#bytesOf(holder);
    if (bytes.tryTake(holder ?? HOUSE, sizeBytes)) return;
    throw new AppError(
      'unavailable',
      'bodies-in-flight',
      `request bodies in flight would pass the limit of ${bytes.limitBytes} bytes, ` +
        `${bytes.heldBy(holder ?? HOUSE)} of them are of this tenant; try again`,
      { retryAfterSec: RETRY_AFTER_SEC },
    );
  }

  give(holder: Holder, sizeBytes: number): void {
    this.#bytesOf(holder).give(holder ?? HOUSE, sizeBytes);
  }

  /**
   * Runs `inflate` when its worst case fits beside the other running ones; of those that wait
   * tenants take turns. The line is bounded by the bodies in flight, since each waiter holds one.
   */
  async whileInflating<T>(
    holder: Holder,
    worstCaseBytes: number,
    inflate: () => Promise<T>,
  ): Promise<T> {
    const sizeBytes = Math.min(worstCaseBytes, this.#limitBytes);
    if (this.#line.count > 0 || this.#inflatingBytes + sizeBytes > this.#limitBytes)
      await new Promise<void>((go) => {
        const place = { tenant: holder ?? HOUSE, cost: sizeBytes, weight: 1 };
        this.#line.push(place, { sizeBytes, go });
      });
    else this.#inflatingBytes += sizeBytes;
    try {
      return await inflate();
    } finally {
      this.#inflatingBytes -= sizeBytes;
      this.#wake();
    }
  }

  #wake(): void {
    for (;;) {
      const next = this.#line.peek();
      if (next === undefined || this.#inflatingBytes + next.sizeBytes > this.#limitBytes) return;
      this.#line.shift();
      this.#inflatingBytes += next.sizeBytes;
      next.go();
    }
  }
}
