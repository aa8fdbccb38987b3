// Work on sample columns: cut, pick, and resolve rewrites between sources of one series. A source
// is a column set of one kind from one part or head generation; of two samples with one (tUs,
// subNs) the one of the higher priority wins, inside a source the one with the higher ordinal.
// Values move as words.
import { KIND } from '../model/columns.ts';
import type { Samples, ValueColumn } from '../model/columns.ts';

export interface Source {
  readonly samples: Samples;
  /** Order of arrival inside the source; undefined where it is strictly ascending in time. */
  readonly ordinals: Uint32Array | undefined;
  readonly priority: number;
  readonly minUs: number;
  readonly maxUs: number;
}

/** A source whose samples are strictly ascending in (tUs, subNs). */
export function sortedSource(samples: Samples, priority: number): Source {
  const minUs = samples.tUs[0]!;
  const maxUs = samples.tUs[samples.count - 1]!;
  return { samples, ordinals: undefined, priority, minUs, maxUs };
}

/** First index in [0, count) with tUs >= `bound`, or > `bound` where `after`. Ascending times. */
function search(tUs: Float64Array, count: number, bound: number, after: boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const isBelow = after ? tUs[middle]! <= bound : tUs[middle]! < bound;
    if (isBelow) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Samples [from, to) as views. */
export function sliceSamples(samples: Samples, from: number, to: number): Samples {
  const { subNs, startUs, position } = samples;
  return {
    ...sliceValues(samples, from, to),
    count: to - from,
    tUs: samples.tUs.subarray(from, to),
    subNs: subNs?.subarray(from, to),
    startUs: startUs?.subarray(from, to),
    position: position && {
      latitude: position.latitude.subarray(from, to),
      longitude: position.longitude.subarray(from, to),
      elevation: position.elevation.subarray(from, to),
    },
  };
}

function sliceValues(column: ValueColumn, from: number, to: number): ValueColumn {
  switch (column.kind) {
    case KIND.f64:
      return { kind: column.kind, values: column.values.subarray(from, to) };
    case KIND.i64:
      return { kind: column.kind, values: column.values.subarray(from, to) };
    case KIND.u64:
      return { kind: column.kind, values: column.values.subarray(from, to) };
    case KIND.boolean:
      return { kind: column.kind, values: column.values.subarray(from, to) };
    case KIND.string:
      return { kind: column.kind, values: column.values.slice(from, to) };
    case KIND.histogram:
      return { kind: column.kind, values: column.values.slice(from, to) };
  }
}

/** The samples of an ascending column set in [startUs, endUs]; undefined where there are none. */
export function clampSamples(
  samples: Samples,
  startUs: number,
  endUs: number,
): Samples | undefined {
  const { tUs, count } = samples;
  const from = search(tUs, count, startUs, false);
  const to = search(tUs, count, endUs, true);
  if (from >= to) return undefined;
  return from === 0 && to === count ? samples : sliceSamples(samples, from, to);
}

export interface TimeRange {
  readonly startUs: number;
  readonly endUs: number;
}

/** An ascending column set without the samples in any of the (inclusive) ranges. */
export function subtractRanges(samples: Samples, ranges: readonly TimeRange[]): Samples[] {
  let kept = [samples];
  for (const { startUs, endUs } of ranges) {
    if (endUs < startUs) continue;
    kept = kept.flatMap((piece) => {
      const from = search(piece.tUs, piece.count, startUs, false);
      const to = search(piece.tUs, piece.count, endUs, true);
      if (from >= to) return [piece];
      const out: Samples[] = [];
      if (from > 0) out.push(sliceSamples(piece, 0, from));
      if (to < piece.count) out.push(sliceSamples(piece, to, piece.count));
      return out;
    });
  }
  return kept;
}

// ---------------------------------------------------------------- picking

/**
 * Samples `indexes[from…to)` of `sources[which[…]]`, all of one kind, copied into fresh columns.
 */
function pick(
  sources: readonly Source[],
  which: Uint32Array,
  indexes: Uint32Array,
  order: Uint32Array,
): Samples {
  const count = order.length;
  const columns = sources.map((source) => source.samples);
  const each = <T extends Float64Array | Uint16Array>(
    type: new (count: number) => T,
    column: (samples: Samples) => T | undefined,
    missing: number,
  ): T | undefined => {
    if (columns.every((samples) => column(samples) === undefined)) return undefined;
    const from = columns.map(column);
    const out = new type(count);
    let any = false;
    for (let i = 0; i < count; i++) {
      const at = order[i]!;
      const value = from[which[at]!]?.[indexes[at]!] ?? missing;
      out[i] = value;
      any ||= missing === 0 ? value !== 0 : !Number.isNaN(value);
    }
    return any ? out : undefined;
  };
  const tUs = new Float64Array(count);
  for (let i = 0; i < count; i++) tUs[i] = columns[which[order[i]!]!]!.tUs[indexes[order[i]!]!]!;
  const nans = (): Float64Array => new Float64Array(count).fill(Number.NaN);
  const axis = (name: 'latitude' | 'longitude' | 'elevation'): Float64Array | undefined =>
    each(Float64Array, (s) => s.position?.[name], Number.NaN);
  const [latitude, elevation] = [axis('latitude'), axis('elevation')];
  const position =
    latitude === undefined && elevation === undefined
      ? undefined
      : {
          latitude: latitude ?? nans(),
          longitude: axis('longitude') ?? nans(),
          elevation: elevation ?? nans(),
        };
  return {
    ...pickValues(columns, which, indexes, order),
    count,
    tUs,
    subNs: each(Uint16Array, (s) => s.subNs, 0),
    startUs: each(Float64Array, (s) => s.startUs, Number.NaN),
    position,
  };
}

function pickValues(
  columns: readonly Samples[],
  which: Uint32Array,
  indexes: Uint32Array,
  order: Uint32Array,
): ValueColumn {
  const count = order.length;
  const { kind } = columns[which[order[0]!]!]!;
  if (kind === KIND.boolean || kind === KIND.string || kind === KIND.histogram) {
    const picked: unknown[] = [];
    for (let i = 0; i < count; i++) {
      const at = order[i]!;
      picked.push(columns[which[at]!]!.values[indexes[at]!]);
    }
    const values = kind === KIND.boolean ? Uint8Array.from(picked as number[]) : picked;
    // All sources of a run are of its kind.
    return { kind, values } as ValueColumn;
  }
  const words = new Int32Array(count * 2);
  const from = columns.map(({ values }) =>
    ArrayBuffer.isView(values) && values.BYTES_PER_ELEMENT === 8
      ? new Int32Array(values.buffer, values.byteOffset, values.length * 2)
      : new Int32Array(0),
  );
  for (let i = 0; i < count; i++) {
    const at = order[i]!;
    const source = from[which[at]!]!;
    const index = indexes[at]! * 2;
    words[2 * i] = source[index]!;
    words[2 * i + 1] = source[index + 1]!;
  }
  if (kind === KIND.f64) return { kind, values: new Float64Array(words.buffer) };
  if (kind === KIND.i64) return { kind, values: new BigInt64Array(words.buffer) };
  return { kind, values: new BigUint64Array(words.buffer) };
}

// ---------------------------------------------------------------- resolving

/**
 * One series out of its sources: in time order, without overlap, each chunk of one kind, every
 * rewrite resolved. Complexity: free of copies where sources are ascending and disjoint in time,
 * else O(n log n) over those that overlap.
 */
export function resolveSources(sources: readonly Source[]): Samples[] {
  if (sources.length === 1 && sources[0]!.ordinals === undefined) return [sources[0]!.samples];
  const byTime = sources.toSorted((a, b) => a.minUs - b.minUs);
  const out: Samples[] = [];
  let cluster: Source[] = [];
  let endUs = Number.NEGATIVE_INFINITY;
  for (const source of byTime) {
    if (cluster.length > 0 && source.minUs > endUs) {
      resolveCluster(cluster, out);
      cluster = [];
    }
    cluster.push(source);
    endUs = cluster.length === 1 ? source.maxUs : Math.max(endUs, source.maxUs);
  }
  if (cluster.length > 0) resolveCluster(cluster, out);
  return out;
}

function resolveCluster(cluster: readonly Source[], out: Samples[]): void {
  if (cluster.length === 1 && cluster[0]!.ordinals === undefined) {
    out.push(cluster[0]!.samples);
    return;
  }
  const total = cluster.reduce((sum, source) => sum + source.samples.count, 0);
  const which = new Uint32Array(total);
  const indexes = new Uint32Array(total);
  let at = 0;
  for (const [number, { samples }] of cluster.entries())
    for (let i = 0; i < samples.count; i++) {
      which[at] = number;
      indexes[at++] = i;
    }
  const kept = newestOf(cluster, which, indexes);
  let start = 0;
  const kindAt = (i: number): number => cluster[which[kept[i]!]!]!.samples.kind;
  for (let i = 1; i <= kept.length; i++)
    if (i === kept.length || kindAt(i) !== kindAt(start)) {
      out.push(pick(cluster, which, indexes, kept.subarray(start, i)));
      start = i;
    }
}

/** Positions of the samples that win, in time order. */
function newestOf(
  cluster: readonly Source[],
  which: Uint32Array,
  indexes: Uint32Array,
): Uint32Array {
  const total = which.length;
  const tUs = new Float64Array(total);
  const subNs = new Uint16Array(total);
  for (let i = 0; i < total; i++) {
    const { samples } = cluster[which[i]!]!;
    tUs[i] = samples.tUs[indexes[i]!]!;
    subNs[i] = samples.subNs?.[indexes[i]!] ?? 0;
  }
  const later = (a: number, b: number): number => {
    const left = cluster[which[a]!]!;
    const right = cluster[which[b]!]!;
    if (left.priority !== right.priority) return left.priority - right.priority;
    return (left.ordinals?.[indexes[a]!] ?? 0) - (right.ordinals?.[indexes[b]!] ?? 0);
  };
  const order = mergedRuns(
    total,
    (a, b) => tUs[a]! - tUs[b]! || subNs[a]! - subNs[b]! || later(a, b),
  );
  let count = 0;
  for (let i = 0; i < total; i++) {
    const next = i + 1 < total ? order[i + 1]! : -1;
    const isOverwritten =
      next >= 0 && tUs[next] === tUs[order[i]!] && subNs[next] === subNs[order[i]!];
    if (!isOverwritten) order[count++] = order[i]!;
  }
  return order.subarray(0, count);
}

/**
 * Places [0, count) in order, equal ones as they stand. Sources are ascending, most of them: runs
 * that are in order are merged by twos, O(count · log(runs)) comparisons.
 */
function mergedRuns(count: number, compare: (a: number, b: number) => number): Uint32Array {
  let from = new Uint32Array(count);
  let starts = [0];
  for (let i = 0; i < count; i++) {
    from[i] = i;
    if (i > 0 && compare(i - 1, i) > 0) starts.push(i);
  }
  let to = new Uint32Array(starts.length === 1 ? 0 : count);
  while (starts.length > 1) {
    const next: number[] = [];
    for (let run = 0; run < starts.length; run += 2) {
      const start = starts[run]!;
      const middle = starts[run + 1] ?? count;
      const end = starts[run + 2] ?? count;
      let a = start;
      let b = middle;
      for (let at = start; at < end; at++) {
        const isLeft = b === end || (a < middle && compare(from[a]!, from[b]!) <= 0);
        to[at] = isLeft ? from[a++]! : from[b++]!;
      }
      next.push(start);
    }
    [from, to, starts] = [to, from, next];
  }
  return from;
}

/** Bytes that a column set holds, for budgets: an estimate for strings and histograms. */
export function samplesSizeBytes(samples: Samples): number {
  let perSample = 8;
  if (samples.kind === KIND.boolean) perSample += 1;
  else if (samples.kind === KIND.string) perSample += 40;
  else if (samples.kind === KIND.histogram) perSample += 400;
  else perSample += 8;
  if (samples.subNs !== undefined) perSample += 2;
  if (samples.startUs !== undefined) perSample += 8;
  if (samples.position !== undefined) perSample += 24;
  return perSample * samples.count;
}
