// Asks the admin API of a running server for the commands about tenants and tokens. A change is
// sent once: whether one that got no answer happened is for the user to look at.
import { errorMessage } from '../../stdx/assert.ts';
import { EXIT } from '../exit-codes.ts';
import { limitSetting } from '../settings/kinds.ts';
import { CommandError } from './command-error.ts';
import { baseUrl, requestHeaders, TOKEN_FLAGS_HELP, TOKEN_OPTIONS } from './credentials.ts';
import { reasonOf } from './http-sender.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export const ADMIN_OPTIONS = {
  url: { type: 'string' },
  ...TOKEN_OPTIONS,
  json: { type: 'boolean', default: false },
} as const;

export const ADMIN_FLAGS_HELP = `  --url URL           server [http://127.0.0.1:4332, or ORRERY_URL]
${TOKEN_FLAGS_HELP}  --json              the server's answer as it is
`;

export interface AdminFlags {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly 'token-file'?: string | undefined;
}

interface Refusal {
  readonly error?: { readonly message?: unknown };
}

export class AdminClient {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ url, ...flags }: AdminFlags, terminal: Terminal) {
    this.#base = baseUrl(url, terminal);
    this.#headers = requestHeaders(flags, terminal);
  }

  /** Segments below `/orrery/v1`. Throws CommandError where there is no answer, or a refusal. */
  async ask<T>(method: string, segments: readonly string[], body?: unknown): Promise<T> {
    const path = segments.map(encodeURIComponent).join('/');
    return await this.askPath<T>(method, path, body);
  }

  async askPath<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { response, text } = await this.#fetch(method, path, body);
    const answer = parsed(text);
    if (answer === undefined) throw this.#stranger();
    if (response.ok) return answer as T;
    throw refusal(response, answer);
  }

  /** What is answered in another form than JSON. */
  async askText(path: string): Promise<string> {
    const { response, text } = await this.#fetch('GET', path);
    if (response.ok) return text;
    const answer = parsed(text);
    throw answer === undefined ? this.#stranger() : refusal(response, answer);
  }

  #stranger(): CommandError {
    return new CommandError(EXIT.failed, `what answers at ${this.#base} is no orrery`);
  }

  async #fetch(method: string, path: string, body?: unknown) {
    try {
      const response = await fetch(`${this.#base}/orrery/v1/${path}`, {
        method,
        headers: { ...this.#headers, 'Content-Type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { response, text: await response.text() };
    } catch (error) {
      const message = `no answer from ${this.#base}: ${reasonOf(error)}`;
      throw new CommandError(EXIT.failed, message, { cause: error });
    }
  }
}

function refusal(response: Response, answer: object): CommandError {
  const { error: { message } = {} } = answer as Refusal;
  const reason = typeof message === 'string' ? message : `status ${response.status}`;
  return new CommandError(EXIT.refused, reason);
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // Something else answers at that address; the caller says so.
    return undefined;
  }
}

/** `NAME=VALUE`, the first `=` between them. */
export function pairOf(flag: string, text: string): readonly [name: string, value: string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new UsageError(`${flag} "${text}" is not NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** `ID=VALUE` of a limit, as the server's own setting takes it. */
export function limitOf(text: string): readonly [id: string, value: number] {
  try {
    const { id, value } = limitSetting(text);
    return [id, value];
  } catch (cause) {
    throw new UsageError(`--limit "${text}": ${errorMessage(cause)}`, { cause });
  }
}

export function namesText(count: number): string {
  return count === 1 ? 'one name' : `${count || 'no'} names`;
}

export function printJson(terminal: Terminal, value: unknown): void {
  terminal.out(`${JSON.stringify(value)}\n`);
}

export function limitsText(limits: Readonly<Record<string, number>>): string {
  const texts = Object.entries(limits).map(([id, value]) => `${id}=${value}`);
  return texts.join(', ') || '-';
}

/** The day and minute of a time of the API. */
export function timeCell(time: string | null): string {
  return time === null ? '-' : time.slice(0, 16).replace('T', ' ');
}
