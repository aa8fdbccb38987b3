// `POST|PUT /api/v1/admin/tsdb/delete_series?match[]=…&start=…&end=…`: 204 when the deletes are
// durable. `POST|PUT /api/v1/admin/tsdb/clean_tombstones`: 204 when no file holds them any more.
import { AppError } from '../../model/errors.ts';
import type { Storage, StorageWriter } from '../../model/storage.ts';
import { deleteDeed } from '../http/deeds.ts';
import type { Exchange } from '../http/exchange.ts';
import { rangeParams, selectorParams } from './params.ts';

export async function deleteSeries(
  deps: { readonly storage: StorageWriter },
  exchange: Exchange,
): Promise<void> {
  const params = await exchange.form();
  const selectors = await selectorParams(params);
  if (selectors.length === 0)
    throw new AppError('invalid', 'parameter', 'no match[] parameter provided');
  // Prometheus knows no dry run: who asks for one must not lose what they ask about.
  if (params.has('dry_run'))
    throw new AppError(
      'invalid',
      'parameter',
      'delete_series deletes at once; a dry run is POST /orrery/v1/delete?dry_run=1',
    );
  const range = rangeParams(params);
  const options = {
    principal: exchange.principal,
    durability: 'sync',
    protocol: 'prometheus-admin',
    batchId: undefined,
  } as const;
  const deed = deleteDeed('prometheus', params.getAll('match[]'), params);
  await exchange.deed(deed, async () => {
    for (const matchers of selectors)
      await deps.storage.delete({ ...range, matchers, dryRun: false, skipCounts: true }, options);
  });
  exchange.send({ status: 204 });
}

export async function cleanTombstones(
  deps: { readonly storage: Pick<Storage, 'cleanTombstones'> },
  exchange: Exchange,
): Promise<void> {
  await exchange.body();
  const deed = { action: 'server.clean', tenants: [] } as const;
  await exchange.deed(deed, () => deps.storage.cleanTombstones());
  exchange.send({ status: 204 });
}
