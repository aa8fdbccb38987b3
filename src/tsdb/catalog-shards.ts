// What a catalog says about all its shards, for those who look at a data folder from outside:
// backups and checks.
import type { Catalog } from '../catalog/catalog.ts';
import { readAll, readFrontier, readParts } from './catalog-rows.ts';
import { shardNames } from './names.ts';
import type { PartRow } from './part-format.ts';

export interface CatalogShard {
  readonly shard: number;
  readonly frontier: number;
  readonly parts: readonly PartRow[];
}

const SHARD_KEY = /^shard\/(\d+)\//;

/** Numbers of the shards that have rows, ascending. */
async function shardNumbers(catalog: Catalog): Promise<readonly number[]> {
  const numbers = new Set<number>();
  for (const { key } of await readAll(catalog, 'shard/')) {
    const match = SHARD_KEY.exec(key);
    if (match !== null) numbers.add(Number(match[1]));
  }
  return [...numbers].toSorted((a, b) => a - b);
}

/** Throws FatalError where a row is not readable. */
export async function readShards(catalog: Catalog): Promise<readonly CatalogShard[]> {
  const shards: CatalogShard[] = [];
  for (const shard of await shardNumbers(catalog)) {
    const names = shardNames(shard);
    const { result: frontier } = await catalog.transact((tx) => readFrontier(tx, names));
    shards.push({ shard, frontier, parts: await readParts(catalog, names) });
  }
  return shards;
}
