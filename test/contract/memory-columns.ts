// Values of the in-memory storage (memory-storage.ts) and the columns they are read back as.
import { must } from '../../src/stdx/assert.ts';
import { KIND } from '../../src/model/columns.ts';
import type { Kind, Points, Samples, ValueColumn } from '../../src/model/columns.ts';
import type { Histogram } from '../../src/model/histogram.ts';

/** One value with its companions; numbers as their 64 bits so that NaN payloads survive. */
export interface PointValue {
  readonly kind: Kind;
  readonly value: bigint | number | string | Histogram;
  readonly startUs: number;
  readonly place: readonly [latitude: number, longitude: number, elevation: number] | undefined;
}

interface PlacedValue {
  readonly slot: { readonly tUs: number; readonly subNs: number };
  readonly value: PointValue;
}

export function pointValue(points: Points, i: number): PointValue {
  const place = points.position;
  return {
    kind: points.kind,
    value: rawValue(points, i),
    startUs: points.startUs?.[i] ?? Number.NaN,
    place:
      place === undefined || Number.isNaN(place.latitude[i])
        ? undefined
        : [place.latitude[i]!, place.longitude[i]!, place.elevation[i]!],
  };
}

function rawValue(column: ValueColumn, i: number): PointValue['value'] {
  if (column.kind !== KIND.f64 && column.kind !== KIND.i64 && column.kind !== KIND.u64)
    return column.values[i]!;
  const { buffer, byteOffset } = column.values;
  return new DataView(buffer).getBigUint64(byteOffset + i * 8, true);
}

/** Runs of one kind become chunks. */
export function toChunks(points: readonly PlacedValue[]): Samples[] {
  const chunks: Samples[] = [];
  let start = 0;
  for (let i = 1; i <= points.length; i++)
    if (i === points.length || points[i]!.value.kind !== points[start]!.value.kind) {
      chunks.push(toChunk(points.slice(start, i)));
      start = i;
    }
  return chunks;
}

function toChunk(run: readonly PlacedValue[]): Samples {
  const values = run.map(({ value }) => value);
  const place = (axis: 0 | 1 | 2): Float64Array =>
    Float64Array.from(values, (v) => v.place?.[axis] ?? Number.NaN);
  return {
    ...toColumn(must(values[0], 'a run is not empty').kind, values),
    count: run.length,
    tUs: Float64Array.from(run, ({ slot }) => slot.tUs),
    subNs: run.every(({ slot }) => slot.subNs === 0)
      ? undefined
      : Uint16Array.from(run, ({ slot }) => slot.subNs),
    startUs: unlessAllNaN(values.map((v) => v.startUs)),
    position: values.every((v) => v.place === undefined)
      ? undefined
      : { latitude: place(0), longitude: place(1), elevation: place(2) },
  };
}

function unlessAllNaN(numbers: readonly number[]): Float64Array | undefined {
  return numbers.every(Number.isNaN) ? undefined : Float64Array.from(numbers);
}

function toColumn(kind: Kind, values: readonly PointValue[]): ValueColumn {
  const bits = (): ArrayBuffer => BigUint64Array.from(values, (v) => v.value as bigint).buffer;
  switch (kind) {
    case KIND.f64:
      return { kind, values: new Float64Array(bits()) };
    case KIND.i64:
      return { kind, values: new BigInt64Array(bits()) };
    case KIND.u64:
      return { kind, values: new BigUint64Array(bits()) };
    case KIND.boolean:
      return { kind, values: Uint8Array.from(values, (v) => v.value as number) };
    case KIND.string:
      return { kind, values: values.map((v) => v.value as string) };
    case KIND.histogram:
      return { kind, values: values.map((v) => v.value as Histogram) };
  }
}
