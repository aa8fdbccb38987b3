// `--auth token`: a token says who is asking, and nothing else does. Of a tenant's name in a header
// only one of the token's own tenants is taken.
//
// Invariants. Restrictions only narrow. What is asked is looked up anew for every request, so a
// change of a record is in force with the request behind it. One Principal per token and tenant
// lives as long as the token's record. Unknown ids and wrong secrets cost the same.
import { AppError } from '../model/errors.ts';
import { labelsFromObject } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { Needed, Permission, Principal, TenantId } from '../model/tenant.ts';
import type { Clock } from '../stdx/clock.ts';
import { checkPermission } from './authenticator.ts';
import type { Authenticator, Credentials } from './authenticator.ts';
import { checkActive } from './named-tenants.ts';
import type { TokenRecord } from './records.ts';
import type { TokenLookup } from './tenant-lookup.ts';
import { isSameToken, isSecretOf, NO_TOKEN, parseToken, tokenIdOf } from './token.ts';

export interface TokenAuthenticatorParts {
  readonly lookup: TokenLookup;
  readonly clock: Clock;
  /** All matchers of a selector such as `{env="prod"}`; throws where it is none. */
  readonly matchersOf: (selector: string) => readonly Matcher[];
  /** Default: `isSecretOf`; asked once for whatever has the form of a token. */
  readonly compare?: typeof isSecretOf;
}

/** Is compared with where there is no record: no secret has it. */
const NO_HASH = '0'.repeat(64);

/** Made once: a stack for each bad token would cost more than everything else about it. */
const REFUSALS = {
  missing: unauthenticated('token-missing', 'this server asks for a token: none was presented'),
  // The same words for all that somebody may try.
  unknown: unauthenticated('token-unknown', 'the token is not valid'),
  // Only the one who has the secret hears these.
  revoked: unauthenticated('token-revoked', 'the token was revoked'),
  early: unauthenticated('token-early', 'the token is not valid yet'),
  expired: unauthenticated('token-expired', 'the token has expired'),
} as const;

function unauthenticated(code: string, message: string): AppError {
  return new AppError('unauthenticated', code, message);
}

export class TokenAuthenticator implements Authenticator {
  readonly #parts: TokenAuthenticatorParts;
  /** By record: a change makes another record, and with it other principals. */
  readonly #principals = new WeakMap<TokenRecord, Map<TenantId, Principal>>();

  /**
   * The token that was found right for a record, for as long as the record lives: its hash takes
   * longer than the rest of a small write's admission. It is compared as the hash is.
   */
  readonly #shown = new WeakMap<TokenRecord, string>();

  constructor(parts: TokenAuthenticatorParts) {
    this.#parts = parts;
  }

  authenticate({ token, tenant: name }: Credentials, needed: Needed): Principal {
    const record = this.#recordOf(token);
    const principal = this.#principal(record, this.#tenantOf(record, name));
    checkPermission(principal, needed);
    return principal;
  }

  admit(tenant: TenantId): void {
    const record = this.#parts.lookup.tenant(tenant);
    if (record === undefined) throw noTenant(tenant);
    checkActive(record);
  }

  #recordOf(text: string | undefined): TokenRecord {
    if (text === undefined || text === '') throw REFUSALS.missing;
    const asked = this.#parts.lookup.token(tokenIdOf(text));
    const shown = asked && this.#shown.get(asked);
    const isKnown = isSameToken(text, shown ?? NO_TOKEN);
    const record = asked !== undefined && isKnown ? asked : this.#verify(text);
    const { revokedMs, notBeforeMs, expiresMs } = record;
    if (revokedMs !== undefined) throw REFUSALS.revoked;
    if (notBeforeMs === undefined && expiresMs === undefined) return record;
    const nowMs = this.#parts.clock.nowMs();
    if (notBeforeMs !== undefined && nowMs < notBeforeMs) throw REFUSALS.early;
    if (expiresMs !== undefined && nowMs >= expiresMs) throw REFUSALS.expired;
    return record;
  }

  #verify(text: string): TokenRecord {
    const parsed = parseToken(text);
    if (parsed === undefined) throw REFUSALS.unknown;
    const record = this.#parts.lookup.token(parsed.id);
    const { compare = isSecretOf } = this.#parts;
    const isRight = compare(parsed.secret, record?.hash ?? NO_HASH);
    if (record === undefined || !isRight) throw REFUSALS.unknown;
    this.#shown.set(record, text);
    return record;
  }

  #tenantOf({ tenants }: TokenRecord, name: string | undefined): TenantId {
    const { lookup } = this.#parts;
    const record = name === undefined ? lookup.tenant(tenants[0] ?? '') : lookup.tenantByName(name);
    if (record === undefined || !tenants.includes(record.id)) throw noTenant(name ?? '');
    checkActive(record);
    return record.id;
  }

  #principal(record: TokenRecord, tenant: TenantId): Principal {
    let byTenant = this.#principals.get(record);
    if (byTenant === undefined) this.#principals.set(record, (byTenant = new Map()));
    let principal = byTenant.get(tenant);
    if (principal === undefined)
      byTenant.set(tenant, (principal = this.#makePrincipal(record, tenant)));
    return principal;
  }

  #makePrincipal(record: TokenRecord, tenant: TenantId): Principal {
    const { id: tokenId, application, labels, minTUs = -Infinity, maxTUs = Infinity } = record;
    return {
      tenant,
      tokenId,
      application,
      permissions: permissionsOf(record),
      forcedLabels: labelsFromObject(labels),
      forcedMatchers: this.#matchersOf(record),
      minTUs,
      maxTUs,
    };
  }

  #matchersOf({ id, matchers }: TokenRecord): readonly Matcher[] {
    try {
      return matchers.flatMap((selector) => this.#parts.matchersOf(selector));
    } catch (error) {
      const message = `the restrictions of the token ${id} are not understood`;
      throw new AppError('forbidden', 'token-restrictions', message, { cause: error });
    }
  }
}

/** Several tenants may only be read together. */
function permissionsOf({ tenants, permissions }: TokenRecord): ReadonlySet<Permission> {
  return new Set(tenants.length === 1 ? permissions : permissions.filter((one) => one === 'read'));
}

/** The same whether there is such a tenant or not. */
function noTenant(name: string): AppError {
  return new AppError(
    'forbidden',
    'tenant-not-in-token',
    `the token is not one of the tenant ${JSON.stringify(name.slice(0, 200))}`,
  );
}
