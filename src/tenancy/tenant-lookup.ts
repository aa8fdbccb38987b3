// What an authenticator needs to know of tenants and tokens: the part of the store that it asks,
// and a copy of it for threads that have no store.
import type { TenantId } from '../model/tenant.ts';
import { REMOVED_IDS_KEPT } from './limits.ts';
import type { TenancyChange, TenantRecord, TokenRecord } from './records.ts';
import type { TenancyStore } from './tenancy-store.ts';

export type TenantLookup = Pick<TenancyStore, 'tenant' | 'tenantByName' | 'isRemoved'>;
export type TokenLookup = TenantLookup & Pick<TenancyStore, 'token'>;

/** All records at one moment; what comes after it comes as changes. */
export interface TenancyRecords {
  readonly tenants: readonly TenantRecord[];
  readonly tokens: readonly TokenRecord[];
}

export function recordsOf(store: Pick<TenancyStore, 'tenants' | 'tokensOf'>): TenancyRecords {
  const tenants = [...store.tenants()];
  const tokens = new Set(tenants.flatMap(({ id }) => [...store.tokensOf(id)]));
  return { tenants, tokens: [...tokens] };
}

export class TenancyCopy implements TokenLookup {
  readonly #tenants = new Map<TenantId, TenantRecord>();
  readonly #byName = new Map<string, TenantRecord>();
  readonly #tokens = new Map<string, TokenRecord>();
  /** Since the copy was made; those before it are refused where writes come together. */
  readonly #removed = new Set<TenantId>();

  constructor({ tenants, tokens }: TenancyRecords) {
    for (const record of tenants) this.apply({ kind: 'tenant', id: record.id, record });
    for (const record of tokens) this.apply({ kind: 'token', id: record.id, record });
  }

  tenant(id: TenantId): TenantRecord | undefined {
    return this.#tenants.get(id);
  }

  tenantByName(name: string): TenantRecord | undefined {
    return this.#byName.get(name);
  }

  isRemoved(id: TenantId): boolean {
    return this.#removed.has(id);
  }

  token(id: string): TokenRecord | undefined {
    return this.#tokens.get(id);
  }

  apply(change: TenancyChange): void {
    const { id, record } = change;
    if (change.kind === 'tenant') this.#putTenant(id, change.record);
    else if (change.record === undefined) this.#tokens.delete(id);
    else this.#tokens.set(id, change.record);
    if (change.kind === 'tenant' && record === undefined) this.#addRemoved(id);
  }

  #addRemoved(id: TenantId): void {
    this.#removed.add(id);
    const [oldest] = this.#removed;
    if (this.#removed.size > REMOVED_IDS_KEPT) this.#removed.delete(oldest!);
  }

  #putTenant(id: TenantId, record: TenantRecord | undefined): void {
    const before = this.#tenants.get(id);
    if (before !== undefined && this.#byName.get(before.name) === before)
      this.#byName.delete(before.name);
    if (record === undefined) {
      this.#tenants.delete(id);
      return;
    }
    this.#tenants.set(id, record);
    this.#byName.set(record.name, record);
  }
}
