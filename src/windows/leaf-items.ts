// The samples of one series on their way into a kernel: columns or still encoded blocks, cut to the
// leaf's range by their times, decoded here or in another thread by the same code.
import { decodeBody } from '../codec/block.ts';
import { BLOCK_COUNT_MAX } from '../codec/limits.ts';
import { doublesOf, isNumberColumn, KIND } from '../model/columns.ts';
import type { Kind, KindMask, Samples } from '../model/columns.ts';
import type { EncodedSamples } from '../model/storage.ts';
import { gatherSamples } from './samples.ts';
import type { SeriesSamples } from './samples.ts';

/** A chunk of a series, and the samples [from, to) of it that take part. */
export interface LeafItem {
  readonly chunk: Samples | EncodedSamples;
  readonly from: number;
  readonly to: number;
}

export function isEncoded(chunk: Samples | EncodedSamples): chunk is EncodedSamples {
  return 'block' in chunk;
}

/** Values that are objects do not cross threads. */
export function isObjectKind(kind: Kind): boolean {
  return kind === KIND.string || kind === KIND.histogram;
}

/** First index in [0, count) with tUs >= `bound`. Ascending times. */
function lowerBound(tUs: Float64Array, count: number, bound: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (tUs[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What of a series lies in [startUs, endUs] and is of the kinds; empty: nothing. */
export function itemsIn(
  chunks: readonly (Samples | EncodedSamples)[],
  kinds: KindMask,
  { startUs, endUs }: { readonly startUs: number; readonly endUs: number },
): LeafItem[] {
  const items: LeafItem[] = [];
  for (const chunk of chunks) {
    if ((kinds & (1 << chunk.kind)) === 0) continue;
    const count = isEncoded(chunk) ? chunk.tUs.length : chunk.count;
    const { tUs } = chunk;
    const from = tUs[0]! >= startUs ? 0 : lowerBound(tUs, count, startUs);
    let to = count;
    if (tUs[count - 1]! > endUs) {
      to = lowerBound(tUs, count, endUs);
      while (to < count && tUs[to]! <= endUs) to++;
    }
    if (from < to) items.push({ chunk, from, to });
  }
  return items;
}

/** Decodes and gathers; its results are good until the next series. */
export class ItemDecoder {
  #tUs = new Float64Array(BLOCK_COUNT_MAX);
  #values = new Float64Array(BLOCK_COUNT_MAX);

  samplesOf(items: readonly LeafItem[], keepStale: boolean): SeriesSamples {
    return gatherSamples(this.#joined(items) ?? items.map(decoded), keepStale);
  }

  /** Numbers without start times as one run of doubles in scratch; undefined: not that simple. */
  #joined(items: readonly LeafItem[]): Samples[] | undefined {
    let count = 0;
    for (const { chunk, from, to } of items) {
      if (isObjectKind(chunk.kind)) return undefined;
      if (!isEncoded(chunk) && (items.length === 1 || chunk.startUs !== undefined))
        return undefined;
      count += to - from;
    }
    this.#reserve(count + BLOCK_COUNT_MAX);
    let at = 0;
    for (const { chunk, from, to } of items) {
      const values = isEncoded(chunk) ? this.#decode(chunk, at) : numbersOf(chunk);
      if (values === undefined) return undefined;
      const isInPlace = isEncoded(chunk) && from === 0;
      if (!isInPlace) this.#values.set(values.subarray(from, to), at);
      if (items.length > 1) this.#tUs.set(chunk.tUs.subarray(from, to), at);
      at += to - from;
    }
    const [first] = items;
    const tUs = items.length > 1 ? this.#tUs : first!.chunk.tUs.subarray(first!.from, first!.to);
    return [
      {
        kind: KIND.f64,
        count,
        tUs,
        values: this.#values,
        subNs: undefined,
        startUs: undefined,
        position: undefined,
      },
    ];
  }

  /** Values of a block into scratch from `at` on; undefined where it has start times. */
  #decode(chunk: EncodedSamples, at: number): Float64Array | undefined {
    const samples = decodeEncoded(chunk, this.#values.subarray(at));
    const values = samples.startUs === undefined ? numbersOf(samples) : undefined;
    if (values === undefined || samples.kind === KIND.f64) return values;
    this.#values.set(values, at);
    return this.#values.subarray(at, at + samples.count);
  }

  #reserve(count: number): void {
    if (count <= this.#values.length) return;
    const size = Math.max(count, this.#values.length * 2);
    this.#tUs = new Float64Array(size);
    this.#values = new Float64Array(size);
  }
}

function decodeEncoded({ kind, tUs, block }: EncodedSamples, values: Float64Array): Samples {
  const place = { start: 0, sizeBytes: block.length, kind, count: tUs.length };
  return decodeBody(block, place, tUs, { target: { values } });
}

function numbersOf(samples: Samples): Float64Array | undefined {
  return isNumberColumn(samples) ? doublesOf(samples, samples.count) : undefined;
}

/** The samples of an item as columns of their own. */
function decoded({ chunk, from, to }: LeafItem): Samples {
  const samples = isEncoded(chunk)
    ? decodeEncoded(chunk, new Float64Array(BLOCK_COUNT_MAX))
    : chunk;
  const tUs = samples.tUs.subarray(from, to);
  const startUs = samples.startUs?.subarray(from, to);
  const rest = { count: to - from, tUs, subNs: undefined, startUs, position: undefined };
  switch (samples.kind) {
    case KIND.f64:
      return { ...rest, kind: samples.kind, values: samples.values.subarray(from, to) };
    case KIND.i64:
      return { ...rest, kind: samples.kind, values: samples.values.subarray(from, to) };
    case KIND.u64:
      return { ...rest, kind: samples.kind, values: samples.values.subarray(from, to) };
    case KIND.boolean:
      return { ...rest, kind: samples.kind, values: samples.values.subarray(from, to) };
    case KIND.string:
      return { ...rest, kind: samples.kind, values: samples.values.slice(from, to) };
    case KIND.histogram:
      return { ...rest, kind: samples.kind, values: samples.values.slice(from, to) };
  }
}
