// The route table is data: one row per method and path says who may call it, how large a body may
// be, whose data it is about and how its protocol words an error. The server enforces the row
// before the handler runs, and tests walk the table, so that a new route is covered by existing.
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../model/errors.ts';
import { isRestricted } from '../../model/tenant.ts';
import type { Needed, Principal } from '../../model/tenant.ts';
import type { Answer } from './answer.ts';
import type { Exchange } from './exchange.ts';

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof METHODS)[number];

/** Words an error as the protocol's clients expect it. `Retry-After` is added by the server. */
export type ErrorShape = (error: AppError, request: IncomingMessage) => Answer;

export type Handler = (exchange: Exchange) => Promise<void>;

export interface Route {
  /** GET answers HEAD too. */
  readonly method: Method;
  /**
   * Absolute, without a trailing slash; a segment `:name` matches one segment of any content, a
   * last segment `*name` all that follow, which may be none and come as they were sent.
   */
  readonly path: string;
  /** The same route also answers under this prefix; '' = only at its native path. */
  readonly prefix: string;
  /**
   * 'none': open to everyone who reached the listener, without naming a tenant. 'any': to whoever
   * may do anything at all.
   */
  readonly permission: Needed | 'none';
  /**
   * 'tenant': sees data of the principal's tenant only. 'server': about the process, no tenant
   * data.
   */
  readonly tenantScope: 'tenant' | 'server';
  /**
   * Shows or changes what belongs to the tenant as a whole and no matcher can narrow: refused to
   * principals that see a part of their tenant only. Default: false.
   */
  readonly isWhole?: boolean;
  /** Largest body, as sent and decompressed; 0 = the route takes none. */
  readonly bodyLimitBytes: number;
  readonly errors: ErrorShape;
  readonly handler: Handler;
  /** Of the query string, where clients of the protocol put their token; default: none. */
  readonly tokenParameter?: string;
}

/** Every path at which a route answers. */
export function routePaths(route: Route): readonly string[] {
  return route.prefix === '' ? [route.path] : [route.path, route.prefix + route.path];
}

/** Throws AppError forbidden where a route is about more than the principal may see. */
export function checkReach(route: Route, principal: Principal): void {
  if (route.isWhole === true) checkSeesWhole(principal);
}

/** Throws AppError forbidden where it sees a part of its tenant only. */
export function checkSeesWhole(principal: Principal): void {
  if (isRestricted(principal))
    throw new AppError(
      'forbidden',
      'restricted-token',
      'this token sees a part of its tenant, and what is here cannot be cut to that part',
    );
}
