// `/orrery/v1/queries`: what runs now, what a query would cost, what its parts did, and the kill
// switch (docs/protocols/queries.md).
import type { EvalParams } from '../../promql/engine/result.ts';
import type { TraceNode } from '../../promql/engine/trace.ts';
import type { PromqlQueries, PromqlRequest } from '../../query/promql.ts';
import type { SelectorCost } from '../../query/promql-cost.ts';
import type { LiveQuery, QueryService } from '../../query/query-service.ts';
import { AppError } from '../../model/errors.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import type { Exchange } from '../http/exchange.ts';
import { durationParam, timeParam } from '../prometheus/params.ts';
import { lookbackParam, rangeOf } from '../prometheus/query.ts';

export interface QueryAdminDependencies {
  readonly queries: QueryService;
  readonly promql: PromqlQueries;
  readonly clock: Clock;
}

/** Labels of an estimate, for each selector. */
const ESTIMATE_LABELS = 10;

function liveJson({ estimate, progress, ...query }: LiveQuery): unknown {
  return {
    ...query,
    estimate: estimate === undefined ? null : estimateJson(estimate),
    progress: progress ?? null,
  };
}

function estimateJson({
  seriesCount,
  sampleCount,
  sizeBytes,
}: Pick<SelectorCost, 'seriesCount' | 'sampleCount' | 'sizeBytes'>): Record<string, number> {
  return { seriesCount, sampleCount, sizeBytes };
}

export async function listQueries(deps: QueryAdminDependencies, exchange: Exchange): Promise<void> {
  exchange.sendJson(200, { queries: deps.queries.list(exchange.principal).map(liveJson) });
}

export async function cancelQuery(deps: QueryAdminDependencies, exchange: Exchange): Promise<void> {
  const id = exchange.params.get('id') ?? '';
  if (!deps.queries.cancel(exchange.principal, id))
    throw new AppError('notFound', 'no-such-query', 'no live query of this tenant has that id');
  exchange.send({ status: 204 });
}

const RANGE_PARAMETERS = ['start', 'end', 'step'] as const;

/** A range query where there are the words of one, else an instant query at `time`. */
function evalParamsOf(params: URLSearchParams, clock: Clock): EvalParams {
  const missing = RANGE_PARAMETERS.filter((name) => (params.get(name) ?? '') === '');
  if (missing.length === 0) return rangeOf(params);
  if (missing.length < RANGE_PARAMETERS.length)
    throw new AppError(
      'invalid',
      'parameter',
      `a range has start, end and step, missing: ${missing.join(', ')}; an instant has time alone`,
    );
  const atUs = timeParam(params, 'time', nowUs(clock));
  return { startUs: atUs, endUs: atUs, stepUs: 0, lookbackUs: lookbackParam(params) };
}

async function requestOf(deps: QueryAdminDependencies, exchange: Exchange): Promise<PromqlRequest> {
  const params = await exchange.form();
  const timeoutUs = durationParam(params, 'timeout');
  return {
    principal: exchange.principal,
    text: params.get('query') ?? '',
    timeoutMs: timeoutUs === undefined ? undefined : timeoutUs / 1000,
    signal: exchange.signal,
    params: evalParamsOf(params, deps.clock),
  };
}

export async function estimateQuery(
  deps: QueryAdminDependencies,
  exchange: Exchange,
): Promise<void> {
  const request = await requestOf(deps, exchange);
  const estimate = await deps.promql.estimate(request, ESTIMATE_LABELS);
  exchange.sendJson(200, {
    ...estimateJson(estimate),
    selectors: estimate.selectors.map((one) => ({
      selector: one.selector,
      startUs: one.startUs,
      endUs: one.endUs,
      ...estimateJson(one),
      byLabel: one.byLabel,
    })),
  });
}

function planJson(node: TraceNode): unknown {
  const { children, timeMs, ...rest } = node;
  const below = children.reduce((sum, child) => sum + child.timeMs, 0);
  const selfMs = Math.max(0, timeMs - below);
  return { ...rest, timeMs, selfMs, children: children.map(planJson) };
}

export async function explainQuery(
  deps: QueryAdminDependencies,
  exchange: Exchange,
): Promise<void> {
  const request = await requestOf(deps, exchange);
  await deps.promql.explain(request, async ({ estimate, plan, result }, query) => {
    const { seriesRead, samplesRead } = result.stats;
    exchange.sendJson(200, {
      id: query.id,
      estimate: estimateJson(estimate),
      cost: { seriesRead, samplesRead },
      result: { type: result.type, seriesCount: result.series.length, stepCount: result.stepCount },
      annotations: result.annotations.map(({ message }) => message),
      plan: planJson(plan),
    });
  });
}
