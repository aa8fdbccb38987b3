// A PromQL result as the JSON of the Prometheus HTTP API, in pieces: the answer to a large range
// query is never in memory as one text, and the encoder lets other work proceed every few
// milliseconds. Source: https://prometheus.io/docs/prometheus/latest/querying/api/ ("Expression query result formats").
import type { Labels } from '../model/labels.ts';
import type { EvalResult, EvalSeries } from '../promql/engine/result.ts';
import { SLOT_EMPTY, SLOT_FLOAT, SLOT_HISTOGRAM } from '../promql/engine/result.ts';
import { assert, must } from '../stdx/assert.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { histogramJson } from './histogram-json.ts';
import {
  ANNOTATIONS_MAX,
  COPIED_BYTES_MAX,
  JSON_PIECE_BYTES,
  JSON_PIECE_LENGTH,
  JSON_SLICE_MS,
  PRINTED_SLOTS_MAX,
  QUERY_STEPS_MAX,
} from './limits.ts';
import { canPrint, printSlots, StepTexts } from './number-kernel.ts';
import { floatText, timeText } from './number-text.ts';
import type { SeriesWithTexts } from './slot-texts.ts';

export const TRUNCATED = 'results truncated due to limit';

/** Seconds and counts, as the API names them. */
export interface QueryStats {
  readonly timings: Readonly<Record<string, number>>;
  readonly samples: Readonly<Record<string, number | readonly (readonly [number, number])[]>>;
}

export interface PrometheusJsonOptions {
  /** Series in the answer; 0 = all. What is cut off is said in a warning. */
  readonly seriesMax: number;
  /** Part of the answer where they are given. */
  readonly stats?: QueryStats | undefined;
  /** Said after those of the result. */
  readonly warnings?: readonly string[];
}

/** `,"warnings":[…],"infos":[…]` of an answer; what is above the bound is counted. */
export function annotationsJson(warnings: readonly string[], infos: readonly string[]): string {
  let text = '';
  for (const [kind, list] of [
    ['warning', warnings],
    ['info', infos],
  ] as const) {
    if (list.length === 0) continue;
    const shown = list.slice(0, ANNOTATIONS_MAX);
    const rest = list.length - shown.length;
    if (rest > 0) shown.push(`${rest} more ${kind} annotations omitted`);
    text += `,"${kind}s":${JSON.stringify(shown)}`;
  }
  return text;
}

/** `{"name":"value",…}` */
export function labelsJson(labels: Labels): string {
  return new LabelsPrinter().json(labels);
}

/** A text as JSON; most are as they stand. Well-formed Unicode, as labels are. */
function textJson(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c) return JSON.stringify(text);
  }
  return `"${text}"`;
}

/** Prints labels of one series after the other: most pairs of one are those of the one before. */
class LabelsPrinter {
  #labels: Labels = [];
  /** `"name":"value"` by place. */
  readonly #pairs: string[] = [];

  json(labels: Labels): string {
    const before = this.#labels;
    const pairs = this.#pairs;
    let text = '{';
    for (let i = 0; i < labels.length; i += 2) {
      const name = labels[i]!;
      const value = labels[i + 1]!;
      if (name !== before[i] || value !== before[i + 1])
        pairs[i >>> 1] = `${textJson(name)}:${textJson(value)}`;
      text += i === 0 ? pairs[0]! : `,${pairs[i >>> 1]!}`;
    }
    this.#labels = labels;
    return `${text}}`;
  }
}

/** The whole answer, `{"status":"success",…}`, in pieces of roughly JSON_PIECE_LENGTH. */
export function* prometheusJson(
  result: EvalResult,
  options: PrometheusJsonOptions,
): Generator<string | Uint8Array> {
  yield `{"status":"success","data":{"resultType":"${result.type}","result":`;
  const isCut = options.seriesMax > 0 && result.series.length > options.seriesMax;
  const series = isCut ? result.series.slice(0, options.seriesMax) : result.series;
  switch (result.type) {
    case 'scalar': {
      const value = must(result.series[0], 'a scalar has one series').values[0]!;
      yield `[${timeText(result.startUs)},"${floatText(value)}"]`;
      break;
    }
    case 'string':
      yield `[${timeText(result.startUs)},${JSON.stringify(result.string)}]`;
      break;
    case 'vector':
      yield* vectorJson(series, timeText(result.startUs));
      break;
    case 'matrix':
      yield* matrixJson(series, stepTexts(result, series));
      break;
  }
  if (options.stats !== undefined) yield `,"stats":${JSON.stringify(options.stats)}`;
  const messages = (level: 'info' | 'warning') =>
    result.annotations.filter((a) => a.level === level).map((a) => a.message);
  const warnings = [
    ...messages('warning'),
    ...(isCut ? [TRUNCATED] : []),
    ...(options.warnings ?? []),
  ];
  yield `}${annotationsJson(warnings, messages('info'))}}`;
}

