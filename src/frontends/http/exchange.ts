// One request and its answer, as a handler sees it: parsed lazily, authenticated already. The
// body's bytes are held until the exchange ends; everything a handler gets from here dies with the
// exchange.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../../model/tenant.ts';
import { AppError } from '../../model/errors.ts';
import type { LimitFacts } from '../../model/errors.ts';
import { must } from '../../stdx/assert.ts';
import type { Deed } from '../../tenancy/audit.ts';
import { freeAtOnce, freeOutput } from '../../stdx/freed.ts';
import { checkCoding, checkDeclaredLength, clientGone, contentCoding } from './body.ts';
import { decodeBody, readRaw } from './body.ts';
import type { BodyGate, Holder } from './body-gate.ts';
import { withLimit } from './answer.ts';
import type { Answer, KeptBodies, PathParams } from './answer.ts';
import { answerCoding, compressed, isCompressible, sendCompressed } from './compression.ts';
import { COMPRESS_BYTES_MIN, COMPRESS_INLINE_BYTES_MAX } from './limits.ts';

export interface StreamOptions {
  /** Default: the client's. A query's hears the client too. */
  readonly signal?: AbortSignal;
  /** What was sent of the same answer before. */
  readonly kept?: KeptBodies | undefined;
}

export interface ExchangeParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Of the route: as sent and decompressed; 0 = none is taken. */
  readonly bodyLimitBytes: number;
  readonly params: PathParams;
  /** Raw query string without the question mark. */
  readonly queryText: string;
  /** undefined on routes with permission 'none'. */
  readonly principal: Principal | undefined;
  readonly gate: BodyGate;
  /** Writes to the audit log; undefined: there is none. */
  readonly record?: (deed: Deed) => Promise<void>;
  /** Whose the body is. */
  readonly holder: Holder;
  /** Asks again who is asking, where the request began long ago or `always`; throws AppError. */
  readonly readmit?: (when?: 'always') => void;
}

