// Work on sample columns: cut, pick, and resolve rewrites between sources of one series. A source
// is a column set of one kind from one part or head generation; of two samples with one (tUs,
// subNs) the one of the higher priority wins, inside a source the one with the higher ordinal.
// Values move as words.
import { KIND } from '../model/columns.ts';
import type { Samples, ValueColumn } from '../model/columns.ts';
import { CLUSTER_ROOM_SAMPLES } from './limits.ts';

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

/** Columns of 64 bits over one buffer: values move as words, so that no NaN loses its bits. */
class Words {
  readonly words: Int32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  readonly u64: BigUint64Array;

  constructor(count: number) {
    const buffer = new ArrayBuffer(count * 8);
    this.words = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.u64 = new BigUint64Array(buffer);
  }

  /** Copies a column in; asks no array for its buffer, which would move a small one. */
  set(samples: Samples, at: number): void {
    const { count, kind, values } = samples;
    if (kind === KIND.f64) this.f64.set(firstOf(values, count), at);
    else if (kind === KIND.i64) this.i64.set(firstOf(values, count), at);
    else if (kind === KIND.u64) this.u64.set(firstOf(values, count), at);
  }
}

function firstOf<T extends { readonly length: number; subarray(from: number, to: number): T }>(
  values: T,
  count: number,
): T {
  return values.length === count ? values : values.subarray(0, count);
}

/** The samples of a cluster one source after the other, and room to bring them in order. */
class ClusterRoom {
  readonly which: Uint32Array;
  readonly indexes: Uint32Array;
  readonly tUs: Float64Array;
  readonly subNs: Uint16Array;
  readonly values: Words;
  readonly orders: readonly [Uint32Array, Uint32Array];
  total = 0;
  hasSubNs = false;
  hasStartUs = false;
  hasPosition = false;

  constructor(count: number) {
    this.which = new Uint32Array(count);
    this.indexes = new Uint32Array(count);
    this.tUs = new Float64Array(count);
    this.subNs = new Uint16Array(count);
    this.values = new Words(count);
    this.orders = [new Uint32Array(count), new Uint32Array(count)];
  }

  fill(cluster: readonly Source[]): void {
    this.hasSubNs = false;
    this.hasStartUs = false;
    this.hasPosition = false;
    let at = 0;
    for (let number = 0; number < cluster.length; number++) {
      const { samples } = cluster[number]!;
      const { count, tUs, subNs } = samples;
      this.hasSubNs ||= subNs !== undefined;
      this.hasStartUs ||= samples.startUs !== undefined;
      this.hasPosition ||= samples.position !== undefined;
      this.values.set(samples, at);
      for (let i = 0; i < count; i++, at++) {
        this.which[at] = number;
        this.indexes[at] = i;
        this.tUs[at] = tUs[i]!;
        this.subNs[at] = subNs === undefined ? 0 : subNs[i]!;
      }
    }
    this.total = at;
  }
}

/** For all clusters up to its size: most are small, and there are as many as series. */
const sharedRoom = new ClusterRoom(CLUSTER_ROOM_SAMPLES);
/** Values of a run that fits are put together here: a copy of few lies in the heap. */
const sharedWords = new Words(CLUSTER_ROOM_SAMPLES);

function roomFor(total: number): ClusterRoom {
  return total <= CLUSTER_ROOM_SAMPLES ? sharedRoom : new ClusterRoom(total);
}

/** A part of an order of the samples of a cluster, all of one kind. */
interface Run {
  readonly order: Uint32Array;
  readonly start: number;
  readonly end: number;
}

/** The samples of a run, copied into fresh columns. */
function pick(cluster: readonly Source[], room: ClusterRoom, run: Run): Samples {
  const { order, start, end } = run;
  const tUs = new Float64Array(end - start);
  for (let i = start; i < end; i++) tUs[i - start] = room.tUs[order[i]!]!;
  let subNs: Uint16Array | undefined;
  if (room.hasSubNs)
    for (let i = start; i < end; i++) {
      const value = room.subNs[order[i]!]!;
      if (value !== 0) (subNs ??= new Uint16Array(end - start))[i - start] = value;
    }
  const column = (of: (samples: Samples) => Float64Array | undefined): Float64Array | undefined =>
    pickDoubles(cluster, room, run, of);
  return {
    ...pickValues(cluster, room, run),
    count: end - start,
    tUs,
    subNs,
    startUs: room.hasStartUs ? column((samples) => samples.startUs) : undefined,
    position: room.hasPosition ? pickPosition(end - start, column) : undefined,
  };
}

