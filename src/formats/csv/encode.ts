// Export as CSV, in VictoriaMetrics' language: a row per sample, its cells as `format` lists them:
// `__name__`, `__value__`, `__timestamp__[:FORMAT]`, and names of labels. Layout:
// docs/protocols/csv.md. Text is collected across series and handed out in chunks, as in
// json-lines/encode.ts.
//
// A cell is quoted where it has a comma, a quotation mark, a line break, or blanks at an end.
import type { Samples } from '../../model/columns.ts';
import { KIND } from '../../model/columns.ts';
import { labelValue } from '../../model/labels.ts';
import type { SelectedSeries } from '../../model/storage.ts';
import { CSV_COLUMNS_MAX, EXPORT_CHUNK_BYTES } from '../limits.ts';
import { timeText } from './time-text.ts';
import type { TimeText } from './time-text.ts';

/** What stands in a cell: a label, the value, or the time. */
type Cell =
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'value' }
  | { readonly kind: 'time'; readonly text: TimeText };

export type CsvCells = readonly Cell[];

const VALUE = '__value__';
const TIME = '__timestamp__';
const NEEDS_QUOTES = /[",\r\n]|^[ \t]|[ \t]$/;

/** The cells that `format` lists; a reason where it cannot be. */
export function parseCells(format: string): CsvCells | string {
  const cells: Cell[] = [];
  for (const name of format.split(',')) {
    if (name === '') return 'format must list columns, as in __name__,__value__,__timestamp__';
    if (name === VALUE) cells.push({ kind: 'value' });
    else if (name === TIME || name.startsWith(`${TIME}:`)) {
      const text = timeText(name.slice(TIME.length + 1) || 'unix_ms');
      if (typeof text === 'string') return text;
      cells.push({ kind: 'time', text });
    } else cells.push({ kind: 'label', name });
    if (cells.length > CSV_COLUMNS_MAX) return `more than ${CSV_COLUMNS_MAX} columns`;
  }
  return cells;
}

function csvCell(text: string): string {
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function floatText(value: number): string {
  if (value - value === 0) return Object.is(value, -0) ? '-0' : String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

function valueText(samples: Samples, i: number): string {
  switch (samples.kind) {
    case KIND.f64:
      return floatText(samples.values[i]!);
    case KIND.i64:
    case KIND.u64:
      return String(samples.values[i]);
    case KIND.boolean:
      return samples.values[i] === 0 ? '0' : '1';
    case KIND.string:
      return csvCell(samples.values[i]!);
    case KIND.histogram:
      // Not asked for: it has no text of one cell.
      return '';
  }
}

export class CsvEncoder {
  readonly #cells: CsvCells;
  readonly #encoder = new TextEncoder();
  #parts: string[] = [];
  #length = 0;

  constructor(cells: CsvCells) {
    this.#cells = cells;
  }

  /** Adds a series; yields the chunks that are full. The series may be let go afterwards. */
  *add(series: SelectedSeries): Generator<Uint8Array, void> {
    const fixed = this.#cells.map((cell) =>
      cell.kind === 'label' ? csvCell(labelValue(series.labels, cell.name)) : '',
    );
    for (const samples of series.chunks) {
      if (samples.kind === KIND.histogram) continue;
      for (let i = 0; i < samples.count; i++) {
        const row = this.#row(samples, i, fixed);
        this.#parts.push(row);
        this.#length += row.length;
        if (this.#length >= EXPORT_CHUNK_BYTES) yield this.#flush();
      }
    }
  }

  #row(samples: Samples, i: number, fixed: readonly string[]): string {
    let text = '';
    for (let at = 0; at < fixed.length; at++) {
      const cell = this.#cells[at]!;
      if (at > 0) text += ',';
      if (cell.kind === 'label') text += fixed[at]!;
      else if (cell.kind === 'value') text += valueText(samples, i);
      else text += cell.text(samples.tUs[i]!, samples.subNs?.[i] ?? 0);
    }
    return `${text}\n`;
  }

  /** Yields what is left, if anything is. */
  *finish(): Generator<Uint8Array, void> {
    if (this.#length > 0) yield this.#flush();
  }

  #flush(): Uint8Array {
    const bytes = this.#encoder.encode(this.#parts.join(''));
    this.#parts = [];
    this.#length = 0;
    return bytes;
  }
}
