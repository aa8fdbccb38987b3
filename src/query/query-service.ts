// Where every read goes through, whatever its language: admission (a bounded line), a deadline, one
// signal for deadline, cancellation and hang-up, one byte budget, one pin, one row in the list of
// live queries. What is evaluated inside is given as a function of the ReadContext, so that this
// room knows no language; the row stays listed (and can be cancelled) while the answer is being
// sent.
import { AppError } from '../model/errors.ts';
import type { Pin, ReadContext, StorageReader } from '../model/storage.ts';
import type { Principal, TenantId } from '../model/tenant.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Prng } from '../stdx/prng.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import type { Counter, HistogramMetric, MetricsRegistry } from '../telemetry/registry.ts';
import { QueryBudget } from './budget.ts';
import { QUERY_LENGTH_MAX, QUERY_QUEUE_MAX, QUERY_TIMEOUT_MS_MIN } from './limits.ts';

export interface QueryServiceOptions {
  readonly storage: StorageReader;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly registry: MetricsRegistry;
  /** Longest deadline, and the default. */
  readonly timeoutMs: number;
  readonly concurrency: number;
  readonly memoryBytes: number;
}

export interface QueryRequest {
  readonly principal: Principal;
  /** 'promql', or what is asked where it is no language ('labels', 'export', …). */
  readonly language: string;
  readonly text: string;
  /** Asked for by the client; only shortens the deadline. */
  readonly timeoutMs: number | undefined;
  /** Longest deadline of this kind of read; undefined = the service's. */
  readonly longestMs?: number;
  /** The client's: aborts when it goes away. */
  readonly signal: AbortSignal;
}

export type QueryState = 'waiting' | 'evaluating' | 'sending';

/** One row of the list of live queries. */
export interface LiveQuery {
  readonly id: string;
  readonly tenant: TenantId;
  readonly language: string;
  readonly text: string;
  readonly state: QueryState;
  /** Wall clock. */
  readonly startedMs: number;
  readonly elapsedMs: number;
  readonly heldBytes: number;
}

/** What runs inside a query. */
export interface RunningQuery {
  readonly id: string;
  readonly context: ReadContext;
  /**
   * The answer is complete in memory: nothing is read from storage any more, the pin is released.
   */
  readonly evaluated: () => void;
}

interface Entry {
  readonly id: string;
  readonly request: QueryRequest;
  readonly abort: AbortController;
  readonly budget: QueryBudget;
  readonly startedMs: number;
  readonly startedMonotonicMs: number;
  state: QueryState;
}

export class QueryService {
  readonly #options: QueryServiceOptions;
  readonly #live = new Map<string, Entry>();
  readonly #line: (() => void)[] = [];
  #running = 0;
  readonly #durations: HistogramMetric;
  readonly #outcome: (result: string) => Counter;

