// The value of an expression for all steps at once: a vector is a list of columns (one a series), a
// scalar one array. What a column holds is changed by the operator that made it alone: the same
// values may be part of several columns.
import type { Histogram } from '../../model/histogram.ts';
import { labelsKey } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { StepColumns } from '../../windows/step-column.ts';
import { executionError } from './errors.ts';
import { SLOT_EMPTY, SLOT_FLOAT, SLOT_HISTOGRAM } from './result.ts';
import { eachInTurns, mapInTurns } from '../../stdx/turns.ts';
import type { Pausing } from '../../stdx/turns.ts';

export interface Column {
  labels: Labels;
  readonly present: Uint8Array;
  readonly values: Float64Array;
  histograms: (Histogram | undefined)[] | undefined;
  /** The metric name goes away at the end of the evaluation (delayed name removal). */
  dropName: boolean;
}

/** The series of one group of an aggregation. */
export interface ColumnGroup {
  readonly labels: readonly string[];
  readonly columns: Column[];
}

export interface ScalarValue {
  readonly kind: 'scalar';
  readonly values: Float64Array;
}

export interface VectorValue {
  readonly kind: 'vector';
  readonly columns: Column[];
}

export interface StringValue {
  readonly kind: 'string';
  readonly text: string;
}

export type Value = ScalarValue | VectorValue | StringValue;

export function newColumn(labels: Labels, count: number, dropName: boolean): Column {
  return {
    labels,
    present: new Uint8Array(count),
    values: new Float64Array(count),
    histograms: undefined,
    dropName,
  };
}

/** New columns of one vector, one after the other, in buffers that several share. */
export class NewColumns {
  readonly #columns: StepColumns;

  constructor(count: number) {
    this.#columns = new StepColumns(count);
  }

  next(labels: Labels, dropName: boolean): Column {
    const { present, values } = this.#columns.next();
    return { labels, present, values, histograms: undefined, dropName };
  }
}

export function setFloat(column: Column, k: number, value: number): void {
  column.present[k] = SLOT_FLOAT;
  column.values[k] = value;
}

export function setHistogram(column: Column, k: number, value: Histogram): void {
  column.histograms ??= Array.from<Histogram | undefined>({ length: column.present.length });
  column.present[k] = SLOT_HISTOGRAM;
  column.histograms[k] = value;
}

export function copySlot(to: Column, from: Column, k: number): void {
  if (from.present[k] === SLOT_FLOAT) setFloat(to, k, from.values[k]!);
  else if (from.present[k] === SLOT_HISTOGRAM) setHistogram(to, k, from.histograms![k]!);
}

export function isEmptyColumn(column: Column): boolean {
  const { present } = column;
  for (let k = 0; k < present.length; k++) if (present[k] !== SLOT_EMPTY) return false;
  return true;
}

/** The labels that describe the metric itself and go away when its values change meaning. */
export function isMetadataLabel(name: string): boolean {
  return name === '__name__' || name === '__type__' || name === '__unit__';
}

export function dropMetadataLabels(labels: Labels): Labels {
  const first = nextMetadata(labels, 0);
  if (first === labels.length) return labels;
  // Mostly it is the name alone, and comes first.
  if (first === 0 && nextMetadata(labels, 2) === labels.length) return labels.slice(2);
  return labels.filter((_, i) => !isMetadataLabel(labels[i & ~1]!));
}

/** First place from `from` on with such a label; only names with capitals can come before. */
function nextMetadata(labels: Labels, from: number): number {
  let i = from;
  while (i < labels.length && labels[i]! <= '__unit__' && !isMetadataLabel(labels[i]!)) i += 2;
  return i < labels.length && labels[i]! <= '__unit__' ? i : labels.length;
}

function haveSameMetadata(a: Labels, b: Labels): boolean {
  let [i, j] = [nextMetadata(a, 0), nextMetadata(b, 0)];
  while (i < a.length && j < b.length) {
    if (a[i] !== b[j] || a[i + 1] !== b[j + 1]) return false;
    i = nextMetadata(a, i + 2);
    j = nextMetadata(b, j + 2);
  }
  return i >= a.length && j >= b.length;
}

/** Do all have the same labels of that kind? Then series that differ do so without them too. */
export async function haveOneMetric(on: Pausing, columns: readonly Column[]): Promise<boolean> {
  let isOne = true;
  await eachInTurns(on, columns, ({ labels }) => {
    isOne &&= haveSameMetadata(labels, columns[0]!.labels);
  });
  return isOne;
}

const SAME_LABELSET = 'vector cannot contain metrics with the same labelset';

/** Throws where two columns have the same labels. */
export async function refuseSameLabels(on: Pausing, columns: readonly Column[]): Promise<void> {
  const seen = new Set<string>();
  await eachInTurns(on, columns, ({ labels }) => void seen.add(labelsKey(labels)));
  if (seen.size !== columns.length) throw executionError(SAME_LABELSET);
}

/** Joins columns with the same labels; throws where two of them hold something at the same step. */
export async function mergeSameLabels(on: Pausing, columns: Column[]): Promise<Column[]> {
  if (columns.length <= 1) return columns;
  const byKey = new Map<string, Column>();
  const merged = new Set<Column>();
  await eachInTurns(on, columns, (column) => {
    const key = labelsKey(column.labels);
    const first = byKey.get(key);
    if (first === undefined) {
      byKey.set(key, column);
      return;
    }
    const own = merged.has(first) ? first : copyOfColumn(first);
    merged.add(own);
    byKey.set(key, own);
    for (let k = 0; k < column.present.length; k++) {
      if (column.present[k] === SLOT_EMPTY) continue;
      if (own.present[k] !== SLOT_EMPTY) throw executionError(SAME_LABELSET);
      copySlot(own, column, k);
    }
  });
  return byKey.size === columns.length ? columns : Array.from(byKey.values());
}

function copyOfColumn(column: Column): Column {
  return {
    ...column,
    present: column.present.slice(),
    values: column.values.slice(),
    histograms: column.histograms?.slice(),
  };
}

/** The values of a one-step evaluation, repeated for `count` steps. */
export async function repeatValue(on: Pausing, value: Value, count: number): Promise<Value> {
  if (value.kind === 'string') return value;
  if (value.kind === 'scalar')
    return { kind: 'scalar', values: new Float64Array(count).fill(value.values[0]!) };
  const made = new NewColumns(count);
  const columns = await mapInTurns(on, value.columns, (column) =>
    repeatColumn(column, made.next(column.labels, column.dropName)),
  );
  return { kind: 'vector', columns };
}

function repeatColumn(column: Column, out: Column): Column {
  out.present.fill(column.present[0]!);
  out.values.fill(column.values[0]!);
  const histogram = column.histograms?.[0];
  if (histogram !== undefined) out.histograms = Array.from(out.present, () => histogram);
  return out;
}
