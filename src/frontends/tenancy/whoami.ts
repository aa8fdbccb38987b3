// `GET /orrery/v1/whoami`: what the server makes of the token that is presented. Of nobody else's.
import type { Exchange } from '../http/exchange.ts';
import { queryFields } from './fields.ts';
import type { AccessDependencies } from './access.ts';
import { timeText } from './tenants.ts';
import { PERMISSIONS } from './tokens.ts';

function timeUsText(tUs: number | undefined): string | null {
  return timeText(tUs === undefined ? undefined : tUs / 1000);
}

export async function whoami(deps: AccessDependencies, exchange: Exchange): Promise<void> {
  queryFields(exchange, []);
  const { tenancy } = deps;
  const { tenant: id, tokenId, permissions } = exchange.principal;
  const name = (tenant: string): string => tenancy.tenant(tenant)?.name ?? tenant;
  const record = tenancy.token(tokenId);
  exchange.response.setHeader('Cache-Control', 'no-store');
  exchange.sendJson(200, {
    tenant: { id, name: name(id) },
    permissions: PERMISSIONS.filter((one) => permissions.has(one)),
    token:
      record === undefined
        ? null
        : {
            id: tokenId,
            name: record.name,
            scope: record.scope,
            tenants: record.tenants.map(name),
            application: record.application,
            labels: record.labels,
            matchers: record.matchers,
            not_before: timeText(record.notBeforeMs),
            expires_at: timeText(record.expiresMs),
            min_time: timeUsText(record.minTUs),
            max_time: timeUsText(record.maxTUs),
          },
  });
}
