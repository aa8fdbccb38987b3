// `/api/v1/query`, `/api/v1/query_range`, `/api/v1/parse_query`, `/api/v1/format_query`.
// Source: https://prometheus.io/docs/prometheus/latest/querying/api/
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import { AppError } from '../../model/errors.ts';
import type { EvalParams } from '../../promql/engine/result.ts';
import { LOOKBACK_US_DEFAULT } from '../../query/limits.ts';
import { inSlices, prometheusJson } from '../../query/prometheus-json.ts';
import type { PromqlQueries } from '../../query/promql.ts';
import type { Exchange } from '../http/exchange.ts';
import { durationParam, invalidParameter, limitParam, requiredTime, timeParam } from './params.ts';

export interface QueryDependencies {
  readonly promql: PromqlQueries;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

const JSON_HEADERS = { 'Content-Type': 'application/json' };

export function lookbackParam(params: URLSearchParams): number {
  const lookbackUs = durationParam(params, 'lookback_delta');
  if (lookbackUs === undefined) return LOOKBACK_US_DEFAULT;
  if (lookbackUs <= 0) throw invalidParameter('lookback_delta', 'must be positive');
  return lookbackUs;
}

export function rangeOf(params: URLSearchParams): EvalParams {
  const startUs = requiredTime(params, 'start');
  const endUs = requiredTime(params, 'end');
  if (endUs < startUs) throw invalidParameter('end', 'end timestamp must not be before start time');
  const stepUs = durationParam(params, 'step');
  if (stepUs === undefined) throw invalidParameter('step', 'cannot parse "" to a valid duration');
  if (stepUs <= 0)
    throw invalidParameter(
      'step',
      'zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  return { startUs, endUs, stepUs, lookbackUs: lookbackParam(params) };
}

async function answer(
  deps: QueryDependencies,
  exchange: Exchange,
  params: URLSearchParams,
  evalParams: EvalParams,
): Promise<void> {
  const timeoutUs = durationParam(params, 'timeout');
  const seriesMax = limitParam(params);
  const request = {
    principal: exchange.principal,
    text: params.get('query') ?? '',
    timeoutMs: timeoutUs === undefined ? undefined : timeoutUs / 1000,
    signal: exchange.signal,
    params: evalParams,
  };
  try {
    await deps.promql.run(request, async (result, { context, headers: costHeaders }) => {
      const headers = { ...JSON_HEADERS, ...costHeaders() };
      const pieces = inSlices(prometheusJson(result, { seriesMax }), deps);
      await exchange.sendStream(200, headers, pieces, context.signal);
    });
  } catch (error) {
    const isBadQuery =
      error instanceof AppError && ['promql-parse', 'bad-matcher'].includes(error.code);
    throw isBadQuery ? queryParameterError(error) : error;
  }
}

function queryParameterError(error: AppError): AppError {
  const message = `invalid parameter "query": ${error.message}`;
  return new AppError('invalid', error.code, message, { cause: error });
}

export async function query(deps: QueryDependencies, exchange: Exchange): Promise<void> {
  const params = await exchange.form();
  const atUs = timeParam(params, 'time', nowUs(deps.clock));
  const lookbackUs = lookbackParam(params);
  const evalParams = { startUs: atUs, endUs: atUs, stepUs: 0, lookbackUs };
  await answer(deps, exchange, params, evalParams);
}

export async function queryRange(deps: QueryDependencies, exchange: Exchange): Promise<void> {
  const params = await exchange.form();
  await answer(deps, exchange, params, rangeOf(params));
}

async function parsed(exchange: Exchange) {
  const params = await exchange.form();
  const { parseExpr } = await import('../../promql/parser.ts');
  try {
    return parseExpr(params.get('query') ?? '');
  } catch (error) {
    throw error instanceof AppError ? queryParameterError(error) : error;
  }
}

export async function parseQuery(exchange: Exchange): Promise<void> {
  const expr = await parsed(exchange);
  const { exprToJson } = await import('../../promql/to-json.ts');
  exchange.sendJson(200, { status: 'success', data: exprToJson(expr) });
}

export async function formatQuery(exchange: Exchange): Promise<void> {
  const expr = await parsed(exchange);
  const { prettyPrint } = await import('../../promql/printer.ts');
  exchange.sendJson(200, { status: 'success', data: prettyPrint(expr) });
}
