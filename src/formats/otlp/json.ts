// OTLP in JSON becomes the same message in protobuf, so that one scanner says what it means. Keys
// are lowerCamelCase; unknown ones are ignored, null is absent. 64-bit integers are strings or
// numbers, doubles may be "NaN", "Infinity" and "-Infinity", trace and span ids are hexadecimal,
// other bytes Base64. Source: OTLP specification, "JSON Protobuf Encoding".
import { ProtobufWriter } from '../../codec/protobuf-writer.ts';
import { decodeUtf8 } from '../../codec/utf8.ts';
import { ATTRIBUTE_DEPTH_MAX } from '../limits.ts';

/** The body is no such message; the message is a reason for its sender. */
export class OtlpJsonError extends Error {
  override readonly name = 'OtlpJsonError';
}

type Write = (writer: ProtobufWriter, field: number, value: unknown, at: Place) => void;

/** Where a value stands, for messages and against endless nesting. */
interface Place {
  readonly key: string;
  readonly depth: number;
}

interface Field {
  readonly number: number;
  readonly write: Write;
  readonly isRepeated: boolean;
}

/** Made when first needed: messages hold each other. */
type Message = () => Readonly<Record<string, Field>>;

/** Messages in each other: those of metrics, and three for each list or map of an attribute. */
const DEPTH_MAX = 8 + 3 * ATTRIBUTE_DEPTH_MAX;

function fail(at: Place, expected: string): never {
  throw new OtlpJsonError(`"${at.key}" must be ${expected}`);
}

function one(number: number, write: Write): Field {
  return { number, write, isRepeated: false };
}

function many(number: number, write: Write): Field {
  return { number, write, isRepeated: true };
}

const text: Write = (writer, field, value, at) => {
  if (typeof value !== 'string' || !value.isWellFormed()) fail(at, 'a string');
  writer.string(field, value);
};

const flag: Write = (writer, field, value, at) => {
  if (typeof value !== 'boolean') fail(at, 'true or false');
  writer.uint(field, value ? 1 : 0);
};

function integer(value: unknown, at: Place, min: bigint, max: bigint): bigint {
  const isText = typeof value === 'string' && /^[+-]?\d{1,20}$/.test(value);
  if (!isText && !Number.isInteger(value)) fail(at, 'an integer');
  const whole = BigInt(value as string | number);
  if (whole < min || whole > max) fail(at, `an integer from ${min} to ${max}`);
  return whole;
}

function fixed(min: bigint, max: bigint): Write {
  return (writer, field, value, at) => {
    const bits = BigInt.asUintN(64, integer(value, at, min, max));
    writer.doubleBits(field, Number(bits & 0xffff_ffffn), Number(bits >> 32n));
  };
}

const fixed64 = fixed(0n, 2n ** 64n - 1n);
const sfixed64 = fixed(-(2n ** 63n), 2n ** 63n - 1n);

/** Varints of whole doubles. */
function small(min: number, max: number, write: 'uint' | 'sint'): Write {
  return (writer, field, value, at) => {
    const whole = Number(integer(value, at, BigInt(min), BigInt(max)));
    writer[write](field, whole);
  };
}

const uint32 = small(0, 2 ** 32 - 1, 'uint');
const sint32 = small(-(2 ** 31), 2 ** 31 - 1, 'sint');
const uint64 = small(0, Number.MAX_SAFE_INTEGER, 'uint');

const TEMPORALITIES = [
  'AGGREGATION_TEMPORALITY_UNSPECIFIED',
  'AGGREGATION_TEMPORALITY_DELTA',
  'AGGREGATION_TEMPORALITY_CUMULATIVE',
];

const temporality: Write = (writer, field, value, at) => {
  const index = TEMPORALITIES.indexOf(value as string);
  uint32(writer, field, index < 0 ? value : index, at);
};

const double: Write = (writer, field, value, at) => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number') fail(at, 'a number');
  if (Number.isNaN(number) && value !== 'NaN') fail(at, 'a number');
  writer.double(field, number);
};

const hex: Write = (writer, field, value, at) => {
  if (typeof value !== 'string' || !/^(?:[0-9a-fA-F]{2})*$/.test(value)) fail(at, 'hexadecimal');
  writer.raw(field, Buffer.from(value, 'hex'));
};

const base64: Write = (writer, field, value, at) => {
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) fail(at, 'Base64');
  writer.raw(field, Buffer.from(value, 'base64'));
};

/** An int64 of an attribute: a varint of ten bytes where it is negative. */
const int64: Write = (writer, field, value, at) => {
  const whole = integer(value, at, -(2n ** 63n), 2n ** 63n - 1n);
  writer.varintBits(field, BigInt.asUintN(64, whole));
};

function nested(message: Message): Write {
  return (writer, field, value, at) =>
    writer.message(field, (child) => writeMessage(child, message, value, at));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function writeMessage(writer: ProtobufWriter, message: Message, value: unknown, at: Place): void {
  if (!isObject(value)) fail(at, 'an object');
  if (at.depth > DEPTH_MAX)
    throw new OtlpJsonError(`an attribute is nested deeper than ${ATTRIBUTE_DEPTH_MAX}`);
  const fields = message();
  for (const [key, content] of Object.entries(value)) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field === undefined || content === null) continue;
    const inner = { key, depth: at.depth + 1 };
    if (!field.isRepeated) field.write(writer, field.number, content, inner);
    else if (!Array.isArray(content)) fail(inner, 'a list');
    else for (const item of content) field.write(writer, field.number, item, inner);
  }
}