function* vectorJson(series: readonly EvalSeries[], time: string): Generator<string> {
  let piece = '[';
  const printer = new LabelsPrinter();
  for (const [i, one] of series.entries()) {
    if (i > 0) piece += ',';
    piece += `{"metric":${printer.json(one.labels)},`;
    if (one.present[0] === SLOT_HISTOGRAM)
      piece += `"histogram":[${time},${histogramJson(histogramAt(one, 0))}]}`;
    else piece += `"value":[${time},"${floatText(one.values[0]!)}"]}`;
    if (piece.length >= JSON_PIECE_LENGTH) {
      yield piece;
      piece = '';
    }
  }
  yield `${piece}]`;
}

function histogramAt(series: EvalSeries, slot: number) {
  return must(series.histograms?.[slot], 'a slot that says histogram holds one');
}

/**
 * The texts of the steps of the last range: the panels of a dashboard ask for the same steps, and
 * those of one series cost more than its values.
 */
let lastSteps: { readonly startUs: number; readonly stepUs: number; readonly texts: StepTexts } = {
  startUs: 0,
  stepUs: 0,
  texts: new StepTexts(0, timeText),
};

/** The text of a step's time is made once, whatever the number of series. */
function stepTexts({ startUs, stepUs }: EvalResult, series: readonly EvalSeries[]): StepTexts {
  const count = series.reduce((most, { present }) => Math.max(most, present.length), 0);
  const isKnown = lastSteps.startUs === startUs && lastSteps.stepUs === stepUs;
  if (isKnown && lastSteps.texts.count >= count) return lastSteps.texts;
  const texts = new StepTexts(count, (slot) => timeText(startUs + slot * stepUs));
  if (count <= QUERY_STEPS_MAX) lastSteps = { startUs, stepUs, texts };
  return texts;
}

function* matrixJson(
  series: readonly EvalSeries[],
  steps: StepTexts,
): Generator<string | Uint8Array> {
  let piece = '[';
  const printed = new PieceBytes();
  const printer = new LabelsPrinter();
  for (const [i, one] of series.entries()) {
    if (i > 0) piece += ',';
    piece += `{"metric":${printer.json(one.labels)}`;
    const { texts } = one as Partial<SeriesWithTexts>;
    if (texts !== undefined) {
      yield* printed.rest();
      yield `${piece},"values":[`;
      yield texts.bytes(one, steps);
      piece = ']}';
    } else if (isPrintable(one, steps)) {
      yield* printed.text(`${piece},"values":[`);
      yield* printed.slots(one, steps);
      piece = ']}';
    } else {
      yield* printed.rest();
      piece = yield* slotsJson(one, steps, piece);
    }
  }
  yield* printed.rest();
  yield `${piece}]`;
}

/** Floats alone, one at least, at the times of the steps. */
function isPrintable({ present, histograms, tUs }: EvalSeries, steps: StepTexts): boolean {
  const atSteps = tUs === null || tUs === undefined;
  return atSteps && histograms === undefined && present.includes(SLOT_FLOAT) && canPrint(steps);
}

/** Bytes of many series in pieces of about JSON_PIECE_BYTES. */
class PieceBytes {
  #bytes: Buffer | undefined = undefined;
  #size = 0;

  *text(text: string): Generator<Uint8Array> {
    // A character is at most three bytes.
    yield* this.#need(text.length * 3);
    this.#size += this.#bytes!.write(text, this.#size);
  }

