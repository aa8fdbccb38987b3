// Functions over histograms, native and classic: quantiles, fractions, and what can be read off a
// native one. Classic buckets are grouped by their labels without `le`; where a native histogram
// has the same labels at the same step neither is answered.
import { labelsKey, labelValue, METRIC_NAME, withLabel, withoutLabel } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Histogram } from '../../model/histogram.ts';
import {
  histogramFraction,
  histogramQuantile,
  histogramVariance,
} from '../../windows/histogram-quantile.ts';
import type { HistogramNote } from '../../windows/histogram-quantile.ts';
import type { StepGrid } from '../../windows/sliding.ts';
import type { Call, Expr, PosRange } from '../ast.ts';
import { parseNumber, quote } from '../text.ts';
import { withMetric } from './annotations.ts';
import { classicFraction, classicQuantile } from './classic-histograms.ts';
import type { ClassicBucket } from './classic-histograms.ts';
import {
  dropMetadataLabels,
  isEmptyColumn,
  mergeSameLabels,
  newColumn,
  setFloat,
} from './column.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { stringArg } from './label-functions.ts';
import { unwrap } from './prepare.ts';
import { SLOT_EMPTY, SLOT_FLOAT, SLOT_HISTOGRAM } from './result.ts';
import { goFloat } from './text.ts';
import { eachInTurns } from '../../stdx/turns.ts';

const READERS: ReadonlyMap<string, (h: Histogram) => number> = new Map([
  ['histogram_avg', (h: Histogram) => h.sum / h.count],
  ['histogram_count', (h: Histogram) => h.count],
  ['histogram_sum', (h: Histogram) => h.sum],
  ['histogram_stdvar', histogramVariance],
  ['histogram_stddev', (h: Histogram) => Math.sqrt(histogramVariance(h))],
]);

/** Is it one of the functions from a native histogram to a float? */
export function isHistogramReader(name: string): boolean {
  return READERS.has(name);
}

export async function readHistograms(
  ev: Evaluation,
  call: Call,
  columns: readonly Column[],
): Promise<Column[]> {
  const read = READERS.get(call.func)!;
  const out: Column[] = [];
  for (const column of columns) {
    const pause = ev.pause();
    if (pause !== undefined) await pause;
    if (column.histograms === undefined) continue;
    const result = outputColumn(ev, column.labels, column.present.length);
    for (let k = 0; k < column.present.length; k++)
      if (column.present[k] === SLOT_HISTOGRAM) setFloat(result, k, read(column.histograms[k]!));
    if (!isEmptyColumn(result)) out.push(result);
  }
  return await mergeSameLabels(ev, out);
}

function outputColumn(ev: Evaluation, labels: Labels, count: number): Column {
  ev.takeColumns(1, count);
  return newColumn(ev.delayedNameRemoval ? labels : dropMetadataLabels(labels), count, true);
}

/** A classic histogram: its bucket series with their bounds. */
interface ClassicGroup {
  readonly labels: Labels;
  readonly buckets: { readonly upper: number; readonly column: Column }[];
}

/** Classic and native histograms of the same labels. */
interface Namesakes {
  readonly group: ClassicGroup;
  readonly native: readonly Column[];
}

/** The input split by kind. */
class HistogramInput {
  readonly classic = new Map<string, ClassicGroup>();
  readonly native: Column[] = [];
  readonly #nativeByLabels = new Map<string, Column[]>();
  readonly #ev: Evaluation;
  readonly #pos: PosRange;

  private constructor(ev: Evaluation, pos: PosRange) {
    this.#ev = ev;
    this.#pos = pos;
  }

  static async of(
    ev: Evaluation,
    columns: readonly Column[],
    pos: PosRange,
  ): Promise<HistogramInput> {
    const input = new HistogramInput(ev, pos);
    await eachInTurns(ev, columns, (column) => {
      if (column.histograms !== undefined) input.#addNative(column);
      if (column.present.includes(SLOT_FLOAT)) input.#addBucket(column);
    });
    return input;
  }

