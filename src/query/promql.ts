// PromQL inside a query: text → tree → evaluation under one ReadContext. The engine is given as a
// function that is made on the first query, so that a server that only takes writes never loads it.
import { AppError } from '../model/errors.ts';
import type { ReadContext } from '../model/storage.ts';
import type { Expr } from '../promql/ast.ts';
import type { EvalParams, EvalResult } from '../promql/engine/result.ts';
import { QUERY_STEPS_MAX } from './limits.ts';
import type { QueryRequest, QueryService, RunningQuery } from './query-service.ts';

export type EvaluatePromql = (
  context: ReadContext,
  expr: Expr,
  params: EvalParams,
) => Promise<EvalResult>;

export interface PromqlRequest extends Omit<QueryRequest, 'language'> {
  readonly params: EvalParams;
}

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

export class PromqlQueries {
  readonly #queries: QueryService;
  readonly #evaluate: EvaluatePromql;

  constructor(queries: QueryService, evaluate: EvaluatePromql) {
    this.#queries = queries;
    this.#evaluate = evaluate;
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
    checkSteps(request.params);
    const { parseExpr } = await import('../promql/parser.ts');
    const expr = parseExpr(request.text);
    await this.#queries.run({ ...request, language: 'promql' }, async (query) => {
      const params = { ...request.params, query: request.text };
      const result = await this.#execute(query, expr, params);
      query.evaluated();
      await send(result, query);
    });
  }

  async #execute(query: RunningQuery, expr: Expr, params: EvalParams): Promise<EvalResult> {
    try {
      return await this.#evaluate(query.context, expr, params);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const isExecution =
        error.kind === 'invalid' ||
        error.kind === 'unsupported' ||
        (error.kind === 'limited' && !error.retryable);
      // Prometheus compiles patterns while it parses: to a client a bad one is a bad query.
      if (!isExecution || error.code === 'bad-matcher') throw error;
      throw new ExecutionError(error.kind, error.code, error.message, {
        retryable: error.retryable,
        cause: error,
      });
    }
  }
}
