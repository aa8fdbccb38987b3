// `orrery tenant …`: who may share a running server, and how much of it each may take.
import { parseArgs } from 'node:util';
import { EXIT } from '../exit-codes.ts';
import { unknown } from '../settings/load.ts';
import {
  ADMIN_FLAGS_HELP,
  ADMIN_OPTIONS,
  AdminClient,
  limitOf,
  namesText,
  limitsText,
  pairOf,
  printJson,
  timeCell,
} from './admin-client.ts';
import { tableText } from './draw.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export const TENANT_HELP = `Usage: orrery tenant list
       orrery tenant create NAME [--limit ID=VALUE]…
       orrery tenant show NAME
       orrery tenant limits NAME [--limit ID=VALUE|ID=default]…
       orrery tenant cardinality NAME [--metric METRIC] [--top NUMBER]
       orrery tenant growth NAME [--metric METRIC] [--top NUMBER]
       orrery tenant refusals NAME
       orrery tenant retention NAME [--time DURATION|none] [--bytes SIZE|none] [--default]
       orrery tenant suspend NAME
       orrery tenant resume NAME
       orrery tenant rename NAME NEW
       orrery tenant delete NAME --yes

Tenants of a running server. A suspended tenant keeps its data and tokens, which are refused until
it is resumed. Deleting takes all data of the tenant and its tokens along; the command ends when
they are gone. Growth compares the series of the last hour with those of the same hour a day before,
and says whose series of a metric were the first. Refusals are the limits that the tenant came to and
the rows it had refused since the server started, with the rules that would stop it. Retention is how
long points are kept; without options it is shown, and what is not named stays as it holds. Times are
in UTC.

  --limit ID=VALUE    what the tenant may take, a number or such as 64MiB, 30d
                      (docs/operations/limits.md); may be repeated
  --metric METRIC     series of this metric only
  --top NUMBER        rows of each table [10]
  --time DURATION     keep points so long, such as 30d; none: for ever
  --bytes SIZE        keep so much, such as 10GiB, the oldest go first; none: all
  --default           back to the server's retention
  --yes               really delete
