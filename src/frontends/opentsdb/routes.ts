// OpenTSDB's HTTP API as rows of the route table: native paths and the same under `/opentsdb`.
import type { Exchange } from '../http/exchange.ts';
import { WRITE_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Route } from '../http/route.ts';
import { opentsdbErrors } from './errors.ts';
import type { OpentsdbDependencies } from './put.ts';
import { versionFacts } from './version.ts';
import { lazy } from '../../stdx/lazy.ts';

// Loaded by the first request, not by the start.
const puts = lazy(() => import('./put.ts'));

async function version(exchange: Exchange): Promise<void> {
  exchange.sendJson(200, versionFacts());
}

export function opentsdbRoutes(deps: OpentsdbDependencies): readonly Route[] {
  const common = { prefix: '/opentsdb', errors: opentsdbErrors } as const;
  const paths = ['/api/put', '/api/v1/put'];
  return [
    ...paths.map((path): Route => ({
      ...common,
      method: 'POST',
      path,
      permission: 'write',
      tenantScope: 'tenant',
      bodyLimitBytes: WRITE_BODY_BYTES_MAX,
      handler: async (exchange) => (await puts()).put(deps, exchange),
    })),
    {
      ...common,
      method: 'GET',
      path: '/api/version',
      permission: 'none',
      tenantScope: 'server',
      bodyLimitBytes: 0,
      handler: version,
    },
  ];
}
