// How many series there are by name, label and pair, of what has a sample in a range.
import { METRIC_NAME } from '../model/labels.ts';
import type { Cardinality } from '../model/storage.ts';
import { ITEMS_PER_LOOK } from '../stdx/limits.ts';
import { countHeldBytes } from './held-bytes.ts';
import { eachSeries, turnsOf } from './read-names.ts';
import type { Scan } from './scan.ts';
import { TopCounts } from './top-counts.ts';

/** Series by value, by name. */
type ValueCounts = Map<string, Map<string, number>>;

/** O(series) time, and memory of all pairs that there are, which the scan holds. */
export async function readCardinality(scan: Scan, limit: number): Promise<Cardinality> {
  const counts: ValueCounts = new Map();
  let seriesCount = 0;
  await eachSeries(scan, (labels) => {
    seriesCount++;
    for (let i = 0; i < labels.length; i += 2) {
      const name = labels[i]!;
      const value = labels[i + 1]!;
      let ofName = counts.get(name);
      if (ofName === undefined) counts.set(name, (ofName = new Map()));
      const count = ofName.get(value) ?? 0;
      if (count === 0) scan.hold?.(countHeldBytes(value));
      ofName.set(value, count + 1);
    }
    return true;
  });
  return { seriesCount, ...(await highest(counts, limit, turnsOf(scan))) };
}

async function highest(
  counts: ValueCounts,
  limit: number,
  turn: () => Promise<void>,
): Promise<Omit<Cardinality, 'seriesCount'>> {
  const top = (): TopCounts => new TopCounts(limit);
  const [metrics, names, values, bytes, pairs] = [top(), top(), top(), top(), top()];
  let labelPairCount = 0;
  for (const [name, ofName] of counts) {
    let seriesOfName = 0;
    let bytesOfName = 0;
    for (const [value, count] of ofName) {
      seriesOfName += count;
      bytesOfName += Buffer.byteLength(value);
      if (pairs.wants(count)) pairs.add({ name: `${name}=${value}`, count });
      if (name === METRIC_NAME) metrics.add({ name: value, count });
      if (++labelPairCount % ITEMS_PER_LOOK === 0) await turn();
    }
    names.add({ name, count: seriesOfName });
    values.add({ name, count: ofName.size });
    bytes.add({ name, count: bytesOfName });
  }
  return {
    byMetricName: metrics.rows(),
    byLabelName: names.rows(),
    valuesByLabelName: values.rows(),
    valueBytesByLabelName: bytes.rows(),
    byLabelPair: pairs.rows(),
    labelPairCount,
  };
}
