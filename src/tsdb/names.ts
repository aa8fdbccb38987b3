// Every name this room gives to blobs and catalog keys, in one place. Numbers in keys are padded so
// that the catalog's byte order is their order.

const DIGITS = 16;
const PARTS = 'parts/';
export const DEAD_LETTERS = 'dead-letter/';
export const HEAD_SNAPSHOTS = 'head/';
export const SEEN_LISTS = 'seen/';

/** How many shards there are, in the catalog. */
export const OWNERSHIP_KEY = 'ownership';

/** Names of one shard. */
export interface ShardNames {
  readonly parts: string;
  readonly deadLetters: string;
  readonly headSnapshots: string;
  readonly seenLists: string;
  readonly frontier: string;
  readonly partRows: string;
  readonly deleteRows: string;
  readonly batchIdRows: string;
  readonly splitRows: string;
  readonly tenantRows: string;
  readonly retentionRows: string;
  readonly horizonRows: string;
}

export function shardNames(shard: number): ShardNames {
  const keys = `shard/${shard}/`;
  return {
    parts: `${PARTS}${shard}/`,
    deadLetters: `${DEAD_LETTERS}${shard}/`,
    headSnapshots: `${HEAD_SNAPSHOTS}${shard}/`,
    seenLists: `${SEEN_LISTS}${shard}/`,
    frontier: `${keys}frontier`,
    partRows: `${keys}part/`,
    deleteRows: `${keys}delete/`,
    batchIdRows: `${keys}batch/`,
    splitRows: `${keys}split/`,
    tenantRows: `${keys}tenant/`,
    retentionRows: `${keys}retention/`,
    horizonRows: `${keys}horizon/`,
  };
}

/** Blob of a part; `unique` keeps a rewrite of the same stretch apart from what it replaces. */
export function partName(
  names: ShardNames,
  part: { readonly level: number; readonly seqMin: number; readonly seqMax: number },
  unique: string,
): string {
  return `${names.parts}${padded(part.seqMin)}-${padded(part.seqMax)}-l${part.level}-${unique}.part`;
}

export function deadLetterName(names: ShardNames, offset: number): string {
  return `${names.deadLetters}${padded(offset)}.record`;
}

/** Of what was written below this offset. */
export function seenListName(names: ShardNames, frontier: number): string {
  return `${names.seenLists}${padded(frontier)}.seen`;
}

export function padded(value: number): string {
  return String(value).padStart(DIGITS, '0');
}
