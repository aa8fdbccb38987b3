// A row sink that lets only points inside a principal's time range through. Stands between scanner
// and batch only where a token is restricted in time, so the ordinary path has no such check.
import type { Attribute, Exemplar, Metadata, Points, SeriesRef } from '../model/columns.ts';
import type { RowSink, ScanResult } from '../model/rows.ts';
import type { Principal } from '../model/tenant.ts';

export class TimeRangeSink implements RowSink {
  readonly #sink: RowSink;
  readonly #minTUs: number;
  readonly #maxTUs: number;
  #refusedCount = 0;

  constructor(sink: RowSink, principal: Principal) {
    this.#sink = sink;
    this.#minTUs = principal.minTUs;
    this.#maxTUs = principal.maxTUs;
  }

  get refusedCount(): number {
    return this.#refusedCount;
  }

  #allows(tUs: number): boolean {
    // A fraction of a microsecond behind the last allowed one is outside by less than it shows.
    if (tUs >= this.#minTUs && tUs <= this.#maxTUs) return true;
    this.#refusedCount++;
    return false;
  }

  f64(ref: SeriesRef, tUs: number, subNs: number, value: number): void {
    if (this.#allows(tUs)) this.#sink.f64(ref, tUs, subNs, value);
  }

  f64Bits(ref: SeriesRef, tUs: number, subNs: number, low: number, high: number): void {
    if (this.#allows(tUs)) this.#sink.f64Bits(ref, tUs, subNs, low, high);
  }

  i64(ref: SeriesRef, tUs: number, subNs: number, low: number, high: number): void {
    if (this.#allows(tUs)) this.#sink.i64(ref, tUs, subNs, low, high);
  }

  u64(ref: SeriesRef, tUs: number, subNs: number, low: number, high: number): void {
    if (this.#allows(tUs)) this.#sink.u64(ref, tUs, subNs, low, high);
  }

  boolean(ref: SeriesRef, tUs: number, subNs: number, value: boolean): void {
    if (this.#allows(tUs)) this.#sink.boolean(ref, tUs, subNs, value);
  }

  string(ref: SeriesRef, tUs: number, subNs: number, value: string): void {
    if (this.#allows(tUs)) this.#sink.string(ref, tUs, subNs, value);
  }

  points(points: Points): void {
    for (let i = 0; i < points.count; i++)
      if (this.#allows(points.tUs[i]!)) this.#sink.points(slicePoints(points, i));
  }

  metadata(row: Metadata): void {
    this.#sink.metadata(row);
  }

  exemplar(row: Exemplar): void {
    if (row.tUs >= this.#minTUs && row.tUs <= this.#maxTUs) this.#sink.exemplar(row);
  }

  attribute(row: Attribute): void {
    this.#sink.attribute(row);
  }

  /** The scan result as the client must see it: refused points are an error, not points. */
  narrow<Result extends ScanResult>(result: Result): Result {
    if (this.#refusedCount === 0) return result;
    const reason =
      `${this.#refusedCount} points lie outside the time range that this token may write: ` +
      `${this.#minTUs} to ${this.#maxTUs} microseconds`;
    return {
      ...result,
      pointCount: result.pointCount - this.#refusedCount,
      errorCount: result.errorCount + this.#refusedCount,
      errors: [...result.errors, { line: 0, column: -1, reason }],
    };
  }
}

/** The point at `index` as a column set of its own; the arrays stay shared. */
function slicePoints(points: Points, index: number): Points {
  const { position } = points;
  const end = index + 1;
  return {
    ...points,
    count: 1,
    refs: points.refs.subarray(index, end),
    rows: undefined,
    tUs: points.tUs.subarray(index, end),
    subNs: points.subNs?.subarray(index, end),
    startUs: points.startUs?.subarray(index, end),
    position:
      position === undefined
        ? undefined
        : {
            latitude: position.latitude.subarray(index, end),
            longitude: position.longitude.subarray(index, end),
            elevation: position.elevation.subarray(index, end),
          },
    values: points.values.slice(index, end),
  } as Points;
}
