// Writes io.prometheus.write.v2.Request for tests.
import type { Histogram } from '../../src/model/histogram.ts';
import {
  bytesField,
  doubleBytes,
  doubleField,
  varintBytes,
  varintField,
  zigzag,
  zigzagField,
} from './protobuf-writer.ts';

export interface SampleV2 {
  /** Number or 64 bits. */
  readonly value: number | bigint;
  readonly tMs: number;
  readonly startMs?: number;
}

export interface HistogramV2 {
  readonly histogram: Histogram;
  readonly tMs: number;
  readonly startMs?: number;
}

export interface ExemplarV2 {
  readonly labels: readonly string[];
  readonly value: number;
  readonly tMs: number;
}

export interface SeriesV2 {
  /** Flat name, value. */
  readonly labels: readonly string[];
  readonly samples?: readonly SampleV2[];
  readonly histograms?: readonly HistogramV2[];
  readonly exemplars?: readonly ExemplarV2[];
  readonly metadata?: { readonly type: number; readonly help: string; readonly unit: string };
}

/** Strings in the order of first use, the empty one first. */
export class Symbols {
  readonly list: string[] = [''];
  readonly #known = new Map([['', 0]]);

  of(text: string): number {
    let index = this.#known.get(text);
    if (index === undefined) {
      index = this.list.push(text) - 1;
      this.#known.set(text, index);
    }
    return index;
  }

  refs(texts: readonly string[]): number[] {
    return bytesField(
      1,
      texts.flatMap((text) => varintBytes(this.of(text))),
    );
  }
}

const spans = (field: number, list: Histogram['positiveSpans']): number[] =>
  list.flatMap(({ offset, length }) =>
    bytesField(field, [...zigzagField(1, offset), ...varintField(2, length)]),
  );

function buckets(field: number, counts: Float64Array, isInteger: boolean): number[] {
  if (counts.length === 0) return [];
  if (!isInteger) return bytesField(field + 1, [...counts].flatMap(doubleBytes));
  return bytesField(
    field,
    [...counts].flatMap((count, i) => zigzag(count - (counts[i - 1] ?? 0))),
  );
}

export function histogramMessage({ histogram: h, tMs, startMs }: HistogramV2): number[] {
  return [
    ...(h.isInteger ? varintField(1, h.count) : doubleField(2, h.count)),
    ...doubleField(3, h.sum),
    ...zigzagField(4, h.schema),
    ...doubleField(5, h.zeroThreshold),
    ...(h.isInteger ? varintField(6, h.zeroCount) : doubleField(7, h.zeroCount)),
    ...spans(8, h.negativeSpans),
    ...buckets(9, h.negativeBuckets, h.isInteger),
    ...spans(11, h.positiveSpans),
    ...buckets(12, h.positiveBuckets, h.isInteger),
    ...varintField(14, h.counterResetHint),
    ...varintField(15, tMs),
    ...(h.customValues.length === 0
      ? []
      : bytesField(16, [...h.customValues].flatMap(doubleBytes))),
    ...(startMs === undefined ? [] : varintField(17, startMs)),
  ];
}

export function sampleMessage({ value, tMs, startMs }: SampleV2): number[] {
  const start = startMs === undefined ? [] : varintField(3, startMs);
  return [...doubleField(1, value), ...varintField(2, tMs), ...start];
}

function seriesV2(series: SeriesV2, symbols: Symbols): number[] {
  const { samples = [], histograms = [], exemplars = [], metadata } = series;
  const exemplar = ({ labels, value, tMs }: ExemplarV2): number[] =>
    bytesField(4, [...symbols.refs(labels), ...doubleField(2, value), ...varintField(3, tMs)]);
  return bytesField(5, [
    ...symbols.refs(series.labels),
    ...samples.flatMap((sample) => bytesField(2, sampleMessage(sample))),
    ...histograms.flatMap((histogram) => bytesField(3, histogramMessage(histogram))),
    ...exemplars.flatMap(exemplar),
    ...(metadata === undefined
      ? []
      : bytesField(5, [
          ...varintField(1, metadata.type),
          ...varintField(3, symbols.of(metadata.help)),
          ...varintField(4, symbols.of(metadata.unit)),
        ])),
  ]);
}

export function requestV2(list: readonly SeriesV2[]): Uint8Array<ArrayBuffer> {
  const symbols = new Symbols();
  const series = list.flatMap((one) => seriesV2(one, symbols));
  const table = symbols.list.flatMap((text) => bytesField(4, text));
  return Uint8Array.from([...table, ...series]);
}
