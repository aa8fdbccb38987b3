// The one HTTP listener: host rule → route table → origin rule → declared length → who are you →
// handler. What a handler throws becomes its route's own error answer; a broken invariant is
// contained to its request and logged; a broken environment goes to `onFatal`. Draining answers
// what has arrived and takes nothing new.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../../model/errors.ts';
import type { Principal } from '../../model/tenant.ts';
import { BugError, errorMessage, FatalError } from '../../stdx/assert.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { MetricsRegistry } from '../../telemetry/registry.ts';
import type { Authenticator } from '../../tenancy/authenticator.ts';
import { BodyGate } from './body-gate.ts';
import { checkDeclaredLength } from './body.ts';
import { credentialsOf } from './credentials.ts';
import { Exchange } from './exchange.ts';
import { checkHost, checkOrigin, corsHeaders, preflightHeaders } from './guard.ts';
import type { GuardRules } from './guard.ts';
import {
  CONNECTIONS_MAX,
  HEADER_SIZE_BYTES_MAX,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  LINGER_BYTES_MAX,
  LINGER_MS,
  REQUEST_TIMEOUT_MS,
} from './limits.ts';
import { httpMetrics } from './metrics.ts';
import type { HttpMetrics } from './metrics.ts';
import { plainErrors } from './errors.ts';
import type { ErrorShape, Route } from './route.ts';
import { Router } from './router.ts';
import type { RouteMatch } from './router.ts';

// Importing node:http reads its getters, and WebSocket's loads an HTTP client: 7 MB and 35 ms
// (docs/decisions/0006).
const http = process.getBuiltinModule('node:http');

/** The path exists under other methods. */
class MethodError extends AppError {
  constructor(message: string) {
    super('unsupported', 'method', message);
  }
}

