// `orrery usage`: what tenants of a running server use.
import { parseArgs } from 'node:util';
import { EXIT } from '../exit-codes.ts';
import {
  ADMIN_FLAGS_HELP,
  ADMIN_OPTIONS,
  AdminClient,
  printJson,
  timeCell,
} from './admin-client.ts';
import { tableText } from './draw.ts';
import type { Terminal } from './terminal.ts';
import { seconds } from './times.ts';
import { UsageError } from './usage-error.ts';

export const USAGE_HELP = `Usage: orrery usage [--tenant NAME] [--from TIME] [--to TIME] [--group LIST]

What tenants use: points written and read, queries, requests, and what they keep. An admin of the
server sees all tenants, everybody else the own. Rows are whole hours that begin in the time asked
for, the last 24 where nothing is said. Times are in UTC.

  --tenant NAME       of one tenant; of one that is gone its id
  --from TIME         RFC 3339, Unix seconds, now or now-7d
  --to TIME           the same
  --group LIST        of hour, tenant, token, protocol [tenant,token,protocol]
  --csv               as CSV, with all figures
${ADMIN_FLAGS_HELP}
Exit codes: 0 done; 1 no answer; 2 command line; 3 refused.
`;

interface UsageRow {
  readonly hour?: string;
  readonly tenant?: string;
  readonly token?: string;
  readonly protocol?: string;
  readonly points_written: number;
  readonly points_read: number;
  readonly queries: number;
  readonly query_cost: number;
  readonly requests: number;
  readonly active_series: number;
  readonly bytes_stored: number;
}

type Group = 'hour' | 'tenant' | 'token' | 'protocol';

interface Usage {
  readonly group: readonly Group[];
  readonly rows: readonly UsageRow[];
}

const OPTIONS = {
  ...ADMIN_OPTIONS,
  tenant: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  group: { type: 'string', default: 'tenant,token,protocol' },
  csv: { type: 'boolean', default: false },
} as const;

export async function usageCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const { tenant, from, to, group, csv, json, ...flags } = values;
  if (csv && json) throw new UsageError('--csv and --json exclude each other');
  const query = new URLSearchParams({ group });
  if (tenant !== undefined) query.set('tenant', tenant);
  if (from !== undefined) query.set('from', timeText(from));
  if (to !== undefined) query.set('to', timeText(to));
  if (csv) query.set('format', 'csv');
  const client = new AdminClient(flags, terminal);
  const path = `usage?${query.toString()}`;
  if (csv) terminal.out(await client.askText(path));
  else {
    const usage = await client.askPath<Usage>('GET', path);
    if (json) printJson(terminal, usage);
    else terminal.out(usageTable(usage, terminal.columns));
  }
  return EXIT.ok;
}

function timeText(text: string): string {
  const time = new Date(seconds(text) * 1000);
  if (Number.isNaN(time.getTime())) throw new UsageError(`"${text}" is out of range`);
  return time.toISOString();
}

function usageTable({ group, rows }: Usage, columns: number): string {
  const figures = ['written', 'read', 'queries', 'cost', 'requests', 'series', 'bytes'];
  const lines = rows.map((row) => [
    ...group.map((name) => cellOf(row, name)),
    String(row.points_written),
    String(row.points_read),
    String(row.queries),
    String(row.query_cost),
    String(row.requests),
    String(row.active_series),
    String(row.bytes_stored),
  ]);
  return tableText([[...group, ...figures], ...lines], columns);
}

function cellOf(row: UsageRow, group: Group): string {
  const text = row[group] ?? '';
  if (group === 'hour') return timeCell(text);
  return text === '' ? '-' : text;
}
