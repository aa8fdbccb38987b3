// Rows of tenants and tokens in the catalog, as JSON (docs/formats/catalog.md). A row of another
// form than this program writes is refused: to start without a limit or a restriction is worse
// than not to start.
import type { Catalog, CatalogEntry, CatalogTx } from '../catalog/catalog.ts';
import { prefixEnd } from '../catalog/catalog.ts';
import type { TenantId } from '../model/tenant.ts';
import { FatalError } from '../stdx/assert.ts';
import { TENANCY_PAGE_ROWS } from './limits.ts';
import type { TenancyChange, TenantRecord, TokenRecord } from './records.ts';

/** An id that was that of a tenant; undefined: forget it. */
interface RemovedId {
  readonly kind: 'removed';
  readonly id: TenantId;
  readonly removedMs: number | undefined;
}

export type TenancyRow = TenancyChange | RemovedId;

const ROWS = { tenant: 'tenancy/tenant/', token: 'tenancy/token/', removed: 'tenancy/removed/' };

export function putRow(tx: CatalogTx, row: TenancyRow): void {
  const key = ROWS[row.kind] + row.id;
  const value = row.kind === 'removed' ? removedValue(row) : row.record;
  if (value === undefined) tx.remove(key);
  else tx.set(key, new TextEncoder().encode(JSON.stringify(value)));
}

function removedValue({ removedMs }: RemovedId): { readonly removedMs: number } | undefined {
  return removedMs === undefined ? undefined : { removedMs };
}

/** What a record is counted as; 0 where there is none. */
export function recordBytes(record: TenantRecord | TokenRecord | undefined): number {
  return record === undefined ? 0 : Buffer.byteLength(JSON.stringify(record));
}

/** Page by page. Throws FatalError where a row is none. */
export async function readTenancyRows(
  catalog: Catalog,
  each: (row: TenancyRow) => void,
): Promise<void> {
  for await (const [id, value, key] of records(catalog, ROWS.tenant)) {
    if (!isTenant(value, id)) throw badRow(key);
    each({ kind: 'tenant', id, record: value });
  }
  const tokens: TokenRecord[] = [];
  for await (const [id, value, key] of records(catalog, ROWS.token)) {
    if (!isToken(value, id)) throw badRow(key);
    tokens.push(value);
  }
  for (const record of tokens.toSorted((a, b) => a.createdMs - b.createdMs))
    each({ kind: 'token', id: record.id, record });
  const removed: { readonly id: string; readonly removedMs: number }[] = [];
  for await (const [id, value, key] of records(catalog, ROWS.removed)) {
    if (!isRemoved(value)) throw badRow(key);
    removed.push({ id, removedMs: value.removedMs });
  }
  for (const one of removed.toSorted((a, b) => a.removedMs - b.removedMs))
    each({ kind: 'removed', ...one });
}

async function* records(
  catalog: Catalog,
  prefix: string,
): AsyncGenerator<readonly [id: string, value: unknown, key: string], void, void> {
  for (let begin = prefix; ;) {
    const from = begin;
    const { result } = await catalog.transact((tx) =>
      tx.range(from, prefixEnd(prefix), { limit: TENANCY_PAGE_ROWS }),
    );
    for (const entry of result) yield [entry.key.slice(prefix.length), parsed(entry), entry.key];
    if (result.length < TENANCY_PAGE_ROWS) return;
    begin = `${result.at(-1)!.key}\u0000`;
  }
}

function parsed({ key, value }: CatalogEntry): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
  } catch (cause) {
    throw new FatalError(`catalog row ${key} is not readable`, { cause });
  }
}

function badRow(key: string): FatalError {
  return new FatalError(
    `catalog row ${key} has not the form of its kind: a newer version may have written it, else ` +
      'restore the catalog from a backup',
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** Every value of a plain object has the type. */
function isTable(value: unknown, type: 'string' | 'number'): boolean {
  return isObject(value) && Object.values(value).every((one) => typeof one === type);
}

function isTenant(value: unknown, id: string): value is TenantRecord {
  return (
    isObject(value) &&
    value['id'] === id &&
    typeof value['name'] === 'string' &&
    typeof value['createdMs'] === 'number' &&
    ['active', 'suspended', 'deleting'].includes(value['state'] as string) &&
    isTable(value['limits'], 'number')
  );
}

const NUMBERS = ['minTUs', 'maxTUs', 'notBeforeMs', 'expiresMs', 'revokedMs'];

function isToken(value: unknown, id: string): value is TokenRecord {
  return (
    isObject(value) &&
    value['id'] === id &&
    typeof value['hash'] === 'string' &&
    typeof value['name'] === 'string' &&
    typeof value['application'] === 'string' &&
    typeof value['createdMs'] === 'number' &&
    ['server', 'tenant'].includes(value['scope'] as string) &&
    isListOfTexts(value['tenants']) &&
    isListOfTexts(value['permissions']) &&
    isListOfTexts(value['matchers']) &&
    isTable(value['labels'], 'string') &&
    isTable(value['limits'], 'number') &&
    NUMBERS.every((name) => value[name] === undefined || typeof value[name] === 'number')
  );
}

function isRemoved(value: unknown): value is { readonly removedMs: number } {
  return isObject(value) && typeof value['removedMs'] === 'number';
}
