// `orrery query EXPR`: asks a running server and prints a table, with a sparkline for ranges.
import { parseArgs } from 'node:util';
import { errorMessage } from '../../stdx/assert.ts';
import { EXIT } from '../exit-codes.ts';
import { baseUrl, requestHeaders, TOKEN_OPTIONS } from './credentials.ts';
import type { Terminal } from './terminal.ts';
import { printable, sparkline, tableText } from './draw.ts';
import { seconds } from './times.ts';
import { UsageError } from './usage-error.ts';

export const QUERY_HELP = `Usage: orrery query EXPR [FLAGS]

Asks a running server in PromQL and prints a table; a range also as a sparkline.

  --url URL        server [http://127.0.0.1:4332, or ORRERY_URL]
  --tenant NAME    tenant [default]
  --token-file FILE
                   file with the token to show [the token in ORRERY_TOKEN]
  --token TOKEN    the token itself, which others on this machine can see
  --time TIME      instant query at TIME: RFC 3339, Unix seconds, now or now-6h [now]
  --start TIME     range query from TIME …
  --end TIME       … to TIME [now]
  --step DURATION  … every DURATION [a hundredth of the range]
  --timeout DUR    deadline of the query
  --json           the server's answer as it is
`;

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
  readonly histogram?: readonly [number, { readonly count: string; readonly sum: string }];
}

interface ApiAnswer {
  readonly status: 'success' | 'error';
  readonly error?: unknown;
  readonly data?: {
    readonly resultType: 'vector' | 'matrix' | 'scalar' | 'string';
    readonly result: readonly Series[] | readonly [number, string];
  };
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

const OPTIONS = {
  url: { type: 'string' },
  tenant: { type: 'string' },
  ...TOKEN_OPTIONS,
  time: { type: 'string' },
  start: { type: 'string' },
  end: { type: 'string' },
  step: { type: 'string' },
  timeout: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** Steps of a range where none is given. */
const STEPS_DEFAULT = 100;

interface Ask {
  readonly path: string;
  readonly form: URLSearchParams;
}

function askOf(values: Readonly<Record<string, string | boolean | undefined>>, expr: string): Ask {
  const form = new URLSearchParams({ query: expr });
  const { start, end, step, time, timeout } = values;
  if (typeof timeout === 'string') form.set('timeout', timeout);
  if (typeof start !== 'string') {
    if (end !== undefined || step !== undefined)
      throw new UsageError('--end and --step need --start');
    if (typeof time === 'string') form.set('time', String(seconds(time)));
    return { path: '/api/v1/query', form };
  }
  if (time !== undefined) throw new UsageError('--time and --start exclude each other');
  const startSec = seconds(start);
  const endSec = typeof end === 'string' ? seconds(end) : Date.now() / 1000;
  form.set('start', String(startSec));
  form.set('end', String(endSec));
  const stepText =
    typeof step === 'string' ? step : String(Math.max(1, (endSec - startSec) / STEPS_DEFAULT));
  form.set('step', stepText);
  return { path: '/api/v1/query_range', form };
}

export async function queryCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  });
  const [expr, ...more] = positionals;
  if (expr === undefined || more.length > 0)
    throw new UsageError('expected one expression: orrery query EXPR (quote it)');
  const { path, form } = askOf(values, expr);
  const base = baseUrl(values.url, terminal);
  const headers = requestHeaders(values, terminal);
  let text: string;
  let isOk: boolean;
  try {
    const response = await fetch(base + path, {
      method: 'POST',
      body: form,
      headers,
    });
    text = await response.text();
    isOk = response.ok;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const reason = errorMessage(cause instanceof Error ? cause : error);
    terminal.err(`orrery query: no answer from ${base}: ${reason}\n`);
    return EXIT.failed;
  }
  if (values.json) {
    terminal.out(text.endsWith('\n') ? text : `${text}\n`);
    return isOk ? EXIT.ok : EXIT.refused;
  }
  return print(parseAnswer(text), terminal, base);
}

function parseAnswer(text: string): ApiAnswer | undefined {
  try {
    return JSON.parse(text) as ApiAnswer;
  } catch {
    // Something else answers at that address; the caller says so.
    return undefined;
  }
}

function print(answer: ApiAnswer | undefined, terminal: Terminal, base: string): number {
  if (answer === undefined) {
    terminal.err(`orrery query: what answers at ${base} does not speak the Prometheus API\n`);
    return EXIT.failed;
  }
  for (const remark of [...(answer.warnings ?? []), ...(answer.infos ?? [])])
    terminal.err(`${printable(remark)}\n`);
  if (answer.data === undefined) {
    // Errors outside the Prometheus API have another shape; so has whatever else may answer.
    const reason = typeof answer.error === 'string' ? answer.error : JSON.stringify(answer);
    terminal.err(`orrery query: ${printable(reason)}\n`);
    return EXIT.refused;
  }
  const { resultType, result } = answer.data;
  if (resultType === 'scalar' || resultType === 'string') {
    terminal.out(`${(result as readonly [number, string])[1]}\n`);
    return EXIT.ok;
  }
  const series = result as readonly Series[];
  const rows = series.map((one) => [seriesName(one.metric), ...cells(one, terminal)]);
  const head = resultType === 'vector' ? ['series', 'value'] : ['series', 'last', 'min', 'max', ''];
  terminal.out(rows.length === 0 ? 'no series\n' : tableText([head, ...rows], terminal.columns));
  return EXIT.ok;
}

function seriesName(metric: Readonly<Record<string, string>>): string {
  const { __name__: name = '', ...labels } = metric;
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? name || '{}' : `${name}{${pairs.join(', ')}}`;
}

function cells(one: Series, terminal: Terminal): readonly string[] {
  if (one.histogram !== undefined)
    return [`histogram count=${one.histogram[1].count} sum=${one.histogram[1].sum}`];
  if (one.values === undefined) return [one.value?.[1] ?? ''];
  const numbers = one.values.map((pair) => Number(pair[1].replace('Inf', 'Infinity')));
  const finite = numbers.filter(Number.isFinite);
  const extremes = finite.length === 0 ? ['', ''] : [Math.min(...finite), Math.max(...finite)];
  const line = terminal.isTerminal ? sparkline(numbers) : `${numbers.length} points`;
  return [one.values.at(-1)![1], ...extremes.map(String), line];
}
