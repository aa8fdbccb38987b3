// `POST|PUT /api/v1/admin/tsdb/snapshot[?skip_head=BOOL]`: answered when the snapshot is complete
// in `DATA/snapshots/NAME`. Source: Prometheus docs/querying/api.md, "Snapshot".
import type { SnapshotKeeper } from '../../model/snapshots.ts';
import { createSnapshot } from '../admin/snapshots.ts';
import type { Exchange } from '../http/exchange.ts';
import { success } from './status.ts';

export async function takeSnapshot(snapshots: SnapshotKeeper, exchange: Exchange): Promise<void> {
  const { name } = await createSnapshot(snapshots, exchange);
  success(exchange, { name });
}
