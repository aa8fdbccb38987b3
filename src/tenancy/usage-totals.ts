// What was used since the process started, for the series that tell a tenant of its use: counters
// that begin at 0 with each start, as all counters of Prometheus may.
import type { TenantId } from '../model/tenant.ts';
import { USAGE_TOTALS_MAX, USAGE_TOTALS_TENANTS_MAX } from './limits.ts';
import type { UsageKey, UsageValue } from './usage-rows.ts';

/** Sums of one token and protocol of a tenant. */
export interface UsageTotal {
  readonly tokenId: string;
  readonly protocol: string;
  readonly values: Partial<Record<UsageValue, number>>;
}

/** Where a tenant has more tokens and protocols than are told apart. */
const OTHERS = { tokenId: 'other', protocol: '' };

export class UsageTotals {
  readonly #byTenant = new Map<TenantId, Map<string, UsageTotal>>();
  readonly #onGone: () => void;

  /** `onGone`: sums that `of` gave are told no more. */
  constructor(onGone: () => void = () => {}) {
    this.#onGone = onGone;
  }

  /** The sums of a key, to be added to. */
  of({ tenant, tokenId, protocol }: UsageKey): UsageTotal['values'] {
    let totals = this.#byTenant.get(tenant);
    if (totals === undefined) {
      const [oldest] = this.#byTenant.keys();
      if (this.#byTenant.size >= USAGE_TOTALS_TENANTS_MAX) this.forget(oldest!);
      this.#byTenant.set(tenant, (totals = new Map()));
    }
    const known = totals.get(`${tokenId}/${protocol}`);
    if (known !== undefined) return known.values;
    const name = totals.size < USAGE_TOTALS_MAX ? { tokenId, protocol } : OTHERS;
    const key = `${name.tokenId}/${name.protocol}`;
    let total = totals.get(key);
    if (total === undefined) totals.set(key, (total = { ...name, values: {} }));
    return total.values;
  }

  forget(tenant: TenantId): void {
    if (this.#byTenant.delete(tenant)) this.#onGone();
  }

  all(tenant: TenantId): readonly UsageTotal[] {
    return [...(this.#byTenant.get(tenant)?.values() ?? [])];
  }
}
