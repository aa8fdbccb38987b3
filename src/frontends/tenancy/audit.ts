// `/orrery/v1/audit`: who changed what, the newest first. A tenant sees what is about itself, and
// nothing of others in it.
import { AUDIT_ACTIONS, AUDIT_LOGS } from '../../tenancy/audit.ts';
import type { AuditRow } from '../../tenancy/audit.ts';
import { AUDIT_ANSWER_ROWS_MAX } from '../../tenancy/limits.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { Exchange } from '../http/exchange.ts';
import { checkSeesWhole } from '../http/route.ts';
import { parseTime } from '../prometheus/params.ts';
import { isAdminOfAll } from './access.ts';
import type { AccessDependencies } from './access.ts';
import { choiceOf, queryFields, timeUsOf, wholeParameter } from './fields.ts';
import { AUDIT_ANSWER_DEFAULT } from './limits.ts';
import { timeText } from './tenants.ts';

export async function getAudit(deps: AccessDependencies, exchange: Exchange): Promise<void> {
  const fields = queryFields(exchange, [
    'log',
    'tenant',
    'action',
    'start',
    'end',
    'before',
    'limit',
  ]);
  const timeMs = (name: string, fallback: number): number => {
    const text = fields.get(name);
    return text === undefined ? fallback : timeUsOf(text, name, parseTime) / 1000;
  };
  const action = fields.get('action');
  const before = { min: 1, max: Number.MAX_SAFE_INTEGER, fallback: Number.MAX_SAFE_INTEGER };
  const limit = { min: 1, max: AUDIT_ANSWER_ROWS_MAX, fallback: AUDIT_ANSWER_DEFAULT };
  const viewer = isAdminOfAll(deps, exchange) ? undefined : exchange.principal.tenant;
  const named = fields.get('tenant');
  const tenant = named === undefined ? undefined : idOf(deps, named);
  const filter = {
    tenant: viewer ?? tenant,
    action: action === undefined ? undefined : choiceOf(action, 'action', AUDIT_ACTIONS),
    startMs: timeMs('start', Number.NEGATIVE_INFINITY),
    endMs: timeMs('end', Number.POSITIVE_INFINITY),
    before: wholeParameter(fields, 'before', before),
    limit: wholeParameter(fields, 'limit', limit),
  };
  if (viewer !== undefined && tenant !== undefined && tenant !== viewer)
    return exchange.sendJson(200, { rows: [], next: null });
  const log = choiceOf(fields.get('log') ?? 'changes', 'log', AUDIT_LOGS);
  // Selectors name what their sender saw.
  if (log === 'deletes') checkSeesWhole(exchange.principal);
  const { rows, next } = await deps.tenancy.audit(filter, log);
  const shown = rows.map((row) => rowJson(viewer === undefined ? row : asSeenBy(row, viewer)));
  exchange.sendJson(200, { rows: shown, next: next ?? null });
}

/** Of a tenant that is no more only the id is known. */
function idOf({ tenancy }: AccessDependencies, name: string): TenantId {
  return tenancy.tenantByName(name)?.id ?? name;
}

function rowJson({ seq, tMs, action, tenants, subject, by, before, after }: AuditRow) {
  const { tokenId, tokenName, tenant, peer } = by;
  return {
    seq,
    time: timeText(tMs),
    action,
    tenants,
    subject,
    by: { token_id: tokenId, token_name: tokenName, tenant, peer },
    before,
    after,
  };
}

/** Who runs the server, and other tenants of the same token, are not the tenant's business. */
function asSeenBy(row: AuditRow, viewer: TenantId): AuditRow {
  const isOwn = row.by.tenant === viewer;
  return {
    ...row,
    tenants: [viewer],
    by: isOwn ? row.by : { tokenId: '', tokenName: 'server', tenant: '', peer: '' },
    before: onlyOwn(row.before, viewer),
    after: onlyOwn(row.after, viewer),
  };
}

function onlyOwn(record: unknown, viewer: TenantId): unknown {
  if (typeof record !== 'object' || record === null || !('tenants' in record)) return record;
  return { ...record, tenants: [viewer] };
}
