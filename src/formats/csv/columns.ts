// What the columns of a CSV body mean, in VictoriaMetrics' language: `COL:metric:NAME`,
// `COL:label:NAME`, `COL:time:FORMAT`, joined by commas; columns count from 1.
//
// Beyond that language: `time:unix_us`, and a label `__name__`, which names the metric of each row
// (there is one metric column then).
import { METRIC_NAME } from '../../model/labels.ts';
import { CSV_COLUMNS_MAX, SERIES_LABELS_MAX } from '../limits.ts';
import { timeReader } from './time-formats.ts';
import type { TimeReader } from './time-formats.ts';

export interface NamedColumn {
  /** From 0. */
  readonly index: number;
  readonly name: string;
}

export interface CsvColumns {
  /** Cells of a row that are looked at: up to the last named column. */
  readonly width: number;
  readonly labels: readonly NamedColumn[];
  readonly metrics: readonly NamedColumn[];
  readonly time: { readonly index: number; readonly read: TimeReader } | undefined;
}

const COLUMN = /^(\d+):(metric|label|time):([^]*)$/;

function byIndex(a: NamedColumn, b: NamedColumn): number {
  return a.index - b.index;
}

/** Why no rows can be read with these columns; undefined where they can. */
function problemOf({ metrics, labels }: Omit<CsvColumns, 'width'>): string | undefined {
  if (metrics.length === 0) return 'there is no metric column (COL:metric:NAME)';
  if (labels.length > SERIES_LABELS_MAX) return `more than ${SERIES_LABELS_MAX} label columns`;
  if (new Set(labels.map(({ name }) => name)).size < labels.length)
    return 'two columns are the same label';
  if (new Set(metrics.map(({ name }) => name)).size < metrics.length)
    return 'two columns are the same metric';
  if (labels.some(({ name }) => name === METRIC_NAME) && metrics.length > 1)
    return `a column for ${METRIC_NAME} names one metric, and there are ${metrics.length}`;
  return undefined;
}

/** The columns that `format` says; a reason where it cannot be. */
export function parseColumns(format: string): CsvColumns | string {
  const labels: NamedColumn[] = [];
  const metrics: NamedColumn[] = [];
  let time: CsvColumns['time'] = undefined;
  const taken = new Set<number>();
  for (const text of format.split(',')) {
    const match = COLUMN.exec(text.trim());
    const index = Number(match?.[1] ?? 0) - 1;
    if (match === null || index < 0)
      return `${JSON.stringify(text)} is not COL:metric:NAME, COL:label:NAME or COL:time:FORMAT`;
    if (index >= CSV_COLUMNS_MAX) return `column ${index + 1} is beyond ${CSV_COLUMNS_MAX}`;
    if (taken.has(index)) return `column ${index + 1} is named twice`;
    taken.add(index);
    const [, , kind, name = ''] = match;
    if (name === '') return `column ${index + 1} has no name`;
    if (kind === 'metric') metrics.push({ index, name });
    else if (kind === 'label') labels.push({ index, name });
    else {
      if (time !== undefined) return 'two columns are the time';
      const read = timeReader(name);
      if (typeof read === 'string') return read;
      time = { index, read };
    }
  }
  const columns = { labels: labels.toSorted(byIndex), metrics: metrics.toSorted(byIndex), time };
  return problemOf(columns) ?? { ...columns, width: Math.max(...taken) + 1 };
}

/** Equal for columns under which equal bytes of a row's labels and metric mean the same series. */
export function columnsKey({ labels }: CsvColumns): string {
  return JSON.stringify(labels.map(({ name }) => name));
}
