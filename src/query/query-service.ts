// Where every read goes through, whatever its language: an estimate, admission (bounded lines), a
// deadline, one signal for deadline, cancellation and hang-up, one byte budget, one pin, one row in
// the list of live queries, one line in the log where it was slow. What is evaluated inside is
// given as a function of the ReadContext, so that this class knows no language; the row stays
// listed (and can be cancelled) while the answer is being sent.
import { AppError, factsOfLimit, limitNote } from '../model/errors.ts';
import type { Pin, ReadContext, SelectedSeries, StorageReader } from '../model/storage.ts';
import { isRestricted } from '../model/tenant.ts';
import type { Principal, TenantId } from '../model/tenant.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Prng } from '../stdx/prng.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Counter, HistogramMetric, MetricsRegistry } from '../telemetry/registry.ts';
import type { Gate } from '../tenancy/quotas.ts';
import { Admission } from './admission.ts';
import type { Lane, Place } from './admission.ts';
import { QueryBudget, QueryMemory } from './budget.ts';
import {
  LARGE_QUERY_BYTES,
  QUERY_LENGTH_MAX,
  QUERY_TIMEOUT_MS_MIN,
  SLOW_TEXT_LENGTH_MAX,
} from './limits.ts';

export interface QueryServiceOptions {
  readonly storage: StorageReader;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly registry: MetricsRegistry;
  /** Longest deadline, and the default. */
  readonly timeoutMs: number;
  readonly concurrency: number;
  /** Of them heavy ones. */
  readonly heavyConcurrency: number;
  /** A query that reads, or is expected to read, more samples than this is heavy. */
  readonly heavySamples: number;
  /** That one query may hold, and all together. */
  readonly memoryBytes: number;
  readonly allMemoryBytes: number;
  readonly logger: Logger;
  /** What tenants and tokens may ask for; default: what is said above. */
  readonly quotas?: QueryQuotas | undefined;
  /** Told of each query that had been let in, however it ended; must not throw. */
  readonly onEnd?: (ended: EndedQuery) => void;
  /** Queries that took so long are logged; undefined: none. */
  readonly slowMs: number | undefined;
  /**
   * A query ended that read or held much: what it held may be given back. `isKilled`: through the
   * API.
   */
  readonly onLargeEnd?: (isKilled: boolean) => void;
}

export interface EndedQuery {
  readonly principal: Principal;
  readonly language: string;
  readonly seriesRead: number;
  readonly samplesRead: number;
}

export interface QueryQuotas {
  gate(principal: Principal): QueryGate;
}

export type QueryGate = Pick<Gate, 'limits' | 'enterQuery' | 'leaveQuery' | 'checkRange'>;

/** What a query is expected to read. */
export interface QueryEstimate {
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly sizeBytes: number;
}

/** What a query has read so far, in steps of whole leaves. */
export interface QueryCost {
  readonly seriesRead: number;
  readonly samplesRead: number;
  readonly heldBytes: number;
  readonly peakBytes: number;
}

export interface QueryRequest {
  /** Who asks: whose limits hold, whose use it is. */
  readonly principal: Principal;
  /** Whose data are read, where an admin of the server looks at another tenant. */
  readonly reads?: Principal;
  /** 'promql', or what is asked where it is no language ('labels', 'export', …). */
  readonly language: string;
  readonly text: string;
  /** Asked for by the client; only shortens the deadline. */
  readonly timeoutMs: number | undefined;
  /** Longest deadline of this kind of read; undefined = the service's. */
  readonly longestMs?: number;
  /** The client's: aborts when it goes away. */
  readonly signal: AbortSignal;
  /** Told before the query waits for its place; it may throw where the query asks for too much. */
  readonly estimate?: (context: ReadContext) => Promise<QueryEstimate>;
  /** Where it waits, if no estimate says so; 'light' unless given. */
  readonly lane?: Lane;
  /** It may read any number of series: what is read is sent and let go, one after the other. */
  readonly readsAnySeries?: boolean;
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
  /** Of it before it had its place. */
  readonly waitedMs: number;
  readonly lane: Lane;
  readonly cost: QueryCost;
  readonly estimate: QueryEstimate | undefined;
  /** 0…1 by the samples that were expected; undefined where nothing was. */
  readonly progress: number | undefined;
}

