// Export as JSON lines: VictoriaMetrics' form (milliseconds, numbers) and the exact form, which
// loses nothing. Layout of both, with an example: docs/protocols/json-lines.md.
//
// Text is collected across series and handed out in chunks of about EXPORT_CHUNK_BYTES, so that
// neither a million tiny series nor one huge series costs much memory. A line holds samples of one
// kind and at most EXPORT_LINE_SAMPLES_MAX of them, of strings and histograms about
// EXPORT_LINE_BYTES.
import type { Samples } from '../../model/columns.ts';
import { isPlaced, KIND, KIND_NAMES } from '../../model/columns.ts';
import type { Histogram } from '../../model/histogram.ts';
import type { Labels } from '../../model/labels.ts';
import type { SelectedSeries } from '../../model/storage.ts';
import { EXPORT_CHUNK_BYTES, EXPORT_LINE_BYTES, EXPORT_LINE_SAMPLES_MAX } from '../limits.ts';

export type JsonLinesForm = 'victoriametrics' | 'exact';

const encoder = new TextEncoder();
const scratch = new Float64Array(1);
const scratchBits = new BigUint64Array(scratch.buffer);
const PLAIN_NAN_BITS = 0x7ff8000000000000n;

/** A double of the exact form: JSON has no words for infinities, NaN and NaN's payload. */
function exactFloat(value: number, bits: () => bigint): string {
  if (value - value === 0) return Object.is(value, -0) ? '-0' : String(value);
  if (value === Number.POSITIVE_INFINITY) return '"Infinity"';
  if (value === Number.NEGATIVE_INFINITY) return '"-Infinity"';
  const payload = bits();
  return payload === PLAIN_NAN_BITS ? '"NaN"' : `"NaN:${payload.toString(16).padStart(16, '0')}"`;
}

function bitsOf(value: number): bigint {
  scratch[0] = value;
  return scratchBits[0]!;
}

function exactNumber(value: number): string {
  return exactFloat(value, () => bitsOf(value));
}

/** A double as VictoriaMetrics writes it. */
function plainFloat(value: number): string {
  if (value - value === 0) return Object.is(value, -0) ? '-0' : String(value);
  if (value === Number.POSITIVE_INFINITY) return '"Infinity"';
  return value === Number.NEGATIVE_INFINITY ? '"-Infinity"' : 'null';
}

function metricObject(labels: Labels): string {
  const fields: string[] = [];
  for (let i = 0; i < labels.length; i += 2)
    fields.push(`${JSON.stringify(labels[i])}:${JSON.stringify(labels[i + 1])}`);
  return `{${fields.join(',')}}`;
}

function numbers(values: Iterable<number>): string {
  return `[${Array.from(values, exactNumber).join(',')}]`;
}

function spans(list: Histogram['positiveSpans']): string {
  return `[${list.map((span) => `[${span.offset},${span.length}]`).join(',')}]`;
}

function histogramObject(histogram: Histogram): string {
  return [
    `{"isInteger":${histogram.isInteger}`,
    `"schema":${histogram.schema}`,
    `"zeroThreshold":${exactNumber(histogram.zeroThreshold)}`,
    `"zeroCount":${exactNumber(histogram.zeroCount)}`,
    `"count":${exactNumber(histogram.count)}`,
    `"sum":${exactNumber(histogram.sum)}`,
    `"counterResetHint":${histogram.counterResetHint}`,
    `"positiveSpans":${spans(histogram.positiveSpans)}`,
    `"positiveBuckets":${numbers(histogram.positiveBuckets)}`,
    `"negativeSpans":${spans(histogram.negativeSpans)}`,
    `"negativeBuckets":${numbers(histogram.negativeBuckets)}`,
    `"customValues":${numbers(histogram.customValues)}}`,
  ].join(',');
}

function exactValue(samples: Samples, i: number): string {
  switch (samples.kind) {
    case KIND.f64: {
      const { values } = samples;
      // Bits straight from the column: a NaN's payload need not survive a trip as a number.
      return exactFloat(values[i]!, () =>
        new DataView(values.buffer, values.byteOffset + i * 8, 8).getBigUint64(0, true),
      );
    }
    case KIND.i64:
    case KIND.u64:
      return `"${samples.values[i]}"`;
    case KIND.boolean:
      return samples.values[i] === 0 ? 'false' : 'true';
    case KIND.string:
      return JSON.stringify(samples.values[i]);
    case KIND.histogram:
      return histogramObject(samples.values[i]!);
  }
}

/** Samples [start, end) of a chunk; a line is made of several, all of one kind. */
interface Stretch {
  readonly samples: Samples;
  readonly start: number;
  readonly end: number;
}

type Line = readonly Stretch[];

function column(line: Line, text: (samples: Samples, i: number) => string): string {
  const parts: string[] = [];
  for (const { samples, start, end } of line)
    for (let i = start; i < end; i++) parts.push(text(samples, i));
  return `[${parts.join(',')}]`;
}

/** A column that says nothing on this line is left out. */
function isIn(line: Line, says: (samples: Samples, i: number) => boolean): boolean {
  for (const { samples, start, end } of line)
    for (let i = start; i < end; i++) if (says(samples, i)) return true;
  return false;
}

function hasPlace({ position }: Samples, i: number): boolean {
  return position !== undefined && isPlaced(position, i);
}

/** null where the column has no value. */
function optional(values: Float64Array | undefined, i: number): string {
  const value = values?.[i] ?? Number.NaN;
  return Number.isNaN(value) ? 'null' : exactNumber(value);
}