${ADMIN_FLAGS_HELP}
Exit codes: 0 done; 1 no answer; 2 command line; 3 refused.
`;

interface Tenant {
  readonly name: string;
  readonly id: string;
  readonly state: string;
  readonly created_at: string | null;
  readonly limits: Readonly<Record<string, number>>;
  readonly tokens: number;
}

interface Removal {
  readonly name: string;
  readonly left: { readonly series: number; readonly points: number };
  readonly remains: readonly string[];
}

const OPTIONS = {
  ...ADMIN_OPTIONS,
  limit: { type: 'string', multiple: true },
  metric: { type: 'string' },
  top: { type: 'string' },
  time: { type: 'string' },
  bytes: { type: 'string' },
  default: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
} as const;

interface Work {
  readonly client: AdminClient;
  readonly terminal: Terminal;
  readonly names: readonly string[];
  readonly limits: readonly string[];
  readonly isJson: boolean;
  readonly isSure: boolean;
  readonly metric: string | undefined;
  readonly top: string | undefined;
  readonly time: string | undefined;
  readonly bytes: string | undefined;
  readonly isDefault: boolean;
}

interface Verb {
  readonly nameCount: number;
  readonly takesLimits?: true;
  readonly takesMetric?: true;
  readonly takesRetention?: true;
  readonly run: (work: Work) => Promise<void>;
}

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['list', { nameCount: 0, run: list }],
  ['create', { nameCount: 1, takesLimits: true, run: create }],
  ['show', { nameCount: 1, run: show }],
  ['limits', { nameCount: 1, takesLimits: true, run: limits }],
  [
    'cardinality',
    { nameCount: 1, takesMetric: true, run: (work) => tellNames(work, 'cardinality') },
  ],
  ['growth', { nameCount: 1, takesMetric: true, run: (work) => tellNames(work, 'growth') }],
  [
    'refusals',
    {
      nameCount: 1,
      run: async (work) =>
        (await import('./tenant-refusals.ts')).refusals({ ...work, tenant: work.names[0]! }),
    },
  ],
  [
    'retention',
    {
      nameCount: 1,
      takesRetention: true,
      run: async (work) =>
        (await import('./tenant-retention.ts')).retention({ ...work, tenant: work.names[0]! }),
    },
  ],
  ['suspend', { nameCount: 1, run: (work) => edit(work, { state: 'suspended' }) }],
  ['resume', { nameCount: 1, run: (work) => edit(work, { state: 'active' }) }],
  ['rename', { nameCount: 2, run: (work) => edit(work, { name: work.names[1] }) }],
  ['delete', { nameCount: 1, run: remove }],
]);

export async function tenantCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  });
  const [word, ...names] = positionals;
  if (word === undefined) throw new UsageError('expected a verb: orrery tenant --help');
  const verb = VERBS.get(word);
  if (verb === undefined) throw new UsageError(unknown('verb', word, [...VERBS.keys()]));
  if (names.length !== verb.nameCount)
    throw new UsageError(`orrery tenant ${word} takes ${namesText(verb.nameCount)}: see --help`);
  const { limit: limitTexts = [], metric, top } = values;
  if (limitTexts.length > 0 && verb.takesLimits !== true)
    throw new UsageError(`orrery tenant ${word} takes no --limit`);
  if ((metric ?? top) !== undefined && verb.takesMetric !== true)
    throw new UsageError(`orrery tenant ${word} takes neither --metric nor --top`);
  const { time, bytes, default: isDefault } = values;
  if ((isDefault || (time ?? bytes) !== undefined) && verb.takesRetention !== true)
    throw new UsageError(`orrery tenant ${word} takes none of --time, --bytes and --default`);
  await verb.run({
    client: new AdminClient(values, terminal),
    terminal,
    names,
    limits: limitTexts,
    isJson: values.json,
    isSure: values.yes,
    metric,
    top,
    time,
    bytes,
    isDefault,
  });
  return EXIT.ok;
}

/** Tenants one page of the API has. */
const PAGE_TENANTS = 1_000;

async function list({ client, terminal, isJson }: Work): Promise<void> {
  const tenants: Tenant[] = [];
  for (let after = ''; ;) {
    const query = new URLSearchParams({ after, limit: String(PAGE_TENANTS) });
    const page = await client.askPath<{ tenants: Tenant[]; next: string | null }>(
      'GET',
      `tenants?${query.toString()}`,
    );
    tenants.push(...page.tenants);
    if (page.next === null) break;
    after = page.next;
  }
  if (isJson) return printJson(terminal, { tenants });
  const rows = tenants.map(({ name, state, tokens, created_at: createdAt, limits: own }) => [
    name,
    state,
    String(tokens),
    timeCell(createdAt),
    limitsText(own),
  ]);
  const head = ['tenant', 'state', 'tokens', 'created', 'limits'];
  terminal.out(tableText([head, ...rows], terminal.columns));
}

async function create(work: Work): Promise<void> {
  const { client, names, limits: own } = work;
  const body = { name: names[0], limits: Object.fromEntries(own.map(limitOf)) };
  tell(work, await client.ask<Tenant>('POST', ['tenants'], body));
}

async function show(work: Work): Promise<void> {
  tell(work, await work.client.ask<Tenant>('GET', ['tenants', work.names[0]!]));
}

async function edit(work: Work, change: object): Promise<void> {
  tell(work, await work.client.ask<Tenant>('PATCH', ['tenants', work.names[0]!], change));
}

function tell({ terminal, isJson }: Work, tenant: Tenant): void {
  if (isJson) return printJson(terminal, tenant);
  const rows = [
    ['tenant', tenant.name],
    ['id', tenant.id],
    ['state', tenant.state],
    ['created', timeCell(tenant.created_at)],
    ['tokens', String(tenant.tokens)],
    ['limits', limitsText(tenant.limits)],
  ];
  terminal.out(tableText(rows, terminal.columns));
}

/** Without `--limit` they are shown. */
async function limits({ client, terminal, names, limits: given, isJson }: Work): Promise<void> {
  const path = ['tenants', names[0]!, 'limits'];
  const change = new Map<string, number | null>();
  for (const text of given) {
    const [id, value] = pairOf('--limit', text);
    if (value === 'default') change.set(id, null);
    else change.set(...limitOf(text));
  }
  const answer =
    change.size === 0
      ? await client.ask<Pick<Tenant, 'limits'>>('GET', path)
      : await client.ask<Pick<Tenant, 'limits'>>('PATCH', path, Object.fromEntries(change));
  if (isJson) return printJson(terminal, answer);
  const rows = Object.entries(answer.limits).map(([id, value]) => [id, String(value)]);
  if (rows.length === 0) terminal.out('all limits have their defaults\n');
  else terminal.out(tableText([['limit', 'value'], ...rows], terminal.columns));
}

async function tellNames(work: Work, what: 'cardinality' | 'growth'): Promise<void> {
  const verbs = await import('./tenant-names.ts');
  await verbs[what]({ ...work, tenant: work.names[0]! });
}

async function remove({ client, terminal, names, isJson, isSure }: Work): Promise<void> {
  const [name] = names;
  if (!isSure)
    throw new UsageError(
      `all data of "${name}" would be gone for good: add --yes if that is meant`,
    );
  const answer = await client.ask<Removal>('DELETE', ['tenants', name!]);
  if (isJson) return printJson(terminal, answer);
  const { left, remains } = answer;
  terminal.out(
    `${answer.name} is deleted: ${left.series} series and ${left.points} points are left.\n` +
      `What remains: ${remains.join('; ')}.\n`,
  );
}
