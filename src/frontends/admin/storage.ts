// `GET /orrery/v1/storage`: parts by level, logs, the merge under way, space on the disk.
import type { Storage } from '../../model/storage.ts';
import type { Exchange } from '../http/exchange.ts';

export async function showStorage(storage: Storage, exchange: Exchange): Promise<void> {
  const shards = storage.house().map(({ merge, disk, ...shard }) => ({
    ...shard,
    /** Bytes written per byte flushed, since the start. */
    writeAmplification:
      shard.flushedBytes === 0 ? null : 1 + shard.rewrittenBytes / shard.flushedBytes,
    merge: merge ?? null,
    disk: disk ?? null,
  }));
  exchange.sendJson(200, { tenants: storage.tenants().length, shards });
}
