// `/orrery/v1/tenants/{tenant}/cardinality`: which names and labels make the tenant's series many.
import { openPrincipal } from '../../model/tenant.ts';
import type { Cardinality } from '../../model/storage.ts';
import type { QueryService } from '../../query/query-service.ts';
import type { Exchange } from '../http/exchange.ts';
import { T_US_MAX } from '../prometheus/params.ts';
import { tenantOf } from './access.ts';
import type { AccessDependencies } from './access.ts';
import { queryFields, wholeParameter } from './fields.ts';
import { CARDINALITY_ANSWER_DEFAULT, CARDINALITY_ANSWER_MAX } from './limits.ts';

export interface CardinalityDependencies extends AccessDependencies {
  readonly queries: QueryService;
}

const EVERYTHING = { matchers: [], startUs: -T_US_MAX, endUs: T_US_MAX };

export async function getCardinality(
  deps: CardinalityDependencies,
  exchange: Exchange,
): Promise<void> {
  const fields = queryFields(exchange, ['limit']);
  const limit = wholeParameter(fields, 'limit', {
    min: 1,
    max: CARDINALITY_ANSWER_MAX,
    fallback: CARDINALITY_ANSWER_DEFAULT,
  });
  const { record } = tenantOf(deps, exchange);
  const { principal: asker, signal } = exchange;
  // With the restrictions of a token of the tenant itself; who sees all tenants sees all of each.
  const principal = asker.tenant === record.id ? asker : openPrincipal(record.id);
  const request = { principal, language: 'cardinality', text: '', timeoutMs: undefined, signal };
  const found = await deps.queries.run(request, ({ context }) =>
    deps.storage.cardinality(context, { ...EVERYTHING, limit }),
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
