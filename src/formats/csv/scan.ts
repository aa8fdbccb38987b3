// CSV → rows: one pass over the bytes; cells are read by rows.ts, what they mean is in columns.ts.
// A row gives a point for each metric column whose cell is not empty. A row is refused as a whole:
// too few cells, a value that is no number, a time that is none, a series over a limit. Rows around
// it are kept. Layout and deviations: docs/protocols/csv.md.
//
// The series of a row is asked for with its label cells, written one behind the other, and the name
// of the metric; a row with the labels of the one before asks for nothing.
import { parseDecimal } from '../../codec/decimal.ts';
import { decodeUtf8, decodeUtf8Lenient } from '../../codec/utf8.ts';
import { KIND } from '../../model/columns.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { BLOCK_POINTS, PointBlock } from '../../model/point-block.ts';
import type { RowDictionary, RowSink, ScanResult } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { KeyScratch } from '../otlp/key-scratch.ts';
import { LineCounter, quoteLine, ScanErrors } from '../scan-errors.ts';
import type { TimeRead } from './civil-time.ts';
import type { CsvColumns } from './columns.ts';
import { CsvRow, isBlank, skipBlankLines } from './rows.ts';

/**
 * `auto`: the first row is a header where its cells for metrics and time are words: none of them
 * reads as a number or a time, and not all are empty.
 */
export type HeaderMode = 'auto' | 'yes' | 'no';

export interface CsvOptions {
  readonly columns: CsvColumns;
  /** Time of all rows where no column is the time. */
  readonly defaultTimeUs: number;
  readonly header: HeaderMode;
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
/** `-infinity`. */
const WORD_BYTES_MAX = 9;
const WORD = /^([+-]?)(nan|inf|infinity)$/i;
/** In front of each label of a key: is it escaped, and its length. */
const KEY_PIECE_BYTES = 5;
const UNRESOLVED = -3;

const encoder = new TextEncoder();
/** Scans are synchronous and leave both empty, so one serves them all. */
const sharedBlock = new PointBlock();
const sharedScratch = new KeyScratch();

class CsvScanner {
  readonly #body: Uint8Array;
  readonly #view: DataView;
  readonly #columns: CsvColumns;
  readonly #defaultTimeUs: number;
  readonly #dictionary: RowDictionary;
  readonly #sink: RowSink;
  readonly #row: CsvRow;
  /** Per metric column. */
  readonly #names: readonly Uint8Array[];
  readonly #values: Float64Array;
  readonly #isGiven: Uint8Array;
  readonly #refs: Int32Array;
  /** Where the label cells of the last series stand. */
  readonly #labelStarts: Int32Array;
  readonly #labelEnds: Int32Array;
  /** The same bytes mean another text in quotes. */
  readonly #labelEscaped: Uint8Array;
  #keyStart = 0;
  #keyEnd = 0;
  readonly #time: TimeRead = { tUs: 0, subNs: 0 };
  /** Position of the reason that `#take` gave. */
  problemAt = 0;

  constructor(body: Uint8Array, options: CsvOptions, dictionary: RowDictionary, sink: RowSink) {
    const { columns, defaultTimeUs } = options;
    const metricCount = columns.metrics.length;
    this.#body = body;
    this.#view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    this.#columns = columns;
    this.#defaultTimeUs = defaultTimeUs;
    this.#dictionary = dictionary;
    this.#sink = sink;
    this.#row = new CsvRow(columns.width);
    this.#names = columns.metrics.map(({ name }) => encoder.encode(name));
    this.#values = new Float64Array(metricCount);
    this.#isGiven = new Uint8Array(metricCount);
    this.#refs = new Int32Array(metricCount).fill(UNRESOLVED);
    this.#labelStarts = new Int32Array(columns.labels.length);
    // No series yet: no cell ends before it starts.
    this.#labelEnds = new Int32Array(columns.labels.length).fill(-1);
    this.#labelEscaped = new Uint8Array(columns.labels.length);
  }

  get next(): number {
    return this.#row.next;
  }

