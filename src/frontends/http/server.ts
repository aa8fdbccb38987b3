// The one HTTP listener: host rule → route table → origin rule → declared length → who are you →
// handler. What a handler throws becomes its route's own error answer; a broken invariant is
// contained to its request and logged; a broken environment goes to `onFatal`. Draining answers
// what has arrived and takes nothing new.
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Server as TlsServer } from 'node:https';
import { AppError } from '../../model/errors.ts';
import type { LimitFacts } from '../../model/errors.ts';
import type { Principal, TenantId } from '../../model/tenant.ts';
import { BugError, errorMessage, FatalError } from '../../stdx/assert.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { MetricsRegistry } from '../../telemetry/registry.ts';
import type { Deed } from '../../tenancy/audit.ts';
import type { Authenticator } from '../../tenancy/authenticator.ts';
import { withLimit } from './answer.ts';
import { BodyGate } from './body-gate.ts';
import { checkDeclaredLength } from './body.ts';
import { credentialsOf } from './credentials.ts';
import { Exchange } from './exchange.ts';
import { checkHost, checkOrigin, checkSingleHost, isCodedChunks } from './guard.ts';
import { corsHeaders, preflightHeaders } from './guard.ts';
import type { GuardRules } from './guard.ts';
import {
  BODY_BYTES_IN_FLIGHT_MAX,
  CONNECTIONS_MAX,
  HEADER_SIZE_BYTES_MAX,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  LINGER_BYTES_MAX,
  LINGER_MS,
  LINGER_SHORT_BYTES_MAX,
  NEXT_REQUEST_MS,
  PATIENCE_CHECK_MS,
  READ_IDLE_MS,
  READMIT_MS,
  REQUEST_TIMEOUT_MS,
  WRITE_BODY_BYTES_MAX,
} from './limits.ts';
import { httpMetrics } from './metrics.ts';
import type { HttpMetrics } from './metrics.ts';
import { METHOD_NOT_ALLOWED, plainErrors } from './errors.ts';
import { RefusalPace } from './refusal-pace.ts';
import { checkReach } from './route.ts';
import type { ErrorShape, Route } from './route.ts';
import { Router } from './router.ts';
import type { RouteMiss } from './router.ts';

// Importing node:http reads its getters, and WebSocket's loads an HTTP client: 7 MB and 35 ms
// (docs/decisions/0006).
const http = process.getBuiltinModule('node:http');

/** The path exists under other methods. */
class MethodError extends AppError {
  constructor(message: string) {
    super('unsupported', METHOD_NOT_ALLOWED, message);
  }
}

/** How long a client may take. */
export interface Patience {
  /** From the first byte to the end of the headers. */
  readonly headersMs: number;
  /** From the first byte to the end of the body. */
  readonly requestMs: number;
  /** How often connections are looked at. */
  readonly checkMs: number;
  /** Without a byte taken of an answer that is complete here. */
  readonly readIdleMs: number;
}

const DEFAULT_PATIENCE: Patience = {
  headersMs: HEADERS_TIMEOUT_MS,
  requestMs: REQUEST_TIMEOUT_MS,
  checkMs: PATIENCE_CHECK_MS,
  readIdleMs: READ_IDLE_MS,
};

function pathOf(url: string): string {
  const question = url.indexOf('?');
  return question < 0 ? url : url.slice(0, question);
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)\/?/i;

/** A target in absolute form is the same request, where it names the host that `Host` names. */
function toOriginForm(request: IncomingMessage): void {
  const { url = '/', headers } = request;
  if (url.startsWith('/')) return;
  const [prefix, host] = ABSOLUTE.exec(url) ?? [];
  if (prefix === undefined || host!.toLowerCase() !== headers.host?.toLowerCase()) return;
  request.url = `/${url.slice(prefix.length)}`;
}

/** One of several doors takes two large writes at least, so that one can wait for another. */
function bodyBytesShare(doorCount: number): number {
  return Math.max(Math.floor(BODY_BYTES_IN_FLIGHT_MAX / doorCount), 2 * WRITE_BODY_BYTES_MAX);
}