  #addNative(column: Column): void {
    this.native.push(column);
    const key = labelsKey(column.labels);
    const known = this.#nativeByLabels.get(key);
    if (known === undefined) this.#nativeByLabels.set(key, [column]);
    else known.push(column);
  }

  #addBucket(column: Column): void {
    const text = labelValue(column.labels, 'le');
    const upper = text.startsWith('+') || text.startsWith('-') ? signed(text) : parseNumber(text);
    if (upper === undefined) {
      const message = `bucket label "le" is missing or has a malformed value of ${quote(text)}`;
      this.#ev.annotations.warning(withMetric(message, this.metricOf(column.labels)), this.#pos);
      return;
    }
    const labels = withoutLabel(column.labels, 'le');
    const key = labelsKey(labels);
    const group = this.classic.get(key);
    if (group === undefined) this.classic.set(key, { labels, buckets: [{ upper, column }] });
    else group.buckets.push({ upper, column });
  }

  /** The metric name for messages. */
  metricOf(labels: Labels): string {
    return labelValue(labels, METRIC_NAME);
  }

  bucketsAt(group: ClassicGroup, k: number): ClassicBucket[] {
    const out: ClassicBucket[] = [];
    for (const { upper, column } of group.buckets)
      if (column.present[k] === SLOT_FLOAT) out.push({ upper, count: column.values[k]! });
    return out;
  }

  /** Undefined where the labels have one kind alone. */
  namesakes(labels: Labels): Namesakes | undefined {
    const key = labelsKey(labels);
    const group = this.classic.get(key);
    const native = this.#nativeByLabels.get(key);
    return group === undefined || native === undefined ? undefined : { group, native };
  }

  /** Does a native histogram meet classic buckets of the same labels at the step? Warns if so. */
  isMixed(both: Namesakes | undefined, labels: Labels, k: number): boolean {
    if (both === undefined || this.bucketsAt(both.group, k).length === 0) return false;
    const isMixed = both.native.some((column) => column.present[k] === SLOT_HISTOGRAM);
    if (isMixed) {
      const message = 'vector contains a mix of classic and native histograms';
      this.#ev.annotations.warning(withMetric(message, this.metricOf(labels)), this.#pos);
    }
    return isMixed;
  }
}

function signed(text: string): number | undefined {
  const value = parseNumber(text.slice(1));
  if (value === undefined) return undefined;
  return text.startsWith('-') ? -value : value;
}

interface Readers {
  readonly native: (h: Histogram, k: number, metric: string) => number;
  readonly classic: (buckets: ClassicBucket[], k: number, metric: string) => number;
}

/** One result series for every histogram; `relabel` gives its labels. */
async function overHistograms(
  ev: Evaluation,
  input: HistogramInput,
  count: number,
  readers: Readers,
): Promise<Column[]> {
  const out: Column[] = [];
  for (const column of input.native) {
    const pause = ev.pause();
    if (pause !== undefined) await pause;
    const both = input.namesakes(column.labels);
    const result = outputColumn(ev, column.labels, count);
    const metric = input.metricOf(column.labels);
    for (let k = 0; k < count; k++) {
      if (column.present[k] !== SLOT_HISTOGRAM || input.isMixed(both, column.labels, k)) continue;
      setFloat(result, k, readers.native(column.histograms![k]!, k, metric));
    }
    out.push(result);
  }
  for (const group of input.classic.values()) {
    const pause = ev.pause();
    if (pause !== undefined) await pause;
    const both = input.namesakes(group.labels);
    const result = outputColumn(ev, group.labels, count);
    const metric = input.metricOf(group.labels);
    for (let k = 0; k < count; k++) {
      const buckets = input.bucketsAt(group, k);
      if (buckets.length === 0 || input.isMixed(both, group.labels, k)) continue;
      setFloat(result, k, readers.classic(buckets, k, metric));
    }
    out.push(result);
  }
  return out.filter((column) => !isEmptyColumn(column));
}

const NAN_NOTES: Readonly<Record<Parameters<HistogramNote>[0], string>> = {
  'nan-result': 'input to histogram_quantile has NaN observations, result is NaN',
  'nan-skew': 'input to histogram_quantile has NaN observations, result is skewed higher',
  'nan-fraction':
    'input to histogram_fraction has NaN observations, which are excluded from all fractions',
};

function noteInto(ev: Evaluation, metric: string, pos: PosRange): HistogramNote {
  return (code) => ev.annotations.info(withMetric(NAN_NOTES[code], metric), pos);
}

