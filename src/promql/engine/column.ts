// The value of an expression for all steps at once: a vector is a list of columns (one a series), a
// scalar one array. Columns are owned by whoever received them, and may be changed in place only by
// the operator that made them.
import type { Histogram } from '../../model/histogram.ts';
import { labelsKey } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { executionError } from './errors.ts';
import { SLOT_EMPTY, SLOT_FLOAT, SLOT_HISTOGRAM } from './result.ts';

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
export function haveOneMetric(columns: readonly Column[]): boolean {
  return columns.every(({ labels }) => haveSameMetadata(labels, columns[0]!.labels));
}

const SAME_LABELSET = 'vector cannot contain metrics with the same labelset';

/** Throws where two columns have the same labels. */
export function refuseSameLabels(columns: readonly Column[]): void {
  const seen = new Set<string>();
  for (const column of columns) seen.add(labelsKey(column.labels));
  if (seen.size !== columns.length) throw executionError(SAME_LABELSET);
}

/** Joins columns with the same labels; throws where two of them hold something at the same step. */
export function mergeSameLabels(columns: Column[]): Column[] {
  if (columns.length <= 1) return columns;
  const byKey = new Map<string, Column>();
  for (const column of columns) {
    const key = labelsKey(column.labels);
    const first = byKey.get(key);
    if (first === undefined) byKey.set(key, column);
    else
      for (let k = 0; k < column.present.length; k++) {
        if (column.present[k] === SLOT_EMPTY) continue;
        if (first.present[k] !== SLOT_EMPTY) throw executionError(SAME_LABELSET);
        copySlot(first, column, k);
      }
  }
  return byKey.size === columns.length ? columns : Array.from(byKey.values());
}

/** The values of a one-step evaluation, repeated for `count` steps. */
export function repeatValue(value: Value, count: number): Value {
  if (value.kind === 'string') return value;
  if (value.kind === 'scalar')
    return { kind: 'scalar', values: new Float64Array(count).fill(value.values[0]!) };
  return { kind: 'vector', columns: value.columns.map((column) => repeatColumn(column, count)) };
}

function repeatColumn(column: Column, count: number): Column {
  const out = newColumn(column.labels, count, column.dropName);
  out.present.fill(column.present[0]!);
  out.values.fill(column.values[0]!);
  const histogram = column.histograms?.[0];
  if (histogram !== undefined) out.histograms = Array.from({ length: count }, () => histogram);
  return out;
}