type CountRead = (seriesCount: number, sampleCount: number) => void;

/** Counts one selected series and its samples. */
export function countSeries(countRead: CountRead, { chunks }: SelectedSeries): void {
  let sampleCount = 0;
  for (const { tUs } of chunks) sampleCount += tUs.length;
  countRead(1, sampleCount);
}

/** What runs inside a query. */
export interface RunningQuery {
  readonly id: string;
  readonly context: ReadContext;
  /**
   * The answer is complete in memory: nothing is read from storage any more, the pin is released.
   */
  readonly evaluated: () => void;
  /** Counts what was read. */
  readonly countRead: CountRead;
  /** Id, estimate and cost, for the answer. */
  readonly headers: () => Record<string, string>;
}

interface Entry {
  readonly id: string;
  readonly request: QueryRequest;
  readonly abort: AbortController;
  readonly budget: QueryBudget;
  readonly startedMs: number;
  readonly startedMonotonicMs: number;
  state: QueryState;
  lane: Lane;
  estimate: QueryEstimate | undefined;
  /** Has its place since; undefined: waits. */
  admittedMonotonicMs: number | undefined;
  seriesRead: number;
  samplesRead: number;
  isKilled: boolean;
}

export class QueryService {
  readonly #options: QueryServiceOptions;
  readonly #live = new Map<string, Entry>();
  readonly #admission: Admission;
  readonly #memory: QueryMemory;
  readonly #durations: HistogramMetric;
  readonly #outcome: (result: string) => Counter;

