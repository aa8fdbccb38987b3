// Exemplars of OTLP.
//
//   Exemplar = 2: fixed64 time (ns), 3: double, 6: sfixed64, 4: bytes span_id, 5: bytes trace_id,
//              7: KeyValue* filtered_attributes
//
// Trace and span become the labels trace_id and span_id; the attributes come along where all
// labels together stay short (OpenMetrics allows 128 characters).
import type { ProtobufReader } from '../../codec/protobuf.ts';
import { WIRE } from '../../codec/protobuf.ts';
import { labelsFromPairs } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { EXEMPLAR_LENGTH_MAX } from '../limits.ts';
import { eachField, readAttributes } from './attributes.ts';
import { microseconds, restNs } from './times.ts';

const TIME = (2 << 3) | WIRE.fixed64;
const AS_DOUBLE = (3 << 3) | WIRE.fixed64;
const SPAN_ID = (4 << 3) | WIRE.bytes;
const TRACE_ID = (5 << 3) | WIRE.bytes;
const AS_INT = (6 << 3) | WIRE.fixed64;
const ATTRIBUTE = (7 << 3) | WIRE.bytes;
const TWO_32 = 4_294_967_296;

export interface OtlpExemplar {
  readonly labels: Labels;
  /** 0: none is said. */
  readonly tUs: number;
  readonly subNs: number;
  readonly value: number;
}

/** Hexadecimal; '' where all bytes are zero. */
function idText(reader: ProtobufReader): string {
  const stop = reader.lengthEnd();
  const bytes = reader.bytes.subarray(reader.at, stop);
  reader.at = stop;
  return bytes.some((byte) => byte !== 0) ? bytes.toHex() : '';
}

/** Characters, as Unicode counts them. */
function lengthOf(texts: readonly string[]): number {
  let length = 0;
  for (const text of texts) for (const _ of text) length++;
  return length;
}

/** The exemplar [reader.at, stop); undefined where it has no value. */
export function readExemplar(reader: ProtobufReader, stop: number): OtlpExemplar | undefined {
  const start = reader.at;
  let [traceId, spanId] = ['', ''];
  let [tUs, subNs, value] = [0, 0, Number.NaN];
  let hasValue = false;
  eachField(reader, stop, (tag) => {
    if (tag === TIME) {
      reader.fixed64();
      tUs = microseconds(reader.low, reader.high);
      subNs = restNs(reader.low, reader.high);
    } else if (tag === AS_DOUBLE) value = reader.double();
    else if (tag === AS_INT) {
      reader.fixed64();
      value = reader.high * TWO_32 + (reader.low >>> 0);
    } else if (tag === SPAN_ID) spanId = idText(reader);
    else if (tag === TRACE_ID) traceId = idText(reader);
    else return false;
    hasValue ||= tag === AS_DOUBLE || tag === AS_INT;
    return true;
  });
  if (!hasValue) return undefined;
  const ids: string[] = [];
  if (traceId !== '') ids.push('trace_id', traceId);
  if (spanId !== '') ids.push('span_id', spanId);
  const attributes = readAttributes(reader, start, stop, ATTRIBUTE);
  const pairs =
    typeof attributes === 'string'
      ? []
      : attributes.filter(({ key }) => key !== '').flatMap(({ key, text }) => [key, text]);
  const isShort = lengthOf(ids) + lengthOf(pairs) <= EXEMPLAR_LENGTH_MAX;
  return { labels: labelsFromPairs(isShort ? [...pairs, ...ids] : ids), tUs, subNs, value };
}
