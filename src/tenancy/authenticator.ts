// One authenticator at the door makes a Principal from what a request presents. Protocols only
// collect credentials; what they are worth is decided here. Open mode (this file) trusts everyone
// that reached the listener: the tenant is what `X-Scope-OrgID` names, else `default`.
import { AppError } from '../model/errors.ts';
import { openPrincipal } from '../model/tenant.ts';
import type { Needed, Principal, TenantId } from '../model/tenant.ts';
import { OPEN_TENANTS_MAX } from './limits.ts';
import { NamedTenants, NO_TENANTS } from './named-tenants.ts';
import type { TenantLookup } from './tenant-lookup.ts';

/** What a request presents, collected by the front door of any protocol. */
export interface Credentials {
  /** Content of `X-Scope-OrgID` (or the protocol's way to name a tenant); undefined: not named. */
  readonly tenant: string | undefined;
  /** Bearer token, basic password or the protocol's own place for a secret; undefined: none. */
  readonly token: string | undefined;
  /** Address the request comes from; '' where nobody knows. */
  readonly peer: string;
}

export interface Authenticator {
  /**
   * The principal of a request that needs a permission. Throws AppError unauthenticated (nothing,
   * or nothing valid, is presented), forbidden, invalid (the tenant's name) or limited (too many
   * tenants).
   */
  authenticate(credentials: Credentials, needed: Needed): Principal;
  /**
   * Throws AppError where nothing may be written to the tenant: asked where writes come together
   * that were admitted elsewhere.
   */
  admit(tenant: TenantId): void;
}

export class OpenAuthenticator implements Authenticator {
  readonly #tenants: NamedTenants;

  /** `known`: tenants that hold data already; they count towards the bound. */
  constructor(known: Iterable<TenantId>, lookup: TenantLookup = NO_TENANTS) {
    this.#tenants = new NamedTenants({
      known,
      lookup,
      countMax: OPEN_TENANTS_MAX,
      principal: openPrincipal,
    });
  }

  get tenantCount(): number {
    return this.#tenants.count;
  }

  authenticate({ tenant }: Credentials, needed: Needed): Principal {
    return this.#tenants.find(tenant, needed);
  }

  admit(tenant: TenantId): void {
    this.#tenants.admit(tenant);
  }
}

/** What an admin may do, too; whether it is one of the whole server, the door asks. */
const OF_ADMINS: ReadonlySet<Needed> = new Set(['metrics', 'rules']);

/** Throws AppError forbidden where the principal lacks what is needed. */
export function checkPermission(principal: Principal, needed: Needed): void {
  const { permissions } = principal;
  if (needed === 'any' || permissions.has(needed)) return;
  if (OF_ADMINS.has(needed) && permissions.has('admin')) return;
  throw new AppError(
    'forbidden',
    'permission-missing',
    `this needs the permission "${needed}", which ${
      principal.tokenId === '' ? 'is not given here' : `the token ${principal.tokenId} has not`
    }`,
  );
}
