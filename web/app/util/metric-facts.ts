/** What is known of metrics, put together from names, metadata and counts. */
import type { MetricMetadata } from '../api/types.ts';
import { formatLabels, type Labels } from './labels.ts';

export interface MetricFacts {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly help: string;
  /** Undefined where the server does not count. */
  readonly seriesCount: number | undefined;
}

export interface ValueCount {
  readonly value: string;
  readonly seriesCount: number;
}

export interface LabelFacts {
  readonly label: string;
  /** The most series first. */
  readonly values: readonly ValueCount[];
}

type AllMetadata = Readonly<Record<string, readonly MetricMetadata[]>>;

const SUFFIX = /_(?:total|sum|count|bucket|created|info)$/;

/** Writers declare families; their series carry suffixes. */
export function metadataFor(name: string, all: AllMetadata): MetricMetadata | undefined {
  const family = name.replace(SUFFIX, '');
  for (const known of [name, family]) {
    if (Object.hasOwn(all, known)) return all[known]?.[0];
  }
  return undefined;
}

export function factsOf(
  names: readonly string[],
  all: AllMetadata,
  counts: ReadonlyMap<string, number> | undefined,
): readonly MetricFacts[] {
  return names.map((name) => {
    const { type = '', unit = '', help = '' } = metadataFor(name, all) ?? {};
    // What nobody declared is no news.
    const declared = type === 'unknown' ? '' : type;
    return { name, type: declared, unit, help, seriesCount: counts?.get(name) };
  });
}

export function filterFacts(facts: readonly MetricFacts[], filter: string): readonly MetricFacts[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return facts.filter(({ name, help }) => {
    const text = `${name} ${help}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Labels of some series, those with most values first; without the metric's name. */
export function labelFacts(series: readonly Labels[]): readonly LabelFacts[] {
  const byLabel = new Map<string, Map<string, number>>();
  for (const labels of series) {
    for (const [label, value] of Object.entries(labels)) {
      if (label === '__name__') continue;
      const counts = byLabel.get(label) ?? new Map<string, number>();
      byLabel.set(label, counts.set(value, (counts.get(value) ?? 0) + 1));
    }
  }
  return [...byLabel]
    .map(([label, counts]) => ({
      label,
      values: [...counts]
        .map(([value, seriesCount]) => ({ value, seriesCount }))
        .toSorted((a, b) => b.seriesCount - a.seriesCount || (a.value < b.value ? -1 : 1)),
    }))
    .toSorted((a, b) => b.values.length - a.values.length || (a.label < b.label ? -1 : 1));
}

/** A first query of a metric: counters are only read as rates. */
export function firstQuery({ name, type }: Pick<MetricFacts, 'name' | 'type'>): string {
  const selector = formatLabels({ __name__: name });
  return type === 'counter' || type === 'histogram' ? `rate(${selector}[5m])` : selector;
}
