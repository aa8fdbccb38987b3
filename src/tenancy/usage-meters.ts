// What is counted now, found by tenant, token and protocol as they come: no text is put together
// for a request, and the texts that principals hold know their hashes.
import type { TenantId } from '../model/tenant.ts';
import type { UsageKey, UsageValue } from './usage-rows.ts';

export type Sums = Partial<Record<UsageValue, number>>;

export interface Meter {
  readonly hourMs: number;
  /** Of the open chunk and the hour. */
  readonly row: Sums;
  /** Since the start. */
  readonly total: Sums;
}

/** Of one chunk, whose bound is theirs. */
export class UsageMeters {
  readonly #byTenant = new Map<TenantId, Map<string, Map<string, Meter>>>();

  find({ tenant, tokenId, protocol }: UsageKey): Meter | undefined {
    return this.#byTenant.get(tenant)?.get(tokenId)?.get(protocol);
  }

  put({ tenant, tokenId, protocol }: UsageKey, meter: Meter): void {
    let ofTenant = this.#byTenant.get(tenant);
    if (ofTenant === undefined) this.#byTenant.set(tenant, (ofTenant = new Map()));
    let ofToken = ofTenant.get(tokenId);
    if (ofToken === undefined) ofTenant.set(tokenId, (ofToken = new Map()));
    ofToken.set(protocol, meter);
  }

  clear(): void {
    this.#byTenant.clear();
  }
}
