// OTLP metrics messages in protobuf for tests and benchmarks, field by field.
import { bytesField, doubleField, varintField, zigzagField } from './protobuf-writer.ts';
import { doubleBytes, varintBytes } from './protobuf-writer.ts';

type Bytes = readonly number[];

/** Flat key, value. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

export const DELTA = 1;
const CUMULATIVE = 2;
export const NO_VALUE = 1;

function fixedField(field: number, value: number | bigint): number[] {
  return doubleField(field, BigInt.asUintN(64, BigInt(value)));
}

export function anyValue(value: string | number | boolean): number[] {
  if (typeof value === 'string') return bytesField(1, value);
  if (typeof value === 'boolean') return varintField(2, value ? 1 : 0);
  return Number.isInteger(value) ? varintField(3, value) : doubleField(4, value);
}

export function attributeFields(field: number, attributes: Attributes): number[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    bytesField(field, [...bytesField(1, key), ...bytesField(2, anyValue(value))]),
  );
}

export interface Times {
  readonly timeNs: number | bigint;
  readonly startNs?: number | bigint;
  readonly attributes?: Attributes;
  readonly flags?: number;
}

function timeFields({ timeNs, startNs = 0 }: Times): number[] {
  return [...(startNs === 0 ? [] : fixedField(2, startNs)), ...fixedField(3, timeNs)];
}

export interface NumberPoint extends Times {
  /** A bigint is an integer. */
  readonly value?: number | bigint;
  readonly exemplars?: readonly Bytes[];
}

export function numberPoint(point: NumberPoint): number[] {
  const { value, exemplars = [], attributes = {}, flags = 0 } = point;
  const fields = timeFields(point);
  if (typeof value === 'number') fields.push(...doubleField(4, value));
  for (const one of exemplars) fields.push(...bytesField(5, one));
  if (typeof value === 'bigint') fields.push(...fixedField(6, value));
  fields.push(...attributeFields(7, attributes));
  if (flags !== 0) fields.push(...varintField(8, flags));
  return fields;
}

export interface HistogramPoint extends Times {
  readonly count: number;
  readonly sum?: number;
  readonly counts: readonly number[];
  readonly bounds: readonly number[];
  readonly exemplars?: readonly Bytes[];
}

function histogramPoint(point: HistogramPoint): number[] {
  const { count, counts, bounds, exemplars = [], attributes = {}, flags = 0 } = point;
  return [
    ...timeFields(point),
    ...fixedField(4, count),
    ...(point.sum === undefined ? [] : doubleField(5, point.sum)),
    ...bytesField(
      6,
      counts.flatMap((one) => doubleBytes(BigInt(one))),
    ),
    ...bytesField(
      7,
      bounds.flatMap((one) => doubleBytes(one)),
    ),
    ...exemplars.flatMap((one) => bytesField(8, one)),
    ...attributeFields(9, attributes),
    ...varintField(10, flags),
  ];
}

export interface ExponentialPoint extends Times {
  readonly count: number;
  readonly sum?: number;
  readonly scale: number;
  readonly zeroCount?: number;
  readonly zeroThreshold?: number;
  readonly positive?: readonly [offset: number, counts: readonly number[]];
  readonly negative?: readonly [offset: number, counts: readonly number[]];
}

function bucketFields(field: number, buckets: ExponentialPoint['positive']): number[] {
  if (buckets === undefined) return [];
  const [offset, counts] = buckets;
  const packed = counts.flatMap((count) => varintBytes(count));
  return bytesField(field, [...zigzagField(1, offset), ...bytesField(2, packed)]);
}

function exponentialPoint(point: ExponentialPoint): number[] {
  const { count, scale, zeroCount = 0, zeroThreshold = 0, attributes = {} } = point;
  return [
    ...attributeFields(1, attributes),
    ...timeFields(point),
    ...fixedField(4, count),
    ...(point.sum === undefined ? [] : doubleField(5, point.sum)),
    ...zigzagField(6, scale),
    ...fixedField(7, zeroCount),
    ...bucketFields(8, point.positive),
    ...bucketFields(9, point.negative),
    ...varintField(10, point.flags ?? 0),
    ...doubleField(14, zeroThreshold),
  ];
}

