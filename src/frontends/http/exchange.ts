// One request and its answer, as a handler sees it: parsed lazily, authenticated already. The
// body's bytes are held until the exchange ends; everything a handler gets from here dies with the
// exchange.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../../model/tenant.ts';
import { AppError } from '../../model/errors.ts';
import { must } from '../../stdx/assert.ts';
import { checkCoding, checkDeclaredLength, clientGone, contentCoding } from './body.ts';
import { decodeBody, readRaw } from './body.ts';
import type { BodyGate } from './body-gate.ts';
import type { Answer, PathParams } from './answer.ts';

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
  readonly #borrowed: Uint8Array[] = [];

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

  /** A header with one value; undefined where it is absent. */
  header(lowerCaseName: string): string | undefined {
    const value = this.request.headers[lowerCaseName];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Aborts when the client goes away before the answer is complete. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      if (this.response.destroyed) abort.abort(clientGone(undefined));
      this.response.once('close', () => {
        if (!this.response.writableFinished) abort.abort(clientGone(undefined));
      });
    }
    return this.#abort.signal;
  }

  #take = (sizeBytes: number): void => {
    this.#parts.gate.take(sizeBytes);
    this.#heldBytes += sizeBytes;
  };

  /** The body as sent. */
  async rawBody(): Promise<Uint8Array> {
    const limitBytes = this.bodyLimitBytes;
    checkDeclaredLength(this.request, limitBytes);
    return await readRaw(this.request, this.response, { limitBytes, take: this.#take });
  }

  /** The body, decompressed as Content-Encoding says. */
  async body(): Promise<Uint8Array> {
    const coding = contentCoding(this.request);
    checkCoding(coding);
    const raw = await this.rawBody();
    const limitBytes = this.bodyLimitBytes;
    const decoded = await decodeBody(raw, coding, { limitBytes, gate: this.#parts.gate });
    if (decoded !== raw) this.hold(decoded.length);
    return decoded;
  }

  /** Counts memory made from the body (a decoder's output) as part of it. */
  hold(sizeBytes: number): void {
    this.#take(sizeBytes);
  }

  /** Memory for a decoder's output, at least so many bytes, until the exchange ends. */
  borrow(sizeBytes: number): Uint8Array {
    const piece = this.#parts.gate.memory.take(sizeBytes);
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
  send(answer: Answer): void {
    const body = answer.body ?? '';
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    if (answer.headers !== undefined)
      for (const [name, value] of Object.entries(answer.headers))
        this.response.setHeader(name, value);
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
   * the reason of `signal` (a query's, which hears the client too; default: the client's), also
   * while it waits for a client that does not read.
   */
  async sendStream(
    status: number,
    headers: Readonly<Record<string, string>>,
    pieces: AsyncIterable<string | Uint8Array>,
    signal = this.signal,
  ): Promise<void> {
    const { response } = this;
    let started = false;
    for await (const piece of pieces) {
      signal.throwIfAborted();
      // The head waits for the first piece, so that an error before it still has its own status.
      if (!started) response.writeHead(status, headers);
      started = true;
      if (!response.write(piece)) await drained(response, signal);
    }
    if (!started) response.writeHead(status, headers);
    response.end();
  }

  /** Gives the body's bytes back. Called once, by the server. */
  dispose(): void {
    for (const piece of this.#borrowed) this.#parts.gate.memory.give(piece);
    if (this.#heldBytes > 0) this.#parts.gate.give(this.#heldBytes);
    this.#heldBytes = 0;
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
