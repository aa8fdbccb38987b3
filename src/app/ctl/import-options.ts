// The command line of `orrery import`.
import { parseArgs } from 'node:util';
import { errorMessage } from '../../stdx/assert.ts';
import type { InfluxPrecision } from '../../formats/influx/line-protocol.ts';
import type { HeaderMode } from '../../formats/csv/scan.ts';
import type { ImportFormat } from './import-check.ts';
import { baseUrl, requestHeaders, TOKEN_FLAGS_HELP, TOKEN_OPTIONS } from './credentials.ts';
import type { Terminal } from './terminal.ts';
import { durationMs, seconds } from './times.ts';
import { UsageError } from './usage-error.ts';

export const IMPORT_HELP = `Usage: orrery import [FLAGS] FILE|FOLDER|- …

Sends files to a running server: the files of folders too, in the order of their names, unpacked
where they are gzip or Zstandard; "-" is the standard input. Rows that are refused are shown with
file, line and reason, all others are kept. Run it again after anything went wrong: rows with times
are the same points again.

  --format FORMAT     influx, prometheus, jsonl, csv, graphite, opentsdb, warp10 or auto [auto]
  --url URL           server [http://127.0.0.1:4332, or ORRERY_URL]
  --tenant NAME       tenant [default]
${TOKEN_FLAGS_HELP}  --label NAME=VALUE  a label of every series; may be repeated; VALUE may have {fields}
  --sidecar FILE      JSON that describes the files: {"series": [{"file": …, "labels": {…}}, …]};
                      other texts of a file's entry are its {fields}
  --file-pattern RE   expression over the file's name; its named groups are {fields}
  --columns LIST      CSV: COLUMN:metric:NAME, COLUMN:label:NAME, COLUMN:time:FORMAT, with commas
                      between; COLUMN is a number from 1 or the name in the header; FORMAT is
                      unix_s, unix_ms, unix_us, unix_ns, rfc3339 or custom:LAYOUT
  --header MODE       CSV: yes, no or auto [auto; yes where columns are named]
  --precision UNIT    influx: ns, us, ms, s, m or h [ns]
  --db NAME[/RP]      influx: labels db and rp
  --timestamp TIME    csv, prometheus: time of rows without one
  --arrival-time      take rows without a time at the time when they arrive: then a second run
                      adds them once more
  --parallel N        requests at a time [4]
  --body-size MIB     size of requests [4]
  --retry-for DUR     how long a request is tried while the server is away or busy [5m]
  --refused N         refused rows to show [20]
  --json              one JSON object for scripts; no progress

Examples:
  orrery import metrics.prom
  zcat dump.lp.gz | orrery import --format influx --db home -
  orrery import --columns "time:time:rfc3339,temp:metric:room_celsius" --label room=attic t.csv
  orrery import --columns "1:time:unix_s,2:metric:load1" --file-pattern "(?<host>\\w+)\\.csv" \\
    --label "host={host}" ./hosts

Exit codes: 0 all rows are in; 1 the server, a file or the disk does not allow it; 2 command line;
3 rows were refused, or the server refused all of it.
`;

const OPTIONS = {
  format: { type: 'string', default: 'auto' },
  url: { type: 'string' },
  tenant: { type: 'string' },
  ...TOKEN_OPTIONS,
  label: { type: 'string', multiple: true },
  sidecar: { type: 'string' },
  'file-pattern': { type: 'string' },
  columns: { type: 'string' },
  header: { type: 'string' },
  precision: { type: 'string', default: 'ns' },
  db: { type: 'string' },
  timestamp: { type: 'string' },
  'arrival-time': { type: 'boolean', default: false },
  parallel: { type: 'string', default: '4' },
  'body-size': { type: 'string', default: '4' },
  'retry-for': { type: 'string', default: '5m' },
  refused: { type: 'string', default: '20' },
  json: { type: 'boolean', default: false },
} as const;

const FORMATS = ['influx', 'prometheus', 'jsonl', 'csv', 'graphite', 'opentsdb', 'warp10'] as const;
const PRECISIONS = ['ns', 'us', 'ms', 's', 'm', 'h'] as const;
const HEADERS = ['auto', 'yes', 'no'] as const;
const PARALLEL_MAX = 64;
const BODY_MIB_MAX = 60;
const MIB = 1024 * 1024;

export interface ImportOptions {
  readonly given: readonly string[];
  readonly format: ImportFormat | undefined;
  readonly base: string;
  /** Of every request: tenant and token. */
  readonly headers: Readonly<Record<string, string>>;
  /** NAME=VALUE, with {fields}. */
  readonly labels: readonly string[];
  readonly sidecar: string | undefined;
  readonly pattern: RegExp | undefined;
  readonly columns: string | undefined;
  readonly header: HeaderMode | undefined;
  readonly precision: InfluxPrecision;
  readonly db: string | undefined;
  /** Milliseconds: of rows without a time. */
  readonly timestampMs: number | undefined;
  readonly takesArrivalTime: boolean;
  readonly parallel: number;
  readonly bodyBytes: number;
  readonly patienceMs: number;
  readonly refusedShown: number;
  readonly isJson: boolean;
}

function oneOf<T extends string>(flag: string, text: string, known: readonly T[]): T {
  const found = known.find((one) => one === text);
  if (found === undefined)
    throw new UsageError(`${flag} "${text}": expected one of ${known.join(', ')}`);
  return found;
}

function whole(flag: string, text: string, [min, max]: readonly [number, number]): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= min && number <= max))
    throw new UsageError(`${flag} "${text}": expected a whole number from ${min} to ${max}`);
  return number;
}

function patternOf(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text, 'v');
  } catch (error) {
    throw new UsageError(`--file-pattern: ${errorMessage(error)}`, { cause: error });
  }
}

export function importOptions(args: readonly string[], terminal: Terminal): ImportOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  });
  if (positionals.length === 0)
    throw new UsageError('expected files, folders or "-" for the standard input');
  const labels = values.label ?? [];
  for (const label of labels)
    if (label.indexOf('=') <= 0) throw new UsageError(`--label "${label}": expected NAME=VALUE`);
  const { timestamp } = values;
  const format = values.format === 'auto' ? undefined : oneOf('--format', values.format, FORMATS);
  return {
    given: positionals,
    format,
    base: baseUrl(values.url, terminal),
    headers: requestHeaders(values, terminal),
    labels,
    sidecar: values.sidecar,
    pattern: patternOf(values['file-pattern']),
    columns: values.columns,
    header: values.header === undefined ? undefined : oneOf('--header', values.header, HEADERS),
    precision: oneOf('--precision', values.precision, PRECISIONS),
    db: values.db,
    timestampMs: timestamp === undefined ? undefined : Math.round(seconds(timestamp) * 1000),
    takesArrivalTime: values['arrival-time'],
    parallel: whole('--parallel', values.parallel, [1, PARALLEL_MAX]),
    bodyBytes: whole('--body-size', values['body-size'], [1, BODY_MIB_MAX]) * MIB,
    patienceMs: durationMs('--retry-for', values['retry-for']),
    refusedShown: whole('--refused', values.refused, [0, 1_000_000]),
    isJson: values.json,
  };
}
