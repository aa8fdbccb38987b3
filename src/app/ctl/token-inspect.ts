// `orrery token inspect`: what a token says of itself, and what a server says of it. The secret is
// never printed.
import { parseArgs } from 'node:util';
import { EXIT } from '../exit-codes.ts';
import { parseToken } from '../../tenancy/token.ts';
import { AdminClient, timeCell } from './admin-client.ts';
import { CommandError } from './command-error.ts';
import { TOKEN_OPTIONS, tokenOf } from './credentials.ts';
import { printable } from './draw.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const OPTIONS = {
  ...TOKEN_OPTIONS,
  url: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** As `/orrery/v1/whoami` answers. */
interface Whoami {
  readonly tenant: { readonly name: string };
  readonly permissions: readonly string[];
  readonly token: null | {
    readonly name: string;
    readonly scope: string;
    readonly tenants: readonly string[];
    readonly application: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly matchers: readonly string[];
    readonly not_before: string | null;
    readonly expires_at: string | null;
    readonly min_time: string | null;
    readonly max_time: string | null;
  };
}

export async function inspectCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  });
  const [given, ...more] = positionals;
  if (more.length > 0) throw new UsageError('expected one token: orrery token inspect [TOKEN|-]');
  const text = await givenToken(given, { terminal, flags: values });
  const parsed = parseToken(text);
  if (parsed === undefined)
    throw new CommandError(
      EXIT.refused,
      'this is no token: orr_, 12 characters, "_" and 52 characters of a-z and 2-7',
    );
  const { id } = parsed;
  const { url } = values;
  if (url === undefined) {
    terminal.out(values.json ? `${JSON.stringify({ id })}\n` : rowsText([['id', id]]));
    return EXIT.ok;
  }
  const client = new AdminClient({ url, token: text }, terminal);
  const whoami = await client.ask<Whoami>('GET', ['whoami']);
  terminal.out(values.json ? `${JSON.stringify(whoami)}\n` : rowsText(rowsOf(id, whoami)));
  return EXIT.ok;
}

async function givenToken(
  given: string | undefined,
  {
    terminal,
    flags,
  }: { readonly terminal: Terminal; readonly flags: Parameters<typeof tokenOf>[0] },
): Promise<string> {
  if (given === '-') {
    const chunks: Uint8Array[] = [];
    for await (const chunk of terminal.stdin) chunks.push(chunk);
    return Buffer.concat(chunks).toString().trim();
  }
  const text = given ?? tokenOf(flags, terminal);
  if (text === undefined)
    throw new UsageError('expected a token, "-", --token-file FILE or ORRERY_TOKEN');
  return text.trim();
}

type Row = readonly [name: string, value: string];

function rowsOf(id: string, { tenant, permissions, token }: Whoami): readonly Row[] {
  if (token === null)
    return [
      ['id', id],
      ['server', 'looks at no tokens: everybody may do everything'],
    ];
  const { labels, matchers, application } = token;
  return [
    ['id', id],
    ['name', token.name],
    ['tenant', tenant.name],
    ...(token.tenants.length > 1 ? [['reads', token.tenants.join(', ')] as const] : []),
    ['scope', token.scope],
    ['permissions', permissions.join(', ')],
    ['application', application],
    [
      'labels',
      Object.entries(labels)
        .map((pair) => pair.join('='))
        .join(', '),
    ],
    ['matchers', matchers.join(' ')],
    ['not before', timeCell(token.not_before)],
    ['expires', timeCell(token.expires_at)],
    ['earliest point', timeCell(token.min_time)],
    ['latest point', timeCell(token.max_time)],
  ];
}

function rowsText(rows: readonly Row[]): string {
  return rows.map(([name, value]) => `${name.padEnd(16)}${printable(value) || '-'}\n`).join('');
}
