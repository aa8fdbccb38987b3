// `GET /orrery/v1/storage`: parts by level, logs, the merge under way, space on the disk.
import type { Storage } from '../../model/storage.ts';
import type { TenancyStore } from '../../tenancy/tenancy-store.ts';
import type { Exchange } from '../http/exchange.ts';

export interface HouseDependencies {
  readonly storage: Storage;
  readonly tenancy: Pick<TenancyStore, 'isRemoved'>;
}

export async function showStorage(
  { storage, tenancy }: HouseDependencies,
  exchange: Exchange,
): Promise<void> {
  const shards = storage.house().map(({ merge, disk, ...shard }) => ({
    ...shard,
    /** Bytes written per byte flushed, since the start. */
    writeAmplification:
      shard.flushedBytes === 0 ? null : 1 + shard.rewrittenBytes / shard.flushedBytes,
    merge: merge ?? null,
    disk: disk ?? null,
  }));
  // A shard lists every tenant that it has seen.
  const tenants = storage.tenants().filter((id) => !tenancy.isRemoved(id)).length;
  exchange.sendJson(200, { tenants, shards });
}
