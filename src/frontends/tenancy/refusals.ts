// Why a tenant was refused: `…/breaches` says which limits it came to, who did, and rules that
// would stop it; `…/refused-lines` the last rows refused. A tenant sees its own, admins of all any.
import type { RefusedLines } from '../../ingest/refused-lines.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { Breach, Breaches, SeriesBlame } from '../../tenancy/breaches.ts';
import type { Exchange } from '../http/exchange.ts';
import { tenantOf } from './access.ts';
import type { AccessDependencies } from './access.ts';

export interface RefusalDependencies extends AccessDependencies {
  readonly refusedLines: RefusedLines;
  readonly breaches: Breaches;
}

type Answer = (deps: RefusalDependencies, tenant: TenantId) => object;

const breachesJson: Answer = ({ breaches }, tenant) => {
  return { breaches: breaches.of(tenant).map(breachJson) };
};

const refusedLinesJson: Answer = ({ refusedLines }, tenant) => refusedLines.of(tenant);

/** Of the tenant that asks, whose name is not in the path. */
function own(answer: Answer) {
  return (deps: RefusalDependencies, exchange: Exchange): void =>
    exchange.sendJson(200, answer(deps, exchange.principal.tenant));
}

function ofTenant(answer: Answer) {
  return (deps: RefusalDependencies, exchange: Exchange): void =>
    exchange.sendJson(200, answer(deps, tenantOf(deps, exchange).record.id));
}

export const getOwnBreaches = own(breachesJson);
export const getTenantBreaches = ofTenant(breachesJson);
export const getOwnRefusedLines = own(refusedLinesJson);
export const getTenantRefusedLines = ofTenant(refusedLinesJson);

function breachJson(breach: Breach) {
  const { limitId, limit, value, kind, count, firstMs, lastMs, first, series } = breach;
  return {
    limit: limitId,
    at_most: limit,
    value,
    kind,
    count,
    first_at: new Date(firstMs).toISOString(),
    last_at: new Date(lastMs).toISOString(),
    first: first === undefined ? null : firstJson(first, series),
    series: series === undefined ? null : seriesJson(series),
  };
}

function firstJson(
  { protocol, peer, tokenId }: NonNullable<Breach['first']>,
  series: SeriesBlame | undefined,
) {
  return { protocol, peer, token: tokenId, labels: series && pairs(series.labels) };
}

function seriesJson({ metric, label, valueCount, rules }: SeriesBlame) {
  return { metric, label, values: valueCount, rules };
}

/** A list, because a label may have any name. */
function pairs(labels: readonly string[]) {
  const list: { readonly name: string; readonly value: string }[] = [];
  for (let i = 0; i < labels.length; i += 2) list.push({ name: labels[i]!, value: labels[i + 1]! });
  return list;
}
