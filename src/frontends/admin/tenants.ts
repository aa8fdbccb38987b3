// `GET|PUT|DELETE /orrery/v1/tenants/TENANT/retention`: how long a tenant's points are kept.
import { AppError } from '../../model/errors.ts';
import type { Retention, Storage, TenantRetention } from '../../model/storage.ts';
import { TENANT_ID_PATTERN } from '../../model/tenant.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { TenancyStore } from '../../tenancy/tenancy-store.ts';
import type { Exchange } from '../http/exchange.ts';

const FIELDS = ['timeMs', 'sizeBytes'] as const;

export interface RetentionDependencies {
  readonly storage: Storage;
  readonly tenancy: Pick<TenancyStore, 'tenantByName'>;
}

/** Its id; open mode has tenants without a record, whose names are their ids. */
function tenantOf({ tenancy }: RetentionDependencies, exchange: Exchange): TenantId {
  const tenant = exchange.params.get('tenant') ?? '';
  if (!TENANT_ID_PATTERN.test(tenant))
    throw new AppError('invalid', 'bad-tenant', `${JSON.stringify(tenant)} is no tenant's name`);
  return tenancy.tenantByName(tenant)?.id ?? tenant;
}

function limitsJson(limits: Retention): Record<string, number | null> {
  return { timeMs: limits.timeMs ?? null, sizeBytes: limits.sizeBytes ?? null };
}

function ownJson(own: Retention | undefined): Record<string, number | null> | null {
  return own === undefined ? null : limitsJson(own);
}

function answer(exchange: Exchange, tenant: string, found: TenantRetention): void {
  const { own, effective, horizonUs } = found;
  exchange.sendJson(200, {
    tenant,
    own: ownJson(own),
    effective: limitsJson(effective),
    horizonUs: Number.isFinite(horizonUs) ? horizonUs : null,
  });
}

function badRetention(reason: string): AppError {
  const form = '{"timeMs": 2592000000, "sizeBytes": null}';
  return new AppError('invalid', 'bad-retention', `${reason}; expected such as ${form}`);
}

function parseRetention(body: Uint8Array): Retention {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (error) {
    throw badRetention(`the body is no JSON (${(error as Error).message})`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRetention('the body is no object');
  const limits = value as Record<string, unknown>;
  const unknown = Object.keys(limits).find((key) => !FIELDS.some((field) => field === key));
  if (unknown !== undefined) throw badRetention(`unknown field ${JSON.stringify(unknown)}`);
  const limit = (field: (typeof FIELDS)[number]): number | undefined => {
    const given = limits[field] ?? undefined;
    if (given === undefined) return undefined;
    if (!Number.isSafeInteger(given) || (given as number) <= 0)
      throw badRetention(`${field} is neither null nor a whole number above 0`);
    return given as number;
  };
  return { timeMs: limit('timeMs'), sizeBytes: limit('sizeBytes') };
}

export async function getRetention(deps: RetentionDependencies, exchange: Exchange): Promise<void> {
  const tenant = tenantOf(deps, exchange);
  answer(exchange, tenant, deps.storage.retention(tenant));
}

export async function putRetention(deps: RetentionDependencies, exchange: Exchange): Promise<void> {
  const tenant = tenantOf(deps, exchange);
  await setRetention(deps, exchange, tenant, parseRetention(await exchange.body()));
  answer(exchange, tenant, deps.storage.retention(tenant));
}

/** Back to the server's limits. */
export async function removeRetention(
  deps: RetentionDependencies,
  exchange: Exchange,
): Promise<void> {
  const tenant = tenantOf(deps, exchange);
  await setRetention(deps, exchange, tenant, undefined);
  answer(exchange, tenant, deps.storage.retention(tenant));
}

async function setRetention(
  { storage }: RetentionDependencies,
  exchange: Exchange,
  tenant: TenantId,
  retention: Retention | undefined,
): Promise<void> {
  const { own } = storage.retention(tenant);
  const deed = {
    action: 'retention.set',
    tenants: [tenant],
    before: { own: ownJson(own) },
    after: { own: ownJson(retention) },
  } as const;
  await exchange.deed(deed, () => storage.setRetention(tenant, retention));
}
