// The rules of all tenants in one thread, compiled: a tenant's own, else the default for all. What
// keeps them is relabel-store.ts.
import type { TenantId } from '../model/tenant.ts';
import { Relabeller } from '../relabel/relabelling.ts';
import type { RelabelRule } from '../relabel/rule.ts';
import type { RelabelSource } from './write-profiles.ts';

/** A tenant's rules as they cross threads. */
export interface TenantRules {
  /** undefined: these are the default. */
  readonly tenant: TenantId | undefined;
  readonly version: number;
  /** undefined: the default's. */
  readonly rules: readonly RelabelRule[] | undefined;
}

/** Of the default at the start, later ones count down; those of tenants begin at 1. */
export const DEFAULT_RULES_VERSION = 0;

export class RelabelTable implements RelabelSource {
  #fallback: Relabeller | undefined;
  readonly #byTenant = new Map<TenantId, Relabeller>();

  /** `fallback`: undefined or empty: no rules. */
  constructor(fallback: readonly RelabelRule[] | undefined) {
    this.#fallback = compiled(fallback, DEFAULT_RULES_VERSION);
  }

  of(tenant: TenantId): Relabeller | undefined {
    // Nearly every server has no rules at all.
    if (this.#byTenant.size === 0) return this.#fallback;
    const own = this.#byTenant.get(tenant);
    if (own === undefined) return this.#fallback;
    return own.rules.length === 0 ? undefined : own;
  }

  set({ tenant, version, rules }: TenantRules): void {
    if (tenant === undefined) this.#fallback = compiled(rules, version);
    else if (rules === undefined) this.#byTenant.delete(tenant);
    else this.#byTenant.set(tenant, new Relabeller(rules, version));
  }
}

function compiled(
  rules: readonly RelabelRule[] | undefined,
  version: number,
): Relabeller | undefined {
  return rules?.length ? new Relabeller(rules, version) : undefined;
}
