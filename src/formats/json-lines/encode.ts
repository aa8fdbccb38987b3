// Export as JSON lines: VictoriaMetrics' form (milliseconds, numbers) and the exact form, which
// loses nothing. Layout of both, with an example: docs/protocols/json-lines.md.
//
// Text is collected across series and handed out in chunks of about EXPORT_CHUNK_BYTES, so that
// neither a million tiny series nor one huge series costs much memory. A line holds samples of one
// kind and at most EXPORT_LINE_SAMPLES_MAX of them.
import type { Samples } from '../../model/columns.ts';
import { KIND, KIND_NAMES } from '../../model/columns.ts';
import type { Histogram } from '../../model/histogram.ts';
import type { Labels } from '../../model/labels.ts';
import type { SelectedSeries } from '../../model/storage.ts';
import { EXPORT_CHUNK_BYTES, EXPORT_LINE_SAMPLES_MAX } from '../limits.ts';

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

function column(start: number, end: number, text: (i: number) => string): string {
  const parts: string[] = [];
  for (let i = start; i < end; i++) parts.push(text(i));
  return `[${parts.join(',')}]`;
}

/** null where the column has no value. */
function optional(values: Float64Array): (i: number) => string {
  return (i) => (Number.isNaN(values[i]!) ? 'null' : exactNumber(values[i]!));
}

function exactLine(metric: string, samples: Samples, start: number, end: number): string {
  const { tUs, subNs, startUs, position } = samples;
  const fields = [
    `{"metric":${metric}`,
    `"kind":"${KIND_NAMES[samples.kind]}"`,
    `"values":${column(start, end, (i) => exactValue(samples, i))}`,
    `"timestampsUs":${column(start, end, (i) => String(tUs[i]))}`,
  ];
  if (subNs !== undefined) fields.push(`"subNs":${column(start, end, (i) => String(subNs[i]))}`);
  if (startUs !== undefined) fields.push(`"startUs":${column(start, end, optional(startUs))}`);
  if (position !== undefined)
    fields.push(
      `"latitude":${column(start, end, optional(position.latitude))}`,
      `"longitude":${column(start, end, optional(position.longitude))}`,
      `"elevation":${column(start, end, optional(position.elevation))}`,
    );
  return `${fields.join(',')}}\n`;
}

function plainLine(metric: string, samples: Samples, start: number, end: number): string {
  // Strings and histograms have no place in this form; the exact one carries them.
  if (samples.kind === KIND.string || samples.kind === KIND.histogram) return '';
  const { values, tUs } = samples;
  const value = column(start, end, (i) => plainFloat(Number(values[i])));
  const time = column(start, end, (i) => String(Math.floor(tUs[i]! / 1000)));
  return `{"metric":${metric},"values":${value},"timestamps":${time}}\n`;
}

export class JsonLinesEncoder {
  readonly #form: JsonLinesForm;
  #parts: string[] = [];
  #length = 0;

  constructor(form: JsonLinesForm) {
    this.#form = form;
  }

  /** Adds a series; yields the chunks that are full. The series may be let go afterwards. */
  *add(series: SelectedSeries): Generator<Uint8Array, void> {
    const metric = metricObject(series.labels);
    const line = this.#form === 'exact' ? exactLine : plainLine;
    for (const samples of series.chunks)
      for (let start = 0; start < samples.count; start += EXPORT_LINE_SAMPLES_MAX) {
        const end = Math.min(samples.count, start + EXPORT_LINE_SAMPLES_MAX);
        const text = line(metric, samples, start, end);
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
