// `--auth trusted-header`: a gateway in front has found out who is asking and names the tenant in
// `X-Scope-OrgID`. It is believed where the request comes from one of the addresses that are named
// for it. Such a request may do everything with its tenant but administer; whoever presents a token
// of this server is who the token says, wherever it comes from.
import { AppError } from '../model/errors.ts';
import { openPrincipal } from '../model/tenant.ts';
import type { Needed, Permission, Principal, TenantId } from '../model/tenant.ts';
import { checkPermission } from './authenticator.ts';
import type { Authenticator, Credentials } from './authenticator.ts';
import { HEADER_TENANTS_MAX } from './limits.ts';
import { NamedTenants } from './named-tenants.ts';
import type { TenantLookup } from './tenant-lookup.ts';
import { parseToken } from './token.ts';

export interface HeaderAuthenticatorParts {
  /** Tenants that hold data already. */
  readonly known: Iterable<TenantId>;
  readonly lookup: TenantLookup;
  /** Does the gateway have this address? */
  readonly isTrusted: (peer: string) => boolean;
  /** Of requests that present a token. */
  readonly tokens: Authenticator;
}

const PERMISSIONS: ReadonlySet<Permission> = new Set<Permission>([
  'read',
  'write',
  'delete',
  'rules',
]);

const NO_TENANT = new AppError(
  'unauthenticated',
  'no-tenant',
  'X-Scope-OrgID must name a tenant, or a token must be presented',
);

export class HeaderAuthenticator implements Authenticator {
  readonly #parts: HeaderAuthenticatorParts;
  readonly #tenants: NamedTenants;

  constructor(parts: HeaderAuthenticatorParts) {
    const { known, lookup } = parts;
    this.#parts = parts;
    this.#tenants = new NamedTenants({
      known,
      lookup,
      countMax: HEADER_TENANTS_MAX,
      principal: (tenant) => ({ ...openPrincipal(tenant), permissions: PERMISSIONS }),
    });
  }

  authenticate(credentials: Credentials, needed: Needed): Principal {
    const { tenant, token, peer } = credentials;
    // A gateway may pass on what its own clients present to it.
    if (token !== undefined && parseToken(token) !== undefined)
      return this.#parts.tokens.authenticate(credentials, needed);
    if (!this.#parts.isTrusted(peer))
      throw new AppError(
        'unauthenticated',
        'source-not-trusted',
        'requests from this address must present a token',
      );
    if (tenant === undefined || tenant === '') throw NO_TENANT;
    const principal = this.#tenants.find(tenant, needed);
    checkPermission(principal, needed);
    return principal;
  }

  admit(tenant: TenantId): void {
    this.#tenants.admit(tenant);
  }
}
