// Label names, values, series and cardinality of what has a sample in a range: all walks over the
// same scan, none of them decodes a block unless a delete or the edge of the range makes it
// necessary.
import { compareUtf8, METRIC_NAME } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Cardinality } from '../model/storage.ts';
import { scanSeries } from './select.ts';
import type { Scan } from './scan.ts';

async function* existing(scan: Scan): AsyncGenerator<Labels, void, void> {
  for await (const series of scanSeries(scan)) if (await series.exists()) yield series.labels;
}

/** The smallest `limit` of them, sorted; 0 = all. */
function smallest(values: Iterable<string>, limit: number): string[] {
  const sorted = [...values].toSorted(compareUtf8);
  return limit === 0 ? sorted : sorted.slice(0, limit);
}

export async function readLabelNames(scan: Scan, limit: number): Promise<string[]> {
  const names = new Set<string>();
  for await (const labels of existing(scan))
    for (let i = 0; i < labels.length; i += 2) names.add(labels[i]!);
  return smallest(names, limit);
}

export async function readLabelValues(scan: Scan, label: string, limit: number): Promise<string[]> {
  const values = new Set<string>();
  for await (const series of scanSeries(scan)) {
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

function top(
  counts: ReadonlyMap<string, number>,
  limit: number,
): { name: string; count: number }[] {
  const rows = [...counts]
    .map(([name, count]) => ({ name, count }))
    .toSorted((a, b) => b.count - a.count || compareUtf8(a.name, b.name));
  return limit === 0 ? rows : rows.slice(0, limit);
}

export async function readCardinality(scan: Scan, limit: number): Promise<Cardinality> {
  const metricNames = new Map<string, number>();
  const labelNames = new Map<string, number>();
  const values = new Map<string, Set<string>>();
  let seriesCount = 0;
  for await (const labels of existing(scan)) {
    seriesCount++;
    for (let i = 0; i < labels.length; i += 2) {
      const name = labels[i]!;
      const value = labels[i + 1]!;
      if (name === METRIC_NAME) metricNames.set(value, (metricNames.get(value) ?? 0) + 1);
      labelNames.set(name, (labelNames.get(name) ?? 0) + 1);
      let known = values.get(name);
      if (known === undefined) values.set(name, (known = new Set()));
      known.add(value);
    }
  }
  return {
    seriesCount,
    byMetricName: top(metricNames, limit),
    byLabelName: top(labelNames, limit),
    valuesByLabelName: top(new Map([...values].map(([name, set]) => [name, set.size])), limit),
  };
}
