// Metadata, exemplars and attributes of one tenant, folded over parts and generations in order: the
// last write of a key wins. Used by reads, by the flush (one generation) and by merges (some
// parts).
import { compareLabels, compareUtf8, labelsKey } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Exemplar, Metadata } from '../model/columns.ts';
import type { TenantId } from '../model/tenant.ts';
import { deletesFrom, deletesOf, isOfAll } from './deletes.ts';
import type { Delete } from './deletes.ts';
import type { SeriesAttribute, SeriesExemplar } from './part-format.ts';
import type { SeriesIndex } from './series-index.ts';
import type { View } from './view.ts';

export interface SideScan {
  readonly tenant: TenantId;
  readonly view: View;
  readonly moment: number;
  readonly index: SeriesIndex;
}

const EVER = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };

/** One row a family, sorted. */
export async function foldMetadata({ tenant, view, moment: last }: SideScan): Promise<Metadata[]> {
  const rows = new Map<string, Metadata>();
  for (const part of view.parts)
    if (!isAllHidden(view, tenant, part.row.deletesEnd))
      for (const row of await part.metadata(tenant)) rows.set(row.family, row);
  for (const generation of view.generations) {
    const deletes = wholeDeletes(view, tenant, generation.seqMin);
    for (const { moment, row } of generation.metadata)
      if (row.tenant === tenant && moment <= last) {
        const { family, type, unit, help } = row;
        const isGone = deletes.some((one) => generation.hides(one, moment));
        if (!isGone) rows.set(family, { family, type, unit, help });
      }
  }
  return [...rows.values()].toSorted((a, b) => compareUtf8(a.family, b.family));
}

/** Deletes at or above `offset` that took all of the tenant. */
function wholeDeletes(view: View, tenant: TenantId, offset: number): Delete[] {
  return deletesFrom(view.deletes, tenant, offset, EVER).filter(isOfAll);
}

function isAllHidden(view: View, tenant: TenantId, offset: number): boolean {
  return wholeDeletes(view, tenant, offset).length > 0;
}

function exemplarKey(row: SeriesExemplar): string {
  return `${row.tUs} ${row.subNs} ${labelsKey(row.series)}\udffe${labelsKey(row.labels)}`;
}

function isHidden(row: SeriesExemplar, deletes: readonly Delete[]): boolean {
  return deletesOf(deletes, row.series).some(
    (one) => row.tUs >= one.startUs && row.tUs <= one.endUs,
  );
}

function ofSeries(series: Labels, { labels, tUs, subNs, value }: Exemplar): SeriesExemplar {
  return { series, labels, tUs, subNs, value };
}

/** Visible exemplars, sorted by series, time and labels. */
export async function foldExemplars(scan: SideScan): Promise<SeriesExemplar[]> {
  const { tenant, view, moment: last, index } = scan;
  const rows = new Map<string, SeriesExemplar>();
  for (const part of view.parts) {
    const deletes = deletesFrom(view.deletes, tenant, part.row.deletesEnd, EVER);
    for (const row of await part.exemplars(tenant))
      if (!isHidden(row, deletes)) rows.set(exemplarKey(row), row);
  }
  for (const generation of view.generations) {
    const deletes = deletesFrom(view.deletes, tenant, generation.seqMin, EVER);
    for (const { moment, row: exemplar } of generation.exemplars) {
      if (moment > last || index.tenantOf(exemplar.ref) !== tenant) continue;
      const row = ofSeries(index.labelsOf(exemplar.ref), exemplar);
      const later = deletes.filter((one) => generation.hides(one, moment));
      if (isHidden(row, later)) rows.delete(exemplarKey(row));
      else rows.set(exemplarKey(row), row);
    }
  }
  return [...rows.values()].toSorted(
    (a, b) =>
      compareLabels(a.series, b.series) ||
      a.tUs - b.tUs ||
      a.subNs - b.subNs ||
      compareLabels(a.labels, b.labels),
  );
}

/** One row a series and key, sorted; an empty value says that the key was removed. */
export async function foldAttributes(scan: SideScan): Promise<SeriesAttribute[]> {
  const { tenant, view, moment: last, index } = scan;
  const rows = new Map<string, SeriesAttribute>();
  const set = (row: SeriesAttribute): void => {
    rows.set(`${labelsKey(row.series)}\udffe${row.key}`, row);
  };
  for (const part of view.parts)
    if (!isAllHidden(view, tenant, part.row.deletesEnd))
      for (const row of await part.attributes(tenant)) set(row);
  for (const generation of view.generations) {
    const deletes = wholeDeletes(view, tenant, generation.seqMin);
    for (const { moment, row } of generation.attributes) {
      if (moment > last || index.tenantOf(row.ref) !== tenant) continue;
      if (!deletes.some((one) => generation.hides(one, moment)))
        set({ series: index.labelsOf(row.ref), key: row.key, value: row.value });
    }
  }
  return [...rows.values()].toSorted(
    (a, b) => compareLabels(a.series, b.series) || compareUtf8(a.key, b.key),
  );
}
