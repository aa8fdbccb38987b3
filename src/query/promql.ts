// PromQL inside a query: text → tree → estimate → evaluation under one ReadContext, or what of it
// is not in the cache → limits of the answer. The engine is given as a function that is made on the
// first query, so that a server that only takes writes never loads it.
import { AppError, limitNote } from '../model/errors.ts';
import type { ReadContext, Storage } from '../model/storage.ts';
import type { Principal } from '../model/tenant.ts';
import type { Expr } from '../promql/ast.ts';
import { limitedError } from '../promql/engine/errors.ts';
import type { EvalParams, EvalResult } from '../promql/engine/result.ts';
import type { TraceNode } from '../promql/engine/trace.ts';
import type { Clock } from '../stdx/clock.ts';
import type { MetricsRegistry } from '../telemetry/registry.ts';
import { PARSED_LENGTH_MAX, PARSED_QUERIES_MAX, QUERY_STEPS_MAX } from './limits.ts';
import type { PromqlEstimate, PromqlLimits } from './promql-cost.ts';
import type { CachePlan, RangeCache } from './range-cache.ts';
import type { QueryRequest, QueryService, RunningQuery } from './query-service.ts';
import { lazy } from '../stdx/lazy.ts';
import { Remembered } from '../stdx/remembered.ts';

export type EvaluatePromql = (
  context: ReadContext,
  expr: Expr,
  params: EvalParams,
) => Promise<EvalResult>;

export interface PromqlRequest extends Omit<QueryRequest, 'language' | 'estimate'> {
  readonly params: EvalParams;
  /** Called when the query has waited in line and is about to be evaluated. */
  readonly onTurn?: () => void;
  /** False: everything is evaluated anew, and nothing kept. */
  readonly useCache?: boolean;
}

export interface PromqlOptions {
  readonly queries: QueryService;
  readonly storage: Pick<
    Storage,
    'estimate' | 'watchChanges' | 'changeVersion' | 'writeCount' | 'retention'
  >;
  readonly evaluate: EvaluatePromql;
  readonly limits: PromqlLimits;
  readonly clock: Clock;
  readonly registry: MetricsRegistry;
  /** Of the cache of range queries; 0 = there is none. */
  readonly cacheBytes: number;
}

/** What `explain` tells. */
export interface PromqlPlan {
  readonly estimate: PromqlEstimate;
  readonly plan: TraceNode;
  readonly result: EvalResult;
}

/** What is wrong with the text of a query, whatever the data. */
export const BAD_QUERY_CODES: ReadonlySet<string> = new Set([
  'promql-parse',
  'promql-range-type',
  'promql-duration',
  'bad-matcher',
]);

/** The query is well-formed but cannot be evaluated; Prometheus calls this an execution error. */
export class ExecutionError extends AppError {
  override readonly name = 'ExecutionError';
}

/** Throws AppError invalid where a range query has more steps than clients may ask for. */
function checkSteps(params: EvalParams): void {
  const { startUs, endUs, stepUs } = params;
  if (stepUs > 0 && (endUs - startUs) / stepUs > QUERY_STEPS_MAX)
    throw new AppError(
      'invalid',
      'query-steps',
      'exceeded maximum resolution of 11,000 points per timeseries. ' +
        'Try decreasing the query resolution (?step=XX)',
    );
}

// Loaded by the first query, as the engine is.
const cost = lazy(() => import('./promql-cost.ts'));
const loadParser = lazy(() => import('../promql/parser.ts'));
const loadRangeCache = lazy(() => import('./range-cache.ts'));

