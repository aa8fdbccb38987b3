// Groups of the Pushgateway as rows of the catalog: JSON cut into pieces, since a row has a bound.
//
//   push/TENANT/HASH/NNNN → piece NNNN of {labels, pushTimeMs, failureTimeMs, families}
//
// TENANT is percent-encoded; HASH is SHA-256 of the group's labels. See
// docs/formats/pushed-groups.md.
import type { Catalog, CatalogEntry } from '../../catalog/catalog.ts';
import { prefixEnd } from '../../catalog/catalog.ts';
import { floatOf } from '../../formats/json-lines/float-json.ts';
import { histogramOf } from '../../formats/json-lines/histogram-json.ts';
import type { Histogram } from '../../model/histogram.ts';
import type { Labels } from '../../model/labels.ts';
import { FatalError } from '../../stdx/assert.ts';
import { PUSH_ROW_BYTES } from '../limits.ts';
import type { PushedFamily, PushedSeries } from './pushed-page.ts';

export interface StoredGroup {
  /** Of the group: job and others. */
  readonly labels: Labels;
  /** Last push that was taken, and last one that was refused; 0: none. */
  readonly pushTimeMs: number;
  readonly failureTimeMs: number;
  readonly families: readonly PushedFamily[];
}

const PREFIX = 'push/';

function prefixOf(tenant: string, hash: string): string {
  return `${PREFIX}${encodeURIComponent(tenant)}/${hash}/`;
}

/** JSON has no words for these. */
function floatJson(value: number): number | string {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}

function spansJson(spans: Histogram['positiveSpans']): readonly (readonly number[])[] {
  return spans.map(({ offset, length }) => [offset, length]);
}

function histogramJson(h: Histogram): object {
  const side = (counts: Float64Array) => Array.from(counts, floatJson);
  return {
    isInteger: h.isInteger,
    schema: h.schema,
    zeroThreshold: floatJson(h.zeroThreshold),
    zeroCount: floatJson(h.zeroCount),
    count: floatJson(h.count),
    sum: floatJson(h.sum),
    counterResetHint: h.counterResetHint,
    positiveSpans: spansJson(h.positiveSpans),
    positiveBuckets: side(h.positiveBuckets),
    negativeSpans: spansJson(h.negativeSpans),
    negativeBuckets: side(h.negativeBuckets),
    customValues: side(h.customValues),
  };
}

export function encodeGroup(group: StoredGroup): Buffer {
  const families = group.families.map((family) => ({
    ...family,
    series: family.series.map(({ labels, value }) => [
      labels,
      typeof value === 'number' ? floatJson(value) : histogramJson(value),
    ]),
  }));
  return Buffer.from(JSON.stringify({ ...group, families }));
}

function valueOf(json: unknown): number | Histogram | undefined {
  if (json === '-0') return -0;
  if (typeof json !== 'object' || json === null) return floatOf(json);
  return histogramOf(json as Readonly<Record<string, unknown>>);
}

/** Throws where the bytes are no group. */
export function decodeGroup(bytes: Uint8Array): StoredGroup {
  // What `encodeGroup` wrote, guarded by the catalog's checksums.
  const group = JSON.parse(Buffer.from(bytes).toString()) as StoredGroup;
  const families = group.families.map((family) => ({
    ...family,
    series: (family.series as unknown as readonly [Labels, unknown][]).map(
      ([labels, json]): PushedSeries => {
        const value = valueOf(json);
        if (value === undefined) throw new Error('a value is neither number nor histogram');
        return { labels, value };
      },
    ),
  }));
  return { ...group, families };
}

/** Replaces all rows of a group; undefined: it is gone. Durable when it resolves. */
export interface GroupKey {
  readonly tenant: string;
  readonly hash: string;
}

export async function writeGroup(
  catalog: Catalog,
  at: GroupKey,
  bytes: Uint8Array | undefined,
): Promise<void> {
  const prefix = prefixOf(at.tenant, at.hash);
  await catalog.transact(async (tx) => {
    tx.removeRange(prefix, prefixEnd(prefix));
    if (bytes === undefined) return;
    for (let start = 0, piece = 0; start < bytes.length; start += PUSH_ROW_BYTES, piece++)
      tx.set(
        prefix + String(piece).padStart(4, '0'),
        bytes.subarray(start, start + PUSH_ROW_BYTES),
      );
  });
}

/** All groups with their tenants; throws FatalError where rows make no sense. */
export async function readGroups(
  catalog: Catalog,
): Promise<readonly { readonly tenant: string; readonly group: StoredGroup }[]> {
  const { result } = await catalog.transact(async (tx) => {
    const entries: CatalogEntry[] = [];
    for (let begin = PREFIX; ;) {
      const page = await tx.range(begin, prefixEnd(PREFIX));
      entries.push(...page);
      if (page.length === 0) return entries;
      begin = `${page.at(-1)!.key}\0`;
    }
  });
  const pieces = new Map<string, Uint8Array[]>();
  for (const { key, value } of result) {
    const group = key.slice(0, key.lastIndexOf('/'));
    const known = pieces.get(group);
    if (known === undefined) pieces.set(group, [value]);
    else known.push(value);
  }
  return Array.from(pieces, ([key, values]) => {
    try {
      const tenant = decodeURIComponent(key.split('/')[1]!);
      return { tenant, group: decodeGroup(Buffer.concat(values)) };
    } catch (error) {
      throw new FatalError(`catalog rows ${key} are no pushed group`, { cause: error });
    }
  });
}
