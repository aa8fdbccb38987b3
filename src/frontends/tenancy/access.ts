// Whose tenants a request may see and change. A tenant that is not there and one that is another's
// get the same answer, so that names cannot be guessed.
import type { Actor } from '../../tenancy/audit.ts';
import { AppError } from '../../model/errors.ts';
import type { Storage } from '../../model/storage.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { TenantRecord } from '../../tenancy/records.ts';
import { isServerAdmin } from '../../tenancy/server-admin.ts';
import type { TenancyStore } from '../../tenancy/tenancy-store.ts';
import type { Exchange } from '../http/exchange.ts';

export interface AccessDependencies {
  readonly tenancy: TenancyStore;
  readonly storage: Storage;
}

export function isAdminOfAll({ tenancy }: AccessDependencies, { principal }: Exchange): boolean {
  return isServerAdmin(principal, tenancy);
}

export function actorOf({ tenancy }: AccessDependencies, { principal, peer }: Exchange): Actor {
  const { tokenId, tenant } = principal;
  return { tokenId, tokenName: tenancy.token(tokenId)?.name ?? '', tenant, peer };
}

/** A tenant as this API sees it. */
export interface SeenTenant {
  readonly record: TenantRecord;
  /** False: its data came by a header in open mode, nobody made a record. */
  readonly isKept: boolean;
}

/** Tenants with data and without a record, by name. */
export function unkeptTenants({ tenancy, storage }: AccessDependencies): readonly TenantId[] {
  return storage.tenants().filter((id) => isUnkept(tenancy, id));
}

function isUnkept(tenancy: TenancyStore, id: TenantId): boolean {
  return (
    tenancy.tenant(id) === undefined &&
    tenancy.tenantByName(id) === undefined &&
    !tenancy.isRemoved(id)
  );
}

export function unkeptRecord(id: TenantId): TenantRecord {
  return { id, name: id, createdMs: 0, state: 'active', limits: {} };
}

/** Throws AppError notFound/no-such-tenant, of another's tenant too. */
export function tenantOf(deps: AccessDependencies, exchange: Exchange): SeenTenant {
  const { tenancy, storage } = deps;
  const name = exchange.params.get('tenant') ?? '';
  const kept = tenancy.tenantByName(name);
  const isAll = isAdminOfAll(deps, exchange);
  if (kept !== undefined && (isAll || kept.id === exchange.principal.tenant))
    return { record: kept, isKept: true };
  if (isAll && isUnkept(tenancy, name) && storage.tenants().includes(name))
    return { record: unkeptRecord(name), isKept: false };
  throw noSuchTenant(name);
}

export function noSuchTenant(name: string): AppError {
  const message = `there is no tenant ${JSON.stringify(name.slice(0, 200))}`;
  return new AppError('notFound', 'no-such-tenant', message);
}

/** As `tenantOf`, and what had no record gets one. */
export async function keptTenantOf(
  deps: AccessDependencies,
  exchange: Exchange,
): Promise<TenantRecord> {
  const { record, isKept } = tenantOf(deps, exchange);
  if (isKept) return record;
  return await deps.tenancy.adoptTenant(record.id, actorOf(deps, exchange));
}
