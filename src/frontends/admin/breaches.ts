// `GET /orrery/v1/breaches`: which limits the tenant came to, who did, and rules that would stop
// it.
import type { Breach, SeriesBlame } from '../../tenancy/breaches.ts';
import type { Exchange } from '../http/exchange.ts';

export function sendBreaches(exchange: Exchange, breaches: readonly Breach[]): void {
  exchange.sendJson(200, { breaches: breaches.map(breachJson) });
}

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
