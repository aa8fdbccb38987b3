// Who may run: a bounded number of places and two lines for them. Queries that will read much stand
// in a line of their own and never hold all places, so that light ones go on; a heavy one that
// waits is overtaken only so often.
import { AppError } from '../model/errors.ts';
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

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #lines: Readonly<Record<Lane, (() => void)[]>> = { light: [], heavy: [] };
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
    return this.#lines[lane].length;
  }

  /** Waits for a place. Rejects with the signal's reason, or unavailable where the line is full. */
  async enter(lane: Lane, signal: AbortSignal): Promise<Place> {
    signal.throwIfAborted();
    if (this.#lines.light.length + this.#lines.heavy.length >= QUERY_QUEUE_MAX)
      throw new AppError(
        'unavailable',
        'query-queue',
        `${QUERY_QUEUE_MAX} queries are waiting already, the limit; try again`,
        { retryAfterSec: QUERY_RETRY_AFTER_SEC },
      );
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const line = this.#lines[lane];
    const onAbort = (): void => {
      line.splice(line.indexOf(go), 1);
      reject(signal.reason as Error);
    };
    const go = (): void => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    line.push(go);
    this.#admit();
    await promise;
    return this.#place(lane);
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
      const mayHeavy = heavy.length > 0 && this.#heavy < this.#options.heavyPlaces;
      const isHeavy = mayHeavy && (light.length === 0 || this.#overtakes >= QUERY_OVERTAKES_MAX);
      const next = (isHeavy ? heavy : light).shift();
      if (next === undefined) return;
      this.#running += 1;
      if (isHeavy) this.#heavy += 1;
      this.#overtakes = isHeavy || !mayHeavy ? 0 : this.#overtakes + 1;
      next();
    }
  }
}