/** A body that is sooner read to its end than a new connection is made. */
function isShort({ headers }: IncomingMessage): boolean {
  const declared = headers['content-length'];
  return declared !== undefined && Number(declared) <= LINGER_SHORT_BYTES_MAX;
}

function missError(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  { allowed }: RouteMiss,
): AppError {
  if (allowed.length === 0)
    return new AppError('notFound', 'no-such-path', `there is nothing at ${path.slice(0, 200)}`);
  const list = allowed.join(', ');
  response.setHeader('Allow', list);
  return new MethodError(`${request.method} is not allowed at this path, only ${list}`);
}

/** What is about the whole server is for its admins, figures also for who may read just these. */
function isForServerAdmins(
  { permission, tenantScope }: Route,
  { permissions }: Principal,
): boolean {
  if (permission === 'metrics') return !permissions.has('metrics');
  return permission === 'admin' && tenantScope === 'server';
}

/** PEM. */
export interface TlsKeys {
  /** The server's first, those between it and the root behind it. */
  readonly certificate: string;
  readonly key: string;
}

/** Without `Basic`: browsers would ask for a password in front of the console. */
const CHALLENGE = 'Bearer realm="orrery"';

const TLS_VERSION_MIN = 'TLSv1.2';

function contextOf({ certificate, key }: TlsKeys) {
  return { cert: certificate, key, minVersion: TLS_VERSION_MIN } as const;
}

export interface Limited {
  readonly principal: Principal;
  readonly limit: LimitFacts;
  /** Of the route. */
  readonly path: string;
  readonly peer: string;
}

export interface RefusedWrite {
  readonly tenant: TenantId;
  /** Of the route. */
  readonly path: string;
  readonly peer: string;
  readonly reason: string;
}

export interface Done {
  readonly principal: Principal;
  readonly peer: string;
  readonly deed: Deed;
}

export interface HttpServerOptions {
  readonly routes: readonly Route[];
  readonly authenticator: Authenticator;
  /** May it use admin routes of the whole server? Default: every admin may. */
  readonly isServerAdmin?: (principal: Principal) => boolean;
  readonly rules: GuardRules;
  readonly logger: Logger;
  readonly registry: MetricsRegistry;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** How long a client may take; default: limits.ts. */
  readonly patience?: Patience;
  /** How many doors share the bounds of one; default: this one has them alone. */
  readonly doorCount?: number;
  /** Speaks HTTPS with these; default: HTTP. */
  readonly keys?: TlsKeys;
  /** Serves, with its rules and all, what the table does not hold; default: the door says so. */
  readonly elsewhere?: (request: IncomingMessage, response: ServerResponse) => void;
  /**
   * Asked before the body of a write is read, with the length that is declared: the largest body
   * that its sender may send. Throws AppError where it may send none.
   */
  readonly writeGuard?: (principal: Principal, declaredBytes: number) => number;
  /** A limit of a tenant or a token refused the request. */
  readonly onLimited?: (limited: Limited) => void;
  /** A write was refused whose rows nobody else told of: it did not come to a parser. */
  readonly onWriteRefused?: (refused: RefusedWrite) => void;
  /** Somebody is about to do what the audit log should have; resolves when it has. */
  readonly onDeed?: (done: Done) => Promise<void>;
  /** A FatalError reached the door: the process must not go on. */
  readonly onFatal: (error: Error) => void;
}

