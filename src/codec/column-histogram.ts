// Native histograms as bytes (docs/formats/block.md, "A histogram"): counts are varints where every
// one is a whole number below 2^53, doubles otherwise, so any value that can be held comes back as
// it was.
import { CodecError } from './varint.ts';
import type { ByteReader, ByteWriter } from './varint.ts';

interface Span {
  readonly offset: number;
  readonly length: number;
}

/** The shape of model/histogram.ts, which this room may not know. */
export interface HistogramShape {
  readonly isInteger: boolean;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly counterResetHint: 0 | 1 | 2 | 3;
  readonly positiveSpans: readonly Span[];
  readonly positiveBuckets: Float64Array;
  readonly negativeSpans: readonly Span[];
  readonly negativeBuckets: Float64Array;
  readonly customValues: Float64Array;
}

const VARINT_COUNTS = 8;
const OFFSET_MAX = 2 ** 31;

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && (value !== 0 || 1 / value > 0);
}

export function writeHistogram(out: ByteWriter, h: HistogramShape): void {
  const varints =
    isCount(h.count) &&
    isCount(h.zeroCount) &&
    h.positiveBuckets.every(isCount) &&
    h.negativeBuckets.every(isCount);
  const number = (value: number): void => (varints ? out.varint(value) : out.f64(value));
  out.u8((h.isInteger ? 1 : 0) | (h.counterResetHint << 1) | (varints ? VARINT_COUNTS : 0));
  out.zigzag(h.schema);
  out.f64(h.zeroThreshold);
  out.f64(h.sum);
  number(h.count);
  number(h.zeroCount);
  const sides = [
    [h.positiveSpans, h.positiveBuckets],
    [h.negativeSpans, h.negativeBuckets],
  ] as const;
  for (const [spans, buckets] of sides) {
    out.varint(spans.length);
    for (const span of spans) {
      out.zigzag(span.offset);
      out.varint(span.length);
    }
    out.varint(buckets.length);
    for (const value of buckets) number(value);
  }
  out.varint(h.customValues.length);
  out.column(h.customValues, h.customValues.length);
}

export function readHistogram(reader: ByteReader): HistogramShape {
  const flags = reader.u8();
  if (flags > 15) throw new CodecError(`histogram flags ${flags} at ${reader.at}`);
  const varints = (flags & VARINT_COUNTS) !== 0;
  const number = (): number => (varints ? reader.varint() : reader.f64());
  const buckets = (): Float64Array =>
    Float64Array.from({ length: reader.count(varints ? 1 : 8) }, number);
  const schema = reader.zigzag();
  const zeroThreshold = reader.f64();
  const sum = reader.f64();
  const count = number();
  const zeroCount = number();
  const positiveSpans = readSpans(reader);
  const positiveBuckets = buckets();
  const negativeSpans = readSpans(reader);
  const negativeBuckets = buckets();
  const customValues = new Float64Array(reader.copy(reader.count(8) * 8));
  return {
    isInteger: (flags & 1) !== 0,
    schema,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    counterResetHint: ((flags >> 1) & 3) as 0 | 1 | 2 | 3,
    positiveSpans,
    positiveBuckets,
    negativeSpans,
    negativeBuckets,
    customValues,
  };
}

function readSpans(reader: ByteReader): Span[] {
  const spans: Span[] = [];
  for (let left = reader.count(2); left > 0; left--) {
    const offset = reader.zigzag();
    const length = reader.varint();
    if (Math.abs(offset) > OFFSET_MAX || length > OFFSET_MAX)
      throw new CodecError(`histogram span ${offset}, ${length} before ${reader.at}`);
    spans.push({ offset, length });
  }
  return spans;
}
