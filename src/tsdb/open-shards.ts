// Opens the engine as a list of shards over one catalog and one blob store, each shard with a log
// of its own. How many there are is a row of the catalog (docs/decisions/0024): it is written by
// the first opening and never changed silently. One shard is opened as it is, without a composite.
import type { Catalog } from '../catalog/catalog.ts';
import type { Log } from '../log/log.ts';
import { FatalError } from '../stdx/assert.ts';
import { fromJson, toJson } from './catalog-rows.ts';
import { SHARDS_MAX } from './limits.ts';
import { OWNERSHIP_KEY } from './names.ts';
import { scaledRetention } from './retention.ts';
import { ShardedStorage } from './sharded-storage.ts';
import type { ShardStorage } from './sharded-storage.ts';
import type { HoldableStorage } from './snapshots.ts';
import { DEFAULT_TSDB_SETTINGS } from './settings.ts';
import { openTsdb, runLeafLazily } from './tsdb.ts';
import type { TsdbOptions } from './tsdb.ts';

export interface OpenShardsOptions extends Omit<TsdbOptions, 'log'> {
  /** undefined: as many as the data has; one where there is none yet. */
  readonly shardCount: number | undefined;
  /** Opens the log of a shard; shards are numbered from 0. */
  readonly openLog: (shard: number) => Promise<Log>;
}

/** Owns the planes from now on. Throws FatalError with a sentence where the data do not fit. */
export async function openShards(options: OpenShardsOptions): Promise<HoldableStorage> {
  const { shardCount: wanted, openLog, ...rest } = options;
  const { catalog, blobs } = rest;
  const shardCount = await claimOwnership(catalog, wanted);
  if (shardCount === 1) return openTsdb({ ...rest, log: await openLog(0) });
  const { headBytesMax, cacheBytes } = { ...DEFAULT_TSDB_SETTINGS, ...rest.settings };
  const each = {
    ...rest.settings,
    headBytesMax: Math.floor(headBytesMax / shardCount),
    cacheBytes: Math.floor(cacheBytes / shardCount),
  };
  const shards: ShardStorage[] = [];
  try {
    for (let shard = 0; shard < shardCount; shard++) {
      const { retention } = rest.settings ?? {};
      const own = retention && { retention: scaledRetention(retention, 1 / shardCount) };
      const settings = { ...each, ...own, shard, shardCount };
      shards.push(
        await openTsdb({ ...rest, log: await openLog(shard), settings, sharesPlanes: true }),
      );
    }
  } catch (error) {
    await Promise.allSettled(shards.map((shard) => shard.close()));
    throw error;
  }
  const closePlanes = async (): Promise<void> => {
    await blobs.close();
    await catalog.close();
  };
  return new ShardedStorage({ shards, runLeaf: rest.runLeaf ?? runLeafLazily, closePlanes });
}

interface Ownership {
  /** Raised where series move between shards. */
  readonly epoch: number;
  readonly shardCount: number;
}

/** The number of shards, written where the catalog has none. */
async function claimOwnership(catalog: Catalog, wanted: number | undefined): Promise<number> {
  const first: Ownership = { epoch: 1, shardCount: wanted ?? 1 };
  const { result } = await catalog.transact(async (tx) => {
    const entry = await tx.get(OWNERSHIP_KEY);
    if (entry !== undefined) return fromJson(entry) as Partial<Ownership>;
    tx.set(OWNERSHIP_KEY, toJson(first));
    return first;
  });
  const { epoch, shardCount = 0 } = result;
  if (epoch !== 1 || !Number.isInteger(shardCount) || shardCount < 1 || shardCount > SHARDS_MAX)
    throw new FatalError(
      `the catalog says that the data are in ownership epoch ${epoch} with ${shardCount} shards, ` +
        'which this version cannot open: use the version that wrote them',
    );
  if (wanted !== undefined && wanted !== shardCount)
    throw new FatalError(
      `the data are in ${shardCount} ${shardCount === 1 ? 'shard' : 'shards'} and cannot be ` +
        `opened with ${wanted}: start with --shards ${shardCount}, or export them and import ` +
        'them into a new folder',
    );
  return shardCount;
}
