// The shard's rows in the catalog: frontier, parts, deletes, young batch ids, splits, tenants,
// limits of retention. JSON
// values except batch ids. All of one flush or merge change in one transaction; every number that
// is used to delete something is read inside it.
import type { Catalog, CatalogEntry, CatalogTx } from '../catalog/catalog.ts';
import { prefixEnd } from '../catalog/catalog.ts';
import { AppError } from '../model/errors.ts';
import type { NameSplit } from '../model/columns.ts';
import { matcher } from '../model/matcher.ts';
import type { MatchType } from '../model/matcher.ts';
import type { Retention } from '../model/storage.ts';
import type { TenantId } from '../model/tenant.ts';
import { FatalError } from '../stdx/assert.ts';
import type { Delete } from './deletes.ts';
import { BATCH_ID_SIZE_BYTES, CATALOG_PAGE_KEYS, COMMIT_ATTEMPTS_MAX } from './limits.ts';
import { padded } from './names.ts';
import type { ShardNames } from './names.ts';
import type { PartRow } from './part-format.ts';
import { RetentionTable } from './retention.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function toJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

export function fromJson(entry: CatalogEntry): unknown {
  try {
    return JSON.parse(decoder.decode(entry.value)) as unknown;
  } catch (error) {
    throw new FatalError(`catalog row ${entry.key} is not readable`, { cause: error });
  }
}

/** All entries under a prefix, page by page. */
export async function readAll(catalog: Catalog, prefix: string): Promise<CatalogEntry[]> {
  const out: CatalogEntry[] = [];
  let begin = prefix;
  for (;;) {
    const from = begin;
    const { result } = await catalog.transact((tx) =>
      tx.range(from, prefixEnd(prefix), { limit: CATALOG_PAGE_KEYS }),
    );
    out.push(...result);
    if (result.length < CATALOG_PAGE_KEYS) return out;
    begin = `${result.at(-1)!.key}\u0000`;
  }
}

export async function readFrontier(tx: CatalogTx, names: ShardNames): Promise<number> {
  const entry = await tx.get(names.frontier);
  if (entry === undefined) return 0;
  const value = fromJson(entry);
  if (!Number.isSafeInteger(value)) throw new FatalError(`catalog row ${entry.key} is no offset`);
  return value as number;
}

export function partKey(names: ShardNames, row: PartRow): string {
  return `${names.partRows}${row.name}`;
}

export async function readParts(catalog: Catalog, names: ShardNames): Promise<PartRow[]> {
  const entries = await readAll(catalog, names.partRows);
  return entries.map((entry) => {
    const row = fromJson(entry) as PartRow & { readonly partitionUs?: number };
    return { ...row, ...finite(row), partitionUs: row.partitionUs };
  });
}

/** JSON has no infinities: an absent bound of a part without samples is an empty range. */
function finite(row: { minUs: number | null; maxUs: number | null }): {
  minUs: number;
  maxUs: number;
} {
  return {
    minUs: row.minUs ?? Number.POSITIVE_INFINITY,
    maxUs: row.maxUs ?? Number.NEGATIVE_INFINITY,
  };
}

/** A delete as plain data. */
export interface DeleteJson {
  readonly offset: number;
  readonly tenant: TenantId;
  readonly matchers: readonly (readonly [string, MatchType, string])[];
  /** null: unbounded. */
  readonly startUs: number | null;
  readonly endUs: number | null;
}

export function deleteKey(names: ShardNames, offset: number): string {
  return `${names.deleteRows}${padded(offset)}`;
}

export function deleteJson({ offset, tenant, matchers, startUs, endUs }: Delete): DeleteJson {
  return {
    offset,
    tenant,
    matchers: matchers.map(({ name, type, value }) => [name, type, value] as const),
    startUs,
    endUs,
  };
}

export function deleteOf(row: DeleteJson): Delete {
  return {
    offset: row.offset,
    tenant: row.tenant,
    matchers: row.matchers.map(([name, type, value]) => matcher(name, type, value)),
    startUs: row.startUs ?? Number.NEGATIVE_INFINITY,
    endUs: row.endUs ?? Number.POSITIVE_INFINITY,
    moment: 0,
  };
}