export interface HttpServerOptions {
  readonly routes: readonly Route[];
  readonly authenticator: Authenticator;
  readonly rules: GuardRules;
  readonly logger: Logger;
  readonly registry: MetricsRegistry;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** A FatalError reached the door: the process must not go on. */
  readonly onFatal: (error: Error) => void;
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #router: Router;
  readonly #gate = new BodyGate();
  readonly #metrics: HttpMetrics;
  #draining = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#router = new Router(options.routes);
    this.#metrics = httpMetrics(options.registry, this.#gate);
    this.#server = http.createServer({
      maxHeaderSize: HEADER_SIZE_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      noDelay: true,
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
    const serve = (request: IncomingMessage, response: ServerResponse) =>
      void this.#serve(request, response);
    this.#server.on('request', serve);
    // `100 Continue` is sent when a handler reads the body, after everything else was checked.
    this.#server.on('checkContinue', serve);
  }

  /** Resolves to the bound address; port 0 picks a free one. */
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address.port, address.host, () => {
        this.#server.off('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Takes no new connection, lets running requests end, cuts what is left after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const cancel = this.#options.scheduler.after(graceMs, () => this.#server.closeAllConnections());
    await closed;
    cancel();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedMs = this.#options.clock.monotonicMs();
    const url = request.url ?? '/';
    const question = url.indexOf('?');
    const path = question < 0 ? url : url.slice(0, question);
    let routePath = 'none';
    let shape: ErrorShape = plainErrors;
    let exchange: Exchange | undefined = undefined;
    try {
      response.setHeader('X-Content-Type-Options', 'nosniff');
      if (this.#draining) response.setHeader('Connection', 'close');
      checkHost(this.#options.rules, request.headers.host);
      const found = this.#find(request, response, path);
      if (found !== undefined) {
        routePath = found.route.path;
        shape = found.route.errors;
        const principal = this.#admit(request, found.route);
        const queryText = question < 0 ? '' : url.slice(question + 1);
        const { params, route } = found;
        const { bodyLimitBytes } = route;
        const gate = this.#gate;
        const parts = { request, response, bodyLimitBytes, params, queryText, principal, gate };
        exchange = new Exchange(parts);
        await found.route.handler(exchange);
      }
    } catch (error) {
      await this.#refuse(request, response, this.#asAppError(error, path), shape);
    } finally {
      exchange?.dispose();
      if (this.#draining) this.#closeAfter(response);
      const seconds = (this.#options.clock.monotonicMs() - startedMs) / 1000;
      this.#metrics.request(routePath, request.method ?? '', response.statusCode, seconds);
    }
  }

  /** A connection that stays open after its last answer would hold up the drain. */
  #closeAfter(response: ServerResponse): void {
    const close = (): void => this.#server.closeIdleConnections();
    if (response.writableFinished) close();
    else response.once('finish', close);
  }

  /** The route, or undefined where the request (a preflight) is answered already. */
  #find(request: IncomingMessage, response: ServerResponse, path: string): RouteMatch | undefined {
    const { rules } = this.#options;
    const cors = corsHeaders(rules, request.headers);
    for (const [name, value] of Object.entries(cors)) response.setHeader(name, value);
    const method = request.method ?? 'GET';
    if (method === 'OPTIONS') {
      const isAllowed = cors['Access-Control-Allow-Origin'] !== undefined;
      response.writeHead(204, isAllowed ? preflightHeaders(request.headers) : {}).end();
      return undefined;
    }
    const found = this.#router.find(method, path);
    if ('route' in found) return found;
    if (found.allowed.length === 0)
      throw new AppError('notFound', 'no-such-path', `there is nothing at ${path.slice(0, 200)}`);
    const allowed = found.allowed.join(', ');
    response.setHeader('Allow', allowed);
    throw new MethodError(`${method} is not one of ${allowed}`);
  }

  #admit(request: IncomingMessage, route: Route): Principal | undefined {
    checkOrigin(this.#options.rules, route.method, request.headers);
    const { permission } = route;
    const principal =
      permission === 'none'
        ? undefined
        : this.#options.authenticator.authenticate(credentialsOf(request), permission);
    checkDeclaredLength(request, route.bodyLimitBytes);
    return principal;
  }

  #asAppError(error: unknown, path: string): AppError {
    if (error instanceof AppError) {
      if (error.kind === 'internal' || error.kind === 'corrupt')
        this.#options.logger.error(error.message, { code: error.code, path });
      return error;
    }
    if (error instanceof FatalError) this.#options.onFatal(error);
    const stack = error instanceof Error ? error.stack : undefined;
    const what = error instanceof BugError ? 'broken invariant' : 'unexpected error';
    this.#options.logger.error(`${what} in a request`, { path, error: errorMessage(error), stack });
    this.#metrics.bug();
    const message = 'the server met an error of its own; its log has the details';
    return new AppError('internal', 'internal', message, { cause: error });
  }

  async #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    error: AppError,
    shape: ErrorShape,
  ): Promise<void> {
    // Half an answer cannot become an error: cut it, so that the client does not take it for whole.
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const answer = shape(error);
    const status = error instanceof MethodError ? 405 : answer.status;
    const headers: Record<string, string | number> = { ...answer.headers };
    if (error.retryAfterSec !== undefined) headers['Retry-After'] = error.retryAfterSec;
    const body = Buffer.from(answer.body ?? '');
    if (answer.status !== 204) headers['Content-Length'] = body.length;
    const isBodyComing =
      request.headers['content-length'] !== undefined ||
      request.headers['transfer-encoding'] !== undefined;
    if (!isBodyComing || request.complete) {
      response.writeHead(status, headers).end(body);
      return;
    }
    response.writeHead(status, { ...headers, Connection: 'close' });
    if (body.length > 0) response.write(body);
    else response.flushHeaders();
    await this.#linger(request);
    response.end();
    if (!request.complete) request.destroy();
  }

  /**
   * Reads on for a moment: closing at once would reset the connection before the answer is read.
   */
  #linger(request: IncomingMessage): Promise<void> {
    if (request.headers.expect !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      let sizeBytes = 0;
      const cancel = this.#options.scheduler.after(LINGER_MS, done);
      function done(): void {
        cancel();
        request.pause();
        resolve();
      }
      request.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length;
        if (sizeBytes > LINGER_BYTES_MAX) done();
      });
      request.once('end', done);
      request.once('close', done);
      request.once('error', done);
      request.resume();
    });
  }
}