/** `isFirst`: samples that are looked at for several quantiles are counted with the first one. */
function quantileReaders(
  ev: Evaluation,
  q: Float64Array,
  pos: PosRange,
  grid: StepGrid,
  isFirst = true,
): Readers {
  return {
    native: (h, k, metric) => histogramQuantile(q[k]!, h, noteInto(ev, metric, pos)),
    classic: (buckets, k, metric) =>
      classicQuantile(q[k]!, buckets, (forced) => {
        const tUs = grid.startUs + k * grid.stepUs;
        ev.annotations.forcedMonotonicity(metric, pos, {
          ...forced,
          minUs: tUs,
          maxUs: tUs,
          count: isFirst ? 1 : 0,
        });
      }),
  };
}

function checkQuantiles(ev: Evaluation, q: Float64Array, arg: Expr): void {
  const seen = new Set<number>();
  for (const value of q) {
    if (seen.has(value)) continue;
    seen.add(value);
    if (Number.isNaN(value) || value < 0 || value > 1)
      ev.annotations.invalidQuantile(value, unwrap(arg).pos);
  }
}

export async function quantileFunction(
  ev: Evaluation,
  call: Call,
  grid: StepGrid,
): Promise<Column[]> {
  const [arg, vector] = call.args as [Expr, Expr];
  const q = await ev.scalar(arg, grid);
  const columns = await ev.vector(vector, grid);
  checkQuantiles(ev, q, arg);
  const { pos } = unwrap(vector);
  const input = await HistogramInput.of(ev, columns, pos);
  const readers = quantileReaders(ev, q, pos, grid);
  return await mergeSameLabels(ev, await overHistograms(ev, input, grid.count, readers));
}

/** histogram_quantiles: one series for every quantile, told apart by a label. */
export async function quantilesFunction(
  ev: Evaluation,
  call: Call,
  grid: StepGrid,
): Promise<Column[]> {
  const [vector, label, ...args] = call.args as [Expr, Expr, ...Expr[]];
  const columns = await ev.vector(vector, grid);
  const name = stringArg(label);
  const { pos } = unwrap(vector);
  const input = await HistogramInput.of(ev, columns, pos);
  const out: Column[] = [];
  for (const [i, arg] of args.entries()) {
    const q = await ev.scalar(arg, grid);
    checkQuantiles(ev, q, arg);
    const readers = quantileReaders(ev, q, pos, grid, i === 0);
    for (const column of await overHistograms(ev, input, grid.count, readers))
      for (const part of splitByQuantile(column, q, name)) out.push(part);
  }
  return await mergeSameLabels(ev, out);
}

/** A column for every distinct quantile among the steps. */
function splitByQuantile(column: Column, q: Float64Array, name: string): Column[] {
  const parts = new Map<string, Column>();
  for (let k = 0; k < q.length; k++) {
    if (column.present[k] === SLOT_EMPTY) continue;
    const text = openMetricsFloat(q[k]!);
    let part = parts.get(text);
    if (part === undefined) {
      const labels = withLabel(column.labels, name, text);
      part = newColumn(labels, q.length, column.dropName);
      parts.set(text, part);
    }
    setFloat(part, k, column.values[k]!);
  }
  return Array.from(parts.values());
}

/** A float that always shows that it is one: 1.0, 0.5, 1e-05. */
function openMetricsFloat(value: number): string {
  const text = goFloat(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

export async function fractionFunction(
  ev: Evaluation,
  call: Call,
  grid: StepGrid,
): Promise<Column[]> {
  const [lowerArg, upperArg, vector] = call.args as [Expr, Expr, Expr];
  const lower = await ev.scalar(lowerArg, grid);
  const upper = await ev.scalar(upperArg, grid);
  const columns = await ev.vector(vector, grid);
  const { pos } = unwrap(vector);
  const input = await HistogramInput.of(ev, columns, pos);
  const result = await overHistograms(ev, input, grid.count, {
    native: (h, k, metric) => histogramFraction(lower[k]!, upper[k]!, h, noteInto(ev, metric, pos)),
    classic: (buckets, k) => classicFraction(lower[k]!, upper[k]!, buckets),
  });
  return await mergeSameLabels(ev, result);
}
