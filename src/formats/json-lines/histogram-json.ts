// The JSON object of a native histogram in the exact form → model Histogram; fields are named as
// there; buckets finer than schema 8 are merged. undefined where a field is missing or of the wrong
// type, the schema is none, or spans and buckets disagree.
import type { BucketSpan, CounterResetHint, Histogram } from '../../model/histogram.ts';
import { isKnownSchema, withStoredResolution } from '../../model/histogram-resolution.ts';
import { floatOf } from './float-json.ts';

type JsonObject = Readonly<Record<string, unknown>>;

function numbers(value: unknown): Float64Array | undefined {
  if (!Array.isArray(value)) return undefined;
  const out = new Float64Array(value.length);
  for (const [i, item] of value.entries()) {
    const number = floatOf(item);
    if (number === undefined) return undefined;
    out[i] = number;
  }
  return out;
}

function spans(value: unknown): BucketSpan[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const out: BucketSpan[] = [];
  for (const [i, item] of value.entries()) {
    if (!Array.isArray(item) || item.length !== 2) return undefined;
    const [offset, length] = item as [unknown, unknown];
    if (!Number.isInteger(offset) || !Number.isInteger(length)) return undefined;
    if ((length as number) < 0 || (i > 0 && (offset as number) < 0)) return undefined;
    out.push({ offset: offset as number, length: length as number });
  }
  return out;
}

function agree(list: readonly BucketSpan[], buckets: Float64Array): boolean {
  return list.reduce((sum, span) => sum + span.length, 0) === buckets.length;
}

export function histogramOf(object: JsonObject): Histogram | undefined {
  const { isInteger, schema, counterResetHint } = object;
  const zeroThreshold = floatOf(object['zeroThreshold']);
  const zeroCount = floatOf(object['zeroCount']);
  const count = floatOf(object['count']);
  const sum = floatOf(object['sum']);
  if (zeroThreshold === undefined || zeroCount === undefined) return undefined;
  if (count === undefined || sum === undefined) return undefined;
  if (typeof isInteger !== 'boolean' || !Number.isInteger(schema)) return undefined;
  if (!isKnownSchema(schema as number)) return undefined;
  if (![0, 1, 2, 3].includes(counterResetHint as number)) return undefined;
  const positiveSpans = spans(object['positiveSpans']);
  const positiveBuckets = numbers(object['positiveBuckets']);
  const negativeSpans = spans(object['negativeSpans']);
  const negativeBuckets = numbers(object['negativeBuckets']);
  const customValues = numbers(object['customValues']);
  if (positiveSpans === undefined || positiveBuckets === undefined) return undefined;
  if (negativeSpans === undefined || negativeBuckets === undefined) return undefined;
  if (customValues === undefined || !agree(positiveSpans, positiveBuckets)) return undefined;
  if (!agree(negativeSpans, negativeBuckets)) return undefined;
  return withStoredResolution({
    isInteger,
    schema: schema as number,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    counterResetHint: counterResetHint as CounterResetHint,
    positiveSpans,
    positiveBuckets,
    negativeSpans,
    negativeBuckets,
    customValues,
  });
}
