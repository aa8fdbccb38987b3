// Label names, values, series and cardinality of what has a sample in a range. No block is decoded;
// times are, where a delete or the edge of the range makes it necessary. Names and values of parts
// that lie in the range as a whole come from their index, without a walk over their series.
import { compareUtf8, METRIC_NAME } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Cardinality } from '../model/storage.ts';
import { deletesFrom } from './deletes.ts';
import type { PartIndex } from './part-index.ts';
import type { Part } from './part-reader.ts';
import { scanSeries } from './select.ts';
import { bytesOfTexts, topCounts } from './top-counts.ts';
import type { Scan } from './scan.ts';

async function* existing(scan: Scan): AsyncGenerator<Labels, void, void> {
  for await (const series of scanSeries(scan)) if (await series.exists()) yield series.labels;
}

/** The smallest `limit` of them, sorted; 0 = all. */
function smallest(values: Iterable<string>, limit: number): string[] {
  const sorted = [...values].toSorted(compareUtf8);
  return limit === 0 ? sorted : sorted.slice(0, limit);
}

/** Parts that answer by their index alone, and the scan of everything else. */
interface Divided {
  readonly indexes: readonly PartIndex[];
  readonly rest: Scan;
}

/**
 * A part all of whose samples of the tenant are in the range, and which no delete can touch, has a
 * visible sample of each of its series.
 */
async function divide(scan: Scan): Promise<Divided> {
  const { tenant, range, view } = scan;
  const indexes: PartIndex[] = [];
  const others: Part[] = [];
  for (const part of view.parts) {
    scan.check();
    const row = await part.tenant(tenant);
    if (row === undefined) continue;
    const isInside = row.minUs >= range.startUs && row.maxUs <= range.endUs;
    const isWhole =
      isInside && deletesFrom(view.deletes, tenant, part.row.deletesEnd, range).length === 0;
    const index = isWhole ? await part.index(tenant) : undefined;
    if (index !== undefined) indexes.push(index);
    else if (!isWhole) others.push(part);
  }
  return { indexes, rest: { ...scan, view: { ...view, parts: others } } };
}

export async function readLabelNames(scan: Scan, limit: number): Promise<string[]> {
  const names = new Set<string>();
  const { indexes, rest } = await divide(scan);
  for (const index of indexes)
    for (const name of await index.namesOf(scan.matchers, scan.check)) names.add(name);
  for await (const labels of existing(rest))
    for (let i = 0; i < labels.length; i += 2) names.add(labels[i]!);
  return smallest(names, limit);
}

export async function readLabelValues(scan: Scan, label: string, limit: number): Promise<string[]> {
  const values = new Set<string>();
  const { indexes, rest } = await divide(scan);
  for (const index of indexes)
    for (const value of await index.valuesOf(label, scan.matchers, scan.check)) values.add(value);
  for await (const series of scanSeries(rest)) {
    const at = series.labels.findIndex((text, i) => i % 2 === 0 && text === label);
    if (at < 0 || values.has(series.labels[at + 1]!)) continue;
    if (await series.exists()) values.add(series.labels[at + 1]!);
  }
  return smallest(values, limit);
}

export async function readSeries(scan: Scan, limit: number): Promise<Labels[]> {
  const out: Labels[] = [];
  for await (const labels of existing(scan)) {
    out.push(labels);
    if (out.length === limit) break;
  }
  return out;
}

export async function readCardinality(scan: Scan, limit: number): Promise<Cardinality> {
  /** Series by value, by name. */
  const counts = new Map<string, Map<string, number>>();
  const labelNames = new Map<string, number>();
  let seriesCount = 0;
  for await (const labels of existing(scan)) {
    seriesCount++;
    for (let i = 0; i < labels.length; i += 2) {
      const name = labels[i]!;
      const value = labels[i + 1]!;
      labelNames.set(name, (labelNames.get(name) ?? 0) + 1);
      let ofName = counts.get(name);
      if (ofName === undefined) counts.set(name, (ofName = new Map()));
      ofName.set(value, (ofName.get(value) ?? 0) + 1);
    }
  }
  const perName = (count: (ofName: ReadonlyMap<string, number>) => number) =>
    topCounts(
      Array.from(counts, ([name, ofName]) => ({ name, count: count(ofName) })),
      limit,
    );
  return {
    seriesCount,
    byMetricName: topCounts(rowsOf(counts.get(METRIC_NAME) ?? []), limit),
    byLabelName: topCounts(rowsOf(labelNames), limit),
    valuesByLabelName: perName((ofName) => ofName.size),
    valueBytesByLabelName: perName((ofName) => bytesOfTexts(ofName.keys())),
    byLabelPair: topCounts(pairsOf(counts), limit),
    labelPairCount: counts.values().reduce((sum, ofName) => sum + ofName.size, 0),
  };
}

function* rowsOf(counts: Iterable<readonly [string, number]>) {
  for (const [name, count] of counts) yield { name, count };
}

function* pairsOf(counts: ReadonlyMap<string, ReadonlyMap<string, number>>) {
  for (const [name, ofName] of counts)
    for (const [value, count] of ofName) yield { name: `${name}=${value}`, count };
}
