// Which server a command asks, and what it shows there: the flags and variables of all commands
// that talk to one.
import { readFileSync } from 'node:fs';
import { errorMessage } from '../../stdx/assert.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** For parseArgs. */
export const TOKEN_OPTIONS = {
  token: { type: 'string' },
  'token-file': { type: 'string' },
} as const;

export const TOKEN_FLAGS_HELP = `  --token-file FILE   file with the token to show [the token in ORRERY_TOKEN]
  --token TOKEN       the token itself, which others on this machine can see
`;

interface TokenFlags {
  readonly token?: string | undefined;
  readonly 'token-file'?: string | undefined;
}

export interface CredentialFlags extends TokenFlags {
  readonly tenant?: string | undefined;
}

export type Headers = Readonly<Record<string, string>>;

/** Without a slash at its end. */
export function baseUrl(url: string | undefined, { env }: Pick<Terminal, 'env'>): string {
  const given = url ?? env['ORRERY_URL'] ?? 'http://127.0.0.1:4332';
  if (!/^https?:\/\//.test(given) || !URL.canParse(given)) {
    const source = url === undefined ? 'ORRERY_URL' : '--url';
    throw new UsageError(`${source} "${given}": expected an address, e.g. http://127.0.0.1:4332`);
  }
  return given.replace(/\/+$/, '');
}

/** The flags first, then ORRERY_TOKEN. */
export function tokenOf(
  { token, 'token-file': file }: TokenFlags,
  { env }: Pick<Terminal, 'env'>,
): string | undefined {
  if (token !== undefined && file !== undefined)
    throw new UsageError('--token and --token-file exclude each other');
  if (file === undefined) return (token ?? env['ORRERY_TOKEN'])?.trim() || undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`--token-file: ${errorMessage(error)}`, { cause: error });
  }
}

/** Headers that say who is asking. */
export function requestHeaders(flags: CredentialFlags, terminal: Pick<Terminal, 'env'>): Headers {
  const token = tokenOf(flags, terminal);
  return {
    ...(flags.tenant !== undefined && { 'X-Scope-OrgID': flags.tenant }),
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  };
}
