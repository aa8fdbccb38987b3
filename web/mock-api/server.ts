/**
 * A server with the console's files and a deterministic API: for the browser tests and for design
 * work. It sends the same policy as the product and answers every place with the one page.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answer } from './answers.ts';
import { CONSOLE_CSP } from './csp.ts';
import type { MockAnswer, MockState } from './mock-answer.ts';
import { answerOwn } from './own.ts';
import { newTenancy } from './tenancy.ts';

export interface MockServer {
  readonly url: string;
  /** Changes take effect with the next request. */
  readonly state: MockState;
  readonly close: () => Promise<void>;
}

const WEB_ROOT = fileURLToPath(new URL('../../dist/web/', import.meta.url));
const API_PREFIX = '/api/v1/';
const OWN_PREFIX = '/orrery/v1/';
const BODY_BYTES_MAX = 1 << 20;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Port 0 takes a free one. The store starts with host metrics of any age. */
export async function startMockServer(port: number): Promise<MockServer> {
  const state: MockState = {
    store: 'host',
    bornSec: 0,
    hasGuards: true,
    cancelled: [],
    refusedCount: 0,
    hasBreaches: false,
    rules: undefined,
    tenancy: newTenancy(),
    wantsToken: false,
    isOwnToken: false,
  };
  const server = createServer((request, response) => {
    handle(request, response, state).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, state, close: async () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  state: MockState,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://mock');
  const isOwn = url.pathname.startsWith(OWN_PREFIX);
  if (!isOwn && !url.pathname.startsWith(API_PREFIX)) {
    await sendFile(url.pathname, response);
    return;
  }
  const params = url.searchParams;
  const body = request.method === 'GET' ? '' : await readBody(request);
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/x-www-form-urlencoded')) {
    for (const [key, value] of new URLSearchParams(body)) params.set(key, value);
  }
  const prefix = isOwn ? OWN_PREFIX : API_PREFIX;
  const path = decodeURIComponent(url.pathname.slice(prefix.length));
  const { method = 'GET' } = request;
  const token = (request.headers.authorization ?? '').replace('Bearer ', '');
  const asked = { method, path, params, body, token };
  send(response, isOwn ? answerOwn(asked, state) : answer(path, params, state));
}

function send(
  response: ServerResponse,
  { status, body, headers = {}, delayMs = 0 }: MockAnswer,
): void {
  const timer = setTimeout(() => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined ? '' : JSON.stringify(body));
  }, delayMs);
  response.once('close', () => clearTimeout(timer));
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > BODY_BYTES_MAX) throw new Error('body too large');
  }
  return text;
}

async function sendFile(pathname: string, response: ServerResponse): Promise<void> {
  // Anything without an extension is a place of the console, and every place is the one page.
  const name =
    extname(pathname) === '' ? 'index.html' : normalize(pathname).replace(/^[/\\.]+/, '');
  const type = TYPES[extname(name)];
  const body = type === undefined ? undefined : await tryRead(join(WEB_ROOT, name));
  if (body === undefined || type === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found');
    return;
  }
  response
    .writeHead(200, {
      'content-type': type,
      'content-security-policy': CONSOLE_CSP,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    .end(body);
}

async function tryRead(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
