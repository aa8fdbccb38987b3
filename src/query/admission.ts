// Who may run: a bounded number of places and two lines for them. Queries that will read much stand
// in a line of their own and never hold all places, so that light ones go on; a heavy one that
// waits is overtaken only so often. In each line tenants take turns, whoever came first: one that
// asks a thousand things at once delays another's by one query, not by a thousand. A line that is
// full turns away who has most in it.
import { AppError } from '../model/errors.ts';
import type { TenantId } from '../model/tenant.ts';
import { TurnLine } from '../tenancy/turn-line.ts';
import { QUERY_OVERTAKES_MAX, QUERY_QUEUE_MAX, QUERY_RETRY_AFTER_SEC } from './limits.ts';

export type Lane = 'light' | 'heavy';

export interface AdmissionOptions {
  /** Queries that run at once. */
  readonly places: number;
  /** Of them heavy ones; at least 1. */
  readonly heavyPlaces: number;
}

/** A place taken. */
export interface Place {
  /** The query turned out to be heavy: it counts as one from now on. Harmless the second time. */
  becomeHeavy(): void;
  /** Once. */
  leave(): void;
}

interface Waiter {
  readonly go: () => void;
  readonly refuse: (error: AppError) => void;
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #lines: Readonly<Record<Lane, TurnLine<Waiter>>> = {
    light: new TurnLine(1),
    heavy: new TurnLine(1),
  };
  #running = 0;
  #heavy = 0;
  /** Light queries that went ahead since a heavy one could have. */
  #overtakes = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  waiting(lane: Lane): number {
    return this.#lines[lane].count;
  }

  /**
   * Waits for a place. Rejects with the signal's reason, or unavailable where the lines are full
   * and no other tenant has more in them. `weight`: turns of the tenant for one of another's.
   */
  async enter(lane: Lane, tenant: TenantId, signal: AbortSignal, weight = 1): Promise<Place> {
    signal.throwIfAborted();
    if (this.#isFree(lane)) {
      this.#take(lane === 'heavy');
      this.#overtakes = 0;
      return this.#place(lane);
    }
    this.#makeRoom(tenant);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const line = this.#lines[lane];
    const onAbort = (): void => {
      line.remove(tenant, waiter);
      reject(signal.reason as Error);
    };
    const waiter: Waiter = {
      go: () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      },
      refuse: (error) => {
        signal.removeEventListener('abort', onAbort);
        line.remove(tenant, waiter);
        reject(error);
      },
    };
    signal.addEventListener('abort', onAbort, { once: true });
    line.push({ tenant, cost: 1, weight }, waiter);
    this.#admit();
    await promise;
    return this.#place(lane);
  }

  /** There is a place, and nobody waits for one. */
  #isFree(lane: Lane): boolean {
    const { places, heavyPlaces } = this.#options;
    const { light, heavy } = this.#lines;
    if (light.count + heavy.count > 0 || this.#running >= places) return false;
    return lane === 'light' || this.#heavy < heavyPlaces;
  }

  #take(isHeavy: boolean): void {
    this.#running += 1;
    if (isHeavy) this.#heavy += 1;
  }

  /** Where the lines are full, the newest query of the tenant that has most in them goes. */
  #makeRoom(tenant: TenantId): void {
    const { light, heavy } = this.#lines;
    if (light.count + heavy.count < QUERY_QUEUE_MAX) return;
    const waitingOf = (one: TenantId): number => light.countOf(one) + heavy.countOf(one);
    let most = tenant;
    for (const line of [light, heavy])
      for (const one of line.tenants()) if (waitingOf(one) > waitingOf(most)) most = one;
    const line = heavy.countOf(most) > light.countOf(most) ? heavy : light;
    const isOther = waitingOf(most) > waitingOf(tenant) + 1;
    if (!isOther) throw fullError(waitingOf(tenant));
    line.last(most)?.refuse(fullError(waitingOf(most)));
  }

  #place(lane: Lane): Place {
    let isHeavy = lane === 'heavy';
    return {
      becomeHeavy: () => {
        if (!isHeavy) this.#heavy += 1;
        isHeavy = true;
      },
      leave: () => {
        this.#running -= 1;
        if (isHeavy) this.#heavy -= 1;
        this.#admit();
      },
    };
  }

  #admit(): void {
    const { light, heavy } = this.#lines;
    while (this.#running < this.#options.places) {
      const mayHeavy = heavy.count > 0 && this.#heavy < this.#options.heavyPlaces;
      const isHeavy = mayHeavy && (light.count === 0 || this.#overtakes >= QUERY_OVERTAKES_MAX);
      const next = (isHeavy ? heavy : light).shift();
      if (next === undefined) return;
      this.#take(isHeavy);
      this.#overtakes = isHeavy || !mayHeavy ? 0 : this.#overtakes + 1;
      next.go();
    }
  }
}

function fullError(ofTenant: number): AppError {
  return new AppError(
    'unavailable',
    'query-queue',
    `${QUERY_QUEUE_MAX} queries are waiting already, the limit, ${ofTenant} of them of this ` +
      'tenant; try again',
    { retryAfterSec: QUERY_RETRY_AFTER_SEC },
  );
}