/** Codes of errors about the size of a body that was on its way, or was decoded. */
const BODY_TOO_LARGE: ReadonlySet<string> = new Set(['body-too-large', 'remote-write-snappy']);

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  /** The same, where it speaks HTTPS. */
  readonly #tlsServer: TlsServer | undefined;
  readonly #router: Router;
  readonly #gate: BodyGate;
  readonly #metrics: HttpMetrics;
  readonly #patience: Patience;
  readonly #pace = new RefusalPace();
  /** Connections whose answer waits for its turn. */
  readonly #paced = new WeakSet<Socket>();
  /** Of those who were asked for. */
  readonly #running = new Set<Exchange>();
  #draining = false;
  /** Connections without a request are closed. */
  #isClosing = false;
  /** Connections that end with an answer that was given before all of them was read. */
  readonly #hungUp = new WeakSet<Duplex>();

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#router = new Router(options.routes);
    const { doorCount = 1 } = options;
    this.#gate = new BodyGate(bodyBytesShare(doorCount));
    this.#metrics = httpMetrics(options.registry, this.#gate);
    const patience = options.patience ?? DEFAULT_PATIENCE;
    this.#patience = patience;
    const timing = {
      maxHeaderSize: HEADER_SIZE_BYTES_MAX,
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      connectionsCheckingInterval: patience.checkMs,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      noDelay: true,
    };
    const { keys } = options;
    this.#tlsServer = keys && this.#createTls(keys, timing);
    this.#server = this.#tlsServer ?? http.createServer(timing);
    this.#server.maxConnections = Math.ceil(CONNECTIONS_MAX / doorCount);
    const { elsewhere } = options;
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      if (this.#isHungUp(request, response)) return;
      toOriginForm(request);
      if (elsewhere === undefined || this.#isHere(request))
        return void this.#serve(request, response);
      response.once('finish', () => {
        if (this.#draining) this.#closeAfter(response);
      });
      elsewhere(request, response);
    };
    this.#server.on('request', serve);
    // `100 Continue` is sent when a handler reads the body, after everything else was checked.
    this.#server.on('checkContinue', serve);
  }

  /**
   * Resolves to the bound address; port 0 picks a free one. `reusePort`: the system spreads
   * connections over all who listen there.
   */
  listen(address: {
    readonly host: string;
    readonly port: number;
    readonly reusePort?: boolean;
  }): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address, () => {
        this.#server.off('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** What stands behind a message that two readers could cut differently is not carried out. */
  #isHungUp({ headers, socket }: IncomingMessage, response: ServerResponse): boolean {
    if (this.#hungUp.has(socket)) return true;
    if (!isCodedChunks(headers)) return false;
    this.#hungUp.add(socket);
    response.writeHead(400, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
    response.end('the only Transfer-Encoding that is taken is chunked\n');
    return true;
  }

  /**
   * Serves a connection that somebody else took, without TLS; it must understand `setTimeout`.
   */
  accept(connection: Duplex): void {
    this.#server.emit(
      this.#tlsServer === undefined ? 'connection' : 'secureConnection',
      connection,
    );
  }

  #createTls(keys: TlsKeys, timing: ServerOptions): TlsServer {
    const handshakeTimeout = this.#patience.headersMs;
    const options = { ...timing, ...contextOf(keys), handshakeTimeout };
    const server = process.getBuiltinModule('node:https').createServer(options);
    server.on('tlsClientError', () => this.#metrics.handshakeFailed());
    return server;
  }

  /** Connections from now on are made with these. Throws what TLS says of them. */
  renewKeys(keys: TlsKeys): void {
    this.#tlsServer?.setSecureContext(contextOf(keys));
  }

  #isHere({ method = 'GET', url = '/' }: IncomingMessage): boolean {
    return 'route' in this.#router.find(method, pathOf(url));
  }

  /**
   * Takes no new connection, lets running requests end, cuts what is left after `graceMs`. Who asks
   * again at once is answered and told to close: a connection that is closed as the next request
   * is under way looks like a failure to its client. So those without a request go a little later.
   */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    const { scheduler } = this.#options;
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    // Not the close of HTTP, which would end connections without a request now.
    NetServer.prototype.close.call(this.#server, () => resolve());
    const cancel = scheduler.after(graceMs, () => this.#server.closeAllConnections());
    await Promise.race([closed, scheduler.sleep(Math.min(NEXT_REQUEST_MS, graceMs))]);
    this.#isClosing = true;
    this.#server.close();
    await closed;
    cancel();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedMs = this.#options.clock.monotonicMs();
    const url = request.url ?? '/';
    const path = pathOf(url);
    let routePath = 'none';
    let shape: ErrorShape = plainErrors;
    let exchange: Exchange | undefined = undefined;
    let writer: Principal | undefined = undefined;
    let asker: Principal | undefined = undefined;
    try {
      response.setHeader('X-Content-Type-Options', 'nosniff');
      // No page of another site may pull an answer into its own process as an image or a script.
      response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
      if (this.#draining) response.setHeader('Connection', 'close');
      checkSingleHost(request.rawHeaders);
      checkHost(this.#options.rules, request.headers.host);
      if (this.#answerPreflight(request, response, path)) return;
      const found = this.#router.find(request.method ?? 'GET', path);
      shape = 'route' in found ? found.route.errors : found.errors;
      if ('route' in found) {
        routePath = found.route.path;
        const queryText = url.slice(path.length + 1);
        const principal = this.#admit(request, found.route, queryText);
        asker = principal;
        let { bodyLimitBytes } = found.route;
        if (found.route.permission === 'write' && principal !== undefined) {
          writer = principal;
          bodyLimitBytes = this.#bodyLimit(request, principal, bodyLimitBytes);
        }
        checkDeclaredLength(request, bodyLimitBytes);
        const { params } = found;
        const gate = this.#gate;
        const record = this.#recorderOf(request, principal);
        const about = { params, queryText, principal, record };
        const holder = found.route.permission === 'admin' ? undefined : principal?.tenant;
        const body = { bodyLimitBytes, gate, holder };
        const readmit = this.#readmission(request, found.route, queryText, startedMs);
        exchange = new Exchange({ request, response, ...about, ...body, readmit });
        this.#running.add(exchange);
        await found.route.handler(exchange);
      } else throw missError(request, response, path, found);
    } catch (error) {
      const refusal = this.#inWordsOfLimit(this.#asAppError(error, path), writer, exchange);
      if (exchange?.isReported !== true) {
        this.#tellLimited(request, routePath, asker, refusal);
        if (writer !== undefined) this.#tellRefused(request, routePath, writer, refusal);
      }
      const limit = refusal.limit ?? exchange?.limit;
      await this.#refuse(request, response, refusal, (...given) =>
        withLimit(shape(...given), limit),
      );
    } finally {
      if (exchange !== undefined) this.#end(exchange);
      // Taken back by node when the answer is out and the connection waits for its next request.
      if (!response.writableFinished) response.setTimeout(this.#patience.readIdleMs);
      if (this.#draining) this.#closeAfter(response);
      const seconds = (this.#options.clock.monotonicMs() - startedMs) / 1000;
      this.#metrics.request(routePath, request.method ?? '', response.statusCode, seconds);
    }
  }

  #end(exchange: Exchange): void {
    this.#running.delete(exchange);
    exchange.dispose();
  }

  /** As ExchangeParts.readmit. */
  #readmission(request: IncomingMessage, route: Route, queryText: string, startedMs: number) {
    return (when?: 'always'): void => {
      const passedMs = this.#options.clock.monotonicMs() - startedMs;
      if (when === 'always' || passedMs > READMIT_MS) this.#admit(request, route, queryText);
    };
  }

  /** Of what runs, ends what would not begin now: somebody lost a token or a tenant. */
  recheck(): void {
    for (const exchange of this.#running) exchange.recheck();
  }

  /** A connection that stays open after its last answer would hold up the drain. */
  #closeAfter(response: ServerResponse): void {
    const close = (): void => void (this.#isClosing && this.#server.closeIdleConnections());
    if (response.writableFinished) close();
    else response.once('finish', close);
  }

  /** CORS headers for every request; true where it was a preflight and is answered. */
  #answerPreflight(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const { rules } = this.#options;
    const cors = corsHeaders(rules, request.headers);
    for (const [name, value] of Object.entries(cors)) response.setHeader(name, value);
    if (request.method !== 'OPTIONS') return false;
    const found = this.#router.find('OPTIONS', path);
    const allowed = 'route' in found ? [] : found.allowed;
    if (allowed.length > 0) response.setHeader('Allow', [...allowed, 'OPTIONS'].join(', '));
    const isListed = cors['Access-Control-Allow-Origin'] !== undefined;
    response.writeHead(204, isListed ? preflightHeaders(request.headers) : {}).end();
    return true;
  }

  /** Looks at headers and the query string only: nothing of the body is read before. */
  #admit(request: IncomingMessage, route: Route, queryText: string): Principal | undefined {
    checkOrigin(this.#options.rules, route.method, request.headers);
    const { permission, tokenParameter: name } = route;
    if (permission === 'none') return undefined;
    const { authenticator, isServerAdmin } = this.#options;
    const parameter = name === undefined ? undefined : { name, queryText };
    const principal = authenticator.authenticate(credentialsOf(request, parameter), permission);
    if (isForServerAdmins(route, principal) && isServerAdmin?.(principal) === false)
      throw new AppError(
        'forbidden',
        'server-scope',
        'this is about the whole server: only a token of scope "server" may do it',
      );
    checkReach(route, principal);
    return principal;
  }

  #recorderOf({ socket }: IncomingMessage, principal: Principal | undefined) {
    return async (deed: Deed): Promise<void> => {
      if (principal === undefined) return;
      await this.#options.onDeed?.({ principal, peer: socket.remoteAddress ?? '', deed });
    };
  }

  #bodyLimit(request: IncomingMessage, principal: Principal, ofRoute: number): number {
    const { writeGuard } = this.#options;
    if (writeGuard === undefined) return ofRoute;
    const declared = Number(request.headers['content-length'] ?? 0);
    return Math.min(writeGuard(principal, declared), ofRoute);
  }

  /** A body that was larger than it said: where the writer's own limit bounds it, it is named. */
  #inWordsOfLimit(
    error: AppError,
    writer: Principal | undefined,
    exchange: Exchange | undefined,
  ): AppError {
    const { writeGuard } = this.#options;
    if (!BODY_TOO_LARGE.has(error.code) || error.kind !== 'tooLarge') return error;
    if (writer === undefined || exchange === undefined || writeGuard === undefined) return error;
    try {
      writeGuard(writer, exchange.bodyLimitBytes + 1);
    } catch (limited) {
      if (limited instanceof AppError && limited.kind === 'tooLarge') return limited;
    }
    return error;
  }

  #tellLimited(
    { socket }: IncomingMessage,
    path: string,
    principal: Principal | undefined,
    { limit }: AppError,
  ): void {
    if (principal === undefined || limit === undefined) return;
    this.#options.onLimited?.({ principal, limit, path, peer: socket.remoteAddress ?? '' });
  }

  /** Of what the client did and can change; not of what may pass, nor of what went wrong here. */
  #tellRefused(
    request: IncomingMessage,
    path: string,
    { tenant }: Principal,
    { kind, retryable, message: reason }: AppError,
  ): void {
    if (retryable || ['internal', 'corrupt', 'canceled'].includes(kind)) return;
    const peer = request.socket.remoteAddress ?? '';
    this.#options.onWriteRefused?.({ tenant, path, peer, reason });
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
    if (error.kind === 'unauthenticated') await this.#waitTurn(request, response);
    // Half an answer cannot become an error: cut it, so that the client does not take it for whole.
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const answer = shape(error, request);
    const status = error instanceof MethodError ? 405 : answer.status;
    const headers: Record<string, string | number> = { ...answer.headers };
    if (error.retryAfterSec !== undefined) headers['Retry-After'] = error.retryAfterSec;
    if (error.kind === 'unauthenticated') headers['WWW-Authenticate'] = CHALLENGE;
    const body = Buffer.from(answer.body ?? '');
    if (answer.status !== 204) headers['Content-Length'] = body.length;
    const isBodyComing =
      request.headers['content-length'] !== undefined ||
      request.headers['transfer-encoding'] !== undefined;
    if (isBodyComing && !request.complete && isShort(request)) await this.#linger(request);
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

  /** One on a connection: who sends more before the answer is there is cut. */
  async #waitTurn({ socket }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, scheduler } = this.#options;
    const waitMs = this.#pace.waitMs(clock.monotonicMs());
    if (waitMs === 0 || this.#draining) return;
    if (this.#paced.has(socket)) {
      response.destroy();
      return;
    }
    this.#paced.add(socket);
    try {
      await scheduler.sleep(waitMs);
    } finally {
      this.#paced.delete(socket);
    }
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
