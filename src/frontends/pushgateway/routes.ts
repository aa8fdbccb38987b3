// The Pushgateway's API as rows of the route table. `GET /metrics` stays this server's own page,
// and there is nothing to wipe at once.
import { plainErrors } from '../http/errors.ts';
import { SMALL_BODY_BYTES_MAX, WRITE_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Route } from '../http/route.ts';
import type { PushgatewayDependencies } from './dependencies.ts';
import { lazy } from '../../stdx/lazy.ts';

// Loaded by the first request, not by the start.
const push = lazy(() => import('./push.ts'));

export function pushgatewayRoutes(deps: PushgatewayDependencies): readonly Route[] {
  const common = { prefix: '/pushgateway', tenantScope: 'tenant', errors: plainErrors } as const;
  const writing = { ...common, permission: 'write', bodyLimitBytes: WRITE_BODY_BYTES_MAX } as const;
  const groups = ['/metrics/job/:job/*labels', '/metrics/job@base64/:job64/*labels'];
  return [
    ...groups.flatMap((path): Route[] => [
      {
        ...writing,
        method: 'PUT',
        path,
        handler: async (exchange) => (await push()).push(deps, exchange, { isWhole: true }),
      },
      {
        ...writing,
        method: 'POST',
        path,
        handler: async (exchange) => (await push()).push(deps, exchange, { isWhole: false }),
      },
      {
        ...writing,
        bodyLimitBytes: SMALL_BODY_BYTES_MAX,
        method: 'DELETE',
        path,
        handler: async (exchange) => (await push()).remove(deps, exchange),
      },
    ]),
    {
      ...common,
      method: 'GET',
      path: '/api/v1/metrics',
      permission: 'read',
      isWhole: true,
      bodyLimitBytes: 0,
      handler: async (exchange) => (await import('./groups-json.ts')).groups(deps, exchange),
    },
  ];
}
