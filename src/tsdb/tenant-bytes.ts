// Whose bytes a generation of the head has: by tenant those of the log records that filled it. What
// they take in memory is about in proportion, which is all that is asked: who has most of it.
import type { TenantId } from '../model/tenant.ts';

export class TenantBytes {
  readonly #bytes = new Map<TenantId, number>();
  #sum = 0;

  add(tenant: TenantId, sizeBytes: number): void {
    this.#bytes.set(tenant, (this.#bytes.get(tenant) ?? 0) + sizeBytes);
    this.#sum += sizeBytes;
  }

  /** 0 to 1. */
  shareOf(tenant: TenantId): number {
    return this.#sum === 0 ? 0 : (this.#bytes.get(tenant) ?? 0) / this.#sum;
  }
}
