// Collects what a request presents; what it is worth is decided in tenancy/.
import type { IncomingMessage } from 'node:http';
import type { Credentials } from '../../tenancy/authenticator.ts';

const TENANT_HEADER = 'x-scope-orgid';
/** Where clients of Warp 10, and of the platform around it, put their token. */
const TOKEN_HEADERS = ['x-warp10-token', 'x-metrics-token', 'x-cityzendata-token'] as const;

export function credentialsOf(request: IncomingMessage): Credentials {
  const tenant = request.headers[TENANT_HEADER];
  const authorization = request.headers.authorization;
  return {
    tenant: Array.isArray(tenant) ? tenant.join(',') : tenant,
    token: authorization === undefined ? headerToken(request) : secretOf(authorization),
  };
}

function headerToken({ headers }: IncomingMessage): string | undefined {
  for (const name of TOKEN_HEADERS) {
    const value = headers[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/** `Bearer S`, `Token S` and the password of `Basic`. */
function secretOf(authorization: string): string | undefined {
  const space = authorization.indexOf(' ');
  const scheme = authorization.slice(0, space).toLowerCase();
  const rest = authorization.slice(space + 1).trim();
  if (scheme === 'bearer' || scheme === 'token') return rest;
  if (scheme !== 'basic') return undefined;
  const pair = Buffer.from(rest, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.slice(colon + 1);
}
