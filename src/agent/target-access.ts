// How a scrape shows who is asking, and whom it believes: what a target was found with names files,
// which are read for each scrape, so that renewed secrets and authorities count at once. A secret
// is in no label, no flag and no page. It goes to the target's own origin and to no place that this
// one redirects to.
import { ACCESS_FILE_BYTES_MAX } from './limits.ts';

const USER = '__basic_auth_username__';
const PASSWORD_FILE = '__basic_auth_password_file__';
const TOKEN_FILE = '__bearer_token_file__';
const CA_FILE = '__tls_ca_file__';
const INSECURE = '__tls_insecure_skip_verify__';

/** Labels whose value is the path of a file. */
export const ACCESS_FILE_LABELS: readonly string[] = [PASSWORD_FILE, TOKEN_FILE, CA_FILE];

export interface TargetAccess {
  readonly user: string | undefined;
  readonly passwordFile: string | undefined;
  readonly tokenFile: string | undefined;
  readonly caFile: string | undefined;
  readonly isInsecure: boolean;
}

/** What one scrape needs of it. */
export interface OpenedAccess {
  readonly authorization: string | undefined;
  readonly ca: string | undefined;
  readonly isInsecure: boolean;
}

export type ReadAccessFile = (path: string, limitBytes: number) => Promise<Uint8Array>;

/** Throws Error where it contradicts itself. */
export function accessOf(discovered: Readonly<Record<string, string>>): TargetAccess {
  const [user, passwordFile] = [discovered[USER], discovered[PASSWORD_FILE]];
  const [tokenFile, caFile] = [discovered[TOKEN_FILE], discovered[CA_FILE]];
  if ((user === undefined) !== (passwordFile === undefined))
    throw new Error('a user needs a file with the password, and this one a user');
  if (user?.includes(':') === true) throw new Error('the name of a user has no colon');
  if (user !== undefined && tokenFile !== undefined)
    throw new Error('a user and a bearer token exclude each other');
  const isInsecure = discovered[INSECURE] === 'true';
  return { user, passwordFile, tokenFile, caFile, isInsecure };
}

export async function openAccess(
  { user, passwordFile, tokenFile, caFile, isInsecure }: TargetAccess,
  read: ReadAccessFile,
): Promise<OpenedAccess> {
  const textOf = async (path: string): Promise<string> =>
    Buffer.from(await read(path, ACCESS_FILE_BYTES_MAX)).toString();
  let authorization: string | undefined;
  if (tokenFile !== undefined)
    authorization = `Bearer ${secretOf(await textOf(tokenFile), tokenFile)}`;
  if (user !== undefined && passwordFile !== undefined) {
    const password = secretOf(await textOf(passwordFile), passwordFile);
    authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }
  const ca = caFile === undefined ? undefined : await textOf(caFile);
  return { authorization, ca, isInsecure };
}

/** Without the end of its line. Throws Error that names the file and nothing of what is in it. */
function secretOf(text: string, path: string): string {
  const secret = text.trim();
  if (secret === '') throw new Error(`the file ${path} is empty`);
  if (/[\r\n]/.test(secret)) throw new Error(`the file ${path} has several lines`);
  return secret;
}
