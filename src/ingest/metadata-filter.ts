// Metadata arrives with every scrape and every minute of remote write but rarely changes. What a
// tenant's storage was last told about a family is remembered, so that the log is not filled with
// it. A cache: forgetting costs one more log row per family.
import type { Metadata, WriteBatch } from '../model/columns.ts';
import type { TenantId } from '../model/tenant.ts';
import { METADATA_FAMILIES_MAX, METADATA_TENANTS_MAX } from './limits.ts';

/** How many of so many rows that are not known yet may be stored. */
export type MetadataQuota = (tenant: TenantId, count: number) => number;

export class MetadataFilter {
  readonly #byTenant = new Map<TenantId, Map<string, Metadata>>();
  readonly #quota: MetadataQuota;

  constructor(quota: MetadataQuota = (_tenant, count) => count) {
    this.#quota = quota;
  }

  /**
   * The batch without metadata that is already known; of the rest what the quota lets through is
   * known from now on.
   */
  filter(tenant: TenantId, batch: WriteBatch): WriteBatch {
    if (batch.metadata.length === 0) return batch;
    const known = this.#familiesOf(tenant);
    const unknown = batch.metadata.filter((row) => !isSame(known.get(row.family), row));
    const count = unknown.length === 0 ? 0 : this.#quota(tenant, unknown.length);
    const fresh = unknown.slice(0, count);
    for (const row of fresh) {
      if (known.size >= METADATA_FAMILIES_MAX) known.clear();
      known.set(row.family, row);
    }
    return { ...batch, metadata: fresh };
  }

  forget(tenant: TenantId): void {
    this.#byTenant.delete(tenant);
  }

  #familiesOf(tenant: TenantId): Map<string, Metadata> {
    let families = this.#byTenant.get(tenant);
    if (families === undefined) {
      if (this.#byTenant.size >= METADATA_TENANTS_MAX) this.#byTenant.clear();
      families = new Map();
      this.#byTenant.set(tenant, families);
    }
    return families;
  }
}

function isSame(a: Metadata | undefined, b: Metadata): boolean {
  return a !== undefined && a.type === b.type && a.unit === b.unit && a.help === b.help;
}
