// `/api/v1/query`, `/api/v1/query_range`, `/api/v1/parse_query`, `/api/v1/format_query`.
// Source: https://prometheus.io/docs/prometheus/latest/querying/api/
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import { AppError } from '../../model/errors.ts';
import type { EvalParams, EvalResult } from '../../promql/engine/result.ts';
import { LOOKBACK_US_DEFAULT } from '../../query/limits.ts';
import { inSlices, prometheusJson } from '../../query/prometheus-json.ts';
import type { QueryStats } from '../../query/prometheus-json.ts';
import { BAD_QUERY_CODES } from '../../query/promql.ts';
import type { PromqlQueries } from '../../query/promql.ts';
import type { ResultWithBodies } from '../../query/result-bodies.ts';
import type { Exchange } from '../http/exchange.ts';
import { JSON_HEADERS } from './metadata.ts';
import { durationParam, durationProblem, invalidParameter, limitParam } from './params.ts';
import { parseDuration, requiredTime, timeParam } from './params.ts';
import { success } from './status.ts';

export interface QueryDependencies {
  readonly promql: PromqlQueries;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

/** Microseconds; one that is not positive means the default, as in Prometheus. */
export function lookbackParam(params: URLSearchParams): number {
  const text = params.get('lookback_delta') ?? '';
  if (text === '') return LOOKBACK_US_DEFAULT;
  const lookbackUs = parseDuration(text);
  if (lookbackUs === undefined)
    throw new AppError(
      'invalid',
      'parameter',
      `error parsing lookback delta duration: ${durationProblem(text)}`,
    );
  return lookbackUs > 0 ? lookbackUs : LOOKBACK_US_DEFAULT;
}

/** Microseconds; throws where it is over before it begins. */
function timeoutParam(params: URLSearchParams): number | undefined {
  const timeoutUs = durationParam(params, 'timeout');
  if (timeoutUs !== undefined && timeoutUs <= 0)
    throw new AppError('timeout', 'query-timeout', 'query timed out in query execution');
  return timeoutUs;
}

export function rangeOf(params: URLSearchParams): EvalParams {
  const startUs = requiredTime(params, 'start');
  const endUs = requiredTime(params, 'end');
  if (endUs < startUs) throw invalidParameter('end', 'end timestamp must not be before start time');
  const stepUs = durationParam(params, 'step');
  if (stepUs === undefined) throw invalidParameter('step', durationProblem(''));
  if (stepUs <= 0)
    throw invalidParameter(
      'step',
      'zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  return { startUs, endUs, stepUs, lookbackUs: lookbackParam(params) };
}

/** What `stats` asks for: words other than these two are taken, with a warning. */
function statsWarnings(wanted: string): readonly string[] {
  if (['', 'true', 'all'].includes(wanted)) return [];
  return [
    `value ${JSON.stringify(wanted)} for parameter "stats" is deprecated and will be rejected in ` +
      'the next major release, use "true" or "all"',
  ];
}

async function answer(
  deps: QueryDependencies,
  exchange: Exchange,
  params: URLSearchParams,
  evalParams: EvalParams,
): Promise<void> {
  const timeoutUs = timeoutParam(params);
  const wanted = params.get('stats') ?? '';
  const watch = new Stopwatch(deps.clock);
  const request = {
    principal: exchange.principal,
    text: params.get('query') ?? '',
    timeoutMs: timeoutUs === undefined ? undefined : timeoutUs / 1000,
    signal: exchange.signal,
    params: { ...evalParams, countsSamples: wanted !== '' },
    onTurn: () => watch.turn(),
    // What is kept was not counted.
    useCache: params.get('nocache') !== '1' && wanted === '',
  };
  try {
    await deps.promql.run(request, async (result, { context, headers: costHeaders }) => {
      const headers = { ...JSON_HEADERS, ...costHeaders() };
      const options = {
        seriesMax: limitParam(params),
        stats: wanted === '' ? undefined : watch.stats(result, wanted === 'all'),
        warnings: statsWarnings(wanted),
      };
      const pieces = inSlices(prometheusJson(result, options), deps);
      const isPlain = options.seriesMax === 0 && wanted === '';
      const kept = isPlain ? (result as Partial<ResultWithBodies>).bodies : undefined;
      await exchange.sendStream(200, headers, pieces, { signal: context.signal, kept });
    });
  } catch (error) {
    const isBadQuery = error instanceof AppError && BAD_QUERY_CODES.has(error.code);
    throw isBadQuery ? queryParameterError(error) : error;
  }
}

/** Where the time of a query goes, in seconds. */
class Stopwatch {
  readonly #clock: Clock;
  readonly #startMs: number;
  #turnMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
    this.#turnMs = this.#startMs;
  }

  /** The query waits no longer. */
  turn(): void {
    this.#turnMs = this.#clock.monotonicMs();
  }

  /** Evaluation is one pass here: preparing and sorting are parts of it. */
  stats(result: EvalResult, isByStep: boolean): QueryStats {
    const evaluated = (this.#clock.monotonicMs() - this.#turnMs) / 1000;
    return {
      timings: {
        evalTotalTime: evaluated,
        resultSortTime: 0,
        queryPreparationTime: 0,
        innerEvalTime: evaluated,
        execQueueTime: (this.#turnMs - this.#startMs) / 1000,
        execTotalTime: evaluated,
      },
      samples: samplesOf(result, isByStep),
    };
  }
}

function sum(counts: Float64Array): number {
  return counts.reduce((whole, count) => whole + count, 0);
}

/** In the order in which Prometheus writes them. */
function samplesOf(result: EvalResult, isByStep: boolean): QueryStats['samples'] {
  const { counted, samplesPeak } = result.stats;
  const none = new Float64Array(0);
  const { total, read } = counted ?? { total: none, read: none };
  const steps = (counts: Float64Array): [number, number][] =>
    Array.from(counts, (count, k) => [(result.startUs + k * result.stepUs) / 1e6, count]);
  return {
    ...(isByStep ? { totalQueryableSamplesPerStep: steps(total) } : {}),
    totalQueryableSamples: sum(total),
    ...(isByStep ? { samplesReadPerStep: steps(read) } : {}),
    samplesRead: sum(read),
    peakSamples: samplesPeak,
  };
}

function queryParameterError(error: AppError): AppError {
  const message = `invalid parameter "query": ${error.message}`;
  return new AppError('invalid', error.code, message, { cause: error });
}

export async function query(deps: QueryDependencies, exchange: Exchange): Promise<void> {
  const params = await exchange.form();
  limitParam(params);
  const atUs = timeParam(params, 'time', nowUs(deps.clock));
  const lookbackUs = lookbackParam(params);
  const times = { startUs: atUs, endUs: atUs, stepUs: 0, lookbackUs };
  await answer(deps, exchange, params, times);
}

export async function queryRange(deps: QueryDependencies, exchange: Exchange): Promise<void> {
  const params = await exchange.form();
  limitParam(params);
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
  success(exchange, exprToJson(expr));
}

export async function formatQuery(exchange: Exchange): Promise<void> {
  const expr = await parsed(exchange);
  const { prettyPrint } = await import('../../promql/printer.ts');
  success(exchange, prettyPrint(expr));
}