const FORM_TYPE = 'application/x-www-form-urlencoded';

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly bodyLimitBytes: number;
  readonly params: PathParams;
  readonly #parts: ExchangeParts;
  #search: URLSearchParams | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #heldBytes = 0;
  #isReported = false;
  #limit: LimitFacts | undefined = undefined;
  readonly #borrowed: Uint8Array[] = [];
  /** The body as it came out of a decompressor. */
  #raw: Uint8Array | undefined = undefined;
  #decoded: Uint8Array | undefined = undefined;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.request = parts.request;
    this.response = parts.response;
    this.bodyLimitBytes = parts.bodyLimitBytes;
    this.params = parts.params;
  }

  /** Parameters of the query string. */
  get search(): URLSearchParams {
    return (this.#search ??= new URLSearchParams(this.#parts.queryText));
  }

  get principal(): Principal {
    return must(this.#parts.principal, 'routes with permission "none" have no principal');
  }

  /** Address of the client; '' where it is gone or comes from within the process. */
  get peer(): string {
    return this.request.socket.remoteAddress ?? '';
  }

  /** Has the ingest reported what became of the rows of this request? */
  get isReported(): boolean {
    return this.#isReported;
  }

  /** `limit`: one that refused a part of the write; the answer tells it, where it is JSON. */
  setReported(limit?: LimitFacts): void {
    this.#isReported = true;
    this.#limit = limit;
  }

  get limit(): LimitFacts | undefined {
    return this.#limit;
  }

  /** The same request with its body, answered to another place: a dry run. */
  answering(response: ServerResponse): Exchange {
    return new Exchange({ ...this.#parts, response });
  }

  /**
   * Does what should be remembered: the audit log has it before it is done, and where it fails,
   * that it did.
   */
  async deed<T>(deed: Deed, work: () => Promise<T>): Promise<T> {
    await this.record(deed);
    try {
      return await work();
    } catch (error) {
      const failed = error instanceof AppError ? error.code : 'internal';
      await this.record({ ...deed, after: { ...deed.after, failed } });
      throw error;
    }
  }

  /** A row of the audit log; resolves when it is there. */
  async record(deed: Deed): Promise<void> {
    await this.#parts.record?.(deed);
  }

  /** A header with one value; undefined where it is absent. */
  header(lowerCaseName: string): string | undefined {
    const value = this.request.headers[lowerCaseName];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Aborts when the client goes away before the answer is complete, or may not ask any more. */
  get signal(): AbortSignal {
    return this.#aborter().signal;
  }

  #aborter(): AbortController {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      if (this.response.destroyed) abort.abort(clientGone(undefined));
      this.response.once('close', () => {
        if (!this.response.writableFinished) abort.abort(clientGone(undefined));
      });
    }
    return this.#abort;
  }

  #take = (sizeBytes: number): void => {
    this.#parts.gate.take(this.#parts.holder, sizeBytes);
    this.#heldBytes += sizeBytes;
  };

  /**
   * The body as sent; its memory is another one's when the exchange has ended. Who held it back
   * until its token was revoked is refused.
   */
  async rawBody(): Promise<Uint8Array> {
    const limitBytes = this.bodyLimitBytes;
    checkDeclaredLength(this.request, limitBytes);
    const body = await readRaw(this.request, this.response, {
      limitBytes,
      take: this.#take,
      borrow: (sizeBytes, wishBytes) => this.borrow(sizeBytes, wishBytes),
    });
    this.#parts.readmit?.();
    if (this.#borrowed.length === 0) this.#raw = body;
    return body;
  }

  /** Ends with what is said to who may not ask any more; an answer that has begun is cut. */
  recheck(): void {
    try {
      this.#parts.readmit?.('always');
    } catch (error) {
      this.#aborter().abort(error);
    }
  }

  /** The body, decompressed as Content-Encoding says, or as the protocol says in another way. */
  async body(coding = contentCoding(this.request)): Promise<Uint8Array> {
    checkCoding(coding);
    const raw = await this.rawBody();
    const limitBytes = this.bodyLimitBytes;
    const { gate, holder } = this.#parts;
    const decoded = await decodeBody(raw, coding, { limitBytes, gate, holder });
    if (decoded !== raw) {
      this.hold(decoded.length);
      this.#decoded = decoded;
    }
    return decoded;
  }

  /** Counts memory made from the body (a decoder's output) as part of it. */
  hold(sizeBytes: number): void {
    this.#take(sizeBytes);
  }

  /** Memory for a body or a decoder's output, at least so many bytes, until the exchange ends. */
  borrow(sizeBytes: number, wishBytes = sizeBytes): Uint8Array {
    const piece = this.#parts.gate.memory.take(sizeBytes, wishBytes);
    this.#borrowed.push(piece);
    return piece;
  }

  /** Parameters of a form body and of the query string; the body's come first. */
  async form(): Promise<URLSearchParams> {
    if (this.bodyLimitBytes === 0) return this.search;
    const type = this.header('content-type');
    const isForm = type !== undefined && type.toLowerCase().startsWith(FORM_TYPE);
    if (!isForm) {
      if (type === undefined || Number(this.header('content-length') ?? 0) === 0)
        return this.search;
      const message = `Content-Type must be ${FORM_TYPE}, not "${type.slice(0, 100)}"`;
      throw new AppError('unsupported', 'content-type', message);
    }
    const body = await this.body();
    const all = new URLSearchParams(Buffer.from(body).toString('utf8'));
    for (const [name, value] of this.search) all.append(name, value);
    return all;
  }

  /** Sends a complete answer. */
  send(given: Answer): void {
    const answer = withLimit(given, this.#limit);
    const { headers = {} } = answer;
    let body = answer.body ?? '';
    let length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    for (const [name, value] of Object.entries(headers)) this.response.setHeader(name, value);
    if (length >= COMPRESS_BYTES_MIN && isCompressible(headers)) {
      this.response.appendHeader('Vary', 'Accept-Encoding');
      const coding = answerCoding(this.request, headers);
      if (coding !== undefined && length <= COMPRESS_INLINE_BYTES_MAX) {
        body = compressed(body, coding);
        length = body.length;
        this.response.setHeader('Content-Encoding', coding);
      }
    }
    // 204 and 304 have no body and must not announce one.
    if (answer.status !== 204 && answer.status !== 304)
      this.response.setHeader('Content-Length', length);
    this.response.writeHead(answer.status);
    if (length === 0) this.response.end();
    else this.response.end(body);
  }

  sendJson(status: number, value: unknown): void {
    const headers = { 'Content-Type': 'application/json; charset=utf-8' };
    this.send({ status, headers, body: JSON.stringify(value) });
  }

  /**
   * Sends an answer of unknown length, piece by piece, no faster than the client reads. Ends with
   * the reason of `signal`, also while it waits for a client that does not read. Where the same
   * body was kept, no piece is asked for.
   */
  async sendStream(
    status: number,
    headers: Readonly<Record<string, string>>,
    pieces: AsyncIterable<string | Uint8Array>,
    { signal = this.signal, kept }: StreamOptions = {},
  ): Promise<void> {
    const { response } = this;
    let coding = answerCoding(this.request, headers);
    const same = coding && kept?.of(coding);
    if (coding !== undefined && same !== undefined) {
      signal.throwIfAborted();
      response.appendHeader('Vary', 'Accept-Encoding');
      const more = { 'Content-Encoding': coding, 'Content-Length': String(same.length) };
      response.writeHead(status, { ...headers, ...more });
      response.end(same);
      return;
    }
    const iterator = pieces[Symbol.asyncIterator]();
    // The head waits for the first piece, so that an error before it still has its own status; the
    // second one tells whether there is more than one.
    const ahead = [await iterator.next()];
    if (ahead[0]!.done !== true) ahead.push(await iterator.next());
    if (signal.aborted) await iterator.return?.();
    signal.throwIfAborted();
    const whole = ahead[0]!;
    const isShort = lengthOf(whole.value) <= COMPRESS_INLINE_BYTES_MAX;
    // An answer with a length has no trailers.
    const isWhole = ahead[1]?.done === true && isShort && headers['Trailer'] === undefined;
    if (isWhole && whole.done !== true) return this.send({ status, headers, body: whole.value });
    const sizeBytes = ahead.reduce((sum, { value }) => sum + lengthOf(value), 0);
    if (sizeBytes < COMPRESS_BYTES_MIN) coding = undefined;
    if (isCompressible(headers)) response.appendHeader('Vary', 'Accept-Encoding');
    const all = rejoined(ahead, iterator);
    if (coding !== undefined) {
      response.writeHead(status, { ...headers, 'Content-Encoding': coding });
      return await sendCompressed(response, { coding, pieces: all, signal, kept });
    }
    response.writeHead(status, headers);
    for await (const piece of all) {
      signal.throwIfAborted();
      if (!response.write(piece)) await drained(response, signal);
    }
    response.end();
  }

  /** Gives the body's bytes back. Called once, by the server. */
  dispose(): void {
    if (this.#raw !== undefined) freeAtOnce(this.#raw);
    if (this.#decoded !== undefined) freeOutput(this.#decoded);
    this.#raw = this.#decoded = undefined;
    for (const piece of this.#borrowed) this.#parts.gate.memory.give(piece);
    if (this.#heldBytes > 0) this.#parts.gate.give(this.#parts.holder, this.#heldBytes);
    this.#heldBytes = 0;
  }
}

/** Characters or bytes of a piece; 0 of what is none. */
function lengthOf(piece: unknown): number {
  return typeof piece === 'string' || piece instanceof Uint8Array ? piece.length : 0;
}

/** What was read ahead, then the rest; ends the source however it ends. */
async function* rejoined<T>(
  ahead: readonly IteratorResult<T, unknown>[],
  iterator: AsyncIterator<T>,
): AsyncGenerator<T, void, void> {
  try {
    for (const result of ahead) {
      if (result.done === true) return;
      yield result.value;
    }
    for (;;) {
      const result = await iterator.next();
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    await iterator.return?.();
  }
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  try {
    await once(response, 'drain', { signal });
  } catch (error) {
    // `once` wraps the reason in an error of its own.
    signal.throwIfAborted();
    throw error;
  }
}