export interface SummaryPoint extends Times {
  readonly count: number;
  readonly sum: number;
  readonly quantiles: readonly (readonly [quantile: number, value: number])[];
}

function summaryPoint(point: SummaryPoint): number[] {
  const { count, quantiles, attributes = {}, flags = 0 } = point;
  return [
    ...timeFields(point),
    ...fixedField(4, count),
    ...doubleField(5, point.sum),
    ...quantiles.flatMap(([quantile, value]) =>
      bytesField(6, [...doubleField(1, quantile), ...doubleField(2, value)]),
    ),
    ...attributeFields(7, attributes),
    ...varintField(8, flags),
  ];
}

export interface Exemplar {
  readonly timeNs?: number | bigint;
  readonly value: number | bigint;
  readonly traceId?: Bytes;
  readonly spanId?: Bytes;
  readonly attributes?: Attributes;
}

export function exemplar({ timeNs, value, traceId, spanId, attributes = {} }: Exemplar): number[] {
  return [
    ...(timeNs === undefined ? [] : fixedField(2, timeNs)),
    ...(typeof value === 'number' ? doubleField(3, value) : fixedField(6, value)),
    ...(spanId === undefined ? [] : bytesField(4, spanId)),
    ...(traceId === undefined ? [] : bytesField(5, traceId)),
    ...attributeFields(7, attributes),
  ];
}

interface Named {
  readonly name: string;
  readonly unit?: string;
  readonly description?: string;
}

function metric({ name, unit = '', description = '' }: Named, field: number, data: Bytes) {
  const texts = [...bytesField(1, name), ...bytesField(2, description), ...bytesField(3, unit)];
  return [...texts, ...bytesField(field, data)];
}

function pointFields(points: readonly Bytes[]): number[] {
  return points.flatMap((point) => bytesField(1, point));
}

export function gauge(named: Named, points: readonly NumberPoint[]): number[] {
  return metric(named, 5, pointFields(points.map(numberPoint)));
}

export function sum(
  named: Named,
  points: readonly NumberPoint[],
  { temporality = CUMULATIVE, isMonotonic = true } = {},
): number[] {
  const data = [...pointFields(points.map(numberPoint)), ...varintField(2, temporality)];
  return metric(named, 7, [...data, ...varintField(3, isMonotonic ? 1 : 0)]);
}

export function histogram(
  named: Named,
  points: readonly HistogramPoint[],
  temporality = CUMULATIVE,
): number[] {
  return metric(named, 9, [
    ...pointFields(points.map(histogramPoint)),
    ...varintField(2, temporality),
  ]);
}

export function exponential(
  named: Named,
  points: readonly ExponentialPoint[],
  temporality = CUMULATIVE,
): number[] {
  const data = [...pointFields(points.map(exponentialPoint)), ...varintField(2, temporality)];
  return metric(named, 10, data);
}

export function summary(named: Named, points: readonly SummaryPoint[]): number[] {
  return metric(named, 11, pointFields(points.map(summaryPoint)));
}

export interface Source {
  readonly resource?: Attributes;
  readonly scope?: string;
  readonly version?: string;
  readonly scopeAttributes?: Attributes;
  readonly schemaUrl?: string;
}

/** One resource with one scope. */
export function request(metrics: readonly Bytes[], source: Source = {}): Uint8Array<ArrayBuffer> {
  const { resource = {}, scope = '', version = '', scopeAttributes = {}, schemaUrl = '' } = source;
  const scopeFields = [
    ...bytesField(1, scope),
    ...bytesField(2, version),
    ...attributeFields(3, scopeAttributes),
  ];
  const scopeMetrics = [
    ...bytesField(1, scopeFields),
    ...metrics.flatMap((one) => bytesField(2, one)),
    ...bytesField(3, schemaUrl),
  ];
  const resourceFields = bytesField(1, attributeFields(1, resource));
  return Uint8Array.from(bytesField(1, [...resourceFields, ...bytesField(2, scopeMetrics)]));
}