  constructor(options: QueryServiceOptions) {
    this.#options = options;
    const { registry } = options;
    const outcomes = registry.counter({
      name: 'orrery_queries_total',
      help: 'Queries by how they ended.',
      labelNames: ['result'],
    });
    this.#outcome = (result) => outcomes.labels(result);
    this.#durations = registry
      .histogram({
        name: 'orrery_query_duration_seconds',
        help: 'Time of queries from admission to the end of the answer, waiting included.',
        bounds: [0.005, 0.025, 0.1, 0.5, 1, 5, 30, 120],
      })
      .labels();
    registry.collect(
      { name: 'orrery_queries_live', help: 'Queries waiting or running now.', type: 'gauge' },
      () => [[[], this.#live.size]],
    );
  }

  /**
   * Runs one query. Rejects with what `run` throws, or with AppError timeout, canceled or
   * unavailable.
   */
  async run<T>(request: QueryRequest, run: (query: RunningQuery) => Promise<T>): Promise<T> {
    const entry = this.#open(request);
    const { abort } = entry;
    const cancelDeadline = this.#armDeadline(entry);
    const onGone = () => abort.abort(request.signal.reason);
    if (request.signal.aborted) onGone();
    else request.signal.addEventListener('abort', onGone, { once: true });
    try {
      await this.#enter(abort.signal);
      try {
        const result = await this.#evaluate(entry, run);
        this.#outcome('ok').add(1);
        return result;
      } finally {
        this.#leave();
      }
    } catch (error) {
      this.#outcome(error instanceof AppError ? error.kind : 'internal').add(1);
      throw error;
    } finally {
      cancelDeadline();
      request.signal.removeEventListener('abort', onGone);
      this.#live.delete(entry.id);
      const elapsedMs = this.#options.clock.monotonicMs() - entry.startedMonotonicMs;
      this.#durations.observe(elapsedMs / 1000);
    }
  }

  #open(request: QueryRequest): Entry {
    if (request.text.length > QUERY_LENGTH_MAX)
      throw new AppError(
        'invalid',
        'query-length',
        `the query has ${request.text.length} characters, the limit is ${QUERY_LENGTH_MAX}`,
      );
    const { clock, prng, memoryBytes } = this.#options;
    const entry: Entry = {
      id: Buffer.from(prng.bytes(8)).toString('hex'),
      request,
      abort: new AbortController(),
      budget: new QueryBudget(memoryBytes),
      startedMs: clock.nowMs(),
      startedMonotonicMs: clock.monotonicMs(),
      state: 'waiting',
    };
    this.#live.set(entry.id, entry);
    return entry;
  }

  #armDeadline(entry: Entry): () => void {
    const longestMs = entry.request.longestMs ?? this.#options.timeoutMs;
    const asked = entry.request.timeoutMs ?? longestMs;
    const timeoutMs = Math.max(QUERY_TIMEOUT_MS_MIN, Math.min(asked, longestMs));
    return this.#options.scheduler.after(timeoutMs, () => {
      const message = `query timed out in ${entry.state}: its deadline was ${timeoutMs / 1000} s`;
      entry.abort.abort(new AppError('timeout', 'query-timeout', message));
    });
  }

  async #evaluate<T>(entry: Entry, run: (query: RunningQuery) => Promise<T>): Promise<T> {
    // Aborted between its turn and here: nobody would hear a second time.
    entry.abort.signal.throwIfAborted();
    entry.state = 'evaluating';
    let pin: Pin | undefined = this.#options.storage.pin();
    const release = () => {
      pin?.release();
      pin = undefined;
    };
    const { principal } = entry.request;
    const context = { principal, pin, signal: entry.abort.signal, budget: entry.budget };
    function evaluated(): void {
      entry.state = 'sending';
      release();
    }
    try {
      return await run({ id: entry.id, context, evaluated });
    } finally {
      release();
    }
  }

  /** Takes a place, waiting in line for it. */
  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running < this.#options.concurrency) {
      this.#running += 1;
      return;
    }
    if (this.#line.length >= QUERY_QUEUE_MAX)
      throw new AppError(
        'unavailable',
        'query-queue',
        `${QUERY_QUEUE_MAX} queries are waiting already, the limit; try again`,
        { retryAfterSec: 1 },
      );
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#line.splice(this.#line.indexOf(go), 1);
        reject(signal.reason as Error);
      };
      const go = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#line.push(go);
    });
  }

  /** Hands the place to the next in line. */
  #leave(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }

  /** Live queries of a tenant, oldest first. */
  list(principal: Principal): readonly LiveQuery[] {
    const nowMs = this.#options.clock.monotonicMs();
    return [...this.#live.values()]
      .filter((entry) => entry.request.principal.tenant === principal.tenant)
      .map((entry) => ({
        id: entry.id,
        tenant: entry.request.principal.tenant,
        language: entry.request.language,
        text: entry.request.text,
        state: entry.state,
        startedMs: entry.startedMs,
        elapsedMs: nowMs - entry.startedMonotonicMs,
        heldBytes: entry.budget.heldBytes,
      }));
  }

  /** False where the tenant has no live query of that id. */
  cancel(principal: Principal, id: string): boolean {
    const entry = this.#live.get(id);
    if (entry === undefined || entry.request.principal.tenant !== principal.tenant) return false;
    const message = 'the query was canceled through the API';
    entry.abort.abort(new AppError('canceled', 'query-canceled', message));
    return true;
  }

  /** Ends every query, for a server that stops. */
  cancelAll(): void {
    const message = 'the server is stopping';
    for (const entry of this.#live.values())
      entry.abort.abort(new AppError('unavailable', 'stopping', message, { retryAfterSec: 1 }));
  }
}