export class PromqlQueries {
  readonly #options: PromqlOptions;
  /** Trees of texts that were asked lately: nobody changes a tree. */
  readonly #parsed = new Remembered<Expr>({
    countMax: PARSED_QUERIES_MAX,
    lengthMax: PARSED_LENGTH_MAX,
  });
  #cache: RangeCache | undefined = undefined;

  constructor(options: PromqlOptions) {
    this.#options = options;
    registerCacheMetrics(options.registry, () => this.#cache);
  }

  /** Bytes of results that are kept. */
  get keptBytes(): number {
    return this.#cache?.counts.sizeBytes ?? 0;
  }

  /**
   * Evaluates and hands the result to `send`, while the query stays listed and can be canceled.
   * Rejects with PromqlParseError, ExecutionError, or AppError invalid ('bad-matcher'), timeout,
   * canceled, unavailable.
   */
  async run(
    request: PromqlRequest,
    send: (result: EvalResult, query: RunningQuery) => Promise<void>,
  ): Promise<void> {
    const expr = await this.#parse(request);
    const cache = request.useCache === false ? undefined : await this.#openCache();
    const { principal, text, params } = request;
    const plan = (): CachePlan | undefined => cache?.plan(principal, { text, expr }, params);
    const missing = (): readonly EvalParams[] => cache?.missing(plan(), params) ?? [params];
    await this.#run(request, expr, missing, async (query) => {
      request.onTurn?.();
      // In the turn in which the pin is taken.
      const use = cache && { cache, plan: plan() };
      const result = await this.#execute(query, expr, { ...params, query: text }, use);
      query.evaluated();
      await send(result, query);
    });
  }

  /** What the query would read, by selector; nothing is evaluated. */
  async estimate(request: PromqlRequest, labelLimit: number): Promise<PromqlEstimate> {
    const expr = await this.#parse(request);
    const { estimatePromql } = await cost();
    const { queries, storage } = this.#options;
    return await queries.run({ ...request, language: 'promql-estimate' }, ({ context }) =>
      asExecution(() => estimatePromql(storage, context, expr, request.params, labelLimit)),
    );
  }

  /** Runs the query and tells what each of its parts did. */
  async explain(
    request: PromqlRequest,
    send: (plan: PromqlPlan, query: RunningQuery) => Promise<void>,
  ): Promise<void> {
    const expr = await this.#parse(request);
    const { estimatePromql } = await cost();
    const { Trace } = await import('../promql/engine/trace.ts');
    const { storage, clock } = this.#options;
    await this.#run(
      request,
      expr,
      () => [request.params],
      async (query) => {
        const estimate = await asExecution(() =>
          estimatePromql(storage, query.context, expr, request.params),
        );
        const trace = new Trace(() => clock.monotonicMs());
        const result = await this.#execute(query, expr, {
          ...request.params,
          query: request.text,
          trace,
        });
        query.evaluated();
        await send({ estimate, plan: trace.root!, result }, query);
      },
    );
  }

  async #openCache(): Promise<RangeCache | undefined> {
    const { storage, clock, cacheBytes } = this.#options;
    if (cacheBytes === 0) return undefined;
    const module = await loadRangeCache();
    this.#cache ??= new module.RangeCache({ storage, clock, sizeBytesMax: cacheBytes });
    return this.#cache;
  }

  async #parse({ params, text }: PromqlRequest): Promise<Expr> {
    checkSteps(params);
    let expr = this.#parsed.get(text);
    if (expr !== undefined) return expr;
    const { parseExpr } = await loadParser();
    expr = parseExpr(text);
    this.#parsed.keep(text, expr);
    return expr;
  }

  async #run(
    request: PromqlRequest,
    expr: Expr,
    missing: () => readonly EvalParams[],
    run: (query: RunningQuery) => Promise<void>,
  ): Promise<void> {
    const { queries, storage } = this.#options;
    const { principal, params: asked } = request;
    const gate = queries.gate(principal);
    await asExecution(async () => gate?.checkRange(asked.endUs - asked.startUs));
    const limits = this.#limitsOf(principal);
    const { estimatePromql, addEstimates, checkEstimate } = await cost();
    const estimate = (context: ReadContext): Promise<PromqlEstimate> =>
      this.#refusing(context, expr, request.params, async () => {
        const parts: PromqlEstimate[] = [];
        for (const params of missing())
          parts.push(await estimatePromql(storage, context, expr, params));
        const found = addEstimates(parts);
        checkEstimate(found, limits);
        return found;
      });
    await queries.run({ ...request, language: 'promql', estimate }, run);
  }

  #limitsOf(principal: Principal): PromqlLimits {
    const gate = this.#options.queries.gate(principal);
    if (gate === undefined) return this.#options.limits;
    const { limits } = gate;
    return {
      seriesMax: limits['query-series'],
      samplesMax: limits['query-samples'],
      pointsMax: limits['query-points'],
    };
  }

  async #execute(
    query: RunningQuery,
    expr: Expr,
    params: EvalParams,
    use?: { readonly cache: RangeCache; readonly plan: CachePlan | undefined },
  ): Promise<EvalResult> {
    const { context, countRead } = query;
    const { seriesMax, samplesMax, pointsMax } = this.#limitsOf(context.principal);
    return await this.#refusing(context, expr, params, async () => {
      const evaluate = ({ startUs, endUs }: EvalParams): Promise<EvalResult> => {
        const limited = { ...params, seriesMax, samplesMax, onRead: countRead, startUs, endUs };
        return this.#options.evaluate(context, expr, limited);
      };
      const result =
        use === undefined
          ? await evaluate(params)
          : await use.cache.run(use.plan, params, evaluate);
      const count = pointCount(result, pointsMax);
      if (count > pointsMax)
        throw limitedError(
          'query-points',
          `the answer has ${count} points, the limit of one query is ${pointsMax} ` +
            limitNote('query-points'),
          { limit: pointsMax, value: count },
        );
      return result;
    });
  }

  /** Names the culprit of a refusal, and makes it an execution error where it is one. */
  async #refusing<T>(
    context: ReadContext,
    expr: Expr,
    params: EvalParams,
    run: () => Promise<T>,
  ): Promise<T> {
    return await asExecution(async () => {
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof AppError) || error.kind !== 'limited') throw error;
        const { withCulprit } = await cost();
        throw await withCulprit(error, this.#options.storage, context, expr, params);
      }
    });
  }
}