  /** All slots with commas between. */
  *slots({ present, values }: EvalSeries, steps: StepTexts): Generator<Uint8Array> {
    for (let from = 0; from < present.length; from += PRINTED_SLOTS_MAX) {
      // Between two pieces another answer may have printed its own times.
      assert(canPrint(steps), 'the kernel has printed slots of these steps before');
      const to = Math.min(present.length, from + PRINTED_SLOTS_MAX);
      const bytes = printSlots({ present, values, from, to });
      const full = this.#full(bytes.length);
      this.#bytes!.set(bytes, this.#size);
      this.#size += bytes.length;
      if (full !== undefined) yield full;
    }
    // The last comma; at least one slot was printed.
    this.#size--;
  }

  *rest(): Generator<Uint8Array> {
    if (this.#size > 0) yield this.#bytes!.subarray(0, this.#size);
    this.#bytes = undefined;
    this.#size = 0;
  }

  *#need(size: number): Generator<Uint8Array> {
    const full = this.#full(size);
    if (full !== undefined) yield full;
  }

  /** Makes room; what was gathered where it has to go first. */
  #full(size: number): Uint8Array | undefined {
    if (this.#bytes !== undefined && this.#size + size <= this.#bytes.length) return undefined;
    const full = this.#size > 0 ? this.#bytes!.subarray(0, this.#size) : undefined;
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(size, JSON_PIECE_BYTES));
    this.#size = 0;
    return full;
  }
}

/** Slot by slot, histograms behind floats; answers what is not yet given out. */
function* slotsJson(
  one: EvalSeries,
  steps: StepTexts,
  before: string,
): Generator<string, string, void> {
  const { tUs } = one;
  const time =
    tUs === null || tUs === undefined
      ? (slot: number) => steps.at(slot)
      : (slot: number) => timeText(tUs[slot]!);
  let piece = before;
  for (const kind of [SLOT_FLOAT, SLOT_HISTOGRAM]) {
    let separator = kind === SLOT_FLOAT ? ',"values":[' : ',"histograms":[';
    for (let slot = 0; slot < one.present.length; slot++) {
      if (one.present[slot] !== kind || kind === SLOT_EMPTY) continue;
      piece +=
        kind === SLOT_FLOAT
          ? `${separator}[${time(slot)},"${floatText(one.values[slot]!)}"]`
          : `${separator}[${time(slot)},${histogramJson(histogramAt(one, slot))}]`;
      separator = ',';
      if (piece.length >= JSON_PIECE_LENGTH) {
        yield piece;
        piece = '';
      }
    }
    if (separator === ',') piece += ']';
  }
  return `${piece}}`;
}

/** Pieces of a synchronous encoder, with a turn of the event loop whenever a slice is used up. */
export async function* inSlices(
  pieces: Iterable<string | Uint8Array>,
  turns: { readonly clock: Clock; readonly scheduler: Scheduler },
): AsyncGenerator<string | Uint8Array> {
  let startedMs = turns.clock.monotonicMs();
  const gathered = new Gathered();
  for (const piece of pieces) {
    // To copy what is large already costs more than to write it apart.
    const isApart = typeof piece !== 'string' && piece.length >= COPIED_BYTES_MAX;
    if (!isApart) gathered.add(piece);
    const isFull = gathered.size >= JSON_PIECE_LENGTH;
    if (gathered.size > 0 && (isApart || isFull)) yield gathered.take();
    if (isApart) yield piece;
    if (typeof piece === 'string' && !isFull) continue;
    if (turns.clock.monotonicMs() - startedMs < JSON_SLICE_MS) continue;
    await turns.scheduler.yieldTurn();
    startedMs = turns.clock.monotonicMs();
  }
  if (gathered.size > 0) yield gathered.take();
}

/** Small pieces on their way to be one. */
class Gathered {
  #text = '';
  #parts: Uint8Array[] = [];
  /** Bytes and characters. */
  size = 0;

  add(piece: string | Uint8Array): void {
    this.size += piece.length;
    if (typeof piece === 'string') this.#text += piece;
    else {
      this.#endText();
      this.#parts.push(piece);
    }
  }

  #endText(): void {
    if (this.#text !== '') this.#parts.push(Buffer.from(this.#text));
    this.#text = '';
  }

  take(): string | Uint8Array {
    this.size = 0;
    const text = this.#text;
    if (this.#parts.length > 0) this.#endText();
    this.#text = '';
    const parts = this.#parts;
    this.#parts = [];
    return parts.length === 0 ? text : Buffer.concat(parts);
  }
}
