// Growable columns behind RowSink: one column set per kind that occurs, rows numbered in arrival
// order so that the later of two rows with one identity wins even where their kinds differ. Reused
// by `reset`; doubles on demand up to the number of points a body can hold (the body limit bounds
// it).
import { assert } from '../stdx/assert.ts';
import { isPlaced, KIND } from './columns.ts';
import type {
  Attribute,
  Exemplar,
  Kind,
  Metadata,
  NameSplit,
  Points,
  SeriesRef,
  WriteBatch,
} from './columns.ts';
import type { Histogram } from './histogram.ts';
import type { ColumnRun, PointRun, RowSink } from './rows.ts';

/** Columns of so few points lie in the heap; a reused builder grows once. */
const CAPACITY_INITIAL = 8;
/** Runs of this many points are copied as a whole: three calls then cost less than the loop. */
const LONG_RUN_POINTS = 48;

/** 64-bit values of every fixed-width kind share one buffer; strings and histograms are lists. */
class KindColumns {
  count = 0;
  refs = new Uint32Array(CAPACITY_INITIAL);
  rows = new Uint32Array(CAPACITY_INITIAL);
  tUs = new Float64Array(CAPACITY_INITIAL);
  f64 = new Float64Array(CAPACITY_INITIAL);
  words = new Int32Array(this.f64.buffer);
  strings: string[] = [];
  histograms: Histogram[] = [];
  subNs: Uint16Array | undefined = undefined;
  startUs: Float64Array | undefined = undefined;
  position:
    | { latitude: Float64Array; longitude: Float64Array; elevation: Float64Array }
    | undefined = undefined;

  grow(): void {
    const capacity = this.refs.length * 2;
    this.refs = copyInto(new Uint32Array(capacity), this.refs);
    this.rows = copyInto(new Uint32Array(capacity), this.rows);
    this.tUs = copyInto(new Float64Array(capacity), this.tUs);
    const words = new Int32Array(capacity * 2);
    words.set(this.words);
    this.words = words;
    this.f64 = new Float64Array(words.buffer);
    if (this.subNs !== undefined) this.subNs = copyInto(new Uint16Array(capacity), this.subNs);
    if (this.startUs !== undefined) this.startUs = copyInto(nans(capacity), this.startUs);
    if (this.position !== undefined)
      this.position = {
        latitude: copyInto(nans(capacity), this.position.latitude),
        longitude: copyInto(nans(capacity), this.position.longitude),
        elevation: copyInto(nans(capacity), this.position.elevation),
      };
  }

  reset(): void {
    this.count = 0;
    this.strings = [];
    this.histograms = [];
    this.subNs = undefined;
    this.startUs = undefined;
    this.position = undefined;
  }
}

function copyInto<T extends { set(from: T): void }>(to: T, from: T): T {
  to.set(from);
  return to;
}

function metadataKey({ family, type, unit, help }: Metadata): string {
  return JSON.stringify([family, type, unit, help]);
}

function nans(length: number): Float64Array {
  return new Float64Array(length).fill(Number.NaN);
}

export class BatchBuilder implements RowSink {
  #byKind: (KindColumns | undefined)[] = [];
  #rowCount = 0;
  #metadata: Metadata[] = [];
  readonly #metadataBefore = new Map<string, Metadata>();
  #exemplars: Exemplar[] = [];
  #attributes: Attribute[] = [];
  #splits: NameSplit[] = [];

  /** Points so far. */
  get pointCount(): number {
    return this.#rowCount;
  }

