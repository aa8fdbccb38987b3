// Answers of several shards made into one. A series lives in one shard, so streams and lists of
// series are merged without ever meeting an equal; names and values may come from any.
import { compareLabels, compareUtf8 } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Cardinality, SelectorEstimate, StorageStats } from '../model/storage.ts';
import { bytesOfTexts, topCounts } from './top-counts.ts';

interface Labelled {
  readonly labels: Labels;
}

/**
 * Streams in label order as one. An item is valid until the next is asked for, as in the streams:
 * only the stream that gave the last item is moved on. Ends all of them however it ends.
 */
export async function* mergeStreams<T extends Labelled>(
  streams: readonly AsyncIterable<T>[],
): AsyncGenerator<T, void, void> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(iterators.map((iterator) => iterator.next()));
    for (;;) {
      let best = -1;
      for (const [i, { done, value }] of heads.entries()) {
        if (done === true) continue;
        if (best < 0 || compareLabels(value.labels, heads[best]!.value!.labels) < 0) best = i;
      }
      if (best < 0) return;
      yield heads[best]!.value!;
      heads[best] = await iterators[best]!.next();
    }
  } finally {
    for (const iterator of iterators) await iterator.return?.();
  }
}

/** Sorted lists without an equal as one, at most `limit`; 0 = no limit. */
export function mergeSorted<T>(
  lists: readonly (readonly T[])[],
  compare: (a: T, b: T) => number,
  limit: number,
): T[] {
  const merged = lists.flat().toSorted(compare);
  return limit === 0 ? merged : merged.slice(0, limit);
}

/** The smallest `limit` distinct texts of all lists; 0 = no limit. */
export function mergeTexts(lists: readonly (readonly string[])[], limit: number): string[] {
  return mergeSorted([[...new Set(lists.flat())]], compareUtf8, limit);
}

/** Series and points add up; of a label's values a shard may know all that the others know. */
export function mergeEstimates(
  estimates: readonly SelectorEstimate[],
  labelLimit: number,
): SelectorEstimate {
  const values = new Map<string, number>();
  for (const { byLabel } of estimates)
    for (const { name, valueCount } of byLabel)
      values.set(name, Math.max(values.get(name) ?? 0, valueCount));
  const sum = (of: (one: SelectorEstimate) => number): number =>
    estimates.reduce((total, one) => total + of(one), 0);
  return {
    seriesCount: sum((one) => one.seriesCount),
    sampleCount: sum((one) => one.sampleCount),
    sizeBytes: sum((one) => one.sizeBytes),
    byLabel: mostValues(values, labelLimit),
  };
}

/** Labels with the most values first, at most `limit`. */
export function mostValues(
  counts: ReadonlyMap<string, number>,
  limit: number,
): SelectorEstimate['byLabel'] {
  return Array.from(counts, ([name, valueCount]) => ({ name, valueCount }))
    .toSorted((a, b) => b.valueCount - a.valueCount || compareUtf8(a.name, b.name))
    .slice(0, limit);
}

type Counts = Cardinality['byMetricName'];

function added(lists: readonly Counts[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { name, count } of lists.flat()) sums.set(name, (sums.get(name) ?? 0) + count);
  return sums;
}

/**
 * Cardinality out of the complete ones of the shards. Shards share label values: `valuesOf` lends
 * the distinct ones of a label.
 */
export async function mergeCardinality(
  parts: readonly Cardinality[],
  limit: number,
  valuesOf: (label: string, use: (values: readonly string[]) => void) => Promise<void>,
): Promise<Cardinality> {
  const names = added(parts.map((part) => part.byLabelName));
  const valueCounts = new Map<string, number>();
  const valueBytes = new Map<string, number>();
  for (const name of names.keys()) {
    await valuesOf(name, (values) => {
      valueCounts.set(name, values.length);
      valueBytes.set(name, bytesOfTexts(values));
    });
  }
  const top = (counts: ReadonlyMap<string, number>): Counts =>
    topCounts(
      Array.from(counts, ([name, count]) => ({ name, count })),
      limit,
    );
  return {
    seriesCount: parts.reduce((sum, part) => sum + part.seriesCount, 0),
    byMetricName: top(added(parts.map((part) => part.byMetricName))),
    byLabelName: top(names),
    valuesByLabelName: top(valueCounts),
    valueBytesByLabelName: top(valueBytes),
    byLabelPair: top(added(parts.map((part) => part.byLabelPair))),
    labelPairCount: valueCounts.values().reduce((sum, count) => sum + count, 0),
  };
}

/** Sums; frontier and log end as numbers of records over all logs. */
export function mergeStats(parts: readonly StorageStats[]): StorageStats {
  const sum = (field: keyof StorageStats): number =>
    parts.reduce((total, part) => total + part[field], 0);
  return {
    activeSeries: sum('activeSeries'),
    seriesInMemory: sum('seriesInMemory'),
    headSamples: sum('headSamples'),
    partCount: sum('partCount'),
    dataSizeBytes: sum('dataSizeBytes'),
    logSizeBytes: sum('logSizeBytes'),
    frontier: sum('frontier'),
    logEndOffset: sum('logEndOffset'),
  };
}