  /** Reads the cells of the row at `start`; a reason or ''. */
  readCells(start: number, end: number): string {
    const row = this.#row;
    const problem = row.read(this.#body, start, end);
    this.problemAt = row.problemAt;
    if (problem !== '') return problem;
    const { width } = this.#columns;
    if (row.count >= width) return '';
    this.problemAt = row.next;
    return `the row has ${row.count} cells, and column ${width} is asked for`;
  }

  /** Puts the points of the row that was read into the block; how many, or a reason. */
  take(): number | string {
    const problem = this.#readTime() || this.#readValues();
    if (problem !== '') return problem;
    const { metrics } = this.#columns;
    let count = 0;
    for (let i = 0; i < metrics.length; i++) if (this.#isGiven[i] === 1) count++;
    if (count === 0) return 0;
    if (!this.#hasSameLabels()) this.#newLabels();
    for (let i = 0; i < metrics.length; i++) {
      if (this.#isGiven[i] === 0) continue;
      const reason = this.#refs[i]! >= 0 ? '' : this.#resolve(i);
      if (reason !== '') return reason;
    }
    for (let i = 0; i < metrics.length; i++) if (this.#isGiven[i] === 1) this.#point(i);
    return count;
  }

  #point(metric: number): void {
    const block = sharedBlock;
    const at = block.count++;
    block.refs[at] = this.#refs[metric]!;
    block.kinds[at] = KIND.f64;
    block.tUs[at] = this.#time.tUs;
    block.subNs[at] = this.#time.subNs;
    block.values[at] = this.#values[metric]!;
    if (block.count === BLOCK_POINTS) block.flush(this.#sink);
  }

  /** Where the text of a cell stands, without blanks around it: [start, end) in `#from`, `#to`. */
  #from = 0;
  #to = 0;
  #trim(index: number): void {
    const body = this.#body;
    let from = this.#row.starts[index]!;
    let to = this.#row.ends[index]!;
    while (from < to && isBlank(body[from]!)) from++;
    while (to > from && isBlank(body[to - 1]!)) to--;
    this.#from = from;
    this.#to = to;
  }

  #readTime(): string {
    const { time } = this.#columns;
    if (time === undefined) {
      this.#time.tUs = this.#defaultTimeUs;
      return '';
    }
    this.#trim(time.index);
    if (this.#to > this.#from && time.read(this.#body, this.#from, this.#to, this.#time)) return '';
    this.problemAt = this.#from;
    return `the time ${this.#quoted()} cannot be read`;
  }

  /** The cell that was trimmed last, for a message. */
  #quoted(): string {
    return JSON.stringify(quoteLine(this.#body, this.#from, this.#to));
  }

  #readValues(): string {
    const { metrics } = this.#columns;
    for (let i = 0; i < metrics.length; i++) {
      this.#trim(metrics[i]!.index);
      const [from, to] = [this.#from, this.#to];
      this.#isGiven[i] = from === to ? 0 : 1;
      if (from === to) continue;
      let value = parseDecimal(this.#body, from, to);
      if (value !== value) {
        const word = this.#word();
        if (word === undefined) {
          this.problemAt = from;
          return `the value ${this.#quoted()} of column ${metrics[i]!.index + 1} is no number`;
        }
        value = word;
      }
      this.#values[i] = value;
    }
    return '';
  }

  /** NaN and infinities in words; undefined where the trimmed cell is none. */
  #word(): number | undefined {
    if (this.#to - this.#from > WORD_BYTES_MAX) return undefined;
    const match = WORD.exec(decodeUtf8Lenient(this.#body, this.#from, this.#to));
    if (match === null) return undefined;
    if (match[2]!.toLowerCase() === 'nan') return Number.NaN;
    return match[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }

  /** Are the label cells those of the series that was asked for last? */
  #hasSameLabels(): boolean {
    const body = this.#body;
    const { labels } = this.#columns;
    if (this.#keyEnd === 0) return false;
    for (let i = 0; i < labels.length; i++) {
      if (this.#row.escaped[labels[i]!.index] !== this.#labelEscaped[i]) return false;
      const start = this.#row.starts[labels[i]!.index]!;
      const before = this.#labelStarts[i]!;
      const size = this.#row.ends[labels[i]!.index]! - start;
      if (this.#labelEnds[i]! - before !== size) return false;
      for (let at = 0; at < size; at++) if (body[start + at] !== body[before + at]) return false;
    }
    return true;
  }

  /** Writes the label cells of the row out as a key, with room for the metric's name. */
  #newLabels(): void {
    const row = this.#row;
    const { labels } = this.#columns;
    this.#refs.fill(UNRESOLVED);
    let sizeBytes = 1;
    for (const { index } of labels)
      sizeBytes += row.ends[index]! - row.starts[index]! + KEY_PIECE_BYTES;
    for (const name of this.#names) sizeBytes += name.length;
    sharedScratch.reserve(sizeBytes);
    this.#keyStart = sharedScratch.end;
    sharedScratch.u8(labels.length === 0 ? 0 : 1);
    for (const [i, { index }] of labels.entries()) {
      const [start, end] = [row.starts[index]!, row.ends[index]!];
      sharedScratch.u8(row.escaped[index]!);
      sharedScratch.piece(this.#body, this.#view, start, end);
      this.#labelStarts[i] = start;
      this.#labelEnds[i] = end;
      this.#labelEscaped[i] = row.escaped[index]!;
    }
    this.#keyEnd = sharedScratch.end;
    for (const name of this.#names) {
      sharedScratch.bytes.set(name, sharedScratch.end);
      sharedScratch.end += name.length;
    }
  }

  /** Finds the ref of the row's labels and a metric; a reason or ''. */
  #resolve(metric: number): string {
    const dictionary = this.#dictionary;
    let start2 = this.#keyEnd;
    for (let i = 0; i < metric; i++) start2 += this.#names[i]!.length;
    const end2 = start2 + this.#names[metric]!.length;
    const key = { bytes: sharedScratch.bytes, start: this.#keyStart, end: this.#keyEnd };
    let ref = dictionary.find(key.bytes, key.start, key.end, start2, end2);
    if (ref === ROW_UNKNOWN) {
      const pairs = this.#pairs(metric);
      if (typeof pairs === 'string') return pairs;
      ref = dictionary.add({ ...key, start2, end2 }, pairs, undefined);
    }
    if (ref !== REF_REFUSED) {
      this.#refs[metric] = ref;
      return '';
    }
    this.problemAt = this.#row.starts[this.#columns.metrics[metric]!.index]!;
    return dictionary.refusal();
  }

  #pairs(metric: number): string[] | string {
    const pairs = [METRIC_NAME, this.#columns.metrics[metric]!.name];
    for (const { index, name } of this.#columns.labels) {
      const [start, end] = [this.#row.starts[index]!, this.#row.ends[index]!];
      const text = decodeUtf8(this.#body, start, end);
      this.problemAt = start;
      if (text === undefined) return `the label '${name}' is not valid UTF-8`;
      const value = this.#row.escaped[index] === 1 ? text.replaceAll('""', '"') : text;
      // An empty cell says nothing, also of the metric's name.
      if (value !== '') pairs.push(name, value);
    }
    return pairs;
  }

  /** Is the row that was read a header? See HeaderMode. */
  looksLikeHeader(): boolean {
    const { time, metrics } = this.#columns;
    let wordCount = 0;
    const cells = time === undefined ? metrics : [time, ...metrics];
    for (const cell of cells) {
      this.#trim(cell.index);
      const [from, to] = [this.#from, this.#to];
      if (from === to) continue;
      if (this.#isData(cell, from, to)) return false;
      wordCount++;
    }
    return wordCount > 0;
  }

  #isData(cell: { readonly index: number }, from: number, to: number): boolean {
    if (cell === this.#columns.time)
      return this.#columns.time.read(this.#body, from, to, this.#time);
    const value = parseDecimal(this.#body, from, to);
    return value === value || this.#word() !== undefined;
  }
}

function skipByteOrderMark(body: Uint8Array, end: number): number {
  const has = end >= 3 && BYTE_ORDER_MARK.every((byte, i) => body[i] === byte);
  return has ? BYTE_ORDER_MARK.length : 0;
}

function isHeader(scanner: CsvScanner, mode: HeaderMode, problem: string): boolean {
  if (mode === 'auto') return problem === '' && scanner.looksLikeHeader();
  return mode === 'yes';
}

/** Scans `body` up to `end`. Never throws for what a client sent. */
export function scanCsv(
  body: Uint8Array,
  end: number,
  options: CsvOptions,
  dictionary: RowDictionary,
  sink: RowSink,
): ScanResult {
  const errors = new ScanErrors();
  const lines = new LineCounter(body);
  const scanner = new CsvScanner(body, options, dictionary, sink);
  let rowCount = 0;
  let pointCount = 0;
  let isFirst = true;
  try {
    let at = skipBlankLines(body, skipByteOrderMark(body, end), end);
    for (; at < end; at = skipBlankLines(body, scanner.next, end)) {
      const problem = scanner.readCells(at, end);
      const wasFirst = isFirst;
      isFirst = false;
      if (wasFirst && isHeader(scanner, options.header, problem)) continue;
      rowCount++;
      const taken = problem === '' ? scanner.take() : problem;
      if (typeof taken === 'number') pointCount += taken;
      else if (errors.wanted) {
        const line = lines.lineAt(at);
        errors.add(line, scanner.problemAt - at, taken);
      } else errors.addUndescribed();
    }
    sharedBlock.flush(sink);
  } finally {
    sharedBlock.count = 0;
    sharedScratch.reset();
  }
  return { rowCount, pointCount, errorCount: errors.count, errors: errors.list };
}
