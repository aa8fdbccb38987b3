// Hands a request that came here to another door, byte for byte but for what belongs to the
// connection, and its answer back. Who asks what is decided there: nothing is looked at here. A
// client that goes away ends the request there; a door that goes away cuts the answer.
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { isContinueWanted } from './body.ts';

const http = process.getBuiltinModule('node:http');

/** Headers of one connection, not of the request or the answer. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
]);

/** `connect`: a fresh connection to the other door, on behalf of the client at an address. */
export function forward(
  request: IncomingMessage,
  response: ServerResponse,
  connect: (peer: string) => Duplex,
): void {
  const { method = 'GET', url: path = '/' } = request;
  const headers = requestHeaders(request);
  const createConnection = () => connect(request.socket.remoteAddress ?? '');
  const away = http.request({ method, path, headers, createConnection });
  away.on('response', (answer) => answerWith(request, response, answer));
  // 1xx of the other door.
  away.on('continue', () => {
    if (isContinueWanted(request)) response.writeContinue();
    request.pipe(away);
  });
  away.on('error', () => cut(response));
  response.on('close', () => away.destroy());
  request.on('error', () => away.destroy());
  sendBody(request, away);
}

function sendBody(request: IncomingMessage, away: ClientRequest): void {
  if (request.headers.expect === undefined) request.pipe(away);
  else away.flushHeaders();
}

/** Flat name, value, as they came: a header that came twice goes twice. */
function requestHeaders({ rawHeaders, headers, method }: IncomingMessage): string[] {
  const out = ofMessage(rawHeaders);
  if (headers['transfer-encoding'] !== undefined) out.push('Transfer-Encoding', 'chunked');
  else if (headers['content-length'] === undefined && method !== 'GET' && method !== 'HEAD')
    // Without a length the body would be announced as chunked.
    out.push('Content-Length', '0');
  return out;
}

function ofMessage(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, i) => !OF_CONNECTION.has(rawHeaders[i & ~1]!.toLowerCase()));
}

function pairs(flat: readonly string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) out.push([flat[i]!, flat[i + 1]!]);
  return out;
}

function answerWith(
  request: IncomingMessage,
  response: ServerResponse,
  answer: IncomingMessage,
): void {
  const headers = ofMessage(answer.rawHeaders);
  // The rest of a body that was refused is not read: the connection ends with the answer.
  if (!request.complete) headers.push('Connection', 'close');
  response.writeHead(answer.statusCode!, headers);
  response.flushHeaders();
  answer.on('error', () => cut(response));
  // Before the pipe's own end, which ends the answer.
  answer.on('end', () => response.addTrailers(pairs(answer.rawTrailers)));
  answer.pipe(response);
}

/** Half an answer must not pass for a whole one. */
function cut(response: ServerResponse): void {
  if (response.headersSent || response.destroyed) response.destroy();
  else response.writeHead(502, { 'Content-Length': 0 }).end();
}
