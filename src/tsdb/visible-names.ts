// Metadata of families and splits of names have no series of their own: a principal that does not
// see all of its tenant is shown those of the names it sees a point of.
import type { Metadata, NameSplit } from '../model/columns.ts';
import { METRIC_NAME } from '../model/labels.ts';
import { familiesOfNames } from '../model/metric-families.ts';
import type { LimitedNames, ReadContext, StorageReader } from '../model/storage.ts';
import { openPrincipal } from '../model/tenant.ts';

type NamesReader = Pick<StorageReader, 'labelValues' | 'metadata' | 'splits'>;

const EVERYTHING = {
  matchers: [],
  startUs: Number.NEGATIVE_INFINITY,
  endUs: Number.POSITIVE_INFINITY,
  limit: 0,
};

/** The same read without the restriction: what it gives must be narrowed by the caller. */
function unrestricted(context: ReadContext): ReadContext {
  return { ...context, principal: openPrincipal(context.principal.tenant) };
}

export async function visibleMetadata(
  reader: NamesReader,
  context: ReadContext,
  { family, limit }: { readonly family: string | undefined } & LimitedNames,
): Promise<readonly Metadata[]> {
  const rows = await reader.metadata(unrestricted(context), { family, limit: 0 });
  if (rows.length === 0) return rows;
  const families = familiesOfNames(await reader.labelValues(context, METRIC_NAME, EVERYTHING));
  const visible = rows.filter((row) => families.has(row.family));
  return limit === 0 ? visible : visible.slice(0, limit);
}

export async function visibleSplits(
  reader: NamesReader,
  context: ReadContext,
): Promise<readonly NameSplit[]> {
  const rows = await reader.splits(unrestricted(context));
  if (rows.length === 0) return rows;
  const names = new Set(await reader.labelValues(context, METRIC_NAME, EVERYTHING));
  return rows.filter((row) => names.has(row.name));
}
