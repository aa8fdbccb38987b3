// Rows of use in the catalog (docs/formats/catalog.md): one a tenant, token, protocol and hour.
import type { Catalog, CatalogEntry, CatalogTx } from '../catalog/catalog.ts';
import { prefixEnd } from '../catalog/catalog.ts';
import type { TenantId } from '../model/tenant.ts';
import { FatalError } from '../stdx/assert.ts';
import { TENANCY_PAGE_ROWS } from './limits.ts';

export const HOUR_MS = 3_600_000;

/** Whose use it is, by what. */
export interface UsageKey {
  readonly tenant: TenantId;
  /** '' where there was no token. */
  readonly tokenId: string;
  /** Of writes the protocol, of reads the language, STORED_PROTOCOL of what is kept. */
  readonly protocol: string;
}

/** Rows of it have what a tenant keeps, and nothing else; their token is ''. */
export const STORED_PROTOCOL = 'storage';
/** Of the series that tell a tenant of its use; nobody used that. */
export const TOLD_PROTOCOL = 'usage';

/** Added up over an hour. */
export const USAGE_SUMS = [
  'pointsWritten',
  'pointsRead',
  'queries',
  'queryCost',
  'requests',
] as const;
/** Of looks within the hour: of series the most, of bytes the last. */
const USAGE_GAUGES = ['activeSeries', 'bytesStored'] as const;

export type UsageValue = (typeof USAGE_SUMS)[number] | (typeof USAGE_GAUGES)[number];
export type UsageValues = Readonly<Partial<Record<UsageValue, number>>>;

export interface UsageRow extends UsageKey {
  /** When the hour begins. */
  readonly hourMs: number;
  readonly values: UsageValues;
}

const ROWS = 'tenancy/usage/';
const OFFSETS = 'tenancy/usage-offset/';
/** Number of the last commit: tells whether one of unknown outcome happened. */
const COMMIT_KEY = 'tenancy/usage-commit';

export function hourOf(tMs: number): number {
  return Math.floor(tMs / HOUR_MS) * HOUR_MS;
}

export function hourText(hourMs: number): string {
  return new Date(hourMs).toISOString().slice(0, 13);
}

/** `hour` as hourText gives it. */
export function usageKey(hour: string, { tenant, tokenId, protocol }: UsageKey): string {
  return `${ROWS}${hour}/${tenant}/${tokenId}/${protocol}`;
}

export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Sums grow, of gauges one look stays. */
export function addUsage(before: UsageValues, change: UsageValues): UsageValues {
  const values: Partial<Record<UsageValue, number>> = { ...before, ...change };
  const { activeSeries } = before;
  if (activeSeries !== undefined)
    values.activeSeries = Math.max(activeSeries, change.activeSeries ?? 0);
  for (const name of USAGE_SUMS) {
    const sum = (before[name] ?? 0) + (change[name] ?? 0);
    if (sum !== 0) values[name] = sum;
  }
  return values;
}

export function usageValues({ key, value }: CatalogEntry): UsageValues {
  const parsed = jsonOf(key, value);
  const isRight =
    typeof parsed === 'object' &&
    parsed !== null &&
    Object.values(parsed).every((one) => typeof one === 'number');
  if (isRight) return parsed;
  throw new FatalError(`catalog row ${key} is no row of use`);
}

function jsonOf(key: string, value: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
  } catch (cause) {
    throw new FatalError(`catalog row ${key} is not readable`, { cause });
  }
}

function numberOf({ key, value }: CatalogEntry): number {
  const parsed = jsonOf(key, value);
  if (Number.isSafeInteger(parsed)) return parsed as number;
  throw new FatalError(`catalog row ${key} is no whole number`);
}

export function putCounted(tx: CatalogTx, offsets: ReadonlyMap<number, number>, commit: number) {
  for (const [shard, offset] of offsets) tx.set(OFFSETS + shard, encodeJson(offset));
  tx.set(COMMIT_KEY, encodeJson(commit));
}

export async function lastCommit(tx: CatalogTx): Promise<number> {
  const entry = await tx.get(COMMIT_KEY);
  return entry === undefined ? 0 : numberOf(entry);
}

/** By shard the first record that is not counted. */
export async function readCounted(catalog: Catalog) {
  const { result } = await catalog.transact(async (tx) => {
    const entries = await tx.range(OFFSETS, prefixEnd(OFFSETS));
    return { entries, commit: await lastCommit(tx) };
  });
  const offsets = new Map<number, number>();
  for (const entry of result.entries)
    offsets.set(Number(entry.key.slice(OFFSETS.length)), numberOf(entry));
  return { offsets, commit: result.commit };
}

/** Rows of hours before this one go. */
export function removeBefore(tx: CatalogTx, hourMs: number): void {
  tx.removeRange(ROWS, ROWS + hourText(hourMs));
}

export interface UsageRange {
  /** undefined: of all. */
  readonly tenant: TenantId | undefined;
  /** Hours that begin in [fromMs, toMs). */
  readonly fromMs: number;
  readonly toMs: number;
}

/** In the order of hours. */
export async function* readUsage(
  catalog: Catalog,
  { tenant, fromMs, toMs }: UsageRange,
): AsyncGenerator<UsageRow, void, void> {
  const end = hourOf(toMs + HOUR_MS - 1);
  if (tenant === undefined) {
    yield* readPages(catalog, ROWS + hourText(fromMs), ROWS + hourText(end));
    return;
  }
  for (let hourMs = hourOf(fromMs); hourMs < end; hourMs += HOUR_MS) {
    const prefix = `${ROWS}${hourText(hourMs)}/${tenant}/`;
    yield* readPages(catalog, prefix, prefixEnd(prefix));
  }
}

async function* readPages(
  catalog: Catalog,
  from: string,
  end: string,
): AsyncGenerator<UsageRow, void, void> {
  for (let begin = from; ;) {
    const start = begin;
    const { result } = await catalog.transact((tx) =>
      tx.range(start, end, { limit: TENANCY_PAGE_ROWS }),
    );
    for (const entry of result) yield usageRow(entry);
    if (result.length < TENANCY_PAGE_ROWS) return;
    begin = `${result.at(-1)!.key}\u0000`;
  }
}

function usageRow(entry: CatalogEntry): UsageRow {
  const [hour = '', tenant, tokenId, ...protocol] = entry.key.slice(ROWS.length).split('/');
  const hourMs = Date.parse(`${hour}:00:00Z`);
  if (Number.isNaN(hourMs) || tenant === undefined || tokenId === undefined)
    throw new FatalError(`catalog row ${entry.key} is no row of use`);
  return { hourMs, tenant, tokenId, protocol: protocol.join('/'), values: usageValues(entry) };
}