function exactLine(metric: string, line: Line): string {
  const fields = [
    `{"metric":${metric}`,
    `"kind":"${KIND_NAMES[line[0]!.samples.kind]}"`,
    `"values":${column(line, exactValue)}`,
    `"timestampsUs":${column(line, ({ tUs }, i) => String(tUs[i]))}`,
  ];
  if (isIn(line, ({ subNs }, i) => (subNs?.[i] ?? 0) !== 0))
    fields.push(`"subNs":${column(line, ({ subNs }, i) => String(subNs?.[i] ?? 0))}`);
  if (isIn(line, ({ startUs }, i) => !Number.isNaN(startUs?.[i] ?? Number.NaN)))
    fields.push(`"startUs":${column(line, ({ startUs }, i) => optional(startUs, i))}`);
  if (isIn(line, hasPlace))
    fields.push(
      `"latitude":${column(line, ({ position }, i) => optional(position?.latitude, i))}`,
      `"longitude":${column(line, ({ position }, i) => optional(position?.longitude, i))}`,
      `"elevation":${column(line, ({ position }, i) => optional(position?.elevation, i))}`,
    );
  return `${fields.join(',')}}\n`;
}

function plainLine(metric: string, line: Line): string {
  const { kind } = line[0]!.samples;
  // Strings and histograms have no place in this form; the exact one carries them.
  if (kind === KIND.string || kind === KIND.histogram) return '';
  const value = column(line, ({ values }, i) => plainFloat(Number(values[i])));
  const time = column(line, ({ tUs }, i) => String(Math.floor(tUs[i]! / 1000)));
  return `{"metric":${metric},"values":${value},"timestamps":${time}}\n`;
}

/** Of a bucket, a bound or a span, and of the other fields of a histogram, about. */
const NUMBER_BYTES = 20;
const HISTOGRAM_BYTES = 250;

/** What a value says about the length of its line, by itself alone. */
function weightBytes(samples: Samples, i: number): number {
  if (samples.kind === KIND.string) return samples.values[i]!.length;
  if (samples.kind !== KIND.histogram) return 0;
  const { positiveBuckets, negativeBuckets, positiveSpans, negativeSpans, customValues } =
    samples.values[i]!;
  const count =
    positiveBuckets.length +
    negativeBuckets.length +
    positiveSpans.length +
    negativeSpans.length +
    customValues.length;
  return HISTOGRAM_BYTES + count * NUMBER_BYTES;
}

/** Cuts a series into lines: full ones, wherever its chunks begin and end. */
class LineCutter {
  readonly #samplesMax: number;
  #line: Stretch[] = [];
  #count = 0;
  #sizeBytes = 0;

  constructor(samplesMax: number) {
    this.#samplesMax = samplesMax;
  }

  *add(samples: Samples): Generator<Line, void> {
    if (this.#count > 0 && this.#line[0]!.samples.kind !== samples.kind) yield this.#take();
    for (let start = 0; start < samples.count;) {
      const end = this.#end(samples, start);
      this.#line.push({ samples, start, end });
      this.#count += end - start;
      start = end;
      if (this.#count >= this.#samplesMax || this.#sizeBytes >= EXPORT_LINE_BYTES)
        yield this.#take();
    }
  }

  *finish(): Generator<Line, void> {
    if (this.#count > 0) yield this.#take();
  }

  /** Behind the last sample from `start` on that goes on the line. */
  #end(samples: Samples, start: number): number {
    const end = Math.min(samples.count, start + this.#samplesMax - this.#count);
    if (samples.kind !== KIND.string && samples.kind !== KIND.histogram) return end;
    for (let i = start; i < end; i++) {
      this.#sizeBytes += weightBytes(samples, i);
      if (this.#sizeBytes >= EXPORT_LINE_BYTES) return i + 1;
    }
    return end;
  }

  #take(): Line {
    const line = this.#line;
    this.#line = [];
    this.#count = 0;
    this.#sizeBytes = 0;
    return line;
  }
}

/** What is exported says nothing about how it is stored. */
function* linesOf(chunks: readonly Samples[], lineSamplesMax: number): Generator<Line, void> {
  const cutter = new LineCutter(lineSamplesMax);
  for (const samples of chunks) yield* cutter.add(samples);
  yield* cutter.finish();
}

export class JsonLinesEncoder {
  readonly #form: JsonLinesForm;
  readonly #lineSamplesMax: number;
  #parts: string[] = [];
  #length = 0;

  /** At most EXPORT_LINE_SAMPLES_MAX samples a line, whatever is asked for. */
  constructor(form: JsonLinesForm, lineSamplesMax = EXPORT_LINE_SAMPLES_MAX) {
    this.#form = form;
    this.#lineSamplesMax = Math.min(lineSamplesMax, EXPORT_LINE_SAMPLES_MAX);
  }

  /** Adds a series; yields the chunks that are full. The series may be let go afterwards. */
  *add(series: SelectedSeries): Generator<Uint8Array, void> {
    const metric = metricObject(series.labels);
    const line = this.#form === 'exact' ? exactLine : plainLine;
    for (const one of linesOf(series.chunks, this.#lineSamplesMax)) {
      const text = line(metric, one);
      this.#parts.push(text);
      this.#length += text.length;
      if (this.#length >= EXPORT_CHUNK_BYTES) yield this.#flush();
    }
  }

  /** Yields what is left, if anything is. */
  *finish(): Generator<Uint8Array, void> {
    if (this.#length > 0) yield this.#flush();
  }

  #flush(): Uint8Array {
    const bytes = encoder.encode(this.#parts.join(''));
    this.#parts = [];
    this.#length = 0;
    return bytes;
  }
}
