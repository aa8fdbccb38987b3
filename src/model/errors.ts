// Operating errors: what a caller did, a limit, or a passing state. Each has a coarse closed kind
// from which every protocol makes its own status and body, and a stable code that scripts may test.
// The message is a sentence for people: what was asked, which limit or position, what to do next.

export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'notFound'
  | 'conflict'
  | 'tooLarge'
  | 'unsupported'
  | 'limited'
  | 'unavailable'
  | 'timeout'
  | 'canceled'
  | 'corrupt'
  | 'internal';

/** Which limit of a tenant or a token refused, for those that read it by machine. */
export interface LimitFacts {
  /** Of the table of limits; also the error's code. */
  readonly id: string;
  readonly limit: number;
  /** What was there or was asked for. */
  readonly value: number;
  /** What contributes most, the most first; may be empty. */
  readonly contributors: readonly string[];
  /** Page and anchor. */
  readonly docs: string;
}

/** Where a limit is described. */
export function limitDocs(id: string): string {
  return `docs/operations/limits.md#${id}`;
}

/** Of a limit that nobody is named for. */
export function factsOfLimit(
  id: string,
  { limit, value }: Pick<LimitFacts, 'limit' | 'value'>,
): LimitFacts {
  return { id, limit, value, contributors: [], docs: limitDocs(id) };
}

/** Behind the number of a limit, in a sentence. */
export function limitNote(id: string): string {
  return `(${id}, see ${limitDocs(id)})`;
}

export interface AppErrorOptions {
  /** May the same request succeed later without a change? */
  readonly retryable?: boolean;
  /** What `Retry-After` should say. */
  readonly retryAfterSec?: number;
  readonly cause?: unknown;
  readonly limit?: LimitFacts | undefined;
}

export class AppError extends Error {
  override readonly name: string = 'AppError';
  readonly kind: ErrorKind;
  /** Stable, kebab-case, e.g. 'body-too-large'. */
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterSec: number | undefined;
  readonly limit: LimitFacts | undefined;
  constructor(kind: ErrorKind, code: string, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.retryable = options.retryable ?? (kind === 'limited' || kind === 'unavailable');
    this.retryAfterSec = options.retryAfterSec;
    this.limit = options.limit;
  }
}

/** The HTTP status where the protocol has no rule of its own: of what one may not ask, 422. */
export function httpStatus({ kind, retryable, limit }: AppError): number {
  return kind === 'limited' && !retryable && limit !== undefined ? 422 : HTTP_STATUS[kind];
}

/** The HTTP status that fits a kind where the protocol has no rule of its own. */
export const HTTP_STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  tooLarge: 413,
  unsupported: 415,
  limited: 429,
  unavailable: 503,
  timeout: 503,
  canceled: 499,
  corrupt: 500,
  internal: 500,
};
