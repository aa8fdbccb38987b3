// Where the rows of a file go: the path and parameters of its format, and what the columns of a CSV
// file mean once its header is known.
import { parseColumns } from '../../formats/csv/columns.ts';
import { CsvRow, skipBlankLines } from '../../formats/csv/rows.ts';
import type { HeaderMode } from '../../formats/csv/scan.ts';
import type { CheckOptions, ImportFormat } from './import-check.ts';
import { filled } from './import-files.ts';
import type { ImportFile } from './import-files.ts';
import type { ImportOptions } from './import-options.ts';
import { csvEnd, influxEnd, linesEnd, warp10End } from './import-rows.ts';
import type { RowsEnd } from './import-rows.ts';
import { UsageError } from './usage-error.ts';

const PATHS: Readonly<Record<ImportFormat, string>> = {
  influx: '/write',
  prometheus: '/api/v1/import/prometheus',
  jsonl: '/api/v1/import',
  csv: '/api/v1/import/csv',
  graphite: '/graphite/api/v1/sink',
  opentsdb: '/api/put',
  warp10: '/api/v0/update',
};

export const ROWS_END: Readonly<Record<ImportFormat, RowsEnd>> = {
  influx: influxEnd,
  prometheus: linesEnd,
  jsonl: linesEnd,
  csv: csvEnd,
  graphite: linesEnd,
  // Cut by points (import-opentsdb.ts).
  opentsdb: linesEnd,
  warp10: warp10End,
};

/** Formats whose path takes the time of rows without one. */
const TAKE_TIMESTAMP: readonly ImportFormat[] = ['csv', 'prometheus'];
const COLUMNS_SHOWN = 32;

/** What a body is sent with and checked by. */
export interface BodyTarget {
  readonly path: string;
  readonly check: CheckOptions;
}

export interface FileTarget {
  readonly format: ImportFormat;
  /** `bytes`: the body, of which the first one of a file shows the header. */
  bodyTarget(bytes: Uint8Array, isFirst: boolean): BodyTarget;
}

function labelPairs(options: ImportOptions, file: ImportFile): readonly string[] {
  const given = options.labels.map((label) => {
    const equals = label.indexOf('=');
    return `${label.slice(0, equals)}=${filled(label.slice(equals + 1), file)}`;
  });
  return [...Object.entries(file.labels).map(([name, value]) => `${name}=${value}`), ...given];
}

function pathOf(
  format: ImportFormat,
  options: ImportOptions,
  file: ImportFile,
  more: readonly (readonly [string, string])[],
): string {
  const params = new URLSearchParams(more.map(([name, value]) => [name, value]));
  for (const pair of labelPairs(options, file)) params.append('extra_label', pair);
  if (options.timestampMs !== undefined) params.set('timestamp', String(options.timestampMs));
  if (format === 'influx') {
    params.set('precision', options.precision);
    const [db, ...rp] = options.db?.split('/') ?? [];
    if (db !== undefined) params.set('db', db);
    if (rp.length > 0) params.set('rp', rp.join('/'));
  }
  const text = params.toString();
  return text === '' ? PATHS[format] : `${PATHS[format]}?${text}`;
}

// ---------------------------------------------------------------- CSV

const COLUMN = /^(.+?):(metric|label|time):([^]+)$/;

interface GivenColumn {
  /** A number, or a name of the header. */
  readonly column: string;
  readonly kind: string;
  readonly name: string;
}

function givenColumns(columns: string | undefined, file: ImportFile): readonly GivenColumn[] {
  if (columns === undefined)
    throw new UsageError(`'${file.path}' is CSV: --columns must say what its columns mean`);
  return columns.split(',').map((text) => {
    const match = COLUMN.exec(text.trim());
    if (match === null)
      throw new UsageError(`--columns "${text}": expected COLUMN:metric|label|time:NAME`);
    return { column: match[1]!, kind: match[2]!, name: filled(match[3]!, file) };
  });
}

/** Names of the header, which is the first row. */
function headerOf(bytes: Uint8Array): readonly string[] {
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const row = new CsvRow(bytes.length === 0 ? 0 : 65_536);
  const start = skipBlankLines(bytes, isMarked ? 3 : 0, bytes.length);
  if (start >= bytes.length || row.read(bytes, start, bytes.length) !== '') return [];
  const decoder = new TextDecoder();
  return Array.from({ length: Math.min(row.count, 65_536) }, (_, i) =>
    decoder.decode(bytes.subarray(row.starts[i], row.ends[i])).replaceAll('""', '"').trim(),
  );
}

/** The columns by their numbers, as the server wants them. */
function numbered(
  given: readonly GivenColumn[],
  header: readonly string[],
  file: ImportFile,
): string {
  return given
    .map(({ column, kind, name }) => {
      if (/^\d+$/.test(column)) return `${column}:${kind}:${name}`;
      const index = header.indexOf(column);
      if (index >= 0) return `${index + 1}:${kind}:${name}`;
      const known = header.slice(0, COLUMNS_SHOWN).join(', ');
      throw new UsageError(`'${file.path}' has no column "${column}"; its header is: ${known}`);
    })
    .join(',');
}

function csvTarget(options: ImportOptions, file: ImportFile): FileTarget {
  const given = givenColumns(options.columns, file);
  const isNamed = given.some(({ column }) => !/^\d+$/.test(column));
  if (isNamed && options.header === 'no')
    throw new UsageError('--columns names columns, so there is a header: not --header no');
  const first: HeaderMode = isNamed ? 'yes' : (options.header ?? 'auto');
  let header: readonly string[] = [];
  return {
    format: 'csv',
    bodyTarget: (bytes, isFirst) => {
      if (isFirst && isNamed) header = headerOf(bytes);
      const format = numbered(given, header, file);
      const columns = parseColumns(format);
      if (typeof columns === 'string') throw new UsageError(`--columns: ${columns}`);
      const mode = isFirst ? first : 'no';
      const parameter = { auto: 'auto', yes: '1', no: '0' }[mode];
      const path = pathOf('csv', options, file, [
        ['format', format],
        ['header', parameter],
      ]);
      const csv = { columns, header: mode };
      return { path, check: { format: 'csv', precision: 'ns', csv } };
    },
  };
}

// ---------------------------------------------------------------- all

export function fileTarget(
  format: ImportFormat,
  options: ImportOptions,
  file: ImportFile,
): FileTarget {
  if (options.timestampMs !== undefined && !TAKE_TIMESTAMP.includes(format))
    throw new UsageError(`--timestamp is for csv and prometheus, and '${file.path}' is ${format}`);
  if (format === 'csv') return csvTarget(options, file);
  const path = pathOf(format, options, file, []);
  const check = { format, precision: options.precision, csv: undefined };
  return { format, bodyTarget: () => ({ path, check }) };
}
