// Removes a tenant with its data: first nobody may use it any more (state 'deleting', which
// survives a crash), then what other rooms keep of it goes, then all of its points, whose files are
// written anew, then it is proven that nothing is left, and only then do the record and its tokens
// go. A removal that was cut short begins again at the start; every step may be done twice.
import { AppError } from '../model/errors.ts';
import type { AppendOptions, DeleteRequest, Storage } from '../model/storage.ts';
import { openPrincipal } from '../model/tenant.ts';
import type { TenantId } from '../model/tenant.ts';
import { errorMessage } from '../stdx/assert.ts';
import type { Logger } from '../telemetry/logger.ts';
import { SERVER_ACTOR } from './audit.ts';
import type { Actor } from './audit.ts';
import { REMOVAL_ROUNDS_MAX } from './limits.ts';
import type { Forced, TenancyStore } from './tenancy-store.ts';

/** What a search for points of the tenant found after its removal. */
export interface RemovalProof {
  readonly seriesLeft: number;
  readonly pointsLeft: number;
}

export interface TenantRemovalParts {
  readonly store: TenancyStore;
  readonly storage: Storage;
  /** Removes what other rooms keep of a tenant; may be called again. */
  readonly forget: (tenant: TenantId) => Promise<void>;
  readonly logger: Logger;
}

const ALL = {
  matchers: [],
  startUs: Number.NEGATIVE_INFINITY,
  endUs: Number.POSITIVE_INFINITY,
} as const;

export class TenantRemoval {
  readonly #parts: TenantRemovalParts;
  readonly #running = new Map<TenantId, Promise<RemovalProof>>();

  constructor(parts: TenantRemovalParts) {
    this.#parts = parts;
  }

  /** Goes on where a crash or an error had cut it short, in the background. */
  resume(): void {
    const { store, logger } = this.#parts;
    for (const { id, state } of store.tenants()) {
      if (state !== 'deleting') continue;
      this.remove(id, SERVER_ACTOR).catch((error: unknown) => {
        const fields = { tenant: id, error: errorMessage(error) };
        logger.warn('the deletion of a tenant goes on at the next start', fields);
      });
    }
  }

  /** Joins a removal that is under way. Where it fails the tenant stays in state 'deleting'. */
  async remove(id: TenantId, by: Actor, forced: Forced = {}): Promise<RemovalProof> {
    const running = this.#running.get(id);
    if (running !== undefined) return await running;
    const removal = this.#remove(id, by, forced).finally(() => this.#running.delete(id));
    this.#running.set(id, removal);
    return await removal;
  }

  async #remove(id: TenantId, by: Actor, forced: Forced): Promise<RemovalProof> {
    const { store, storage, forget } = this.#parts;
    await store.beginRemoval(id, by, forced);
    await forget(id);
    await store.forgetDeletes(id);
    const proof = await this.#removeData(id);
    await storage.setRetention(id, undefined);
    await store.endRemoval(id, by, proof);
    return proof;
  }

  async #removeData(id: TenantId): Promise<RemovalProof> {
    const { storage } = this.#parts;
    const options: AppendOptions = {
      principal: openPrincipal(id),
      durability: 'sync',
      protocol: 'orrery',
      batchId: undefined,
    };
    const ask = (more: Pick<DeleteRequest, 'dryRun' | 'skipCounts'>) =>
      storage.delete({ ...ALL, ...more }, options);
    for (let round = 0; round < REMOVAL_ROUNDS_MAX; round++) {
      await ask({ dryRun: false, skipCounts: true });
      await storage.cleanTombstones();
      const { seriesCount, pointCount } = await ask({ dryRun: true });
      if (seriesCount === 0) return { seriesLeft: seriesCount, pointsLeft: pointCount };
    }
    throw new AppError(
      'unavailable',
      'tenant-written',
      'the tenant is still being written to: its deletion goes on when it is asked for again, ' +
        'or at the next start',
      { retryAfterSec: 5 },
    );
  }
}
