// Samples of a series as the chunks of Prometheus' store: floats by XOR, native histograms by
// differences of differences. Times are milliseconds; of several samples within one the first
// counts. Source: Prometheus tsdb/chunkenc/{xor,histogram,float_histogram,histogram_meta}.go.
import { KIND } from '../../model/columns.ts';
import type { Samples } from '../../model/columns.ts';
import type { Histogram } from '../../model/histogram.ts';
import { COUNTER_RESET_HINT, CUSTOM_BUCKETS_SCHEMA } from '../../model/histogram.ts';
import { CHUNK_SAMPLES_MAX } from '../limits.ts';
import { BitWriter, XorSeries } from './bit-writer.ts';
import { isStaleHistogram, sumWords } from './stale.ts';

export const CHUNK_TYPE = { xor: 1, histogram: 2, floatHistogram: 3 } as const;

export interface EncodedChunk {
  readonly minMs: number;
  readonly maxMs: number;
  /** One of CHUNK_TYPE. */
  readonly type: number;
  readonly data: Uint8Array;
}

/** First two bits of the third byte of a chunk of histograms. */
const RESET_HEADER = { unknown: 0, notReset: 0x40, reset: 0x80, gauge: 0xc0 } as const;

const TWO_32 = 4_294_967_296;

const out = new BitWriter();
const scratch = new Float64Array(1);
const words = new Int32Array(scratch.buffer);

/** Chunks of a series whose samples come in order of time, with how many samples they hold. */
export class ChunkCutter {
  readonly #times: number[] = [];
  /** Halves of each float. */
  readonly #words: number[] = [];
  readonly #histograms: Histogram[] = [];
  #lastMs = Number.NEGATIVE_INFINITY;
  #lastHistogram: Histogram | undefined = undefined;

