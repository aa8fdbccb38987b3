// Which limits hold for whom: the server's own, and what the records of tenants and tokens say. The
// same object each time until something changes, so that holding it is enough to know that nothing
// did.
import type { TenantId } from '../model/tenant.ts';
import { LIMIT_IDS, LIMITS, tenantLimits, tokenLimits } from './limit-table.ts';
import type { EffectiveLimits, LimitId, LimitValues } from './limit-table.ts';

/** Limits of those that have some of their own; of the others nothing is known here. */
export interface LimitRecords {
  tenant(id: TenantId): { readonly limits: LimitValues } | undefined;
  token(id: string): { readonly limits: LimitValues } | undefined;
}

/** Limits of one tenant and of its tokens, for threads that have no records. */
export interface TenantLimits {
  readonly tenant: TenantId;
  readonly limits: LimitValues;
  readonly tokens: readonly (readonly [string, LimitValues])[];
}

/** Who set the value that holds. */
export type LimitOrigin = 'default' | 'server' | 'tenant' | 'token';

/** Whose word on a limit the last one is; a token's counts where it is lower. */
export interface SourcedLimit {
  readonly value: number;
  readonly source: LimitOrigin;
}

/** What other threads were told. */
export class LimitCopy implements LimitRecords {
  readonly #tenants = new Map<TenantId, TenantLimits>();
  readonly #tokens = new Map<string, { readonly limits: LimitValues }>();

  tenant(id: TenantId): TenantLimits | undefined {
    return this.#tenants.get(id);
  }

  token(id: string): { readonly limits: LimitValues } | undefined {
    return this.#tokens.get(id);
  }

  set(told: TenantLimits): void {
    for (const [id] of this.#tenants.get(told.tenant)?.tokens ?? []) this.#tokens.delete(id);
    if (told.tokens.length === 0 && Object.keys(told.limits).length === 0)
      this.#tenants.delete(told.tenant);
    else this.#tenants.set(told.tenant, told);
    for (const [id, limits] of told.tokens) this.#tokens.set(id, { limits });
  }
}

const NO_RECORDS: LimitRecords = { tenant: () => undefined, token: () => undefined };

export class LimitBook {
  readonly #server: LimitValues;
  readonly #ofServer: EffectiveLimits;
  #records = NO_RECORDS;
  /** Of those that have records with limits. */
  readonly #tenants = new Map<TenantId, EffectiveLimits>();
  readonly #tokens = new Map<TenantId, Map<string, EffectiveLimits>>();

  constructor(server: LimitValues) {
    this.#server = server;
    this.#ofServer = tenantLimits(server);
  }

  /** From now on these are asked. */
  readFrom(records: LimitRecords): void {
    this.#records = records;
    this.#tenants.clear();
    this.#tokens.clear();
  }

  /** As LimitSource. */
  of(tenant: TenantId, tokenId: string): EffectiveLimits {
    const ofTenant = this.#ofTenant(tenant);
    if (tokenId === '') return ofTenant;
    const known = this.#tokens.get(tenant)?.get(tokenId);
    if (known !== undefined) return known;
    const own = this.#records.token(tokenId)?.limits;
    if (own === undefined || Object.keys(own).length === 0) return ofTenant;
    const limits = tokenLimits(ofTenant, own);
    const tokens = this.#tokens.get(tenant) ?? new Map<string, EffectiveLimits>();
    this.#tokens.set(tenant, tokens);
    tokens.set(tokenId, limits);
    return limits;
  }

  #ofTenant(tenant: TenantId): EffectiveLimits {
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known;
    const own = this.#records.tenant(tenant)?.limits;
    if (own === undefined || Object.keys(own).length === 0) return this.#ofServer;
    const limits = tenantLimits(this.#server, own);
    this.#tenants.set(tenant, limits);
    return limits;
  }

  /** Every limit that holds, and who set it. */
  sourced(tenant: TenantId, tokenId: string): ReadonlyMap<LimitId, SourcedLimit> {
    const values = this.of(tenant, tokenId);
    const ofTenant = this.of(tenant, '');
    const own = this.#records.tenant(tenant)?.limits ?? {};
    const sourceOf = (id: LimitId): LimitOrigin => {
      if (values[id] !== ofTenant[id]) return 'token';
      if (Object.hasOwn(own, id)) return 'tenant';
      if (Object.hasOwn(this.#server, id) && values[id] !== LIMITS[id].fallback) return 'server';
      return 'default';
    };
    return new Map(LIMIT_IDS.map((id) => [id, { value: values[id], source: sourceOf(id) }]));
  }

  /** The record of the tenant, or of a token of it, is another one. */
  changed(tenant: TenantId): void {
    this.#tenants.delete(tenant);
    this.#tokens.delete(tenant);
  }
}