  #slot(kind: Kind, ref: SeriesRef, tUs: number, subNs: number): KindColumns {
    let columns = this.#byKind[kind];
    if (columns === undefined) this.#byKind[kind] = columns = new KindColumns();
    if (columns.count === columns.refs.length) columns.grow();
    const at = columns.count++;
    columns.refs[at] = ref;
    columns.rows[at] = this.#rowCount++;
    columns.tUs[at] = tUs;
    if (subNs !== 0 && columns.subNs === undefined)
      columns.subNs = new Uint16Array(columns.refs.length);
    if (columns.subNs !== undefined) columns.subNs[at] = subNs;
    return columns;
  }

  f64(ref: SeriesRef, tUs: number, subNs: number, value: number): void {
    const columns = this.#slot(KIND.f64, ref, tUs, subNs);
    columns.f64[columns.count - 1] = value;
  }

  /** Bit-exact f64 (NaN payloads) from its two 32-bit halves. */
  f64Bits(ref: SeriesRef, tUs: number, subNs: number, low: number, high: number): void {
    this.#words(KIND.f64, ref, tUs, subNs, low, high);
  }

  i64(ref: SeriesRef, tUs: number, subNs: number, low: number, high: number): void {
    this.#words(KIND.i64, ref, tUs, subNs, low, high);
  }

  u64(ref: SeriesRef, tUs: number, subNs: number, low: number, high: number): void {
    this.#words(KIND.u64, ref, tUs, subNs, low, high);
  }

  #words(kind: Kind, ref: SeriesRef, tUs: number, subNs: number, low: number, high: number): void {
    const columns = this.#slot(kind, ref, tUs, subNs);
    columns.words[columns.count * 2 - 2] = low;
    columns.words[columns.count * 2 - 1] = high;
  }

  boolean(ref: SeriesRef, tUs: number, subNs: number, value: boolean): void {
    const columns = this.#slot(KIND.boolean, ref, tUs, subNs);
    columns.f64[columns.count - 1] = value ? 1 : 0;
  }

  block(run: PointRun): void {
    const { count, kinds } = run;
    let from = 0;
    while (from < count) {
      const kind = kinds[from]!;
      let to = from + 1;
      while (to < count && kinds[to] === kind) to++;
      this.#copyRun(run, kind as Kind, from, to);
      from = to;
    }
  }

  /** Points [from, to) of a run, which have one kind. */
  #copyRun(run: PointRun, kind: Kind, from: number, to: number): void {
    let columns = this.#byKind[kind];
    if (columns === undefined) this.#byKind[kind] = columns = new KindColumns();
    while (columns.count + to - from > columns.refs.length) columns.grow();
    const { refs, rows, tUs, words } = columns;
    const start = columns.count;
    const shift = start - from;
    let row = this.#rowCount;
    let subNsUsed = columns.subNs === undefined ? 0 : 1;
    for (let i = from; i < to; i++) {
      rows[i + shift] = row++;
      subNsUsed |= run.subNs[i]!;
    }
    if (to - from >= LONG_RUN_POINTS) {
      refs.set(run.refs.subarray(from, to), start);
      tUs.set(run.tUs.subarray(from, to), start);
      words.set(run.words.subarray(from * 2, to * 2), start * 2);
    } else
      for (let i = from; i < to; i++) {
        const at = i + shift;
        refs[at] = run.refs[i]!;
        tUs[at] = run.tUs[i]!;
        words[at * 2] = run.words[i * 2]!;
        words[at * 2 + 1] = run.words[i * 2 + 1]!;
      }
    if (subNsUsed !== 0) {
      columns.subNs ??= new Uint16Array(refs.length);
      for (let i = from; i < to; i++) columns.subNs[i + shift] = run.subNs[i]!;
    }
    if (run.startUs !== undefined) {
      columns.startUs ??= nans(refs.length);
      columns.startUs.set(run.startUs.subarray(from, to), start);
    }
    this.#rowCount = row;
    columns.count += to - from;
  }

  columns(
    runs: readonly ColumnRun[],
    all: { readonly pointCount: number; readonly hasSubNs: boolean },
  ): void {
    for (const run of runs) if (run.count > 0) this.#copyColumns(run, all.hasSubNs);
    this.#rowCount += all.pointCount;
  }

  #copyColumns(run: ColumnRun, hasSubNs: boolean): void {
    const { kind, count } = run;
    let columns = this.#byKind[kind];
    if (columns === undefined) this.#byKind[kind] = columns = new KindColumns();
    while (columns.count + count > columns.refs.length) columns.grow();
    const { refs, rows, tUs, words } = columns;
    const start = columns.count;
    const base = this.#rowCount;
    for (let i = 0; i < count; i++) rows[start + i] = base + run.rows[i]!;
    refs.set(run.refs.subarray(0, count), start);
    tUs.set(run.tUs.subarray(0, count), start);
    words.set(run.words.subarray(0, count * 2), start * 2);
    let isUsed = columns.subNs !== undefined;
    if (hasSubNs) for (let i = 0; !isUsed && i < count; i++) isUsed = run.subNs[i] !== 0;
    if (isUsed) {
      columns.subNs ??= new Uint16Array(refs.length);
      columns.subNs.set(run.subNs.subarray(0, count), start);
    }
    columns.count += count;
  }

  string(ref: SeriesRef, tUs: number, subNs: number, value: string): void {
    this.#slot(KIND.string, ref, tUs, subNs).strings.push(value);
  }

  histogram(ref: SeriesRef, tUs: number, subNs: number, value: Histogram): void {
    this.#slot(KIND.histogram, ref, tUs, subNs).histograms.push(value);
  }

  /** Start time of the point added last to `kind`. */
  startOfLast(kind: Kind, startUs: number): void {
    const columns = this.#last(kind);
    columns.startUs ??= nans(columns.refs.length);
    columns.startUs[columns.count - 1] = startUs;
  }

  /** Position of the point added last to `kind`; elevation NaN = none. */
  positionOfLast(kind: Kind, latitude: number, longitude: number, elevation: number): void {
    const columns = this.#last(kind);
    const size = columns.refs.length;
    columns.position ??= { latitude: nans(size), longitude: nans(size), elevation: nans(size) };
    columns.position.latitude[columns.count - 1] = latitude;
    columns.position.longitude[columns.count - 1] = longitude;
    columns.position.elevation[columns.count - 1] = elevation;
  }

  #last(kind: Kind): KindColumns {
    const columns = this.#byKind[kind];
    assert(columns !== undefined && columns.count > 0, 'no point of that kind yet');
    return columns;
  }

  points(points: Points): void {
    for (let i = 0; i < points.count; i++) {
      this.#copyValue(points, i, points.refs[i]!, points.tUs[i]!, points.subNs?.[i] ?? 0);
      const startUs = points.startUs?.[i];
      if (startUs !== undefined && !Number.isNaN(startUs)) this.startOfLast(points.kind, startUs);
      const place = points.position;
      if (place !== undefined && isPlaced(place, i))
        this.positionOfLast(
          points.kind,
          place.latitude[i]!,
          place.longitude[i]!,
          place.elevation[i]!,
        );
    }
  }

  #copyValue(points: Points, i: number, ref: SeriesRef, tUs: number, subNs: number): void {
    switch (points.kind) {
      case KIND.f64:
      case KIND.i64:
      case KIND.u64: {
        const words = new Int32Array(points.values.buffer, points.values.byteOffset + i * 8, 2);
        this.#words(points.kind, ref, tUs, subNs, words[0]!, words[1]!);
        return;
      }
      case KIND.boolean:
        return this.boolean(ref, tUs, subNs, points.values[i] !== 0);
      case KIND.string:
        return this.string(ref, tUs, subNs, points.values[i]!);
      case KIND.histogram:
        return this.histogram(ref, tUs, subNs, points.values[i]!);
    }
  }

  metadata(row: Metadata): void {
    this.#metadata.push(row);
  }

  exemplar(row: Exemplar): void {
    this.#exemplars.push(row);
  }

  attribute(row: Attribute): void {
    this.#attributes.push(row);
  }

  split(row: NameSplit): void {
    this.#splits.push(row);
  }

  /** The batch; it borrows this builder's arrays until `reset` or `restart`. */
  finish(): WriteBatch {
    const used = this.#byKind.filter((c) => c !== undefined && c.count > 0).length;
    const points: Points[] = [];
    for (const [kind, columns] of this.#byKind.entries()) {
      if (columns === undefined || columns.count === 0) continue;
      points.push(toPoints(kind as Kind, columns, used > 1));
    }
    return {
      points,
      metadata: this.#allMetadata(),
      exemplars: this.#exemplars,
      attributes: this.#attributes,
      splits: this.#splits,
    };
  }

  /**
   * As `reset`, where the same rows come once more: metadata that is told with a series when it is
   * new stays in the batch.
   */
  restart(): void {
    const metadata = this.#allMetadata();
    this.reset();
    for (const row of metadata) this.#metadataBefore.set(metadataKey(row), row);
  }

  /** With what was there before `restart` and did not come again. */
  #allMetadata(): Metadata[] {
    if (this.#metadataBefore.size === 0) return this.#metadata;
    const again = new Set(this.#metadata.map(metadataKey));
    const missed = [...this.#metadataBefore].filter(([key]) => !again.has(key));
    return [...missed.map(([, row]) => row), ...this.#metadata];
  }

  reset(): void {
    for (const columns of this.#byKind) columns?.reset();
    this.#metadataBefore.clear();
    this.#rowCount = 0;
    this.#metadata = [];
    this.#exemplars = [];
    this.#attributes = [];
    this.#splits = [];
  }
}

function toPoints(kind: Kind, columns: KindColumns, severalKinds: boolean): Points {
  const { count, refs, tUs, subNs, startUs, position } = columns;
  const rows = severalKinds ? columns.rows : undefined;
  const common = { count, refs, rows, tUs, subNs, startUs, position };
  const { buffer } = columns.f64;
  switch (kind) {
    case KIND.f64:
      return { ...common, kind, values: columns.f64 };
    case KIND.i64:
      return { ...common, kind, values: new BigInt64Array(buffer) };
    case KIND.u64:
      return { ...common, kind, values: new BigUint64Array(buffer) };
    case KIND.boolean:
      return { ...common, kind, values: Uint8Array.from(columns.f64.subarray(0, count)) };
    case KIND.string:
      return { ...common, kind, values: columns.strings };
    case KIND.histogram:
      return { ...common, kind, values: columns.histograms };
  }
}
