// Native histograms as bytes (docs/formats/block.md, "A histogram"): counts are varints where every
// one is a whole number below 2^53, doubles otherwise, so any value that can be held comes back as
// it was.
import { HISTOGRAM_NUMBERS_MAX } from './limits.ts';
import { MODE, readColumn, readDoubles, writeColumn, writeDoubles } from './column.ts';
import type { Column } from './column.ts';
import { CodecError } from './varint.ts';
import type { ByteReader } from './varint.ts';
import { ByteWriter } from './varint.ts';

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
/** Fewer histograms than this do not repay a column per bucket. */
const COLUMNS_COUNT_MIN = 4;
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

// ---------------------------------------------------------------- many of one shape

const shapeA = new ByteWriter(256);
const shapeB = new ByteWriter(256);
const nested = new ByteWriter(1024);

/** `h` without its numbers: what all histograms of a column must share to be stored by columns. */
function writeShape(out: ByteWriter, h: HistogramShape): void {
  writeHistogram(out, {
    ...h,
    sum: 0,
    count: 0,
    zeroCount: 0,
    positiveBuckets: new Float64Array(h.positiveBuckets.length),
    negativeBuckets: new Float64Array(h.negativeBuckets.length),
  });
}

function areOneShape(values: readonly HistogramShape[], count: number): boolean {
  shapeA.reset();
  writeShape(shapeA, values[0]!);
  const first = shapeA.bytes();
  for (let i = 1; i < count; i++) {
    shapeB.reset();
    writeShape(shapeB, values[i]!);
    const own = shapeB.bytes();
    if (own.length !== first.length || !own.every((byte, at) => byte === first[at])) return false;
  }
  return true;
}

/** Number `place` of a histogram: sum, count, zero count, positive buckets, negative buckets. */
function numberAt(h: HistogramShape, place: number): number {
  if (place === 0) return h.sum;
  if (place === 1) return h.count;
  if (place === 2) return h.zeroCount;
  const positive = h.positiveBuckets.length;
  return place < 3 + positive
    ? h.positiveBuckets[place - 3]!
    : h.negativeBuckets[place - 3 - positive]!;
}

/** By columns where all have one shape, one after the other otherwise. */
export function writeHistograms(
  out: ByteWriter,
  scratch: ByteWriter,
  values: readonly HistogramShape[],
  count: number,
): void {
  const { positiveBuckets, negativeBuckets } = values[0]!;
  const places = 3 + positiveBuckets.length + negativeBuckets.length;
  const isByRow = count < COLUMNS_COUNT_MIN || places * count > HISTOGRAM_NUMBERS_MAX;
  if (isByRow || !areOneShape(values, count))
    return writeColumn(out, scratch, MODE.histograms, (payload) => {
      for (let i = 0; i < count; i++) writeHistogram(payload, values[i]!);
    });
  const column = new Float64Array(count);
  writeColumn(out, scratch, MODE.histogramColumns, (payload) => {
    payload.raw(shapeA.bytes());
    for (let place = 0; place < places; place++) {
      for (let i = 0; i < count; i++) column[i] = numberAt(values[i]!, place);
      writeDoubles(payload, nested, column, count);
    }
  });
}

export function readHistograms({ mode, payload }: Column, count: number): HistogramShape[] {
  const out: HistogramShape[] = [];
  if (mode === MODE.histograms) for (let i = 0; i < count; i++) out.push(readHistogram(payload));
  else if (mode === MODE.histogramColumns) {
    const shape = readHistogram(payload);
    const places = 3 + shape.positiveBuckets.length + shape.negativeBuckets.length;
    if (places * count > HISTOGRAM_NUMBERS_MAX)
      throw new CodecError(`${count} histograms of ${places} numbers`);
    const next = (): Float64Array => readDoubles(readColumn(payload), count);
    const [sums, counts, zeroCounts] = [next(), next(), next()];
    const positive = Array.from(shape.positiveBuckets, next);
    const negative = Array.from(shape.negativeBuckets, next);
    for (let i = 0; i < count; i++)
      out.push({
        ...shape,
        sum: sums[i]!,
        count: counts[i]!,
        zeroCount: zeroCounts[i]!,
        positiveBuckets: Float64Array.from(positive, (column) => column[i]!),
        negativeBuckets: Float64Array.from(negative, (column) => column[i]!),
      });
  } else throw new CodecError(`unknown mode ${mode} of a histogram column`);
  payload.finish();
  return out;
}
