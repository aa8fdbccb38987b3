// Collects what a request presents; what it is worth is decided in tenancy/. Of several places that
// hold a token the first one counts: `Authorization`, headers, the query string where the protocol
// has a place for it there.
import type { IncomingMessage } from 'node:http';
import type { Credentials } from '../../tenancy/authenticator.ts';

const TENANT_HEADER = 'x-scope-orgid';
/** Where clients of Warp 10, and of the platform around it, put their token. */
const TOKEN_HEADERS = ['x-warp10-token', 'x-metrics-token', 'x-cityzendata-token'] as const;

/** A query string, and the parameter in it that may hold a token. */
export interface TokenParameter {
  readonly name: string;
  /** Raw, without the question mark. */
  readonly queryText: string;
}

export function credentialsOf(
  request: IncomingMessage,
  parameter: TokenParameter | undefined,
): Credentials {
  const { headers } = request;
  const tenant = headers[TENANT_HEADER];
  const { authorization } = headers;
  const token = authorization === undefined ? undefined : secretOf(authorization);
  return {
    tenant: Array.isArray(tenant) ? tenant.join(',') : tenant,
    token: token ?? headerToken(request) ?? (parameter && parameterToken(parameter)),
    peer: request.socket.remoteAddress ?? '',
  };
}

function headerToken({ headers }: IncomingMessage): string | undefined {
  for (const name of TOKEN_HEADERS) {
    const value = headers[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

function parameterToken({ name, queryText }: TokenParameter): string | undefined {
  if (!queryText.includes(`${name}=`)) return undefined;
  return new URLSearchParams(queryText).get(name) ?? undefined;
}

/** `Bearer S`, `Token S`, `Token USER:S` and the password of `Basic`. */
function secretOf(authorization: string): string | undefined {
  const space = authorization.indexOf(' ');
  const scheme = authorization.slice(0, space).toLowerCase();
  const rest = authorization.slice(space + 1).trim();
  if (scheme === 'bearer') return rest;
  if (scheme === 'token') return rest.slice(rest.indexOf(':') + 1);
  if (scheme !== 'basic') return undefined;
  const pair = Buffer.from(rest, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.slice(colon + 1);
}