function pickPosition(
  count: number,
  column: (of: (samples: Samples) => Float64Array | undefined) => Float64Array | undefined,
): Samples['position'] {
  const latitude = column((samples) => samples.position?.latitude);
  const elevation = column((samples) => samples.position?.elevation);
  if (latitude === undefined && elevation === undefined) return undefined;
  const longitude = column((samples) => samples.position?.longitude);
  const nans = (): Float64Array => new Float64Array(count).fill(Number.NaN);
  return {
    latitude: latitude ?? nans(),
    longitude: longitude ?? nans(),
    elevation: elevation ?? nans(),
  };
}

/** Undefined where no sample has a number there. */
function pickDoubles(
  cluster: readonly Source[],
  { which, indexes }: ClusterRoom,
  { order, start, end }: Run,
  column: (samples: Samples) => Float64Array | undefined,
): Float64Array | undefined {
  const out = new Float64Array(end - start);
  let any = false;
  for (let i = start; i < end; i++) {
    const at = order[i]!;
    const value = column(cluster[which[at]!]!.samples)?.[indexes[at]!] ?? Number.NaN;
    out[i - start] = value;
    any ||= !Number.isNaN(value);
  }
  return any ? out : undefined;
}

function pickValues(
  cluster: readonly Source[],
  { which, indexes, values }: ClusterRoom,
  { order, start, end }: Run,
): ValueColumn {
  const count = end - start;
  const { kind } = cluster[which[order[start]!]!]!.samples;
  if (kind === KIND.boolean || kind === KIND.string || kind === KIND.histogram) {
    const objects: unknown[] = [];
    for (let i = start; i < end; i++) {
      const at = order[i]!;
      objects.push(cluster[which[at]!]!.samples.values[indexes[at]!]);
    }
    const column = kind === KIND.boolean ? new Uint8Array(objects as number[]) : objects;
    // All sources of a run are of its kind.
    return { kind, values: column } as ValueColumn;
  }
  const from = values.words;
  const isShared = count <= CLUSTER_ROOM_SAMPLES;
  const { words, f64, i64, u64 } = isShared ? sharedWords : new Words(count);
  for (let i = 0; i < count; i++) {
    const at = 2 * order[start + i]!;
    words[2 * i] = from[at]!;
    words[2 * i + 1] = from[at + 1]!;
  }
  if (kind === KIND.f64) return { kind, values: isShared ? f64.slice(0, count) : f64 };
  if (kind === KIND.i64) return { kind, values: isShared ? i64.slice(0, count) : i64 };
  return { kind, values: isShared ? u64.slice(0, count) : u64 };
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
  const room = roomFor(cluster.reduce((sum, source) => sum + source.samples.count, 0));
  room.fill(cluster);
  const { order, count } = newestOf(cluster, room);
  let start = 0;
  const kindAt = (i: number): number => cluster[room.which[order[i]!]!]!.samples.kind;
  for (let i = 1; i <= count; i++)
    if (i === count || kindAt(i) !== kindAt(start)) {
      out.push(pick(cluster, room, { order, start, end: i }));
      start = i;
    }
}

/** The first `count` of `order`: places of the samples that win, in time order. */
function newestOf(
  cluster: readonly Source[],
  room: ClusterRoom,
): { readonly order: Uint32Array; readonly count: number } {
  const { which, indexes, tUs, subNs, total } = room;
  const later = (a: number, b: number): number => {
    const left = cluster[which[a]!]!;
    const right = cluster[which[b]!]!;
    if (left.priority !== right.priority) return left.priority - right.priority;
    return (left.ordinals?.[indexes[a]!] ?? 0) - (right.ordinals?.[indexes[b]!] ?? 0);
  };
  const order = mergedRuns(
    room,
    (a, b) => tUs[a]! - tUs[b]! || subNs[a]! - subNs[b]! || later(a, b),
  );
  let count = 0;
  for (let i = 0; i < total; i++) {
    const next = i + 1 < total ? order[i + 1]! : -1;
    const isOverwritten =
      next >= 0 && tUs[next] === tUs[order[i]!] && subNs[next] === subNs[order[i]!];
    if (!isOverwritten) order[count++] = order[i]!;
  }
  return { order, count };
}

/**
 * The places of a room in order, equal ones as they stand. Sources are ascending, most of them:
 * runs that are in order are merged by twos, O(total · log(runs)) comparisons.
 */
function mergedRuns(
  { total, orders }: ClusterRoom,
  compare: (a: number, b: number) => number,
): Uint32Array {
  let [from, to] = orders;
  let starts = [0];
  for (let i = 0; i < total; i++) {
    from[i] = i;
    if (i > 0 && compare(i - 1, i) > 0) starts.push(i);
  }
  while (starts.length > 1) {
    const next: number[] = [];
    for (let run = 0; run < starts.length; run += 2) {
      const start = starts[run]!;
      const middle = starts[run + 1] ?? total;
      const end = starts[run + 2] ?? total;
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
