// Requests to a running server that are tried again: while the server is away, full (429), or busy
// (503). Waits longer each time, or as long as `Retry-After` says, and gives up when a request has
// not come through for so long.
import { errorMessage } from '../../stdx/assert.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandError } from './command-error.ts';

const WAIT_FIRST_MS = 200;
const WAIT_MAX_MS = 10_000;
/** Patience with a server that has never answered: it may be another address. */
const FIRST_PATIENCE_MS = 10_000;
/** Silence after which a request counts as lost; a server under load may take a while. */
const ANSWER_TIMEOUT_MS = 300_000;
const TRY_AGAIN: readonly number[] = [429, 502, 503, 504];

export interface SenderOptions {
  /** Without a slash at its end. */
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  /** How long one request is tried. */
  readonly patienceMs: number;
  /** Hears why a request is sent again. */
  readonly onRetry: (reason: string) => void;
}

export interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
}

/** Why fetch failed, in the words of its cause. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return errorMessage(cause instanceof Error ? cause : error);
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}

export class HttpSender {
  readonly #options: SenderOptions;
  #hasAnswered = false;
  /** Requests that were sent again. */
  retryCount = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  get base(): string {
    return this.#options.base;
  }

  /**
   * The first answer that is no "try again". What `read` makes of it is part of the try: an answer
   * that breaks off is asked for again. Throws CommandError where none comes in time.
   */
  async send<T>(request: Request, read: (response: Response) => Promise<T>): Promise<T> {
    const { base } = this.#options;
    const startedMs = performance.now();
    for (let waitMs = WAIT_FIRST_MS; ; waitMs = Math.min(waitMs * 2, WAIT_MAX_MS)) {
      const tried = await this.#try(request, read);
      if ('value' in tried) return tried.value;
      const pauseMs = Math.max(waitMs, tried.retryAfterMs);
      const { patienceMs: longestMs } = this.#options;
      const patienceMs = this.#hasAnswered ? longestMs : Math.min(longestMs, FIRST_PATIENCE_MS);
      if (performance.now() - startedMs + pauseMs > patienceMs)
        throw new CommandError(EXIT.failed, `no answer from ${base}: ${tried.reason}`);
      this.retryCount++;
      this.#options.onRetry(tried.reason);
      await sleep(pauseMs);
    }
  }

  async #try<T>(
    { method, path, headers, body }: Request,
    read: (response: Response) => Promise<T>,
  ): Promise<{ readonly value: T } | { readonly reason: string; readonly retryAfterMs: number }> {
    let response: Response;
    const silence = new AbortController();
    const timer = setTimeout(() => {
      silence.abort(new Error(`no answer in ${ANSWER_TIMEOUT_MS / 1000} s`));
    }, ANSWER_TIMEOUT_MS);
    try {
      response = await fetch(this.#options.base + path, {
        method,
        headers: { ...this.#options.headers, ...headers },
        signal: silence.signal,
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      return { reason: reasonOf(error), retryAfterMs: 0 };
    } finally {
      clearTimeout(timer);
    }
    this.#hasAnswered = true;
    if (TRY_AGAIN.includes(response.status)) {
      const retryAfterMs = Number(response.headers.get('retry-after') ?? 0) * 1000;
      const text = await response.text().catch(reasonOf);
      const reason = `status ${response.status}: ${text.trim()}`;
      return { reason, retryAfterMs: Number.isFinite(retryAfterMs) ? retryAfterMs : 0 };
    }
    try {
      return { value: await read(response) };
    } catch (error) {
      if (error instanceof CommandError) throw error;
      return { reason: reasonOf(error), retryAfterMs: 0 };
    }
  }
}