  constructor(options: QueryServiceOptions) {
    this.#options = options;
    const { registry, concurrency, heavyConcurrency } = options;
    this.#memory = new QueryMemory(options.allMemoryBytes);
    this.#admission = new Admission({ places: concurrency, heavyPlaces: heavyConcurrency });
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
      {
        name: 'orrery_queries_waiting',
        help: 'Queries waiting for their turn, by what they will read.',
        type: 'gauge',
        labelNames: ['lane'],
      },
      () => (['light', 'heavy'] as const).map((lane) => [[lane], this.#admission.waiting(lane)]),
    );
    registry.collect(
      { name: 'orrery_queries_live', help: 'Queries waiting or running now.', type: 'gauge' },
      () => [[[], this.#live.size]],
    );
  }

  /** What the principal may ask for; undefined: nobody bounds it but the options. */
  gate(principal: Principal): QueryGate | undefined {
    return this.#options.quotas?.gate(principal);
  }

  /**
   * Runs one query. Rejects with what `run` throws, or with AppError limited, timeout, canceled or
   * unavailable.
   */
  async run<T>(request: QueryRequest, run: (query: RunningQuery) => Promise<T>): Promise<T> {
    const gate = this.gate(request.principal);
    const entry = this.#open(request, gate?.limits['query-memory']);
    if (gate === undefined) return await this.#runEntry(entry, run);
    try {
      gate.enterQuery();
    } catch (error) {
      this.#live.delete(entry.id);
      throw error;
    }
    try {
      return await this.#runEntry(entry, run);
    } finally {
      gate.leaveQuery(entry, request.language);
    }
  }

  async #runEntry<T>(entry: Entry, run: (query: RunningQuery) => Promise<T>): Promise<T> {
    const { request } = entry;
    const { abort } = entry;
    const cancelDeadline = this.#armDeadline(entry);
    const onGone = () => abort.abort(request.signal.reason);
    if (request.signal.aborted) onGone();
    else request.signal.addEventListener('abort', onGone, { once: true });
    let outcome = 'ok';
    try {
      await this.#expect(entry);
      const { tenant } = request.principal;
      const weight = Math.max(1, this.gate(request.principal)?.limits.weight ?? 1);
      const place = await this.#admission.enter(entry.lane, tenant, abort.signal, weight);
      entry.admittedMonotonicMs = this.#options.clock.monotonicMs();
      try {
        return await this.#evaluate(entry, place, run);
      } finally {
        place.leave();
      }
    } catch (error) {
      outcome = error instanceof AppError ? error.kind : 'internal';
      throw error;
    } finally {
      this.#outcome(outcome).add(1);
      cancelDeadline();
      request.signal.removeEventListener('abort', onGone);
      this.#live.delete(entry.id);
      entry.budget.end();
      const isLarge = entry.lane === 'heavy' || entry.budget.peakBytes >= LARGE_QUERY_BYTES;
      if (isLarge) this.#options.onLargeEnd?.(entry.isKilled);
      this.#ended(entry, outcome);
    }
  }

  /** Asks what the query will read, and chooses its line by it. */
  async #expect(entry: Entry): Promise<void> {
    const { estimate, principal, reads = principal } = entry.request;
    if (estimate === undefined) return;
    const { signal } = entry.abort;
    signal.throwIfAborted();
    const pin = this.#options.storage.pin();
    try {
      entry.estimate = await estimate({ principal: reads, pin, signal, budget: entry.budget });
    } finally {
      pin.release();
    }
    if (entry.estimate.sampleCount > this.#options.heavySamples) entry.lane = 'heavy';
  }

  #ended(entry: Entry, outcome: string): void {
    const { clock, slowMs, logger, onEnd } = this.#options;
    const { principal, language } = entry.request;
    const { seriesRead, samplesRead } = entry;
    onEnd?.({ principal, language, seriesRead, samplesRead });
    const elapsedMs = clock.monotonicMs() - entry.startedMonotonicMs;
    this.#durations.observe(elapsedMs / 1000);
    if (slowMs === undefined || elapsedMs < slowMs) return;
    const { id, lane, estimate, request, budget } = entry;
    logger.warn('slow query', {
      id,
      tenant: request.principal.tenant,
      token: request.principal.tokenId,
      language: request.language,
      outcome,
      elapsedMs: Math.round(elapsedMs),
      waitedMs: Math.round(this.#waitedMs(entry)),
      lane,
      seriesRead: entry.seriesRead,
      samplesRead: entry.samplesRead,
      estimatedSamples: estimate?.sampleCount,
      peakBytes: budget.peakBytes,
      query: request.text.slice(0, SLOW_TEXT_LENGTH_MAX),
    });
  }

  #waitedMs(entry: Entry): number {
    const untilMs = entry.admittedMonotonicMs ?? this.#options.clock.monotonicMs();
    return untilMs - entry.startedMonotonicMs;
  }

  #open(request: QueryRequest, ownMemoryBytes: number | undefined): Entry {
    if (request.text.length > QUERY_LENGTH_MAX)
      throw new AppError(
        'invalid',
        'query-length',
        `the query has ${request.text.length} characters, the limit is ${QUERY_LENGTH_MAX}`,
      );
    const { clock, prng } = this.#options;
    const memoryBytes = ownMemoryBytes ?? this.#options.memoryBytes;
    const entry: Entry = {
      id: Buffer.from(prng.bytes(8)).toString('hex'),
      request,
      abort: new AbortController(),
      budget: new QueryBudget(this.#memory, memoryBytes),
      startedMs: clock.nowMs(),
      startedMonotonicMs: clock.monotonicMs(),
      state: 'waiting',
      lane: request.lane ?? 'light',
      estimate: undefined,
      admittedMonotonicMs: undefined,
      seriesRead: 0,
      samplesRead: 0,
      isKilled: false,
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

  async #evaluate<T>(
    entry: Entry,
    place: Place,
    run: (query: RunningQuery) => Promise<T>,
  ): Promise<T> {
    // Aborted between its turn and here: nobody would hear a second time.
    entry.abort.signal.throwIfAborted();
    entry.state = 'evaluating';
    let pin: Pin | undefined = this.#options.storage.pin();
    const release = () => {
      pin?.release();
      pin = undefined;
    };
    const { principal, reads = principal } = entry.request;
    const context = { principal: reads, pin, signal: entry.abort.signal, budget: entry.budget };
    function evaluated(): void {
      entry.state = 'sending';
      release();
    }
    const seriesMax = this.#seriesMax(entry);
    const countRead = (seriesCount: number, sampleCount: number): void => {
      entry.seriesRead += seriesCount;
      entry.samplesRead += sampleCount;
      if (entry.seriesRead > seriesMax) throw tooManySeries(entry.seriesRead, seriesMax);
      if (entry.samplesRead <= this.#options.heavySamples) return;
      entry.lane = 'heavy';
      place.becomeHeavy();
    };
    try {
      const headers = (): Record<string, string> => headersOf(entry);
      return await run({ id: entry.id, context, evaluated, countRead, headers });
    } finally {
      release();
    }
  }

  #seriesMax({ request }: Entry): number {
    if (request.readsAnySeries === true) return Infinity;
    return this.gate(request.principal)?.limits['query-series'] ?? Infinity;
  }

  /** What running queries hold. */
  get heldBytes(): number {
    return this.#memory.heldBytes;
  }

  /** Live queries of a tenant, oldest first; of a restricted principal its own. */
  list(principal: Principal): readonly LiveQuery[] {
    const nowMs = this.#options.clock.monotonicMs();
    return [...this.#live.values()]
      .filter((entry) => sees(principal, entry.request.principal))
      .map((entry) => ({
        id: entry.id,
        tenant: entry.request.principal.tenant,
        language: entry.request.language,
        text: entry.request.text,
        state: entry.state,
        startedMs: entry.startedMs,
        elapsedMs: nowMs - entry.startedMonotonicMs,
        waitedMs: this.#waitedMs(entry),
        lane: entry.lane,
        cost: costOf(entry),
        estimate: entry.estimate,
        progress: progressOf(entry),
      }));
  }

  /** False where the list of the principal has no live query of that id. */
  cancel(principal: Principal, id: string): boolean {
    const entry = this.#live.get(id);
    if (entry === undefined || !sees(principal, entry.request.principal)) return false;
    const message = 'the query was canceled through the API';
    entry.isKilled = true;
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

function tooManySeries(value: number, limit: number): AppError {
  const id = 'query-series';
  const message = `the query read ${value} series, the limit of one query is ${limit} ${limitNote(id)}`;
  const facts = factsOfLimit(id, { limit, value });
  return new AppError('limited', id, message, { retryable: false, limit: facts });
}

/** A restricted principal sees no query of others: its text may name what is not shown to it. */
function sees(viewer: Principal, owner: Principal): boolean {
  if (viewer.tenant !== owner.tenant) return false;
  return !isRestricted(viewer) || (viewer.tokenId !== '' && viewer.tokenId === owner.tokenId);
}

function costOf({ seriesRead, samplesRead, budget }: Entry): QueryCost {
  const { heldBytes, peakBytes } = budget;
  return { seriesRead, samplesRead, heldBytes, peakBytes };
}

/** An estimate may be too small: only what is evaluated is done. */
const PROGRESS_MAX = 0.99;

function progressOf({ state, estimate, samplesRead }: Entry): number | undefined {
  if (state === 'sending') return 1;
  if (estimate === undefined) return undefined;
  if (state === 'waiting') return 0;
  return Math.min(PROGRESS_MAX, samplesRead / Math.max(1, estimate.sampleCount));
}

function headersOf({ id, estimate, seriesRead, samplesRead }: Entry): Record<string, string> {
  const headers: Record<string, string> = {
    'X-Orrery-Query-Id': id,
    'X-Orrery-Series-Read': String(seriesRead),
    'X-Orrery-Samples-Read': String(samplesRead),
  };
  if (estimate === undefined) return headers;
  headers['X-Orrery-Estimated-Series'] = String(estimate.seriesCount);
  headers['X-Orrery-Estimated-Samples'] = String(estimate.sampleCount);
  headers['X-Orrery-Estimated-Bytes'] = String(estimate.sizeBytes);
  return headers;
}
