// Points that have a position on their way to the sink: runs of one kind, so that a track of a
// thousand places is one call.
import { KIND } from '../../model/columns.ts';
import type { Points, SeriesRef } from '../../model/columns.ts';
import type { RowSink } from '../../model/rows.ts';

const RUN_POINTS = 256;

export interface Place {
  latitude: number;
  longitude: number;
  /** Metres; NaN = none. */
  elevation: number;
}

type PlacedKind = typeof KIND.f64 | typeof KIND.i64 | typeof KIND.boolean | typeof KIND.string;

export class PlacedRun {
  #count = 0;
  #kind: PlacedKind = KIND.f64;
  readonly #refs = new Uint32Array(RUN_POINTS);
  readonly #tUs = new Float64Array(RUN_POINTS);
  readonly #subNs = new Uint16Array(RUN_POINTS);
  readonly #latitude = new Float64Array(RUN_POINTS);
  readonly #longitude = new Float64Array(RUN_POINTS);
  readonly #elevation = new Float64Array(RUN_POINTS);
  /** 64 bits a point; `words` is the same memory. */
  readonly #values = new Float64Array(RUN_POINTS);
  readonly words = new Int32Array(this.#values.buffer);
  #strings: string[] = [];

  /** Slot of a new point, whose value goes to `words`. */
  add(
    sink: RowSink,
    kind: PlacedKind,
    point: { readonly ref: SeriesRef; readonly tUs: number; readonly subNs: number },
    place: Place,
  ): number {
    if (this.#count === RUN_POINTS || (this.#count > 0 && this.#kind !== kind)) this.flush(sink);
    this.#kind = kind;
    const slot = this.#count++;
    this.#refs[slot] = point.ref;
    this.#tUs[slot] = point.tUs;
    this.#subNs[slot] = point.subNs;
    this.#latitude[slot] = place.latitude;
    this.#longitude[slot] = place.longitude;
    this.#elevation[slot] = place.elevation;
    return slot;
  }

  /** The value of the point added last, which is a string. */
  setString(value: string): void {
    this.#strings.push(value);
  }

  flush(sink: RowSink): void {
    if (this.#count === 0) return;
    sink.points(this.#points());
    this.clear();
  }

  clear(): void {
    this.#count = 0;
    this.#strings = [];
  }

  /** The arrays are borrowed by the call of the sink. */
  #points(): Points {
    const count = this.#count;
    const common = {
      count,
      refs: this.#refs,
      rows: undefined,
      tUs: this.#tUs,
      subNs: this.#subNs,
      startUs: undefined,
      position: {
        latitude: this.#latitude,
        longitude: this.#longitude,
        elevation: this.#elevation,
      },
    };
    switch (this.#kind) {
      case KIND.f64:
        return { ...common, kind: KIND.f64, values: this.#values };
      case KIND.i64:
        return { ...common, kind: KIND.i64, values: new BigInt64Array(this.#values.buffer) };
      case KIND.boolean:
        return {
          ...common,
          kind: KIND.boolean,
          values: Uint8Array.from(this.#values.subarray(0, count)),
        };
      case KIND.string:
        return { ...common, kind: KIND.string, values: this.#strings };
    }
  }
}
