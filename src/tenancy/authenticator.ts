// One authenticator at the door makes a Principal from what a request presents. Protocols only
// collect credentials; what they are worth is decided here. Open mode (this file) trusts everyone
// that reached the listener: the tenant is what `X-Scope-OrgID` names, else `default`. A tenant
// comes into being with its first write; reading one that does not exist creates nothing.
import { AppError } from '../model/errors.ts';
import { DEFAULT_TENANT, openPrincipal, TENANT_ID_PATTERN } from '../model/tenant.ts';
import type { Permission, Principal, TenantId } from '../model/tenant.ts';
import { OPEN_TENANTS_MAX } from './limits.ts';

/** What a request presents, collected by the front door of any protocol. */
export interface Credentials {
  /** Content of `X-Scope-OrgID` (or the protocol's way to name a tenant); undefined: not named. */
  readonly tenant: string | undefined;
  /** Bearer token, basic password or the protocol's own place for a secret; undefined: none. */
  readonly token: string | undefined;
}

export interface Authenticator {
  /**
   * The principal of a request that needs `permission`. Throws AppError unauthenticated, forbidden,
   * invalid (the tenant's name) or limited (too many tenants).
   */
  authenticate(credentials: Credentials, permission: Permission): Principal;
}

export class OpenAuthenticator implements Authenticator {
  readonly #principals = new Map<TenantId, Principal>();

  /** `known`: tenants that hold data already; they count towards the bound. */
  constructor(known: Iterable<TenantId>) {
    for (const tenant of known) this.#principals.set(tenant, openPrincipal(tenant));
    this.#principals.set(DEFAULT_TENANT, openPrincipal(DEFAULT_TENANT));
  }

  get tenantCount(): number {
    return this.#principals.size;
  }

  authenticate(credentials: Credentials, permission: Permission): Principal {
    const tenant = credentials.tenant ?? DEFAULT_TENANT;
    const known = this.#principals.get(tenant);
    if (known !== undefined) return known;
    if (!TENANT_ID_PATTERN.test(tenant))
      throw new AppError(
        'invalid',
        'tenant-name',
        'X-Scope-OrgID must be 1 to 128 characters of a-z, A-Z, 0-9, "_", "-" and ".", ' +
          'not starting with "."',
      );
    const principal = openPrincipal(tenant);
    if (permission !== 'write') return principal;
    if (this.#principals.size >= OPEN_TENANTS_MAX)
      throw new AppError(
        'limited',
        'tenant-count',
        `open mode creates at most ${OPEN_TENANTS_MAX} tenants and "${tenant}" would be one more`,
        { retryable: false },
      );
    this.#principals.set(tenant, principal);
    return principal;
  }
}