/** Fields of a message by their keys. */
function lazily(fields: () => Readonly<Record<string, Field>>): Message {
  let made: Readonly<Record<string, Field>> | undefined = undefined;
  return () => (made ??= fields());
}

const anyValue: Message = lazily(() => ({
  stringValue: one(1, text),
  boolValue: one(2, flag),
  intValue: one(3, int64),
  doubleValue: one(4, double),
  arrayValue: one(5, nested(arrayValue)),
  kvlistValue: one(6, nested(keyValueList)),
  bytesValue: one(7, base64),
}));
const arrayValue: Message = lazily(() => ({ values: many(1, nested(anyValue)) }));
const keyValue: Message = lazily(() => ({ key: one(1, text), value: one(2, nested(anyValue)) }));
const keyValueList: Message = lazily(() => ({ values: many(1, nested(keyValue)) }));

const exemplar: Message = lazily(() => ({
  timeUnixNano: one(2, fixed64),
  asDouble: one(3, double),
  spanId: one(4, hex),
  traceId: one(5, hex),
  asInt: one(6, sfixed64),
  filteredAttributes: many(7, nested(keyValue)),
}));

const times = { startTimeUnixNano: one(2, fixed64), timeUnixNano: one(3, fixed64) };

const numberPoint: Message = lazily(() => ({
  ...times,
  asDouble: one(4, double),
  exemplars: many(5, nested(exemplar)),
  asInt: one(6, sfixed64),
  attributes: many(7, nested(keyValue)),
  flags: one(8, uint32),
}));

const histogramPoint: Message = lazily(() => ({
  ...times,
  count: one(4, fixed64),
  sum: one(5, double),
  bucketCounts: many(6, fixed64),
  explicitBounds: many(7, double),
  exemplars: many(8, nested(exemplar)),
  attributes: many(9, nested(keyValue)),
  flags: one(10, uint32),
}));

const buckets: Message = lazily(() => ({
  offset: one(1, sint32),
  bucketCounts: many(2, uint64),
}));

const exponentialPoint: Message = lazily(() => ({
  ...times,
  attributes: many(1, nested(keyValue)),
  count: one(4, fixed64),
  sum: one(5, double),
  scale: one(6, sint32),
  zeroCount: one(7, fixed64),
  positive: one(8, nested(buckets)),
  negative: one(9, nested(buckets)),
  flags: one(10, uint32),
  exemplars: many(11, nested(exemplar)),
  zeroThreshold: one(14, double),
}));

const quantile: Message = lazily(() => ({ quantile: one(1, double), value: one(2, double) }));

const summaryPoint: Message = lazily(() => ({
  ...times,
  count: one(4, fixed64),
  sum: one(5, double),
  quantileValues: many(6, nested(quantile)),
  attributes: many(7, nested(keyValue)),
  flags: one(8, uint32),
}));

function data(point: Message): Message {
  return lazily(() => ({
    dataPoints: many(1, nested(point)),
    aggregationTemporality: one(2, temporality),
    isMonotonic: one(3, flag),
  }));
}

const metric: Message = lazily(() => ({
  name: one(1, text),
  description: one(2, text),
  unit: one(3, text),
  gauge: one(5, nested(data(numberPoint))),
  sum: one(7, nested(data(numberPoint))),
  histogram: one(9, nested(data(histogramPoint))),
  exponentialHistogram: one(10, nested(data(exponentialPoint))),
  summary: one(11, nested(data(summaryPoint))),
  metadata: many(12, nested(keyValue)),
}));

const scopeMetrics: Message = lazily(() => ({
  scope: one(
    1,
    nested(
      lazily(() => ({
        name: one(1, text),
        version: one(2, text),
        attributes: many(3, nested(keyValue)),
      })),
    ),
  ),
  metrics: many(2, nested(metric)),
  schemaUrl: one(3, text),
}));

const resourceMetrics: Message = lazily(() => ({
  resource: one(1, nested(lazily(() => ({ attributes: many(1, nested(keyValue)) })))),
  scopeMetrics: many(2, nested(scopeMetrics)),
}));

const request: Message = lazily(() => ({ resourceMetrics: many(1, nested(resourceMetrics)) }));

/** The message in protobuf. Throws OtlpJsonError. */
export function messageOfJson(body: Uint8Array): Uint8Array {
  const json = decodeUtf8(body, 0, body.length);
  if (json === undefined) throw new OtlpJsonError('the body is not valid UTF-8');
  let value: unknown = undefined;
  try {
    value = JSON.parse(json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new OtlpJsonError(`the body is not JSON: ${error.message}`, { cause: error });
  }
  const writer = new ProtobufWriter(body.length);
  writeMessage(writer, request, value, { key: 'the body', depth: 0 });
  return writer.bytes();
}
