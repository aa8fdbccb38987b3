// `orrery token …`: who may use a tenant of a running server, and for what.
import { parseArgs } from 'node:util';
import { EXIT } from '../exit-codes.ts';
import { unknown } from '../settings/load.ts';
import {
  ADMIN_FLAGS_HELP,
  ADMIN_OPTIONS,
  AdminClient,
  limitOf,
  namesText,
  pairOf,
  printJson,
  timeCell,
} from './admin-client.ts';
import { tableText } from './draw.ts';
import { inspectCommand } from './token-inspect.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export const TOKEN_HELP = `Usage: orrery token list TENANT
       orrery token create TENANT --name NAME --permission LIST [FLAGS]
       orrery token revoke TENANT ID [--force]
       orrery token inspect [TOKEN|-] [--url URL]

Tokens of a tenant of a running server. A new one is printed alone on the standard output, this
once; the server keeps its hash only. Whoever creates a token gives at most what its own has.
Times are in UTC. "inspect" says what a token is: its id, and with --url what the server knows of it.

  --name NAME         what it is for
  --permission LIST   of read, write, delete, rules, admin, metrics, with commas between;
                      may be repeated; metrics is that of a scraper of the server's own figures
  --label NAME=VALUE  forced on every write; may be repeated
  --matcher SELECTOR  forced on every read, such as {env="prod"}; may be repeated
  --expires-in DUR    30d, 12h [never]
  --not-before TIME   RFC 3339 [at once]
  --min-time TIME     earlier points are neither read nor written
  --max-time TIME     later points are neither read nor written
  --application NAME  who uses it
  --limit ID=VALUE    what it may take (docs/operations/limits.md); may be repeated
  --also-reads TENANT a further tenant, for tokens that only read; may be repeated
  --server            an admin of the whole server
  --force             revokes it also where nobody is left to administer the server
${ADMIN_FLAGS_HELP}
Examples:
  orrery token create acme --name agent --permission write --label env=prod > agent.token
  orrery token create default --name root --permission admin --server > root.token

