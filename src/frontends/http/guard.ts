// A server on loopback is still reachable from every web page its user opens. Three rules keep
// pages out: the `Host` must be one we answer to (a rebound DNS name is not), a state change must
// not come from another origin, and answers are readable by other origins only where they are
// listed.
import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../../model/errors.ts';

export interface GuardRules {
  /** Bound to loopback: only loopback names pass; else every address literal passes too. */
  readonly loopbackOnly: boolean;
  /** Further host names (without port) that are ours. */
  readonly allowedHosts: readonly string[];
  /** Origins (`scheme://host[:port]`) that may read answers and change state; '*' = every one. */
  readonly corsOrigins: readonly string[];
}

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

const HOST = /^(\[[^\]]*\]|[^:[\]]*)(?::\d*)?$/;

/**
 * `example.org:80` → `example.org`, `[::1]:80` → `[::1]`; lower case, without a trailing dot. Text
 * that is no host with a port comes back whole: it is nobody's name.
 */
export function hostName(host: string): string {
  const name = HOST.exec(host)?.[1] ?? host;
  return name.toLowerCase().replace(/\.$/, '');
}

function isLoopbackName(name: string): boolean {
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    (IPV4.test(name) && name.startsWith('127.'))
  );
}

/** Throws AppError forbidden where the Host header names somebody else. */
export function checkHost(rules: GuardRules, host: string | undefined): void {
  // HTTP/1.0 clients may send none; no browser does.
  if (host === undefined || host === '') return;
  const name = hostName(host);
  if (isLoopbackName(name) || rules.allowedHosts.includes(name)) return;
  if (!rules.loopbackOnly && (IPV4.test(name) || /^\[[0-9a-f:.]+\]$/.test(name))) return;
  throw new AppError(
    'forbidden',
    'host-not-allowed',
    `this server does not answer to the host name "${name.slice(0, 255)}"; ` +
      'if it should, start it with --allowed-host NAME',
  );
}

/**
 * Throws AppError invalid where `Host` comes twice: whoever stands before us may have looked at the
 * other one. `rawHeaders` is flat name, value.
 */
export function checkSingleHost(rawHeaders: readonly string[]): void {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === 'host') count++;
  }
  if (count > 1) throw new AppError('invalid', 'host-twice', 'the request has two Host headers');
}

/** A coding below the chunks; where chunked is not the last one, the parser refuses the message. */
const CODED_CHUNKS = /,\s*chunked\s*$/i;

/** Nobody unpacks such a body here, and a proxy may see another one in it. */
export function isCodedChunks(headers: IncomingHttpHeaders): boolean {
  const coding = headers['transfer-encoding'];
  return coding !== undefined && CODED_CHUNKS.test(coding);
}

function isListed(rules: GuardRules, origin: string): boolean {
  return rules.corsOrigins.includes(origin) || rules.corsOrigins.includes('*');
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  const at = origin.indexOf('://');
  return at > 0 && host !== undefined && origin.slice(at + 3).toLowerCase() === host.toLowerCase();
}

/** Throws AppError forbidden where a browser sends a state change from a page of another origin. */
export function checkOrigin(rules: GuardRules, method: string, headers: IncomingHttpHeaders): void {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return;
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  const foreignOrigin = origin !== undefined && !isSameOrigin(origin, headers.host);
  const foreignSite = site === 'cross-site' || site === 'same-site';
  if (!foreignOrigin && !foreignSite) return;
  if (origin !== undefined && isListed(rules, origin)) return;
  throw new AppError(
    'forbidden',
    'origin-not-allowed',
    `a ${method} from a page of another origin (${(origin ?? 'unknown').slice(0, 255)}) is refused; ` +
      'if that page should have access, start the server with --cors-origin ORIGIN',
  );
}

/** Headers that let a listed origin read the answer; none for any other. */
export function corsHeaders(
  rules: GuardRules,
  headers: IncomingHttpHeaders,
): Readonly<Record<string, string>> {
  if (rules.corsOrigins.length === 0) return {};
  const { origin } = headers;
  if (origin === undefined || !isListed(rules, origin)) return { Vary: 'Origin' };
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers': 'Retry-After, X-Influxdb-Version, X-Orrery-Query-Id',
  };
}

/** What a preflight from a listed origin is told in addition. */
export function preflightHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const asked = headers['access-control-request-headers'];
  return {
    'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    ...(typeof asked === 'string' && /^[\w\-, ]{1,1000}$/.test(asked)
      ? { 'Access-Control-Allow-Headers': asked }
      : {}),
    'Access-Control-Max-Age': '600',
  };
}
