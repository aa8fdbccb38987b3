// `/orrery/v1/tenants/{tenant}/cardinality`: which names and labels make the tenant's series many.
import { METRIC_NAME } from '../../model/labels.ts';
import { matcher } from '../../model/matcher.ts';
import type { Matcher } from '../../model/matcher.ts';
import { openPrincipal } from '../../model/tenant.ts';
import type { Principal } from '../../model/tenant.ts';
import type { Cardinality } from '../../model/storage.ts';
import type { QueryRequest, QueryService } from '../../query/query-service.ts';
import type { TenantRecord } from '../../tenancy/records.ts';
import type { Exchange } from '../http/exchange.ts';
import { T_US_MAX } from '../prometheus/params.ts';
import { tenantOf } from './access.ts';
import type { AccessDependencies } from './access.ts';
import { queryFields, textOf, wholeParameter } from './fields.ts';
import {
  CARDINALITY_ANSWER_DEFAULT,
  CARDINALITY_ANSWER_MAX,
  METRIC_NAME_LENGTH_MAX,
} from './limits.ts';

export interface CardinalityDependencies extends AccessDependencies {
  readonly queries: QueryService;
}

/** A question about the names of a tenant's series. */
export interface NamesQuestion {
  readonly record: TenantRecord;
  readonly principal: Principal;
  readonly limit: number;
  /** '': of all metrics. */
  readonly metric: string;
  readonly matchers: readonly Matcher[];
  readonly request: QueryRequest;
}

export function namesQuestion(
  deps: AccessDependencies,
  exchange: Exchange,
  language: string,
): NamesQuestion {
  const fields = queryFields(exchange, ['limit', 'metric']);
  const limit = wholeParameter(fields, 'limit', {
    min: 1,
    max: CARDINALITY_ANSWER_MAX,
    fallback: CARDINALITY_ANSWER_DEFAULT,
  });
  const rule = { lengthMax: METRIC_NAME_LENGTH_MAX, lengthMin: 0 };
  const metric = textOf(fields.get('metric') ?? '', 'metric', rule);
  const { record } = tenantOf(deps, exchange);
  const { principal: asker, signal } = exchange;
  // With the restrictions of a token of the tenant itself; who sees all tenants sees all of each.
  const principal = asker.tenant === record.id ? asker : openPrincipal(record.id);
  return {
    record,
    principal,
    limit,
    metric,
    matchers: metric === '' ? [] : [matcher(METRIC_NAME, '=', metric)],
    request: {
      principal: asker,
      reads: principal,
      language,
      text: metric,
      timeoutMs: undefined,
      signal,
    },
  };
}

export async function getCardinality(
  deps: CardinalityDependencies,
  exchange: Exchange,
): Promise<void> {
  const { record, matchers, limit, request } = namesQuestion(deps, exchange, 'cardinality');
  const everything = { matchers, startUs: -T_US_MAX, endUs: T_US_MAX };
  const found = await deps.queries.run(request, ({ context }) =>
    deps.storage.cardinality(context, { ...everything, limit }),
  );
  exchange.sendJson(200, cardinalityJson(record.name, found));
}

function cardinalityJson(tenant: string, found: Cardinality) {
  return {
    tenant,
    series: found.seriesCount,
    label_pairs: found.labelPairCount,
    series_by_metric: series(found.byMetricName),
    series_by_label: series(found.byLabelName),
    series_by_label_value: series(found.byLabelPair),
    values_by_label: found.valuesByLabelName.map(({ name, count }) => ({ name, values: count })),
  };
}

function series(rows: Cardinality['byMetricName']) {
  return rows.map(({ name, count }) => ({ name, series: count }));
}