function registerCacheMetrics(
  registry: MetricsRegistry,
  cache: () => RangeCache | undefined,
): void {
  registry.collect(
    {
      name: 'orrery_query_cache_requests_total',
      help: 'Queries by how they met the cache; unfit: instant, or of a shape that is not kept.',
      type: 'counter',
      labelNames: ['result'],
    },
    () => Object.entries(cache()?.counts.uses ?? {}).map(([use, count]) => [[use], count]),
  );
  registry.collect(
    {
      name: 'orrery_query_cache_steps_total',
      help: 'Steps of range queries that were kept, and those that were evaluated.',
      type: 'counter',
      labelNames: ['source'],
    },
    () => {
      const { keptSteps = 0, evaluatedSteps = 0 } = cache()?.counts ?? {};
      return [
        [['kept'], keptSteps],
        [['evaluated'], evaluatedSteps],
      ];
    },
  );
  registry.collect(
    {
      name: 'orrery_query_cache_bytes',
      help: 'Memory of the cache of range queries.',
      type: 'gauge',
    },
    () => [[[], cache()?.counts.sizeBytes ?? 0]],
  );
}

/** Points of a result, counted where they may be more than the limit. */
function pointCount({ series, stepCount }: EvalResult, limit: number): number {
  const slots = series.reduce((sum, { present }) => sum + present.length, 0);
  if (Math.max(slots, series.length * stepCount) <= limit) return 0;
  let count = 0;
  for (const { present } of series) for (const slot of present) if (slot !== 0) count++;
  return count;
}

async function asExecution<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const isExecution =
      error.kind === 'invalid' ||
      error.kind === 'unsupported' ||
      (error.kind === 'limited' && !error.retryable);
    // Prometheus compiles patterns and looks at types while it parses: a bad query to a client.
    if (!isExecution || BAD_QUERY_CODES.has(error.code)) throw error;
    throw new ExecutionError(error.kind, error.code, error.message, {
      retryable: error.retryable,
      cause: error,
      limit: error.limit,
    });
  }
}