Exit codes: 0 done; 1 no answer; 2 command line; 3 refused.
`;

interface Token {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly scope: string;
  readonly tenants: readonly string[];
  readonly permissions: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly matchers: readonly string[];
  readonly min_time: string | null;
  readonly max_time: string | null;
  readonly not_before: string | null;
  readonly limits: Readonly<Record<string, number>>;
  readonly expires_at: string | null;
  readonly created_at: string;
}

interface TokenPage {
  readonly tokens: readonly Token[];
  readonly next: string | null;
}

const MANY = { type: 'string', multiple: true } as const;

const DRAFT_OPTIONS = {
  name: { type: 'string' },
  permission: MANY,
  label: MANY,
  matcher: MANY,
  'expires-in': { type: 'string' },
  'not-before': { type: 'string' },
  'min-time': { type: 'string' },
  'max-time': { type: 'string' },
  application: { type: 'string' },
  limit: MANY,
  'also-reads': MANY,
  server: { type: 'boolean', default: false },
} as const;

function parsed(args: readonly string[]) {
  const force = { type: 'boolean', default: false } as const;
  const options = { ...ADMIN_OPTIONS, ...DRAFT_OPTIONS, force };
  return parseArgs({ args: [...args], options, allowPositionals: true });
}

type Values = ReturnType<typeof parsed>['values'];

const VERBS = new Map([
  ['list', 1],
  ['create', 1],
  ['revoke', 2],
  ['inspect', 1],
]);

export async function tokenCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  if (args[0] === 'inspect') return await inspectCommand(args.slice(1), terminal);
  const { values, positionals } = parsed(args);
  const [verb, ...names] = positionals;
  if (verb === undefined) throw new UsageError('expected a verb: orrery token --help');
  const nameCount = VERBS.get(verb);
  if (nameCount === undefined) throw new UsageError(unknown('verb', verb, [...VERBS.keys()]));
  if (names.length !== nameCount)
    throw new UsageError(`orrery token ${verb} takes ${namesText(nameCount)}: see --help`);
  if (verb !== 'create') checkNoDraft(verb, values);
  if (verb !== 'revoke' && values.force)
    throw new UsageError(`orrery token ${verb} takes no --force`);
  const client = new AdminClient(values, terminal);
  const path = ['tenants', names[0]!, 'tokens'];
  if (verb === 'list') await list(client, path, { terminal, isJson: values.json });
  else if (verb === 'create') await create(client, path, { terminal, values });
  else await revoke(client, [...path, names[1]!], { terminal, values });
  return EXIT.ok;
}

function checkNoDraft(verb: string, values: Values): void {
  for (const flag of Object.keys(DRAFT_OPTIONS) as (keyof typeof DRAFT_OPTIONS)[]) {
    const value = values[flag];
    if (value !== undefined && value !== false)
      throw new UsageError(`orrery token ${verb} takes no --${flag}`);
  }
}

interface Shown {
  readonly terminal: Terminal;
  readonly isJson: boolean;
}

async function list(
  client: AdminClient,
  path: readonly string[],
  { terminal, isJson }: Shown,
): Promise<void> {
  const tokens = await allTokens(client, path);
  if (isJson) return printJson(terminal, { tokens });
  if (tokens.length === 0) return terminal.out('no tokens\n');
  const rows = tokens.map((token) => [
    token.name,
    token.id,
    token.state,
    token.permissions.join(','),
    restrictionsOf(token),
    timeCell(token.expires_at),
  ]);
  const head = ['token', 'id', 'state', 'permissions', 'restrictions', 'expires'];
  terminal.out(tableText([head, ...rows], terminal.columns));
}

/** Page by page. */
async function allTokens(client: AdminClient, path: readonly string[]): Promise<readonly Token[]> {
  const encoded = path.map(encodeURIComponent).join('/');
  const tokens: Token[] = [];
  for (let after = ''; ;) {
    const search = after === '' ? '' : `?after=${after}`;
    const page = await client.askPath<TokenPage>('GET', encoded + search);
    tokens.push(...page.tokens);
    if (page.next === null) return tokens;
    after = page.next;
  }
}

function restrictionsOf(token: Token): string {
  const { scope, tenants, labels, matchers, limits } = token;
  const times = {
    'valid from': token.not_before,
    'points from': token.min_time,
    'points to': token.max_time,
  };
  const texts = [
    ...(scope === 'server' ? ['server'] : []),
    ...tenants.slice(1).map((name) => `reads ${name}`),
    ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
    ...matchers,
    ...Object.entries(times).flatMap(([word, time]) => (time === null ? [] : [`${word} ${time}`])),
    ...Object.entries(limits).map(([id, value]) => `${id}=${value}`),
  ];
  return texts.join(' ') || '-';
}

function draftOf(values: Values): object {
  const { permission, label = [], limit = [] } = values;
  if (values.name === undefined || permission === undefined)
    throw new UsageError('--name and --permission must be given');
  return {
    name: values.name,
    permissions: permission.flatMap((text) => text.split(',')),
    labels: Object.fromEntries(label.map((text) => pairOf('--label', text))),
    matchers: values.matcher,
    limits: Object.fromEntries(limit.map(limitOf)),
    tenants: values['also-reads'],
    scope: values.server ? 'server' : 'tenant',
    application: values.application,
    expires_in: values['expires-in'],
    not_before: values['not-before'],
    min_time: values['min-time'],
    max_time: values['max-time'],
  };
}

async function create(
  client: AdminClient,
  path: readonly string[],
  { terminal, values }: { readonly terminal: Terminal; readonly values: Values },
): Promise<void> {
  const answer = await client.ask<Token & { readonly token: string }>(
    'POST',
    path,
    draftOf(values),
  );
  if (values.json) return printJson(terminal, answer);
  terminal.out(`${answer.token}\n`);
  terminal.err(`token ${answer.id}: shown this once, keep it now\n`);
}

async function revoke(
  client: AdminClient,
  path: readonly string[],
  { terminal, values }: { readonly terminal: Terminal; readonly values: Values },
): Promise<void> {
  const encoded = path.map(encodeURIComponent).join('/');
  const answer = await client.askPath<Token>(
    'DELETE',
    values.force ? `${encoded}?force=1` : encoded,
  );
  if (values.json) return printJson(terminal, answer);
  terminal.out(`token ${answer.id} (${answer.name}) is revoked\n`);
}
