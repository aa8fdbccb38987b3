// Tenants that a header names where no token does. One without a record comes into being with its
// first write; reading one that does not exist creates nothing. How many come so is bounded.
import { AppError } from '../model/errors.ts';
import { DEFAULT_TENANT, TENANT_ID_PATTERN } from '../model/tenant.ts';
import type { Needed, Principal, TenantId } from '../model/tenant.ts';
import type { TenantRecord } from './records.ts';
import type { TenantLookup } from './tenant-lookup.ts';

/** No tenant has a record. */
export const NO_TENANTS: TenantLookup = {
  tenant: () => undefined,
  tenantByName: () => undefined,
  isRemoved: () => false,
};

interface NamedTenantsOptions {
  /** Tenants that hold data already. */
  readonly known: Iterable<TenantId>;
  readonly lookup: TenantLookup;
  /** Tenants without a record. */
  readonly countMax: number;
  readonly principal: (tenant: TenantId) => Principal;
}

export class NamedTenants {
  readonly #options: NamedTenantsOptions;
  /** Of tenants without a record. */
  readonly #named = new Map<TenantId, Principal>();
  /** Of those with one. */
  readonly #kept = new WeakMap<TenantRecord, Principal>();

  constructor(options: NamedTenantsOptions) {
    this.#options = options;
    for (const tenant of options.known) this.#named.set(tenant, options.principal(tenant));
    this.#named.set(DEFAULT_TENANT, options.principal(DEFAULT_TENANT));
  }

  get count(): number {
    return this.#named.size;
  }

  /** undefined: the tenant `default`. Throws AppError invalid, forbidden or limited. */
  find(name: string | undefined, needed: Needed): Principal {
    const record = name === undefined ? undefined : this.#options.lookup.tenantByName(name);
    if (record === undefined) return this.#findNamed(name ?? DEFAULT_TENANT, needed);
    checkActive(record);
    return this.#keptPrincipal(record);
  }

  /** As Authenticator.admit. */
  admit(tenant: TenantId): void {
    const record = this.#options.lookup.tenant(tenant);
    if (record === undefined) this.#findNamed(tenant, 'write');
    else checkActive(record);
  }

  #keptPrincipal(record: TenantRecord): Principal {
    let principal = this.#kept.get(record) ?? this.#named.get(record.id);
    if (principal === undefined)
      this.#kept.set(record, (principal = this.#options.principal(record.id)));
    return principal;
  }

  /** Those that are gone make room for others. */
  #forgetRemoved(): void {
    for (const id of this.#named.keys())
      if (id !== DEFAULT_TENANT && this.#options.lookup.isRemoved(id)) this.#named.delete(id);
  }

  #findNamed(tenant: TenantId, needed: Needed): Principal {
    const { lookup, countMax } = this.#options;
    // The id of a tenant that has another name now, or of one whose data is gone.
    if (
      tenant !== DEFAULT_TENANT &&
      (lookup.tenant(tenant) !== undefined || lookup.isRemoved(tenant))
    )
      throw new AppError(
        'forbidden',
        'no-such-tenant',
        `the tenant "${tenant}" was renamed or removed`,
      );
    const known = this.#named.get(tenant);
    if (known !== undefined) return known;
    if (!TENANT_ID_PATTERN.test(tenant))
      throw new AppError(
        'invalid',
        'tenant-name',
        'X-Scope-OrgID must be 1 to 128 characters of a-z, A-Z, 0-9, "_", "-" and ".", ' +
          'not starting with "."',
      );
    const principal = this.#options.principal(tenant);
    if (needed !== 'write') return principal;
    if (this.#named.size >= countMax) this.#forgetRemoved();
    if (this.#named.size >= countMax)
      throw new AppError(
        'limited',
        'tenant-count',
        `at most ${countMax} tenants come by a header and "${tenant}" would be one more: create it`,
        { retryable: false },
      );
    this.#named.set(tenant, principal);
    return principal;
  }
}

/** Throws AppError forbidden where the tenant is suspended or being deleted. */
export function checkActive({ name, state }: TenantRecord): void {
  if (state === 'active') return;
  const what = state === 'suspended' ? 'is suspended' : 'is being deleted';
  throw new AppError('forbidden', `tenant-${state}`, `the tenant "${name}" ${what}`);
}
