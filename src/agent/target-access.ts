// How a scrape shows who is asking, and whom it believes: what a target was found with names files,
// which are read for each scrape, so that renewed secrets and authorities count at once. A secret
// is in no label, no flag and no page. It goes to the target's own origin and to no place that this
// one redirects to; nor does the certificate that says who is asking.
import { ACCESS_FILE_BYTES_MAX } from './limits.ts';

const USER = '__basic_auth_username__';
const PASSWORD_FILE = '__basic_auth_password_file__';
const TOKEN_FILE = '__bearer_token_file__';
const CA_FILE = '__tls_ca_file__';
const CERT_FILE = '__tls_cert_file__';
const KEY_FILE = '__tls_key_file__';
const SERVER_NAME = '__tls_server_name__';
const INSECURE = '__tls_insecure_skip_verify__';

/** Labels whose value is the path of a file. */
export const ACCESS_FILE_LABELS: readonly string[] = [
  PASSWORD_FILE,
  TOKEN_FILE,
  CA_FILE,
  CERT_FILE,
  KEY_FILE,
];

/** A text, or the file that holds it now. */
export type Secret = { readonly text: string } | { readonly file: string };

export interface TargetAccess {
  readonly basic: { readonly user: Secret; readonly password: Secret } | undefined;
  /** `Authorization: TYPE CREDENTIALS`. */
  readonly authorization: { readonly type: string; readonly credentials: Secret } | undefined;
  readonly tls: TargetTls;
}

export interface TargetTls {
  /** PEM. undefined: those of the system are believed. */
  readonly ca?: Secret | undefined;
  /** Of this server, both or none. */
  readonly cert?: Secret | undefined;
  readonly key?: Secret | undefined;
  /** Whose certificate is expected, instead of the address's. */
  readonly serverName?: string | undefined;
  readonly isInsecure: boolean;
}

/** What one scrape needs of it. */
export interface OpenedAccess {
  readonly authorization: string | undefined;
  readonly ca: string | undefined;
  readonly client: ClientTls | undefined;
  readonly isInsecure: boolean;
}

/** For the target's own origin alone. */
export interface ClientTls {
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
}

export type ReadAccessFile = (path: string, limitBytes: number) => Promise<Uint8Array>;

function fileOf(path: string | undefined): Secret | undefined {
  return path === undefined ? undefined : { file: path };
}

/** Throws Error where it contradicts itself. */
export function accessOf(discovered: Readonly<Record<string, string>>): TargetAccess {
  const [user, password] = [discovered[USER], fileOf(discovered[PASSWORD_FILE])];
  const token = fileOf(discovered[TOKEN_FILE]);
  if ((user === undefined) !== (password === undefined))
    throw new Error('a user needs a file with the password, and this one a user');
  const tls = {
    ca: fileOf(discovered[CA_FILE]),
    cert: fileOf(discovered[CERT_FILE]),
    key: fileOf(discovered[KEY_FILE]),
    serverName: discovered[SERVER_NAME],
    isInsecure: discovered[INSECURE] === 'true',
  };
  const access = {
    basic:
      user === undefined || password === undefined ? undefined : { user: { text: user }, password },
    authorization: token && { type: 'Bearer', credentials: token },
    tls,
  };
  checkAccess(access);
  return access;
}

/** Throws Error where it contradicts itself. */
export function checkAccess({ basic, authorization, tls }: TargetAccess): void {
  if (basic !== undefined && 'text' in basic.user) checkUser(basic.user.text);
  if (basic !== undefined && authorization !== undefined)
    throw new Error('a user and a bearer token exclude each other');
  if ((tls.cert === undefined) !== (tls.key === undefined))
    throw new Error('a client certificate needs a file with its key, and this one a certificate');
}

function checkUser(user: string): void {
  if (user.includes(':')) throw new Error('the name of a user has no colon');
}

export async function openAccess(
  { basic, authorization, tls }: TargetAccess,
  read: ReadAccessFile,
): Promise<OpenedAccess> {
  const textOf = async (secret: Secret): Promise<string> =>
    'text' in secret
      ? secret.text
      : Buffer.from(await read(secret.file, ACCESS_FILE_BYTES_MAX)).toString();
  const lineOf = async (secret: Secret): Promise<string> => oneLine(await textOf(secret), secret);
  const pemOf = async (secret: Secret | undefined): Promise<string | undefined> =>
    secret && (await textOf(secret));
  let shown: string | undefined;
  if (authorization !== undefined)
    shown = `${authorization.type} ${await lineOf(authorization.credentials)}`;
  if (basic !== undefined) {
    const user = await lineOf(basic.user);
    checkUser(user);
    const text = `${user}:${await lineOf(basic.password)}`;
    shown = `Basic ${Buffer.from(text).toString('base64')}`;
  }
  const [ca, cert, key] = await Promise.all([tls.ca, tls.cert, tls.key].map(pemOf));
  const { serverName: servername, isInsecure } = tls;
  const client = {
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(servername !== undefined && { servername }),
  };
  return { authorization: shown, ca, client, isInsecure };
}

/** Without the end of its line. Throws Error that names the file and nothing of what is in it. */
function oneLine(text: string, from: Secret): string {
  const secret = text.trim();
  const what = 'file' in from ? `the file ${from.file}` : 'a secret of the configuration';
  if (secret === '') throw new Error(`${what} is empty`);
  if (/[\r\n]/.test(secret)) throw new Error(`${what} has several lines`);
  return secret;
}
