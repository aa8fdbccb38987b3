// What reading a selector would cost, without reading it: postings say how many series match in
// each part and in the head; a part's directory says how many points and bytes the tenant has in it
// and over which time; of the head some series are looked at.
import type { SelectorEstimate } from '../model/storage.ts';
import { IdList } from './growable.ts';
import {
  ESTIMATE_LABEL_SERIES,
  ESTIMATE_ROW_GROUPS,
  ESTIMATE_SERIES,
  ESTIMATE_SLOTS,
} from './limits.ts';
import type { Part } from './part-reader.ts';
import type { Scan } from './scan.ts';
import { mostValues } from './shard-merge.ts';
import { SlotTests } from './slot-tests.ts';

/** Matching series of one part or of the head. */
interface Place {
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly sizeBytes: number;
  /** Values by label. */
  readonly valueCounts: () => Promise<ReadonlyMap<string, number>>;
}

/** Bytes of a sample of the head, in pages. */
const HEAD_SAMPLE_BYTES = 12;

export async function estimateScan(scan: Scan, labelLimit: number): Promise<SelectorEstimate> {
  const places: Place[] = [];
  if (scan.range.startUs <= scan.range.endUs) {
    for (const part of scan.view.parts) {
      scan.check();
      const place = await partPlace(part, scan);
      if (place !== undefined) places.push(place);
    }
    if (!scan.view.generations.every((one) => one.isEmpty)) places.push(headPlace(scan));
  }
  const largest = places.reduce<Place | undefined>(
    (best, one) => (best === undefined || one.seriesCount > best.seriesCount ? one : best),
    undefined,
  );
  const counts =
    labelLimit > 0 && largest !== undefined
      ? await largest.valueCounts()
      : new Map<string, never>();
  return {
    seriesCount: largest?.seriesCount ?? 0,
    sampleCount: Math.round(places.reduce((sum, one) => sum + one.sampleCount, 0)),
    sizeBytes: Math.round(places.reduce((sum, one) => sum + one.sizeBytes, 0)),
    byLabel: mostValues(counts, labelLimit),
  };
}

async function partPlace(part: Part, scan: Scan): Promise<Place | undefined> {
  const { tenant, range, matchers, check } = scan;
  if (part.row.minUs > range.endUs || part.row.maxUs < range.startUs) return undefined;
  const row = await part.tenant(tenant);
  const index = await part.index(tenant);
  if (row === undefined || index === undefined) return undefined;
  if (row.minUs > range.endUs || row.maxUs < range.startUs) return undefined;
  const ordinals = await index.match(matchers);
  const covered = Math.min(row.maxUs, range.endUs) - Math.max(row.minUs, range.startUs);
  const lengthUs = row.maxUs - row.minUs;
  const share = (ordinals.length / row.seriesCount) * (lengthUs > 0 ? covered / lengthUs : 1);
  return {
    seriesCount: ordinals.length,
    sampleCount: row.sampleCount * share,
    sizeBytes: row.dataSizeBytes * share,
    valueCounts: () => index.valueCounts(ordinals, ESTIMATE_ROW_GROUPS, check),
  };
}

function headPlace(scan: Scan): Place {
  const { view, moment } = scan;
  const { refs, each } = headSample(scan);
  let seriesCount = 0;
  let sampleCount = 0;
  for (const ref of refs) {
    let own = 0;
    for (const generation of view.generations) own += generation.countAt(ref, moment);
    if (own > 0) seriesCount++;
    sampleCount += own;
  }
  const inRange = sampleCount === 0 ? 0 : sampleCount * each * shareInRange(scan, refs);
  return {
    seriesCount: seriesCount * each,
    sampleCount: inRange,
    sizeBytes: inRange * HEAD_SAMPLE_BYTES,
    valueCounts: async () => headValueCounts(scan, refs),
  };
}

/**
 * Series that match, each of which stands for `each` of them: all where they are found at once or
 * the index is small, else one of each stretch of slots.
 */
function headSample(scan: Scan): { readonly refs: Uint32Array; readonly each: number } {
  const { tenant, matchers, index } = scan;
  const few = index.selectFew(tenant, matchers);
  if (few !== undefined && few.length <= ESTIMATE_SLOTS) return { refs: few, each: 1 };
  const { rows } = index.tables;
  const owner = index.ownerNumber(tenant);
  const tests = new SlotTests(index.tables, matchers);
  const refs = new IdList();
  const each = Math.ceil(rows.slotEnd / ESTIMATE_SLOTS);
  for (let start = 0; start < rows.slotEnd; start += each) {
    // A place of its own in each stretch: what repeats every few series is not missed.
    const slot = start + ((Math.imul(start, 0x9e3779b1) >>> 8) % each);
    if (slot >= rows.slotEnd || rows.ownerOf(slot) !== owner || !tests.accepts(slot)) continue;
    refs.push(rows.refAt(slot));
  }
  return { refs: refs.view(), each };
}

/** Of the samples of some series the share that lies in the range. */
function shareInRange({ view, moment, range }: Scan, refs: Uint32Array): number {
  let all = 0;
  let found = 0;
  const every = Math.ceil(refs.length / ESTIMATE_SERIES);
  for (let i = 0; i < refs.length; i += every)
    for (const generation of view.generations) {
      all += generation.countAt(refs[i]!, moment);
      const sources = generation.sources(refs[i]!, { moment, range, priority: 0 }, []);
      found += sources.reduce((sum, { samples }) => sum + samples.count, 0);
    }
  return all === 0 ? 1 : found / all;
}

function headValueCounts({ index, view }: Scan, refs: Uint32Array): Map<string, number> {
  const values = new Map<string, Set<string>>();
  const every = Math.ceil(refs.length / ESTIMATE_LABEL_SERIES);
  for (let i = 0; i < refs.length; i += every) {
    if (!view.generations.some((one) => one.has(refs[i]!))) continue;
    const labels = index.labelsOf(refs[i]!);
    for (let at = 0; at < labels.length; at += 2) {
      let seen = values.get(labels[at]!);
      if (seen === undefined) values.set(labels[at]!, (seen = new Set()));
      seen.add(labels[at + 1]!);
    }
  }
  return new Map(Array.from(values, ([name, seen]) => [name, seen.size]));
}
