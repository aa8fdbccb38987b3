// Attributes of OTLP as texts.
//
//   KeyValue = 1: string key, 2: AnyValue
//   AnyValue = one of 1: string, 2: bool, 3: int64, 4: double, 5: ArrayValue, 6: KeyValueList,
//              7: bytes
//   ArrayValue = 1: AnyValue*,  KeyValueList = 1: KeyValue*
//
// A value that is no string is written as the specification says ("AnyValue representation for
// non-OTLP protocols"): numbers and booleans as JSON has them, bytes as Base64, lists and maps as
// JSON. Source: opentelemetry/proto/common/v1/common.proto.
import type { ProtobufReader } from '../../codec/protobuf.ts';
import { WIRE } from '../../codec/protobuf.ts';
import { decodeUtf8 } from '../../codec/utf8.ts';
import { ATTRIBUTE_DEPTH_MAX, SERIES_LABELS_MAX } from '../limits.ts';

export interface Attribute {
  readonly key: string;
  readonly text: string;
}

/** Well-formed, but not to be stored; the message is the reason. */
class AttributeError extends Error {
  override readonly name = 'AttributeError';
}

const FIRST_BYTES = (1 << 3) | WIRE.bytes;
const SECOND_BYTES = (2 << 3) | WIRE.bytes;

const ANY = {
  string: (1 << 3) | WIRE.bytes,
  bool: (2 << 3) | WIRE.varint,
  int: (3 << 3) | WIRE.varint,
  double: (4 << 3) | WIRE.fixed64,
  array: (5 << 3) | WIRE.bytes,
  map: (6 << 3) | WIRE.bytes,
  bytes: (7 << 3) | WIRE.bytes,
} as const;

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** An integer that JSON numbers cannot hold keeps its digits. */
type AnyValue = Json | bigint | Uint8Array | readonly AnyValue[] | Map<string, AnyValue>;

/** Reads fields up to `stop` and puts the reader behind them, inside what it read before. */
export function eachField(
  reader: ProtobufReader,
  stop: number,
  field: (tag: number) => boolean,
): void {
  const outerEnd = reader.end;
  reader.end = stop;
  while (reader.at < stop) {
    const tag = reader.tag();
    if (!field(tag)) reader.skip(tag);
  }
  reader.end = outerEnd;
}

function readText(reader: ProtobufReader): string {
  const stop = reader.lengthEnd();
  const text = decodeUtf8(reader.bytes, reader.at, stop);
  reader.at = stop;
  if (text === undefined) throw new AttributeError('an attribute is not valid UTF-8');
  return text;
}

function readBytes(reader: ProtobufReader): Uint8Array {
  const stop = reader.lengthEnd();
  const bytes = reader.bytes.subarray(reader.at, stop);
  reader.at = stop;
  return bytes;
}

function readInteger(reader: ProtobufReader): number | bigint {
  const number = reader.int64();
  if (Number.isSafeInteger(number)) return number;
  return BigInt.asIntN(64, (BigInt(reader.high) << 32n) | BigInt(reader.low >>> 0));
}

function readList(reader: ProtobufReader, depth: number): AnyValue[] {
  const items: AnyValue[] = [];
  eachField(reader, reader.lengthEnd(), (tag) => {
    if (tag !== FIRST_BYTES) return false;
    items.push(readAnyValue(reader, reader.lengthEnd(), depth + 1));
    return true;
  });
  return items;
}

function readMap(reader: ProtobufReader, depth: number): Map<string, AnyValue> {
  const items = new Map<string, AnyValue>();
  eachField(reader, reader.lengthEnd(), (tag) => {
    if (tag !== FIRST_BYTES) return false;
    const { key, value } = readKeyValue(reader, reader.lengthEnd(), depth + 1);
    items.set(key, value);
    return true;
  });
  return items;
}

function readAnyValue(reader: ProtobufReader, stop: number, depth: number): AnyValue {
  if (depth > ATTRIBUTE_DEPTH_MAX)
    throw new AttributeError(`an attribute is nested deeper than ${ATTRIBUTE_DEPTH_MAX}`);
  let value: AnyValue = null;
  eachField(reader, stop, (tag) => {
    if (tag === ANY.string) value = readText(reader);
    else if (tag === ANY.bool) value = reader.uint64() !== 0;
    else if (tag === ANY.int) value = readInteger(reader);
    else if (tag === ANY.double) value = reader.double();
    else if (tag === ANY.array) value = readList(reader, depth);
    else if (tag === ANY.map) value = readMap(reader, depth);
    else if (tag === ANY.bytes) value = readBytes(reader);
    else return false;
    return true;
  });
  return value;
}

function readKeyValue(reader: ProtobufReader, stop: number, depth: number) {
  let key = '';
  let value: AnyValue = null;
  eachField(reader, stop, (tag) => {
    if (tag === FIRST_BYTES) key = readText(reader);
    else if (tag === SECOND_BYTES) value = readAnyValue(reader, reader.lengthEnd(), depth);
    else return false;
    return true;
  });
  return { key, value: value as AnyValue };
}

function jsonOf(value: AnyValue): string {
  if (value === null) return 'null';
  if (typeof value === 'number' && !Number.isFinite(value)) return JSON.stringify(String(value));
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return JSON.stringify(base64(value));
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  if (value instanceof Map) {
    const items = Array.from(value, ([key, item]) => `${JSON.stringify(key)}:${jsonOf(item)}`);
    return `{${items.join(',')}}`;
  }
  return JSON.stringify(value);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

function textOf(value: AnyValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (value instanceof Uint8Array) return base64(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return typeof value === 'object' ? jsonOf(value) : String(value);
}

/** Adds the KeyValue at the reader, whose length comes next. Throws AttributeError. */
function readAttribute(reader: ProtobufReader, into: Attribute[]): void {
  const { key, value } = readKeyValue(reader, reader.lengthEnd(), 1);
  if (into.length >= SERIES_LABELS_MAX)
    throw new AttributeError(`more than ${SERIES_LABELS_MAX} attributes`);
  into.push({ key, text: textOf(value) });
}

/**
 * The attributes among the fields [start, end), which have the tag `attributeTag`; or why they
 * cannot be labels. Throws ProtobufError where they are damaged.
 */
export function readAttributes(
  reader: ProtobufReader,
  start: number,
  end: number,
  attributeTag: number,
): Attribute[] | string {
  const attributes: Attribute[] = [];
  const { at, end: outerEnd } = reader;
  reader.at = start;
  reader.end = end;
  try {
    eachField(reader, end, (tag) => {
      if (tag !== attributeTag) return false;
      readAttribute(reader, attributes);
      return true;
    });
    return attributes;
  } catch (error) {
    if (error instanceof AttributeError) return error.message;
    throw error;
  } finally {
    reader.at = at;
    reader.end = outerEnd;
  }
}
