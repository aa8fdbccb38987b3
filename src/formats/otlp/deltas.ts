// Metrics of delta temporality tell what came since the point before; series hold what came since
// their start. Whoever scans such a message gives the sums so far (ingest/delta-sums.ts).
import { ProtobufError, ProtobufReader, WIRE } from '../../codec/protobuf.ts';
import type { SeriesRef } from '../../model/columns.ts';
import type { Histogram } from '../../model/histogram.ts';
import { eachField } from './attributes.ts';
import { METRIC_TYPE } from './point-fields.ts';

export const TEMPORALITY = { unspecified: 0, delta: 1, cumulative: 2 } as const;

export type DeltaValue = number | bigint | Histogram;

export interface DeltaPoint<Value extends DeltaValue> {
  readonly ref: SeriesRef;
  readonly tUs: number;
  readonly subNs: number;
  /** NaN = none. */
  readonly startUs: number;
  readonly value: Value;
}

export interface RunningSum<Value extends DeltaValue> {
  readonly value: Value;
  readonly startUs: number;
}

export interface DeltaSums {
  /** The sum with this point; or why it cannot be added. */
  add<Value extends DeltaValue>(point: DeltaPoint<Value>): RunningSum<Value> | string;
  /** The series ended: its next point starts a new sum. */
  end(ref: SeriesRef): void;
}

const RESOURCE_METRICS = (1 << 3) | WIRE.bytes;
const SCOPE_METRICS = (2 << 3) | WIRE.bytes;
const METRICS = (2 << 3) | WIRE.bytes;
export const TEMPORALITY_TAG = (2 << 3) | WIRE.varint;

function isSummed(tag: number): boolean {
  const field = tag >>> 3;
  if ((tag & 7) !== WIRE.bytes) return false;
  return (
    field === METRIC_TYPE.sum ||
    field === METRIC_TYPE.histogram ||
    field === METRIC_TYPE.exponential
  );
}

/** Does any metric of the message have delta temporality? Damage is left to the scan. */
export function hasDeltas(body: Uint8Array, end: number): boolean {
  const reader = new ProtobufReader(body, 0, end);
  let found = false;
  const walk = (field: (tag: number) => boolean): true => {
    eachField(reader, reader.lengthEnd(), field);
    return true;
  };
  const temporality = (tag: number): boolean => {
    if (tag !== TEMPORALITY_TAG) return false;
    found ||= reader.uint64() === TEMPORALITY.delta;
    return true;
  };
  const metric = (tag: number): boolean => isSummed(tag) && walk(temporality);
  const scope = (tag: number): boolean => tag === METRICS && walk(metric);
  const resource = (tag: number): boolean => tag === SCOPE_METRICS && walk(scope);
  try {
    eachField(reader, end, (tag) => tag === RESOURCE_METRICS && walk(resource));
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
  }
  return found;
}
