// `orrery tenant refusals`: which limits a tenant came to, what was refused of it, and what would
// stop it.
import { printJson, timeCell } from './admin-client.ts';
import type { AdminClient } from './admin-client.ts';
import { tableText } from './draw.ts';
import type { Terminal } from './terminal.ts';

interface RefusalsWork {
  readonly client: AdminClient;
  readonly terminal: Terminal;
  readonly tenant: string;
  readonly isJson: boolean;
}

interface Breach {
  readonly limit: string;
  readonly at_most: number;
  readonly value: number;
  readonly kind: 'refused' | 'near';
  readonly count: number;
  readonly first_at: string;
  readonly last_at: string;
  readonly first: {
    readonly protocol: string;
    readonly peer: string;
    readonly token: string;
  } | null;
  readonly series: {
    readonly metric: string;
    readonly label: string;
    readonly values: number;
    readonly rules: string;
  } | null;
}

interface Refused {
  readonly count: number;
  readonly counts: readonly {
    readonly protocol: string;
    readonly reason: string;
    readonly count: number;
  }[];
  readonly lines: readonly {
    readonly timeMs: number;
    readonly protocol: string;
    readonly peer: string;
    readonly line: number;
    readonly reason: string;
  }[];
}

/** Of the last rows; `--json` has all that the server kept. */
const SHOWN_LINES = 10;

export async function refusals({ client, terminal, tenant, isJson }: RefusalsWork): Promise<void> {
  const { breaches } = await client.ask<{ readonly breaches: readonly Breach[] }>('GET', [
    'tenants',
    tenant,
    'breaches',
  ]);
  const refused = await client.ask<Refused>('GET', ['tenants', tenant, 'refused-lines']);
  if (isJson) return printJson(terminal, { breaches, refused_lines: refused });
  tellBreaches(terminal, breaches);
  tellLines(terminal, refused);
}

function tellBreaches(terminal: Terminal, breaches: readonly Breach[]): void {
  if (breaches.length === 0)
    return terminal.out('it has come to none of its limits since the server started\n');
  const head = [
    'limit',
    '',
    'times',
    'value',
    'at most',
    'first',
    'last',
    'protocol',
    'from',
    'token',
  ];
  const rows = breaches.map(({ first, ...breach }) => [
    breach.limit,
    breach.kind,
    String(breach.count),
    String(breach.value),
    String(breach.at_most),
    timeCell(breach.first_at),
    timeCell(breach.last_at),
    ...[first?.protocol, first?.peer, first?.token].map(cell),
  ]);
  terminal.out(tableText([head, ...rows], terminal.columns));
  for (const { series } of breaches)
    if (series !== null) terminal.out(`\n${blame(series)}\n${series.rules}`);
}

function cell(text: string | undefined): string {
  return text === undefined || text === '' ? '-' : text;
}

function blame({ metric, label, values }: NonNullable<Breach['series']>): string {
  if (label === '') return `series of ${metric} were refused; this would stop it:`;
  return `label ${label} of metric ${metric} had ${values} or more values; this would stop it:`;
}

function tellLines(terminal: Terminal, { count, counts, lines }: Refused): void {
  terminal.out(`\n${count} rows refused since the server started\n`);
  if (count === 0) return;
  const byReason = counts.map((row) => [String(row.count), row.protocol, row.reason]);
  terminal.out(`\n${tableText([['rows', 'protocol', 'reason'], ...byReason], terminal.columns)}`);
  const last = lines
    .slice(0, SHOWN_LINES)
    .map(({ timeMs, protocol, peer, line, reason }) => [
      timeCell(new Date(timeMs).toISOString()),
      protocol,
      cell(peer),
      line === 0 ? '-' : String(line),
      reason,
    ]);
  const head = ['time', 'protocol', 'from', 'line', 'reason'];
  terminal.out(`\n${tableText([head, ...last], terminal.columns)}`);
}