/** JSON writes infinities as null, which is what an absent bound is here. */
export function deleteValue(one: Delete): Uint8Array {
  return toJson(deleteJson(one));
}

export async function readDeletes(catalog: Catalog, names: ShardNames): Promise<Delete[]> {
  const entries = await readAll(catalog, names.deleteRows);
  return entries.map((entry) => deleteOf(fromJson(entry) as DeleteJson));
}

export function retentionKey(names: ShardNames, tenant: TenantId): string {
  return `${names.retentionRows}${tenant}`;
}

export function horizonKey(names: ShardNames, tenant: TenantId): string {
  return `${names.horizonRows}${tenant}`;
}

/** The tenants' own limits and horizons by bytes, over the given default. */
export async function readRetention(
  catalog: Catalog,
  names: ShardNames,
  fallback: Retention,
): Promise<RetentionTable> {
  const own = new Map<TenantId, Retention>();
  for (const entry of await readAll(catalog, names.retentionRows)) {
    const row = fromJson(entry) as Partial<Retention>;
    own.set(entry.key.slice(names.retentionRows.length), {
      timeMs: row.timeMs,
      sizeBytes: row.sizeBytes,
    });
  }
  const horizons = new Map<TenantId, number>();
  for (const entry of await readAll(catalog, names.horizonRows))
    horizons.set(entry.key.slice(names.horizonRows.length), fromJson(entry) as number);
  return new RetentionTable(fallback, own, horizons);
}

export interface BatchId {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly offset: number;
  readonly seenMs: number;
}

const BATCH_ID_ROW_BYTES = BATCH_ID_SIZE_BYTES + 16;

export function batchIdsValue(ids: readonly BatchId[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * BATCH_ID_ROW_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, { id, offset, seenMs }] of ids.entries()) {
    bytes.set(Uint8Array.fromHex(id), i * BATCH_ID_ROW_BYTES);
    view.setFloat64(i * BATCH_ID_ROW_BYTES + 16, offset, true);
    view.setFloat64(i * BATCH_ID_ROW_BYTES + 24, seenMs, true);
  }
  return bytes;
}

export function batchIdsFrom(entry: CatalogEntry): BatchId[] {
  const { value } = entry;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const out: BatchId[] = [];
  for (let at = 0; at + BATCH_ID_ROW_BYTES <= value.length; at += BATCH_ID_ROW_BYTES)
    out.push({
      id: value.subarray(at, at + BATCH_ID_SIZE_BYTES).toHex(),
      offset: view.getFloat64(at + 16, true),
      seenMs: view.getFloat64(at + 24, true),
    });
  return out;
}

export function splitKey(names: ShardNames, tenant: TenantId, name: string): string {
  return `${names.splitRows}${tenant}/${name}`;
}

export interface TenantSplit extends NameSplit {
  readonly tenant: TenantId;
}

export async function readSplits(catalog: Catalog, names: ShardNames): Promise<TenantSplit[]> {
  const entries = await readAll(catalog, names.splitRows);
  return entries.map((entry) => fromJson(entry) as TenantSplit);
}

/**
 * Commits, and where the outcome is unknown asks `isDone` inside a transaction before another
 * attempt. Once unknown it stays so until an attempt tells: one that could not even read the
 * catalog does not, and rejects as catalog-commit-unknown too.
 */
export async function commit(
  catalog: Catalog,
  body: (tx: CatalogTx) => Promise<void>,
  isDone: (tx: CatalogTx) => Promise<boolean>,
): Promise<void> {
  let unknown: AppError | undefined;
  for (let attempt = 1; ; attempt++)
    try {
      await catalog.transact(async (tx) => {
        if (unknown !== undefined && (await isDone(tx))) return;
        await body(tx);
      });
      return;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const isUnknown = error.code === 'catalog-commit-unknown';
      if (isUnknown) unknown = error;
      if (!isUnknown || attempt === COMMIT_ATTEMPTS_MAX) throw unknown ?? error;
    }
}