  /** Chunks that are full after these samples. */
  *add(samples: Samples): Generator<EncodedChunk, void, void> {
    const { count, tUs, kind } = samples;
    if (kind === KIND.string) return;
    for (let i = 0; i < count; i++) {
      const timeMs = Math.floor(tUs[i]! / 1000);
      if (timeMs === this.#lastMs) continue;
      this.#lastMs = timeMs;
      const isFull = this.#times.length === CHUNK_SAMPLES_MAX;
      if (kind === KIND.histogram) {
        const value = samples.values[i]!;
        if (isFull || this.#cutsBefore(value)) yield* this.finish();
        this.#histograms.push(value);
        this.#lastHistogram = value;
      } else {
        if (isFull || this.#histograms.length > 0) yield* this.finish();
        // A double is copied as bits: a NaN may carry some.
        if (kind === KIND.f64) copyDouble(samples.values, i);
        else scratch[0] = Number(samples.values[i]);
        this.#words.push(words[0]!, words[1]!);
        this.#lastHistogram = undefined;
      }
      this.#times.push(timeMs);
    }
  }

  /** The chunk that has begun. */
  *finish(): Generator<EncodedChunk, void, void> {
    const times = this.#times;
    if (times.length === 0) return;
    const [minMs, maxMs] = [times[0]!, times.at(-1)!];
    const isHistogram = this.#histograms.length > 0;
    const data = isHistogram
      ? histogramChunk(times, this.#histograms)
      : xorChunk(times, this.#words);
    let type: number = CHUNK_TYPE.xor;
    if (isHistogram)
      type = this.#histograms[0]!.isInteger ? CHUNK_TYPE.histogram : CHUNK_TYPE.floatHistogram;
    yield { minMs, maxMs, type, data };
    times.length = 0;
    this.#words.length = 0;
    this.#histograms.length = 0;
  }

  /** A chunk has one layout, and no reset but in front of its first histogram. */
  #cutsBefore(value: Histogram): boolean {
    if (this.#words.length > 0) return true;
    const before = this.#lastHistogram;
    if (before === undefined || this.#histograms.length === 0) return false;
    return !hasSameLayout(before, value) || isResetAfter(before, value);
  }
}

function copyDouble(values: Float64Array, index: number): void {
  const source = new Int32Array(values.buffer, values.byteOffset + index * 8, 2);
  words[0] = source[0]!;
  words[1] = source[1]!;
}

/** Time and value: whole, then a difference, then differences of differences. */
function xorChunk(times: readonly number[], halves: readonly number[]): Uint8Array {
  out.reset();
  out.bits(times.length, 16);
  const values = new XorSeries();
  let delta = 0;
  for (const [i, timeMs] of times.entries()) {
    const low = halves[i * 2]!;
    const high = halves[i * 2 + 1]!;
    if (i === 0) {
      varint(timeMs >= 0 ? timeMs * 2 : -timeMs * 2 - 1);
      values.first(out, low, high);
      continue;
    }
    const next = timeMs - times[i - 1]!;
    if (i === 1) varint(next);
    else differenceOfTimes(next - delta);
    delta = next;
    values.next(out, low, high);
  }
  return out.take();
}

/** Bytes of seven bits, the lowest first. */
function varint(value: number): void {
  let rest = value;
  while (rest >= 128) {
    out.byte((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  out.byte(rest);
}

function differenceOfTimes(value: number): void {
  const fits = (size: number): boolean => value > -(2 ** (size - 1)) && value <= 2 ** (size - 1);
  if (value === 0) return out.bits(0, 1);
  for (const [size, marker, markerSize] of [
    [14, 0b10, 2],
    [17, 0b110, 3],
    [20, 0b1110, 4],
  ] as const)
    if (fits(size)) {
      out.bits(marker, markerSize);
      return out.bits(value, size);
    }
  out.bits(0b1111, 4);
  const high = Math.floor(value / TWO_32);
  out.wide(high, (value - high * TWO_32) >>> 0, 64);
}

const isGauge = (h: Histogram): boolean => h.counterResetHint === COUNTER_RESET_HINT.gauge;

function hasSameLayout(a: Histogram, b: Histogram): boolean {
  return (
    a.isInteger === b.isInteger &&
    !isStaleHistogram(a) &&
    !isStaleHistogram(b) &&
    isGauge(a) === isGauge(b) &&
    a.schema === b.schema &&
    a.zeroThreshold === b.zeroThreshold &&
    hasSameSpans(a.positiveSpans, b.positiveSpans) &&
    hasSameSpans(a.negativeSpans, b.negativeSpans) &&
    a.customValues.length === b.customValues.length &&
    a.customValues.every((bound, i) => bound === b.customValues[i])
  );
}

function hasSameSpans(a: Histogram['positiveSpans'], b: Histogram['positiveSpans']): boolean {
  return (
    a.length === b.length &&
    a.every(({ offset, length }, i) => offset === b[i]!.offset && length === b[i]!.length)
  );
}

/** Of counters with one layout. */
function isResetAfter(before: Histogram, value: Histogram): boolean {
  if (value.counterResetHint === COUNTER_RESET_HINT.gauge) return false;
  return (
    value.counterResetHint === COUNTER_RESET_HINT.reset ||
    value.count < before.count ||
    value.zeroCount < before.zeroCount ||
    value.positiveBuckets.some((count, i) => count < before.positiveBuckets[i]!) ||
    value.negativeBuckets.some((count, i) => count < before.negativeBuckets[i]!)
  );
}

const NO_COUNTS = new Float64Array(0);

/** A staleness marker is its sum alone. */
function markerOf(histogram: Histogram): Histogram {
  const nothing = { schema: 0, zeroThreshold: 0, zeroCount: 0, count: 0 };
  const empty = { positiveSpans: [], negativeSpans: [], customValues: NO_COUNTS };
  const buckets = { positiveBuckets: NO_COUNTS, negativeBuckets: NO_COUNTS };
  return { ...histogram, ...nothing, ...empty, ...buckets };
}

function resetHeader({ counterResetHint }: Histogram): number {
  const { reset, gauge, notReset } = COUNTER_RESET_HINT;
  if (counterResetHint === gauge) return RESET_HEADER.gauge;
  if (counterResetHint === reset) return RESET_HEADER.reset;
  return counterResetHint === notReset ? RESET_HEADER.notReset : RESET_HEADER.unknown;
}

/** All have the layout of the first. */
function histogramChunk(times: readonly number[], list: readonly Histogram[]): Uint8Array {
  out.reset();
  out.bits(list.length, 16);
  const first = isStaleHistogram(list[0]!) ? markerOf(list[0]!) : list[0]!;
  out.byte(resetHeader(first));
  layout(first);
  if (first.isInteger) integerHistograms(times, [first, ...list.slice(1)]);
  else floatHistograms(times, [first, ...list.slice(1)]);
  return out.take();
}

function layout(histogram: Histogram): void {
  zeroThreshold(histogram.zeroThreshold);
  out.varbitInt(histogram.schema);
  for (const spans of [histogram.positiveSpans, histogram.negativeSpans]) {
    out.varbitUint(spans.length);
    for (const { offset, length } of spans) {
      out.varbitUint(length);
      out.varbitInt(offset);
    }
  }
  if (histogram.schema !== CUSTOM_BUCKETS_SCHEMA) return;
  out.varbitUint(histogram.customValues.length);
  for (const bound of histogram.customValues) customBound(bound);
}

/** Usual powers of two take a byte, their exponent; all else nine. */
function zeroThreshold(threshold: number): void {
  if (threshold === 0) return out.byte(0);
  scratch[0] = threshold;
  const exponent = ((words[1]! >>> 20) & 0x7ff) - 1022;
  const isPower = words[0] === 0 && (words[1]! & 0xfffff) === 0;
  if (isPower && threshold > 0 && exponent >= -242 && exponent <= 11)
    return out.byte(exponent + 243);
  out.byte(255);
  out.double(threshold);
}

/** Whole thousandths that fit four bytes are written as such. */
function customBound(bound: number): void {
  const thousandths = Math.round(bound * 1000);
  const isShort = thousandths >= 0 && thousandths <= 33_554_430 && thousandths / 1000 === bound;
  if (isShort && !Object.is(bound, -0)) return out.varbitUint(thousandths + 1);
  out.bits(0, 1);
  out.double(bound);
}

/** Numbers of which each is written as a difference of differences. */
class DeltaSeries {
  #value = 0;
  #delta = 0;

  first(value: number): void {
    this.#value = value;
  }

  next(value: number): void {
    const delta = value - this.#value;
    out.varbitInt(delta - this.#delta);
    this.#delta = delta;
    this.#value = value;
  }
}

/** Buckets as the differences that integer histograms hold. */
function differences(counts: Float64Array): Float64Array {
  return counts.map((count, i) => count - (i === 0 ? 0 : counts[i - 1]!));
}

const bucketsOf = (h: Histogram): number[] => [
  ...differences(h.positiveBuckets),
  ...differences(h.negativeBuckets),
];

function integerHistograms(times: readonly number[], list: readonly Histogram[]): void {
  const [time, count, zero, sum] = [
    new DeltaSeries(),
    new DeltaSeries(),
    new DeltaSeries(),
    new XorSeries(),
  ];
  const buckets = bucketsOf(list[0]!).map(() => new DeltaSeries());
  for (const [i, histogram] of list.entries()) {
    const values = bucketsOf(histogram);
    if (i === 0) {
      out.varbitInt(times[0]!);
      out.varbitUint(histogram.count);
      out.varbitUint(histogram.zeroCount);
      time.first(times[0]!);
      count.first(histogram.count);
      zero.first(histogram.zeroCount);
      for (const [k, value] of values.entries()) buckets[k]!.first(value);
      const bits = sumWords(histogram);
      sum.first(out, bits[0]!, bits[1]!);
      for (const value of values) out.varbitInt(value);
      continue;
    }
    time.next(times[i]!);
    count.next(histogram.count);
    zero.next(histogram.zeroCount);
    const bits = sumWords(histogram);
    sum.next(out, bits[0]!, bits[1]!);
    for (const [k, value] of values.entries()) buckets[k]!.next(value);
  }
}

const valuesOf = (h: Histogram): number[] => [
  h.count,
  h.zeroCount,
  h.sum,
  ...h.positiveBuckets,
  ...h.negativeBuckets,
];

function floatHistograms(times: readonly number[], list: readonly Histogram[]): void {
  const time = new DeltaSeries();
  const series = valuesOf(list[0]!).map(() => new XorSeries());
  for (const [i, histogram] of list.entries()) {
    if (i === 0) {
      out.varbitInt(times[0]!);
      time.first(times[0]!);
    } else time.next(times[i]!);
    for (const [k, value] of valuesOf(histogram).entries()) {
      const bits = sumWords({ sum: value });
      if (i === 0) series[k]!.first(out, bits[0]!, bits[1]!);
      else series[k]!.next(out, bits[0]!, bits[1]!);
    }
  }
}
