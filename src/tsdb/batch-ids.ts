// Batch ids that must not be applied again: remembered for ten minutes and while at or above the
// frontier, at most BATCH_IDS_MAX a tenant (the oldest go first). Insertion order is log order.
import { BATCH_IDS_MAX, BATCH_ID_MEMORY_MS } from './limits.ts';
import type { BatchId } from './catalog-rows.ts';
import type { TenantId } from '../model/tenant.ts';

export class BatchIds {
  readonly #tenants = new Map<TenantId, Map<string, BatchId>>();
  /** Writes on their way, by tenant and id. */
  readonly #pending = new Map<string, Promise<void>>();

  has(tenant: TenantId, id: string): boolean {
    return this.#tenants.get(tenant)?.has(id) ?? false;
  }

  /** Resolves when the write with that id that is under way has succeeded or failed. */
  pending(tenant: TenantId, id: string): Promise<void> | undefined {
    return this.#pending.get(`${tenant} ${id}`);
  }

  setPending(tenant: TenantId, id: string, outcome: Promise<void>): void {
    const key = `${tenant} ${id}`;
    const forget = (): void => {
      this.#pending.delete(key);
    };
    this.#pending.set(key, outcome.then(forget, forget));
  }

  add(tenant: TenantId, one: BatchId): void {
    let ids = this.#tenants.get(tenant);
    if (ids === undefined) this.#tenants.set(tenant, (ids = new Map()));
    ids.set(one.id, one);
    if (ids.size > BATCH_IDS_MAX) {
      const [oldest] = ids.keys();
      ids.delete(oldest!);
    }
  }

  /** Forgets ids below the frontier that are older than BATCH_ID_MEMORY_MS. */
  expire(nowMs: number, frontier: number): void {
    for (const [tenant, ids] of this.#tenants) {
      for (const [id, one] of ids) {
        if (one.offset >= frontier || nowMs - one.seenMs < BATCH_ID_MEMORY_MS) break;
        ids.delete(id);
      }
      if (ids.size === 0) this.#tenants.delete(tenant);
    }
  }

  /** Ids of [seqMin, seqMax) that are still young. */
  young(nowMs: number, seqMin: number, seqMax: number): Map<TenantId, BatchId[]> {
    const out = new Map<TenantId, BatchId[]>();
    for (const [tenant, ids] of this.#tenants) {
      const young = [...ids.values()].filter(
        (one) =>
          one.offset >= seqMin && one.offset < seqMax && nowMs - one.seenMs < BATCH_ID_MEMORY_MS,
      );
      if (young.length > 0) out.set(tenant, young);
    }
    return out;
  }

  /** Every id with its tenant, in log order for each tenant; goes on while ids come. */
  *all(): Generator<readonly [TenantId, BatchId], void, undefined> {
    for (const [tenant, ids] of this.#tenants) for (const one of ids.values()) yield [tenant, one];
  }
}
